"""What is drawn in these tests, and reading it."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.transforms import Bbox

import reslim

INPUTS = np.array([[1.0, 0.0, 0.0, 1.0], [0.0, 1.0, 1.0, 1.0]])


def result(balanced: bool = False, depth: int = 12):
    """Return the prediction and the draws of a small network with two inputs."""
    net = reslim.ResNet(depth=depth, width=30, n_in=4, n_out=3, balanced=balanced)
    quantities = ["log_growth", "active_fraction", "active_energy", "overlap", "output", "log_output_norm"]
    prediction = reslim.predict(net, quantities=quantities, inputs=INPUTS, covariance=True)
    return prediction, reslim.simulate(net, 2000, 1, quantities=quantities, inputs=INPUTS, progress=False)


def line(ax: Axes, label: str) -> Line2D:
    found = [one for one in ax.get_lines() if one.get_label() == label]
    assert found, f"no line {label!r} in {[one.get_label() for one in ax.get_lines()]}"
    return found[0]


def points(ax: Axes, label: str) -> np.ndarray:
    """Return the coordinates of a line, or of the markers of an error bar, shape (2, points)."""
    for container in ax.containers:
        if container.get_label() == label:
            return np.array(container[0].get_data(), dtype=float)
    return np.array(line(ax, label).get_data(), dtype=float)


def half_bars(ax: Axes) -> np.ndarray:
    """Return half the height of every vertical bar of the first error bars, shape (points,)."""
    bars = ax.containers[0][2][0].get_segments()
    return np.array([(bar[1, 1] - bar[0, 1]) / 2.0 for bar in bars])


def entries(ax: Axes) -> list[str]:
    legend = ax.get_legend()
    assert legend is not None
    return [text.get_text() for text in legend.get_texts()]


def assert_nothing_clipped(ax: Axes) -> None:
    """Every label lies inside the figure, and the legend inside its Axes."""
    ax.figure.draw_without_rendering()
    for text in (ax.xaxis.label, ax.yaxis.label, ax.title):
        assert not text.get_text() or _holds(ax.figure.bbox, text.get_window_extent()), text.get_text()
    legend = ax.get_legend()
    if legend is not None:
        assert _holds(ax.get_window_extent(), legend.get_window_extent())


def _holds(outer: Bbox, inner: Bbox) -> bool:
    lower, upper = inner.min - outer.min, outer.max - inner.max
    return bool((lower >= -1.0).all() and (upper >= -1.0).all())
