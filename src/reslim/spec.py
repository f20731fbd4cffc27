"""The description of a random residual network: the one object that theory, simulation and measurement all take."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Literal, TypeGuard

import numpy as np
from numpy.typing import NDArray

from reslim import checks
from reslim import coupling as couplings
from reslim.activations import Activation, activation
from reslim.coupling import COUPLINGS, Coupling, Fractional, Independent
from reslim.errors import BadKind, BadValue, Verbatim

Block = Literal["one-matrix", "two-matrix"]
Entries = Literal["gaussian", "uniform", "rademacher"]
Array = NDArray[np.float64]

BLOCKS = ("one-matrix", "two-matrix")
ENTRIES = ("gaussian", "uniform", "rademacher")
SQRT_HALF = 0.5**0.5
INDEPENDENT = Independent()


@dataclass(frozen=True)
class DepthPower:
    """The branch factor ``prefactor * depth**-beta``, the same in every layer."""

    beta: float
    prefactor: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "beta", checks.real("DepthPower", "beta", self.beta))
        object.__setattr__(self, "prefactor", checks.factor("DepthPower", "prefactor", self.prefactor))

    def at(self, depth: int) -> float:
        """Return the factor of a network of that depth."""
        try:
            power = float(depth) ** -self.beta
        except OverflowError:
            return math.inf if self.prefactor else 0.0
        return self.prefactor * power


# numbers that stand for a field: the field, and what makes its value of them
SHORTHANDS: dict[str, tuple[str, Callable[..., Any]]] = {"beta": ("branch", DepthPower), "hurst": ("coupling", Fractional)}


@dataclass(frozen=True, kw_only=True, repr=False)
class ResNet:
    """A random residual network at initialisation.

    One-matrix block: ``z' = α z + λ √(v/n) W φ(z)``; two-matrix block: ``z' = α z + λ √(v_out/n) V φ(√(v_in/n) W z)``,
    with unit-variance entries; ``z_0 = W_in x / √n_in`` and ``z_out = W_out z_d / √n`` with Gaussian W_in and W_out.
    Every field is checked when the network is made; the object is frozen and hashable.

    Parameters
    ----------
    depth, width : number of residual blocks d, and dimension n of the hidden state.
    skip : factor α of the identity path: a number, or one a layer; either sign.
    branch : factor λ of the branch: a number, one a layer, or `DepthPower`.
    variance : v, the entries' variance times the fan-in; a pair (v_in, v_out) for two-matrix blocks.
    activation : relu, leaky_relu:SLOPE, tanh, erf, gelu, silu or identity.
    balanced : whether φ is replaced by φ(s z) with a fair sign s for each unit and layer, fixed at initialisation.
    block : "one-matrix" or "two-matrix".
    entries : law of the entries of the hidden matrices: gaussian, uniform or rademacher.
    coupling : how the weights of different layers depend on each other.
    n_in, n_out : dimensions of input and output.

    Raises
    ------
    ValueError, TypeError
        With the field, the constraint and the value.

    References
    ----------
    Li, Nica, Roy, arXiv:2106.04013 (one-matrix, Balanced); Marion, Fermanian, Biau, Vert, arXiv:2206.06929 (two-matrix,
    the coupling across depth).

    Examples
    --------
    >>> net = ResNet(depth=100, width=100, balanced=True)
    >>> net
    ResNet(depth=100, width=100, balanced=True)
    >>> ResNet.from_json(net.to_json()) == net
    True
    """

    depth: int
    width: int
    skip: float | Sequence[float] = SQRT_HALF
    branch: float | Sequence[float] | DepthPower = SQRT_HALF
    variance: float | tuple[float, float] = 2.0
    activation: str = "relu"
    balanced: bool = False
    block: Block = "one-matrix"
    entries: Entries = "gaussian"
    coupling: Coupling = INDEPENDENT
    n_in: int = 10
    n_out: int = 10

    def __post_init__(self) -> None:
        for name in ("depth", "width", "n_in", "n_out"):
            self._set(name, checks.size("ResNet", name, getattr(self, name)))
        checks.one_of("ResNet", "block", self.block, BLOCKS)
        checks.one_of("ResNet", "entries", self.entries, ENTRIES)
        self._set("balanced", checks.boolean("ResNet", "balanced", self.balanced))
        self._set("activation", activation(self.activation).name)
        if not isinstance(self.coupling, Coupling):
            raise BadKind("ResNet", "coupling", COUPLINGS, self.coupling)
        self._set("skip", self._schedule("skip", self.skip))
        if not isinstance(self.branch, DepthPower):
            self._set("branch", self._schedule("branch", self.branch))
        else:
            self._check_power(self.branch)
        self._set("variance", self._checked_variance())
        self._check_alive()

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    def _schedule(self, name: str, value: object) -> float | tuple[float, ...]:
        """Return a number, or a tuple with one number a layer."""
        value = _scalar(value)
        if not _is_list(value):
            return checks.factor("ResNet", name, value, "" if name == "skip" else "A schedule is a list, or DepthPower(beta).")
        if len(value) != self.depth:
            got = Verbatim(f"{len(value)} values")
            raise BadValue("ResNet", name, f"must be a number or have one value a layer ({self.depth})", got)
        return tuple(checks.factor("ResNet", name, entry) for entry in value)

    def _check_power(self, power: DepthPower) -> None:
        value = power.at(self.depth)
        hint = f"{power!r} at depth {self.depth} is out of range."
        checks.factor("ResNet", "branch", value, hint)
        if value == 0.0 and power.prefactor != 0.0:
            raise BadValue("ResNet", "branch", "must not underflow to zero", None, hint)

    def _checked_variance(self) -> float | tuple[float, float]:
        value: Any = _scalar(self.variance)
        if not _is_list(value):
            return checks.positive("ResNet", "variance", value)
        if self.block != "two-matrix":
            raise BadValue("ResNet", "variance", "must be one number for a one-matrix block", value, 'Or use block="two-matrix".')
        if len(value) != 2:
            raise BadValue("ResNet", "variance", "must be a number or a pair (v_in, v_out)", value)
        pair = tuple(checks.positive("ResNet", "variance", entry) for entry in value)
        return pair[0] if pair[0] == pair[1] else (pair[0], pair[1])

    def _check_alive(self) -> None:
        layers = slice(1) if self.is_constant else slice(None)
        dead = np.flatnonzero((self.skips[layers] == 0.0) & (self.branches[layers] == 0.0))
        if dead.size:
            where = Verbatim(f"0 for both in layer {dead[0]}")
            raise BadValue("ResNet", "skip", "and branch must not both be zero in a layer: the state would be zero", where)

    @classmethod
    def li_nica_roy(cls, *, depth: int, width: int, **changes: Any) -> ResNet:
        """Make the network of Li, Nica, Roy: one ReLU matrix a block, He variance, α = λ = √½.

        >>> ResNet.li_nica_roy(depth=100, width=100) == ResNet(depth=100, width=100)
        True
        """
        return cls(depth=depth, width=width, **changes)

    @classmethod
    def marion(cls, *, depth: int, width: int, beta: float = 0.5, **changes: Any) -> ResNet:
        """Make the network of Marion, Fermanian, Biau, Vert: two matrices a block, α = 1, λ = depth**-beta.

        Entries are uniform where the coupling is independent and Gaussian otherwise.

        >>> ResNet.marion(depth=1000, width=40).entries
        'uniform'
        """
        if "branch" in changes and beta != 0.5:
            raise BadValue("ResNet.marion", "beta", "cannot stand beside branch", beta, "Give one of the two.")
        independent = isinstance(changes.get("coupling", Independent()), Independent)
        preset = {
            "skip": 1.0,
            "branch": DepthPower(beta),
            "variance": 1.0,
            "block": "two-matrix",
            "entries": "uniform" if independent else "gaussian",
            "n_in": 64,
            "n_out": 1,
        }
        return cls(depth=depth, width=width, **(preset | changes))

    @cached_property
    def skips(self) -> Array:
        """The skip factors α_l, shape (depth,)."""
        return np.broadcast_to(np.asarray(self.skip, dtype=np.float64), (self.depth,))

    @cached_property
    def branches(self) -> Array:
        """The branch factors λ_l, shape (depth,)."""
        branch = self.branch.at(self.depth) if isinstance(self.branch, DepthPower) else self.branch
        return np.broadcast_to(np.asarray(branch, dtype=np.float64), (self.depth,))

    @property
    def variances(self) -> tuple[float, float]:
        """The pair (v_in, v_out); a one-matrix block has v_in = 1 and v_out = v."""
        if self.block == "one-matrix":
            return 1.0, float(self.variance)  # type: ignore[arg-type]
        pair = self.variance if isinstance(self.variance, tuple) else (self.variance, self.variance)
        return float(pair[0]), float(pair[1])  # type: ignore[arg-type]

    @property
    def phi(self) -> Activation:
        """The activation, with its derivative."""
        return activation(self.activation)

    @property
    def is_constant(self) -> bool:
        """Whether every layer has the same factors."""
        return not isinstance(self.skip, tuple) and not isinstance(self.branch, tuple)

    def replace(self, **changes: Any) -> ResNet:
        """Return a copy with some fields changed, checked like a new one."""
        _refuse_unknown("ResNet.replace", changes)
        return dataclasses.replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-able dict with every field."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        if isinstance(self.branch, DepthPower):
            values["branch"] = {"beta": self.branch.beta, "prefactor": self.branch.prefactor}
        values["coupling"] = couplings.to_dict(self.coupling)
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}

    def to_json(self) -> str:
        """Return the network as one line of JSON."""
        return json.dumps(self.to_dict(), allow_nan=False)

    @classmethod
    def from_dict(cls, values: object) -> ResNet:
        """Make a network from a dict like that of `to_dict`; absent fields take their defaults."""
        call = "ResNet.from_json"
        if not isinstance(values, dict):
            raise BadKind(call, "text", "must be a JSON object", values)
        _refuse_unknown(call, values)
        values = dict(values)
        for name in ("depth", "width"):
            if name not in values:
                raise BadValue(call, name, "is missing")
        if isinstance(values.get("branch"), dict):
            values["branch"] = _depth_power(call, values["branch"])
        if "coupling" in values:
            values["coupling"] = couplings.from_dict(call, values["coupling"])
        return cls(**values)

    @classmethod
    def from_json(cls, text: str) -> ResNet:
        """Make a network from the text that `to_json` returned."""
        try:
            values = json.loads(text)
        except TypeError:
            raise BadKind("ResNet.from_json", "text", "must be text", text) from None
        except (ValueError, RecursionError) as error:
            raise BadValue("ResNet.from_json", "text", f"is not JSON ({error})") from None
        return cls.from_dict(values)

    def __repr__(self) -> str:
        return self.described()

    def described(self, without: Collection[str] = ()) -> str:
        """Return the text of `repr`, some fields left out."""
        own = (f for f in fields(self) if f.name not in without)
        shown = (f for f in own if f.default is dataclasses.MISSING or getattr(self, f.name) != f.default)
        return f"ResNet({', '.join(f'{f.name}={_brief(getattr(self, f.name))}' for f in shown)})"


def _scalar(value: object) -> object:
    """Return the number in an array without dimensions; anything else as it is."""
    return value.item() if isinstance(value, np.ndarray) and value.ndim == 0 else value


def _is_list(value: object) -> TypeGuard[Sequence[Any] | np.ndarray]:
    return isinstance(value, Sequence | np.ndarray) and not isinstance(value, str | bytes)


def _refuse_unknown(call: str, values: dict[str, Any]) -> None:
    names = [field.name for field in fields(ResNet)]
    for name in values:
        checks.one_of(call, "field", name, names)


def _depth_power(call: str, value: dict[str, Any]) -> DepthPower:
    if "beta" not in value or not set(value) <= {"beta", "prefactor"}:
        raise BadValue(call, "branch", 'must be an object such as {"beta": 0.5, "prefactor": 1}', value)
    return DepthPower(**value)


def _brief(value: object) -> str:
    """Format a field for `repr`: schedules of more than four layers are abridged."""
    if isinstance(value, tuple) and len(value) > 4:
        return f"({value[0]:.6g}, {value[1]:.6g}, …, {value[-1]:.6g})"
    return repr(value)
