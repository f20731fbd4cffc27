from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from reslim import checks


@pytest.mark.parametrize("value", [1, 7, np.int64(7), np.uint8(7), 2**70])
def test_positive_int_takes_every_integer_type(value):
    found = checks.positive_int("f", "x", value)
    assert found == value
    assert type(found) is int


@pytest.mark.parametrize("value", [True, np.True_, 1.0, np.float64(1.0), "1", None, [1], np.array(1), np.array([1])])
def test_positive_int_refuses_other_kinds(value):
    with pytest.raises(TypeError, match=r"^f\(x=\.\.\.\) must be a positive integer, got .*\. Way out\.$"):
        checks.positive_int("f", "x", value, "Way out.")


@pytest.mark.parametrize("value", [0, -1, np.int64(-1)])
def test_positive_int_refuses_values_below_1(value):
    with pytest.raises(ValueError, match=rf"^f\(x=\.\.\.\) must be a positive integer, got {value}\.$"):
        checks.positive_int("f", "x", value)


def test_size_ends_at_31_bits():
    assert checks.size("f", "x", 2**31 - 1) == 2**31 - 1
    with pytest.raises(ValueError, match=r"must be at most 2147483647, got 2147483648\.$"):
        checks.size("f", "x", 2**31)


@pytest.mark.parametrize("value", [2, 2.5, np.float32(2.5), np.int8(-3), Fraction(1, 2), 0])
def test_real_takes_every_real_type(value):
    found = checks.real("f", "x", value)
    assert found == value
    assert type(found) is float


@pytest.mark.parametrize("value", [True, "1", None, 1j, [1.0], np.array([1.0])])
def test_real_refuses_other_kinds(value):
    with pytest.raises(TypeError, match=r"^f\(x=\.\.\.\) must be a number, got "):
        checks.real("f", "x", value)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, np.float32("nan"), 10**400])
def test_real_refuses_what_is_not_finite(value):
    with pytest.raises(ValueError, match=r"^f\(x=\.\.\.\) must be finite, got "):
        checks.real("f", "x", value)


@pytest.mark.parametrize("value", [0, 0.0, -0.5, 1e-50, -1e50])
def test_factor_takes_zero_and_both_signs(value):
    assert checks.factor("f", "x", value) == value


@pytest.mark.parametrize("value", [0.9e-50, -1.1e50, 5e-324])
def test_factor_refuses_extreme_magnitudes(value):
    with pytest.raises(ValueError, match=r"must be 0 or of magnitude 1e-50 to 1e\+50, got "):
        checks.factor("f", "x", value)


@pytest.mark.parametrize("value", [0, -1.0, 1e-51, 1e51])
def test_positive_refuses_what_is_outside_its_range(value):
    with pytest.raises(ValueError, match=r"must be between 1e-50 and 1e\+50, got "):
        checks.positive("f", "x", value)


def test_positive_keeps_its_bounds():
    assert [checks.positive("f", "x", value) for value in (1e-50, 1, 1e50)] == [1e-50, 1.0, 1e50]


def test_one_of_names_the_words_and_the_nearest():
    assert checks.one_of("f", "x", "relu", ("relu", "tanh")) == "relu"
    with pytest.raises(ValueError, match=r"^f\(x=\.\.\.\) must be one of relu, tanh, got 'rleu'\. Did you mean 'relu'\?$"):
        checks.one_of("f", "x", "rleu", ("relu", "tanh"))
    with pytest.raises(ValueError, match=r"got 'zzz'\.$"):
        checks.one_of("f", "x", "zzz", ("relu", "tanh"))
    with pytest.raises(TypeError, match=r"must be one of relu, tanh, got \['relu'\]\.$"):
        checks.one_of("f", "x", ["relu"], ("relu", "tanh"))


@pytest.mark.parametrize("value", [True, False, np.True_, np.False_])
def test_boolean_takes_python_and_numpy(value):
    assert checks.boolean("f", "x", value) is bool(value)


@pytest.mark.parametrize("value", [0, 1, "True", None, np.array([True])])
def test_boolean_refuses_other_kinds(value):
    with pytest.raises(TypeError, match=r"^f\(x=\.\.\.\) must be True or False, got "):
        checks.boolean("f", "x", value)


@pytest.mark.parametrize("seed", [0, 2**64 - 1, np.uint64(2**64 - 1)])
def test_seed64_takes_64_bits(seed):
    found = checks.seed64("f", seed)
    assert found == int(seed)
    assert type(found) is int


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_seed64_refuses_more(seed):
    with pytest.raises(ValueError, match=rf"^f\(seed=\.\.\.\) must be an integer from 0 to 2\*\*64 - 1, got {seed}\.$"):
        checks.seed64("f", seed)


@pytest.mark.parametrize("seed", [0.0, "0", None, True])
def test_seed64_refuses_other_kinds(seed):
    with pytest.raises(TypeError, match=r"^f\(seed=\.\.\.\) must be an integer, got "):
        checks.seed64("f", seed)
