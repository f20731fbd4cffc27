"""The laws against exact networks, in a table and a figure: ``make evidence`` writes docs/evidence.md and its figure.

``python -m benchmarks.evidence [--quick] [--out FOLDER]``. Every number is measured in the run.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

import reslim
from reslim import ResNet
from reslim.plot import style
from reslim.provenance import versions

Array = NDArray[np.float64]
WIDTHS = (50, 100, 200, 400, 800)
UNEVEN = (tuple(np.linspace(-0.9, 1.0, 16)), tuple(np.linspace(0.1, 0.8, 16)))
HARMONIC = tuple(1.0 / (layer + 2.0) for layer in range(16))
FIXED = {  # depth 16: name, and everything but the width
    "ReLU, α .8, λ .6": {"skip": 0.8, "branch": 0.6},
    "leaky ReLU(.2), α -.8, λ .6": {"skip": -0.8, "branch": 0.6, "activation": "leaky_relu:0.2"},
    "GELU, α .95, λ .3": {"skip": 0.95, "branch": 0.3, "activation": "gelu"},
    "GELU, λ 1/(l+2)": {"skip": 1.0, "branch": HARMONIC, "activation": "gelu"},
    "SiLU, L^-½": {"skip": 1.0, "branch": 0.25, "activation": "silu"},
    "SiLU, Balanced, α 1, λ .3": {"skip": 1.0, "branch": 0.3, "activation": "silu", "balanced": True},
    "tanh, α -.8, λ .8": {"skip": -0.8, "branch": 0.8, "activation": "tanh"},
    "tanh, uneven, some α < 0": {"skip": UNEVEN[0], "branch": UNEVEN[1], "activation": "tanh"},
    "erf, α 1, λ .4": {"skip": 1.0, "branch": 0.4, "activation": "erf"},
    "identity, α .8, λ .6": {"skip": 0.8, "branch": 0.6, "activation": "identity", "variance": 1.0},
    "tanh, two matrices": {"skip": 1.0, "branch": 0.4, "activation": "tanh", "block": "two-matrix", "variance": (1.0, 1.0)},
    "GELU, two matrices": {"skip": 0.95, "branch": 0.3, "activation": "gelu", "block": "two-matrix", "variance": (1.0, 2.0)},
}
QUANTITIES = ("log_growth", "log_grad_growth", "log_ntk")


@dataclass(frozen=True)
class Cell:
    """variance/law - 1 of a quantity with its standard error, and (mean - law)/deviation with its own."""

    ratio: float
    ratio_error: float
    shift: float
    shift_error: float


def measure(net: ResNet, replicas: int, quantities: Sequence[str] = QUANTITIES) -> dict[str, Cell]:
    """Return the errors of the laws of a network, at the layer where each signal arrives; without those that have no law."""
    asked: dict[str, Any] = {"quantities": quantities, "layers": "last"}
    law = reslim.predict(net, **asked).sel(law="log-gaussian")
    sample = reslim.simulate(net, replicas, 1, draws=False, **asked)
    found = {}
    for name in quantities:
        place = {"layer": sample[name].attrs["layers"][0]} if "layer" in sample[name].dims else {}
        mean, variance = (float(law[name].sel(moment=moment, **place).item()) for moment in ("mean", "variance"))
        values = {
            key: float(sample[name].sel(statistic=key, **place).item()) for key in ("mean", "mean_se", "variance", "variance_se")
        }
        if not math.isnan(variance):
            deviation = math.sqrt(variance)
            found[name] = Cell(
                values["variance"] / variance - 1.0,
                values["variance_se"] / variance,
                (values["mean"] - mean) / deviation,
                values["mean_se"] / deviation,
            )
    return found


def fitted_power(widths: Sequence[int], cells: Sequence[Cell]) -> str:
    """Return s of |error| ~ n^-s with its standard error: a weighted line through the logarithms of what is above 4 of them."""
    seen = [(n, cell) for n, cell in zip(widths, cells, strict=True) if abs(cell.ratio) > 4.0 * cell.ratio_error]
    if len(seen) < min(3, len(widths)) or len({cell.ratio > 0.0 for _, cell in seen}) > 1:
        return "not resolved"
    x, y = np.log([n for n, _ in seen]), np.log([abs(cell.ratio) for _, cell in seen])
    weights = [abs(cell.ratio) / cell.ratio_error for _, cell in seen]
    line, covariance = np.polyfit(x, y, 1, w=weights, cov="unscaled")
    return f"{-line[0]:.2f} ± {math.sqrt(covariance[0, 0]):.2f}"


def fixed_depth(widths: Sequence[int], work: float) -> Iterator[str]:
    """Yield the rows of n × (variance/law - 1) at depth 16, and the power of 1/n by which the error falls."""
    yield f"| network, quantity | {' | '.join(f'n = {n}' for n in widths)} | power of 1/n |"
    yield f"|---|{'---|' * (len(widths) + 1)}"
    for label, fields in FIXED.items():
        table: dict[str, list[Cell]] = {name: [] for name in QUANTITIES}
        for n in widths:
            net = ResNet(**({"depth": 16, "width": n, "n_in": 1, "variance": 2.0} | fields))
            for name, cell in measure(net, int(min(3e6, work / n))).items():
                table[name].append(cell)
        for name, cells in table.items():
            if len(cells) == len(widths):
                entries = [f"{n * cell.ratio:.2f} ± {n * cell.ratio_error:.2f}" for n, cell in zip(widths, cells, strict=True)]
                yield f"| {label}: {name} | {' | '.join(entries)} | {fitted_power(widths, cells)} |"


def fixed_ratio(widths: Sequence[int], shares: Sequence[float], work: float) -> Iterator[str]:
    """Yield the rows of vanilla ReLU networks whose depth grows with the width."""
    yield f"| r, d/n, quantity | {' | '.join(f'n = {n}' for n in widths)} |"
    yield f"|---|{'---|' * len(widths)}"
    for r in shares:
        for ratio in (0.25, 1.0, 2.0):
            table: dict[str, list[str]] = {name: [] for name in QUANTITIES[:2]}
            for n in widths:
                cells = measure(of_share(n, round(ratio * n), r), max(200, int(work / (ratio * n**2))), QUANTITIES[:2])
                for name, cell in cells.items():
                    table[name].append(
                        f"{n * cell.ratio:.1f} ± {n * cell.ratio_error:.1f}, {cell.shift:+.3f} ± {cell.shift_error:.3f}"
                    )
            for name, entries in table.items():
                yield f"| {r:g}, {ratio:g}: {name} | {' | '.join(entries)} |"


def of_share(n: int, d: int, r: float, **fields: Any) -> ResNet:
    """Return a ReLU network with S = 1 and the branch's share r."""
    return ResNet(depth=d, width=n, n_in=1, skip=math.sqrt(1.0 - r), branch=math.sqrt(r), variance=2.0, **fields)


def figure(width: int, replicas: int) -> Figure:
    """Draw the variance of the gradient's logarithm against d/n: vanilla and Balanced networks, and their laws."""
    picture = Figure(figsize=(6.4, 4.2), layout="constrained")
    ax = picture.subplots()
    ratios = np.array([0.125, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0])
    for balanced, place in ((False, 0), (True, 1)):
        look, name = style.look(place), "Balanced" if balanced else "vanilla"
        nets = [of_share(width, round(ratio * width), 0.5, balanced=balanced) for ratio in ratios]
        law = [float(reslim.predict(net, quantities=["log_grad_growth"], layers=[0]).log_grad_growth[0, 1, 0, 0]) for net in nets]
        points = [reslim.simulate(net, replicas, 2, quantities=["log_grad_growth"], layers=[0], draws=False) for net in nets]
        values, errors = (
            [float(point.log_grad_growth.sel(statistic=key).item()) for point in points] for key in ("variance", "variance_se")
        )
        ax.plot([0.0, *ratios], [0.0, *law], label=style.named("law of the gradient", name), **look.law)
        label = style.named("networks, ±2 standard errors", name)
        ax.errorbar(ratios, values, yerr=2.0 * np.array(errors), label=label, capsize=3, **look.markers)
    forward = [
        float(
            reslim.predict(of_share(width, round(ratio * width), 0.5), quantities=["log_growth"], layers="last").log_growth[
                0, 1, 0, 0
            ]
        )
        for ratio in ratios
    ]
    ax.plot([0.0, *ratios], [0.0, *forward], label="vanilla: law of the state", **style.GAUSSIAN)
    ax.set(xlabel="depth / width", ylabel="variance of ln(|$p_0$|²/|$p_d$|²)", xlim=(0.0, 2.05), ylim=(0.0, None))
    ax.set_title(f"ReLU, r = ½, n = {width}, {replicas:,} networks a point", fontsize=10)
    ax.legend(fontsize=8, frameon=False)
    return picture


def page(widths: Sequence[int], work: float) -> str:
    """Return the page."""
    return "\n".join(
        [
            "# The laws against exact networks",
            "",
            f"Written by `make evidence` ({versions()}). Entries: n × (variance/law - 1) ± one standard error;",
            "where a law of first order is right this tends to a constant. The last column is s of a fit c n^-s to the row,",
            "where at least three of its errors exceed four standard errors. One seed:",
            "the rows of a column share much of their noise.",
            "",
            "![Variance of the gradient's logarithm against depth over width](gradient-variance.png)",
            "",
            "## Depth 16, every activation",
            "",
            *fixed_depth(widths, work),
            "",
            "log_growth at the last layer, log_grad_growth at the first; a row is left out where a width has no law.",
            "",
            "## Depth over width fixed, vanilla ReLU",
            "",
            "Behind the comma: (mean - law)/standard deviation.",
            "",
            *fixed_ratio(widths, (0.2, 0.5, 0.8), 10.0 * work),
            "",
        ]
    )


def main() -> None:
    """Write page and figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small widths and few networks")
    parser.add_argument("--out", type=Path, default=Path("docs"))
    options = parser.parse_args()
    widths, work = (WIDTHS[:2], 2e6) if options.quick else (WIDTHS, 1e8)
    options.out.mkdir(parents=True, exist_ok=True)
    figure(50 if options.quick else 200, 500 if options.quick else 20_000).savefig(options.out / "gradient-variance.png", dpi=150)
    (options.out / "evidence.md").write_text(page(widths, work), encoding="utf-8")


if __name__ == "__main__":
    main()
