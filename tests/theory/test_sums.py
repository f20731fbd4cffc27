from __future__ import annotations

import time

import numpy as np
import pytest

from reslim.theory import signs
from reslim.theory.sums import correlations, earlier_sums


def slow(weights, steps, f):
    """Return the sums by their definition: one product of steps a pair."""
    depth = len(weights)
    return np.array([sum(weights[i] * f(np.prod(steps[i:m])) for i in range(m)) for m in range(depth + 1)])


@pytest.mark.parametrize("kind", ["constant", "schedule", "signed", "zeros"])
def test_against_the_double_sum(kind):
    rng = np.random.default_rng(1)
    weights, steps = rng.uniform(0.1, 1.0, 40), rng.uniform(0.3, 1.0, 40)
    if kind == "constant":
        weights, steps = np.full(40, 0.4), np.full(40, 0.77)
    if kind == "signed":
        steps *= rng.choice([-1.0, 1.0], 40)
    if kind == "zeros":
        steps[[3, 20]] = 0.0
    for f in (signs.kappa, signs.rho_kappa_prime):
        np.testing.assert_allclose(earlier_sums(weights, steps, f)[0], slow(weights, steps, f), rtol=1e-12)


def test_a_constant_network_takes_the_short_way_to_the_same_sums():
    constant = earlier_sums(np.full(300, 0.3), np.full(300, -0.83), signs.kappa)[0]
    weights = np.full(300, 0.3)
    weights[-1] = 0.31  # the last layer's weight enters no earlier sum
    np.testing.assert_allclose(earlier_sums(weights, np.full(300, -0.83), signs.kappa)[0][:-1], constant[:-1], rtol=1e-12)


def test_correlations():
    steps = np.array([0.9, -0.5, 0.8, 0.7])
    found = correlations(steps, [0, 1, 3])
    expected = [[1.0, 0.9, 0.9 * -0.5 * 0.8], [0.9, 1.0, -0.5 * 0.8], [0.9 * -0.5 * 0.8, -0.5 * 0.8, 1.0]]
    np.testing.assert_allclose(found, expected, rtol=1e-14)
    assert correlations(steps, [2]).tolist() == [[1.0]]


def test_the_cost_of_forgetful_schedules_is_linear_in_depth():
    """Correlations that die need a band only: ten times the depth takes far less than a hundred times as long."""

    def seconds(depth):
        rng = np.random.default_rng(0)
        weights, steps = rng.uniform(0.4, 0.6, depth), rng.uniform(0.6, 0.8, depth)
        times = []
        for _ in range(5):
            started = time.perf_counter()
            earlier_sums(weights, steps, signs.kappa)
            times.append(time.perf_counter() - started)
        return min(times)

    assert np.log10(seconds(40_000) / seconds(4_000)) < 1.5
