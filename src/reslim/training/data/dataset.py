"""What training works on: images as rows of standardised pixels, with their classes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.float32]
Labels = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Dataset:
    """Standardised images, one a row, and their classes 0 … classes - 1; both parts in the order of their source.

    Parameters
    ----------
    x_train, x_test
        Shape (m, n_in), standardised by the mean and standard deviation of all training pixels together.
    y_train, y_test
        Shape (m,).
    classes
        Their number; each has at least one training image.
    name
        Of the images, e.g. ``"mnist-5k"``.
    shape
        Of one image before its pixels were put in a row (C order).
    origin
        The package or path that the images came from.
    mean, std
        What was subtracted from the pixels, and what they were then divided by.
    """

    x_train: Pixels = field(repr=False)
    y_train: Labels = field(repr=False)
    x_test: Pixels = field(repr=False)
    y_test: Labels = field(repr=False)
    classes: int
    name: str
    shape: tuple[int, ...]
    origin: str
    mean: float
    std: float

    @property
    def n_in(self) -> int:
        """Return the number of features, the pixels of one image."""
        return self.x_train.shape[1]

    @property
    def chance(self) -> float:
        """Return the accuracy of always the same answer: the share of the largest class among the test images."""
        return float(np.bincount(self.y_test).max() / len(self.y_test))

    def content(self) -> Iterator[bytes]:
        """Yield the bytes of images and labels, for a hash."""
        for array in (self.x_train, self.y_train, self.x_test, self.y_test):
            yield np.ascontiguousarray(array).tobytes()
