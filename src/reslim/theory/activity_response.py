"""The active shares of a network with any activation, to first order in 1/n around the infinite-width path.

docs/derivations/every-activation.md has the steps. An observable of layer l is answer_l δ ln Q_l + u(z_l), a function of the
unit with Hermite coefficients u; its covariances between layers follow from what the units and ln Q remember of it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reslim.spec import ResNet
from reslim.theory import signs
from reslim.theory.activity import Activity
from reslim.theory.expectations import gaussian_nodes
from reslim.theory.hermite import ORDER, expanded, polynomials
from reslim.theory.memory import felt, heard, seen, step_powers
from reslim.theory.orbit import Orbit
from reslim.theory.response import feedback, norms, state, two_matrix
from reslim.theory.sums import correlations

Array = NDArray[np.float64]


class LogEnergy(NamedTuple):
    """ln(|φ(h)|²/|h|²): n times its mean shift and its variance; shape (depth,)."""

    mean: Array
    variance: Array
    terms: Array  # the sizes of what the variance is a sum of


def log_energy(net: ResNet, path: Orbit) -> LogEnergy:
    """Return the law of the logarithm of the active energy."""
    kappa, unit = path.energy.slope, path.energy
    if net.block == "two-matrix":
        forward = two_matrix(path)
        mean_q, variance_q, met, tilt, with_last = forward.norm_mean - 1.0, forward.norm_variance + 2.0, 0.0, 0.0, 0.0
    else:
        met, tilt = feedback(path, net.balanced)
        variance_q, mean_q = state(path, met, tilt)
        with_last = norms(path)[0][:-1]
    shift = (kappa - 1.0) * mean_q[:-1] + 0.5 * unit.curvature * variance_q[:-1] + tilt - 0.5 * unit.spread - kappa * met
    # Cov(y_l, ξ_l - (z²/Q - 1)) = e_l - p_l·b_l; Var(ξ - (z²/Q - 1)) = Var F/m² - 4 κ + 2
    moved, both = (kappa - 1.0) ** 2 * variance_q[:-1], 2.0 * (kappa - 1.0) * (met - with_last)
    own = unit.spread - 4.0 * kappa + 2.0
    return LogEnergy(shift + with_last + 1.0, moved + both + own, moved + np.abs(both) + own)


def energy(net: ResNet, path: Orbit, share: Array) -> Activity:
    """Return mean and variance of the active energy; `share` is E φ(h)²/E h²."""
    found = log_energy(net, path)
    mean = share * (1.0 + (found.mean + 0.5 * found.variance) / net.width)
    return Activity(mean, share**2 * found.variance / net.width)


def fraction_mean(net: ResNet, path: Orbit) -> Array:
    """Return the mean share of active units: ½, and what units that feel their own norm take from it."""
    if net.block == "two-matrix" or net.balanced:
        return np.full(net.depth, 0.5)
    path = path._replace(energy=expanded(path.energy, net.phi))
    g, _ = gaussian_nodes()
    indicator = 0.5 * (1.0 + np.sign(g)) @ polynomials()
    return 0.5 + felt(np.broadcast_to(indicator, (net.depth, ORDER + 3)), heard(path, False))[1] / net.width


def fraction_covariance(net: ResNet, path: Orbit, layers: list[int]) -> Array:
    """Return the covariance of the share of active units between layers: ¼ E[sgn sgn]/n, where the signs are not fresh."""
    if net.block == "two-matrix" or net.balanced:
        return np.diag(np.full(len(layers), 0.25 / net.width))
    found = signs.sign_sign(correlations(path.step, layers)) / (4.0 * net.width)
    np.fill_diagonal(found, 0.25 / net.width)
    return found


def energy_covariance(net: ResNet, path: Orbit, share: Array, layers: list[int]) -> Array:
    """Return the covariance of the active energy between layers, in rising order. O(d K) a layer."""
    variance = energy(net, path, share).variance[layers]
    follow = _through_norm if net.block == "two-matrix" else _through_units
    found = np.diag(variance)
    for row, layer in enumerate(layers[:-1]):
        later = follow(net, path, layer)[np.array(layers[row + 1 :])]
        found[row, row + 1 :] = found[row + 1 :, row] = share[layer] * share[layers[row + 1 :]] * later / net.width
    return found


def _through_norm(net: ResNet, path: Orbit, layer: int) -> Array:
    """Two matrices: only ln q remembers; the covariance with layer m > l at place m."""
    kappa, unit = path.energy.slope, path.energy
    variance_q = two_matrix(path).norm_variance + 2.0
    found = np.zeros(len(kappa))
    known = path.chi[layer] * (kappa[layer] - 1.0) * variance_q[layer]
    known += path.r[layer] * (unit.spread[layer] - 2.0 * kappa[layer])
    for m in range(layer + 1, len(kappa)):
        found[m] = (kappa[m] - 1.0) * known
        known *= path.chi[m]
    return found


def _through_units(net: ResNet, path: Orbit, layer: int) -> Array:
    """One matrix: units and ln Q remember."""
    path = path._replace(energy=expanded(path.energy, net.phi))
    kappa, unit = path.energy.slope, path.energy
    assert unit.coefficients is not None
    a, powers = seen(unit.coefficients, net.balanced), step_powers(path)
    met, tilt = feedback(path, net.balanced)
    variance_q, with_last = state(path, met, tilt)[0], norms(path)[0]
    direct = kappa[layer] - 1.0
    units = _observable(a[layer]) + direct * heard(path, net.balanced)[layer]
    known = direct * variance_q[layer] + met[layer] - with_last[layer]  # Cov(y_l, observable)
    own = unit.spread[layer] - 2.0 * kappa[layer] + direct * met[layer]  # Cov(ξ_l, observable)
    found = np.zeros(len(kappa))
    for m in range(layer, len(kappa)):
        if m > layer:
            found[m] = (kappa[m] - 1.0) * known + units @ _observable(a[m])
            own = a[m] @ units
        known = path.chi[m] * known + path.r[m] * own
        units = powers[m] * units
    return found


def _observable(a: Array) -> Array:
    """Return the coefficients of ξ - (z²/Q - 1)."""
    found = a.copy()
    found[1] -= np.sqrt(2.0)
    return found
