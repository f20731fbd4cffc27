"""Vanilla one-matrix networks whose activation is not homogeneous: the rates of gradient and angle at fixed d/n.

The angle is slow to first order where the branches are small or φ is nearly homogeneous, and forgets besides. The rates are
those at which the moments of `adjoint` grow (docs/derivations/every-gradient.md).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reslim.theory.adjoint import Adjoint, own_one_matrix
from reslim.theory.angle import Rates
from reslim.theory.fast_angle import steady_pull, turns
from reslim.theory.layer_sum import LayerSum
from reslim.theory.memory import heard
from reslim.theory.response import feedback, norms, one_matrix, state
from reslim.theory.walk import Walk, final_response

Array = NDArray[np.float64]
LEAST = 1e-2  # ratio of K over that of the layer after, below which a layer forgets it all


def rates(walk: Walk, gradient: Adjoint) -> Rates:
    """Return what a layer adds to ln|z|², to ln|p|² at angle zero, their covariance and the pull; and how the angle forgets."""
    n, path = walk.net.width, walk.path
    pull, known = steady_pull(walk), heard(path, False)
    to_last, with_state = _moments(walk, known)
    forget, renewal = _forgetting(walk, gradient)
    return Rates(
        np.diff(one_matrix(path, False).norm_mean) / n,
        _by_layer(to_last) / n,
        (_by_layer(gradient.mean) - pull * gradient.angle[1:]) / n,
        _by_layer(gradient.variance) / n,
        _by_layer(gradient.with_last - with_state) / n,
        pull / n,
        forget,
        renewal,
    )


def _by_layer(from_end: Array) -> Array:
    return from_end[:-1] - from_end[1:]


def _moments(walk: Walk, known: Array) -> tuple[Array, Array]:
    """Return Var ln(|z_d|²/|z_l|²), and Cov(ln|p_l|², ln|z_l|²), at l = 0 … d."""
    path = walk.path
    variance, _ = state(path, *feedback(path, False))
    with_own, nothing = norms(path)[0], np.zeros_like(path.r)  # Cov(y_l, z_l²/Q_l - 1)
    ahead = final_response(walk)
    forward = LayerSum(walk, known, nothing, ahead[1:] * path.r, nothing, nothing)
    seen = forward.coefficients + forward.later
    seen[:, 1] += np.sqrt(2.0) * np.cumprod(path.step[::-1] ** 2)[::-1]  # z_d² itself
    both = ahead * (variance + with_own) + _known(known, seen)
    own = variance + 2.0 * with_own + 2.0
    both[-1] = own[-1]
    backward = LayerSum(walk, known, walk.gains.beta, nothing, walk.gains.r, own_one_matrix(walk, turns(walk, 1.0)))
    with_state = backward.back * (variance + with_own) + _known(known, backward.coefficients + backward.later)
    return own[-1] + own - 2.0 * both, with_state


def _known(known: Array, seen: Array) -> Array:
    """Return the covariance of a sum over later units, as seen from layer l, with y_l and z_l²/Q_l - 1."""
    return np.append(np.sum(known * seen, axis=1) + np.sqrt(2.0) * seen[:, 1], 0.0)


def _forgetting(walk: Walk, gradient: Adjoint) -> tuple[Array, Array]:
    """Return θ and ε² of dK = -θ K dl + ε dW, which gives each layer's K = (χ/√τ) K' + noise exactly."""
    ratio = np.abs(walk.path.chi) / np.sqrt(walk.gains.tau)
    fresh = np.maximum(gradient.angle[:-1] - ratio**2 * gradient.angle[1:], 0.0)
    forget = -np.log(np.maximum(ratio, LEAST))
    slow = np.abs(forget) < 1e-9
    safe = np.where(slow, 1.0, forget)
    return forget, np.where(slow, fresh, fresh * 2.0 * safe / -np.expm1(-2.0 * safe))
