from __future__ import annotations

import copy
import json
import math
import pickle
from dataclasses import FrozenInstanceError, fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reslim.coupling import Fractional, Independent, Smooth
from reslim.spec import DepthPower, ResNet

SMALL = {"depth": 4, "width": 5}
BIG = 2**31
FACTORS = ("skip", "branch")
SIZES = ("depth", "width", "n_in", "n_out")

factors = st.one_of(st.just(0.0), st.floats(1e-50, 1e50), st.floats(-1e50, -1e-50))
nonzero = st.floats(1e-50, 1e50)
powers = st.builds(DepthPower, st.floats(-5, 5), st.floats(-10, 10).filter(lambda x: abs(x) > 1e-9))
couplings = st.one_of(
    st.just(Independent()),
    st.builds(Smooth, st.floats(1e-50, 1e50), st.sampled_from(["process", "increments"])),
    st.builds(Fractional, st.floats(0, 1, exclude_min=True, exclude_max=True)),
)


@st.composite
def networks(draw):
    """Draw a valid network of any kind; the skip is never zero, so that no layer is dead."""
    depth, block = draw(st.integers(1, 6)), draw(st.sampled_from(["one-matrix", "two-matrix"]))
    layers = {"min_size": depth, "max_size": depth}
    slopes = st.floats(-10, 10).map(lambda slope: f"leaky_relu:{slope}")
    return ResNet(
        depth=depth,
        width=draw(st.integers(1, BIG - 1)),
        skip=draw(st.one_of(nonzero, st.lists(nonzero, **layers))),
        branch=draw(st.one_of(factors, st.lists(factors, **layers), powers)),
        variance=draw(nonzero if block == "one-matrix" else st.one_of(nonzero, st.tuples(nonzero, nonzero))),
        activation=draw(st.one_of(st.sampled_from(["relu", "tanh", "erf", "gelu", "silu", "identity"]), slopes)),
        balanced=draw(st.booleans()),
        block=block,
        entries=draw(st.sampled_from(["gaussian", "uniform", "rademacher"])),
        coupling=draw(couplings),
        n_in=draw(st.integers(1, 1000)),
        n_out=draw(st.integers(1, 1000)),
    )


@settings(deadline=None)
@given(networks())
def test_json_comes_back_equal_and_hashes_alike(net):
    other = ResNet.from_json(net.to_json())
    assert other == net
    assert hash(other) == hash(net)
    assert other.to_json() == net.to_json()
    assert "\n" not in net.to_json()
    json.loads(net.to_json(), parse_constant=pytest.fail)


@settings(deadline=None)
@given(networks())
def test_copies_are_equal(net):
    for other in (pickle.loads(pickle.dumps(net)), copy.deepcopy(net), net.replace()):
        assert other == net
        assert hash(other) == hash(net)


@settings(deadline=None)
@given(networks())
def test_factors_are_one_a_layer_and_read_only(net):
    for field, array in ((net.skip, net.skips), (net.branch, net.branches)):
        value = field.at(net.depth) if isinstance(field, DepthPower) else field
        assert array.dtype == np.float64
        assert array.tolist() == (list(value) if isinstance(value, tuple) else [value] * net.depth)
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1.0


def test_the_dict_has_every_field():
    assert list(ResNet(**SMALL).to_dict()) == [field.name for field in fields(ResNet)]


CHANGED = {
    "depth": 3, "width": 6, "skip": 1.0, "branch": 1.0, "variance": 1.0, "activation": "tanh", "balanced": True,
    "block": "two-matrix", "entries": "uniform", "coupling": Fractional(0.7), "n_in": 3, "n_out": 3,
}  # fmt: skip


def test_every_field_is_changed_below():
    assert list(CHANGED) == [field.name for field in fields(ResNet)]


@pytest.mark.parametrize("name", CHANGED)
def test_every_field_counts_in_equality_json_and_repr(name):
    net = ResNet(**SMALL)
    other = net.replace(**{name: CHANGED[name]})
    assert getattr(other, name) == CHANGED[name]
    assert other != net
    assert len({net, other, ResNet(**SMALL)}) == 2
    assert other.to_json() != net.to_json()
    assert f"{name}={CHANGED[name]!r}" in repr(other)
    with pytest.raises(FrozenInstanceError):
        setattr(net, name, CHANGED[name])


# ---- defaults and presets (interface.md)

LI_NICA_ROY = {
    "skip": math.sqrt(0.5), "branch": math.sqrt(0.5), "variance": 2.0, "activation": "relu", "balanced": False,
    "block": "one-matrix", "entries": "gaussian", "coupling": {"name": "independent"}, "n_in": 10, "n_out": 10,
}  # fmt: skip
MARION = {
    "skip": 1.0, "branch": {"beta": 0.5, "prefactor": 1.0}, "variance": 1.0, "activation": "relu", "balanced": False,
    "block": "two-matrix", "entries": "uniform", "coupling": {"name": "independent"}, "n_in": 64, "n_out": 1,
}  # fmt: skip


def test_the_defaults_are_those_of_li_nica_roy():
    for net in (ResNet(**SMALL), ResNet.li_nica_roy(**SMALL), ResNet.from_json('{"depth": 4, "width": 5}')):
        values = net.to_dict()
        assert values == SMALL | LI_NICA_ROY | {"skip": values["skip"], "branch": values["branch"]}
        assert values["skip"] == values["branch"] == pytest.approx(math.sqrt(0.5), rel=1e-15)


def test_marion_is_the_two_matrix_network_with_a_power_of_the_depth():
    assert ResNet.marion(**SMALL).to_dict() == SMALL | MARION
    assert ResNet.marion(**SMALL, beta=0.25).branches[0] == pytest.approx(4**-0.25)


@pytest.mark.parametrize("coupling", [Fractional(0.7), Smooth()])
def test_marion_has_gaussian_entries_where_the_weights_are_correlated(coupling):
    assert ResNet.marion(**SMALL, coupling=coupling).entries == "gaussian"
    assert ResNet.marion(**SMALL, coupling=coupling, entries="uniform").entries == "uniform"


def test_presets_take_changes():
    assert ResNet.li_nica_roy(**SMALL, balanced=True) == ResNet(**SMALL, balanced=True)
    assert ResNet.marion(**SMALL, branch=0.5).branch == 0.5
    with pytest.raises(ValueError, match=r"^ResNet\.marion\(beta=\.\.\.\) cannot stand beside branch, got 0\.3\. Give one"):
        ResNet.marion(**SMALL, beta=0.3, branch=0.5)


def test_depth_and_width_have_no_default():
    with pytest.raises(TypeError, match="depth"):
        ResNet(width=5)
    with pytest.raises(TypeError, match="width"):
        ResNet(depth=5)


# ---- canonical values


def test_numpy_values_become_python_ones():
    net = ResNet(
        depth=np.int64(4), width=np.int32(5), skip=np.float32(0.5), branch=np.linspace(0, 1, 4, dtype=np.float32),
        variance=np.array(1.5), balanced=np.True_, n_in=np.uint8(3), n_out=np.int8(2),
    )  # fmt: skip
    branch = tuple(float(x) for x in np.linspace(0, 1, 4, dtype=np.float32))
    assert net == ResNet(depth=4, width=5, skip=0.5, branch=branch, variance=1.5, balanced=True, n_in=3, n_out=2)
    assert all(type(getattr(net, name)) is int for name in SIZES)
    assert type(net.skip) is type(net.variance) is float
    assert {type(entry) for entry in net.branch} == {float}
    assert ResNet.from_json(net.to_json()) == net


@pytest.mark.parametrize("schedule", [[1, 2, 3, 4], (1.0, 2.0, 3.0, 4.0), np.arange(1, 5), range(1, 5)])
@pytest.mark.parametrize("name", ["skip", "branch"])
def test_schedules_are_kept_as_tuples_of_floats(name, schedule):
    net = ResNet(**SMALL, **{name: schedule})
    assert getattr(net, name) == (1.0, 2.0, 3.0, 4.0)
    assert not net.is_constant
    assert ResNet(**SMALL).is_constant


def test_a_variance_of_two_matrices_is_a_pair():
    two = {**SMALL, "block": "two-matrix"}
    assert ResNet(**two).variances == (2.0, 2.0)
    assert ResNet(**two, variance=(1, 3)).variances == (1.0, 3.0)
    assert ResNet(**two, variance=np.array([1, 3])).variance == (1.0, 3.0)
    assert ResNet(**two, variance=[3, 3]) == ResNet(**two, variance=3)
    assert ResNet(**SMALL, variance=3).variances == (1.0, 3.0)


def test_a_power_follows_the_depth():
    net = ResNet(depth=16, width=5, branch=DepthPower(0.5, 3))
    assert net.branches.tolist() == [0.75] * 16
    assert net.replace(depth=64).branches[0] == 0.375
    assert net.is_constant
    assert DepthPower(-2).at(3) == 9.0


def test_replace_checks_again():
    net = ResNet(**SMALL, skip=[1, 1, 1, 1])
    with pytest.raises(ValueError, match=r"must be a number or have one value a layer \(5\), got 4 values\."):
        net.replace(depth=5)
    with pytest.raises(
        ValueError, match=r"^ResNet\.replace\(field=\.\.\.\) must be one of depth, .* got 'dept'\. Did you mean 'depth'"
    ):
        net.replace(dept=5)


def test_the_repr_is_short_and_shows_what_is_not_default():
    assert repr(ResNet(**SMALL)) == "ResNet(depth=4, width=5)"
    assert repr(ResNet(**SMALL, skip=[0.1, 0.2, 0.3, 0.4])) == "ResNet(depth=4, width=5, skip=(0.1, 0.2, 0.3, 0.4))"
    long = ResNet(depth=1000, width=5, branch=np.arange(1000) / 3)
    assert repr(long) == "ResNet(depth=1000, width=5, branch=(0, 0.333333, …, 333))"


def test_a_deep_network_costs_no_memory():
    assert ResNet(depth=BIG - 1, width=BIG - 1).skips.strides == (0,)


# ---- refusals: (field, value, kind, what the one line says after the field)

NUMBER = "must be a number, got "
BAD = [
    *[(name, value, TypeError, "must be a positive integer, got ") for name in SIZES for value in (1.0, "1", None, True, [1])],
    *[(name, value, ValueError, f"must be a positive integer, got {value}.") for name in SIZES for value in (0, -3)],
    *[(name, BIG, ValueError, f"must be at most {BIG - 1}, got {BIG}.") for name in SIZES],
    *[(name, value, TypeError, NUMBER) for name in (*FACTORS, "variance") for value in ("1", None, True, 1j, {}, b"abcd")],
    *[(name, ["1"] * 4, TypeError, f"{NUMBER}'1'") for name in FACTORS],
    *[(name, np.ones((4, 1)), TypeError, f"{NUMBER}array([1.])") for name in FACTORS],
    *[(name, value, ValueError, "must be finite, got ") for name in (*FACTORS, "variance") for value in (math.nan, math.inf)],
    *[(name, [1, 1, math.nan, 1], ValueError, "must be finite, got nan.") for name in FACTORS],
    *[(name, 1e-60, ValueError, "must be 0 or of magnitude 1e-50 to 1e+50, got 1e-60.") for name in FACTORS],
    *[
        (name, [1] * count, ValueError, f"must be a number or have one value a layer (4), got {count} values.")
        for name in FACTORS
        for count in (0, 3, 5)
    ],
    ("branch", DepthPower(-1000), ValueError, "must be finite, got inf. DepthPower(beta=-1000.0, prefactor=1.0) at depth 4"),
    ("branch", DepthPower(1000), ValueError, "must not underflow to zero. DepthPower(beta=1000.0, prefactor=1.0) at depth 4"),
    ("branch", DepthPower(90), ValueError, "must be 0 or of magnitude 1e-50 to 1e+50, got 6"),
    *[("variance", value, ValueError, "must be between 1e-50 and 1e+50, got ") for value in (0, -1.0, 1e60)],
    ("variance", (1, 2), ValueError, 'must be one number for a one-matrix block, got (1, 2). Or use block="two-matrix".'),
    ("activation", "rleu", ValueError, "must be one of relu, leaky_relu:SLOPE, "),
    ("activation", "leaky_relu", ValueError, "needs its slope as leaky_relu:SLOPE, got 'leaky_relu'. For example "),
    ("activation", np.tanh, TypeError, "must be one of relu, leaky_relu:SLOPE, "),
    *[("balanced", value, TypeError, f"must be True or False, got {value!r}.") for value in (1, "yes", None)],
    ("block", "two-matrices", ValueError, "must be one of one-matrix, two-matrix, got 'two-matrices'. Did you mean "),
    ("block", 2, TypeError, "must be one of one-matrix, two-matrix, got 2."),
    ("entries", "normal", ValueError, "must be one of gaussian, uniform, rademacher, got 'normal'."),
    ("entries", None, TypeError, "must be one of gaussian, uniform, rademacher, got None."),
    *[
        ("coupling", value, TypeError, "must be Independent(), Smooth(...), Matern(...) or Fractional(...), got ")
        for value in ("independent", None, 0.7, Independent)
    ],
]  # fmt: skip


def test_every_field_has_a_refusal():
    assert {case[0] for case in BAD} == {field.name for field in fields(ResNet)}


@pytest.mark.parametrize(("name", "value", "kind", "text"), BAD, ids=lambda value: str(value)[:40])
def test_bad_values_are_refused_in_one_line(name, value, kind, text):
    with pytest.raises(kind) as caught:
        ResNet(**{**SMALL, name: value})
    message = str(caught.value)
    assert message.startswith(f"ResNet({name}=...) {text}")
    assert "\n" not in message
    assert len(message) < 300


@pytest.mark.parametrize("pair", [(1,), (1, 2, 3), np.ones((3, 2))])
def test_a_pair_of_variances_has_two(pair):
    with pytest.raises(ValueError, match=r"^ResNet\(variance=\.\.\.\) must be a number or a pair \(v_in, v_out\), got "):
        ResNet(**SMALL, block="two-matrix", variance=pair)


@pytest.mark.parametrize(("pair", "kind"), [((0, 1), ValueError), ((1, math.nan), ValueError), (("1", 1), TypeError)])
def test_a_pair_of_variances_is_checked(pair, kind):
    with pytest.raises(kind, match=r"^ResNet\(variance=\.\.\.\) must be "):
        ResNet(**SMALL, block="two-matrix", variance=pair)


@pytest.mark.parametrize(("dead", "layer"), [({"skip": 0, "branch": 0}, 0), ({"skip": [1, 1, 0, 0], "branch": [0, 1, 1, 0]}, 3)])
def test_a_layer_must_pass_something(dead, layer):
    text = (
        rf"skip=\.\.\.\) and branch must not both be zero in a layer: the state would be zero, got 0 for both in layer {layer}\."
    )
    with pytest.raises(ValueError, match=text):
        ResNet(**SMALL, **dead)


@pytest.mark.parametrize(
    ("field", "value", "kind"), [("beta", "x", TypeError), ("beta", math.inf, ValueError), ("prefactor", 1e60, ValueError)]
)
def test_a_power_is_checked(field, value, kind):
    with pytest.raises(kind, match=rf"^DepthPower\({field}=\.\.\.\) must be "):
        DepthPower(**{"beta": 0.5, field: value})


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("{", ValueError, r"^ResNet\.from_json\(text=\.\.\.\) is not JSON \(.*\)\.$"),
        ("[" * 100_000, ValueError, "is not JSON"),
        ('{"depth": ' + "1" * 5000 + "}", ValueError, "is not JSON"),
        (b"\xff", ValueError, "is not JSON"),
        (5, TypeError, r"must be text, got 5\.$"),
        ("[1]", TypeError, r"must be a JSON object, got \[1\]\.$"),
        ('{"width": 5}', ValueError, r"^ResNet\.from_json\(depth=\.\.\.\) is missing\.$"),
        ('{"depth": 5}', ValueError, r"^ResNet\.from_json\(width=\.\.\.\) is missing\.$"),
        ('{"depth": 4, "width": 5, "skips": 1}', ValueError, r"field=\.\.\.\) must be one of .* got 'skips'\. Did you mean"),
        ('{"depth": 4, "width": 5, "skip": NaN}', ValueError, r"^ResNet\(skip=\.\.\.\) must be finite, got nan\.$"),
        ('{"depth": 4.0, "width": 5}', TypeError, r"^ResNet\(depth=\.\.\.\) must be a positive integer, got 4\.0\.$"),
        ('{"depth": 4, "width": 5, "branch": {"prefactor": 1}}', ValueError, r"branch=\.\.\.\) must be an object such as"),
        ('{"depth": 4, "width": 5, "branch": {"beta": 1, "b": 1}}', ValueError, r"branch=\.\.\.\) must be an object such as"),
        ('{"depth": 4, "width": 5, "coupling": "independent"}', TypeError, r"coupling=\.\.\.\) must be an object such as"),
    ],
)  # fmt: skip
def test_bad_json_is_refused_in_one_line(text, kind, message):
    with pytest.raises(kind, match=message) as caught:
        ResNet.from_json(text)
    assert "\n" not in str(caught.value)
