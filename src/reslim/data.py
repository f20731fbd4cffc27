"""Data that come with installed packages: the 8 × 8 handwritten digits of scikit-learn. Nothing is downloaded."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from reslim.errors import BadKind, BadValue


def digits(indices: Sequence[int]) -> NDArray[np.float64]:
    """Return digits by their index as rows of 64 grey levels from 0 to 16, shape (m, 64).

    >>> digits([0, 1]).shape
    (2, 64)
    """
    images, _ = every_digit()
    return images[_checked(indices, len(images))].copy()


def digit_labels(indices: Sequence[int]) -> NDArray[np.int64]:
    """Return which digit, 0 to 9, each of these images shows, shape (m,).

    >>> digit_labels([0, 1]).tolist()
    [0, 1]
    """
    _, labels = every_digit()
    return labels[_checked(indices, len(labels))].copy()


@cache
def every_digit() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return all 1 797 images, shape (1797, 64), and which digits they show; neither array can be written to."""
    try:
        from sklearn.datasets import load_digits
    except ModuleNotFoundError:
        raise ModuleNotFoundError('the digits need scikit-learn: pip install "reslim[demo]"', name="sklearn") from None
    images, labels = load_digits(return_X_y=True)
    found = np.asarray(images, dtype=np.float64), np.asarray(labels, dtype=np.int64)
    for array in found:
        array.setflags(write=False)
    return found


def _checked(indices: Sequence[int], count: int) -> NDArray[np.int64]:
    chosen = np.asarray(indices)
    if chosen.ndim != 1 or chosen.size == 0 or chosen.dtype.kind not in "iu":
        raise BadKind("digits", "indices", "must be a list of integers", indices)
    wrong = chosen[(chosen < 0) | (chosen >= count)]
    if wrong.size:
        raise BadValue("digits", "indices", f"must lie between 0 and {count - 1}", int(wrong[0]))
    return chosen.astype(np.int64)
