from __future__ import annotations

import numpy as np
import pytest

from reslim.training.data.standardising import BLOCK, moments, rows

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float16, np.float32, np.float64, np.longdouble])
def test_moments_are_those_of_float64_over_all_blocks(dtype):
    images = (RNG.random((2 * BLOCK + 7, 2, 3)) * 200).astype(dtype)
    images[0] = 0
    wide = images.astype(np.float64)
    np.testing.assert_allclose(moments(images), (wide.mean(), wide.std()), rtol=1e-12)
    expected = ((wide - wide.mean()) / wide.std()).reshape(-1, 6)
    found = rows(images, *moments(images))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


def test_half_precision_does_not_overflow():
    images = np.array([[60000.0, -60000.0]], dtype=np.float16)
    assert moments(images) == (0.0, 60000.0 - 60000.0 % 32)
    assert rows(images, *moments(images)).tolist() == [[1.0, -1.0]]


def test_a_large_offset_does_no_harm():
    images = np.array([[2.0**24 + 2, 2.0**24]], dtype=np.float32)
    assert moments(images) == (2.0**24 + 1, 1.0)
    assert rows(images, *moments(images)).tolist() == [[1.0, -1.0]]


@pytest.mark.parametrize("images", [np.zeros((3, 4), dtype=np.uint8), np.full((1000, 7), 0.1), np.full((1000, 7), 1e6 + 0.1)])
def test_one_grey_level_is_refused(images):
    said = r"^load\(source=...\) must hold training pixels whose standard deviation is 1e-15 or more, got 0\.$"
    with pytest.raises(ValueError, match=said):
        moments(images)


def test_the_extremes_that_are_admitted_stay_finite():
    faint = np.array([[0.0, 3e-15]])
    with pytest.raises(ValueError, match=r"got 1.5e-16"):
        moments(faint / 10)
    assert np.isfinite(rows(np.array([[1e15, -1e15]]), *moments(faint))).all()
