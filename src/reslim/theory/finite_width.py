"""How wrong the first-order laws are at finite width: what `compare` allows them, and the fitted correction.

With independent layers (Balanced, two matrices) the terms of second order are derived; in vanilla networks, where their
closed form is open, they are measured (docs/derivations/second-order.md). Both are widened by a margin for the terms
beyond: they bound an error, they are not part of the law.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, polygamma, psi

from reslim.spec import ResNet
from reslim.theory.sums import cumulated

Array = NDArray[np.float64]
MARGIN = 1.25  # on a term of second order
NEXT = 30.0  # allowed relative error NEXT/n² of third order
EXCESS_KURTOSIS = {"gaussian": 0.0, "uniform": -1.2, "rademacher": -2.0}
ENTRIES = 2.0  # measured bound: relative error of the variance, per unit of the entries' excess kurtosis and of 1/n
FADE = 6.5  # layers · r after which the effects between layers are complete, by a factor e
UNKNOWN = 2.5  # n × relative error of the fade
# Vanilla, n² × (mean - law) a layer, and n² × third cumulant a layer, against r.
SHARES = np.array([0.0, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 1.0])
MEAN = np.array([0.0, -0.9, -2.2, -3.8, -5.5, -6.7, -7.5, -4.1])
GRADIENT_MEAN, GRADIENT_VARIANCE = 9.0, 8.0  # n² × a layer's and r's, and n × relative
ALONG_MEAN, ALONG_VARIANCE = 3.0, 4.0  # n × absolute
THIRD_SHARES = np.array([0.0, 0.1, 0.3, 0.5, 0.8, 0.9, 1.0])
THIRD = np.array([0.0, -25.0, -88.0, -126.0, -122.0, -100.0, -31.0])


@dataclass(frozen=True)
class Errors:
    """Exact minus law at l = 0 … d, shape (depth + 1,): the terms of second order, and bounds on what is beyond them."""

    mean: Array
    variance: Array
    third: Array  # cumulant; that of the law is 0
    mean_beyond: Array
    variance_beyond: Array

    def backward(self) -> Errors:
        """Return the errors of the same law summed from the last layer."""
        return self._each(lambda values: values[-1] - values)

    def last(self) -> Errors:
        """Return the errors at the last layer, shape (1,)."""
        return self._each(lambda values: values[-1:])

    def _each(self, change: Callable[[Array], Array]) -> Errors:
        return Errors(*(change(getattr(self, field.name)) for field in fields(self)))

    @property
    def mean_bound(self) -> Array:
        """How far off the mean may be."""
        return MARGIN * np.abs(self.mean) + self.mean_beyond

    @property
    def variance_bound(self) -> Array:
        """How far off the variance may be."""
        return MARGIN * np.abs(self.variance) + self.variance_beyond


def _entries(net: ResNet) -> float:
    """Bound the relative effect of entries that are not Gaussian on the variance."""
    return ENTRIES * abs(EXCESS_KURTOSIS[net.entries]) / net.width


def _beyond(net: ResNet, law: Array) -> Array:
    """Bound the terms of third order, and those of the entries; `law` is the law's variance."""
    return (NEXT / net.width**2 + _entries(net)) * law


def balanced(net: ResNet, r: Array) -> Errors:
    """Return the errors of the Balanced one-matrix law."""
    mean = -0.75 * r**4 - 34.0 / 3.0 * r**3 + 8.0 * r**2
    variance = 2.5 * r**4 + 36.0 * r**3 - 20.0 * r**2
    third = -3.0 * r**4 - 40.0 * r**3 + 12.0 * r**2
    return _layers(net, r**2 + 4.0 * r, mean, variance, third)


def two_matrix(net: ResNet, r: Array) -> Errors:
    """Return the errors of the two-matrix law."""
    mean = -6.75 * r**4 - 26.0 / 3.0 * r**3 + 11.0 * r**2
    variance = 22.5 * r**4 + 32.0 * r**3 - 34.0 * r**2
    third = -27.0 * r**4 - 44.0 * r**3 + 36.0 * r**2
    return _layers(net, 3.0 * r**2 + 4.0 * r, mean, variance, third)


def _layers(net: ResNet, own: Array, mean: Array, variance: Array, third: Array) -> Errors:
    """Sum the terms of second order, n² × their size in one layer, over independent layers."""
    n = net.width
    beyond = _beyond(net, cumulated(own) / n)
    return Errors(cumulated(mean) / n**2, cumulated(variance) / n**2, cumulated(third) / n**2, beyond, beyond)


def vanilla_variance_ratio(r: Array, own: Array) -> tuple[Array, Array]:
    """Return n × (variance/law - 1) at l = 0 … d of vanilla networks, and how complete the effects between layers are.

    Deep: a fit for r from 0.05 to 1, good to 3 to 8 %. One layer: derived. Between: a fade, good to 2.5.
    """
    deep = 5.91 - 0.47 * r + 17.42 * r**2 - 19.01 * r**3
    single = (2.5 * r**3 + 36.0 * r**2 - 20.0 * r) / (r + 4.0)
    complete = 1.0 - np.exp(-cumulated(r) / FADE)
    weight = np.maximum(cumulated(own), np.finfo(float).tiny)
    deep_mean, single_mean = cumulated(own * deep) / weight, cumulated(own * single) / weight
    return complete * deep_mean + (1.0 - complete) * single_mean, complete


def vanilla_mean(r: Array) -> Array:
    """Return n² × (mean - law) at l = 0 … d of vanilla networks, good to a quarter."""
    return cumulated(np.interp(r, SHARES, MEAN))


def vanilla(net: ResNet, r: Array, law: Array) -> Errors:
    """Return the errors of the vanilla one-matrix law, whose variance is `law`."""
    n = net.width
    ratio, complete = vanilla_variance_ratio(r, np.diff(law))
    third = cumulated(np.interp(r, THIRD_SHARES, THIRD)) / n**2
    beyond = _beyond(net, law)
    unknown = UNKNOWN * (1.0 - complete**2) / n * law
    return Errors(vanilla_mean(r) / n**2, ratio / n * law, third, beyond, beyond + unknown)


def fitted(net: ResNet, r: Array, law: Array) -> Errors:
    """Return the errors of the vanilla one-matrix law after its correction: those of the fits."""
    plain, n = vanilla(net, r, law), net.width
    _, complete = vanilla_variance_ratio(r, np.diff(law))
    beyond = _beyond(net, law)
    unknown = 0.15 * np.abs(plain.variance) + UNKNOWN * (1.0 - complete**6) / n * law
    nothing = np.zeros_like(law)
    return Errors(nothing, nothing, plain.third, beyond + 0.3 * np.abs(plain.mean), beyond + unknown)


def gradient(net: ResNet, r: Array, law: Array) -> Errors:
    """Return the errors of the law of the vanilla gradient at l = 0 … d, whose variance is `law`: measured bounds.

    Measured for n from 32 to 64, d/n from ⅛ to 3, r from 0.1 to 0.95: the mean is off by at most 7 r/n² a layer, the
    variance by 6.3/n relative.
    """
    n, nothing = net.width, np.zeros(net.depth + 1)
    shares, third = cumulated(r) / n**2, cumulated(np.interp(r, THIRD_SHARES, THIRD)) / n**2
    found = Errors(nothing, nothing, third, GRADIENT_MEAN * shares, nothing).backward()
    complete = 1.1 - np.exp(-(n**2) * found.mean_beyond / (GRADIENT_MEAN * FADE))  # few layers are nearly normal
    return replace(found, third=complete * found.third, variance_beyond=(GRADIENT_VARIANCE / n + NEXT / n**2) * law)


def along(net: ResNet, errors: Errors) -> Errors:
    """Return the errors of the law of a p_d along z_d: the few layers in which the angle is not small yet add theirs.

    Measured at d = 10, r = 0.36, n from 30 to 240: mean 2/n, variance 2.8/n (two-matrix).
    """
    later = np.append(np.ones(net.depth), 0.0) / net.width  # nothing at the last layer
    return replace(
        errors,
        mean_beyond=errors.mean_beyond + ALONG_MEAN * later,
        variance_beyond=errors.variance_beyond + ALONG_VARIANCE * later,
    )


def perceptron_cumulants(n: int) -> tuple[float, float, float]:
    """Return the first three cumulants of ln(2 B χ²_n/n), B ~ Beta(k/2, (n-k)/2), k ~ Binomial(n, ½) given k ≥ 1.

    Exact: given k, the logarithm has the cumulants of ln χ²_k.
    """
    reach = 40.0 * np.sqrt(n)  # far beyond what the probabilities resolve
    k = np.arange(max(1, int(n / 2 - reach)), min(n, int(n / 2 + reach)) + 1, dtype=np.float64)
    weights = np.exp(gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0) - n * np.log(2.0))
    weights /= weights.sum()
    first, second, third = psi(k / 2.0), polygamma(1, k / 2.0), polygamma(2, k / 2.0)
    mean, spread = weights @ first, weights @ second
    centred = first - mean
    variance = spread + weights @ centred**2
    skew = weights @ third + 3.0 * weights @ (centred * (second - spread)) + weights @ centred**3
    return float(mean + np.log(4.0 / n)), float(variance), float(skew)


def perceptron(net: ResNet, third: Array, law: Array) -> Errors:
    """Return the errors of a normal law whose mean and variance are exact where the entries are Gaussian."""
    nothing, beyond = np.zeros_like(law), _entries(net) * law
    return Errors(nothing, nothing, third, beyond, beyond)
