"""What rough weights do to one-matrix blocks: for H < ½ the state contracts, and its active units die out.

To second order in the branch, V_k φ'(z) V_j φ(z) with correlated V_k and V_j moves a ReLU state by c φ(z) in the mean, with
c = (v/n) Σ_{j<k} λ² ρ_jk (`identity_side.drift`), and 2 (z_L - z_0)·z_0/|z_0|² has the mean c: less than 0 where H < ½.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from reslim.coupling import Fractional
from reslim.experiments.gallery.marion import net
from reslim.experiments.gallery.recipe import Check, Drawn
from reslim.plot import style
from reslim.simulation.simulate import simulate
from reslim.spec import ResNet
from reslim.theory import identity_side

Array = NDArray[np.float64]
WIDTH, SEED = 10, 3
HURSTS, BETAS = (0.1, 0.2, 0.3), (0.4, 0.5, 0.6)
NEXT_ORDER = 0.15  # of the drift, and as much of r²: what the next order adds, at most
ROUGHEST, LARGE, NONE_LEFT = 0.1, 0.1, 0.01  # H, β and the share of the energy where the units have died out


def collapse(quick: bool) -> Drawn:
    """Draw the contraction against β beside its law, and the energy that the last block passes against the depth."""
    depth, draws, hursts = (100, 2_000, HURSTS[:2]) if quick else (400, 4_000, HURSTS)
    depths, few = ((25, 100, 500), 10) if quick else ((50, 100, 200, 400, 800, 1600), 50)
    figure = Figure(figsize=(10.5, 4.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    checks = [check for index, hurst in enumerate(hursts) for check in _contraction(left, index, hurst, depth, draws)]
    checks += _energy(right, depths, few)
    left.set(
        yscale="log", xlabel="β", ylabel="−2 (z_L − z_0)·z_0/|z_0|², mean", title=f"L = {depth}, n = {WIDTH}; lines: second order"
    )
    right.set(xscale="log", xlabel="depth L", ylabel="|φ(z)|²/|z|² in the last block, mean", title=f"H = {ROUGHEST}, n = {WIDTH}")
    for ax in (left, right):
        style.legend(ax)
    settings = {"width": WIDTH, "depth": depth, "draws": draws, "depths": list(depths), "few": few, "seed": SEED}
    return Drawn(figure, checks, settings)


def _net(depth: int, beta: float, hurst: float) -> ResNet:
    return net(depth, beta, Fractional(hurst), WIDTH).replace(block="one-matrix")


def _contraction(ax: Axes, index: int, hurst: float, depth: int, draws: int) -> list[Check]:
    """Hold the mean of |z_L|²/|z_0|² - 1 - r² against the drift."""
    nets = [_net(depth, beta, hurst) for beta in BETAS]
    law = np.array([identity_side.drift(one)[-1] for one in nets])
    found, errors, squares = np.array([_moved(one, draws) for one in nets]).T
    look = style.look(index)
    ax.plot(BETAS, -found, label=f"H = {hurst:g}", **look.markers)
    ax.vlines(BETAS, -found - 2.0 * errors, -found + 2.0 * errors, colors=look.colour)
    ax.plot(BETAS, -law, **look.law)
    return [
        Check(f"contraction, H = {hurst:g}, β = {beta:g}", *numbers, resolution=0.5 * abs(numbers[0]))
        for beta, *numbers in zip(BETAS, law, NEXT_ORDER * (squares - law), found, errors, strict=True)
    ]


def _moved(one: ResNet, draws: int) -> tuple[float, float, float]:
    """Return the mean of 2 (z_L - z_0)·z_0/|z_0|² with its standard error, and that of r²."""
    sample = simulate(one, draws, SEED, quantities=["log_growth", "log_displacement"], layers="last", progress=False)
    growth, r = (np.exp(sample[name].values.ravel()) for name in ("log_growth", "log_displacement"))
    along = growth - 1.0 - r**2
    return float(along.mean()), float(along.std(ddof=1) / math.sqrt(draws)), float(np.mean(r**2))


def _energy(ax: Axes, depths: tuple[int, ...], draws: int) -> list[Check]:
    """Hold the share of the energy that the deepest network's last block passes against 0."""
    checks = []
    for index, beta in enumerate((LARGE, 0.2, 0.3, 0.5)):
        shares = np.array([_share(_net(depth, beta, ROUGHEST), draws) for depth in depths])
        look = style.look(index)
        markers: dict[str, Any] = look.markers | {"linestyle": look.line}
        ax.plot(depths, shares.mean(axis=1), label=f"β = {beta:g}", **markers)
        if beta == LARGE:
            error = float(shares[-1].std(ddof=1) / math.sqrt(draws))
            what = f"energy passed in the last block, H = {ROUGHEST:g}, β = {beta:g}, L = {depths[-1]}"
            checks = [Check(what, 0.0, NONE_LEFT, float(shares[-1].mean()), error, NONE_LEFT)]
    ax.set_ylim(bottom=0.0)
    return checks


def _share(one: ResNet, draws: int) -> Array:
    sample = simulate(one, draws, SEED, quantities=["active_energy"], layers="last", progress=False)
    return sample["active_energy"].values.ravel()
