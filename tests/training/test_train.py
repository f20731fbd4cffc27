"""`reslim.train`: what it tells, that it can be gone on with, and what it refuses."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
from scipy import stats

import reslim
from reslim import ResNet, data
from reslim.simulation.explicit import draw_weights
from reslim.training import fit as fitting
from reslim.training.checkpoint import BEFORE, LATEST
from reslim.training.data import load
from reslim.training.ensemble import Ensemble, Member
from reslim.training.fit import fit
from reslim.training.recipe import Recipe
from reslim.training.report import statistic
from reslim.training.train import RESULT

NET = ResNet.marion(depth=40, width=6)
FEW = {"limit": 100, "epochs": 2, "batch": 50, "progress": False}


@pytest.fixture(scope="module")
def found():
    return reslim.train(NET, seeds=3, lr=0.01, **FEW)


def test_the_numbers_are_those_of_fit(found):
    images = load("digits", limit=100)
    members = [Member(NET.replace(n_in=64, n_out=10), seed, 0.01) for seed in range(3)]
    trained = fit(members, images, Recipe(epochs=2, lr=0.01, batch=50))
    for name in ("accuracy", "train_loss", "test_loss"):
        curves = [getattr(each, name).tolist() for each in trained]
        assert [each[name] for each in found["networks"]] == curves
        last = [curve[-1] for curve in curves]
        assert found[name]["mean"] == pytest.approx(np.mean(last), rel=1e-12)
        assert found[name]["interval"] == pytest.approx(stats.t.interval(0.95, 2, np.mean(last), stats.sem(last)), rel=1e-9)
    displacement = [each.after["log_displacement"] for each in trained]
    assert found["after"]["log_displacement"]["mean"] == pytest.approx(np.mean(displacement), rel=1e-12)
    drift = [each.after["change"]["drift"] for each in trained]
    assert found["after"]["drift"]["mean"] == pytest.approx(np.mean(drift), rel=1e-12)
    assert found["chance"] == np.bincount(images.y_test).max() / len(images.y_test)
    assert found["chance"] == pytest.approx(0.1, abs=0.02)


def test_norms_are_told_at_a_few_layers(found):
    layers, (network, *_) = found["layers"], found["networks"]
    assert (len(layers), layers[0], layers[-1]) == (33, 0, 39)
    images = load("digits", limit=100)
    whole = fit([Member(NET.replace(n_in=64, n_out=10), 0, 0.01)], images, Recipe(epochs=2, lr=0.01, batch=50))[0].before
    assert network["before"]["branch_norms"] == [whole["branch_norms"][l] for l in layers]
    for name in ("v", "w"):
        assert network["before"]["weights"][name]["norms"] == [whole["weights"][name]["norms"][l] for l in layers]
        assert set(network["after"]["weights"][name]["hurst"]) == {"estimate", "error", "dependent_error"}


@pytest.mark.parametrize("depth", [1, 2, 7])
def test_shallow_networks_have_no_hurst_index(depth):
    found = reslim.train(NET.replace(depth=depth, branch=0.5), **FEW)
    assert found["layers"] == list(range(depth))
    assert found["networks"][0]["before"]["weights"]["v"]["hurst"] is None
    assert found["before"]["hurst_v"] == {"mean": None, "interval": None, "networks": 0}
    assert found["accuracy"]["interval"] is None


def test_a_seed_is_the_same_in_any_company(found):
    single = reslim.train(NET, seed=1, lr=0.01, **FEW)
    np.testing.assert_allclose(single["networks"][0]["train_loss"], found["networks"][1]["train_loss"], rtol=1e-4)


def test_those_that_diverge_are_counted():
    net = NET.replace(activation="identity", branch=1.0, depth=10, block="one-matrix")
    found = reslim.train(net, seeds=2, optimizer="sgd", lr=100.0, **FEW)
    assert found["diverged"]["count"] == 2
    for network, epoch in zip(found["networks"], found["diverged"]["epochs"], strict=True):
        assert network["diverged"] == epoch
        assert epoch in (1, 2)
        assert network["accuracy"][epoch - 1] is None
        assert network["after"] is None
    assert found["accuracy"] == {"mean": None, "interval": None, "networks": 0}
    assert found["after"] == {}
    json.dumps(found, allow_nan=False)


def test_what_the_last_step_throws_out_has_diverged():
    """One step an epoch, so that its loss is finite and only the test sees what it has done."""
    net = NET.replace(activation="identity", depth=10)
    found = reslim.train(net, optimizer="sgd", lr=1e30, epochs=1, batch=100, limit=100, progress=False)
    (network,) = found["networks"]
    assert (network["train_loss"], network["test_loss"], network["accuracy"]) == ([None], [None], [None])
    assert (network["diverged"], network["after"]) == (1, None)


def test_weights_without_roughness_have_no_hurst_index():
    net = ResNet(depth=8, width=1, entries="rademacher", n_in=64)
    seed = next(s for s in range(1000) if abs(draw_weights(net, s, 0).blocks.v.sum()) == 8.0)
    found = reslim.train(net, seed=seed, where="init", **FEW)
    assert found["networks"][0]["before"]["weights"]["v"]["hurst"] is None


def test_an_interval_has_its_level():
    """Of 2 000 means of 3 normal numbers; five standard errors are 2.4 %."""
    draws = np.random.default_rng(0).standard_normal((2000, 3))
    inside = [low < 0.0 < high for low, high in (statistic(row)["interval"] for row in draws)]
    assert abs(np.mean(inside) - 0.95) < 0.0244


def test_what_is_unknown_is_left_out_of_a_mean():
    assert statistic([None, 2.0, None]) == {"mean": 2.0, "interval": None, "networks": 1}
    assert statistic([1.0, None, 1.0]) == {"mean": 1.0, "interval": [1.0, 1.0], "networks": 2}


# ---- the folder


def test_a_finished_training_is_read_and_not_repeated(tmp_path, monkeypatch):
    first = reslim.train(NET, out=tmp_path / "new", **FEW)
    assert {path.name for path in (tmp_path / "new").iterdir()} == {RESULT, LATEST, BEFORE}
    monkeypatch.setattr(Ensemble, "run_epoch", None)
    assert reslim.train(NET, out=tmp_path / "new", **FEW) == first


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"identity": "other"}'])
def test_a_result_of_something_else_is_not_overwritten(content, tmp_path):
    (tmp_path / RESULT).write_text(content)
    with pytest.raises(ValueError, match=r"^train\(out=...\) holds a train.json of something else. Take another folder"):
        reslim.train(NET, out=tmp_path, **FEW)
    assert (tmp_path / RESULT).read_text() == content


# ---- what is refused


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"net": 3}, "train(net=...) must be a ResNet, got 3."),
        ({"data": "digit"}, "train(data=...) must be one of digits"),
        ({"data": 3}, "train(data=...) must be a word such as digits"),
        ({"keep": ["n_in"]}, ""),
        ({"keep": ["n_out"]}, "train(n_out=...) must be the 10 classes of digits, got 1. Set n_out=10."),
        ({"keep": ["n"]}, "train(keep=...) must be one of n_in, n_out, got 'n'."),
        ({"seeds": 0}, "train(seeds=...) must be a positive integer, got 0."),
        ({"seed": 2**64 - 1, "seeds": 2}, "train(seed=...) must be an integer from 0 to 2**64 - 1"),
        ({"seeds": 10**12}, "train(networks=...) must fit into memory, got 1000000000000, which take"),
    ],
)
def test_arguments_out_of_range(arguments, text):
    if not text:  # the 64 pixels that it has
        assert reslim.train(**({"net": NET} | FEW | arguments))["spec"]["n_in"] == 64
        return
    with pytest.raises((ValueError, TypeError), match="train") as error:
        reslim.train(**({"net": NET} | FEW | arguments))
    assert str(error.value).startswith(text)


def test_memory_holds_what_is_measured_too(monkeypatch):
    """A process grew by 520 MB in training this network, which takes 169 MB in the program."""
    net = ResNet(depth=100, width=300, n_in=64)
    monkeypatch.setattr(fitting.memory, "free_bytes", lambda: 700_000_000)
    with pytest.raises(ValueError, match=r"got 1, which take 5[0-9]* MB of 700 MB"):
        fitting.check_memory(net, 1, 200)


@pytest.mark.parametrize(
    ("missing", "text"),
    [
        ("torch", 'training needs PyTorch: pip install "reslim[train]"'),
        ("sklearn.datasets", 'the digits need scikit-learn: pip install "reslim[train]"'),
    ],
)
def test_a_missing_package_is_named(missing, text, monkeypatch):
    data.every_digit.cache_clear()
    monkeypatch.setitem(sys.modules, missing, None)
    monkeypatch.delitem(sys.modules, "reslim.training.fit", raising=False)
    monkeypatch.delattr(reslim.training, "fit", raising=False)
    with pytest.raises(ModuleNotFoundError) as error:
        reslim.train(NET, **FEW)
    assert str(error.value) == text
