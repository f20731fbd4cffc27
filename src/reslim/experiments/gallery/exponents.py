"""How fast the displacement falls with the depth on the identity side, measured and by the law: the critical exponents.

There r is of first order in the branch, r = L^-β times a sum over the layers, and its slope against the depth is the
critical β less β.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from reslim.coupling import Fractional
from reslim.experiments.gallery.marion import GRADIENT, OUTPUT, arrived, net, root_mean_square
from reslim.experiments.gallery.recipe import Check, Drawn
from reslim.plot import style
from reslim.simulation.simulate import simulate
from reslim.spec import ResNet
from reslim.theory.predict import predict

Array = NDArray[np.float64]
BETA, SEED = 1.0, 2
HURSTS = (0.2, 0.5, 0.8)
NAMES = {"output": OUTPUT, "gradient": GRADIENT}
TOLERANCE = 0.03  # of the law, which is of first order in the branch and, of gradients, in 1/n


class Curve(NamedTuple):
    """The root mean square of one displacement against the depth."""

    found: Array
    errors: Array
    law: Array | None


def identity_side(quick: bool) -> Drawn:
    """Draw the root mean square of both displacements against the depth at β = 1, for both blocks, ReLU and tanh, three H."""
    depths, replicas = ((40, 80, 160), 30) if quick else ((125, 250, 500, 1000), 100)
    figure, checks = Figure(figsize=(10, 8), layout="constrained"), []
    kinds = [(block, activation) for block in ("one-matrix", "two-matrix") for activation in ("relu", "tanh")]
    for ax, (block, activation) in zip(figure.subplots(2, 2).ravel(), kinds, strict=True):
        for index, hurst in enumerate(HURSTS):
            nets = [net(depth, BETA, Fractional(hurst)).replace(block=block, activation=activation) for depth in depths]
            for what, curve in _curves(nets, replicas).items():
                _draw(ax, depths, curve, index, f"H = {hurst:g}, {what}", what == "output")
                checks.append(_check(f"{block}, {activation}, H = {hurst:g}, {what}", depths, curve))
        ax.set(xscale="log", yscale="log", xlabel="depth L", ylabel="root mean square of r", title=f"{block}, {activation}")
        ax.set_xticks(depths, [str(depth) for depth in depths])
        ax.minorticks_off()
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    settings = {"width": nets[0].width, "depths": list(depths), "beta": BETA, "replicas": replicas, "seed": SEED}
    return Drawn(figure, checks, settings)


def _curves(nets: list[ResNet], replicas: int) -> dict[str, Curve]:
    names = list(NAMES.values())
    samples = [simulate(one, replicas, SEED, quantities=names, layers="last", progress=False) for one in nets]
    return {what: _curve(nets, [arrived(sample, name) for sample in samples], name) for what, name in NAMES.items()}


def _curve(nets: list[ResNet], draws: list[Array], name: str) -> Curve:
    found, errors = np.array([root_mean_square(each) for each in draws]).T
    return Curve(found, errors, None if nets[0].coupling.is_independent else np.array([_law(one, name) for one in nets]))


def _law(one: ResNet, name: str) -> float:
    """Return the root mean square by the law; of independent weights it is L^-½ times a number, to first order."""
    moments = predict(one, quantities=[name], layers="last")[f"{name}_second_moment"]
    return math.exp(0.5 * float(moments.sel(layer=0 if name == GRADIENT else one.depth).item()))


def _check(what: str, depths: tuple[int, ...], curve: Curve) -> Check:
    """Hold the slope of ln r against ln L, by least squares, against that of the law."""
    x = np.log(depths) - np.mean(np.log(depths))
    weights = x / (x @ x)
    expected = 0.5 - BETA if curve.law is None else float(weights @ np.log(curve.law))
    error = float(np.linalg.norm(weights * curve.errors / curve.found))
    return Check(f"slope of ln r against ln L: {what}", expected, TOLERANCE, float(weights @ np.log(curve.found)), error, 0.3)


def _draw(ax: Axes, depths: tuple[int, ...], curve: Curve, index: int, label: str, filled: bool) -> None:
    """Draw the points with bars of two standard errors, and the law; of independent weights L^-½, which is its slope alone."""
    look, x = style.look(index), np.array(depths, dtype=float)
    markers: dict[str, Any] = look.markers | {"markerfacecolor": look.colour if filled else "white"}
    ax.plot(x, curve.found, label=label, **markers)
    ax.vlines(x, curve.found - 2.0 * curve.errors, curve.found + 2.0 * curve.errors, colors=look.colour)
    slope = np.exp(np.mean(np.log(curve.found * np.sqrt(x)))) / np.sqrt(x)
    ax.plot(x, slope if curve.law is None else curve.law, **look.law)
