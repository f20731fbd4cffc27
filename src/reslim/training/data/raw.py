"""Images and labels as a source holds them, before anything is checked, split or standardised."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Part(NamedTuple):
    """Images of shape (m, …) and their labels, row by row."""

    images: NDArray[Any]
    labels: NDArray[Any]

    def take(self, rows: NDArray[np.int64]) -> Part:
        """Return these rows."""
        return Part(self.images[rows], self.labels[rows])


class Raw(NamedTuple):
    """The training part and the test part of a source; without an official test part, all images are in `train`."""

    name: str
    origin: str
    train: Part
    test: Part | None = None
