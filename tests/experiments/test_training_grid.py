"""Grids of trained networks: the sweep's folder, each network as if alone, and what is refused."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from swept import Here

import reslim
from reslim import DepthPower, Fractional, ResNet
from reslim.cli.main import main
from reslim.experiments import training
from reslim.experiments.training import train_grid
from reslim.training.data import load
from reslim.training.ensemble import Member
from reslim.training.fit import Trained, fit
from reslim.training.recipe import Recipe

NET = ResNet(depth=8, width=10, skip=1.0, variance=1.0)
VARY = {"beta": [0.2, 0.8], "hurst": [0.3, 0.7], "lr": [1e-3, 1e-2]}
HOW = {"epochs": 2, "limit": 120, "seeds": 2, "batch": 40, "executor": Here(), "progress": False}


def test_every_cell_is_its_network_trained_alone():
    found, images = train_grid(NET, VARY, **HOW), load("digits", limit=120)
    assert found.accuracy.dims == ("beta", "hurst", "lr", "statistic")
    for beta, hurst, lr in ((0.2, 0.7, 1e-2), (0.8, 0.3, 1e-3)):
        net = NET.replace(branch=DepthPower(beta), coupling=Fractional(hurst), n_in=64, n_out=10)
        alone = [fit([Member(net, seed, lr)], images, Recipe(epochs=2, batch=40))[0] for seed in (0, 1)]
        cell = found.sel(beta=beta, hurst=hurst, lr=lr)
        losses = np.array([each.train_loss[-1] for each in alone])
        assert cell.train_loss.sel(statistic="mean").item() == pytest.approx(losses.mean(), rel=1e-4)
        assert cell.train_loss.sel(statistic="mean_se").item() == pytest.approx(losses.std(ddof=1) / np.sqrt(2), rel=1e-2)
        assert cell.train_loss.sel(statistic="highest").item() == pytest.approx(losses.max(), rel=1e-4)
        assert cell.diverged.sel(statistic="mean").item() == 0.0


def test_cells_that_diverge_are_told_apart():
    found = train_grid(NET.replace(branch=1.0), {"skip": [1.0, 1e20]}, **HOW)
    assert found.diverged.sel(statistic="mean").values.tolist() == [0.0, 1.0]
    assert np.isfinite(found.accuracy.sel(skip=1.0, statistic="mean"))
    assert np.isnan(found.accuracy.sel(skip=1e20)).all()


def test_statistics_are_over_the_seeds_that_did_not_diverge():
    curves = [np.array([2.0, 0.5]), np.array([2.0, np.nan]), np.array([2.0, 0.7])]
    found = [
        Trained(Member(NET, seed, 1e-3), curve, curve, curve, 1 if np.isnan(curve[-1]) else None, None, None)
        for seed, curve in enumerate(curves)
    ]
    accuracy, *_, diverged = training._statistics(found)
    np.testing.assert_allclose(accuracy, [0.6, 0.1, 0.5, 0.7])
    assert diverged[0] == pytest.approx(1 / 3)


def test_chunks_are_bounded_and_the_numbers_do_not_depend_on_them(monkeypatch):
    one = train_grid(NET, VARY, **HOW)
    monkeypatch.setattr(training, "MOST_NETWORKS", 4)
    calls = Here()
    other = train_grid(NET, VARY, **HOW | {"executor": calls})
    assert calls.calls == 4
    np.testing.assert_allclose(one.train_loss, other.train_loss, rtol=1e-4)


def test_a_folder_is_gone_on_with_and_nothing_is_repeated(tmp_path):
    whole = train_grid(NET, VARY, out=tmp_path / "grid", **HOW)
    again = Here()
    found = reslim.experiments.sweep.run.resume(tmp_path / "grid", "train", executor=again, progress=False)
    assert again.calls == 0
    xr.testing.assert_identical(found, whole)


COMMAND = "train --depth 8 --skip 1 --variance 1 --vary width=4,6,8,10,12 --vary lr=0.001,0.01 --epochs 2 --limit 200"


@pytest.mark.parametrize("wait", [0.0, 4.0])
def test_a_killed_grid_ends_with_the_same_bits(wait, tmp_path):
    """Widths are chunks of their own."""
    assert main([*COMMAND.split(), "--jobs", "1", "--out", str(tmp_path / "whole")]) == 0
    command = [Path(sys.executable).with_name("reslim"), *COMMAND.split(), "--jobs", "1", "--out", str(tmp_path / "killed")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    plan = tmp_path / "killed" / "plan.json"
    while not plan.exists() and process.poll() is None:
        time.sleep(0.05)
    time.sleep(wait)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert main(["train", "--resume", str(tmp_path / "killed"), "--jobs", "1"]) == 0
    one, other = (xr.load_dataset(tmp_path / name / "sweep.nc") for name in ("whole", "killed"))
    xr.testing.assert_equal(one, other)


def test_json_has_nested_lists_over_the_fields(tmp_path, capsys):
    command = [*COMMAND.split(), "--jobs", "1", "--json", "--out", str(tmp_path / "grid")]
    assert main(command) == 0
    found = json.loads(capsys.readouterr().out)
    assert np.shape(found["quantities"]["accuracy"]["mean"]) == (5, 2)
    assert found["quantities"]["accuracy"]["mean_se"][0][0] is None  # one seed
    assert found["vary"]["lr"] == [0.001, 0.01]
    assert found["epochs"] == 2


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("--vary lr=0.1,0", "--vary makes the cell"),
        ("--vary lr=0.1,-1", "must be positive"),
        ("--vary speed=1,2", "--vary must be one of depth, width,"),
        ("--lr 0.1 --vary lr=0.1,0.2", "--vary lr and --lr both set lr: give one of the two."),
        ("--beta 0.5 --vary beta=0.1,0.2", "--vary beta and --beta both set branch: give one of the two."),
        ("--vary lr=0.1,0.2 --batch 5000 --limit 100", "training images, got 5000."),
        ("--jobs 2", "--jobs is for a grid of networks: --vary is missing."),
        ("--resume {out} --epochs 3", "drop --epochs."),
        ("--vary lr=0.1,0.2 --n-in 3", "must be the 64 pixels of digits, got 3."),
    ],
)
def test_bad_input_is_one_line(words, text, tmp_path, capsys):
    words = words.format(out=tmp_path / "nowhere")
    base = [] if "--resume" in words else ["--depth", "5", "--width", "4", "--out", str(tmp_path / "grid")]
    assert main(["train", *base, *words.split()]) == 2
    complaint = capsys.readouterr().err
    assert complaint.count("\n") == 1
    assert text in complaint
    assert not (tmp_path / "grid").exists()


def test_the_folder_of_a_simulation_is_refused(tmp_path, capsys):
    reslim.sweep(NET, {"beta": [0.1, 0.5]}, 10, out=tmp_path / "grid", executor=Here(), progress=False)
    assert main(["train", "--resume", str(tmp_path / "grid")]) == 2
    assert f"reslim sweep --resume {tmp_path / 'grid'}" in capsys.readouterr().err
