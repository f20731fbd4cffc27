"""The identity side: how far a network moves that hardly moves, for any correlation of the weights across depth.

With α = 1 and small branches every layer sees nearly z_0, and the squared displacements are double sums over layers,
Toeplitz for a coupling: O(d) (O(d log d) for a schedule). docs/derivations/scaling.md has the steps.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reslim.spec import ResNet
from reslim.theory.kernels import Kind, kernel, signed
from reslim.theory.sums import cumulated

Array = NDArray[np.float64]


def displacement(net: ResNet, mean_square: float, count: int | None = None) -> Array:
    """Return E|z_l - z_0|²/|z_0|² for l = 0 … d to first order in the squared branch.

    Σ_jk λ_j λ_k v ρ_jk E φ(h_j) φ(h_k)/Q: in one-matrix blocks h is z_0 in all layers, in two-matrix ones the correlation
    of the h is ρ_jk again. ReLU: at every width; others: to first order in 1/n, too.
    """
    return double_sums(net.branches, _forward_terms(net, mean_square))


def gradient(net: ResNet, mean_square: float, width: float | None = None) -> Array:
    """Return E|p_l - p_d|²/|p_d|² for l = 0 … d to first order in the squared branch, p_d independent of the network.

    One-matrix: Σ λ_j λ_k v ρ E φ'(h_j) φ'(h_k). Two-matrix, of the n directions before W one is that of z_0, where h is not
    independent of W: Σ λ_j λ_k v ρ [(1 - 1/n) ρ E φ'φ' + (1/n) E g_j φ' g_k φ']. ReLU: at every width, the net's by default.
    """
    terms = _backward_terms(net, mean_square, net.width if width is None else width)
    return double_sums(net.branches[::-1], terms)[::-1]


def drift(net: ResNet) -> Array:
    """Return (v/n) Σ_{j<k<l} λ_j λ_k ρ_jk: what one-matrix blocks move by φ φ', in the mean, to second order.

    Two-matrix blocks have two independent matrices there, and no such mean.
    """
    if net.block == "two-matrix":
        return np.zeros(net.depth + 1)
    lags = net.coupling.autocovariance(net.depth, net.depth)
    lags[0] = 0.0
    return 0.5 * net.variances[1] / net.width * double_sums(net.branches, lags)


def double_sums(weights: Array, terms: Array) -> Array:
    """Return Σ_{j,k<l} w_j w_k f_|j-k| for l = 0 … d."""
    if np.ptp(weights) == 0.0:
        earlier = weights[0] * (cumulated(terms)[1:] - terms[0])
    else:
        from scipy.signal import fftconvolve

        earlier = fftconvolve(weights, np.append(0.0, terms[1:]))[: len(terms)]
    return cumulated(weights**2 * terms[0] + 2.0 * weights * earlier)


def _forward_terms(net: ResNet, mean_square: float) -> Array:
    lags = net.coupling.autocovariance(net.depth, net.depth)
    inner, outer = net.variances
    return inner * outer * lags * _over_layers(net, "value", inner * mean_square, lags)


def _backward_terms(net: ResNet, mean_square: float, width: float) -> Array:
    lags = net.coupling.autocovariance(net.depth, net.depth)
    inner, outer = net.variances
    slopes = _over_layers(net, "slope", inner * mean_square, lags)
    if net.block == "one-matrix":
        return inner * outer * lags * slopes
    along = _over_layers(net, "along", inner * mean_square, lags)
    return inner * outer * lags * (lags * slopes + (along - lags * slopes) / width)


def _over_layers(net: ResNet, kind: Kind, q: float, lags: Array) -> Array:
    """Return E f f between pre-activations at each lag: of the correlation of W, or of the one z_0 that all layers see."""
    own = kernel(net.phi, kind, q)
    rho = lags if net.block == "two-matrix" else np.ones_like(lags)
    found = signed(own, kind, net.balanced)(rho)
    found[0] = own(np.ones(1))[0]
    return found
