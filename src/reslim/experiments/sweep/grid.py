"""The grid of a sweep: all combinations of the axes' values, each a cell with its network and the task's settings."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from reslim.errors import ArgumentError, BadValue, Verbatim
from reslim.experiments.sweep.axes import Axis, notation
from reslim.spec import DepthPower, ResNet


class Cell(NamedTuple):
    """A cell: its network, and the task's settings that vary."""

    net: ResNet
    settings: Mapping[str, float]

    def to_json(self) -> list[Any]:
        """Return the cell for the key of its chunk."""
        return [self.net.to_dict(), dict(self.settings)]


@dataclass(frozen=True)
class Grid:
    """All combinations of the axes' values, set in one network; cells are numbered with the last axis fastest."""

    call: str
    net: ResNet
    axes: tuple[Axis, ...]

    def __post_init__(self) -> None:
        power = self.net.branch
        if "beta" in self.fields and isinstance(power, DepthPower) and power.prefactor != 1.0:
            hint = "Vary branch over DepthPower(beta, prefactor)."
            raise BadValue(self.call, "vary", f"must not drop the prefactor of {notation(power)}", Verbatim("beta"), hint)

    @property
    def fields(self) -> tuple[str, ...]:
        """The name of each axis."""
        return tuple(axis.field for axis in self.axes)

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of values of each axis."""
        return tuple(len(axis.values) for axis in self.axes)

    @property
    def size(self) -> int:
        """The number of cells."""
        return math.prod(self.shape)

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """Every cell; those that differ in their settings alone share one network."""
        nets: dict[tuple[int, ...], ResNet] = {}
        return tuple(self._cell(number, nets) for number in range(self.size))

    def _cell(self, number: int, nets: dict[tuple[int, ...], ResNet]) -> Cell:
        where = list(self._places(number))
        fields = [(axis, place) for axis, place in where if axis.check is None]
        settings = [(axis, place) for axis, place in where if axis.check is not None]
        key = tuple(place for _, place in fields)
        with self.blamed(number):
            if key not in nets:
                nets[key] = self.net.replace(**{axis.target: axis.setting(place) for axis, place in fields})
            return Cell(nets[key], {axis.field: axis.setting(place) for axis, place in settings})

    def _places(self, cell: int) -> Iterator[tuple[Axis, int]]:
        return zip(self.axes, (int(place) for place in np.unravel_index(cell, self.shape)), strict=True)

    def name(self, cell: int) -> str:
        """Return ``beta=0.5, hurst=0.7``."""
        return ", ".join(f"{axis.field}={_brief(axis.values[place])}" for axis, place in self._places(cell))

    @contextmanager
    def blamed(self, cell: int) -> Iterator[None]:
        """Let an error of an argument name the cell that it arises in."""
        try:
            yield
        except ArgumentError as error:
            subject = "network" if error.argument == "net" else error.argument
            what = f"makes the cell {self.name(cell)}, whose {subject} {error.constraint}"
            raise type(error)(self.call, "vary", what, error.got, error.hint) from error

    def column(self, axis: int) -> np.ndarray:
        """Return the coordinate of every cell along an axis."""
        return self.axes[axis].coordinate[np.unravel_index(np.arange(self.size), self.shape)[axis]]


def _brief(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else notation(value)
