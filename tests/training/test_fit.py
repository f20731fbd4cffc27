"""Training: each network as if it were alone, resumed as if it had not stopped, and learning."""

from __future__ import annotations

import dataclasses
import math
import os
import time

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from reslim import DepthPower, Fractional, ResNet
from reslim.pytorch import build
from reslim.simulation import explicit
from reslim.training import fit as fitting
from reslim.training.checkpoint import BEFORE, LATEST, Checkpoints
from reslim.training.ensemble import CURVES, Ensemble, Member
from reslim.training.fit import fit
from reslim.training.recipe import Recipe

NET = ResNet(depth=10, width=12, skip=1.0, branch=DepthPower(0.5), variance=1.0, n_in=64, n_out=10)
RECIPE = Recipe(epochs=3, lr=3e-3, batch=32)


def alone(member, data, recipe):
    """Train one module as a user would, with the same images in each step; return losses and accuracy epoch by epoch."""
    module = build(member.net, member.seed, where=recipe.where, dtype=torch.float32)
    optimizer = {"adam": torch.optim.Adam, "sgd": torch.optim.SGD}[recipe.optimizer](module.parameters(), lr=member.lr)
    x, y, x_test, y_test = (torch.tensor(each) for each in (data.x_train, data.y_train, data.x_test, data.y_test))
    losses, accuracies = [], []
    for epoch in range(recipe.epochs):
        for group in optimizer.param_groups:
            group["lr"] = recipe.rate(epoch, member.lr)
        order, total = np.random.default_rng([member.seed, 0, epoch, 1]).permutation(len(x)), 0.0
        for chosen in torch.tensor(order).split(recipe.batch):
            optimizer.zero_grad()
            loss = F.cross_entropy(module(x[chosen]), y[chosen])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(chosen)
        losses.append(total / len(x))
        accuracies.append((module(x_test).argmax(dim=1) == y_test).double().mean().item())
    return losses, accuracies


@pytest.mark.parametrize(
    "recipe",
    [
        RECIPE,
        dataclasses.replace(RECIPE, optimizer="sgd", lr=0.05, where="init"),
        dataclasses.replace(RECIPE, schedule="cosine", where="init"),
    ],
    ids=["adam", "sgd, init", "cosine, init"],
)
def test_each_network_is_trained_as_if_alone(recipe, digits):
    nets = [NET, NET.replace(branch=DepthPower(0.3)), NET.replace(coupling=Fractional(0.8))]
    members = [Member(net, seed, recipe.lr * factor) for net, seed, factor in zip(nets, (0, 0, 7), (1.0, 0.5, 1.0), strict=True)]
    for found in fit(members, digits, recipe):
        losses, accuracies = alone(found.member, digits, recipe)
        np.testing.assert_allclose(found.train_loss, losses, rtol=1e-3)
        np.testing.assert_allclose(found.accuracy, accuracies, atol=0.026)  # one image of 40
    assert len({round(found.train_loss[-1], 3) for found in fit(members, digits, recipe)}) == 3


def test_the_company_does_not_matter(digits):
    members = [Member(NET, seed, 3e-3) for seed in range(3)]
    together = fit(members, digits, RECIPE)
    for member, found in zip(members, together, strict=True):
        (single,) = fit([member], digits, RECIPE)
        np.testing.assert_allclose(found.train_loss, single.train_loss, rtol=1e-4)


def test_it_learns(digits):
    (found,) = fit([Member(NET, 0, 1e-2)], digits, Recipe(epochs=15, batch=20))
    assert found.accuracy[-1] > 0.6
    assert found.train_loss[-1] < 0.3 * found.train_loss[0]
    assert found.before["log_displacement"] != found.after["log_displacement"]
    assert 0.0 < found.after["change"]["size"] < 1.0


def test_a_network_that_diverges_harms_none(digits):
    wild = Member(NET.replace(skip=2.0, depth=10, branch=1e20), 0, 3e-3)
    members = [Member(NET, 0, 3e-3), wild, Member(NET, 1, 3e-3)]
    found = fit(members, digits, RECIPE)
    assert [each.diverged for each in found] == [None, 0, None]
    assert np.isnan(found[1].accuracy).all()
    assert found[1].after is None
    for place in (0, 2):
        (single,) = fit([members[place]], digits, RECIPE)
        np.testing.assert_allclose(found[place].train_loss, single.train_loss, rtol=1e-4)


def test_one_that_diverges_late_keeps_what_it_had(digits):
    """Plain gradient steps that are too large: some epochs pass before the numbers leave their range."""
    net = NET.replace(activation="identity", branch=1.0)
    (found,) = fit([Member(net, 0, 5.0)], digits, Recipe(epochs=8, batch=200, optimizer="sgd"))
    assert found.diverged in range(1, 8)
    assert np.isfinite(found.train_loss[: found.diverged]).all()
    assert np.isnan(found.train_loss[found.diverged :]).all()


class Stop(Exception):
    pass


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_a_training_that_stopped_goes_on_to_the_same_bits(optimizer, digits, tmp_path, monkeypatch):
    recipe = Recipe(epochs=4, lr=3e-3, batch=32, optimizer=optimizer, schedule="cosine")
    members = [Member(NET, 0, 3e-3), Member(NET.replace(branch=1e20, skip=2.0), 0, 3e-3), Member(NET, 5, 1e-3)]
    whole = fit(members, digits, recipe)
    run, done = Ensemble.run_epoch, []

    def stopping(self):
        if len(done) == 2:
            raise Stop
        done.append(self.epoch)
        run(self)

    monkeypatch.setattr(Ensemble, "run_epoch", stopping)
    with pytest.raises(Stop):
        fit(members, digits, recipe, folder=tmp_path)
    monkeypatch.setattr(Ensemble, "run_epoch", run)
    resumed = fit(members, digits, recipe, folder=tmp_path)
    for one, other in zip(whole, resumed, strict=True):
        for name in CURVES:
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
        assert one.after == other.after


def test_a_damaged_checkpoint_is_named_and_the_one_before_is_used(digits, tmp_path, capsys):
    members = [Member(NET, 0, 3e-3)]
    whole = fit(members, digits, RECIPE, folder=tmp_path)
    latest = tmp_path / LATEST
    latest.write_bytes(latest.read_bytes()[:-1000])
    again = fit(members, digits, RECIPE, folder=tmp_path)
    assert f"{latest} is damaged" in capsys.readouterr().err
    np.testing.assert_array_equal(again[0].train_loss, whole[0].train_loss)
    assert (tmp_path / BEFORE).exists()


def tensors_of(state):
    """Return the bytes of every tensor in nested dicts and lists."""
    if isinstance(state, torch.Tensor):
        return [state.numpy().tobytes()]
    parts = state.values() if isinstance(state, dict) else state if isinstance(state, list) else ()
    return [tensor for part in parts for tensor in tensors_of(part)]


def test_a_single_bit_is_enough(tmp_path, capsys):
    kept = Checkpoints(tmp_path, "this")
    states = [{"epoch": epoch, "weights": {"v": torch.full((50, 50), float(epoch))}} for epoch in range(2)]
    for state in states:
        kept.write(state)
    latest, seen = tmp_path / LATEST, 0
    whole = latest.read_bytes()
    for place in range(0, len(whole), 199):
        raw = bytearray(whole)
        raw[place] ^= 4
        latest.write_bytes(raw)
        found = Checkpoints(tmp_path, "this").read()
        assert found is not None
        assert tensors_of(found) == tensors_of(states[found["epoch"]])
        seen += f"{latest} is damaged; going on" in capsys.readouterr().err
    assert seen > 40  # of 57: the others are in what pads the file


def test_a_damaged_checkpoint_does_not_take_the_place_of_the_whole_one(tmp_path, capsys):
    kept = Checkpoints(tmp_path, "this")
    for epoch in range(2):
        kept.write({"epoch": epoch})
    (tmp_path / LATEST).write_bytes(b"nothing")
    again = Checkpoints(tmp_path, "this")
    assert again.read()["epoch"] == 0
    again.write({"epoch": 1})
    assert [torch.load(tmp_path / name)["epoch"] for name in (BEFORE, LATEST)] == [0, 1]
    (tmp_path / LATEST).unlink()  # killed between the two
    assert Checkpoints(tmp_path, "this").read()["epoch"] == 0


def test_the_latest_checkpoint_stays_in_its_place_while_the_next_one_is_written(tmp_path, monkeypatch):
    kept = Checkpoints(tmp_path, "this")
    for epoch in range(2):
        kept.write({"epoch": epoch})

    def full_disk(state, path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full_disk)
    with pytest.raises(OSError, match="No space left"):
        kept.write({"epoch": 2})
    assert [torch.load(tmp_path / name)["epoch"] for name in (BEFORE, LATEST)] == [0, 1]


def test_what_kills_have_left_is_removed_in_time(tmp_path):
    for name, age in ((f".{LATEST}.new.pt", 0.0), (f".{LATEST}.old.pt", 100.0)):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    assert Checkpoints(tmp_path, "this").read() is None
    assert [path.name for path in tmp_path.iterdir()] == [f".{LATEST}.new.pt"]


def test_a_folder_of_another_training_is_refused(digits, tmp_path):
    fit([Member(NET, 0, 3e-3)], digits, RECIPE, folder=tmp_path)
    with pytest.raises(ValueError, match=r"train\(out=...\) holds the training of ResNet\(depth=10, width=12"):
        fit([Member(NET, 1, 3e-3)], digits, RECIPE, folder=tmp_path)


@pytest.mark.parametrize(
    ("members", "recipe", "text"),
    [
        ([Member(NET.replace(n_in=3), 0, 1e-3)], RECIPE,
         "train(n_in=...) must be the 64 pixels of digits, got 3. Set n_in=64."),
        ([Member(NET.replace(n_out=2), 0, 1e-3)], RECIPE,
         "train(n_out=...) must be the 10 classes of digits, got 2. Set n_out=10."),
        ([Member(NET, 0, 1e-3), Member(NET.replace(width=3), 0, 1e-3)], RECIPE,
         "train(members=...) must share sizes, block, activation and balanced, got 2 shapes."),
        ([Member(NET, 0, 1e-3)], Recipe(batch=4000), "train(batch=...) must be at most the 200 training images, got 4000."),
    ],
)  # fmt: skip
def test_what_cannot_be_trained_says_so(members, recipe, text, digits):
    with pytest.raises(ValueError, match="train") as error:
        fit(members, digits, recipe)
    assert str(error.value) == text


def test_what_does_not_fit_into_memory_is_refused(digits, monkeypatch):
    monkeypatch.setattr(fitting.memory, "free_bytes", lambda: 1_000_000)
    with pytest.raises(ValueError, match=r"train\(networks=...\) must fit into memory, got 20, which take .* of 1 MB free"):
        fit([Member(NET, 0, 1e-3)] * 20, digits, RECIPE)


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("lr", 0.0, "must be positive, got 0.0."),
        ("lr", math.nan, "must be finite, got nan."),
        ("epochs", 0, "must be a positive integer, got 0."),
        ("batch", -1, "must be a positive integer, got -1."),
        ("optimizer", "adamw", "must be one of adam, sgd, got 'adamw'. Did you mean 'adam'?"),
        ("schedule", "steps", "must be one of constant, step, cosine, got 'steps'. Did you mean 'step'?"),
        ("where", "weights", "must be one of forward, init, got 'weights'."),
    ],
)
def test_a_recipe_refuses(field, value, text):
    with pytest.raises(ValueError, match="train") as error:
        Recipe(**{field: value})
    assert str(error.value) == f"train({field}=...) {text}"


def test_where_all_have_diverged_nothing_is_left_to_do(digits, tmp_path):
    members = [Member(NET.replace(skip=2.0, branch=1e20), seed, 1e-3) for seed in range(2)]
    for _ in range(2):  # and once more, from the checkpoint
        found = fit(members, digits, RECIPE, folder=tmp_path)
        assert [each.diverged for each in found] == [0, 0]


def test_weights_are_returned_when_asked_for(digits):
    (one,) = fit([Member(NET, 3, 1e-3)], digits, RECIPE, weights=True)
    first = explicit.draw_weights(NET, 3, 0)
    np.testing.assert_array_equal(one.first.blocks.v, first.blocks.v)
    assert one.after["change"]["size"] == pytest.approx(np.sqrt(np.square(one.last.blocks.v - first.blocks.v).mean()), rel=1e-12)
    (one,) = fit([Member(NET, 3, 1e-3)], digits, RECIPE)
    assert one.first is None
    assert one.last is None
