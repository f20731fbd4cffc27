"""What a sweep does in every cell: the abstract task, what it finds, and the table of the tasks that there are.

A folder's plan holds the name of its task. The table imports a task's module when it is asked for, so that no sweep imports
what another one needs.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from os import PathLike
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from reslim.errors import BadValue, Verbatim

if TYPE_CHECKING:
    from reslim.experiments.sweep.grid import Cell, Grid
    from reslim.spec import ResNet

Array = NDArray[np.float64]
Check = Callable[[str, str, object], float]  # of the call, the name and the value, as those of `reslim.checks`


class Entry(NamedTuple):
    """A task in the table: the function and command that run it, and where its class is."""

    call: str
    module: str
    kind: str

    def load(self) -> type[Task]:
        """Return the class, imported now."""
        return getattr(import_module(self.module), self.kind)

    def way_on(self, folder: str | PathLike[str]) -> str:
        """Return the command that goes on in a folder."""
        return f"reslim {self.call} --resume {folder}"


TASKS = {  # by the names in plan.json
    "simulate": Entry("sweep", "reslim.experiments.sweep.simulation", "Simulation"),
    "train": Entry("train", "reslim.experiments.training", "Training"),
}


class Place(NamedTuple):
    """One number of a network: a quantity and, where it has them, its layer and the coordinate of an output."""

    quantity: str
    layer: int | None = None
    output_unit: int | None = None


def layers_of(where: Sequence[Place], name: str | None = None) -> list[int]:
    """Return the layers of a network's numbers, or of those of one quantity."""
    return sorted({place.layer for place in where if place.layer is not None and name in (None, place.quantity)})


class Found(NamedTuple):
    """What was found in a cell: the statistics (places, statistics), and notes on the cell as a whole, by name."""

    values: Array
    notes: Mapping[str, str | float]


class Task(ABC):
    """What is done in every cell, with all its arguments; immutable, and pickled on its way to the workers."""

    name: ClassVar[str]  # in the table of tasks and in plan.json
    statistics: ClassVar[tuple[str, ...]]  # of each number
    settings: ClassVar[Mapping[str, Check]] = {}  # axes that are no fields of the network, with the check of a value
    attributes: ClassVar[tuple[str, ...]]  # names of `to_json` that the Dataset has as attributes
    packages: ClassVar[tuple[str, ...]]  # whose versions the Dataset tells

    @property
    def call(self) -> str:
        """The function and command that run it: in error messages, and before the progress bar."""
        return TASKS[self.name].call

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """Return the arguments as plan.json has them, beside its own ``task``, ``spec``, ``vary`` and ``kernels``."""

    @classmethod
    @abstractmethod
    def from_json(cls, values: Mapping[str, Any]) -> Task:
        """Return the task of a plan, whose values hold those of `to_json`; ArgumentError or KeyError for any other."""

    @property
    def identity(self) -> dict[str, Any]:
        """The arguments for keys and comparisons: the same for all tasks that find the same."""
        return self.to_json()

    @abstractmethod
    def fingerprint(self) -> str:
        """Return which code computes; no sweep mixes two versions."""

    @abstractmethod
    def check(self, grid: Grid) -> None:
        """Refuse a grid whose numbers would not fit into one array, before its cells are made."""

    @abstractmethod
    def most_places(self, net: ResNet) -> int:
        """Return a bound on the length of `places`, for the memory that a grid will take."""

    @abstractmethod
    def places(self, net: ResNet) -> list[Place]:
        """Return the numbers of a network in the order in which they are kept; as many in every cell."""

    @abstractmethod
    def groups(self, grid: Grid) -> Iterator[tuple[int, ...]]:
        """Yield the cells of each chunk, every cell once; refuse those that cannot be done, each `Grid.blamed`."""

    @abstractmethod
    def compute(self, cells: Sequence[Cell]) -> list[Found]:
        """Return what is found in the cells of a chunk, which a worker does together."""

    def variables(self, grid: Grid, found: Sequence[Found]) -> dict[str, Any]:
        """Return the Dataset's variables: a quantity has the grid's dims, then its own; unless overridden, statistic alone."""
        values = np.array([cell.values for cell in found]).reshape(*grid.shape, -1, len(self.statistics))
        names = [place.quantity for place in self.places(grid.net)]
        dims = (*grid.fields, "statistic")
        plain = {name: (dims, values[..., number, :], {"long_name": name}) for number, name in enumerate(names)}
        return plain | noted(grid, found, {name: name for name in found[0].notes})


def noted(grid: Grid, found: Sequence[Found], names: Mapping[str, str]) -> dict[str, Any]:
    """Return the variables of the cells' notes, with their long names."""
    return {
        name: (grid.fields, np.array([cell.notes[name] for cell in found]).reshape(grid.shape), {"long_name": long})
        for name, long in names.items()
    }


def compute(task: Task, cells: Sequence[Cell], fingerprint: str) -> list[Found]:
    """Return what a task finds in the cells of a chunk; this is what an executor's workers run."""
    own = task.fingerprint()
    if own != fingerprint:
        raise BadValue(
            task.call, "executor", "must have workers with the same code", Verbatim(f"{own} there and {fingerprint} here")
        )
    return task.compute(cells)
