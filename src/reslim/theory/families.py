"""The families of laws: density and distribution function of the law of a quantity at one place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammainc, gammaln, ndtr, polygamma, psi

from reslim import checks, results
from reslim.errors import BadValue, NotCovered
from reslim.quantities import QUANTITIES
from reslim.theory import angle_law, fourier

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]
TAIL = 40.0  # ln of the density's decay at which a logarithm of a chi-square is cut off: e⁻⁴⁰
LAWS = ("log-gaussian", "gaussian")


def log_chi2_moments(k: int) -> tuple[float, float]:
    """Return mean and variance of ln(χ²_k/k), exactly."""
    return float(psi(k / 2.0) + np.log(2.0 / k)), float(polygamma(1, k / 2.0))


@dataclass(frozen=True)
class Distribution:
    """A law of one number, with G ~ N(`scale_mean`, `scale_variance`) in the families that are made from it.

    normal: G itself. normal+log-chi2: G + ln(χ²_k/k), k = `degrees`. normal-scale-mixture: e^{G/2} Z, Z ~ N(0, 1).
    gradient: that of a vanilla network, by its `characteristic` function. moments: only mean and variance are known.
    Quadrature is good to 1e-8.
    """

    family: str
    mean: float
    variance: float
    scale_mean: float = 0.0
    scale_variance: float = 0.0
    degrees: int = 1
    characteristic: Complex | None = None  # of (x - mean)/deviation, at fourier.FREQUENCIES

    def pdf(self, x: ArrayLike) -> Array:
        """Return the density; that of a point mass is not a function and refused."""
        x = np.asarray(x, dtype=np.float64)
        if self.variance == 0.0 or self.family == "moments":
            raise NotCovered("Distribution.pdf", "family", "has no density here", self.family)
        return _DENSITIES[self.family](self, x)

    def cdf(self, x: ArrayLike) -> Array:
        """Return the probability of values up to x."""
        x = np.asarray(x, dtype=np.float64)
        if self.family == "moments":
            raise NotCovered("Distribution.cdf", "family", "is known by mean and variance only", self.family)
        if self.variance == 0.0:
            return (x >= self.mean).astype(np.float64)
        return _CUMULATIVES[self.family](self, x)


def distribution(
    prediction: xr.Dataset, quantity: str, *, layer: int | None = None, input: int = 0, law: str = "log-gaussian"
) -> Distribution:
    """Return the law of a quantity at a layer (where it has layers) and input, from a Dataset of `predict`.

    >>> import reslim
    >>> laws = reslim.predict(reslim.ResNet(depth=10, width=100))
    >>> round(float(distribution(laws, "output").cdf(0.0)), 9)
    0.5
    """
    checks.one_of("distribution", "quantity", quantity, QUANTITIES)
    checks.one_of("distribution", "law", law, LAWS)
    if quantity not in prediction:
        raise BadValue("distribution", "quantity", "must be in the prediction", quantity)
    values = prediction[quantity]
    where: dict[str, int] = {"input": input} | ({} if layer is None else {"layer": layer})
    here = values.sel({"law": law, **where})
    here = here.isel(output_unit=0) if "output_unit" in here.dims else here
    mean, variance = (float(here.sel(moment=moment)) for moment in ("mean", "variance"))
    family = values.attrs["family" if law == "log-gaussian" else "gaussian_family"]
    if family == "gradient" and layer is not None and variance > 0.0:
        return Distribution(family, mean, variance, characteristic=angle_law.characteristic(results.spec_of(prediction), layer))
    if f"{quantity}_scale" not in prediction:
        return Distribution(family, mean, variance, mean, variance)
    scale = prediction[f"{quantity}_scale"].sel(law=law, input=input)
    moments = (float(scale.sel(moment=moment)) for moment in ("mean", "variance"))
    return Distribution(family, mean, variance, *moments, degrees=results.spec_of(prediction).n_out)


def _normal_pdf(x: Array) -> Array:
    return np.exp(-0.5 * x * x) / np.sqrt(2.0 * np.pi)


def _scale_nodes(law: Distribution, finest: float) -> tuple[Array, Array]:
    """Return nodes and weights of G: the trapezium, of a step that resolves changes over `finest` in G."""
    deviation = np.sqrt(law.scale_variance)
    if deviation == 0.0:
        return np.array([law.scale_mean]), np.ones(1)
    step = min(0.25, 0.25 * finest / deviation)
    t = np.arange(-9.0, 9.0 + step, step)
    weights = np.exp(-0.5 * t * t)
    return law.scale_mean + deviation * t, weights / weights.sum()


def _sum(weights: Array, values: Array) -> Array:
    return np.tensordot(values, weights, axes=(-1, 0))


def _mixture_pdf(law: Distribution, x: Array) -> Array:
    g, weights = _scale_nodes(law, 1.0)
    inverse = np.exp(-0.5 * g)
    return _sum(weights * inverse, _normal_pdf(x[..., None] * inverse))


def _mixture_cdf(law: Distribution, x: Array) -> Array:
    g, weights = _scale_nodes(law, 1.0)
    return _sum(weights, ndtr(x[..., None] * np.exp(-0.5 * g)))


def _log_chi2_pdf(u: Array, k: int) -> Array:
    """Return the density of ln(χ²_k/k)."""
    with np.errstate(over="ignore"):
        log = 0.5 * k * (np.log(0.5 * k) + u - np.exp(u)) - gammaln(0.5 * k)
    return np.exp(log)


def _log_chi2_cdf(u: Array, k: int) -> Array:
    with np.errstate(over="ignore"):
        return gammainc(0.5 * k, 0.5 * k * np.exp(u))


def _log_chi2_nodes(k: int) -> tuple[Array, Array]:
    """Return nodes and weights of ln(χ²_k/k): the trapezium over all but e⁻⁴⁰ of it."""
    spread = np.sqrt(log_chi2_moments(k)[1])
    low, high = -2.0 * TAIL / k - 10.0 * spread, min(10.0 * spread, np.log1p(2.0 * TAIL / k + 10.0 * spread))
    u = np.arange(low, high, spread / 10.0)
    weights = _log_chi2_pdf(u, k)
    return u, weights / weights.sum()


def _scale_is_narrow(law: Distribution) -> bool:
    """Return which summand to average over: the narrower one, so that the function averaged is smooth on its scale."""
    return law.scale_variance <= log_chi2_moments(law.degrees)[1]


def _sum_pdf(law: Distribution, x: Array) -> Array:
    if _scale_is_narrow(law):
        g, weights = _scale_nodes(law, np.sqrt(log_chi2_moments(law.degrees)[1]))
        return _sum(weights, _log_chi2_pdf(x[..., None] - g, law.degrees))
    u, weights = _log_chi2_nodes(law.degrees)
    deviation = np.sqrt(law.scale_variance)
    return _sum(weights, _normal_pdf((x[..., None] - u - law.scale_mean) / deviation)) / deviation


def _sum_cdf(law: Distribution, x: Array) -> Array:
    if _scale_is_narrow(law):
        g, weights = _scale_nodes(law, np.sqrt(log_chi2_moments(law.degrees)[1]))
        return _sum(weights, _log_chi2_cdf(x[..., None] - g, law.degrees))
    u, weights = _log_chi2_nodes(law.degrees)
    return _sum(weights, ndtr((x[..., None] - u - law.scale_mean) / np.sqrt(law.scale_variance)))


def _transformed_pdf(law: Distribution, x: Array) -> Array:
    assert law.characteristic is not None
    deviation = np.sqrt(law.variance)
    return fourier.density(law.characteristic, (x - law.mean) / deviation) / deviation


def _transformed_cdf(law: Distribution, x: Array) -> Array:
    assert law.characteristic is not None
    return fourier.cumulative(law.characteristic, (x - law.mean) / np.sqrt(law.variance))


_DENSITIES = {
    "normal": lambda law, x: _normal_pdf((x - law.mean) / np.sqrt(law.variance)) / np.sqrt(law.variance),
    "gradient": _transformed_pdf,
    "normal+log-chi2": _sum_pdf,
    "normal-scale-mixture": _mixture_pdf,
}
_CUMULATIVES = {
    "normal": lambda law, x: ndtr((x - law.mean) / np.sqrt(law.variance)),
    "gradient": _transformed_cdf,
    "normal+log-chi2": _sum_cdf,
    "normal-scale-mixture": _mixture_cdf,
}
