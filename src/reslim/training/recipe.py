"""How networks are trained: everything but the networks, the data and the seeds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from reslim import checks
from reslim.errors import BadValue

OPTIMIZERS = ("adam", "sgd")
SCHEDULES = ("constant", "step", "cosine")
WHERE = ("forward", "init")
STEP_EPOCHS, STEP_FACTOR = 5, 0.1


@dataclass(frozen=True)
class Recipe:
    """Epochs over reshuffled mini-batches.

    Parameters
    ----------
    epochs : times that all images are seen.
    lr : learning rate.
    optimizer : "adam" (PyTorch's, with its defaults) or "sgd" (no momentum).
    batch : images a step; the last step of an epoch takes what is left.
    schedule : of the learning rate, epoch by epoch: "constant"; "step", a tenth after every 5 epochs; "cosine", down to 0.
    where : where the factors of the matrices are: "forward" or "init", as `reslim.pytorch.build` has them. The same function
        at step 0, but Adam moves it at another rate.

    Raises
    ------
    ValueError, TypeError
        For arguments out of range.

    Examples
    --------
    >>> [round(Recipe(epochs=12, lr=0.01, schedule="step").rate(epoch), 6) for epoch in (0, 4, 5, 10)]
    [0.01, 0.01, 0.001, 0.0001]
    """

    epochs: int = 10
    lr: float = 1e-3
    optimizer: Literal["adam", "sgd"] = "adam"
    batch: int = 128
    schedule: Literal["constant", "step", "cosine"] = "constant"
    where: Literal["forward", "init"] = "forward"

    def __post_init__(self) -> None:
        object.__setattr__(self, "epochs", checks.positive_int("train", "epochs", self.epochs))
        object.__setattr__(self, "batch", checks.positive_int("train", "batch", self.batch))
        object.__setattr__(self, "lr", rate_of("train", "lr", self.lr))
        checks.one_of("train", "optimizer", self.optimizer, OPTIMIZERS)
        checks.one_of("train", "schedule", self.schedule, SCHEDULES)
        checks.one_of("train", "where", self.where, WHERE)

    def rate(self, epoch: int, lr: float | None = None) -> float:
        """Return the learning rate of an epoch, counted from 0, for another `lr` if one is given."""
        lr = self.lr if lr is None else lr
        if self.schedule == "step":
            return lr * STEP_FACTOR ** (epoch // STEP_EPOCHS)
        if self.schedule == "cosine":
            return 0.5 * lr * (1.0 + math.cos(math.pi * epoch / self.epochs))
        return lr


def rate_of(call: str, name: str, value: object) -> float:
    """Return a learning rate: a positive number."""
    rate = checks.real(call, name, value)
    if rate <= 0.0:
        raise BadValue(call, name, "must be positive", rate)
    return rate
