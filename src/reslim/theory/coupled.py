"""Infinite width with weights that are coupled across depth: the Gaussian process over layers, forwards and backwards.

At n → ∞ the branches b_l = V_l φ(h_l) are jointly Gaussian over layers, E b_l b_j = v_out ρ_lj E φ(h_l) φ(h_j), and so are
the states. O(d²). docs/derivations/scaling.md has the steps.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import get_lapack_funcs

from reslim.coupling import Independent
from reslim.spec import ResNet
from reslim.theory.hermite import ORDER
from reslim.theory.kernels import Kind, coefficients, piecewise_linear, series, signed

Array = NDArray[np.float64]
Kernel = Callable[[int, Array, float], Array]  # block, correlations of its state with those before and itself, ln σ²
DEEPEST = 4096  # the correlations of every two layers are held: 134 MB
ROUNDING = 1e-12  # of a correlation
SMALLEST = 1e-300  # of a growth: anticorrelated branches may cancel the state to rounding


def is_coupled(net: ResNet) -> bool:
    """Return whether the weights of any two layers are correlated: not at H = ½, nor in a single block."""
    return not isinstance(net.coupling, Independent) and bool(
        (np.abs(net.coupling.autocovariance(net.depth, net.depth)[1:]) > ROUNDING).any()
    )


@lru_cache(maxsize=16)
def walk(net: ResNet, mean_square: float) -> tuple[Array, Array]:
    """Return ln q_l and ln(|p_l|²/|p_d|²) for l = 0 … d and an input with this |x|²/n_in."""
    inner, outer = net.variances
    between = net.coupling.autocovariance(net.depth, net.depth)
    two = net.block == "two-matrix"
    angles = np.zeros((net.depth, net.depth))  # correlations of a unit's pre-activations in the layers l ≥ j
    values, slopes = _Products(net, "value"), _Products(net, "slope")

    def forward(l: int, row: Array, log_square: float) -> Array:
        lags = between[l::-1]
        angles[l, : l + 1] = lags * row if two else row
        q = inner * float(np.exp(np.clip(log_square, -300.0, 300.0)))
        slopes.add(q)
        return outer * inner * lags * values.add(q).with_earlier(l, angles[l, : l + 1])

    def backward(m: int, row: Array, log_square: float) -> Array:
        l = net.depth - 1 - m
        later = slice(net.depth - 1, l - 1 if l else None, -1)  # block d - 1 first, as the gradient meets them
        lags = between[m::-1]
        return outer * inner * (lags**2 if two else lags) * row * slopes.with_later(l, angles[later, l])

    log_q = _walk(net.skips, net.branches, forward, float(np.log(mean_square)))
    return log_q, _walk(net.skips[::-1], net.branches[::-1], backward, 0.0)[::-1]


def _walk(skips: Array, branches: Array, kernel: Kernel, start: float) -> Array:
    """Return ln σ_l² of z' = α z + λ b, with E b_l b_j/(σ_l σ_j) from the kernel. States are kept in units of their σ."""
    depth = len(skips)
    growth, log_square = np.empty(depth), np.empty(depth + 1)
    log_square[0], row = start, np.ones(1)
    for l in range(depth):
        branch = kernel(l, row, log_square[l])
        # e_j = E b_l z_j/(σ_l σ_j): e_{j+1} = (α_j e_j + λ_j E b_l b_j/(σ_l σ_j)) σ_j/σ_{j+1}
        e = _recurrence(skips[:l] / growth[:l], branches[:l] * branch[:l] / growth[:l])
        square = skips[l] ** 2 + 2.0 * skips[l] * branches[l] * e[l] + branches[l] ** 2 * branch[l]
        growth[l] = np.sqrt(max(square, SMALLEST))
        log_square[l + 1] = log_square[l] + 2.0 * np.log(growth[l])
        row = np.append((skips[l] * row + branches[l] * e) / growth[l], 1.0)
    return log_square


def _recurrence(factors: Array, terms: Array) -> Array:
    """Return x with x_0 = 0 and x_{j+1} = factors_j x_j + terms_j, as a triangular system of two diagonals."""
    right = np.append(0.0, terms)
    bands = np.ones((2, len(right)))
    bands[1, :-1] = -factors
    (solve,) = get_lapack_funcs(("tbtrs",), (bands,))
    found, info = solve(bands, right, uplo="L")
    assert info == 0, "a unit diagonal is not singular"
    return found[:, 0] if found.ndim == 2 else found


class _Products:
    """E f(u) f(w) between layers of any variances; the last of the arguments is the layer itself."""

    def __init__(self, net: ResNet, kind: Kind) -> None:
        self.phi, self.balanced = net.phi, net.balanced
        self.kind: Kind = kind
        self.known, self.table = 0, np.empty((ORDER + 4, 0 if net.phi.homogeneous else net.depth))

    def add(self, q: float) -> _Products:
        """Add a layer of this variance."""
        if not self.phi.homogeneous:
            self.table[:, self.known] = coefficients(self.phi, self.kind, q)
            self.known += 1
        return self

    def with_earlier(self, l: int, rho: Array) -> Array:
        """Return the products of layer l with the layers 0 … l."""
        return self._of(rho, l, slice(l + 1))

    def with_later(self, l: int, rho: Array) -> Array:
        """Return the products of layer l with the layers d - 1 … l."""
        return self._of(rho, l, slice(None, l - 1 if l else None, -1))

    def _of(self, rho: Array, l: int, others: slice) -> Array:
        if self.phi.negative_slope is not None:
            slope = self.phi.negative_slope
            of = lambda x: piecewise_linear(slope, self.kind, x)  # noqa: E731
        else:
            products = self.table[:, others] * self.table[:, l, None]
            of = lambda x: series(products, x)  # noqa: E731
        found = signed(of, self.kind, self.balanced)(rho)
        found[-1] = of(rho)[-1]  # the layer with itself has the same signs
        return found
