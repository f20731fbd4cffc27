"""The Dataset's variables of simulations: quantities over the grid, with the dims of a summary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from reslim import results
from reslim.experiments.sweep.grid import Grid
from reslim.experiments.sweep.task import Found, Place, layers_of, noted
from reslim.quantities import QUANTITIES
from reslim.summary import STATISTICS


def of_simulations(
    grid: Grid, names: Sequence[str], where: Sequence[Sequence[Place]], found: Sequence[Found], last: bool
) -> dict[str, Any]:
    """Return the quantities named and the notes; `where` are every cell's places, `last` says that each has one layer."""
    values = np.array([cell.values for cell in found]).reshape(*grid.shape, len(where[0]), len(STATISTICS))
    over_grid = {name: _variable(name, values, grid.fields, where, last) for name in names}
    return over_grid | noted(grid, found, {"died": "share of dead networks", "method": "sampler"})


def _variable(name: str, values: np.ndarray, lead: tuple[str, ...], where: Sequence[Sequence[Place]], last: bool) -> xr.DataArray:
    """Return a quantity over the grid, of values (grid, places, statistics)."""
    quantity, lead = QUANTITIES[name], (*lead, "statistic")
    mine = [number for number, place in enumerate(where[0]) if place.quantity == name]
    own = np.swapaxes(values[..., mine, :], -1, -2)[..., None]  # grid, statistic, place, input
    if quantity.domain == "none":
        return results.variable(quantity, own if "output_unit" in quantity.dims else own[..., 0, :], lead, [], [])
    if last:
        return _at_the_last(results.variable(quantity, own, lead, [0], [0]).isel(layer=0), name, where)
    layers, union = layers_of(where[0], name), layers_of(where[0])
    spread = np.full((*own.shape[:-2], len(union), 1), np.nan)
    spread[..., [union.index(layer) for layer in layers], :] = own
    return results.variable(quantity, spread, lead, layers, union)


def _at_the_last(array: xr.DataArray, name: str, where: Sequence[Sequence[Place]]) -> xr.DataArray:
    """Return the variable with its layer, or without any where it is another one in another cell."""
    layers = sorted({layer for cell in where for layer in layers_of(cell, name)})
    others = {key: value for key, value in array.attrs.items() if key != "layers"}
    return array.drop_attrs().assign_attrs(others | ({"layers": np.array(layers)} if len(layers) == 1 else {}))
