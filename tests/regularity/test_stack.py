"""What a stack of weights may be, and its random projections."""

from __future__ import annotations

import numpy as np
import pytest

from helpers import assert_uncorrelated, assert_variance
from reslim.regularity import increments, norms, project


class Tensor:
    """What a tensor that needs a gradient does."""

    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("Can't call numpy() on Tensor that requires grad.")


@pytest.mark.parametrize("measure", [norms, lambda series: project(series, 2, 0)])
@pytest.mark.parametrize(
    ("series", "error", "text"),
    [
        (Tensor(), TypeError, r"\(series=...\) must be an array \(depth, …\), got Tensor\. Of a tensor, pass tensor.detach"),
        ([[1.0], [1.0, 2.0]], TypeError, r"must be an array \(depth, …\), got list"),
        (1.0, TypeError, r"must be an array \(depth, …\) of real numbers, got 1.0\."),
        (["a", "b"], TypeError, r"of real numbers, got list of <U1\."),
        ([1j, 2.0], TypeError, r"of real numbers, got list of complex128\."),
        ([True, False], TypeError, r"of real numbers, got list of bool\."),
        ([], ValueError, r"must have a depth, the length of its first axis, of at least 1, got 0\."),
        (np.ones((3, 0)), ValueError, r"must have weights at every layer, got the shape \(3, 0\)\."),
        ([[1.0, np.nan], [np.inf, 1.0]], ValueError, r"must be finite, got 2 that are NaN or infinite among 4\."),
        ([[1.0], [-1e60]], ValueError, r"must have magnitudes up to 1e\+50, got 1e\+60\."),
    ],
)
def test_what_is_no_stack(measure, series, error, text):
    with pytest.raises(error, match=text) as caught:
        measure(series)
    assert "\n" not in str(caught.value)


def test_any_precision_and_integers():
    whole = np.arange(24).reshape(4, 2, 3)
    for kind in (np.float16, np.float32, np.int8, np.uint16):
        np.testing.assert_array_equal(increments(whole.astype(kind)), increments(whole))


def test_projections_are_linear_and_each_of_its_own():
    weights = np.random.default_rng(1).standard_normal((5, 3, 4))
    both = project(weights, 6, 2**40)
    np.testing.assert_array_equal(project(weights, 2, 2**40), both[:, :2])
    np.testing.assert_allclose(project(2.0 * weights + 1.0, 6, 2**40), 2.0 * both + project(np.ones_like(weights), 6, 2**40))
    assert not np.isclose(project(weights, 6, 0), both).any()
    assert not np.isclose(both[:, :1], both[:, 1:]).any()


def test_projections_have_the_variance_of_an_entry_and_are_uncorrelated():
    unit = np.zeros((2, 50))
    unit[0, 3] = unit[1, 7] = np.sqrt(50.0)
    first, second = project(unit, 40_000, 7)
    assert_variance(first, 1.0, resolution=0.04)
    assert_uncorrelated(first, second, resolution=0.03)


@pytest.mark.parametrize(("count", "seed", "error"), [(0, 1, ValueError), (1.5, 1, TypeError), (1, -1, ValueError)])
def test_bad_counts_and_seeds(count, seed, error):
    with pytest.raises(error, match=r"project\((count|seed)=\.\.\.\) must be "):
        project(np.eye(3), count, seed)
