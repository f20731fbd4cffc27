"""The activations: one table of names, values and derivatives (NumPy), read by theory and by the explicit sampler."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reslim import checks
from reslim.errors import BadKind, BadValue

Array = NDArray[np.float64]
SQRT_2 = math.sqrt(2.0)
SQRT_2PI = math.sqrt(2.0 * math.pi)


@dataclass(frozen=True)
class Activation:
    """An activation φ with its derivative.

    `negative_slope` is s where φ is positively homogeneous, φ(x) = max(x, 0) + s min(x, 0), and None elsewhere.
    """

    name: str
    value: Callable[[Array], Array]
    derivative: Callable[[Array], Array]
    negative_slope: float | None = None

    @property
    def homogeneous(self) -> bool:
        """Whether φ(c x) = c φ(x) for c > 0."""
        return self.negative_slope is not None


def _piecewise_linear(name: str, slope: float) -> Activation:
    return Activation(
        name,
        value=lambda x: np.where(x > 0, x, slope * x),
        derivative=lambda x: np.where(x > 0, 1.0, slope),
        negative_slope=slope,
    )


def _erf(x: Array) -> Array:
    from scipy.special import erf  # here, because importing reslim must not import SciPy

    return erf(x)


def _normal_cdf(x: Array) -> Array:
    from scipy.special import ndtr

    return ndtr(x)


def _logistic(x: Array) -> Array:
    from scipy.special import expit

    return expit(x)


def _exp_minus_square(x: Array) -> Array:
    """Return exp(-x²); it is 0 long before the bound at which x² would overflow."""
    bounded = np.clip(x, -40.0, 40.0)
    return np.exp(-bounded * bounded)


def _normal_pdf(x: Array) -> Array:
    return _exp_minus_square(x / SQRT_2) / SQRT_2PI


def _tanh_derivative(x: Array) -> Array:
    return 1.0 / np.cosh(np.clip(x, -350.0, 350.0)) ** 2  # 1 - tanh² would lose its digits where tanh saturates


_TABLE = {
    "relu": _piecewise_linear("relu", 0.0),
    "identity": _piecewise_linear("identity", 1.0),
    "tanh": Activation("tanh", np.tanh, _tanh_derivative),
    "erf": Activation("erf", _erf, lambda x: 2.0 / math.sqrt(math.pi) * _exp_minus_square(x)),
    "gelu": Activation("gelu", lambda x: x * _normal_cdf(x), lambda x: _normal_cdf(x) + x * _normal_pdf(x)),
    "silu": Activation(
        "silu",
        lambda x: x * _logistic(x),
        lambda x: _logistic(x) * (1.0 + x * _logistic(-x)),
    ),
}
NAMES = ("relu", "leaky_relu:SLOPE", "tanh", "erf", "gelu", "silu", "identity")


def activation(name: str) -> Activation:
    """Return the activation of that name, ``leaky_relu:0.2`` with its slope on the negative side.

    >>> float(activation("leaky_relu:0.2").value(np.array(-1.0)))
    -0.2
    """
    if not isinstance(name, str):
        raise BadKind("ResNet", "activation", f"must be one of {', '.join(NAMES)}", name)
    if name.startswith("leaky_relu"):
        return _leaky(name)
    if name not in _TABLE:
        checks.one_of("ResNet", "activation", name, NAMES)
    return _TABLE[name]


def _leaky(name: str) -> Activation:
    head, _, tail = name.partition(":")
    try:
        slope = float(tail)
    except ValueError:
        slope = math.nan
    if head != "leaky_relu" or not abs(slope) <= checks.LARGEST:
        raise BadValue("ResNet", "activation", "needs its slope as leaky_relu:SLOPE", name, "For example leaky_relu:0.01.")
    return _piecewise_linear(f"leaky_relu:{slope!r}", slope)
