"""The gradient of a network with any smooth activation, to first order in 1/n around the infinite-width path.

docs/derivations/every-gradient.md has the steps. Every number below is n times what it describes. δ ln Q_l = y_l answers to
the energies by y' = χ y + r ξ; a layer's gain by β y_l + r_b ζ_l + its own noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reslim.spec import ResNet
from reslim.theory import mean_field
from reslim.theory.hermite import ORDER, expanded
from reslim.theory.response import Orbit, feedback, felt, forward_noise, heard, seen, state, step_powers, two_matrix
from reslim.theory.slopes import Slopes, slopes

Array = NDArray[np.float64]


class Gains(NamedTuple):
    """What a layer does to the gradient at infinite width; shape (depth,)."""

    log: Array  # ln S, S = α² + c v_in D
    r: Array  # the branch's share of S
    beta: Array  # d ln S/d ln Q
    tau: Array  # S over the forward growth Q_{l+1}/Q_l


class Adjoint(NamedTuple):
    """ln(|p_l|²/|p_d|²) - Σ ln S at l = 0 … d, shape (depth + 1,)."""

    mean: Array
    variance: Array
    with_last: Array  # covariance with ln |z_d|²
    with_first: Array  # covariance with ln |z_0|²
    angle: Array  # n E cos²∠(p_l, z_l), not n times it


@dataclass(frozen=True)
class Walk:
    """A network's infinite-width path, forward and backward, of one input."""

    net: ResNet
    path: Orbit
    slopes: Slopes
    gains: Gains

    @property
    def two_matrix(self) -> bool:
        """Whether the pre-activations are fresh in every layer."""
        return self.net.block == "two-matrix"


def walk(net: ResNet, path: Orbit) -> Walk:
    """Return both directions of a path."""
    path = path._replace(energy=expanded(path.energy, net.phi))
    inner = mean_field.inner_variance(net)
    found = slopes(net.phi, inner * np.exp(np.clip(path.log_q[:-1], -300.0, 300.0)))
    passed = mean_field.branch_squares(net) * inner * found.mean
    total = np.maximum(net.skips**2 + passed, np.finfo(float).tiny)
    r = passed / total
    tau = total * np.exp(path.log_q[:-1] - path.log_q[1:])
    return Walk(net, path, found, Gains(np.log(total), r, r * found.slope, tau))


def adjoint(walk: Walk, start: float = 1.0) -> Adjoint:
    """Return the moments of the gradient; `start` is n E cos² of p_d: 1 where it knows nothing of the network, 0 across z_d."""
    return _two_matrix(walk, start) if walk.two_matrix else _one_matrix(walk, start)


def response(walk: Walk, direct: Array) -> Array:
    """Return what Σ_{m≥l} direct_m δ ln Q_m answers to δ ln Q_l, at l = 0 … d."""
    found = np.zeros(len(direct) + 1)
    for l in range(len(direct) - 1, -1, -1):
        found[l] = direct[l] + walk.path.chi[l] * found[l + 1]
    return found


def final_response(walk: Walk) -> Array:
    """Return what ln Q_d answers to δ ln Q_l, at l = 0 … d."""
    return np.append(np.cumprod(walk.path.chi[::-1])[::-1], 1.0)


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
    eta_share = _eta_share(walk)
    angle = angles(walk, start)
    bend = r_b * (found.curvature + found.slope**2) - beta**2
    pull = r_b * r * (1.0 + found.cross) + (2.0 * (1.0 - r) * r * kappa + r**2 * kappa**2) / tau
    shift = beta * mean_x[:-1] + 0.5 * bend * variance_x[:-1] - 0.5 * own + (eta_share - r_b) + (angle[1:] - 1.0) * pull
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
    with_slope, tilt = felt(seen_everywhere(found.coefficients, balanced), known)
    turn = turns(walk, start)
    own = own_one_matrix(walk, turn)
    shift = (
        r_b * (found.slope * mean_q[:-1] + 0.5 * (found.curvature + found.slope**2) * variance_q[:-1] + tilt)
        - 0.5 * r_b**2 * (found.slope**2 * variance_q[:-1] + found.spread + 2.0 * found.slope * with_slope)
        - 0.5 * own
        + turn.pull
    )
    nothing = np.zeros_like(r_b)
    back = Functional(walk, known, beta, nothing, r_b, own)
    ahead = final_response(walk)
    variance, with_last = back.variance(variance_q), back.with_last(variance_q, ahead)
    return Adjoint(from_end(shift), variance, with_last, back.with_first(), turn.angle)


def from_end(values: Array) -> Array:
    """Return the sums over the layers m ≥ l, l = 0 … d."""
    return np.append(np.cumsum(values[::-1])[::-1], 0.0)


def own_one_matrix(walk: Walk, turn: Turn) -> Array:
    """Return the variance of a layer's own gain, independent of everything else."""
    r_b = walk.gains.r
    return 4.0 * r_b * (1.0 - r_b) * turn.kept + 2.0 * r_b**2 * (1.0 + walk.slopes.spread)


def _eta_share(walk: Walk) -> Array:
    """Return r E[h²φ'²]/(m τ) = r_b E[g²φ'²]/D."""
    return walk.gains.r * (1.0 + np.sqrt(2.0) * walk.slopes.coefficients[:, 2])


def angles(walk: Walk, start: float) -> Array:
    """Return k_l = n E cos²∠(p_l, z_l) for l = 0 … d: a fast variable, 1 where φ is homogeneous."""
    path, tau = walk.path, walk.gains.tau
    found, source = np.full(len(tau) + 1, start), (1.0 - path.r) / tau + _eta_share(walk)
    for l in range(len(tau) - 1, -1, -1):
        found[l] = path.chi[l] ** 2 * (found[l + 1] - 1.0) / tau[l] + source[l]
    return found


def seen_everywhere(coefficients: Array, balanced: bool) -> Array:
    """Return all coefficients, the odd ones 0 where Balanced signs hide them from the other layers."""
    kept = coefficients.copy()
    if balanced:
        kept[:, 1::2] = 0.0
    return kept


class Turn(NamedTuple):
    """What the angle to the state does in one-matrix networks."""

    kept: Array  # E[π_{l+1}² φ'(z_l)²]/D, shape (depth,)
    pull: Array  # what a layer's mean gains by the angle and by the units' memory of π, shape (depth,)
    angle: Array  # n E cos², shape (depth + 1,)


def turns(walk: Walk, start: float) -> Turn:
    """Follow E[π² h_j(z)] and E[√n cos · n^{-1/2} Σ π h_j(z)] from the last layer down; π = √n p/|p|. O(d K)."""
    path, gains, balanced = walk.path, walk.gains, walk.net.balanced
    d = seen_everywhere(walk.slopes.coefficients, balanced)
    product = walk.slopes.product.copy()
    if balanced:
        product[:, ::2] = 0.0  # a Balanced unit's φφ' is odd in effect
    j, depth = np.arange(ORDER + 1), len(path.r)
    root = np.sqrt(j)
    raised = np.sqrt(j + 1.0) * d[:, 1 : ORDER + 2]
    raised[:, 1:] += root[1:] * d[:, :ORDER]
    square, turned = np.zeros(ORDER + 1), np.zeros(ORDER + 1)
    square[0], turned[1] = 1.0, start
    kept, pull, angle = np.empty(depth), np.empty(depth), np.full(depth + 1, start)
    for l in range(depth - 1, -1, -1):
        r, r_b, tau, chi, a = path.r[l], gains.r[l], gains.tau[l], path.chi[l], path.step[l]
        powers = np.multiply.accumulate(np.concatenate([[1.0], np.full(ORDER, a)]))
        alpha, before = product[l, : ORDER + 1], angle[l + 1]
        lower = np.zeros(ORDER + 1)
        lower[1:] = root[1:] * square[:-1]  # √j ω_{j-1}
        kept[l] = d[l, : ORDER + 1] @ (powers * square)
        meeting = alpha @ (a * powers * (turned - lower))
        pull[l] = r_b * r * (1.0 + walk.slopes.cross[l]) * (before - 1.0) + 2.0 * r / tau * meeting
        own = np.zeros(ORDER + 1)
        own[1:] = powers[:-1] * lower[1:]
        turned = (
            chi * (a * powers * turned + r * alpha * (before - 1.0)) + (1.0 - r) * r * (1.0 - path.energy.slope[l]) * own
        ) / tau + r_b * raised[l]
        square = (1.0 - r_b) * powers * square + r_b * d[l, : ORDER + 1]
        angle[l] = turned[1]
    return Turn(kept, pull, angle)


class Functional:
    """The sum over layers m ≥ l of direct_m y_m + energy_m ξ_m + slope_m ζ_m + own noise, for every l. One matrix only."""

    def __init__(self, walk: Walk, known: Array, direct: Array, energy: Array, slope: Array, own: Array) -> None:
        self.walk, self.known, self.own = walk, known, own
        self.back = response(walk, direct)
        self.energy = energy + self.back[1:] * walk.path.r  # what the sum answers to ξ_l and to ζ_l
        self.slope = slope
        self.coefficients, self.later = self.tail(self.energy, self.slope)

    def tail(self, energy: Array, slope: Array) -> tuple[Array, Array]:
        """Return the coefficients of energy ξ_l + slope ζ_l, and those of the same of all later layers seen from l."""
        walk, balanced = self.walk, self.walk.net.balanced
        assert walk.path.energy.coefficients is not None
        own = energy[:, None] * seen(walk.path.energy.coefficients, balanced)
        own = own + slope[:, None] * seen(walk.slopes.coefficients, balanced)
        powers, later = step_powers(walk.path), np.zeros_like(own)
        for l in range(len(own) - 2, -1, -1):
            later[l] = powers[l] * (own[l + 1] + later[l + 1])
        return own, later

    def _tail_variance(self) -> Array:
        path, found = self.walk.path, self.walk.slopes
        unit = self.energy**2 * path.energy.spread + self.slope**2 * found.spread
        unit = unit + 2.0 * self.energy * self.slope * found.cross
        return from_end(unit + 2.0 * np.sum(self.coefficients * self.later, axis=1) + self.own)

    def variance(self, state: Array) -> Array:
        """Return the variance of the sum at l = 0 … d; `state` is that of y_l."""
        met = np.append(np.sum(self.known * (self.coefficients + self.later), axis=1), 0.0)
        return self.back**2 * state + 2.0 * self.back * met + self._tail_variance()

    def after(self, state: Array, direct: Array) -> tuple[Array, Array]:
        """Return variance and covariance with ln |z_0|² of direct_l y_l + ξ_l + the sum over the layers m > l, l < d."""
        path = self.walk.path
        assert path.energy.coefficients is not None
        answer, energy = direct + path.chi * self.back[1:], 1.0 + path.r * self.back[1:]
        own = energy[:, None] * seen(path.energy.coefficients, self.walk.net.balanced)
        unit = energy**2 * path.energy.spread + 2.0 * np.sum(own * self.later, axis=1)
        met = np.sum(self.known * (own + self.later), axis=1)
        variance = answer**2 * state[:-1] + 2.0 * answer * met + unit + self._tail_variance()[1:]
        return variance, (own + self.later)[:, 1] * _reach(path)[:-1] + answer * first_in_state(path)[:-1]

    def with_last(self, state: Array, ahead: Array) -> Array:
        """Return the covariance with ln |z_d|² at l = 0 … d."""
        path, found = self.walk.path, self.walk.slopes
        energy = ahead[1:] * path.r
        own, later = self.tail(energy, np.zeros_like(energy))
        last = np.sqrt(2.0) * np.cumprod(path.step[::-1] ** 2)[::-1]  # ρ_ld² √2: z_d²/Q_d - 1 seen from layer l
        later[:, 1] += last
        unit = energy * (self.energy * path.energy.spread + self.slope * found.cross)
        cross = np.sum(self.coefficients * later + own * self.later, axis=1)
        tail = from_end(unit + cross)
        with_own = np.append(np.sum(self.known * (own + later), axis=1), 0.0)
        with_tail = np.append(np.sum(self.known * (self.coefficients + self.later), axis=1), 0.0)
        return self.back * ahead * state + self.back * with_own + ahead * with_tail + tail

    def with_first(self) -> Array:
        """Return the covariance with ln |z_0|² at l = 0 … d."""
        path = self.walk.path
        seen_first = (self.coefficients + self.later)[:, 1] * _reach(path)[:-1]
        return np.append(seen_first, 0.0) + self.back * first_in_state(path)


def first_in_state(path: Orbit) -> Array:
    """Return Cov(y_l, z_0²/Q_0 - 1) at l = 0 … d."""
    reach, found = _reach(path), np.zeros(len(path.r) + 1)
    for l, chi in enumerate(path.chi):
        found[l + 1] = chi * found[l] + np.sqrt(2.0) * path.r[l] * path.energy.slope[l] * reach[l]
    return found


def _reach(path: Orbit) -> Array:
    """Return √2 ρ_0l² at l = 0 … d: what z_0²/Q_0 - 1 has of the second Hermite polynomial of z_l."""
    return np.sqrt(2.0) * np.append(1.0, np.cumprod(path.step**2))
