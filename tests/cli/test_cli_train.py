"""`reslim train`: its output, and what it refuses. It trains a few epochs on few digits."""

from __future__ import annotations

import io
import json
import re
import sys

import numpy as np
import pytest
from rich.console import Console

import reslim
import reslim.training
from reslim.cli import trained
from reslim.simulation import memory
from reslim.training.checkpoint import BEFORE, LATEST
from reslim.training.ensemble import Ensemble

NET = ("--preset", "marion", "--depth", "10", "--width", "6")
FEW = ("--limit", "100", "--epochs", "2", "--batch", "50")
SMALL = ("train", *NET, *FEW)
WILD = ("train", "--depth", "10", "--width", "6", "--skip", "2", "--branch", "1e20", *FEW)


def without_time(found):
    return found | {"elapsed_s": None}


def test_json_is_what_python_returns(run):
    options = "--lr 0.01 --optimizer sgd --schedule step --where init --seed 3 --seeds 2 --test-share 0.3"
    found = run(*SMALL, *options.split(), "--json").json
    net = reslim.ResNet.marion(depth=10, width=6)
    how = {"lr": 0.01, "optimizer": "sgd", "schedule": "step", "where": "init", "seed": 3, "seeds": 2, "test_share": 0.3}
    assert without_time(found) == without_time(reslim.train(net, limit=100, epochs=2, batch=50, **how))
    assert {each["seed"] for each in found["networks"]} == {3, 4}
    assert found["data"] == {
        "name": "digits", "origin": "scikit-learn", "shape": [8, 8], "train": 100, "test": 100, "n_in": 64, "classes": 10
    }  # fmt: skip


def test_data_decide_the_sizes_unless_they_are_given(run, folder):
    assert run(*SMALL, "--n-in", "64", "--n-out", "10", "--json").json["spec"]["n_out"] == 10
    assert run(*SMALL, "--n-in", "63").complaint == "--n-in must be the 64 pixels of digits, got 63. Set --n-in 64."
    assert run(*SMALL, "--n-out", "2").complaint == "--n-out must be the 10 classes of digits, got 2. Set --n-out 10."
    (folder / "net.json").write_text(json.dumps({"depth": 3, "width": 4, "n_in": 5}))
    assert "--n-in must be the 64 pixels of digits, got 5." in run("train", "--spec", "net.json", *FEW).complaint
    (folder / "net.json").write_text(json.dumps({"depth": 3, "width": 4}))
    assert run("train", "--spec", "net.json", *FEW, "--json").json["spec"]["n_in"] == 64


@pytest.mark.parametrize("where", ["forward", "init"])
def test_tables(run, where):
    text = run(*SMALL, "--seeds", "3", "--where", where).out
    assert re.search(r"accuracy on the test images +0\.\d+ ± 0\.\d+", text)
    assert re.search(r"Hurst index of the weights W +0\.\d+ ± 0\.\d+ +0\.\d+ ± 0\.\d+", text)
    assert f"factors in the {'forward pass' if where == 'forward' else 'weights'}" in text
    assert "Diverged: 0 of 3." in text
    assert "3 networks, seeds 0 to 2" in text


def test_those_that_diverge_are_counted_and_are_no_error(run):
    outcome = run(*WILD, "--seeds", "2")
    assert outcome.status == 0
    assert "Diverged: 2 of 2 (seed 0 in epoch 1, seed 1 in epoch 1): not in the numbers at the end." in outcome.out
    assert re.search(r"accuracy on the test images +—", outcome.out)
    assert run(*WILD, "--json").json["networks"][0]["test_loss"] == [None, None]


@pytest.mark.parametrize("width", [80, 60])
def test_nothing_is_clipped(width):
    """The widest numbers that there can be."""
    found = reslim.train(reslim.ResNet.marion(depth=10, width=6), limit=100, epochs=1, batch=50, seeds=2)
    wide = {"mean": -3.25e38, "interval": [-3.3e38, -3.2e38], "networks": 2}
    found |= {name: wide for name in trained.ENDS}
    found |= {when: dict.fromkeys(trained.MEASURED, wide) for when in ("before", "after")}
    console = Console(width=width, file=io.StringIO(), highlight=False)
    for part in trained.tables(found, "a-folder"):
        console.print(part, markup=False)
    text = console.file.getvalue()
    assert "…" not in text.replace("0 …", "")
    assert max(map(len, text.splitlines())) <= width
    if width == 80:
        assert text.count("-3.25e+38 ± 5e+36") == 3 + 2 * 5
        for label in (*trained.ENDS.values(), *trained.MEASURED.values()):
            assert label in text


# ---- the folder


def test_a_finished_training_is_not_repeated(run, folder, monkeypatch):
    first = run(*SMALL, "--out", "new", "--json")
    assert json.loads((folder / "new" / "train.json").read_text()) == first.json
    monkeypatch.setattr(Ensemble, "run_epoch", None)
    assert run(*SMALL, "--out", "new", "--json").out == first.out
    assert "new: train.json" in run(*SMALL, "--out", "new").out


def test_another_training_is_refused(run, folder):
    run(*SMALL, "--out", "new")
    assert run(*SMALL, "--out", "new", "--lr", "0.1").complaint == (
        "--out holds a train.json of something else. Take another folder than new."
    )
    (folder / "new" / "train.json").unlink()
    said = run(*SMALL, "--out", "new", "--lr", "0.1").complaint
    assert said.startswith("--out holds the training of ResNet(depth=10, width=6")
    assert said.endswith("Take another folder than new.")


def test_the_folder_of_a_grid_is_refused(run, folder):
    (folder / "grid").mkdir()
    (folder / "grid" / "plan.json").write_text("{}")
    assert run(*SMALL, "--out", "grid").complaint.startswith("--out must not be the folder of a grid of networks, got 'grid'.")
    assert [path.name for path in (folder / "grid").iterdir()] == ["plan.json"]


def test_a_damaged_checkpoint_is_named_and_the_one_before_is_used(run, folder):
    first = run(*SMALL, "--out", "new", "--json").json
    (folder / "new" / "train.json").unlink()
    latest = folder / "new" / LATEST
    raw = bytearray(latest.read_bytes())
    raw[len(raw) // 2] ^= 1
    latest.write_bytes(raw)
    outcome = run(*SMALL, "--out", "new", "--json")
    assert (outcome.status, outcome.err) == (0, f"reslim: new/{LATEST} is damaged; going on from the one before it.\n")
    assert without_time(outcome.json) == without_time(first)
    for name in (LATEST, BEFORE):
        (folder / "new" / name).write_bytes(b"nothing")
    (folder / "new" / "train.json").unlink()
    err = run(*SMALL, "--out", "new").err.splitlines()
    assert [line.rpartition("; ")[2] for line in err] == ["going on from the one before it.", "starting anew."]


@pytest.mark.parametrize(("begun", "way_on"), [(True, " The epochs that were finished are kept"), (False, "")])
def test_a_full_disk_says_how_to_go_on(run, folder, monkeypatch, begun, way_on):
    def full(*args):
        raise OSError(28, "No space left on device", "new/checkpoint.pt")

    if begun:
        run(*SMALL, "--out", "new")
        (folder / "new" / "train.json").unlink()
    monkeypatch.setattr("reslim.results.write_atomically", full)
    said = run(*SMALL, "--out", "new").complaint
    assert said.startswith(f"new/checkpoint.pt: No space left on device.{way_on}")


# ---- what is refused


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("--data digit", "--data must be one of digits, mnist-5k, fashion-mnist, idx, cifar10, npz, torchvision, got 'digit'."),
        ("--data npz:none.npz", "--data must be npz:FILE with a file that exists, got 'none.npz'."),
        ("--data npz:bad.npz", "--data must be npz:FILE with a whole .npz file of numbers, got bad.npz: "),
        ("--data idx:none", "--data must be idx:DIR with a directory that exists, got 'none'."),
        ("--batch 101", "--batch must be at most the 100 training images, got 101."),
        ("--batch many", "--batch must be a positive integer, got 'many'."),
        ("--lr 0", "--lr must be positive, got 0.0."),
        ("--lr -1", "--lr must be positive, got -1.0."),
        ("--lr nan", "--lr must be finite, got nan."),
        ("--lr x", "--lr must be a number, got 'x'."),
        ("--epochs 0", "--epochs must be a positive integer, got 0."),
        ("--epochs 1.5", "--epochs must be a positive integer, got 1.5."),
        ("--optimizer adamw", "--optimizer must be one of adam, sgd, got 'adamw'. Did you mean 'adam'?"),
        ("--schedule linear", "--schedule must be one of constant, step, cosine, got 'linear'."),
        ("--where weights", "--where must be one of forward, init, got 'weights'."),
        ("--seed -1", "--seed must be an integer from 0 to 2**64 - 1, got -1."),
        ("--seeds 0", "--seeds must be a positive integer, got 0."),
        ("--limit 3", "--limit must be at least 10, the number of classes, got 3."),
        ("--test-share 1", "--test-share must lie between 0 and 1, both excluded, got 1.0."),
        ("--depth 0", "--depth must be a positive integer, got 0."),
        ("--width 1e6 --depth 1e6", "the networks must fit into memory, got 1, which take"),
        ("--seeds 1e15", "the networks must fit into memory, got 1000000000000000, which take"),
        ("--out none/new", "--out must lie in a folder that exists, got 'none/new'."),
        ("--out bad.npz", "--out must be a folder, got 'bad.npz'."),
        ("--replicas 3", "no such option: --replicas"),
    ],
)
def test_bad_input(run, folder, words, line):
    (folder / "bad.npz").write_bytes(b"PK")
    assert run(*SMALL, "--out", "new", *words.split()).complaint.startswith(line)
    assert [path.name for path in folder.iterdir()] == ["bad.npz"]


def test_a_folder_that_cannot_be_written_to(run, folder, monkeypatch):
    monkeypatch.setattr("reslim.training.train.os.access", lambda path, mode: False)
    assert run(*SMALL, "--out", "new").complaint == "--out must be a folder that you may write to, got 'new'."


def test_memory_is_that_of_the_machine(run, monkeypatch):
    monkeypatch.setattr(memory, "free_bytes", lambda: 10_000)
    assert run(*SMALL).complaint.startswith("the networks must fit into memory, got 1, which take 95 kB of 10 kB free memory.")


def test_without_pytorch(run, folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    for name in ("reslim.training.fit", "reslim.training.ensemble"):  # which another test may have imported
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.delattr(reslim.training, "fit", raising=False)
    assert run(*SMALL, "--out", "new").complaint == 'training needs PyTorch: pip install "reslim[train]"'
    assert not list(folder.iterdir())


def test_arrays_of_ones_own(run, folder):
    rng = np.random.default_rng(0)
    np.savez("own.npz", x=rng.standard_normal((60, 2, 3)), y=np.arange(60) % 3)
    found = run("train", *NET, "--data", "npz:own.npz", "--batch", "10", "--epochs", "1", "--json").json
    assert (found["data"]["name"], found["spec"]["n_in"], found["spec"]["n_out"]) == ("own", 6, 3)
    assert found["chance"] == pytest.approx(1 / 3)
