"""What a figure of the gallery is: a picture, and numbers that are expected of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from matplotlib.figure import Figure

SURE = 5.0  # standard errors that a number may be off beyond its tolerance


@dataclass(frozen=True)
class Check:
    """One number: what is expected, to which tolerance, and what was found, with its standard error.

    `resolution` is what the sample must be able to see: a fifth of the expected number, unless said otherwise.
    """

    what: str
    expected: float
    tolerance: float
    found: float
    error: float = 0.0
    resolution: float | None = None

    @property
    def verdict(self) -> str:
        """Return "agree", "differ", or "unresolved" where the sample is too small to tell."""
        off, noise = abs(self.found - self.expected), SURE * self.error
        if not math.isfinite(off) or off > self.tolerance + noise:
            return "differ"
        seen = 0.2 * abs(self.expected) if self.resolution is None else self.resolution
        return "agree" if noise <= max(seen, 2.0 * self.tolerance) else "unresolved"

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON of the check."""
        numbers = {key: getattr(self, key) for key in ("expected", "tolerance", "found", "error")}
        finite = {key: value if math.isfinite(value) else None for key, value in numbers.items()}
        return {"what": self.what, **finite, "verdict": self.verdict}


@dataclass(frozen=True)
class Drawn:
    """A finished figure."""

    figure: Figure
    checks: list[Check]
    settings: dict[str, Any] = field(default_factory=dict)  # what was drawn: sizes, replicas, seed


@dataclass(frozen=True)
class Recipe:
    """A figure of the gallery; `draw(quick)` makes it, and `draw(quick, data)` one that trains networks on images."""

    name: str
    title: str
    paper: str
    draw: Callable[..., Drawn]
    trains: bool = False  # on the images that `reslim.training.data.load(data)` reads, with PyTorch
