"""A second task of sweeps: the width times a setting. As a module of its own, so that other processes find it by name."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from swept import Here

import reslim
from reslim import checks
from reslim.errors import BadValue
from reslim.experiments.sweep import executors
from reslim.experiments.sweep.axes import read
from reslim.experiments.sweep.grid import Cell, Grid
from reslim.experiments.sweep.run import carry_out
from reslim.experiments.sweep.task import TASKS, Entry, Found, Place, Task

ENTRY = Entry("multiply", "multiplied", "Multiply")
NET = reslim.ResNet(depth=3, width=2)
VARY = {"lr": [0.5, 1, 2.0], "width": [2, 5, 7, 9]}


@dataclass(frozen=True)
class Multiply(Task):
    """Multiplies width, setting and factor; networks of one width are a chunk."""

    name = "multiply"
    statistics = ("mean", "standard_error")
    settings: ClassVar = {"lr": checks.positive}
    attributes = ("factor",)
    packages = ("xarray",)

    factor: float

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Multiply:
        return cls(checks.real("multiply", "factor", values["factor"]))

    def fingerprint(self) -> str:
        return "multiply 1"

    def check(self, grid: Grid) -> None:
        if "depth" in grid.fields:
            raise BadValue(self.call, "vary", "must leave the depth as it is")

    def most_places(self, net: reslim.ResNet) -> int:
        return 2

    def places(self, net: reslim.ResNet) -> list[Place]:
        return [Place("product"), Place("inverse")]

    def groups(self, grid: Grid) -> Iterator[tuple[int, ...]]:
        for number, cell in enumerate(grid.cells):
            with grid.blamed(number):
                if cell.net.width > 99:
                    raise BadValue(self.call, "width", "must have two digits at most", cell.net.width)

        def width(number: int) -> int:
            return grid.cells[number].net.width

        for _, members in groupby(sorted(range(grid.size), key=width), key=width):
            yield tuple(members)

    def compute(self, cells: Sequence[Cell]) -> list[Found]:
        products = [self.factor * net.width * settings.get("lr", 1.0) for net, settings in cells]
        parities = ["odd" if net.width % 2 else "even" for net, _ in cells]
        return [
            Found(np.array([[product, 0.0], [1.0 / product, np.nan]]), {"parity": parity, "third": product / 3.0})
            for product, parity in zip(products, parities, strict=True)
        ]


def multiply(out: Path | None, vary: Mapping[str, Any] = VARY, factor: float = 10.0, executor: Any = None) -> Any:
    """Do what a public function of the task would do."""
    task = Multiply(factor)
    grid = Grid(task.call, NET, read(task.call, vary, task.settings))
    return carry_out(grid, task, out=out, jobs=1, executor=executor or Here(), progress=False)


class Stopped(Here):
    """Is stopped at a call, by Ctrl-C or by a kill."""

    def __init__(self, last: int, kill: bool) -> None:
        super().__init__()
        self.last, self.kill = last, kill

    def submit(self, call: Any, /, *args: Any, **more: Any) -> Any:
        if self.calls == self.last:
            if self.kill:
                os.kill(os.getpid(), signal.SIGKILL)
            raise KeyboardInterrupt
        return super().submit(call, *args, **more)


def multiply_and_be_killed(out: Path) -> None:
    """Finish two chunks; what a process of its own does."""
    TASKS["multiply"] = ENTRY
    executors.AHEAD = 1
    multiply(out, executor=Stopped(2, kill=True))
