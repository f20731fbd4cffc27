"""The inputs of a network: checked once, as a float64 array of shape (m, n_in)."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reslim.errors import BadKind, BadValue, Verbatim

Array = NDArray[np.float64]
SMALLEST, LARGEST = 1e-50, 1e50


def resolve(call: str, inputs: ArrayLike | None, n_in: int) -> Array:
    """Return the inputs as an array of shape (m, n_in); None is one generic input with |x|² = n_in."""
    if inputs is None:
        return np.ones((1, n_in))
    try:
        given = np.asarray(inputs)
    except (TypeError, ValueError):  # rows of different lengths
        given = np.asarray(None)
    if given.dtype.kind not in "biuf":
        raise BadKind(call, "inputs", f"must be an array of numbers of shape (m, {n_in})", inputs)
    x = np.asarray(given, dtype=np.float64)
    if x.ndim != 2 or x.shape[1] != n_in or x.shape[0] == 0:
        hint = f"Set n_in={x.shape[1]} in the network." if x.ndim == 2 and x.shape[0] and x.shape[1] else ""
        if x.ndim == 1:
            hint = "One input is a row: inputs[None, :]."
        raise BadValue(call, "inputs", f"must have the shape (m, {n_in})", Verbatim(f"the shape {x.shape}"), hint)
    if not np.isfinite(x).all():
        row = int(np.flatnonzero(~np.isfinite(x).all(axis=1))[0])
        raise BadValue(call, "inputs", "must be finite", Verbatim(f"NaN or infinity in row {row}"))
    for row, size in enumerate(np.abs(x).max(axis=1)):
        if size == 0.0:
            got = Verbatim(f"an all-zero row {row}")
            raise BadValue(call, "inputs", "must not be zero: z_0 = 0 makes every logarithm minus infinity", got)
        if not SMALLEST <= size <= LARGEST:
            raise BadValue(call, "inputs", f"must be of magnitude {SMALLEST:g} to {LARGEST:g}", float(size))
    return np.ascontiguousarray(x)


def mean_squares(x: Array) -> Array:
    """Return |x|²/n_in of each input, shape (m,)."""
    return np.mean(x * x, axis=1)


def cosines(x: Array) -> Array:
    """Return the cosines between the inputs, shape (m, m)."""
    directions = x / np.sqrt(np.sum(x * x, axis=1, keepdims=True))
    found = np.clip(directions @ directions.T, -1.0, 1.0)
    np.fill_diagonal(found, 1.0)
    return found


def digest(x: Array) -> str:
    """Return a fingerprint of the inputs, by which a law and a sample are known to be about the same ones."""
    return hashlib.sha256(repr(x.shape).encode() + x.tobytes()).hexdigest()[:16]
