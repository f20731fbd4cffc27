from __future__ import annotations

import math
import re

import numpy as np
import pytest

from reslim import inputs


def test_no_input_is_one_generic_input():
    x = inputs.resolve("f", None, 7)
    assert x.shape == (1, 7)
    assert inputs.mean_squares(x).tolist() == [1.0]


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.float16, np.int64, np.uint8])
def test_arrays_of_numbers_become_float64(kind):
    given = np.arange(1, 7, dtype=kind).reshape(2, 3)
    x = inputs.resolve("f", given, 3)
    assert x.dtype == np.float64
    assert x.flags.c_contiguous
    assert x.tolist() == [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]


def test_lists_and_strided_arrays_are_taken():
    assert inputs.resolve("f", [[True, 2]], 2).tolist() == [[1.0, 2.0]]
    assert inputs.resolve("f", np.eye(4)[:, ::-1], 4).flags.c_contiguous


@pytest.mark.parametrize(
    "given",
    [[[1, 2], [3]], [["1", "2"]], [[None, 1]], [[1j, 1]], np.ones((1, 2)) + 0j, np.zeros((1, 2), "M8[D]"), object()],
)
def test_other_kinds_are_refused(given):
    with pytest.raises(TypeError, match=r"^f\(inputs=\.\.\.\) must be an array of numbers of shape \(m, 2\), got "):
        inputs.resolve("f", given, 2)


@pytest.mark.parametrize(
    ("shape", "hint"),
    [
        ((3, 4), r" Set n_in=4 in the network\."),
        ((2,), r" One input is a row: inputs\[None, :\]\."),
        ((), ""),
        ((0, 2), ""),
        ((1, 0), ""),
        ((1, 1, 2), ""),
    ],
)
def test_other_shapes_are_refused(shape, hint):
    with pytest.raises(ValueError, match=r"^f\(inputs=\.\.\.\) must have the shape \(m, 2\), got the shape ") as caught:
        inputs.resolve("f", np.ones(shape), 2)
    assert caught.match(rf"got the shape .*\){hint and '.'}{hint or '.'}$")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_the_row_that_is_not_finite_is_named(value):
    with pytest.raises(ValueError, match=r"must be finite, got NaN or infinity in row 1\.$"):
        inputs.resolve("f", [[1, 2], [3, value]], 2)


def test_the_zero_row_is_named():
    with pytest.raises(ValueError, match=r"must not be zero: .*, got an all-zero row 1\.$"):
        inputs.resolve("f", [[1, 0], [0, 0]], 2)


@pytest.mark.parametrize("size", [1e-51, 1e51])
def test_extreme_magnitudes_are_refused(size):
    with pytest.raises(ValueError, match=rf"must be of magnitude 1e-50 to 1e\+50, got {re.escape(str(size))}\.$"):
        inputs.resolve("f", [[size, 0]], 2)


def test_mean_squares():
    np.testing.assert_allclose(inputs.mean_squares(np.array([[3.0, 4.0], [1e50, 0.0]])), [12.5, 5e99], rtol=1e-15)


def test_cosines_are_those_of_the_angles():
    angles = np.array([0.0, 0.3, math.pi / 2, math.pi])
    x = np.stack([np.cos(angles), np.sin(angles)], axis=1) * np.array([[1e-40], [1.0], [3.0], [1e40]])
    np.testing.assert_allclose(inputs.cosines(x), np.cos(angles[:, None] - angles), rtol=0, atol=1e-15)
    assert np.diag(inputs.cosines(x)).tolist() == [1.0] * 4


def test_the_digest_tells_inputs_and_shapes_apart():
    x = np.arange(1.0, 7.0)
    digests = {inputs.digest(x.reshape(shape)) for shape in ((1, 6), (2, 3), (3, 2))} | {inputs.digest(x[None] + 1e-15 * x)}
    assert len(digests) == 4
    assert inputs.digest(x[None]) == inputs.digest(x[None].copy())
