"""What every picture has in common: the Axes, the styles of the series, the legend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

LAW_LABEL = "log-Gaussian law"
GAUSSIAN_LABEL = "infinite width"
LAW: dict[str, Any] = {"color": "#0b3c6f", "linestyle": "-", "linewidth": 1.8}
GAUSSIAN: dict[str, Any] = {"color": "#111111", "linestyle": (0, (1.2, 1.4)), "linewidth": 1.8, "zorder": 2.5}


@dataclass(frozen=True)
class Look:
    """How one network is drawn: its draws as markers with a band, its law as a line."""

    colour: str
    marker: str
    filled: bool
    line: str | tuple[int, tuple[int, ...]]

    @property
    def markers(self) -> dict[str, Any]:
        """Keyword arguments of markers without a line."""
        face = self.colour if self.filled else "white"
        return {"color": self.colour, "marker": self.marker, "markersize": 4.5, "markerfacecolor": face, "linestyle": "none"}

    @property
    def law(self) -> dict[str, Any]:
        """Keyword arguments of the law's line."""
        return {"color": self.colour, "linestyle": self.line, "linewidth": 1.6}


LOOKS = (
    Look("#0b3c6f", "o", True, "-"),
    Look("#b8550f", "s", False, (0, (7, 2))),
    Look("#2f7d4f", "^", True, (0, (5, 1, 1, 1))),
    Look("#555555", "D", False, (0, (3, 1))),
)


def look(index: int) -> Look:
    """Return the look of the network number `index` in a picture."""
    return LOOKS[index % len(LOOKS)]


def axes(ax: Axes | None) -> Axes:
    """Return `ax`, or the Axes of a new pyplot figure."""
    if ax is not None:
        return ax
    from matplotlib import pyplot  # chooses a backend, which those who give an Axes do not need

    return pyplot.subplots(layout="constrained")[1]


def named(series: str, network: str) -> str:
    """Return the legend's text for a series of a network: ``Balanced: law``."""
    return f"{network}: {series}" if network else series


def legend(ax: Axes) -> None:
    """Explain the series, each label once, where there is more than one."""
    named = _entries(ax)
    if len(named) > 1:
        ax.legend(list(named.values()), list(named), framealpha=0.9)


def legend_above(ax: Axes) -> None:
    """Explain the series, and leave room for the legend above the data, which a legend in the middle would hide."""
    share = 0.02 + 0.07 * len(_entries(ax))  # of the height, at three inches
    ax.autoscale(axis="y")  # what an earlier call left free is free again
    bottom, top = ax.get_ylim()
    ax.set_ylim(bottom, top + share / (1.0 - share) * (top - bottom))
    legend(ax)


def _entries(ax: Axes) -> dict[str, Any]:
    handles, labels = ax.get_legend_handles_labels()
    return dict(zip(labels, handles, strict=True))


def edges(places: ArrayLike) -> NDArray[np.float64]:
    """Return the borders between cells: half-way between neighbouring places."""
    centres = np.asarray(places, dtype=np.float64)
    if centres.size == 1:
        return centres[0] + np.array([-0.5, 0.5])
    middles = 0.5 * (centres[1:] + centres[:-1])
    return np.concatenate([[2 * centres[0] - middles[0]], middles, [2 * centres[-1] - middles[-1]]])
