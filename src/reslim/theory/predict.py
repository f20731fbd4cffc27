"""`predict`: the law of every quantity at every layer, beside the infinite-width prediction."""

from __future__ import annotations

import json
from collections.abc import Iterable

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from reslim import checks, results
from reslim import inputs as input_rules
from reslim.errors import BadKind, BadValue, Verbatim
from reslim.quantities import FUNCTIONALS, QUANTITIES, LayerRequest, Quantity, resolve, select_layers
from reslim.spec import ResNet
from reslim.theory import mean_field
from reslim.theory.baseline import BASELINES, Baseline
from reslim.theory.families import LAWS
from reslim.theory.law import QuantityLaw, Request, SecondMoment
from reslim.theory.laws import is_fitted, law_of

Array = NDArray[np.float64]
MOMENTS = ("mean", "variance")
ERRORS = ("mean", "variance_ratio", "ks")
DEEPEST = 1_000_000
Found = QuantityLaw | SecondMoment | str


def predict(
    net: ResNet,
    *,
    quantities: Iterable[str] | None = None,
    layers: LayerRequest = "auto",
    inputs: ArrayLike | None = None,
    covariance: bool = False,
    correction: str | None = None,
    functional: str = "generic",
) -> xr.Dataset:
    """Predict mean, variance and family of every quantity, at finite width and at infinite width.

    Where it is exact: the infinite-width law at n → ∞ and fixed depth; the finite-width law as the ``validity`` of each
    variable says, mostly to first order in 1/n at any depth over width.

    Parameters
    ----------
    quantities : names from `reslim.QUANTITIES`; all by default.
    layers : "auto" (at most 33, evenly spread), "all", "last" or a list; each quantity takes the part in its domain.
    inputs : array (m, n_in); None is one with |x|² = n_in.
    covariance : whether to add ``active_*_covariance`` between the layers.
    correction : None, or "fitted": the vanilla ReLU law with a finite-width correction fitted to simulations.
    functional : the p_d of gradients: "generic", N(0, I) and independent of the network; "parallel", z_d itself (the
        gradient of |z_d|²/2); "orthogonal", N(0, I) across z_d.

    Returns
    -------
    xarray.Dataset
        One variable a quantity with the dims law ("log-gaussian", "gaussian" for infinite width), moment (mean,
        variance) and those of the quantity; NaN where there is no finite-width law, with the reason in
        ``attrs["unavailable"]``. Beside them NAME_allowed (the error of its own that the law may have), NAME_scale (mean
        and variance of G for outputs), NAME_second_moment (ln E of the ratio; attribute ``exact``), NAME_with_growth
        (covariance with log_growth at the last layer), NAME_covariance. Of the displacements only NAME_second_moment,
        ln of the mean square of the ratio, is known.
        Natural logarithms, no units.

    Raises
    ------
    ValueError, TypeError
        For arguments out of range.
    NotImplementedError
        For a correction where there is none.

    References
    ----------
    Li, Nica, Roy, arXiv:2106.04013; docs/derivations/log-gaussian.md, docs/derivations/second-order.md.

    Examples
    --------
    >>> laws = predict(ResNet(depth=100, width=100, balanced=True), quantities=["log_growth"], layers="last")
    >>> round(float(laws.log_growth.sel(law="log-gaussian", moment="variance").item()), 6)
    2.25
    """
    if not isinstance(net, ResNet):
        raise BadKind("predict", "net", "must be a ResNet", net)
    if net.depth > DEEPEST:
        got = Verbatim(f"depth={net.depth}")
        raise BadValue("predict", "net", f"must be of a depth of at most {DEEPEST:,}", got)
    x = input_rules.resolve("predict", inputs, net.n_in)
    checks.one_of("predict", "functional", functional, FUNCTIONALS)
    request = Request(net, input_rules.mean_squares(x), is_fitted(net, correction), functional)
    everything = [name for name in QUANTITIES if name != "overlap" or len(x) > 1]
    wanted = resolve("predict", quantities, everything, len(x))
    selected = results.nonempty("predict", select_layers("predict", layers, wanted, net.depth), wanted, quantities)
    wanted = tuple(quantity for quantity in wanted if quantity.name in selected)
    union = sorted({layer for chosen in selected.values() for layer in chosen})

    field = mean_field.recursion(net, request.mean_squares)
    pairs = {
        quantity: (law_of(request, quantity.name), BASELINES[quantity.name](net, field, input_rules.cosines(x)))
        for quantity in wanted
    }
    reasons = {quantity.name: _reason(quantity, law) for quantity, (law, _) in pairs.items() if not isinstance(law, QuantityLaw)}
    attributes = {
        "unavailable": json.dumps(reasons, ensure_ascii=False),
        "correction": correction or "none",
        "functional": functional,
        "inputs": input_rules.digest(x),
    }
    values = {quantity.name: _moments(quantity, *pair, union, net) for quantity, pair in pairs.items()}
    result = results.dataset(net, "theory", ("law", "moment"), values, selected, union, attributes)
    for quantity, (law, baseline) in pairs.items():
        result = result.assign(_beside(quantity, law, baseline, union, selected[quantity.name], covariance, net))
        result[quantity.name].attrs.update(_about(law, baseline))
    return results.with_coordinates(result.assign_coords(law=list(LAWS), moment=list(MOMENTS), error=list(ERRORS)), union)


def _reason(quantity: Quantity, law: SecondMoment | str) -> str:
    if isinstance(law, str):
        return law
    return f"only its root mean square is known at finite width: reslim simulate --quantities {quantity.name}"


def _moments(quantity: Quantity, law: Found, baseline: Baseline, union: list[int], net: ResNet) -> Array:
    """Return the array (law, moment, the quantity's dims), over the layers `union`."""
    limit = np.array([baseline.mean, baseline.variance])
    finite = np.array([law.mean, law.variance]) if isinstance(law, QuantityLaw) else np.full_like(limit, np.nan)
    return _at_layers(quantity, np.array([finite, limit]), 2, union, net)


def _at_layers(quantity: Quantity, values: Array, axis: int, union: list[int], net: ResNet) -> Array:
    """Pick the layers `union` from all those of the quantity's domain; NaN at layers outside it."""
    domain = quantity.layers(net.depth)
    if not domain:
        return values
    inside = [layer in domain for layer in union]
    picked = values.take([layer - domain[0] if layer in domain else 0 for layer in union], axis=axis)
    shape = (1,) * axis + (-1,) + (1,) * (values.ndim - axis - 1)
    return np.where(np.array(inside).reshape(shape), picked, np.nan)


def _about(law: Found, baseline: Baseline) -> dict[str, str]:
    """Return what is said of a quantity's laws."""
    family = law.family if isinstance(law, QuantityLaw) else ""
    finite = ("", "", "") if isinstance(law, str) else (family, law.validity, law.source)
    return dict(zip(("family", "validity", "law_source"), finite, strict=True)) | {"gaussian_family": baseline.family}


def _beside(
    quantity: Quantity,
    law: Found,
    baseline: Baseline,
    union: list[int],
    own: list[int],
    covariance: bool,
    net: ResNet,
) -> dict[str, xr.DataArray]:
    """Return the variables beside a quantity that say more of its law."""
    if isinstance(law, str):
        return {}
    found = _second_moment(quantity, law, union, net)
    if isinstance(law, SecondMoment):
        return found
    name = quantity.name
    allowed = _at_layers(quantity, np.array([law.allowed.mean, law.allowed.variance_ratio, law.allowed.ks]), 1, union, net)
    found[f"{name}_allowed"] = xr.DataArray(allowed, dims=("error", *quantity.dims), attrs=_named(f"error of the law of {name}"))
    if law.scale is not None and baseline.scale is not None:
        scale = np.array([law.scale, [baseline.scale, np.zeros_like(baseline.scale)]])
        found[f"{name}_scale"] = xr.DataArray(scale, dims=("law", "moment", "input"), attrs=_named(f"G in {name}"))
    if law.with_growth is not None:
        values = _at_layers(quantity, law.with_growth, 0, union, net)
        about = _named(f"covariance of {name} with log_growth at the last layer")
        found[f"{name}_with_growth"] = xr.DataArray(values, dims=quantity.dims, attrs=about)
    if covariance and law.covariance is not None:
        full = np.full((2, len(union), len(union)), np.nan)
        places = [union.index(layer) for layer in own]
        full[:, np.array(places)[:, None], places] = np.array([law.covariance(own), np.zeros((len(own), len(own)))])
        about = _named(f"covariance of {name} between layers") | {"layers": np.asarray(own, dtype=np.int64)}
        found[f"{name}_covariance"] = xr.DataArray(full, dims=("law", "layer", "layer_2"), attrs=about)
    return found


def _second_moment(quantity: Quantity, law: QuantityLaw | SecondMoment, union: list[int], net: ResNet) -> dict[str, xr.DataArray]:
    if law.log_second_moment is None:
        return {}
    name = quantity.name
    of = f"exp(2 {name})" if isinstance(law, SecondMoment) else f"exp({name})"  # a ratio of norms, or of their squares
    about = _named(f"logarithm of the mean of {of}") | {"exact": str(law.exact_second_moment).lower()}
    moment = _at_layers(quantity, law.log_second_moment, 0, union, net)
    return {f"{name}_second_moment": xr.DataArray(moment, dims=("layer",), attrs=about)}


def _named(long_name: str) -> dict[str, object]:
    return {"long_name": long_name, "units": "1"}
