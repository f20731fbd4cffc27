"""`fit`: train networks side by side, epoch by epoch, and say what became of each."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from reslim.errors import BadValue, Verbatim
from reslim.progress import progress_bar
from reslim.simulation import explicit, memory
from reslim.spec import ResNet
from reslim.training import outcome
from reslim.training.checkpoint import Checkpoints
from reslim.training.data import Dataset
from reslim.training.ensemble import CURVES, Ensemble, Member, drawn
from reslim.training.recipe import Recipe

Array = NDArray[np.float64]
SMALL = 1e8  # multiply-adds of a layer below which threads wait for each other longer than they work
COPIES = 5  # of the weights in training: with their gradients, two moments, and times their factors
MEASURING = 40  # bytes an entry, of one network at a time: its weights before and after, and what is computed of them


@dataclass(frozen=True)
class Trained:
    """What became of a network; `diverged` is the epoch in which its loss left the finite numbers, None for none.

    The curves have a value an epoch, NaN from the divergence on. `before` and `after` hold what `reslim.training.outcome`
    measures, if that was asked for, `first` and `last` the weights in unit variance; `after` and `last` are None where the
    network diverged.
    """

    member: Member
    train_loss: Array
    test_loss: Array
    accuracy: Array
    diverged: int | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    first: explicit.Weights | None = None
    last: explicit.Weights | None = None


def fit(
    members: Sequence[Member],
    data: Dataset,
    recipe: Recipe,
    *,
    folder: Path | None = None,
    device: str = "cpu",
    measured: bool = True,
    weights: bool = False,
    progress: bool = True,
) -> list[Trained]:
    """Train networks of one shape in one batched program; each is what it would be if trained alone, to rounding.

    Parameters
    ----------
    members : networks that share sizes, block, activation and `balanced`, each with its seed and learning rate.
    folder : where checkpoints are written after every epoch, and found again: a training that was killed goes on there, to
        the same bits.
    device : of PyTorch.
    measured : whether to fill `before` and `after`.
    weights : whether to fill `first` and `last`.

    Raises
    ------
    ValueError, TypeError
        For networks of different shapes, of another input or number of classes than the data, that do not fit into memory;
        a batch larger than the data; a folder that holds another training.
    """
    check(members, data, recipe)
    ensemble = Ensemble(members, data, recipe, device)
    kept = None if folder is None else Checkpoints(folder, identity(members, data, recipe))
    state = None if kept is None else kept.read()
    if state is not None:
        ensemble.load_state_dict(state)
    with (
        progress_bar("train", recipe.epochs * len(members), shown=progress) as bar,
        threads(threads_for(members, recipe)),
    ):
        bar.advance(ensemble.epoch * len(members))
        while ensemble.epoch < recipe.epochs and len(ensemble.alive):
            ensemble.run_epoch()
            if kept is not None:
                kept.write(ensemble.state_dict())
            bar.advance(len(members))
        return _results(ensemble, measured, weights)


def check(members: Sequence[Member], data: Dataset, recipe: Recipe) -> None:
    """Refuse what cannot be trained together."""
    shapes = {shape(member.net) for member in members}
    if len(shapes) != 1:
        raise BadValue("train", "members", "must share sizes, block, activation and balanced", Verbatim(f"{len(shapes)} shapes"))
    net = members[0].net
    for name, size, what in (("n_in", data.n_in, "pixels"), ("n_out", data.classes, "classes")):
        if getattr(net, name) != size:
            raise BadValue("train", name, f"must be the {size} {what} of {data.name}", getattr(net, name), f"Set {name}={size}.")
    if recipe.batch > len(data.x_train):
        raise BadValue("train", "batch", f"must be at most the {len(data.x_train)} training images", recipe.batch)
    check_memory(net, len(members), recipe.batch)


def check_memory(net: ResNet, count: int, batch: int) -> None:
    """Refuse more networks than fit into memory."""
    needed, free = count * size_in_bytes(net, batch) + MEASURING * entries_of(net), memory.free_bytes()
    if free is not None and needed > memory.SHARE * free:
        got = Verbatim(f"{count}, which take {memory.readable(needed)} of {memory.readable(free)} free memory")
        raise BadValue("train", "networks", "must fit into memory", got, "Train fewer at once, or take a smaller batch.")


def size_in_bytes(net: ResNet, batch: int) -> int:
    """Return what a network takes in training: its weights with all that is kept of their size, and its states."""
    states = (_matrices(net) * net.depth + 1) * net.width * batch
    return 4 * (COPIES * entries_of(net) + states)


def entries_of(net: ResNet) -> int:
    """Return the number of weights."""
    return net.width * (_matrices(net) * net.depth * net.width + net.n_in + net.n_out)


def _matrices(net: ResNet) -> int:
    return 2 if net.block == "two-matrix" else 1


def identity(members: Sequence[Member], data: Dataset, recipe: Recipe) -> str:
    """Return a text that is the same for the same training only."""
    parts = [[member.net.to_dict(), member.seed, member.lr] for member in members]
    digest = hashlib.sha256(json.dumps([parts, asdict(recipe)], sort_keys=True).encode())
    for content in data.content():
        digest.update(content)
    return f"{members[0].net.described()} on {data.name}, {digest.hexdigest()[:16]}"


def shape(net: ResNet) -> tuple[Any, ...]:
    """Return what networks that are trained together share."""
    return net.depth, net.width, net.n_in, net.n_out, net.block, net.activation, net.balanced


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Let PyTorch use that many threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def threads_for(members: Sequence[Member], recipe: Recipe) -> int:
    """Return the number of threads for products of this size: one for small ones, which wait for each other otherwise."""
    small = len(members) * members[0].net.width ** 2 * recipe.batch < SMALL
    return 1 if small else torch.get_num_threads()


def _results(ensemble: Ensemble, measured: bool, weights: bool) -> list[Trained]:
    found = []
    for number, member in enumerate(ensemble.members):
        curves = {name: ensemble.curves[name][number] for name in CURVES}
        diverged = int(ensemble.diverged[number]) if ensemble.diverged[number] >= 0 else None
        first, last = (None, None)
        if measured or weights:
            (first,) = drawn([member])
            last = ensemble.weights(number, first)
        before, after = _before_and_after(ensemble, number, first, last) if measured and first else (None, None)
        one = Trained(member, **curves, diverged=diverged, before=before, after=after)
        found.append(replace(one, first=first, last=last) if weights else one)
    return found


def _before_and_after(
    ensemble: Ensemble, number: int, first: explicit.Weights, last: explicit.Weights | None
) -> tuple[dict[str, Any], dict[str, Any] | None]:
    member, x = ensemble.members[number], ensemble.data.x_test[: outcome.INPUTS]
    before = outcome.measured(member.net, first, x)
    if last is None:
        return before, None
    return before, outcome.measured(member.net, last, x) | {"change": outcome.change(first, last)}
