from __future__ import annotations

import numpy as np
import pytest

from reslim import data


def test_digits_are_rows_of_grey_levels():
    images = data.digits([0, 5, 1796])
    assert images.shape == (3, 64)
    assert images.dtype == np.float64
    assert images.min() == 0.0
    assert images.max() == 16.0
    assert data.digit_labels([0, 5, 1796]).tolist() == [0, 5, 8]


def test_an_index_may_repeat_and_a_result_may_be_changed():
    first = data.digits([3, 3])
    assert (first[0] == first[1]).all()
    first[:] = 0.0
    assert data.digits([3]).any()


@pytest.mark.parametrize("indices", [[], [0.5], ["a"], 3, [[0]], [True]])
def test_other_kinds_are_refused(indices):
    with pytest.raises(TypeError, match=r"^digits\(indices=...\) must be a list of integers, got"):
        data.digits(indices)


@pytest.mark.parametrize("index", [-1, 1797])
def test_other_indices_are_refused(index):
    with pytest.raises(ValueError, match=f"must lie between 0 and 1796, got {index}"):
        data.digit_labels([0, index])
