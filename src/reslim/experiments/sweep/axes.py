"""The axes of a sweep: fields of the network, or settings of its task, and the values they take."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from numbers import Real
from typing import Any

import numpy as np

from reslim import checks
from reslim import coupling as couplings
from reslim.coupling import Coupling, Fractional, Independent, Matern, Smooth
from reslim.errors import BadKind, BadValue, Verbatim
from reslim.experiments.sweep.task import Check
from reslim.spec import SHORTHANDS, DepthPower, ResNet

FIELDS = (*(field.name for field in fields(ResNet)), *SHORTHANDS)
MOST = 100_000  # values of one field
REALS = ("skip", "branch", "variance", *SHORTHANDS)


@dataclass(frozen=True)
class Axis:
    """A field of the network, or the shorthand of one, or a setting of the task, with the values that it takes."""

    field: str
    values: tuple[Any, ...]
    check: Callable[[Any], float] | None = None  # of the values of a setting; the network checks its own

    @property
    def target(self) -> str:
        """The field of the network, or the setting, that is set."""
        return SHORTHANDS[self.field][0] if self.field in SHORTHANDS else self.field

    @property
    def coordinate(self) -> np.ndarray:
        """The values as an array: numbers and truths as they are, anything else in the notation of the command line."""
        if all(isinstance(value, Real) for value in self.values):
            return np.array(self.values)
        return np.array([notation(value) for value in self.values])

    def setting(self, index: int) -> Any:
        """Return the value of the network's field or of the setting."""
        value = self.values[index]
        if self.check is not None:
            return self.check(value)
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
    if isinstance(value, Matern):
        return f"matern:{_number(value.length)}:{_number(value.nu)}"
    if isinstance(value, Independent):
        return "independent"
    if isinstance(value, tuple):
        return ",".join(notation(entry) for entry in value)
    return _number(value) if isinstance(value, float) else str(value)


def _number(value: float) -> str:
    return repr(value).removesuffix(".0")


def read(call: str, vary: object, settings: Mapping[str, Check]) -> tuple[Axis, ...]:
    """Return the axes of ``{field: values}``; each field or setting once, each of its values once."""
    if not isinstance(vary, Mapping):
        raise BadKind(call, "vary", 'must be a dict such as {"beta": [0.25, 0.5, 1]}', vary)
    if not vary:
        raise BadValue(call, "vary", "must name at least one field", Verbatim("none"))
    axes = tuple(_axis(call, field, values, settings) for field, values in vary.items())
    for axis in axes:
        rivals = [other.field for other in axes if other.target == axis.target]
        if len(rivals) > 1:
            got = Verbatim(f"{' and '.join(rivals)}, which both set {axis.target}")
            raise BadValue(call, "vary", "must not set a field twice", got)
    return axes


def _axis(call: str, field: object, values: object, settings: Mapping[str, Check]) -> Axis:
    checks.one_of(call, "vary", field, (*FIELDS, *settings))
    assert isinstance(field, str)
    if isinstance(values, str | bytes) or not isinstance(values, Sequence | np.ndarray):
        raise BadKind(call, "vary", f"must give {field} a list of values", values)
    if not 1 <= len(values) <= MOST:
        raise BadValue(call, "vary", f"must give {field} 1 to {MOST:,} values", Verbatim(f"{len(values):,}"))
    real = field in REALS or field in settings
    check = partial(settings[field], call, field) if field in settings else None
    axis = Axis(field, tuple(_canonical(value, real) for value in values), check)
    seen: set[str] = set()
    for value in axis.values:
        text = notation(value)
        if text in seen:
            raise BadValue(call, "vary", f"must give {field} each value once", Verbatim(f"{text} twice"))
        seen.add(text)
    return axis


def _canonical(value: Any, real: bool) -> Any:
    """Return plain Python values, reals as floats; what is of another kind stays as it is, for the network to refuse."""
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0):
        value = value.item()
    if isinstance(value, list | tuple | np.ndarray):
        return tuple(_canonical(entry, real) for entry in value)
    if real and isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53:
        return float(value)
    return value


def _to_json(value: Any) -> Any:
    if isinstance(value, DepthPower):
        return {"beta": value.beta, "prefactor": value.prefactor}
    if isinstance(value, Coupling):
        return couplings.to_dict(value)
    return list(value) if isinstance(value, tuple) else value


def from_json(call: str, values: Mapping[str, list[Any]], settings: Mapping[str, Check]) -> tuple[Axis, ...]:
    """Return the axes that ``{field: Axis.to_json()}`` came from."""
    vary = {field: [_from_json(call, field, value) for value in entries] for field, entries in values.items()}
    return read(call, vary, settings)


def _from_json(call: str, field: str, value: Any) -> Any:
    if field == "coupling":
        return couplings.from_dict(call, value)
    return DepthPower(**value) if isinstance(value, dict) else value
