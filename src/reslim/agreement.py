"""`compare`: the law against the sample, with what the law itself is allowed to be wrong, and a verdict."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import xarray as xr

from reslim import checks, results
from reslim.errors import BadKind, BadValue, Verbatim
from reslim.goodness import goodness
from reslim.quantities import QUANTITIES, LayerRequest, Quantity, resolve, select_layers
from reslim.theory.families import LAWS, distribution

TESTS = (
    "mean_z",
    "variance_z",
    "ks",
    "ks_p",
    "allowed_mean",
    "allowed_variance_ratio",
    "allowed_ks",
    "gaussian_ks",
    "replicas_needed",
)
NOTHING = ([float("nan")] * len(TESTS), "")  # where a quantity was not tested


def compare(
    prediction: xr.Dataset,
    sample: xr.Dataset,
    *,
    quantities: Iterable[str] | None = None,
    layers: LayerRequest = "last",
    level: float = 0.001,
    law: str = "log-gaussian",
) -> xr.Dataset:
    """Test predicted laws against draws.

    Three tests a quantity, layer and input: mean, variance (error from the fourth moment), and the Kolmogorov–Smirnov
    distance of the distribution functions. A law of first order in 1/n has an error of its own, which its prediction
    states (NAME_allowed): a quantity differs only where neither that nor chance explains what is seen. It is unresolved
    where the sample could not have seen a difference of 0.1 standard deviations of the mean (for active shares: of the
    effect itself), 10 % of the variance or 0.05 in the distribution function, or where the law is allowed more than 50 %
    of the variance. Of `output`, the first coordinate is tested, by its distribution function and mean.

    Parameters
    ----------
    prediction : laws of `predict`.
    sample : draws of `simulate`, for the same network and inputs.
    quantities : names; by default all that have a law and draws.
    layers : "last" (where the signal arrives, or nearest to it), "auto", "all" or a list: those that both results hold.
    level : probability of a false `differ`, of all tests together (Bonferroni).
    law : "log-gaussian", or "gaussian" to put the infinite-width limit to the same test, allowed the same errors.

    Returns
    -------
    xarray.Dataset
        Each quantity with the dims test and its own, and NAME_verdict: agree, differ or unresolved; the test
        replicas_needed is how many would resolve it, NaN where it is resolved or none would. ``attrs["verdict"]`` is the worst.

    Raises
    ------
    ValueError, TypeError
        Where the two are not about the same network and inputs, or have no quantity or layer in common.

    Examples
    --------
    >>> import reslim
    >>> net = reslim.ResNet(depth=20, width=200, balanced=True)
    >>> names = ["log_growth"]
    >>> found = compare(reslim.predict(net, quantities=names), reslim.simulate(net, 20_000, quantities=names))
    >>> found.attrs["verdict"]
    'agree'
    """
    _check_pair(prediction, sample)
    checks.one_of("compare", "law", law, LAWS)
    level = checks.real("compare", "level", level)
    if not 0.0 < level < 1.0:
        raise BadValue("compare", "level", "must lie strictly between 0 and 1", level)
    chosen = _quantities(prediction, sample, quantities)
    places = _layers(prediction, sample, chosen, layers, named=quantities is not None)
    inputs = sample.sizes["input"]
    cells = [(q, layer, i) for q in chosen if q.name in places for layer in places[q.name] for i in range(inputs)]
    if not cells:
        raise BadValue("compare", "layers", "must hold a layer of prediction and sample", layers)
    share = level / (3 * len(cells))
    tested = {(q.name, layer, i): _test(prediction, sample, q.name, layer, i, share, law) for q, layer, i in cells}
    return _label(sample, places, tested, inputs, {"level": level, "law": law})


def _check_pair(prediction: xr.Dataset, sample: xr.Dataset) -> None:
    for name, result, dim, maker in (("prediction", prediction, "law", "predict"), ("sample", sample, "replica", "simulate")):
        if not isinstance(result, xr.Dataset):
            raise BadKind("compare", name, f"must be a Dataset of {maker}", type(result))
        if dim not in result.dims:
            raise BadValue("compare", name, f"must be a Dataset of {maker}", Verbatim(f"dimensions {tuple(result.dims)}"))
    if results.spec_of(prediction) != results.spec_of(sample):
        raise BadValue("compare", "sample", "must be of the network of the prediction", results.spec_of(sample))
    kinds = [result.attrs["functional"] for result in (prediction, sample)]
    if kinds[0] != kinds[1]:
        raise BadValue("compare", "sample", f"must have the functional of the prediction, {kinds[0]}", kinds[1])
    if prediction.attrs["inputs"] != sample.attrs["inputs"]:
        raise BadValue("compare", "sample", "must have the inputs of the prediction", Verbatim("other inputs"))


def _quantities(prediction: xr.Dataset, sample: xr.Dataset, names: Iterable[str] | None) -> tuple[Quantity, ...]:
    reasons = results.unavailable(prediction)
    possible = [name for name in QUANTITIES if name in prediction and name in sample and name not in reasons]
    if names is None and not possible:
        first = next((name for name in reasons if name in sample), None)
        why = "" if first is None else f"{first}: {reasons[first]}."
        raise BadValue("compare", "quantities", "must have a law and draws", Verbatim("no quantity in common"), why)
    wanted = resolve("compare", possible if names is None else names, possible, 2)
    for name in (quantity.name for quantity in wanted):
        if name in reasons:
            raise BadValue("compare", "quantities", "must have a law", name, f"{reasons[name]}.")
        if name not in possible:
            raise BadValue("compare", "quantities", "must be in prediction and sample", name)
    return wanted


def _layers(
    prediction: xr.Dataset, sample: xr.Dataset, chosen: Sequence[Quantity], layers: LayerRequest, named: bool
) -> dict[str, list[int | None]]:
    """Return the layers to test of each quantity: those asked for that both results hold; [None] where it has none."""
    depth = results.spec_of(sample).depth
    places: dict[str, list[int | None]] = {}
    for quantity in chosen:
        if quantity.domain == "none":
            places[quantity.name] = [None]
            continue
        common = set(results.own_layers(prediction[quantity.name])) & set(results.own_layers(sample[quantity.name]))
        asked = select_layers("compare", layers, [quantity], depth)[quantity.name]
        if layers == "last" and common:
            asked = [min(common, key=lambda layer: abs(layer - asked[0]))]
        held = [layer for layer in asked if layer in common]
        if held:
            places[quantity.name] = list(held)
        elif named:
            got = Verbatim(f"{layers!r}")
            raise BadValue("compare", "layers", f"must hold a layer of {quantity.name} in prediction and sample", got)
    return places


def _test(
    prediction: xr.Dataset, sample: xr.Dataset, name: str, layer: int | None, index: int, level: float, law: str
) -> tuple[list[float], str]:
    """Return the numbers of `TESTS` and the verdict at one place."""
    place = {"input": index} | ({} if layer is None else {"layer": layer})
    draws = _one_unit(sample[name].sel(place)).values
    allowed = _one_unit(prediction[f"{name}_allowed"].sel(place)).sel(error=["mean", "variance_ratio", "ks"]).values
    own, rival = (distribution(prediction, name, layer=layer, input=index, law=one) for one in (law, "gaussian"))
    found = goodness(draws, own, rival, allowed.tolist(), level)
    tests = [found.mean_z, found.variance_z, found.shape.distance, found.ks_p, *allowed.tolist()]
    return [*tests, found.gaussian_ks, found.replicas_needed], found.verdict


def _one_unit(values: xr.DataArray) -> xr.DataArray:
    return values.isel(output_unit=0) if "output_unit" in values.dims else values


def _label(
    sample: xr.Dataset,
    places: dict[str, list[int | None]],
    tested: dict[tuple[str, int | None, int], tuple[list[float], str]],
    inputs: int,
    attributes: dict[str, object],
) -> xr.Dataset:
    """Make the Dataset of tests, with a dim for each that a quantity has: layer, output_unit (the first only), input."""
    union = sorted({layer for layers in places.values() for layer in layers if layer is not None})
    found = xr.Dataset()
    for name, layers in places.items():
        dims = QUANTITIES[name].dims
        rows: Sequence[int | None] = union if "layer" in dims else [None]  # the one coordinate of an output is a row, too
        cells = [tested.get((name, layer, i), NOTHING) for layer in rows for i in range(inputs)]
        shape = (len(rows), inputs) if len(dims) > 1 else (inputs,)
        numbers = np.array([numbers for numbers, _ in cells]).T.reshape(len(TESTS), *shape)
        verdicts = np.array([verdict for _, verdict in cells], dtype=object).reshape(shape)
        own = {"layers": np.array(layers)} if "layer" in dims else {}
        found[name] = xr.DataArray(numbers, dims=("test", *dims), attrs={"long_name": f"tests of {name}", "units": "1", **own})
        found[f"{name}_verdict"] = xr.DataArray(verdicts, dims=dims, attrs={"long_name": f"verdict on {name}", **own})
    reached = {verdict for _, verdict in tested.values()}
    worst = next(verdict for verdict in ("differ", "unresolved", "agree") if verdict in reached)
    kept = {key: sample.attrs[key] for key in ("spec", "seed", "replicas", "method", "precision", "inputs", "versions")}
    found = found.assign_coords(test=list(TESTS)).assign_attrs(title="reslim agreement", **kept, **attributes, verdict=worst)
    return results.with_coordinates(found, union)
