"""`reslim gallery` on the command line."""

from __future__ import annotations

import json
from importlib import import_module

import pytest

from reslim.experiments import gallery


def test_list(run):
    assert [entry["name"] for entry in json.loads(run("gallery", "list", "--json").out)["figures"]] == list(gallery.RECIPES)
    assert all(name in run("gallery", "list").out for name in gallery.RECIPES)


@pytest.mark.parametrize(("verdict", "status"), [("agree", 0), ("unresolved", 0), ("differ", 1)])
def test_make(run, folder, monkeypatch, verdict, status):
    check = {"what": "a number", "expected": 1.0, "tolerance": 0.1, "found": None, "error": 0.01, "verdict": verdict}
    made = [{"name": "mfbv-2", "checks": [check], "verdict": verdict, "elapsed_s": 1.0}]
    asked = []
    monkeypatch.setattr(gallery, "make", lambda names, out, quick, data: asked.append((names, out.name, quick, data)) or made)
    outcome = run("gallery", "make", "mfbv-2", "--out", "figures", "--quick", "--data", "mnist-5k")
    assert (outcome.status, outcome.err) == (status, "")
    assert f"Verdict: {verdict}." in outcome.out
    assert asked == [(["mfbv-2"], "figures", True, "mnist-5k")]
    assert json.loads(run("gallery", "make", "mfbv-2", "--json").out) == {"figures": made, "verdict": verdict}


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("show", "gallery takes list or make, got 'show'."),
        ("make", "gallery make needs a NAME, or all; gallery list has them."),
        ("list mfbv-2", "gallery list takes no names."),
        ("make mfbv-8", "--names must be one of lnr-output"),
        ("make mfbv-2 --data mnist-5k", "--data is for figures that train: weights-after-training, accuracy-map, got mfbv-2."),
        ("make all --data mnist-5k", "--data is for figures that train: weights-after-training, accuracy-map, got lnr-output."),
        ("make weights-after-training --data digit", "--data must be one of digits, mnist-5k,"),
        ("make mfbv-2 --out missing/folder", "--out must lie in a folder that exists, got 'missing/folder'."),
    ],
)
def test_bad_input(run, folder, words, line):
    assert line in run("gallery", *words.split()).complaint
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("name", ["weights-after-training", "all"])
def test_without_pytorch_nothing_is_made(run, folder, monkeypatch, name):
    monkeypatch.setattr(import_module("reslim.experiments.gallery.make"), "find_spec", lambda package: None)
    complaint = run("gallery", "make", name).complaint
    assert 'weights-after-training trains networks and needs PyTorch: pip install "reslim[train]"' in complaint
    assert list(folder.iterdir()) == []
