from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from reslim.coupling import Fractional, Independent, Matern, Smooth, from_dict, to_dict

EXAMPLES = [Independent(), Smooth(), Smooth(0.3), Smooth(0.3, "increments"), Matern(), Matern(0.3, 0.5), Fractional(0.7)]


@pytest.mark.parametrize("coupling", EXAMPLES, ids=repr)
def test_dicts_come_back_equal_and_hash_alike(coupling):
    other = from_dict("f", to_dict(coupling))
    assert other == coupling
    assert type(other) is type(coupling)
    assert hash(other) == hash(coupling)


def test_the_examples_differ():
    assert len(set(EXAMPLES)) == len(EXAMPLES)


def test_the_dict_has_the_name_and_the_fields():
    assert to_dict(Independent()) == {"name": "independent"}
    assert to_dict(Smooth()) == {"name": "smooth", "length": 0.1, "kind": "process"}
    assert to_dict(Matern(0.2, 2.5)) == {"name": "matern", "length": 0.2, "nu": 2.5}
    assert to_dict(Fractional(0.7)) == {"name": "fractional", "hurst": 0.7}


@pytest.mark.parametrize(("coupling", "field"), [(Smooth(), "length"), (Fractional(0.7), "hurst")])
def test_couplings_are_frozen(coupling, field):
    with pytest.raises(FrozenInstanceError):
        setattr(coupling, field, 0.5)


@pytest.mark.parametrize("hurst", [0, 1, 0.0, 1.0, -0.5, 1.5])
def test_hurst_lies_strictly_inside(hurst):
    with pytest.raises(
        ValueError, match=rf"^Fractional\(hurst=\.\.\.\) must lie strictly between 0 and 1, got {float(hurst)}\.$"
    ):
        Fractional(hurst)


@pytest.mark.parametrize("length", [0, -0.1, 1e60])
def test_length_is_positive(length):
    with pytest.raises(ValueError, match=r"^Smooth\(length=\.\.\.\) must be between 1e-50 and 1e\+50, got "):
        Smooth(length)


@pytest.mark.parametrize(
    ("nu", "text"),
    [(0.0, "must be between 1e-50"), (20.5, r"must be at most 20, got 20\.5\. Use Smooth\(0\.1\), which it tends to")],
)
def test_nu_is_positive_and_not_too_large(nu, text):
    with pytest.raises(ValueError, match=rf"^Matern\(nu=\.\.\.\) {text}"):
        Matern(0.1, nu)


def test_other_kinds_are_refused():
    with pytest.raises(TypeError, match=r"^Fractional\(hurst=\.\.\.\) must be a number, got '0.7'\.$"):
        Fractional("0.7")
    with pytest.raises(TypeError, match=r"^Smooth\(length=\.\.\.\) must be a number, got None\.$"):
        Smooth(None)
    with pytest.raises(ValueError, match=r"^Smooth\(kind=\.\.\.\) must be one of process, increments, got 'proces'"):
        Smooth(0.1, "proces")


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        ("fractional", TypeError, "must be an object such as"),
        ({"hurst": 0.7}, TypeError, "must be an object such as"),
        ({"name": "fractal"}, ValueError, r"must be one of .* got 'fractal'\. Did you mean 'fractional'\?"),
        ({"name": 3}, TypeError, "must be one of independent, smooth, matern, fractional, got 3"),
        ({"name": "fractional"}, ValueError, "fractional needs the field 'hurst'"),
        ({"name": "fractional", "hurst": 0.7, "h": 1}, ValueError, "fractional has no field 'h'"),
        ({"name": "independent", "hurst": 0.7}, ValueError, "independent has no field 'hurst'"),
        ({"name": "fractional", "hurst": "x"}, TypeError, r"^Fractional\(hurst=\.\.\.\) must be a number, got 'x'"),
        ({"name": "fractional", "hurst": 2}, ValueError, r"^Fractional\(hurst=\.\.\.\) must lie strictly"),
    ],
)
def test_other_dicts_are_refused(value, kind, text):
    with pytest.raises(kind, match=text):
        from_dict("f", value)
