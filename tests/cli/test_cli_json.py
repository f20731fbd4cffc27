"""The commands from end to end: keys, files, statuses."""

from __future__ import annotations

import sys
from types import ModuleType

import numpy as np
import pytest

import reslim

SMALL = ("--depth", "4", "--width", "6")
SAMPLE = ("--replicas", "50", "--seed", "3", "--threads", "1")


def test_predict(run):
    found = run("predict", *SMALL, "--quantities", "log_growth", "--json").json
    assert set(found) == {"spec", "quantities", "unavailable"}
    assert found["spec"] == reslim.ResNet(depth=4, width=6).to_dict()
    growth = found["quantities"]["log_growth"]
    assert set(growth) >= {"layers", "mean", "variance", "family", "gaussian", "validity", "source"}
    law = reslim.predict(reslim.ResNet(depth=4, width=6), quantities=["log_growth"])
    assert growth["layers"] == [0, 1, 2, 3, 4]
    assert growth["mean"] == law.log_growth.sel(law="log-gaussian", moment="mean").values[:, 0].tolist()
    assert growth["family"] == "normal"


def test_simulate(run):
    found = run("simulate", *SMALL, *SAMPLE, "--layers", "0,4", "--json").json
    keys = ["spec", "method", "precision", "seed", "replicas", "died", "elapsed_s", "quantities"]
    assert list(found) == keys
    assert (found["seed"], found["replicas"]) == (3, 50)
    growth = found["quantities"]["log_growth"]
    assert list(growth) == ["layers", "mean", "mean_se", "variance", "variance_se", "finite", "quantiles"]
    assert list(growth["quantiles"]) == ["0.05", "0.25", "0.5", "0.75", "0.95"]
    draws = reslim.simulate(reslim.ResNet(depth=4, width=6), 50, 3, layers=[0, 4], threads=1)
    assert growth["layers"] == [0, 4]
    assert growth["mean"] == pytest.approx(draws.log_growth.mean("replica").values[:, 0].tolist(), rel=1e-12)
    assert found["quantities"]["log_output_norm"]["layers"] is None
    assert len(found["quantities"]["log_output_norm"]["mean"]) == 1


def test_a_summary_without_draws_has_the_same_keys_and_tables(run, tmp_path):
    words = ("simulate", *SMALL, *SAMPLE, "--layers", "0,4", "--quantities", "active_energy,log_growth", "--covariance")
    draws = run(*words, "--layers", "0,3,4", "--json").json
    found = run(*words, "--layers", "0,3,4", "--json", "--summary", "--out", str(tmp_path / "summary.nc")).json
    for key, entry in draws["quantities"].items():
        assert found["quantities"][key].pop("quantiles") == approx(entry.pop("quantiles"), 0.02)
    assert found | {"elapsed_s": 0} == approx(draws | {"elapsed_s": 0})
    assert "statistic" in reslim.load(tmp_path / "summary.nc").log_growth.dims
    tables = [run(*words, *more).out.splitlines()[:-1] for more in ((), ("--summary",))]
    assert tables[0] == tables[1]


def approx(entry, within=1e-12):
    """Equality of nested entries, of numbers to rounding."""
    if isinstance(entry, dict):
        return {key: approx(value, within) for key, value in entry.items()}
    if isinstance(entry, list):
        return [approx(value, within) for value in entry]
    return pytest.approx(entry, rel=1e-9, abs=within) if isinstance(entry, float) else entry


def test_what_is_not_finite_is_null(run):
    found = run("simulate", *SMALL, *SAMPLE, "--quantities", "log_displacement", "--layers", "0,4", "--json").json
    displacement = found["quantities"]["log_displacement"]
    assert displacement["mean"][0] is None
    assert displacement["finite"] == [0.0, 1.0]


def test_several_inputs(run):
    line = ("simulate", *SMALL, *SAMPLE, "--inputs", "digits:0,1,2", "--layers", "last", "--json")
    found = run(*line).json
    assert found["spec"]["n_in"] == 64
    assert np.shape(found["quantities"]["log_growth"]["mean"]) == (1, 3)
    assert np.shape(found["quantities"]["overlap"]["mean"]) == (1, 3, 3)


def test_covariance(run):
    words = (*SMALL, "--quantities", "active_energy", "--covariance", "--json")
    assert np.shape(run("predict", *words).json["quantities"]["active_energy"]["covariance"]) == (4, 4)
    assert np.shape(run("simulate", *words, *SAMPLE).json["quantities"]["active_energy"]["covariance"]) == (4, 4)


def test_compare(run):
    words = ("--depth", "6", "--width", "100", "--balanced", "--quantities", "log_growth", *SAMPLE)
    outcome = run("compare", *words, "--json")
    found = outcome.json
    assert outcome.status == (1 if found["verdict"] == "differ" else 0)
    assert set(found) == {"predicted", "simulated", "agreement", "level", "verdict"}
    test = found["agreement"]["log_growth"]
    keys = {"layer", "mean_z", "variance_z", "ks", "ks_p", "allowed", "gaussian_ks", "verdict", "replicas_needed"}
    assert set(test) == keys
    assert set(test["allowed"]) == {"mean", "variance_ratio", "ks"}
    assert test["layer"] == 6
    assert test["verdict"] in ("agree", "differ", "unresolved")
    several = run("compare", *words, "--layers", "2,6", "--json").json["agreement"]["log_growth"]
    assert [(entry["layer"], entry["input"]) for entry in several] == [(2, 0), (6, 0)]


def test_a_law_that_differs_is_status_1(run):
    words = ("--depth", "40", "--width", "4", "--quantities", "log_growth", "--replicas", "20000", "--level", "0.5")
    outcome = run("compare", *words, "--json")
    assert (outcome.status == 1) == (outcome.json["verdict"] == "differ")


def test_results_are_written_whole(run, tmp_path):
    for command, sample in (("predict", ()), ("simulate", SAMPLE), ("compare", SAMPLE)):
        path = tmp_path / f"{command}.nc"
        outcome = run(command, *SMALL, *sample, "--quantities", "log_growth", "--out", str(path))
        assert outcome.status in (0, 1)
        assert "log_growth" in reslim.load(path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["compare.nc", "predict.nc", "simulate.nc"]
    assert reslim.load(tmp_path / "simulate.nc").log_growth.sizes["replica"] == 50


@pytest.mark.parametrize("words", [(), ("--inputs", "digits:0,1"), ("--layers", "0,2,4")])
@pytest.mark.parametrize("command", ["predict", "simulate", "compare"])
def test_tables(run, command, words):
    sample = () if command == "predict" else SAMPLE
    outcome = run(command, *SMALL, *sample, *words)
    assert outcome.status in (0, 1)
    assert "ResNet(depth=4, width=6" in outcome.out.splitlines()[0]
    assert "log_growth" in outcome.out
    assert "internal" not in outcome.err


def test_plot(run, tmp_path):
    pytest.importorskip("matplotlib")
    words = ("compare", *SMALL, *SAMPLE, "--quantities", "log_growth,log_output_norm", "--plot", str(tmp_path / "f.png"))
    assert run(*words).status in (0, 1)
    assert (tmp_path / "f.png").read_bytes().startswith(b"\x89PNG")


def test_version_and_help(run):
    assert run("--version").out == "reslim 0.1.0\n"
    for argv in ([], ["--help"], ["-h"]):
        outcome = run(*argv)
        assert outcome.status == 0
        commands = ("predict", "simulate", "compare", "critical", "sweep", "demo", "gallery", "train")
        assert all(f"reslim {command}" in outcome.out for command in commands)
        assert not any(command in outcome.out for command in ("diagnose", "prescribe"))


@pytest.mark.parametrize("command", ["predict", "simulate", "compare", "critical", "sweep", "gallery", "demo", "train"])
def test_help_of_a_command_has_an_example(run, command):
    outcome = run(command, "--help")
    assert outcome.status == 0
    assert f"Example: reslim {command}" in outcome.out
    assert ("--functional" in outcome.out) == (command not in ("critical", "gallery", "demo", "train"))
    assert ("--summary" in outcome.out) == (command == "simulate")


def test_interrupt(run, monkeypatch):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("reslim.simulate", interrupted, raising=False)
    outcome = run("simulate", *SMALL, "--replicas", "5")
    assert (outcome.status, outcome.out, outcome.err) == (130, "", "reslim: interrupted; no file is half-written.\n")


@pytest.fixture
def experiment(monkeypatch):
    """Let `reslim demo` run a stand-in that records its arguments."""
    demo = ModuleType("reslim.experiments.demo")
    demo.calls = []  # type: ignore[attr-defined]

    def run(out, quick):
        demo.calls.append((out, quick))
        return {"verdict": "agree"}

    demo.run, demo.table, demo.notes = run, lambda found: f"table: {found['verdict']}", lambda found: "notes"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "reslim.experiments.demo", demo)
    monkeypatch.setattr("reslim.experiments.demo", demo, raising=False)
    return demo


def test_demo(run, experiment, tmp_path):
    outcome = run("demo", "--quick", "--out", tmp_path / "new")
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out == f"table: agree\n\nnotes\nFigures and demo.json: {tmp_path / 'new'}\n"
    assert run("demo", "--out", tmp_path, "--json").json == {"verdict": "agree"}
    assert experiment.calls == [(tmp_path / "new", True), (tmp_path, False)]


def test_an_interrupted_demo_says_where_its_figures_are(run, experiment, tmp_path):
    def interrupted(out, quick):
        raise KeyboardInterrupt

    experiment.run = interrupted
    outcome = run("demo", "--out", tmp_path)
    assert (outcome.status, outcome.out) == (130, "")
    assert outcome.err == f"reslim: interrupted; figures that were finished are in {tmp_path}, each of them whole.\n"
