"""Stacks of weights: their checks, and random projections of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reslim import checks
from reslim.errors import BadKind, BadValue, Verbatim

Array = NDArray[np.float64]


def stack(call: str, name: str, value: object, shallowest: int) -> NDArray[np.floating]:
    """Return a stack of finite weights, shape (depth, …), in the precision that it has; integers become float64."""
    try:
        weights = np.asarray(value)
    except (TypeError, ValueError, RuntimeError):  # ragged lists; tensors of PyTorch on a device, with a gradient or in bfloat16
        hint = "Of a tensor, pass tensor.detach().float().cpu().numpy()."
        raise BadKind(call, name, "must be an array (depth, …)", Verbatim(type(value).__name__), hint) from None
    if weights.ndim == 0 or weights.dtype.kind not in "fiu":
        raise BadKind(call, name, "must be an array (depth, …) of real numbers", Verbatim(_kind(value, weights)))
    if len(weights) < shallowest:
        raise BadValue(call, name, f"must have a depth, the length of its first axis, of at least {shallowest}", len(weights))
    if not weights.size:
        raise BadValue(call, name, "must have weights at every layer", Verbatim(f"the shape {weights.shape}"))
    bad = weights.size - np.count_nonzero(np.isfinite(weights))
    if bad:
        raise BadValue(call, name, "must be finite", Verbatim(f"{bad} that are NaN or infinite among {weights.size}"))
    weights = weights if weights.dtype.kind == "f" else weights.astype(np.float64)
    largest = float(max(-weights.min(), weights.max()))
    if largest > checks.LARGEST:
        raise BadValue(call, name, f"must have magnitudes up to {checks.LARGEST:g}", largest)
    return weights


def columns(weights: NDArray[np.floating]) -> Array:
    """Return a stack as (depth, entries) in double precision."""
    return weights.reshape(len(weights), -1).astype(np.float64, copy=False)


def _kind(value: object, weights: NDArray) -> str:
    return f"{type(value).__name__} of {weights.dtype}" if weights.ndim else repr(value)


def project(series: ArrayLike, count: int, seed: int) -> Array:
    """Project the weights of every layer on the same random directions: few series in place of many entries.

    Projection k of layer l is ⟨G_k, W_l⟩/√n, for n entries and independent standard normal G_k. Given G, projections of
    Gaussian weights with independent entries have the law of an entry, exactly; with each other they are correlated by
    O(1/√n). Of any weights with independent entries of finite variance they are Gaussian as n → ∞. Entries that depend on
    each other stay so: projections are then independent given the weights, not from one network to another.

    Parameters
    ----------
    series : weights, shape (depth, …).
    count : how many projections.
    seed : projection k depends on (seed, k) alone.

    Returns
    -------
    numpy.ndarray
        Shape (depth, count).

    Raises
    ------
    TypeError, ValueError
        For anything but finite weights, a positive count and a seed of 64 bits.

    Examples
    --------
    >>> import numpy as np
    >>> weights = np.random.default_rng(0).standard_normal((100, 64, 64))
    >>> project(weights, count=30, seed=1).shape
    (100, 30)
    """
    weights = columns(stack("project", "series", series, 1))
    count, seed = checks.size("project", "count", count), checks.seed64("project", seed)
    projected = np.empty((len(weights), count))
    for k in range(count):
        direction = np.random.default_rng([seed & 0xFFFFFFFF, seed >> 32, k]).standard_normal(weights.shape[1])
        projected[:, k] = weights @ direction
    return projected / np.sqrt(weights.shape[1])
