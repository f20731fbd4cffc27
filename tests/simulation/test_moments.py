from __future__ import annotations

import numpy as np
import pytest

from reslim.simulation import comoments, moments


@pytest.fixture
def draws():
    x = np.random.default_rng(0).exponential(size=(1000, 5))
    x[:, 1] += 1e6  # a mean far larger than the spread
    x[:, 2] = 0.1  # a constant
    x[::3, 3] = -np.inf
    x[:, 4] = np.nan
    return x


def expected(column):
    finite = column[np.isfinite(column)]
    centred = finite - finite.mean() if finite.size else finite
    return [finite.size, finite.mean() if finite.size else 0.0, *(np.sum(centred**k) for k in (2, 3, 4))]


@pytest.mark.parametrize("cuts", [[], [500], [1, 2, 300, 999], list(range(10, 1000, 10))])
def test_merged_moments_are_those_of_the_whole(draws, cuts):
    parts = [moments.of(part) for part in np.split(draws, cuts)]
    found = parts[0]
    for part in parts[1:]:
        found = found.plus(part)
    reference = np.array([expected(column) for column in draws.T])
    np.testing.assert_allclose(np.array(found).T, reference, rtol=1e-9, atol=1e-9)
    assert found.second[2] == 0.0  # the constant has no spread at all


@pytest.mark.parametrize("cuts", [[], [500], [1, 2, 300, 999]])
def test_merged_comoments_are_those_of_the_whole(draws, cuts):
    parts = [comoments.of(part[:, [0, 1, 3]]) for part in np.split(draws, cuts)]
    found = parts[0]
    for part in parts[1:]:
        found = found.plus(part)
    complete = draws[np.isfinite(draws[:, 3])][:, [0, 1, 3]]
    assert found.count == len(complete)
    np.testing.assert_allclose(found.covariance, np.cov(complete, rowvar=False), rtol=1e-8, atol=1e-10)


def test_without_two_complete_rows_there_is_no_covariance():
    assert np.isnan(comoments.of(np.array([[1.0, np.nan], [1.0, 2.0]])).covariance).all()
