from __future__ import annotations

import math
import re

import numpy as np
import pytest

from reslim.quantities import QUANTITIES, resolve, select_layers

# interface.md once more: name, layers of its domain at depth d, dims, backward, covariance
STATE, ACTIVITY, BLOCKS, NONE = (0, 0), (0, -1), (1, 0), None
PER_LAYER, PER_INPUT = ("layer", "input"), ("input",)
TABLE = {
    "log_norm": (STATE, PER_LAYER, False, False),
    "log_growth": (STATE, PER_LAYER, False, False),
    "log_displacement": (STATE, PER_LAYER, False, False),
    "log_tangent_growth": (STATE, PER_LAYER, False, False),
    "log_grad_growth": (STATE, PER_LAYER, True, False),
    "log_grad_displacement": (STATE, PER_LAYER, True, False),
    "grad_state_cosine": (STATE, PER_LAYER, True, False),
    "log_weight_grad": (BLOCKS, PER_LAYER, True, False),
    "log_ntk": (NONE, PER_INPUT, True, False),
    "active_fraction": (ACTIVITY, PER_LAYER, False, True),
    "active_energy": (ACTIVITY, PER_LAYER, False, True),
    "overlap": (STATE, ("layer", "input", "input_2"), False, False),
    "output": (NONE, ("output_unit", "input"), False, False),
    "log_output_norm": (NONE, PER_INPUT, False, False),
}
ALL = tuple(QUANTITIES.values())


def test_the_table_has_these_names_in_this_order():
    assert list(QUANTITIES) == list(TABLE)
    assert all(quantity.name == name for name, quantity in QUANTITIES.items())


@pytest.mark.parametrize("name", TABLE)
@pytest.mark.parametrize("depth", [1, 2, 50])
def test_layers_dims_and_direction(name, depth):
    bounds, dims, backward, covariance = TABLE[name]
    quantity = QUANTITIES[name]
    expected = [] if bounds is None else list(range(bounds[0], depth + bounds[1] + 1))
    assert list(quantity.layers(depth)) == expected
    assert quantity.dims == dims
    assert quantity.backward is backward
    assert quantity.has_covariance is covariance
    if expected:
        assert quantity.last(depth) == (expected[0] if backward else expected[-1])


def test_every_quantity_is_described():
    for quantity in ALL:
        assert quantity.symbol
        assert re.fullmatch(r"[a-z].*[^.]", quantity.definition)
    assert len({quantity.symbol for quantity in ALL}) == len({quantity.definition for quantity in ALL}) == len(ALL)


def names(*args, **kwargs):
    return [quantity.name for quantity in resolve(*args, **kwargs)]


def test_names_come_in_the_order_of_the_table_and_once():
    assert names("f", ["output", "log_norm", "output"], (), 1) == ["log_norm", "output"]
    assert names("f", (name for name in ["log_ntk"]), (), 1) == ["log_ntk"]


def test_defaults_have_the_overlap_of_several_inputs():
    assert names("f", None, ("log_norm",), 1) == ["log_norm"]
    assert names("f", None, ("log_norm",), 2) == ["log_norm", "overlap"]
    assert names("f", ["log_norm"], (), 2) == ["log_norm"]


@pytest.mark.parametrize(
    ("wanted", "kind", "text"),
    [
        ("log_norm", TypeError, r"must be a list of names, got 'log_norm'\."),
        (5, TypeError, r"must be a list of names, got 5\."),
        ([], ValueError, r"must name at least one quantity, got none\."),
        (["log_nrm"], ValueError, r"must name known quantities, got 'log_nrm'\. Did you mean 'log_norm'\?"),
        (["zzz"], ValueError, r"got 'zzz'\. Quantities: log_norm, .*, log_output_norm\."),
        ([5], ValueError, r"must name known quantities, got 5\."),
        ([["log_norm"]], ValueError, r"must name known quantities, got \['log_norm'\]\."),
        (["overlap"], ValueError, r"overlap needs at least two inputs, got one\. Give inputs of shape \(m, n_in\)\."),
    ],
)
def test_other_names_are_refused(wanted, kind, text):
    with pytest.raises(kind, match=rf"^f\(quantities=\.\.\.\) .*{text}"):
        resolve("f", wanted, (), 1)


@pytest.mark.parametrize("depth", [1, 2, 31, 32, 33, 47, 48, 49, 100, 1000, 999_983])
def test_auto_layers_are_few_evenly_spread_and_have_both_ends(depth):
    layers = select_layers("f", "auto", [QUANTITIES["log_norm"]], depth)["log_norm"]
    assert layers[0] == 0
    assert layers[-1] == depth
    assert len(layers) == min(33, depth + 1)
    gaps = np.diff(layers)
    assert gaps.min() >= 1
    assert gaps.max() - gaps.min() <= 1


@pytest.mark.parametrize(
    ("request_", "domain", "expected"),
    [
        ("auto", "log_norm", [0, 1, 2, 3, 4]),
        ("all", "log_norm", [0, 1, 2, 3, 4]),
        ("all", "active_energy", [0, 1, 2, 3]),
        ("all", "log_weight_grad", [1, 2, 3, 4]),
        ("all", "output", []),
        ("last", "log_norm", [4]),
        ("last", "overlap", [4]),
        ("last", "active_energy", [3]),
        ("last", "log_grad_growth", [0]),
        ("last", "log_weight_grad", [1]),
        ("last", "log_ntk", []),
        ([4, 0], "log_norm", [0, 4]),
        ([4, 0, 4], "active_energy", [0]),
        ([4, 0], "log_weight_grad", [4]),
        ([4], "active_energy", []),
        (range(2), "log_norm", [0, 1]),
        (np.array([0, 2]), "log_norm", [0, 2]),
        ((2.0,), "log_norm", [2]),
    ],
)
def test_each_quantity_takes_the_layers_of_its_domain(request_, domain, expected):
    layers = select_layers("f", request_, ALL, 4)
    assert list(layers) == list(QUANTITIES)
    assert layers[domain] == expected


@pytest.mark.parametrize(
    ("request_", "kind", "text"),
    [
        ("first", ValueError, r"must be auto, all, last or a list of layers, got 'first'\."),
        *[
            (value, TypeError, r"must be auto, all, last or a list of layers, got ")
            for value in (5, None, [], [1.5], ["1"], [math.nan], [math.inf], [[1]], [1, None], np.array([0.5]))
        ],
        ([0, 5], ValueError, r"must lie between 0 and the depth 4, got 5\."),
        ([-1, 2], ValueError, r"must lie between 0 and the depth 4, got -1\."),
    ],
)
def test_other_layers_are_refused(request_, kind, text):
    with pytest.raises(kind, match=rf"^f\(layers=\.\.\.\) {text}"):
        select_layers("f", request_, ALL, 4)
