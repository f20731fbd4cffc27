"""The gradient of a network with any smooth activation, to first order in 1/n around the infinite-width path.

docs/derivations/every-gradient.md has the steps. Every number below is n times what it describes. δ ln Q_l = y_l answers to
the energies by y' = χ y + r ξ; a layer's gain by β y_l + r_b ζ_l + its own noise.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reslim.theory.fast_angle import Turn, angles, eta_share, turns
from reslim.theory.layer_sum import LayerSum
from reslim.theory.memory import felt, heard, hide_odd
from reslim.theory.response import feedback, forward_noise, state, two_matrix
from reslim.theory.walk import Walk, final_response, from_end, response

Array = NDArray[np.float64]


class Adjoint(NamedTuple):
    """ln(|p_l|²/|p_d|²) - Σ ln S at l = 0 … d, shape (depth + 1,)."""

    mean: Array
    variance: Array
    with_last: Array  # covariance with ln |z_d|²
    with_first: Array  # covariance with ln |z_0|²
    angle: Array  # n E cos²∠(p_l, z_l), not n times it


def adjoint(walk: Walk, start: float = 1.0) -> Adjoint:
    """Return the moments of the gradient; `start` is n E cos² of p_d: 1 where it knows nothing of the network, 0 across z_d."""
    return _two_matrix(walk, start) if walk.two_matrix else _one_matrix(walk, start)


def own_gain(walk: Walk) -> tuple[Array, Array]:
    """Return the variance of a layer's own gain, and its covariance with the forward noise of the layer."""
    r_b, found = walk.gains.r, walk.slopes
    return 4.0 * r_b * (1.0 - r_b) + r_b**2 * (2.0 + found.fourth), walk.path.r * r_b * found.cross


def _two_matrix(walk: Walk, start: float) -> Adjoint:
    path, gains, found = walk.path, walk.gains, walk.slopes
    kappa, r, r_b, tau, beta = path.energy.slope, path.r, gains.r, gains.tau, gains.beta
    forward = two_matrix(path)
    mean_x, variance_x = forward.norm_mean - 1.0, forward.norm_variance + 2.0
    own, joint = own_gain(walk)
    noise = forward_noise(path)
    met = eta_share(walk)
    angle = angles(walk, start)
    bend = r_b * (found.curvature + found.slope**2) - beta**2
    pull = r_b * r * (1.0 + found.cross) + (2.0 * (1.0 - r) * r * kappa + r**2 * kappa**2) / tau
    shift = beta * mean_x[:-1] + 0.5 * bend * variance_x[:-1] - 0.5 * own + (met - r_b) + (angle[1:] - 1.0) * pull
    back, ahead = response(walk, beta), final_response(walk)
    variance = back**2 * variance_x + from_end(own + back[1:] ** 2 * noise + 2.0 * back[1:] * joint)
    with_last = back * ahead * variance_x + from_end(ahead[1:] * (back[1:] * noise + joint))
    memory = 2.0 * np.append(1.0, np.cumprod(path.chi))  # covariance of ln q_l with ln q_0
    return Adjoint(from_end(shift), variance, with_last, back * memory, angle)


def _one_matrix(walk: Walk, start: float) -> Adjoint:
    path, gains, found, balanced = walk.path, walk.gains, walk.slopes, walk.net.balanced
    r_b, beta = gains.r, gains.beta
    variance_q, mean_q = state(path, *feedback(path, balanced))
    known = heard(path, balanced)
    with_slope, tilt = felt(hide_odd(found.coefficients, balanced), known)
    turn = turns(walk, start)
    own = own_one_matrix(walk, turn)
    shift = (
        r_b * (found.slope * mean_q[:-1] + 0.5 * (found.curvature + found.slope**2) * variance_q[:-1] + tilt)
        - 0.5 * r_b**2 * (found.slope**2 * variance_q[:-1] + found.spread + 2.0 * found.slope * with_slope)
        - 0.5 * own
        + turn.pull
    )
    nothing = np.zeros_like(r_b)
    back = LayerSum(walk, known, beta, nothing, r_b, own)
    ahead = final_response(walk)
    variance, with_last = back.variance(variance_q), back.with_last(variance_q, ahead)
    return Adjoint(from_end(shift), variance, with_last, back.with_first(), turn.angle)


def own_one_matrix(walk: Walk, turn: Turn) -> Array:
    """Return the variance of a layer's own gain, independent of everything else."""
    r_b = walk.gains.r
    return 4.0 * r_b * (1.0 - r_b) * turn.kept + 2.0 * r_b**2 * (1.0 + walk.slopes.spread)
