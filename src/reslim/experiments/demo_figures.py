"""The demonstration's figures: arrangements of the plots of `reslim.plot`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl
from matplotlib.figure import Figure

from reslim import plot, results

if TYPE_CHECKING:
    from reslim.experiments.demo import Measurement

FONT = 9
DPI = 130
SHOWN_LAYERS = 32  # beyond it the band between layers is too thin to see


def interlayer_depth(depths: Sequence[int]) -> int:
    """Return the depth whose layers' correlations are drawn."""
    return max((depth for depth in depths if depth <= SHOWN_LAYERS), default=min(depths))


def draw(measured: Sequence[Measurement], out: Path) -> list[Path]:
    """Write every figure into the folder and return their paths."""
    figures: dict[Callable[[Sequence[Measurement]], Figure], tuple[str, ...]] = {
        _output: ("output.png",),
        _variance: ("variance.png",),
        _hypoactivation: ("hypoactivation.png",),
        _interlayer: ("interlayer.png",),
        _overlap: ("overlap.png",),
        _overview: ("overview.png", "overview.svg"),
    }
    with mpl.rc_context({"font.size": FONT, "legend.fontsize": FONT - 1, "hatch.linewidth": 0.5, "svg.hashsalt": "reslim"}):
        drawn = [(make(measured), names) for make, names in figures.items()]
        return [_write(figure, out / name) for figure, names in drawn for name in names]


def _write(figure: Figure, path: Path) -> Path:
    metadata = {"Date": None} if path.suffix == ".svg" else None  # the same picture is the same file
    return results.write_atomically(path, lambda temporary: figure.savefig(temporary, dpi=DPI, metadata=metadata))


def _deepest(measured: Sequence[Measurement]) -> list[Measurement]:
    """Return the deepest network of each kind, vanilla first."""
    return _of_depth(measured, max(measurement.net.depth for measurement in measured))


def _of_depth(measured: Sequence[Measurement], depth: int) -> list[Measurement]:
    return [measurement for measurement in measured if measurement.net.depth == depth]


def _kind(measurement: Measurement) -> str:
    return "Balanced" if measurement.net.balanced else "vanilla"


def _title(measurement: Measurement) -> str:
    return f"{_kind(measurement)}, depth {measurement.net.depth}, width {measurement.net.width}"


def _output(measured: Sequence[Measurement]) -> Figure:
    """Return Figure 1 of the paper: the norm and one coordinate of the output."""
    figure = Figure(figsize=(10, 7.2), layout="constrained")
    for row, measurement in zip(figure.subplots(2, 2), _deepest(measured), strict=True):
        for ax, quantity in zip(row, ("log_output_norm", "output"), strict=True):
            plot.density(measurement.sample, measurement.prediction, quantity=quantity, ax=ax)
            ax.set_title(f"{_title(measurement)}: a digit {measurement.labels[0]}")
    return figure


def _variance(measured: Sequence[Measurement]) -> Figure:
    figure = Figure(figsize=(6.4, 4.4), layout="constrained")
    ax = plot.depth_over_width([(m.prediction, m.summary) for m in measured], ax=figure.subplots())
    ax.set_title(f"width {measured[0].net.width}")
    return figure


def _hypoactivation(measured: Sequence[Measurement]) -> Figure:
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    for ax, quantity in zip(figure.subplots(1, 2), ("active_fraction", "active_energy"), strict=True):
        for m in _deepest(measured):
            plot.layers(m.summary, m.prediction, quantity=quantity, label=_kind(m), ax=ax)
        ax.set_title(f"width {measured[0].net.width}")
    return figure


def _interlayer(measured: Sequence[Measurement]) -> Figure:
    chosen = _of_depth(measured, interlayer_depth([m.net.depth for m in measured]))
    figure = Figure(figsize=(9.2, 7.6), layout="constrained")
    for row, measurement in zip(figure.subplots(2, 2), chosen, strict=True):
        for ax, result, name in zip(row, (measurement.summary, measurement.prediction), ("simulated", "law"), strict=True):
            plot.interlayer(result, ax=ax)
            ax.set_title(f"{_title(measurement)}: {name}")
    return figure


def _overlap(measured: Sequence[Measurement]) -> Figure:
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    for ax, measurement in zip(figure.subplots(1, 2, sharey=True), _deepest(measured), strict=True):
        plot.overlap(measurement.summary, measurement.prediction, ax=ax)
        ax.set_title(f"{_title(measurement)}: digits {measurement.labels[0]} and {measurement.labels[1]}")
        ax.label_outer()
    return figure


def _overview(measured: Sequence[Measurement]) -> Figure:
    """Return the two panels that say most, for the README."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    vanilla = _deepest(measured)[0]
    plot.density(vanilla.sample, vanilla.prediction, quantity="log_output_norm", ax=left)
    left.set_title(f"{_title(vanilla)}: a digit {vanilla.labels[0]}")
    plot.depth_over_width([(m.prediction, m.summary) for m in measured], ax=right)
    right.set_title(f"width {vanilla.net.width}")
    return figure
