"""What a law is: the quantities it gives, where it holds, and how far it may be off."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reslim.spec import ResNet
from reslim.theory.finite_width import MARGIN, Errors

Array = NDArray[np.float64]
MODELS = {"one-matrix": "Li, Nica, Roy, arXiv:2106.04013", "two-matrix": "Marion, Fermanian, Biau, Vert, arXiv:2206.06929"}


@dataclass(frozen=True)
class Allowed:
    """How far a law itself may be off: in the mean, in variance/law - 1, in the distribution function (KS distance).

    NaN where the moment or the distribution function is not tested.
    """

    mean: Array
    variance_ratio: Array
    ks: Array


@dataclass(frozen=True)
class QuantityLaw:
    """The law of one quantity; arrays have the quantity's own dims, over all layers of its domain."""

    mean: Array
    variance: Array
    family: str
    validity: str
    source: str
    allowed: Allowed
    scale: tuple[Array, Array] | None = None  # mean and variance of G, shape (inputs,)
    log_second_moment: Array | None = None  # ln E of the ratio, over layers
    exact_second_moment: bool = False
    with_growth: Array | None = None  # covariance with log_growth at the last layer
    covariance: Callable[[list[int]], Array] | None = None  # between these layers


@dataclass(frozen=True)
class SecondMoment:
    """What is known of a ratio whose logarithm has no law: ln of its mean square at every layer, NaN where nothing is claimed."""

    log_second_moment: Array  # shape (layers,)
    exact_second_moment: bool
    validity: str
    source: str


@dataclass(frozen=True)
class Request:
    """What a law is asked about: the network, |x|²/n_in of each input, whether to apply the fitted correction, and p_d."""

    net: ResNet
    mean_squares: Array  # (m,)
    fitted: bool = False
    functional: str = "generic"  # from FUNCTIONALS

    @property
    def inputs(self) -> int:
        """The number m of inputs."""
        return len(self.mean_squares)


@dataclass(frozen=True)
class Law:
    """`of(request, name)` gives a quantity, or says why the law does not hold; `covers(net)`: the networks that it is about.

    `gives` names the quantities, all of them where it is empty.
    """

    gives: tuple[str, ...]
    covers: Callable[[ResNet], bool]
    of: Callable[[Request, str], QuantityLaw | SecondMoment | str]


def source(net: ResNet) -> str:
    """Return where the model and the constants of a law come from."""
    return f"{MODELS[net.block]} (model); docs/derivations/log-gaussian.md (constants)"


def is_relu(net: ResNet) -> bool:
    """Return whether φ is the ReLU, whose laws are the sharpest."""
    return net.activation == "relu"


def each_input(values: Array, inputs: int) -> Array:
    """Repeat values, one a layer, for every input: shape (layers, inputs); what has this shape stays as it is."""
    values = np.asarray(values)
    return np.broadcast_to(values if values.ndim == 2 else values[:, None], (len(values), inputs))


def ks_distance(errors: Errors, variance: Array) -> Array:
    """Return the distance between distribution functions that these errors make in a normal law (Edgeworth, first order).

    sup φ = 0.399 for the mean, sup |x φ|/2 = 0.121 for the variance, sup |(x²-1) φ|/6 = 0.0665 for the skewness.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        deviation = np.sqrt(variance)
        moments = 0.399 * errors.mean_bound / deviation + 0.121 * errors.variance_bound / variance
        distance = moments + 0.0665 * MARGIN * np.abs(errors.third) / deviation**3
    return np.nan_to_num(distance, nan=0.0, posinf=1.0).clip(0.0, 1.0)


def allowed(errors: Errors, variance: Array, inputs: int) -> Allowed:
    """Return what a normal law over layers is allowed, the same for every input."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.nan_to_num(errors.variance_bound / variance, nan=0.0)
    return Allowed(*(each_input(values, inputs) for values in (errors.mean_bound, ratio, ks_distance(errors, variance))))
