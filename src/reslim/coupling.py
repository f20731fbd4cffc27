"""How the weights of different layers depend on each other (the regularity of the weights across depth)."""

from __future__ import annotations

from dataclasses import MISSING, asdict, dataclass
from dataclasses import fields as fields_of
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from reslim import checks
from reslim.errors import BadKind, BadValue

Array = NDArray[np.float64]
MOST_NU = 20.0  # beyond it the Bessel function may overflow between neighbouring layers


@dataclass(frozen=True)
class Independent:
    """Weights that are independent from layer to layer."""

    @property
    def is_independent(self) -> bool:
        """Whether the weights of different layers are independent."""
        return True

    def autocovariance(self, depth: int, count: int) -> Array:
        """Return the correlations of an entry at the lags 0 … count - 1, in a network of that depth."""
        return (np.arange(count) == 0).astype(float)


@dataclass(frozen=True)
class Smooth:
    """Weights that vary smoothly with depth.

    `kind="process"`: every entry is a Gaussian process in t = layer/depth with the covariance exp(-τ²/2ℓ²),
    ℓ = `length`; `kind="increments"`: its increments, normalised to unit variance.
    """

    length: float = 0.1
    kind: Literal["process", "increments"] = "process"

    def __post_init__(self) -> None:
        object.__setattr__(self, "length", checks.positive("Smooth", "length", self.length))
        checks.one_of("Smooth", "kind", self.kind, ("process", "increments"))

    @property
    def is_independent(self) -> bool:
        """Whether the weights of different layers are independent."""
        return False

    def autocovariance(self, depth: int, count: int) -> Array:
        """Return the correlations of an entry at the lags 0 … count - 1, in a network of that depth.

        The increments are those between t and t + 1/depth, exactly.
        """
        lag, step = np.arange(float(count)), 1.0 / (depth * self.length)

        def rbf(lag: Array) -> Array:
            return np.exp(-0.5 * (lag * step) ** 2)

        if self.kind == "process":
            return rbf(lag)
        # [2 R(k) - R(k-1) - R(k+1)]/[2 - 2 R(1)] without its cancellations
        square = step * step
        return rbf(lag) - rbf(lag - 1) * np.expm1(-lag * square) ** 2 / (-2.0 * np.expm1(-0.5 * square))


@dataclass(frozen=True)
class Fractional:
    """Fractional Gaussian noise across depth: unit-variance increments of fractional Brownian motion.

    `hurst` in (0, 1); ½ is independence.
    """

    hurst: float

    def __post_init__(self) -> None:
        hurst = checks.real("Fractional", "hurst", self.hurst)
        if not 0.0 < hurst < 1.0:
            raise BadValue("Fractional", "hurst", "must lie strictly between 0 and 1", hurst)
        object.__setattr__(self, "hurst", hurst)

    @property
    def is_independent(self) -> bool:
        """Whether the weights of different layers are independent."""
        return self.hurst == 0.5

    def autocovariance(self, depth: int, count: int) -> Array:
        """Return the correlations ½(|k+1|^2H - 2|k|^2H + |k-1|^2H) at the lags k = 0 … count - 1; the depth does not matter."""
        lag = np.arange(1, count)
        power = 2.0 * self.hurst
        with np.errstate(divide="ignore"):
            change = np.expm1(power * np.log1p(1.0 / lag)) + np.expm1(power * np.log1p(-1.0 / lag))
        return np.concatenate([[1.0], 0.5 * lag**power * change])[:count]


@dataclass(frozen=True)
class Matern:
    """Weights that vary with depth as often differentiable as `nu` says, between independent ones and `Smooth`.

    Every entry is a Gaussian process in t = layer/depth with the Matérn covariance 2^(1-ν)/Γ(ν) x^ν K_ν(x), x = √(2ν) τ/ℓ,
    ℓ = `length`: it has k derivatives for k < ν, and for ν < 1 its paths have the Hölder exponent ν. exp(-τ/ℓ) for ν = ½
    (Ornstein–Uhlenbeck); `Smooth(length)` as ν → ∞.
    """

    length: float = 0.1
    nu: float = 1.5

    def __post_init__(self) -> None:
        object.__setattr__(self, "length", checks.positive("Matern", "length", self.length))
        nu = checks.positive("Matern", "nu", self.nu)
        if nu > MOST_NU:
            hint = f"Use Smooth({self.length!r}), which it tends to."
            raise BadValue("Matern", "nu", f"must be at most {MOST_NU:g}", nu, hint)
        object.__setattr__(self, "nu", nu)

    @property
    def is_independent(self) -> bool:
        """Whether the weights of different layers are independent."""
        return False

    def autocovariance(self, depth: int, count: int) -> Array:
        """Return the correlations of an entry at the lags 0 … count - 1, in a network of that depth."""
        from scipy.special import gammaln, kve  # here, because it takes time to load

        x = np.sqrt(2.0 * self.nu) / (depth * self.length) * np.arange(1, count)
        with np.errstate(divide="ignore", over="ignore"):
            log = np.log(2.0) - gammaln(self.nu) + self.nu * np.log(0.5 * x) + np.log(kve(self.nu, x)) - x
        return np.concatenate([[1.0], np.minimum(np.exp(log), 1.0)])[:count]


Coupling = Independent | Smooth | Matern | Fractional
COUPLINGS = "must be Independent(), Smooth(...), Matern(...) or Fractional(...)"  # what another object is told
KINDS: dict[str, type[Coupling]] = {
    "independent": Independent,
    "smooth": Smooth,
    "matern": Matern,
    "fractional": Fractional,
}


def to_dict(coupling: Coupling) -> dict[str, Any]:
    """Return a JSON-able dict, ``{"name": "fractional", "hurst": 0.7}``."""
    name = next(name for name, kind in KINDS.items() if type(coupling) is kind)
    return {"name": name, **asdict(coupling)}


def from_dict(call: str, value: object) -> Coupling:
    """Rebuild a coupling from `to_dict`'s output."""
    if not isinstance(value, dict) or "name" not in value:
        raise BadKind(call, "coupling", 'must be an object such as {"name": "fractional", "hurst": 0.7}', value)
    kind = KINDS[checks.one_of(call, "coupling", value["name"], KINDS)]
    given = {key: entry for key, entry in value.items() if key != "name"}
    unknown = given.keys() - {field.name for field in fields_of(kind)}
    missing = {field.name for field in fields_of(kind) if field.default is MISSING} - given.keys()
    for names, what in ((unknown, "has no"), (missing, "needs the")):
        if names:
            raise BadValue(call, "coupling", f"{value['name']} {what} field {min(names)!r}")
    return kind(**given)
