"""What a sweep returns and writes, and that it goes on where it was."""

from __future__ import annotations

import json
import os
import re
from concurrent.futures import BrokenExecutor, CancelledError, Future

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from swept import NET, QUANTITIES, VARY, Here, chunks, one_cell_a_chunk, sweep, tables

import reslim
from reslim import Fractional, Independent
from reslim.experiments.sweep import kernels, simulation
from reslim.experiments.sweep.run import resume
from reslim.spec import DepthPower
from reslim.summary import STATISTICS


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    out = tmp_path_factory.mktemp("sweep") / "made"
    return sweep(out), out


# ---- the numbers


def test_dims_and_coordinates(made):
    found, _ = made
    assert list(found)[:2] == QUANTITIES
    assert found.log_displacement.dims == ("beta", "depth", "statistic", "input")
    assert found.beta.values.tolist() == VARY["beta"]
    assert found.depth.values.tolist() == VARY["depth"]
    assert found.statistic.values.tolist() == list(STATISTICS)
    assert found.attrs["seed"] == str(2**64 - 1)
    assert json.loads(found.attrs["vary"]) == VARY


def test_a_cell_is_what_simulate_gives(made):
    found, _ = made
    for beta in VARY["beta"]:
        for depth in VARY["depth"]:
            net = NET.replace(depth=depth, branch=DepthPower(beta))
            alone = reslim.simulate(net, 20, 2**64 - 1, quantities=QUANTITIES, layers="last", draws=False)
            for name, layer in (("log_displacement", depth), ("log_grad_displacement", 0)):
                cell = found[name].sel(beta=beta, depth=depth)
                assert cell.values.tobytes() == alone[name].sel(layer=layer).values.tobytes()
            assert found.died.sel(beta=beta, depth=depth) == alone.attrs["died"]
            assert found.method.sel(beta=beta, depth=depth) == alone.attrs["method"]


def test_layers_are_said_where_they_are_the_same_in_every_cell(made):
    found, _ = made
    assert "layers" not in found.log_displacement.attrs
    assert found.log_grad_displacement.attrs["layers"].tolist() == [0]


@pytest.mark.parametrize("layers", [[0, 3], "all"])
def test_several_layers(layers):
    names = ["log_growth", "active_energy", "log_ntk", "output"]
    net = NET.replace(depth=4, n_out=3)
    found = sweep(net=net, vary={"beta": [0.5, 1.0]}, quantities=names, layers=layers)
    alone = reslim.simulate(net.replace(branch=DepthPower(1.0)), 20, 2**64 - 1, quantities=names, layers=layers, draws=False)
    assert found.output.dims == ("beta", "statistic", "output_unit", "input")
    for name in names:
        cell = found[name].sel(beta=1.0)
        own = {"layer": alone[name].attrs["layers"]} if "layers" in alone[name].attrs else {}
        xr.testing.assert_equal(cell.sel(own).drop_vars("beta"), alone[name].sel(own))


def test_words_and_objects_are_labelled_as_on_the_command_line():
    vary = {"balanced": [False, True], "activation": ["relu", "tanh"], "branch": [0.5, DepthPower(0.5, 2.0), DepthPower(1)]}
    found = sweep(vary=vary, quantities=["log_growth"])
    assert found.balanced.values.tolist() == [False, True]
    assert found.activation.values.tolist() == ["relu", "tanh"]
    assert found.branch.values.tolist() == ["0.5", "2*L^-0.5", "L^-1"]
    cell = found.log_growth.sel(balanced=True, activation="tanh", branch="2*L^-0.5", statistic="mean").item()
    net = NET.replace(balanced=True, activation="tanh", branch=DepthPower(0.5, 2.0))
    alone = reslim.simulate(net, 20, 2**64 - 1, quantities=["log_growth"], layers="last", draws=False)
    assert cell == alone.log_growth.sel(statistic="mean").item()


# ---- the files


def test_the_table_is_tidy_and_the_same_as_the_dataset(made):
    found, out = made
    table = pd.read_parquet(out / "table.parquet")
    assert list(table) == ["beta", "depth", "quantity", "layer", "output_unit", "statistic", "value", "method", "died"]
    assert len(table) == 12 * 2 * len(STATISTICS)
    wanted = table[(table.quantity == "log_displacement") & (table.statistic == "mean")]
    assert wanted.layer.tolist() == wanted.depth.tolist()
    pivot = wanted.pivot(index="beta", columns="depth", values="value")
    np.testing.assert_array_equal(pivot, found.log_displacement.sel(statistic="mean").isel(input=0))
    xr.testing.assert_identical(reslim.load(out / "sweep.nc"), found)


def test_the_plan_is_json_with_the_seed_as_text(made):
    plan = json.loads((made[1] / "plan.json").read_text())
    assert plan["seed"] == "18446744073709551615"
    assert plan["vary"] == VARY
    assert reslim.ResNet.from_dict(plan["spec"]) == NET
    assert plan["kernels"] == kernels.fingerprint()


def test_without_a_folder_nothing_is_kept(made, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    xr.testing.assert_identical(sweep(), made[0])
    assert os.listdir(tmp_path) == []


def test_the_plan_survives_every_kind_of_value(tmp_path):
    vary = {
        "coupling": [Independent(), Independent()][:1],
        "variance": [1.0, (1.0, 2.0)],
        "branch": [DepthPower(0.5, 2.0)],
        "n_in": np.array([3, 5]),
        "skip": np.linspace(0.5, 1.0, 2),
    }
    found = sweep(tmp_path / "out", vary=vary, quantities=["log_growth"])
    xr.testing.assert_identical(resume(tmp_path / "out", executor=Here()), found)


# ---- going on


def test_what_is_finished_is_not_repeated(made, tmp_path, monkeypatch):
    one_cell_a_chunk(monkeypatch)
    out, whole = tmp_path / "out", tables(made[1])

    class Interrupted(Here):
        def submit(self, call, /, *args, **more):
            if self.calls == 5:
                raise KeyboardInterrupt
            return super().submit(call, *args, **more)

    monkeypatch.setattr("reslim.experiments.sweep.executors.AHEAD", 1)
    with pytest.raises(KeyboardInterrupt):
        sweep(out, executor=Interrupted())
    before, rest = chunks(out), Here()
    assert len(before) == 5
    assert not (out / "table.parquet").exists()
    resume(out, executor=rest)
    assert rest.calls == 7
    assert chunks(out).items() >= before.items()
    assert tables(out) == whole
    again = Here()
    sweep(out, executor=again)
    assert again.calls == 0
    assert tables(out) == whole


@pytest.mark.parametrize("place", [0, 100, -1, "cut", "empty"])
def test_a_damaged_chunk_is_named_and_computed_again(made, tmp_path, monkeypatch, capsys, place):
    one_cell_a_chunk(monkeypatch)
    out = tmp_path / "out"
    sweep(out)
    before = chunks(out)
    path = sorted((out / "chunks").iterdir())[3]
    content = bytearray(path.read_bytes())
    if isinstance(place, int):
        content[place] ^= 1
    path.write_bytes(content if isinstance(place, int) else content[: len(content) // 2 if place == "cut" else 0])
    again = Here()
    sweep(out, executor=again)
    assert capsys.readouterr().err == f"reslim: {path} is damaged (its checksum is another); computing it again.\n"
    assert again.calls == 1
    after = chunks(out)
    assert {name for name in after if after[name] != before[name]} == {path.name}
    assert tables(out) == tables(made[1])


def test_an_older_whole_copy_of_a_chunk_will_do(made, tmp_path, capsys):
    out = tmp_path / "out"
    sweep(out)
    (path,) = (out / "chunks").iterdir()
    path.with_name(f"{path.name.split('.')[0]}.0000000000000000.parquet").write_bytes(b"another writer's")
    again = Here()
    sweep(out, executor=again)
    assert (again.calls, capsys.readouterr().err) == (0, "")


def test_temporary_files_of_the_dead_are_removed_and_those_of_the_living_are_not(tmp_path):
    out = tmp_path / "out"
    sweep(out)
    for name, age in ((".old.parquet", 7200), (".new.parquet", 0)):
        (out / "chunks" / name).touch()
        then = os.stat(out / "chunks" / name).st_mtime - age
        os.utime(out / "chunks" / name, (then, then))
    sweep(out)
    assert sorted(path.name for path in (out / "chunks").glob(".*")) == [".new.parquet"]


def test_the_order_of_quantities_is_that_of_the_plan(made, tmp_path):
    out = tmp_path / "out"
    sweep(out)
    found = sweep(out, quantities=QUANTITIES[::-1])
    assert list(found)[:2] == QUANTITIES
    assert tables(out) == tables(made[1])


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({"seed": 1}, r'seed is "18446744073709551615" there and "1" here'),
        ({"replicas": 21}, "replicas is 20 there and 21 here"),
        ({"quantities": ["log_norm"]}, 'quantities is ["log_displacement", "log_grad_displacement"] there and ["log_norm"] here'),
        ({"layers": [0]}, 'layers is "last" there and [0] here'),
        ({"vary": VARY | {"depth": [4]}}, "the values of depth is [4, 7, 12] there and [4] here"),
        ({"vary": {"beta": [0.5]}}, 'vary is ["beta", "depth"] there and ["beta"] here'),
        ({"net": NET.replace(width=7)}, "width is 6 there and 7 here"),
        ({"precision": "double"}, 'precision is "single" there and "double" here'),
    ],
)
def test_another_sweep_in_the_folder_is_refused(made, changes, difference):
    before = tables(made[1])
    with pytest.raises(ValueError, match=re.escape(f"holds another sweep: {difference}. Take another folder")):
        sweep(made[1], **changes)
    assert tables(made[1]) == before


def test_other_code_does_not_go_on(made, monkeypatch):
    monkeypatch.setattr(kernels, "fingerprint", lambda: "kernels 0")
    with pytest.raises(ValueError, match=r"holds another sweep: kernels is .* there and .kernels 0. here"):
        resume(made[1], executor=Here())


def test_other_workers_are_refused(tmp_path):
    class Elsewhere(Here):
        def submit(self, call, /, task, cells, fingerprint):
            return super().submit(call, task, cells, "kernels 0")

    with pytest.raises(ValueError, match="must have workers with the same code"):
        sweep(tmp_path / "out", executor=Elsewhere())


def test_every_source_counts_for_the_fingerprint(monkeypatch, tmp_path):
    import shutil
    from pathlib import Path

    package = Path(reslim.__file__).parent
    shutil.copytree(package, tmp_path / "reslim", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(reslim, "__file__", str(tmp_path / "reslim" / "__init__.py"))
    same = kernels.fingerprint.__wrapped__()
    assert same == kernels.fingerprint()
    for name in ("simulation/forward.py", "activations.py", "summary.py"):
        path = tmp_path / "reslim" / name
        path.write_text(path.read_text() + "\n")
        changed = kernels.fingerprint.__wrapped__()
        assert changed != same
        same = changed


# ---- chunks


def test_neighbours_share_a_chunk_until_it_takes_a_second(monkeypatch, tmp_path):
    monkeypatch.setattr(simulation, "CHUNK_COST", 4.5 * simulation.CALL_COST)
    sweep(tmp_path / "out")
    sizes = [len(pd.read_parquet(path).cell.unique()) for path in (tmp_path / "out" / "chunks").iterdir()]
    assert sorted(sizes) == [4, 4, 4]


def test_cells_that_share_their_weights_are_one_chunk(monkeypatch):
    one_cell_a_chunk(monkeypatch)
    seen = []

    class Seen(Here):
        def submit(self, call, /, task, cells, fingerprint):
            seen.append([(net.coupling.hurst, net.branch.beta) for net, _ in cells])
            return super().submit(call, task, cells, fingerprint)

    vary = {"beta": [0.25, 0.5, 1.0], "hurst": [0.3, 0.5, 0.8]}
    found = sweep(vary=vary, executor=Seen())
    for hurst in (0.3, 0.8):
        assert [(hurst, beta) for beta in vary["beta"]] in seen
    assert len(seen) == 2 + 3
    for beta in vary["beta"]:
        net = NET.replace(branch=DepthPower(beta), coupling=Fractional(0.8))
        alone = reslim.simulate(net, 20, 2**64 - 1, quantities=QUANTITIES, layers="last", draws=False)
        for name in QUANTITIES:
            layer = 0 if "grad" in name else net.depth
            expected = alone[name].sel(layer=layer).values
            np.testing.assert_array_equal(found[name].sel(beta=beta, hurst=0.8).values.ravel(), expected.ravel())


def test_a_chunk_whose_worker_dies_is_tried_again_and_its_cell_named_in_the_end(made, tmp_path, monkeypatch):
    class Dying(Here):
        def __init__(self, deaths):
            super().__init__()
            self.deaths = deaths

        def submit(self, call, /, task, cells, *more):
            future = super().submit(call, task, cells, *more)
            if (cells[0].net.depth, cells[0].net.branch.beta) == (7, 0.5) and self.deaths:
                self.deaths -= 1
                future = type(future)()
                future.set_exception(BrokenExecutor())
            return future

    one_cell_a_chunk(monkeypatch)
    twice, always = Dying(2), Dying(1000)
    xr.testing.assert_identical(sweep(executor=twice), made[0])
    assert twice.calls == 12 + 2
    with pytest.raises(ChildProcessError, match=r"^3 workers died at the cell beta=0.5, depth=7: too little memory"):
        sweep(tmp_path / "out", executor=always)
    assert len(chunks(tmp_path / "out")) == 11


@pytest.mark.parametrize(
    ("error", "kind", "line"),
    [
        (type("KilledWorker", (Exception,), {})(), ChildProcessError, "^3 workers died at the cell"),
        (CancelledError(), ConnectionError, "has dropped a chunk: was its scheduler stopped"),
        (KeyError("a"), KeyError, "a"),
    ],
)
def test_errors_of_executors(error, kind, line):
    class Failing(Here):
        def submit(self, call, /, *args, **more):
            future = super().submit(int)
            future = type(future)()
            future.set_exception(error)
            return future

    with pytest.raises(kind, match=line):
        sweep(executor=Failing())


def test_what_has_not_begun_does_not_begin_after_a_failure(monkeypatch):
    one_cell_a_chunk(monkeypatch)
    futures = []

    class Stuck(Here):
        def submit(self, call, /, *args, **more):
            futures.append(Future() if futures else super().submit(divmod, 1, 0))
            return futures[-1]

    with pytest.raises(ZeroDivisionError):
        sweep(executor=Stuck())
    assert len(futures) == 12
    assert all(future.cancelled() for future in futures[1:])


def test_what_has_not_begun_does_not_begin_on_a_full_disk(tmp_path, monkeypatch):
    one_cell_a_chunk(monkeypatch)
    futures = []

    class Slow(Here):
        def submit(self, call, /, *args, **more):
            futures.append(Future() if futures else super().submit(call, *args, **more))
            return futures[-1]

    def full(self, chunk, table):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("reslim.experiments.sweep.store.Store.write", full)
    with pytest.raises(OSError, match="No space") as caught:
        sweep(tmp_path / "out", executor=Slow())
    assert caught.value.__traceback__ is not None
    assert all(future.cancelled() for future in futures[1:])


# ---- bad input


@pytest.mark.parametrize(
    ("vary", "line"),
    [
        ({"widht": [1]}, r"sweep(vary=...) must be one of depth, width,"),
        ({"branches": [1]}, "Did you mean 'branch'?"),
        ({}, "must name at least one field"),
        ({"beta": []}, "must give beta 1 to 100,000 values, got 0."),
        ({"beta": 0.5}, "must give beta a list of values, got 0.5."),
        ({"activation": "relu"}, "must give activation a list of values, got 'relu'."),
        ({"beta": [0.5, 0.5]}, "must give beta each value once, got 0.5 twice."),
        ({"beta": [0.5], "branch": [1.0]}, "must not set a field twice, got beta and branch, which both set branch."),
        ({"hurst": [0.5], "coupling": [Fractional(0.5)]}, "hurst and coupling, which both set coupling."),
        ({"hurst": [0.5, 1.0]}, "makes the cell hurst=1, whose hurst must lie strictly between 0 and 1, got 1.0."),
        ({"depth": [3, 0]}, "makes the cell depth=0, whose depth must be a positive integer, got 0."),
        ({"beta": [0.5, "x"]}, "makes the cell beta=x, whose beta must be a number, got 'x'."),
        ({"beta": [0.5], "skip": [float("nan")]}, "makes the cell beta=0.5, skip=nan, whose skip must be finite, got nan."),
        (
            {"hurst": [0.7], "entries": ["uniform"]},
            "hurst=0.7, entries=uniform, whose entries must be gaussian where the weights are coupled across depth",
        ),
        ({"width": [2], "depth": [2], "beta": [1e9]}, "whose branch must not underflow to zero."),
        ({"width": range(10**9)}, "must give width 1 to 100,000 values, got 1,000,000,000."),
        ({"width": range(10**5), "n_in": range(10**5)}, "must make a grid that fits into memory, got 10,000,000,000 cells"),
    ],
)
def test_bad_axes(tmp_path, vary, line, monkeypatch):
    with pytest.raises((ValueError, TypeError, NotImplementedError)) as caught:
        sweep(tmp_path / "out", vary=vary)
    assert line in str(caught.value)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"net": "net"}, "sweep(net=...) must be a ResNet"),
        ({"vary": [("beta", [1])]}, "sweep(vary=...) must be a dict"),
        ({"replicas": 0}, "sweep(replicas=...) must be a positive integer, got 0."),
        ({"seed": -1}, "sweep(seed=...) must be an integer from 0"),
        ({"quantities": ["log_groth"]}, "Did you mean 'log_growth'?"),
        ({"quantities": ["overlap"]}, "overlap needs at least two inputs"),
        ({"layers": "first"}, "sweep(layers=...) must be one of auto, all, last"),
        ({"layers": 3}, "sweep(layers=...) must be auto, all, last or a list"),
        ({"layers": "all"}, "sweep(layers=...) must be last or a list of layers where depth varies"),
        ({"layers": [0, 5]}, "makes the cell beta=0.25, depth=4, whose layers must lie between 0 and the depth 4, got 5."),
        ({"layers": [4], "vary": {"depth": [4, 5]}, "quantities": ["active_energy"]}, "makes the cell depth=4, whose layers"),
        ({"method": "fast"}, "sweep(method=...) must be one of auto"),
        ({"method": "radial"}, "makes the cell beta=0.25, depth=4, whose method 'radial' does not give"),
        ({"precision": "half"}, "sweep(precision=...) must be one of"),
        ({"functional": "odd"}, "sweep(functional=...) must be one of"),
        ({"executor": "threads"}, "sweep(executor=...) must be processes, dask or dask:ADDRESS, got 'threads'."),
        ({"executor": "dask:"}, "needs the address of a scheduler"),
        ({"executor": 3}, "or a concurrent.futures.Executor, got 3."),
        ({"jobs": 0}, "sweep(jobs=...) must be a positive integer, got 0."),
        (
            {"vary": {"n_out": [1, 2]}, "quantities": ["output"]},
            "cannot be coordinates of the output where n_out varies, got output. Name",
        ),
        ({"net": NET.replace(branch=DepthPower(0.5, 2.0))}, "must not drop the prefactor of 2*L^-0.5, got beta."),
    ],
)
def test_bad_arguments(tmp_path, changes, line):
    with pytest.raises((ValueError, TypeError, NotImplementedError)) as caught:
        sweep(tmp_path / "out", **changes)
    assert line in str(caught.value)
    assert os.listdir(tmp_path) == []


def test_a_plan_that_was_replaced_meanwhile_keeps_its_folder(tmp_path):
    out = tmp_path / "out"

    class Meanwhile(Here):
        def submit(self, call, /, *args, **more):
            plan = json.loads((out / "plan.json").read_text())
            (out / "plan.json").write_text(json.dumps(plan | {"seed": "1"}))
            return super().submit(call, *args, **more)

    with pytest.raises(ValueError, match="holds another sweep: seed"):
        sweep(out, executor=Meanwhile())
    assert not (out / "table.parquet").exists()


def test_results_of_someone_else_are_not_overwritten(tmp_path):
    (tmp_path / "table.parquet").write_bytes(b"mine")
    with pytest.raises(ValueError, match=r"holds table.parquet but no plan.json"):
        sweep(tmp_path)
    assert (tmp_path / "table.parquet").read_bytes() == b"mine"


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"spec": 3}', "[" * 100_000])
def test_a_plan_that_is_none(tmp_path, text):
    (tmp_path / "plan.json").write_text(text)
    with pytest.raises(ValueError, match=r"needs a whole plan.json"):
        resume(tmp_path)
    with pytest.raises(ValueError, match=r"must be the folder of a sweep, with a plan.json"):
        resume(tmp_path / "none")


def test_room_on_the_disk_is_looked_at_first(tmp_path, monkeypatch):
    one_cell_a_chunk(monkeypatch)
    full = type("usage", (), {"free": 100_000})()
    monkeypatch.setattr("reslim.experiments.sweep.store.shutil.disk_usage", lambda path: full)
    with pytest.raises(ValueError, match=r"must have room for the chunks, got 12 files in 100 kB"):
        sweep(tmp_path / "out")
    full.free = 10**9
    few = type("disk", (), {"f_files": 100, "f_favail": 5})()
    monkeypatch.setattr("reslim.experiments.sweep.store.os.statvfs", lambda path: few)
    with pytest.raises(ValueError, match=r"got 12 where 5 more files are allowed"):
        sweep(tmp_path / "out")


def test_a_disk_that_fills_up_loses_nothing(made, tmp_path, monkeypatch):
    one_cell_a_chunk(monkeypatch)
    out, write, written = tmp_path / "out", reslim.results.write_atomically, []

    def full(path, content):
        if len(written) == 4:
            raise OSError(28, "No space left on device")
        if path.parent.name == "chunks":
            written.append(path)
        return write(path, content)

    with monkeypatch.context() as patched:
        patched.setattr("reslim.results.write_atomically", full)
        with pytest.raises(OSError, match="No space left"):
            sweep(out)
    assert len(chunks(out)) == 4
    rest = Here()
    resume(out, executor=rest)
    assert rest.calls == 8
    assert tables(out) == tables(made[1])
