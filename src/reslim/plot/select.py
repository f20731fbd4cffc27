"""Finding in a Dataset what is to be drawn, with errors that name the plot's arguments."""

from __future__ import annotations

import xarray as xr

from reslim import checks, results
from reslim.errors import BadKind, BadValue, Verbatim
from reslim.quantities import QUANTITIES
from reslim.summary import summarize


def variable(call: str, result: xr.Dataset, name: str) -> xr.DataArray:
    """Return a quantity of a sample or summary."""
    _check_dataset(call, result)
    checks.one_of(call, "quantity", name, QUANTITIES)
    if name not in result:
        held = ", ".join(str(key) for key in result if key in QUANTITIES)
        raise BadValue(call, "quantity", "must be in the sample", name, f"It holds {held or 'none'}.")
    return result[name]


def draws(call: str, sample: xr.Dataset, name: str) -> xr.DataArray:
    """Return the draws of a quantity."""
    values = variable(call, sample, name)
    if "replica" not in values.dims:
        raise BadValue(call, "sample", "must be draws, with a dimension replica", Verbatim(f"dimensions {values.dims}"))
    return values


def statistics(call: str, result: xr.Dataset, name: str) -> xr.DataArray:
    """Return the statistics of a quantity, from a summary or from draws."""
    values = variable(call, result, name)
    return values if "statistic" in values.dims else summarize(result[[name]])[name]


def law(prediction: xr.Dataset | None, name: str) -> xr.DataArray | None:
    """Return the law of a quantity, or None where it is not predicted."""
    return None if prediction is None or name not in prediction else prediction[name]


def layer(call: str, values: xr.DataArray, name: str, wanted: int | None, depth: int) -> int | None:
    """Return the layer to draw: `wanted` checked, or the one where the quantity's signal arrives; None if it has no layers."""
    if "layer" not in values.dims:
        if wanted is not None:
            raise BadValue(call, "layer", f"must be None: {name} has no layers", wanted)
        return None
    chosen = QUANTITIES[name].last(depth) if wanted is None else wanted
    if chosen not in results.own_layers(values):
        raise BadValue(call, "layer", f"must be a recorded layer of {name}", chosen, f"Recorded: {results.own_layers(values)}.")
    return chosen


def layered(call: str, values: xr.DataArray, name: str) -> xr.DataArray:
    """Return the values if they have a layer and an input, and nothing else."""
    if "layer" not in values.dims or "input_2" in values.dims:
        hint = "Use plot.overlap." if "input_2" in values.dims else "Use plot.density."
        raise BadValue(call, "quantity", "must have layers and one input", name, hint)
    return values


def number(values: xr.DataArray, layer: int | None) -> xr.DataArray:
    """Return the values at a layer (None: without layers), of the first coordinate of an output."""
    if layer is not None:
        values = values.sel(layer=layer)
    return values.isel(output_unit=0) if "output_unit" in values.dims else values


def one_input(call: str, values: xr.DataArray, number: int, argument: str = "input") -> xr.DataArray:
    """Return the values of one input."""
    if number not in values["input"].values:
        count = values.sizes["input"]
        raise BadValue(call, argument, f"must be an input of the sample, 0 to {count - 1}", number)
    return values.sel(input=number)


def _check_dataset(call: str, result: object) -> None:
    if not isinstance(result, xr.Dataset):
        raise BadKind(call, "sample", "must be a Dataset of simulate or summarize", type(result))
