"""The plan of a sweep: its grid, its task, and the chunks of work, each with a key made of all that decides its numbers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from reslim.errors import ArgumentError, BadValue, Verbatim
from reslim.experiments.sweep import axes
from reslim.experiments.sweep.grid import Cell, Grid
from reslim.experiments.sweep.task import TASKS, Task
from reslim.simulation import memory
from reslim.spec import ResNet

CELL_BYTES = 3_000  # of a network and its row in the plan
NUMBER_BYTES = 200  # of a statistic in the arrays, the Dataset and the table, texts among them
BROKEN = (ArgumentError, ValueError, TypeError, KeyError, AttributeError, RecursionError)  # errors of a file that is no plan


@dataclass(frozen=True)
class Chunk:
    """Cells that are computed together and written as one file, with their numbers in the grid."""

    numbers: tuple[int, ...]
    cells: tuple[Cell, ...]
    key: str


@dataclass(frozen=True)
class Plan:
    """All that decides the numbers of a sweep; equal plans give equal tables."""

    grid: Grid
    task: Task
    fingerprint: str

    @cached_property
    def chunks(self) -> tuple[Chunk, ...]:
        """The chunks; every cell is checked on the way."""
        return tuple(self._chunk(members) for members in self.task.groups(self.grid))

    def _chunk(self, numbers: tuple[int, ...]) -> Chunk:
        cells = tuple(self.grid.cells[number] for number in numbers)
        decisive = [self.fingerprint, self.task.name, self.task.identity, [cell.to_json() for cell in cells]]
        text = json.dumps(decisive, sort_keys=True, allow_nan=False)
        return Chunk(numbers, cells, hashlib.sha256(text.encode()).hexdigest()[:32])

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as JSON has it."""
        return {
            "task": self.task.name,
            "spec": self.grid.net.to_dict(),
            "vary": {axis.field: axis.to_json() for axis in self.grid.axes},
            **self.task.to_json(),
            "kernels": self.fingerprint,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Plan:
        """Return the plan that `to_dict` came from; one of `BROKEN` for anything else."""
        entry = TASKS[values["task"]]
        kind = entry.load()
        vary = axes.from_json(entry.call, values["vary"], kind.settings)
        return cls(Grid(entry.call, ResNet.from_dict(values["spec"]), vary), kind.from_json(values), str(values["kernels"]))

    def difference(self, other: Plan) -> str:
        """Return in what another plan differs, as ``seed is 0 there and 1 here``, or "" where it does not."""
        here, there = (plan.to_dict() | plan.task.identity for plan in (self, other))
        for plan in (here, there):
            plan |= {f"the values of {field}": values for field, values in plan["vary"].items()} | plan["spec"]
            plan["vary"] = list(plan["vary"])
            del plan["spec"]
        for name in here | there:
            if here.get(name) != there.get(name):
                return f"{name} is {_brief(there.get(name))} there and {_brief(here.get(name))} here"
        return ""


def _brief(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:25]}…{text[-25:]}"


def make(grid: Grid, task: Task) -> Plan:
    """Return the plan of a sweep by this version of the code, with every cell checked."""
    task.check(grid)
    _check_memory(grid, task)
    plan = Plan(grid, task, task.fingerprint())
    assert sorted(_numbers(plan)) == list(range(grid.size))
    return plan


def _numbers(plan: Plan) -> Iterator[int]:
    return (number for chunk in plan.chunks for number in chunk.numbers)


def _check_memory(grid: Grid, task: Task) -> None:
    """Refuse a grid that would not fit, before its cells are made."""
    numbers = len(task.statistics) * task.most_places(grid.net)
    needed = grid.size * (CELL_BYTES + NUMBER_BYTES * numbers)
    free = memory.free_bytes()
    if free is not None and needed > memory.SHARE * free:
        got = Verbatim(f"{grid.size:,} cells, which take {memory.readable(needed)} of {memory.readable(free)} free memory")
        raise BadValue(grid.call, "vary", "must make a grid that fits into memory", got, "Give fewer values.")
