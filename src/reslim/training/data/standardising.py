"""Pixels in units of the standard deviation of all training pixels."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reslim.training.data.files import refusal

BLOCK = 1024  # images at a time, so that float64 is never needed of all of them
SMALLEST = 1e-15


def moments(images: NDArray[Any]) -> tuple[float, float]:
    """Return the mean and standard deviation of all pixels together, over n; the second must not vanish."""
    mean = float(images.mean(dtype=np.float64))
    squares = sum(float(np.sum(_centred(images[block], mean) ** 2)) for block in _blocks(images))
    std = math.sqrt(squares / images.size) if images.min() < images.max() else 0.0  # where rounding would leave a trace
    if std < SMALLEST:
        raise refusal(f"must hold training pixels whose standard deviation is {SMALLEST:g} or more", f"{std:g}")
    return mean, std


def rows(images: NDArray[Any], mean: float, std: float) -> NDArray[np.float32]:
    """Return (pixel - mean)/std, one image a row."""
    result = np.empty((len(images), images[0].size), dtype=np.float32)
    for block in _blocks(images):
        result[block] = (_centred(images[block], mean) / std).reshape(-1, result.shape[1])
    return result


def _centred(images: NDArray[Any], mean: float) -> NDArray[np.float64]:
    return np.subtract(images, mean, dtype=np.float64)  # of float16 or float32, a plain difference would keep the precision


def _blocks(images: NDArray[Any]) -> Iterator[slice]:
    return (slice(start, start + BLOCK) for start in range(0, len(images), BLOCK))
