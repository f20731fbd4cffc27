from __future__ import annotations

import numpy as np
import pytest

from reslim.simulation.bins import Bins, bins_for, size_in_bytes

LEVELS = [0.05, 0.25, 0.5, 0.75, 0.95]


def filled(draws, cuts=()) -> Bins:
    bins = Bins(draws[:4096])
    for number, part in enumerate(np.split(draws, cuts)):
        bins.add(part, number)
    return bins


def test_a_quantile_is_that_of_a_level_off_by_less_than_one_thousandth():
    """Of light tails and of heavy ones; mostly by a tenth of that."""
    rng = np.random.default_rng(1)
    normal = rng.standard_normal((200_000, 3))
    draws = np.column_stack([normal, np.exp(1.5 * normal[:, 0]) * normal[:, 1], rng.exponential(size=200_000)])
    found = filled(draws).quantiles(LEVELS)
    reached = np.mean(draws[:, None, :] <= found, axis=0)
    off = np.abs(reached - np.array(LEVELS)[:, None])
    assert off.max() < 1e-3
    assert np.median(off) < 1e-4


def test_values_that_stand_alone_are_exact():
    draws = np.random.default_rng(2).integers(0, 40, (20_000, 2)) / 40
    draws[:, 1] = 3.25
    assert np.array_equal(filled(draws).quantiles(LEVELS), np.quantile(draws, LEVELS, axis=0))


def test_order_does_not_matter():
    draws = np.random.default_rng(3).standard_normal((9000, 20))
    one, other = Bins(draws[:4096]), Bins(draws[:4096])
    one.add(draws)
    for number, part in enumerate(reversed(np.split(draws, 9))):
        other.add(part, number)
    assert np.array_equal(one.table, other.table)


def test_what_is_not_finite_is_not_counted():
    draws = np.random.default_rng(4).standard_normal((5000, 2))
    draws[::2, 0], draws[1::4, 0], draws[:, 1] = -np.inf, np.nan, np.inf
    found = filled(draws).quantiles(LEVELS)
    finite = draws[np.isfinite(draws[:, 0]), 0]
    np.testing.assert_allclose(found[:, 0], np.quantile(finite, LEVELS), atol=0.01)
    assert np.isnan(found[:, 1]).all()


@pytest.mark.parametrize("size", [1e-310, 1.0, 1e300, 1.7e308])
def test_any_magnitude(size):
    draws = size * np.linspace(-0.4, 1.0, 1001)[:, None]
    found = filled(draws).quantiles(LEVELS)
    np.testing.assert_allclose(found / size, np.quantile(draws / size, LEVELS, axis=0), atol=0.005)


def test_later_draws_may_lie_beyond_the_first():
    draws = np.concatenate([np.zeros(4096), np.linspace(1.0, 3.0, 10_001), [-2.0]])[:, None]
    found = filled(draws).quantiles([0.0, 0.25, 0.5, 1.0])[:, 0]
    np.testing.assert_allclose(found, np.quantile(draws, [0.0, 0.25, 0.5, 1.0]), atol=1e-12)


def test_the_number_of_bins_falls_with_the_columns():
    assert [bins_for(columns) for columns in (1, 1024, 1025, 10_000, 10**6)] == [1024, 1024, 512, 256, 256]
    assert size_in_bytes(7) == Bins(np.zeros((2, 7))).table.nbytes
