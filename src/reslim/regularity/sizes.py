"""Sizes of weights, layer by layer, and of their increments from layer to layer."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reslim.regularity.stack import columns, stack

Array = NDArray[np.float64]


class Norms(NamedTuple):
    """Norms of the weights of every layer, each of shape (depth,)."""

    frobenius: Array
    spectral: Array


def norms(series: ArrayLike) -> Norms:
    """Measure the weights of every layer: ‖W_l‖_F = (Σ W_ij²)^½ and ‖W_l‖₂, the largest singular value.

    To rounding. Of a vector (a bias) both are its length. Of more than two axes, a convolution's (out, in, …), the
    spectral norm is that of the matrix out × (in …), which is not the norm of the convolution as a map of images.

    Parameters
    ----------
    series : weights, shape (depth, …).

    Returns
    -------
    Norms
        Two vectors; ``norms(series).frobenius.max()`` is the maximum over layers.

    Raises
    ------
    TypeError, ValueError
        For anything but finite weights.

    Examples
    --------
    >>> norms([[[3.0, 0.0], [0.0, 4.0]]])
    Norms(frobenius=array([5.]), spectral=array([4.]))
    """
    weights = stack("norms", "series", series, 1)
    lengths = np.linalg.norm(columns(weights), axis=1)
    if weights.ndim < 3:
        return Norms(lengths, lengths)
    matrices = weights.reshape(*weights.shape[:2], -1)
    return Norms(lengths, np.array([np.linalg.norm(matrix.astype(np.float64), 2) for matrix in matrices], np.float64))


def increments(series: ArrayLike) -> Array:
    """Measure the increments between layers, ‖W_(l+1) - W_l‖_F, shape (depth - 1,).

    To rounding. Against ‖W_l‖: of order 1/depth for weights that are a smooth function of depth, √2 for independent ones
    of one law, (2 - 2c)^½ for the correlation c of neighbours. `depth_exponent` fits their power of the depth.

    Parameters
    ----------
    series : weights, shape (depth, …), depth at least 2.

    Returns
    -------
    numpy.ndarray
        Shape (depth - 1,).

    Raises
    ------
    TypeError, ValueError
        For anything but finite weights of at least two layers.

    References
    ----------
    Marion, Wu, Sander, Biau, ICLR 2024, arXiv:2309.01213: trained from smooth weights, they stay of order 1/depth.

    Examples
    --------
    >>> increments([[1.0, 2.0], [4.0, 6.0], [4.0, 5.0]])
    array([5., 1.])
    """
    return np.linalg.norm(np.diff(columns(stack("increments", "series", series, 2)), axis=0), axis=1)
