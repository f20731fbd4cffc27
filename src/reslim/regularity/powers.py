"""Powers of the depth, fitted."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reslim.errors import BadKind, BadValue, Verbatim

Array = NDArray[np.float64]
FEWEST = 3  # depths: two have a slope, but say nothing of its error


class Exponent(NamedTuple):
    """A power of the depth, factor · depth^slope, with the slope's standard error and what is left of the points."""

    slope: float
    error: float
    factor: float
    misfit: float  # χ² a degree of freedom; NaN without errors
    freedom: int  # degrees of freedom, depths - 2


def depth_exponent(depths: ArrayLike, values: ArrayLike, errors: ArrayLike | None = None) -> Exponent:
    """Fit ln(value) = ln(factor) + slope ln(depth) by least squares: of max‖W‖, of increments, of any size.

    Without errors, the points count alike and the slope's error is that of their scatter about the line: exact for
    normal scatter of one relative size, with the quantiles of Student's t for `freedom` (three depths: 12.7 errors for
    95 %). With errors, the points count as 1/(error/value)² and the slope's error is theirs, whatever the scatter; a
    misfit well above 1 says that the values are no power of the depth, or that the errors are too small.

    Parameters
    ----------
    depths : at least three different ones, shape (n,).
    values : positive, shape (n,).
    errors : standard errors of the values, shape (n,); small against the values.

    Returns
    -------
    Exponent
        The slope with its error.

    Raises
    ------
    TypeError, ValueError
        For anything else.

    References
    ----------
    Cohen, Cont, Rossier, Xu, ICML 2021, arXiv:2105.12245, fit the norms of trained weights so;
    docs/derivations/regularity.md.

    Examples
    --------
    >>> found = depth_exponent([16, 64, 256], [0.5, 0.26, 0.12])
    >>> f"{found.slope:.2f} ± {found.error:.2f}"
    '-0.51 ± 0.02'
    """
    depth, value = _positive("depths", depths), _positive("values", values, depths)
    if len(np.unique(depth)) < FEWEST:
        raise BadValue("depth_exponent", "depths", f"must be at least {FEWEST} different ones", Verbatim(str(depths)))
    weight = np.ones(len(depth)) if errors is None else (value / _positive("errors", errors, depths)) ** 2
    x, y = np.log(depth), np.log(value)
    middle, level = weight @ x / weight.sum(), weight @ y / weight.sum()
    information = weight @ (x - middle) ** 2
    slope = weight @ ((x - middle) * y) / information
    freedom = len(depth) - 2
    scatter = weight @ (y - level - slope * (x - middle)) ** 2 / freedom
    error = math.sqrt((scatter if errors is None else 1.0) / information)
    misfit = math.nan if errors is None else float(scatter)
    return Exponent(float(slope), error, math.exp(level - slope * middle), misfit, freedom)


def _positive(name: str, given: ArrayLike, others: ArrayLike | None = None) -> Array:
    """Return a vector of positive finite numbers, as long as the depths."""
    try:
        vector = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise BadKind("depth_exponent", name, "must be a list of numbers", given) from None
    if vector.ndim != 1:
        raise BadValue("depth_exponent", name, "must be a list of numbers", Verbatim(f"the shape {vector.shape}"))
    if not (np.isfinite(vector) & (vector > 0.0)).all():
        raise BadValue("depth_exponent", name, "must be positive and finite", given)
    if others is not None and len(vector) != len(np.asarray(others)):
        raise BadValue("depth_exponent", name, f"must be as many as the depths, {len(np.asarray(others))}", len(vector))
    return vector
