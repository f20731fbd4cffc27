"""`reslim sweep`: its notation, its output, and what it refuses. Chunks are computed in this process."""

from __future__ import annotations

import errno
import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import reslim
from reslim.cli import parsing, vary
from reslim.cli.phrases import Refusal
from reslim.coupling import Fractional, Independent, Matern, Smooth
from reslim.errors import ArgumentError
from reslim.experiments.sweep.axes import notation
from reslim.experiments.sweep.task import TASKS, Entry
from reslim.spec import DepthPower

NET = ("--preset", "marion", "--entries", "gaussian", "--depth", "6", "--width", "5")
ASKED = ("--replicas", "20", "--quantities", "log_displacement,log_grad_displacement")
GRID = (*NET, "--vary", "beta=0:1:3", "--vary", "n-in=2,3", *ASKED)


@pytest.fixture(autouse=True)
def here(monkeypatch):
    monkeypatch.setattr("reslim.experiments.sweep.executors._workers", ThreadPoolExecutor)


# ---- notation


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("beta=0:1.3:70", np.linspace(0.0, 1.3, 70).tolist()),
        ("beta=0.5:0.5:1", [0.5]),
        ("hurst=0.05:0.97:51", np.linspace(0.05, 0.97, 51).tolist()),
        ("skip=log:0.01:1:3", [0.01, 0.1, 1.0]),
        ("depth=10:1000:10", [10, 120, 230, 340, 450, 560, 670, 780, 890, 1000]),
        ("width=log:1:4:9", [1, 2, 3, 4]),
        ("n-out=1,1e3", [1, 1000]),
        ("balanced=true,false", [True, False]),
        ("activation=relu,leaky_relu:0.1", ["relu", "leaky_relu:0.1"]),
        ("coupling=independent,smooth:0.1,fractional:0.7", [Independent(), Smooth(0.1), Fractional(0.7)]),
        ("branch=0.5,L^-0.5,2*L^-1", [0.5, DepthPower(0.5), DepthPower(1.0, 2.0)]),
        ("branch=0.1:0.3:2", [0.1, 0.3]),
        ("variance=1,2", [1.0, 2.0]),
    ],
)
def test_values(text, values):
    (found,) = vary.read([text], settings=()).values()
    assert found == pytest.approx(values) if text.startswith("skip=log") else found == values
    assert [type(one) for one in found] == [type(one) for one in values]


def test_the_settings_of_a_task_are_numbers():
    assert vary.read(["lr=log:0.25:1:3", "width=2"], settings=("lr",)) == {"lr": pytest.approx([0.25, 0.5, 1.0]), "width": [2]}
    assert vary.read(["lr=1,1e-3"], settings=("lr",)) == {"lr": [1.0, 1e-3]}


@pytest.mark.parametrize("value", [Smooth(0.2, "increments"), Smooth(), Matern(0.3, 0.5), Fractional(0.7), Independent()])
def test_couplings_are_written_as_they_are_read(value):
    assert parsing.coupling(notation(value)) == value


@pytest.mark.parametrize("value", [0.25, 1e-7, DepthPower(0.5), DepthPower(-1.0, 0.3), DepthPower(0.0, -2.0)])
def test_branches_are_written_as_they_are_read(value):
    assert parsing.branch(notation(value)) == value


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.sampled_from(["beta", "depth", "=", ":", ",", "log:", "0", "1", "-1", "1.5", "nan", "inf", "1e9", "x", " "])))
def test_any_text_is_read_or_refused(words):
    try:
        vary.read(["".join(words)], settings=("x",))
    except (Refusal, ArgumentError):
        return


# ---- output


def test_json(run, folder):
    found = run("sweep", *GRID, "--seed", str(2**63), "--out", "out", "--json").json
    assert list(found) == ["spec", "vary", "seed", "replicas", "quantities"]
    assert found["vary"] == {"beta": [0.0, 0.5, 1.0], "n_in": [2, 3]}
    assert (found["seed"], found["replicas"]) == (2**63, 20)
    assert list(found["quantities"]) == ["log_displacement", "log_grad_displacement"]
    entry = found["quantities"]["log_displacement"]
    assert list(entry) == ["layers", "mean", "mean_se", "variance", "variance_se", "finite", "quantiles"]
    assert entry["layers"] == [6]
    net = reslim.ResNet.marion(depth=6, width=5, entries="gaussian", beta=0.5, n_in=3)
    names = ["log_displacement", "log_grad_displacement"]
    alone = reslim.simulate(net, 20, 2**63, quantities=names, layers="last", draws=False).log_displacement.sel(layer=6, input=0)
    assert reslim.ResNet.from_dict(found["spec"]).replace(branch=net.branch, n_in=3) == net
    for statistic in ("mean", "mean_se", "variance", "variance_se", "finite"):
        assert np.shape(entry[statistic]) == (3, 2)
        assert entry[statistic][1][1] == alone.sel(statistic=statistic).item()
    assert {level: values[1][1] for level, values in entry["quantiles"].items()} == {
        level: alone.sel(statistic=level).item() for level in ("0.05", "0.25", "0.5", "0.75", "0.95")
    }


def test_json_of_layers_outputs_and_what_is_not_finite(run, folder):
    words = ("--vary", "beta=0.5,1", "--quantities", "output,log_displacement,log_ntk", "--replicas", "9", "--layers", "0,6")
    found = run("sweep", *NET, "--n-out", "3", *words, "--out", "out", "--json").json["quantities"]
    assert np.shape(found["output"]["mean"]) == (2, 3)
    assert found["output"]["layers"] is None
    assert np.shape(found["log_ntk"]["mean"]) == (2,)
    assert found["log_displacement"]["layers"] == [0, 6]
    assert [row[0] for row in found["log_displacement"]["mean"]] == [None, None]
    assert found["log_displacement"]["finite"] == [[0.0, 1.0], [0.0, 1.0]]


def test_json_over_depths_has_no_layer(run, folder):
    words = ("--width", "5", "--vary", "depth=2,3", "--quantities", "log_growth", "--replicas", "5", "--out", "out", "--json")
    entry = run("sweep", *words).json["quantities"]["log_growth"]
    assert entry["layers"] == "last"
    assert np.shape(entry["mean"]) == (2,)


def test_a_small_sweep_is_a_table(run, folder):
    outcome = run("sweep", *GRID, "--out", "out")
    assert (outcome.status, outcome.err) == (0, "")
    lines = outcome.out.splitlines()
    assert lines[0] == ("Swept over beta and n_in: ResNet(depth=6, width=5, skip=1.0, variance=1.0, block='two-matrix', n_out=1)")
    assert sum("log_displacement  " in line for line in lines) == 6
    assert any(line.startswith("6 cells of 20 exact networks, all with seed 0.") for line in lines)
    assert lines[-1].startswith("out: table.parquet")


def test_a_large_sweep_is_an_outline(run, folder):
    lines = run("sweep", *NET, *ASKED, "--vary", "beta=0:1:30", "--out", "out").out.splitlines()
    assert "beta: 30 values, 0 … 1" in lines
    assert any(line.startswith("log_displacement: means from -") for line in lines)


def test_resume_needs_nothing_else(run, folder):
    whole = run("sweep", *GRID, "--out", "out", "--json").json
    path = next((folder / "out" / "chunks").iterdir())
    path.unlink()
    assert run("sweep", "--resume", "out", "--json").json == whole
    assert path.exists()


def test_the_preset_sees_the_coupling_that_varies():
    """Of marion, entries are Gaussian where the coupling is not independent."""
    from reslim.cli import network
    from reslim.cli.options import NetworkOptions
    from reslim.experiments.sweep.axes import read

    options = NetworkOptions(preset="marion", depth="3", width="3")
    assert network.build(options, varied=read("sweep", {"hurst": [0.6]}, {})).entries == "gaussian"


@pytest.mark.parametrize("words", [("--vary", "beta=0:1:3"), ("--vary", "beta=0:1:3", "--vary", "width=log:4:16:3")])
def test_plot(run, folder, words):
    pytest.importorskip("matplotlib")
    mark = "beta=0.5" if len(words) == 2 else "width=5,beta=0.5"
    argv = ("sweep", *NET[:-2], *ASKED, *words, "--out", "out", "--plot", "f.png", "--mark", mark)
    outcome = run(*argv, *(("--width", "5") if len(words) == 2 else ()))
    assert (outcome.status, outcome.err) == (0, "")
    assert (folder / "f.png").read_bytes().startswith(b"\x89PNG")


# ---- bad input


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("", "--vary is missing. For example: --vary beta=0:1.3:70."),
        ("--vary beta", "--vary must be FIELD=VALUES, as beta=0:1:11, got 'beta'."),
        ("--vary beta=", "--vary beta must be a:b:n, log:a:b:n or a list v,v,…, got nothing."),
        ("--vary widht=1,2", "--vary must be one of depth, width"),
        ("--vary branches=1,2", "Did you mean 'branch'?"),
        ("--vary phi=relu", "--vary must be one of depth"),
        ("--vary lr=0:1:3", "--vary must be one of depth"),
        ("--vary beta=1:0:5", "--vary beta must run from the smaller to the larger end, got '1:0:5'."),
        ("--vary beta=0:1:0", "--vary beta must have 1 to 100,000 values, got '0:1:0'."),
        ("--vary beta=0:1:-3", "--vary beta must have 1 to 100,000 values"),
        ("--vary beta=0:1:1e9", "--vary beta must have 1 to 100,000 values"),
        ("--vary beta=0:1:1", "--vary beta must have both ends among its values"),
        ("--vary beta=0:0:2", "--vary beta must have both ends among its values"),
        ("--vary beta=0:1:2.5", "--vary beta must be a:b:n, log:a:b:n or a list v,v,…, got '0:1:2.5'."),
        ("--vary beta=0:1", "--vary beta must be a:b:n"),
        ("--vary beta=0:1:2:3", "--vary beta must be a:b:n"),
        ("--vary beta=nan:1:3", "--vary beta must be a:b:n"),
        ("--vary beta=0:inf:3", "--vary beta must be a:b:n"),
        ("--vary beta=log:0:1:3", "--vary beta must have positive ends for log:, got 'log:0:1:3'."),
        ("--vary beta=0.5,x", "--vary makes the cell beta=x, whose beta must be a number, got 'x'."),
        ("--vary beta=x", "--vary beta must be a number, got 'x'."),
        ("--vary beta=0.5,0.5", "--vary must give beta each value once, got 0.5 twice."),
        ("--vary beta=0.5 --vary beta=1", "--vary beta is given twice"),
        ("--vary beta=0.5 --vary branch=1", "got beta and branch, which both set branch."),
        ("--vary beta=0.5 --branch L^-1", "--vary beta and --branch both set branch: give one of the two."),
        ("--vary branch=0.5 --beta 1", "--vary branch and --beta both set branch: give one of the two."),
        ("--vary width=5,6", "--vary width and --width both set width: give one of the two."),
        ("--vary hurst=0.5:1:2", "--vary makes the cell hurst=1, whose hurst must lie strictly between 0 and 1, got 1.0."),
        ("--vary hurst=0:0.5:2", "--vary hurst must lie strictly between 0 and 1, got 0.0."),
        ("--vary hurst=0.5,0.7 --entries uniform", "whose entries must be gaussian where the weights are coupled across depth"),
        ("--vary coupling=smooth:x", "--coupling must be independent, smooth:LENGTH"),
        ("--vary balanced=yes", "--vary balanced must be True or False, got 'yes'."),
        ("--vary skip=0,1 --branch 0", "--vary skip and branch must not both be zero"),
        ("--vary skip=1,0 --branch 0", "--vary makes the cell skip=0, whose skip and branch must not both be zero"),
        ("--vary n-in=1:100000:100000 --vary skip=1:2:100000", "--vary must make a grid that fits into memory"),
        ("--vary beta=1 --replicas many", "--replicas must be a positive integer, got 'many'."),
        ("--vary beta=1 --seed -1", "--seed must be an integer from 0"),
        ("--vary beta=1 --quantities log_groth", "Did you mean 'log_growth'?"),
        ("--vary n-out=1,2", "where n_out varies, got output. Name other quantities, log_output_norm among them."),
        ("--vary beta=1 --layers 9", "--vary makes the cell beta=1, whose layers must lie between 0 and the depth 6, got 9."),
        ("--vary beta=1 --executor threads", "--executor must be processes, dask or dask:ADDRESS, got 'threads'."),
        ("--vary beta=1 --jobs 0", "--jobs must be a positive integer, got 0."),
        ("--vary beta=1 --resume out", "--resume takes everything from the plan in out: drop --depth."),
        ("--vary beta=1 --mark beta=1", "--mark is a point in the picture of --plot, which is missing."),
        ("--vary beta=1 --plot f.xyz", "--plot must end in .png, .pdf or .svg"),
        ("--vary beta=1 --plot f.png --mark hurst=1", "--mark must give each varied field (beta), got 'hurst=1'."),
        ("--vary beta=1 --plot f.png --mark beta", "--mark must be FIELD=NUMBER,…"),
        ("--vary balanced=true,false --plot f.png", "--plot needs fields that are numbers, got balanced."),
        (
            "--vary beta=1 --vary n-in=1 --vary skip=1 --plot f.png",
            "--plot draws one or two varied fields, got beta, n_in, skip.",
        ),
    ],
)
def test_refused(run, folder, words, line):
    assert line in run("sweep", "--out", "out", *("--depth", "6", "--width", "5"), *words.split()).complaint
    assert not list(folder.iterdir())


@pytest.mark.parametrize(
    ("argv", "line"),
    [
        ((*GRID,), "--out is missing: a sweep needs a folder"),
        ((*GRID, "--out", "none/out"), "--out must lie in a folder that exists, got 'none/out'."),
        ((*GRID, "--out", "file"), "--out must be a folder, got 'file'."),
        ((*GRID, "--out", "/proc/out"), "/proc/out: No such file or directory."),
        (("--resume", "none"), "--resume must be the folder of a sweep, with a plan.json, got 'none'."),
        (("--resume", "file"), "file/plan.json: Not a directory."),
        (("--resume", "bad"), "--resume needs a whole plan.json ("),
        (("--resume", "bad", "--seed", "3"), "--resume takes everything from the plan in bad: drop --seed."),
        (("--resume", "bad", "--out", "out"), "--resume takes everything from the plan in bad: drop --out."),
        ((*GRID, "--out", "mine"), "--out holds sweep.nc but no plan.json, got 'mine'."),
        ((*GRID, "--width", "7", "--out", "other"), "--out holds another sweep: width is 5 there and 7 here."),
        ((*GRID, "--out", "other", "--dept", "3"), "no such option: --dept"),
    ],
)
def test_folders(run, folder, argv, line):
    for name, text in (("file", ""), ("bad/plan.json", '{"spec": 1'), ("mine/sweep.nc", "mine")):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    if "other" in argv:
        run("sweep", *GRID, "--out", "other")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert line in run("sweep", *argv).complaint
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_the_folder_of_another_task_is_refused(run, folder, monkeypatch):
    monkeypatch.setitem(TASKS, "train", Entry("train", "a_module_that_cannot_be_imported", "Training"))
    run("sweep", *GRID, "--out", "out")
    plan = json.loads((folder / "out" / "plan.json").read_text())
    (folder / "out" / "plan.json").write_text(json.dumps(plan | {"task": "train"}))
    words = "holds a sweep of reslim train, not of reslim sweep. Go on with: reslim train --resume out"
    assert run("sweep", "--resume", "out").complaint == f"--resume {words}"
    assert run("sweep", *GRID, "--out", "out").complaint == f"--out {words}"


def test_a_full_disk_says_how_to_go_on(run, folder, monkeypatch):
    def full(path, write):
        raise OSError(errno.ENOSPC, "No space left on device")

    run("sweep", *GRID, "--out", "out")
    next((folder / "out" / "chunks").iterdir()).unlink()
    with monkeypatch.context() as patched:
        patched.setattr("reslim.results.write_atomically", full)
        line = run("sweep", *GRID, "--out", "out").complaint
    assert line == "No space left on device. What is finished is kept; go on with: reslim sweep --resume out"
    assert run("sweep", "--resume", "out").status == 0


def test_a_damaged_chunk_is_a_line_on_stderr(run, folder):
    run("sweep", *GRID, "--out", "out")
    path = next((folder / "out" / "chunks").iterdir())
    path.write_bytes(path.read_bytes()[:-10])
    outcome = run("sweep", "--resume", "out")
    assert outcome.status == 0
    assert outcome.err.splitlines() == [
        f"reslim: out/chunks/{path.name} is damaged (its checksum is another); computing it again."
    ]


def test_a_missing_package_is_named(run, folder, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    line = run("sweep", *GRID, "--out", "out").complaint
    assert line == 'sweeps need pyarrow: pip install "reslim[sweep]"'
    assert not list(folder.iterdir())


def test_the_plan_is_written_for_people_too(run, folder):
    run("sweep", *GRID, "--out", "out")
    text = (folder / "out" / "plan.json").read_text()
    assert json.loads(text)["vary"]["beta"] == [0.0, 0.5, 1.0]
    assert len(text.splitlines()) > 10
