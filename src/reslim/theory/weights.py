"""The squared gradients of the blocks' weights and the tangent kernel, to first order in 1/n around the infinite-width path.

docs/derivations/every-gradient.md has the steps. Every number below is n times what it describes; U_l is the squared gradient
of block l's weights over |p_d|² |z_0|².
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from reslim.theory.adjoint import Adjoint, own_gain, own_one_matrix
from reslim.theory.fast_angle import turns
from reslim.theory.layer_sum import LayerSum
from reslim.theory.memory import heard
from reslim.theory.response import feedback, forward_noise, state, two_matrix
from reslim.theory.walk import Walk, from_end, response

Array = NDArray[np.float64]


class Weights(NamedTuple):
    """Mean shift and variance of ln U_l, shape (depth,), and of ln Σ_l U_l."""

    mean: Array
    variance: Array
    kernel_mean: float
    kernel_variance: float


def weights(walk: Walk, gradient: Adjoint, log_squares: Array) -> Weights:
    """Return the moments; `log_squares` are the infinite-width ln U_l, shape (depth,)."""
    share = softmax(log_squares)  # what each block contributes to the kernel
    mean, variance, kernel_variance = (_two_matrix if walk.two_matrix else _one_matrix)(walk, gradient, share)
    kernel_mean = share @ (mean + 0.5 * variance) - 0.5 * kernel_variance
    return Weights(mean, variance, float(kernel_mean), float(kernel_variance))


def _one_matrix(walk: Walk, gradient: Adjoint, share: Array) -> tuple[Array, Array, float]:
    """Log U = ln M + ln|p_{l+1}|² - ln|z_0|², ln M = κ y + ξ."""
    path, unit, balanced = walk.path, walk.path.energy, walk.net.balanced
    met, tilt = feedback(path, balanced)
    variance_q, mean_q = state(path, met, tilt)
    local = unit.slope * mean_q[:-1] + 0.5 * unit.curvature * variance_q[:-1] + tilt - 0.5 * unit.spread - unit.slope * met
    mean = local + gradient.mean[1:] + 1.0
    known, own = heard(path, balanced), own_one_matrix(walk, turns(walk, 1.0))  # whose variance does not depend on the start
    back = LayerSum(walk, known, walk.gains.beta, np.zeros_like(share), walk.gains.r, own)
    variance, with_first = back.after(variance_q, unit.slope)
    variance = variance - 2.0 * with_first + 2.0
    passed = np.cumsum(share) - share  # the share of the blocks whose gradient passes through layer l
    kernel = LayerSum(walk, known, share * unit.slope + passed * walk.gains.beta, share, passed * walk.gains.r, passed**2 * own)
    kernel_variance = kernel.variance(variance_q)[0] - 2.0 * kernel.with_first()[0] + 2.0
    return mean, variance, kernel_variance


def _two_matrix(walk: Walk, gradient: Adjoint, share: Array) -> tuple[Array, Array, float]:
    """U = c |p_{l+1}|² (M + v_in q ω): the matrices after and before the activation."""
    path, slopes, unit, gains = walk.path, walk.slopes, walk.path.energy, walk.gains
    forward = two_matrix(path)
    mean_x, variance_x = forward.norm_mean[:-1] - 1.0, forward.norm_variance[:-1] + 2.0
    after = path.r / (path.r + gains.r * gains.tau)  # m/(m + v_in Q D)
    before = 1.0 - after
    mean_after = unit.slope * mean_x + 0.5 * unit.curvature * variance_x - 0.5 * unit.spread
    mean_before = (1.0 + slopes.slope) * mean_x + 0.5 * slopes.curvature * variance_x - 0.5 * slopes.fourth
    mean_before = mean_before + (1.0 + slopes.cross) * path.r * (gradient.angle[1:] - 1.0)
    apart = (unit.slope - 1.0 - slopes.slope) ** 2 * variance_x + unit.spread - 2.0 * slopes.cross + slopes.fourth
    mean = after * mean_after + before * mean_before + 0.5 * after * before * apart + gradient.mean[1:] + 1.0
    # the block's own: its answer to ln q, and its noise, with that of the forward pass and of the gain
    direct = after * unit.slope + before * (1.0 + slopes.slope)
    local = after**2 * unit.spread + 2.0 * after * before * slopes.cross + before**2 * slopes.fourth
    with_forward = path.r * (after * unit.spread + before * slopes.cross)
    with_gain = gains.r * (after * slopes.cross + before * slopes.fourth)
    noise, (own, joint) = forward_noise(path), own_gain(walk)
    back = response(walk, gains.beta)
    later = from_end(own + back[1:] ** 2 * noise + 2.0 * back[1:] * joint)[1:]
    answer = direct + back[1:] * path.chi
    memory = 2.0 * np.append(1.0, np.cumprod(path.chi))[:-1]
    variance = answer**2 * variance_x + local + back[1:] ** 2 * noise + 2.0 * back[1:] * with_forward + later
    variance = variance - 2.0 * answer * memory + 2.0
    passed = np.cumsum(share) - share
    ahead = response(walk, share * direct + passed * gains.beta)
    kernel = ahead[1:] ** 2 * noise + passed**2 * own + share**2 * local
    kernel = kernel + 2.0 * (ahead[1:] * passed * joint + share * (ahead[1:] * with_forward + passed * with_gain))
    return mean, variance, kernel.sum() + 2.0 * (ahead[0] - 1.0) ** 2
