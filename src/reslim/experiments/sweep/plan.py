"""The plan of a sweep: its grid, its request, and the chunks of work, each with a key made of all that decides its numbers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from reslim.errors import ArgumentError, BadValue, Verbatim
from reslim.experiments.sweep import axes, cells, kernels
from reslim.experiments.sweep.axes import CALL, Grid
from reslim.experiments.sweep.cells import Request
from reslim.quantities import MOST_AUTO_LAYERS
from reslim.simulation import memory
from reslim.spec import ResNet
from reslim.summary import STATISTICS

CELL_BYTES = 3_000  # of a network and its row in the plan
NUMBER_BYTES = 200  # of a statistic in the arrays, the Dataset and the table, texts among them


@dataclass(frozen=True)
class Chunk:
    """Cells that are drawn together and written as one file."""

    cells: tuple[int, ...]
    nets: tuple[ResNet, ...]
    key: str


@dataclass(frozen=True)
class Plan:
    """All that decides the numbers of a sweep; equal plans give equal tables."""

    grid: Grid
    request: Request
    kernels: str

    @cached_property
    def chunks(self) -> tuple[Chunk, ...]:
        """The chunks; every cell is checked on the way."""
        return tuple(self._chunk(members) for members in cells.groups(self.grid, self.request))

    def _chunk(self, members: tuple[int, ...]) -> Chunk:
        nets = tuple(self.grid.nets[cell] for cell in members)
        asked = self.request.arguments
        text = json.dumps([self.kernels, asked, [net.to_dict() for net in nets]], sort_keys=True, allow_nan=False)
        return Chunk(members, nets, hashlib.sha256(text.encode()).hexdigest()[:32])

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as JSON has it; the seed is text, since 64 bits are more than some readers of JSON keep."""
        asked = asdict(self.request)
        return {
            "spec": self.grid.net.to_dict(),
            "vary": {axis.field: axis.to_json() for axis in self.grid.axes},
            **asked,
            "seed": str(asked["seed"]),
            "quantities": list(asked["quantities"]),
            "layers": list(asked["layers"]) if isinstance(asked["layers"], tuple) else asked["layers"],
            "kernels": self.kernels,
        }

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """Return the plan of a file; ValueError for anything else."""
        try:
            values = json.loads(text)
            grid = Grid(ResNet.from_dict(values["spec"]), axes.from_json(values["vary"]))
            how = [values[name] for name in ("layers", "method", "precision", "functional")]
            asked = cells.request(values["replicas"], int(values["seed"]), values["quantities"], *how)
            return cls(grid, asked, str(values["kernels"]))
        except (ArgumentError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise ValueError(f"{type(error).__name__}: {error}") from None

    def difference(self, other: Plan) -> str:
        """Return in what another plan differs, as ``seed is 0 there and 1 here``, or "" where it does not."""
        here, there = self.to_dict(), other.to_dict()
        for plan in (here, there):
            plan["quantities"] = sorted(plan["quantities"])
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


def make(grid: Grid, asked: Request) -> Plan:
    """Return the plan of a sweep by this version of the code, with every cell checked."""
    cells.check_shapes(grid, asked)
    check_memory(grid, asked)
    plan = Plan(grid, asked, kernels.fingerprint())
    assert sorted(_cells(plan)) == list(range(grid.size))
    return plan


def _cells(plan: Plan) -> Iterator[int]:
    return (cell for chunk in plan.chunks for cell in chunk.cells)


def check_memory(grid: Grid, asked: Request) -> None:
    """Refuse a grid that would not fit, before its cells are made."""
    a_quantity = {"last": 1, "auto": MOST_AUTO_LAYERS, "all": grid.net.depth + 1}
    layers = a_quantity[asked.layers] if isinstance(asked.layers, str) else len(asked.layers)
    numbers = len(STATISTICS) * (len(asked.quantities) * layers + grid.net.n_out * ("output" in asked.quantities))
    needed = grid.size * (CELL_BYTES + NUMBER_BYTES * numbers)
    free = memory.free_bytes()
    if free is not None and needed > memory.SHARE * free:
        got = Verbatim(f"{grid.size:,} cells, which take {memory.readable(needed)} of {memory.readable(free)} free memory")
        raise BadValue(CALL, "vary", "must make a grid that fits into memory", got, "Give fewer values.")
