"""Sweeps of another task than simulating: the same folder, the same going on, the same Dataset."""

from __future__ import annotations

import json
import pickle
import re
import signal
import sys
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from multiplied import ENTRY, NET, VARY, Multiply, Stopped, multiply, multiply_and_be_killed
from swept import Here, chunks, one_cell_a_chunk, sweep, tables

import reslim
from reslim.cli.phrases import Interruption, phrase
from reslim.experiments.sweep import executors
from reslim.experiments.sweep.axes import read
from reslim.experiments.sweep.grid import Grid
from reslim.experiments.sweep.plan import Plan
from reslim.experiments.sweep.run import resume
from reslim.experiments.sweep.task import TASKS, Entry


@pytest.fixture(autouse=True)
def known(monkeypatch):
    monkeypatch.setitem(TASKS, "multiply", ENTRY)


@pytest.mark.parametrize("name", list(TASKS))
def test_the_table_holds_each_task_under_its_name(name):
    assert TASKS[name].load().name == name


# ---- the numbers


def test_the_dataset_has_the_setting_as_a_dim(tmp_path):
    found = multiply(tmp_path / "out")
    assert list(found) == ["product", "inverse", "parity", "third"]
    assert found["product"].dims == ("lr", "width", "statistic")
    assert found.lr.values.tolist() == [0.5, 1.0, 2.0]
    assert found.statistic.values.tolist() == ["mean", "standard_error"]
    for lr in VARY["lr"]:
        for width in VARY["width"]:
            cell = found.sel(lr=lr, width=width)
            assert cell["product"].values.tolist() == [10.0 * lr * width, 0.0]
            assert cell.inverse.values[0] == 1.0 / (10.0 * lr * width)
            assert (cell.parity, cell.third) == ("odd" if width % 2 else "even", 10.0 * lr * width / 3.0)
    wanted = {"title": "reslim multiply", "source": "multiply", "factor": 10.0, "kernels": "multiply 1"}
    assert {name: found.attrs[name] for name in wanted} == wanted
    assert json.loads(found.attrs["vary"]) == VARY
    assert reslim.ResNet.from_json(found.attrs["spec"]) == NET


def test_the_folder_holds_the_same(tmp_path):
    found = multiply(tmp_path / "out")
    xr.testing.assert_identical(reslim.load(tmp_path / "out" / "sweep.nc"), found)
    table = pd.read_parquet(tmp_path / "out" / "table.parquet")
    columns = ["lr", "width", "quantity", "layer", "output_unit", "statistic", "value", "parity", "third"]
    assert list(table) == columns
    wanted = table[(table.quantity == "product") & (table.statistic == "mean")]
    np.testing.assert_array_equal(
        wanted.pivot(index="lr", columns="width", values="value"), found["product"].sel(statistic="mean")
    )
    plan = json.loads((tmp_path / "out" / "plan.json").read_text())
    assert list(plan) == ["task", "spec", "vary", "factor", "kernels"]
    assert (plan["task"], plan["vary"], plan["factor"]) == ("multiply", VARY, 10.0)
    assert len(chunks(tmp_path / "out")) == len(VARY["width"])


def test_fields_alone_and_settings_alone():
    assert multiply(None, {"width": [3]})["product"].values.tolist() == [[30.0, 0.0]]
    assert multiply(None, {"lr": [0.1, 0.2]})["product"].sel(statistic="mean").values.tolist() == [2.0, 4.0]


def test_cells_that_differ_in_their_settings_share_a_network():
    cells = Grid("multiply", NET, read("multiply", VARY, Multiply.settings)).cells
    assert [(cell.net.width, cell.settings["lr"]) for cell in cells] == [(w, lr) for lr in VARY["lr"] for w in VARY["width"]]
    assert len({id(cell.net) for cell in cells}) == len(VARY["width"])


def test_worker_processes_find_the_same(tmp_path):
    multiply(tmp_path / "here")
    multiply(tmp_path / "there", executor="processes")
    assert tables(tmp_path / "there") == tables(tmp_path / "here")
    assert pickle.loads(pickle.dumps(Multiply(2.0))) == Multiply(2.0)


# ---- going on


@contextmanager
def killed(out: Path, monkeypatch):
    process = get_context("spawn").Process(target=multiply_and_be_killed, args=(out,))
    process.start()
    process.join(timeout=120)
    assert process.exitcode == -signal.SIGKILL
    yield


@contextmanager
def interrupted(out: Path, monkeypatch):
    monkeypatch.setattr(executors, "AHEAD", 1)
    with pytest.raises(KeyboardInterrupt):
        multiply(out, executor=Stopped(2, kill=False))
    yield


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("stopped", [killed, interrupted])
def test_what_is_finished_is_not_repeated(tmp_path, monkeypatch, stopped):
    multiply(tmp_path / "whole")
    out, rest = tmp_path / "out", Here()
    with stopped(out, monkeypatch):
        before = chunks(out)
    assert len(before) == 2
    found = resume(out, "multiply", executor=rest)
    assert rest.calls == len(VARY["width"]) - 2
    assert chunks(out).items() >= before.items()
    assert tables(out) == tables(tmp_path / "whole")
    again = Here()
    xr.testing.assert_identical(multiply(out, executor=again), found)
    assert again.calls == 0


def test_the_settings_count_for_the_key_of_a_chunk():
    def keys(vary):
        return {
            chunk.key
            for chunk in Plan(Grid("multiply", NET, read("multiply", vary, Multiply.settings)), Multiply(1.0), "").chunks
        }

    assert keys({"lr": [1.0], "width": [2]}) == keys({"width": [2], "lr": [1]})
    assert not keys({"lr": [1.0]}) & keys({"lr": [2.0]})


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({"factor": 2.0}, "factor is 10.0 there and 2.0 here"),
        ({"vary": VARY | {"lr": [3]}}, "the values of lr is [0.5, 1.0, 2.0] there and [3.0] here"),
    ],
)
def test_another_sweep_in_the_folder_is_refused(tmp_path, changes, difference):
    multiply(tmp_path / "out")
    with pytest.raises(ValueError, match=re.escape(f"multiply(out=...) holds another sweep: {difference}.")):
        multiply(tmp_path / "out", **changes)


# ---- the folders of other tasks


def test_no_task_goes_on_in_the_folder_of_another(tmp_path, monkeypatch):
    one, other = tmp_path / "sweep", tmp_path / "multiply"
    sweep(one)
    multiply(other)
    before = tables(one), tables(other)
    theirs = f"holds a sweep of reslim sweep, not of reslim multiply. Go on with: reslim sweep --resume {one}"
    ours = f"holds a sweep of reslim multiply, not of reslim sweep. Go on with: reslim multiply --resume {other}"
    with pytest.raises(ValueError, match=re.escape(f"multiply(resume=...) {theirs}")):
        resume(one, "multiply", executor=Here())
    with pytest.raises(ValueError, match=re.escape(f"multiply(out=...) {theirs}")):
        multiply(one)
    monkeypatch.setitem(TASKS, "multiply", Entry("multiply", "a_module_that_cannot_be_imported", "Multiply"))
    with pytest.raises(ValueError, match=re.escape(f"sweep(resume=...) {ours}")) as caught:
        resume(other, executor=Here())
    assert phrase(caught.value) == f"--resume {ours}"
    with pytest.raises(ValueError, match=re.escape(f"sweep(out=...) {ours}")):
        sweep(other)
    assert (tables(one), tables(other)) == before


@pytest.mark.parametrize(
    ("name", "error"),
    [("simulate", r"BadValue: sweep\(vary=...\) must be one of"), ("divide", "KeyError: 'divide'"), ([], "TypeError")],
)
def test_a_plan_with_the_name_of_another_task_is_none(tmp_path, name, error):
    multiply(tmp_path)
    plan = json.loads((tmp_path / "plan.json").read_text())
    (tmp_path / "plan.json").write_text(json.dumps(plan | {"task": name}))
    with pytest.raises(ValueError, match=rf"needs a whole plan.json \({error}"):
        resume(tmp_path, executor=Here())


def test_tasks_never_share_a_chunk(tmp_path, monkeypatch):
    """Keys hold the name of the task: what else they hold may be the same."""
    grid = Grid("multiply", NET, read("multiply", {"width": [2]}, {}))
    here = Plan(grid, Multiply(1.0), "").chunks
    monkeypatch.setattr(Multiply, "name", "divide")
    assert here[0].key != Plan(grid, Multiply(1.0), "").chunks[0].key


def test_a_sweep_imports_no_other_task(tmp_path, monkeypatch):
    monkeypatch.setitem(TASKS, "multiply", Entry("multiply", "a_module_that_cannot_be_imported", "Multiply"))
    one_cell_a_chunk(monkeypatch)
    sweep(tmp_path / "out")
    resume(tmp_path / "out", executor=Here())


# ---- what the task says of itself


def test_the_progress_bar_has_the_name_of_the_call(monkeypatch):
    from reslim.experiments.sweep import run

    seen, bar = [], run.progress_bar

    def shown(label, *args, **more):
        seen.append(label)
        return bar(label, *args, **more)

    monkeypatch.setattr(run, "progress_bar", shown)
    multiply(None)
    sweep()
    assert seen == ["multiply", "sweep"]


def test_the_command_that_goes_on_is_the_tasks(tmp_path):
    from reslim.cli.sweeping import Prepared, resumable

    multiply(tmp_path)
    with pytest.raises(Interruption) as caught, resumable(Prepared("multiply", tmp_path, (), lambda: xr.Dataset())):
        raise KeyboardInterrupt
    assert str(caught.value).endswith(f"go on with: reslim multiply --resume {tmp_path}")


# ---- bad input


@pytest.mark.parametrize(
    ("vary", "line"),
    [
        ({"lr": [0.1, -1]}, "multiply(vary=...) makes the cell lr=-1, whose lr must be between 1e-50 and 1e+50, got -1.0."),
        ({"lr": ["fast"]}, "multiply(vary=...) makes the cell lr=fast, whose lr must be a number, got 'fast'."),
        ({"lr": [1, 1.0]}, "multiply(vary=...) must give lr each value once, got 1 twice."),
        ({"lr": []}, "multiply(vary=...) must give lr 1 to 100,000 values, got 0."),
        ({"rl": [1]}, "multiply(vary=...) must be one of depth, width,"),
        ({"width": [0]}, "multiply(vary=...) makes the cell width=0, whose width must be a positive integer, got 0."),
        ({"width": [100], "lr": [1]}, "makes the cell width=100, lr=1, whose width must have two digits at most, got 100."),
        ({"depth": [4]}, "multiply(vary=...) must leave the depth as it is."),
        ({"lr": range(1, 10**5), "width": range(1, 10**5)}, "multiply(vary=...) must make a grid that fits into memory"),
    ],
)
def test_bad_axes(tmp_path, vary, line):
    with pytest.raises((ValueError, TypeError)) as caught:
        multiply(tmp_path / "out", vary)
    assert line in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_other_executors_and_workers_are_refused_in_the_name_of_the_call(tmp_path):
    class Elsewhere(Here):
        def submit(self, call, /, task, cells, fingerprint):
            return super().submit(call, task, cells, "multiply 2")

    with pytest.raises(
        ValueError, match=r"multiply\(executor=\.\.\.\) must have workers with the same code, got multiply 1 there"
    ):
        multiply(tmp_path / "out", executor=Elsewhere())
    with pytest.raises(ValueError, match=r"multiply\(executor=\.\.\.\) must be processes, dask"):
        multiply(tmp_path / "out", executor="threads")


def test_a_setting_of_another_task_is_no_field_of_a_sweep():
    with pytest.raises(ValueError, match=r"^sweep\(vary=\.\.\.\) must be one of depth, .*, got 'lr'"):
        sweep(vary={"lr": [0.1]})
