"""Networks in training: their weights, optimizer and learning curves, epoch after epoch.

A network whose loss is no longer finite has diverged: it stops there, its epoch is kept, and after the epoch it leaves the
batched program. No network sees the others: its images come in the order of its own seed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from reslim.simulation import explicit
from reslim.spec import ResNet
from reslim.training.data import Dataset
from reslim.training.recipe import Recipe
from reslim.training.stack import NAMES, Stack

CURVES = ("train_loss", "test_loss", "accuracy")
TEST_BATCH = 512  # images
OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {"adam": torch.optim.Adam, "sgd": torch.optim.SGD}


@dataclass(frozen=True)
class Member:
    """A network to train: its seed decides the weights (of the explicit sampler's replica 0) and the order of the images."""

    net: ResNet
    seed: int
    lr: float


@contextmanager
def without_subnormals() -> Iterator[None]:
    """Take numbers below 2⁻¹²⁶ for 0: the gradients of images told rightly by far are such, and slow down every product."""
    before = not torch.full((1,), 2.0**-126).mul_(0.5).item()
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)


class Ensemble:
    """Networks of one shape that are trained side by side.

    `alive` are the members that are still trained, in their order in `stack`; `curves` has CURVES (members, epochs), NaN
    where there is nothing; `diverged` is the epoch in which a member diverged, -1 for none.
    """

    def __init__(self, members: Sequence[Member], data: Dataset, recipe: Recipe, device: str = "cpu") -> None:
        self.members, self.data, self.recipe, self.device = list(members), data, recipe, device
        self.epoch = 0
        self.alive = np.arange(len(members))
        self.diverged = np.full(len(members), -1)
        self.curves = {name: np.full((len(members), recipe.epochs), np.nan) for name in CURVES}
        nets = [member.net for member in members]
        self.stack = Stack(nets, drawn(members), recipe.where, device)
        self.optimizer = self._optimizer()
        self._x = torch.tensor(data.x_train, device=device)
        self._y = torch.tensor(data.y_train, device=device)
        self._x_test = torch.tensor(data.x_test, device=device)
        self._y_test = torch.tensor(data.y_test, device=device)

    def _optimizer(self) -> torch.optim.Optimizer:
        """Return one optimizer, in which every network is a group; an epoch begins by setting their learning rates."""
        groups = [{"params": self.stack.parts(place)} for place in range(len(self.alive))]
        return OPTIMIZERS[self.recipe.optimizer](groups, fused=True)

    @torch.no_grad()
    @without_subnormals()
    def run_epoch(self) -> None:
        """Train for one epoch, and test."""
        for group, member in zip(self.optimizer.param_groups, self.alive, strict=True):
            group["lr"] = self.recipe.rate(self.epoch, self.members[member].lr)
        total, seen = torch.zeros(len(self.alive), dtype=torch.float64), 0
        well = torch.ones(len(self.alive), dtype=torch.bool)
        for chosen in self._batches():
            losses = self.stack.loss_and_gradients(self._x[chosen].mT, self._y[chosen]).cpu()
            total += losses.double() * chosen.shape[1]
            seen += chosen.shape[1]
            well &= losses.isfinite()
            self._step(well)
            if not well.any():
                break
        self.curves["train_loss"][self.alive, self.epoch] = total / seen
        self._go_on_with(well.numpy())
        self._test()
        self.epoch += 1

    def _go_on_with(self, well: NDArray[np.bool_]) -> None:
        """Note that the others have diverged in this epoch, of which they keep nothing."""
        lost = self.alive[~well]
        self.diverged[lost] = self.epoch
        for curve in self.curves.values():
            curve[lost, self.epoch] = np.nan
        self.keep(well)

    def _step(self, well: Tensor) -> None:
        """Let the optimizer change the networks that are well."""
        for group, fine in zip(self.optimizer.param_groups, well.tolist(), strict=True):
            if not fine:
                for part in group["params"]:
                    part.grad = None
        self.optimizer.step()

    def _batches(self) -> Iterator[Tensor]:
        """Yield the images of each step, (networks, batch): shuffled anew by seed and epoch."""
        orders = {member.seed: _order(member.seed, self.epoch, len(self._x)) for member in self._trained()}
        order = torch.tensor(np.array([orders[member.seed] for member in self._trained()]), device=self.device)
        yield from order.split(self.recipe.batch, dim=1)

    def _trained(self) -> list[Member]:
        return [self.members[member] for member in self.alive]

    def _test(self) -> None:
        """Test; what the last step of the epoch has thrown out of the finite numbers has diverged too."""
        if not len(self.alive):
            return
        loss, right = torch.zeros(2, len(self.alive), dtype=torch.float64)
        for x, y in zip(self._x_test.split(TEST_BATCH), self._y_test.split(TEST_BATCH), strict=True):
            logits = self.stack.logits(x.mT.expand(len(self.alive), -1, -1))
            labels = y.expand(len(self.alive), -1)
            loss += torch.nn.functional.cross_entropy(logits, labels, reduction="none").sum(dim=1).cpu()
            right += (logits.argmax(dim=1) == labels).sum(dim=1).cpu()
        self.curves["test_loss"][self.alive, self.epoch] = loss / len(self._y_test)
        self.curves["accuracy"][self.alive, self.epoch] = right / len(self._y_test)
        self._go_on_with(loss.isfinite().numpy())

    def keep(self, which: NDArray[np.bool_]) -> None:
        """Go on with some of the networks that are alive; the others leave the program."""
        if which.all():
            return
        if not which.any():  # nothing is left to go on with
            self.alive = self.alive[which]
            return
        states = [[self.optimizer.state[part] for part in group["params"]] for group in self.optimizer.param_groups]
        self.alive = self.alive[which]
        self.stack.keep_only(np.flatnonzero(which))
        self.optimizer = self._optimizer()
        for group, old in zip(self.optimizer.param_groups, (states[place] for place in np.flatnonzero(which)), strict=True):
            for part, state in zip(group["params"], old, strict=True):
                self.optimizer.state[part] = state

    def weights(self, member: int, first: explicit.Weights) -> explicit.Weights | None:
        """Return a member's weights in unit variance, as they are now, `first` before training; None where it has diverged."""
        places = np.flatnonzero(self.alive == member)
        if not places.size:
            return None
        return self.stack.unit_weights(int(places[0]), first)

    def state_dict(self) -> dict[str, Any]:
        """Return all that changes in training, as tensors and plain values."""
        return {
            "epoch": self.epoch,
            "alive": torch.tensor(self.alive),
            "diverged": torch.tensor(self.diverged),
            "curves": {name: torch.tensor(curve) for name, curve in self.curves.items()},
            "weights": self.stack.weights,
            "optimizer": self.optimizer.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` returned."""
        alive = state["alive"].numpy()
        self.epoch, self.alive, self.diverged = state["epoch"], alive, state["diverged"].numpy()
        self.curves = {name: state["curves"][name].numpy() for name in CURVES}
        if not len(alive):
            return
        self.stack.keep_only(alive)
        for name in NAMES:
            self.stack.weights[name].copy_(state["weights"][name])
        self.optimizer = self._optimizer()
        self.optimizer.load_state_dict(state["optimizer"])


def drawn(members: Sequence[Member]) -> list[explicit.Weights]:
    """Return the weights of each member; those that differ in factors or learning rate alone share theirs."""
    keys = [(member.net.replace(skip=1.0, branch=1.0, variance=1.0), member.seed) for member in members]
    found = {(net, seed): explicit.draw_weights(net, seed, 0) for net, seed in dict.fromkeys(keys)}
    return [found[key] for key in keys]


def _order(seed: int, epoch: int, count: int) -> NDArray[np.int64]:
    """Return the order of the images in an epoch."""
    return np.random.default_rng([seed % 2**32, seed >> 32, epoch, 1]).permutation(count)
