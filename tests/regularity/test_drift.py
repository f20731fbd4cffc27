"""The smooth share of a change against its exact expectations, and the laws of white noise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import fft, stats

from helpers import assert_law
from reslim.coupling import Coupling, Fractional, Smooth
from reslim.regularity import drift_share
from reslim.simulation.across_depth import sampler


def draw(coupling: Coupling, depth: int, count: int) -> np.ndarray:
    series = np.empty((depth, count))
    sampler(coupling, depth).draw(np.random.default_rng(12), series)
    return series


def share_of(change: np.ndarray, **options):
    return drift_share(np.zeros_like(change), change, **options)


def test_the_share_is_that_of_the_transform():
    before, after = np.random.default_rng(1).standard_normal((2, 20, 3, 4))
    power = np.square(fft.dct(after - before, axis=0, norm="ortho")).sum(axis=(1, 2))
    for modes in (1, 5, 19):
        found = drift_share(before, after, modes=modes)
        assert found.share == pytest.approx(power[:modes].sum() / power.sum(), rel=1e-12)
        assert found.white == modes / 20
        assert found.drift == pytest.approx((found.share - found.white) / (1.0 - found.white), rel=1e-12)
    assert found.size == pytest.approx(np.sqrt(np.mean((after - before) ** 2)), rel=1e-12)


def test_white_noise_has_a_beta_law():
    noise = np.random.default_rng(2).standard_normal((3000, 20, 2))
    found = [share_of(one) for one in noise]
    law = stats.beta(5.0, 15.0)
    assert_law([one.share for one in found], law)
    assert found[0].white == pytest.approx(law.mean(), rel=1e-12)
    assert found[0].white_error == pytest.approx(law.std(), rel=1e-12)
    assert np.isnan(found[0].error)


@pytest.mark.parametrize("coupling", [*map(Fractional, (0.1, 0.3, 0.5, 0.7, 0.9)), Smooth(0.1), Smooth(0.5)], ids=repr)
def test_expected_shares(coupling):
    """From the covariance, by the transform of its both sides; the power of the modes is about that of the spectrum."""
    depth = 200
    lags = np.abs(np.subtract.outer(np.arange(depth), np.arange(depth)))
    covariance = coupling.autocovariance(depth, depth)[lags]
    transformed = fft.dct(fft.dct(covariance, axis=0, norm="ortho"), axis=1, norm="ortho")
    expected = np.trace(transformed[:5, :5]) / depth
    found = share_of(draw(coupling, depth, 4000))
    assert 5.0 * found.error < 0.05
    assert found.share == pytest.approx(expected, abs=5.0 * found.error + 1e-9)
    if isinstance(coupling, Fractional) and coupling.hurst >= 0.5:
        assert expected == pytest.approx((5 / depth) ** (2.0 - 2.0 * coupling.hurst), rel=0.1)


def test_the_error_is_that_of_independent_entries():
    noise = draw(Fractional(0.7), 40, 40 * 1000).reshape(40, 1000, 40)
    found = [share_of(noise[:, k]) for k in range(1000)]
    deviation = np.std([one.share for one in found], ddof=1)
    assert np.mean([one.error for one in found]) == pytest.approx(deviation, rel=0.15)  # of a deviation: 2.2 % each


@pytest.mark.parametrize("modes", [4, 5, 20])
def test_the_rest_of_a_straight_line(modes):
    """Slopes of 1 at both ends: every other mode is 0."""
    line = (np.arange(20_000) + 0.5)[:, None] / 20_000
    rest = sum(2.0 * (2.0 / (np.pi * k) ** 2) ** 2 for k in range(modes, 5000) if k % 2)
    assert 1.0 - share_of(line, modes=modes).share == pytest.approx(3.0 * rest, rel=1e-5)


@pytest.mark.parametrize(
    ("before", "after", "options", "error", "text"),
    [
        (np.ones((9, 2)), np.ones((9, 3)), {}, ValueError, r"after=...\) must have the shape \(9, 2\) of before, got \(9, 3\)"),
        (np.ones((9, 2)), np.ones((9, 2)), {}, ValueError, r"after=...\) must differ from before\."),
        (np.ones((5, 2)), np.eye(5)[:, :2], {}, ValueError, r"modes=...\) must be below the depth, 5, got 5\."),
        (np.ones((5, 2)), np.eye(5)[:, :2], {"modes": 1.0}, TypeError, r"modes=...\) must be a positive integer, got 1.0\."),
        (np.ones((5, 2)), np.full((5, 2), np.nan), {}, ValueError, r"after=...\) must be finite, got 10 that are NaN"),
    ],
)
def test_what_is_refused(before, after, options, error, text):
    with pytest.raises(error, match=text):
        drift_share(before, after, **options)
