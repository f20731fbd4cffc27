"""The axes of a sweep: fields of the network and the values they take; and the grid of cells that they span."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import cached_property
from numbers import Real
from typing import Any

import numpy as np

from reslim import checks
from reslim import coupling as couplings
from reslim.coupling import Coupling, Fractional, Independent, Smooth
from reslim.errors import ArgumentError, BadKind, BadValue, Verbatim
from reslim.spec import SHORTHANDS, DepthPower, ResNet

CALL = "sweep"
FIELDS = (*(field.name for field in fields(ResNet)), *SHORTHANDS)
MOST = 100_000  # values of one field
REALS = ("skip", "branch", "variance", *SHORTHANDS)


@dataclass(frozen=True)
class Axis:
    """A field of the network, or the shorthand of one, with the values that it takes."""

    field: str
    values: tuple[Any, ...]

    @property
    def target(self) -> str:
        """The field of the network that is set."""
        return SHORTHANDS[self.field][0] if self.field in SHORTHANDS else self.field

    @property
    def coordinate(self) -> np.ndarray:
        """The values as an array: numbers and truths as they are, anything else in the notation of the command line."""
        if all(isinstance(value, Real) for value in self.values):
            return np.array(self.values)
        return np.array([notation(value) for value in self.values])

    def setting(self, index: int) -> Any:
        """Return the value of the network's field."""
        value = self.values[index]
        return SHORTHANDS[self.field][1](value) if self.field in SHORTHANDS else value

    def to_json(self) -> list[Any]:
        """Return the values as JSON has them."""
        return [_to_json(value) for value in self.values]


def notation(value: Any) -> str:
    """Return a value as the command line writes it.

    >>> notation(DepthPower(0.5, 2.0)), notation(Fractional(0.7))
    ('2*L^-0.5', 'fractional:0.7')
    """
    if isinstance(value, DepthPower):
        factor = "" if value.prefactor == 1.0 else f"{_number(value.prefactor)}*"
        return f"{factor}L^{_number(0.0 - value.beta)}"
    if isinstance(value, Fractional):
        return f"fractional:{_number(value.hurst)}"
    if isinstance(value, Smooth):
        return f"{'smooth' if value.kind == 'process' else 'smooth-increments'}:{_number(value.length)}"
    if isinstance(value, Independent):
        return "independent"
    if isinstance(value, tuple):
        return ",".join(notation(entry) for entry in value)
    return _number(value) if isinstance(value, float) else str(value)


def _number(value: float) -> str:
    return repr(value).removesuffix(".0")


def read(vary: object) -> tuple[Axis, ...]:
    """Return the axes of ``{field: values}``; each field once, each of its values once."""
    if not isinstance(vary, Mapping):
        raise BadKind(CALL, "vary", 'must be a dict such as {"beta": [0.25, 0.5, 1]}', vary)
    if not vary:
        raise BadValue(CALL, "vary", "must name at least one field", Verbatim("none"))
    axes = tuple(_axis(field, values) for field, values in vary.items())
    for axis in axes:
        rivals = [other.field for other in axes if other.target == axis.target]
        if len(rivals) > 1:
            got = Verbatim(f"{' and '.join(rivals)}, which both set {axis.target}")
            raise BadValue(CALL, "vary", "must not set a field twice", got)
    return axes


def _axis(field: object, values: object) -> Axis:
    checks.one_of(CALL, "vary", field, FIELDS)
    assert isinstance(field, str)
    if isinstance(values, str | bytes) or not isinstance(values, Sequence | np.ndarray):
        raise BadKind(CALL, "vary", f"must give {field} a list of values", values)
    if not 1 <= len(values) <= MOST:
        raise BadValue(CALL, "vary", f"must give {field} 1 to {MOST:,} values", Verbatim(f"{len(values):,}"))
    axis = Axis(field, tuple(_canonical(field, value) for value in values))
    seen: set[str] = set()
    for value in axis.values:
        text = notation(value)
        if text in seen:
            raise BadValue(CALL, "vary", f"must give {field} each value once", Verbatim(f"{text} twice"))
        seen.add(text)
    return axis


def _canonical(field: str, value: Any) -> Any:
    """Return plain Python values, reals as floats; what is of another kind stays as it is, for the network to refuse."""
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0):
        value = value.item()
    if isinstance(value, list | tuple | np.ndarray):
        return tuple(_canonical(field, entry) for entry in value)
    if field in REALS and isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53:
        return float(value)
    return value


def _to_json(value: Any) -> Any:
    if isinstance(value, DepthPower):
        return {"beta": value.beta, "prefactor": value.prefactor}
    if isinstance(value, Coupling):
        return couplings.to_dict(value)
    return list(value) if isinstance(value, tuple) else value


def from_json(values: Mapping[str, list[Any]]) -> tuple[Axis, ...]:
    """Return the axes that ``{field: Axis.to_json()}`` came from."""
    return read({field: [_from_json(field, value) for value in entries] for field, entries in values.items()})


def _from_json(field: str, value: Any) -> Any:
    if field == "coupling":
        return couplings.from_dict(CALL, value)
    return DepthPower(**value) if isinstance(value, dict) else value


@dataclass(frozen=True)
class Grid:
    """All combinations of the axes' values, set in one network; cells are numbered with the last axis fastest."""

    net: ResNet
    axes: tuple[Axis, ...]

    def __post_init__(self) -> None:
        power = self.net.branch
        if "beta" in (axis.field for axis in self.axes) and isinstance(power, DepthPower) and power.prefactor != 1.0:
            hint = "Vary branch over DepthPower(beta, prefactor)."
            raise BadValue(CALL, "vary", f"must not drop the prefactor of {notation(power)}", Verbatim("beta"), hint)

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of values of each axis."""
        return tuple(len(axis.values) for axis in self.axes)

    @property
    def size(self) -> int:
        """The number of cells."""
        return math.prod(self.shape)

    @cached_property
    def nets(self) -> tuple[ResNet, ...]:
        """The network of every cell."""
        return tuple(self._net(cell) for cell in range(self.size))

    def _net(self, cell: int) -> ResNet:
        with self.blamed(cell):
            return self.net.replace(**{axis.target: axis.setting(place) for axis, place in self._places(cell)})

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
            raise type(error)(CALL, "vary", what, error.got, error.hint) from error

    def column(self, axis: int) -> np.ndarray:
        """Return the coordinate of every cell along an axis."""
        return self.axes[axis].coordinate[np.unravel_index(np.arange(self.size), self.shape)[axis]]


def _brief(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else notation(value)
