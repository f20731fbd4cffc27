from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reslim import Fractional, Independent, Matern, Smooth
from reslim.cli import parsing
from reslim.errors import BadKind, BadValue
from reslim.spec import DepthPower


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("100", 100),
        ("1e6", 1_000_000),
        ("1_000", 1000),
        ("-3", -3),
        (str(2**64 - 1), 2**64 - 1),
        ("1.5", 1.5),
        ("x", "x"),
        ("", ""),
        ("nan", "nan"),
        ("1e999999999", "1e999999999"),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_integers(text, value):
    read = parsing.integer(text)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.5", 0.5),
        ("1,2,3", [1.0, 2.0, 3.0]),
        ("L^-0.5", DepthPower(0.5)),
        ("L^0.25", DepthPower(-0.25)),
        ("2*L^-1", DepthPower(1.0, 2.0)),
        (" 2 * L^-1 ", DepthPower(1.0, 2.0)),
        ("L^0", DepthPower(0.0)),
    ],
)
def test_branches(text, value):
    assert parsing.branch(text) == value


@pytest.mark.parametrize("text", ["", "x", "L", "L^", "L^x", "x*L^-1", "1,,2", "1,2,", "L^-1,2", "2L^-1", "l^-1", "2*"])
def test_branch_refuses(text):
    with pytest.raises(BadValue, match=r"L\^-0\.5"):
        parsing.branch(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("independent", Independent()),
        ("smooth:0.2", Smooth(0.2)),
        ("smooth-increments:0.2", Smooth(0.2, "increments")),
        ("matern:0.2:0.5", Matern(0.2, 0.5)),
        ("fractional:0.7", Fractional(0.7)),
    ],
)
def test_couplings(text, value):
    assert parsing.coupling(text) == value


@pytest.mark.parametrize("text", ["", "smooth", "smooth:", "smooth:x", "matern:0.1", "fractional", "independent:1", "rough:0.1"])
def test_coupling_refuses(text):
    with pytest.raises(BadValue, match="must be independent"):
        parsing.coupling(text)


@pytest.mark.parametrize(("text", "value"), [("all", "all"), ("0,5,10", [0, 5, 10]), ("7", [7]), ("foo", "foo"), ("1e1", [10])])
def test_layers(text, value):
    assert parsing.layers(text) == value


@pytest.mark.parametrize("text", ["0,x", "0,,1", "0.5", "1,auto"])
def test_layers_refuse(text):
    with pytest.raises(BadValue, match="0,5,10"):
        parsing.layers(text)


@given(st.integers())
def test_every_integer_of_30_digits_is_read_exactly(value):
    if abs(value) < 10**parsing.LONGEST:
        assert parsing.integer(str(value)) == value


@given(st.text())
def test_any_text_is_read_or_refused(text):
    parsing.integer(text)
    for read in (parsing.branch, parsing.coupling, parsing.layers, parsing.skip, parsing.variance, parsing.hurst, parsing.beta):
        with suppress(BadValue, BadKind):
            read(text)
