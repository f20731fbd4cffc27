"""The infinite-width limit: each layer's mean square, its growth backwards, and the angle between two inputs.

At n → ∞ and fixed depth the coordinates of z_l are independent Gaussians of variance q_l, and everything below is exact.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reslim.spec import ResNet
from reslim.theory import coupled
from reslim.theory.expectations import mean_square, mean_square_slope, product

Array = NDArray[np.float64]


class MeanField(NamedTuple):
    """The limit of m inputs; logarithms, because at great depth the numbers themselves leave every range."""

    log_q: Array  # (depth + 1, m): ln q_l, q_l = |z_l|²/n
    shares: Array  # (depth, m): E φ(h)²/E h²
    log_gradient: Array  # (depth + 1, m): ln |p_l|²/|p_d|²
    slopes: Array  # (depth, m): E φ'(h)²
    log_tangent: Array  # (depth + 1, m): ln |t_l|²/|t_0|²; NaN for weights that are coupled across depth


def inner_variance(net: ResNet) -> float:
    """Return v_in, the factor from q to the variance of h; 1 in a one-matrix block."""
    return net.variances[0]


def branch_squares(net: ResNet) -> Array:
    """Return λ² v_out at every layer."""
    return net.branches**2 * net.variances[1]


def recursion(net: ResNet, mean_squares: Array) -> MeanField:
    """Run q' = α² q + λ² v_out E φ(√(v_in q) g)² forwards, and the gradient's factor α² + λ² v_in v_out E φ'² backwards.

    Weights that are coupled across depth remember all layers; beyond their depth of 4096 everything is NaN.
    """
    return (_coupled if coupled.is_coupled(net) else _recursion)(net, tuple(mean_squares.tolist()))


def _coupled(net: ResNet, given: tuple[float, ...]) -> MeanField:
    if net.depth > coupled.DEEPEST:
        return MeanField(*(np.full((net.depth + more, len(given)), np.nan) for more in (1, 0, 1, 0, 1)))
    paths = [coupled.walk(net, mean_square) for mean_square in given]
    log_q, log_gradient = (np.stack(values, axis=1) for values in zip(*paths, strict=True))
    q = inner_variance(net) * np.exp(np.clip(log_q[:-1], -300.0, 300.0))
    return MeanField(log_q, mean_square(net.phi, q), log_gradient, mean_square_slope(net.phi, q), np.full_like(log_q, np.nan))


@lru_cache(maxsize=32)
def _recursion(net: ResNet, given: tuple[float, ...]) -> MeanField:
    mean_squares = np.array(given)
    inner, branch, skip = inner_variance(net), branch_squares(net)[:, None], net.skips[:, None] ** 2
    shares, slopes, log_q = np.empty((3, net.depth, len(mean_squares)))
    last = np.log(mean_squares)
    if net.phi.homogeneous:  # the shares do not depend on q
        shares[:], slopes[:] = mean_square(net.phi, mean_squares), mean_square_slope(net.phi, mean_squares)
        log_q = last + np.cumsum(np.log(skip + branch * inner * shares), axis=0)
    else:
        for layer in range(net.depth):
            q = inner * np.exp(np.clip(last, -300.0, 300.0))
            shares[layer], slopes[layer] = mean_square(net.phi, q), mean_square_slope(net.phi, q)
            last = log_q[layer] = last + np.log(skip[layer] + branch[layer] * inner * shares[layer])
    log_q = np.concatenate([np.log(mean_squares)[None], log_q])
    with np.errstate(divide="ignore"):  # a zero skip and φ' = 0 everywhere, for tanh at an infinite mean square
        factors = np.log(skip + branch * inner * slopes)
    start = np.zeros((1, len(mean_squares)))
    log_gradient = np.concatenate([np.cumsum(factors[::-1], axis=0)[::-1], start])
    log_tangent = np.concatenate([start, np.cumsum(factors, axis=0)])
    return MeanField(log_q, shares, log_gradient, slopes, log_tangent)


def cosines(net: ResNet, field: MeanField, cosine_0: Array) -> Array:
    """Return the cosine between the states of every two inputs at every layer, shape (depth + 1, m, m).

    NaN for weights that are coupled across depth, where it would remember all layers.
    """
    if coupled.is_coupled(net):
        return np.full((net.depth + 1, *cosine_0.shape), np.nan)
    inner, branch = inner_variance(net), branch_squares(net)
    result = np.empty((net.depth + 1, *cosine_0.shape))
    result[0] = cosine_0
    upper = np.triu_indices(len(cosine_0), 1)
    for layer in range(net.depth):
        result[layer + 1] = np.eye(len(cosine_0))
        growth = np.exp(-0.5 * (field.log_q[layer + 1] - field.log_q[layer]))
        q = inner * np.exp(np.clip(field.log_q[layer], -300.0, 300.0))
        cosine = result[layer][upper]
        passed = inner * branch[layer] * product(net.phi, q[upper[0]], q[upper[1]], cosine)
        after = (net.skips[layer] ** 2 * cosine + passed) * growth[upper[0]] * growth[upper[1]]
        result[layer + 1][upper] = result[layer + 1].T[upper] = np.clip(after, -1.0, 1.0)
    return result


def skip_product(skips: Array) -> tuple[Array, Array]:
    """Return ln |α_0 … α_{l-1}| and its sign, shape (depth + 1, 1)."""
    with np.errstate(divide="ignore"):
        log = np.concatenate([[0.0], np.cumsum(np.log(np.abs(skips)))])
    sign = np.concatenate([[1.0], np.cumprod(np.sign(skips))])
    return log[:, None], sign[:, None]


def log_displacement(log_growth: Array, log_skip: Array, sign: Array) -> Array:
    """Return ½ ln(G - 2A + 1), for a growth G of the square and a product A of skips, given by logarithms (and A's sign)."""
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        skip_less_1 = np.where(sign > 0, np.expm1(log_skip), sign * np.exp(log_skip) - 1.0)
        near = np.log(np.maximum(np.expm1(log_growth) - 2.0 * skip_less_1, 0.0))
        far = log_growth + np.log1p(np.exp(-log_growth) - 2.0 * sign * np.exp(log_skip - log_growth))
        return 0.5 * np.where(log_growth < 30.0, near, far)
