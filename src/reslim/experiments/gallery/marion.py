"""The figures 1 to 6 of Marion, Fermanian, Biau, Vert: two ReLU matrices a block, α = 1, branches scaled by L^-β."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy import stats

from reslim.coupling import Coupling, Fractional, Independent, Smooth
from reslim.experiments.gallery.recipe import Check, Drawn
from reslim.plot import style
from reslim.simulation import across_depth
from reslim.simulation.simulate import simulate, simulate_together
from reslim.spec import ResNet
from reslim.theory.predict import predict

Array = NDArray[np.float64]
WIDTH, DEEPEST, SEED = 40, 1000, 1
KOLMOGOROV = math.sqrt(0.5 * math.pi) * math.log(2.0), 0.2603  # mean and deviation of Kolmogorov's law
LIMIT_ERROR = 0.005  # of the normal law at a depth of 1000, as a distance
DEPTHS = tuple(range(10, DEEPEST + 1, 110))
FEW_DEPTHS = DEPTHS[::3]
OUTPUT, GRADIENT = "log_displacement", "log_grad_displacement"
LABELS = {OUTPUT: "|h_L − h_0|/|h_0|", GRADIENT: "|p_0 − p_L|/|p_L|"}


def net(depth: int, beta: float, coupling: Coupling, width: int = WIDTH) -> ResNet:
    """Return the paper's network; entries are Gaussian, so that it can be drawn without matrices."""
    return ResNet.marion(depth=depth, width=width, beta=beta, coupling=coupling, entries="gaussian")


def arrived(sample: xr.Dataset, name: str) -> Array:
    """Return the draws of a quantity where its signal arrives."""
    layer = 0 if name == GRADIENT else sample["layer"].values.max()
    return sample[name].sel(layer=layer, input=0).values


def _curves(coupling: Coupling, depths: Sequence[int], betas: Sequence[float], replicas: int) -> dict[tuple[str, float], Array]:
    """Return the draws (depth, replica) of both quantities."""
    found: dict[tuple[str, float], list[Array]] = {(name, beta): [] for name in LABELS for beta in betas}
    for depth in depths:
        nets = [net(depth, beta, coupling) for beta in betas]
        drawn = simulate_together(nets, replicas, SEED, quantities=list(LABELS), progress=True)
        for beta, sample in zip(betas, drawn, strict=True):
            for name in LABELS:
                found[name, beta].append(arrived(sample, name))
    return {key: np.array(draws) for key, draws in found.items()}


def _draw_curves(
    panels: Iterable[Axes], curves: dict[tuple[str, float], Array], depths: Sequence[int], betas: Sequence[float], title: str
) -> None:
    """Draw median and the middle half against the depth, on logarithmic axes."""
    for ax, name in zip(panels, LABELS, strict=True):
        for index, beta in enumerate(betas):
            look = style.look(index)
            low, middle, high = np.quantile(curves[name, beta], [0.25, 0.5, 0.75], axis=1)
            ax.plot(depths, np.exp(middle), label=f"β = {beta:g}", **look.markers | {"linestyle": look.line, "linewidth": 1.2})
            ax.fill_between(depths, np.exp(low), np.exp(high), color=look.colour, alpha=0.2, linewidth=0)
        ax.set(yscale="log", xlabel="depth L", ylabel=LABELS[name], title=title)
        style.legend(ax)


def root_mean_square(draws: Array) -> tuple[float, float]:
    """Return √(mean r²) of ln r, and its standard error."""
    squares = np.exp(2.0 * draws)
    mean = float(squares.mean())
    return math.sqrt(mean), float(squares.std(ddof=1) / math.sqrt(len(squares)) / (2.0 * math.sqrt(mean)))


def independent(quick: bool) -> Drawn:
    """Draw |h_L - h_0|/|h_0| and that of the gradient against the depth, for independent weights."""
    betas, replicas, many = (1.0, 0.5, 0.25), 50, 2_000 if quick else 40_000
    depths = FEW_DEPTHS if quick else DEPTHS
    curves = _curves(Independent(), depths, betas, replicas)
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    _draw_curves(figure.subplots(1, 2), curves, depths, betas, f"independent weights, width {WIDTH}")
    checks = []
    for beta, rounding in ((0.5, 5e-4), (1.0, 5e-5), (0.25, 5.0)):
        sample = simulate(net(DEEPEST, beta, Independent()), many, SEED, quantities=[OUTPUT], layers="last")
        draws = arrived(sample, OUTPUT)
        exact = math.sqrt(math.expm1(DEEPEST * math.log1p(0.5 * DEEPEST ** (-2.0 * beta))))
        checks.append(Check(f"root mean square of r at β = {beta:g}, L = 1000", exact, rounding, *root_mean_square(draws)))
        if beta == 0.25:  # far from the start the displacement is the growth, whose logarithm is normal
            law = predict(net(DEEPEST, beta, Independent()), quantities=["log_growth"], layers="last").log_growth
            median = math.exp(0.5 * float(law.sel(law="log-gaussian", moment="mean").item()))
            found = float(np.exp(np.median(draws)))
            error = found * math.sqrt(0.5 * math.pi / many) * float(draws.std())
            checks.append(Check("median of r at β = 0.25, L = 1000", median, 0.01 * median, found, error))
    return Drawn(figure, checks, {"width": WIDTH, "depths": depths, "replicas": replicas, "checked": many, "seed": SEED})


def diffusion(quick: bool) -> Drawn:
    """Draw the densities of |h_L|/|h_0| and |p_0|/|p_L| at β = ½, with the law of the limit."""
    width, replicas = 100, 2_000 if quick else 10_000
    names = {"log_growth": "|h_L|/|h_0|", "log_grad_growth": "|p_0|/|p_L|"}
    sample = simulate(net(DEEPEST, 0.5, Independent(), width), replicas, SEED, quantities=list(names), layers="last")
    mean, variance = 0.25 - 0.5 / width, 0.5 / width  # of ln R, half of ln R²: the stochastic differential equation
    figure, checks = Figure(figsize=(10, 4.2), layout="constrained"), []
    for ax, (name, label) in zip(figure.subplots(1, 2), names.items(), strict=True):
        last = 0 if name == "log_grad_growth" else DEEPEST
        logs = 0.5 * sample[name].sel(layer=last, input=0).values
        ax.hist(np.exp(logs), bins=60, density=True, color="#c9d3df", edgecolor="#7d8fa3", linewidth=0.4, label="networks")
        x = np.exp(np.linspace(logs.min(), logs.max(), 300))
        ax.plot(x, stats.lognorm.pdf(x, math.sqrt(variance), scale=math.exp(mean)), label="limit L → ∞", **style.LAW)
        ax.set(xlabel=label, ylabel="density", title=f"β = ½, L = {DEEPEST}, width {width}")
        style.legend(ax)
        deviation = float(logs.std(ddof=1))
        checks.append(Check(f"mean of ln {label}", 0.2450, 0.0015, float(logs.mean()), deviation / math.sqrt(replicas)))
        checks.append(Check(f"deviation of ln {label}", 0.0707, 0.0015, deviation, deviation / math.sqrt(2.0 * replicas)))
        checks.append(_normality(f"Kolmogorov distance of ln {label} to the normal law of the limit", logs, mean, variance))
    return Drawn(figure, checks, {"width": width, "depth": DEEPEST, "replicas": replicas, "seed": SEED})


def _normality(what: str, draws: Array, mean: float, variance: float) -> Check:
    """Hold the distance of the draws to a law against that of as many draws of the law itself: 0.87/√N on the average."""
    found = float(stats.kstest(draws, stats.norm(mean, math.sqrt(variance)).cdf).statistic)
    root = math.sqrt(len(draws))
    return Check(what, KOLMOGOROV[0] / root, LIMIT_ERROR, found, KOLMOGOROV[1] / root, resolution=0.05)


def smooth(quick: bool) -> Drawn:
    """Draw both quantities against the depth for weights that are smooth across it."""
    betas, replicas = (2.0, 1.0, 0.5), 25 if quick else 200
    depths = FEW_DEPTHS if quick else DEPTHS
    figure, checks = Figure(figsize=(10, 8), layout="constrained"), []
    expected = {"process": (0.301, 8.0), "increments": (0.199, 6.3)}  # r at β = 1; log₁₀ of it at β = ½, roughly
    for row, (kind, (level, power)) in zip(figure.subplots(2, 2), expected.items(), strict=True):
        curves = _curves(Smooth(0.1, kind), depths, betas, replicas)  # type: ignore[arg-type]
        _draw_curves(row, curves, depths, betas, f"smooth weights ({kind}), width {WIDTH}")
        found, error = root_mean_square(curves[OUTPUT, 1.0][-1])
        checks.append(Check(f"{kind}: root mean square of r at β = 1, L = 1000", level, 0.01, found, error))
        found, error = root_mean_square(curves[OUTPUT, 0.5][-1])
        what = f"{kind}: log₁₀ of the root mean square of r at β = 0.5, L = 1000"
        checks.append(Check(what, power, 0.5, math.log10(found), error / found / math.log(10.0)))
    settings = {"width": WIDTH, "depths": depths, "replicas": replicas, "length": 0.1, "seed": SEED}
    return Drawn(figure, checks, settings)


def paths(quick: bool) -> Drawn:
    """Draw paths of fractional Brownian motion, whose increments are the weights across depth."""
    hursts, count = (0.2, 0.5, 0.8), 5_000 if quick else 40_000
    figure, checks = Figure(figsize=(10, 3.2), layout="constrained"), []
    time = np.arange(DEEPEST + 1) / DEEPEST
    for ax, hurst in zip(figure.subplots(1, 3), hursts, strict=True):
        series = np.empty((DEEPEST, count))
        across_depth.sampler(Fractional(hurst), DEEPEST).draw(np.random.default_rng(SEED), series)
        motion = np.concatenate([np.zeros((1, count)), np.cumsum(series, axis=0)]) / DEEPEST**hurst
        for index in range(3):
            ax.plot(time, motion[:, index], color=style.look(index).colour, linewidth=0.8)
        ax.set(xlabel="layer/L", ylabel="motion", title=f"H = {hurst:g}")
        slope, error = _scaling(motion)
        checks.append(Check(f"H of the paths with H = {hurst:g}", hurst, 0.005, slope, error))
    return Drawn(figure, checks, {"depth": DEEPEST, "paths": count, "seed": SEED})


def _scaling(motion: Array) -> tuple[float, float]:
    """Return half the slope of ln E B(t)² against ln t, with its error, from the paths at t = 1/10 and 1."""
    early, late = motion[DEEPEST // 10] ** 2, motion[DEEPEST] ** 2
    slope = 0.5 * math.log(late.mean() / early.mean()) / math.log(10.0)
    relative = math.hypot(*(float(each.std() / each.mean()) for each in (early, late))) / math.sqrt(motion.shape[1])
    return slope, 0.5 * relative / math.log(10.0)
