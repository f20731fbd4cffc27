"""The JSON of results made by hand, so that every number's place is known."""

from __future__ import annotations

import json

import numpy as np
import pytest
import xarray as xr

from reslim import ResNet
from reslim.cli import payload, tables
from reslim.cli.answer import Answer

NET = ResNet(depth=2, width=4, n_out=3)
LAYERS = [0, 1, 2]
NAN = float("nan")


def laws(inputs=1) -> xr.Dataset:
    """log_growth at layers 0 … 2; active_energy without a law at finite width; the norm of the output."""
    about = {"validity": "n → ∞", "law_source": "notes", "gaussian_family": "normal"}
    growth = np.arange(2 * 2 * 3 * inputs, dtype=float).reshape(2, 2, 3, inputs)
    energy = np.full((2, 2, 3, inputs), NAN)
    energy[1, :, :2] = 0.5
    result = xr.Dataset(
        {
            "log_growth": (("law", "moment", "layer", "input"), growth, about | {"family": "normal", "layers": [0, 1, 2]}),
            "log_growth_second_moment": (("layer",), [0.0, 0.1, 0.2], {"exact": "true", "validity": ""}),
            "active_energy": (("law", "moment", "layer", "input"), energy, about | {"family": "", "layers": [0, 1]}),
            "active_energy_covariance": (("law", "layer", "layer_2"), np.arange(18.0).reshape(2, 3, 3), {"layers": [0, 1]}),
            "log_output_norm": (("law", "moment", "input"), np.ones((2, 2, inputs)), about | {"family": "normal+log-chi2"}),
            "log_output_norm_scale": (("law", "moment", "input"), np.full((2, 2, inputs), 7.0)),
        },
        coords={"law": ["log-gaussian", "gaussian"], "moment": ["mean", "variance"], "layer": LAYERS, "layer_2": LAYERS},
        attrs={"spec": NET.to_json(), "unavailable": json.dumps({"active_energy": "no formula", "log_ntk": "not yet"})},
    )
    return result


def test_prediction():
    found = payload.prediction(laws())
    assert found["spec"] == NET.to_dict()
    assert found["unavailable"] == {"active_energy": "no formula", "log_ntk": "not yet"}
    assert list(found["quantities"]) == ["log_growth", "active_energy", "log_output_norm"]
    assert found["quantities"]["log_growth"] == {
        "layers": [0, 1, 2],
        "mean": [0.0, 1.0, 2.0],
        "variance": [3.0, 4.0, 5.0],
        "family": "normal",
        "gaussian": {"mean": [6.0, 7.0, 8.0], "variance": [9.0, 10.0, 11.0]},
        "validity": "n → ∞",
        "source": "notes",
        "log_second_moment": {"value": [0.0, 0.1, 0.2], "exact": True},
    }
    energy = found["quantities"]["active_energy"]
    assert (energy["layers"], energy["mean"], energy["family"]) == ([0, 1], [None, None], None)
    assert energy["gaussian"] == {"mean": [0.5, 0.5], "variance": [0.5, 0.5], "covariance": [[9.0, 10.0], [12.0, 13.0]]}
    assert energy["covariance"] == [[0.0, 1.0], [3.0, 4.0]]
    output = found["quantities"]["log_output_norm"]
    assert (output["layers"], output["mean"]) == (None, [1.0])
    assert output["parameters"] == {"G_mean": [7.0], "G_variance": [7.0], "degrees_of_freedom": 3}
    json.loads(Answer(found).text())


def test_several_inputs_make_every_entry_a_list():
    found = payload.prediction(laws(inputs=2))
    assert found["quantities"]["log_growth"]["mean"] == [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]
    assert found["quantities"]["log_output_norm"]["mean"] == [[1.0, 1.0]]
    assert found["quantities"]["log_output_norm"]["parameters"]["G_mean"] == [[7.0, 7.0]]


def agreement(inputs=1) -> xr.Dataset:
    tests = ["mean_z", "variance_z", "ks", "ks_p", "allowed_mean", "allowed_variance_ratio", "allowed_ks", "gaussian_ks"]
    tests.append("replicas_needed")
    values = np.arange(9.0 * inputs).reshape(9, 1, inputs)
    values[8] = NAN
    verdicts = np.full((1, inputs), "agree", dtype=object)
    return xr.Dataset(
        {
            "log_growth": (("test", "layer", "input"), values, {"layers": [2]}),
            "log_growth_verdict": (("layer", "input"), verdicts, {"layers": [2]}),
        },
        coords={"test": tests, "layer": [2]},
        attrs={"spec": NET.to_json(), "level": 0.001, "verdict": "agree"},
    )


def test_one_test_is_a_dict():
    assert payload._tests(agreement(), "log_growth") == {
        "layer": 2,
        "mean_z": 0.0,
        "variance_z": 1.0,
        "ks": 2.0,
        "ks_p": 3.0,
        "allowed": {"mean": 4.0, "variance_ratio": 5.0, "ks": 6.0},
        "gaussian_ks": 7.0,
        "replicas_needed": None,
        "verdict": "agree",
    }


def test_several_tests_are_a_list():
    found = payload._tests(agreement(inputs=2), "log_growth")
    assert [(test["layer"], test["input"], test["mean_z"]) for test in found] == [(2, 0, 0.0), (2, 1, 1.0)]


def test_tables_show_the_last_layer_or_all():
    text = Answer(tables.prediction(laws(), every_layer=False)).text()
    assert text.startswith("Predicted: ResNet(depth=2, width=4, n_out=3)\n")
    rows = [line.split() for line in text.splitlines() if line.startswith("log_growth ")]
    assert rows == [["log_growth", "2", "2", "5", "8", "11", "normal"]]
    assert "No law for log_ntk: not yet" in text
    assert "Valid for log_growth, active_energy, log_output_norm: n → ∞" in text
    every = Answer(tables.prediction(laws(), every_layer=True)).text()
    assert sum(line.startswith("log_growth ") for line in every.splitlines()) == 3


@pytest.mark.parametrize(
    ("number", "error", "text"),
    [(1.23456, 0.0123, "1.235 ± 0.012"), (1234.5, 56.7, "1234 ± 57"), (1.0, NAN, "1"), (NAN, 1.0, "—"), (2.0, 0.0, "2")],
)
def test_numbers_with_errors(number, error, text):
    assert tables.with_error(number, error) == text
