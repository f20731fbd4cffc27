"""The numbers of a sweep as a table (a row a cell, quantity, place and statistic) and as a Dataset over the grid."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from reslim import provenance, results
from reslim.experiments.sweep.cells import Found, Place, places
from reslim.experiments.sweep.plan import Chunk, Plan
from reslim.quantities import QUANTITIES
from reslim.summary import STATISTICS

if TYPE_CHECKING:
    import pyarrow as pa


def of_chunk(chunk: Chunk, plan: Plan, found: Sequence[Found]) -> pa.Table:
    """Return the table of a chunk, whose column `cell` is the cell's place in the chunk."""
    return _rows({"cell": np.arange(len(found))}, [places(net, plan.request) for net in chunk.nets], found)


def of_plan(plan: Plan, found: Sequence[Found]) -> pa.Table:
    """Return the table of the whole sweep, which has a column a varied field."""
    columns = {axis.field: plan.grid.column(number) for number, axis in enumerate(plan.grid.axes)}
    return _rows(columns, [places(net, plan.request) for net in plan.grid.nets], found)


def _rows(cells: Mapping[str, np.ndarray], where: Sequence[Sequence[Place]], found: Sequence[Found]) -> pa.Table:
    import pyarrow as pa

    counts = [len(STATISTICS) * len(cell) for cell in where]
    flat = [place for cell in where for place in cell for _ in STATISTICS]

    def texts(values: Sequence[str] | np.ndarray) -> pa.Array:
        return pa.array(values, type=pa.string()).dictionary_encode()

    def repeated(values: Sequence[Any] | np.ndarray) -> np.ndarray:
        return np.repeat(np.asarray(values), counts)

    columns = {name: repeated(values) for name, values in cells.items()}
    return pa.table(
        {
            **{name: texts(values) if values.dtype.kind == "U" else pa.array(values) for name, values in columns.items()},
            "quantity": texts([place.quantity for place in flat]),
            "layer": pa.array([place.layer for place in flat], type=pa.int64()),
            "output_unit": pa.array([place.output_unit for place in flat], type=pa.int64()),
            "statistic": texts(list(STATISTICS) * (len(flat) // len(STATISTICS))),
            "value": pa.array(np.concatenate([cell.values.ravel() for cell in found])),
            "method": texts(repeated([cell.method for cell in found])),
            "died": pa.array(repeated([cell.died for cell in found])),
        }
    )


def found_in(table: pa.Table) -> list[Found]:
    """Return what `of_chunk` made a table of."""
    numbers, values = (table[name].to_numpy() for name in ("cell", "value"))
    methods, died = (table[name].to_numpy() for name in ("method", "died"))
    firsts = np.flatnonzero(np.diff(numbers, prepend=-1))
    parts = np.split(values, firsts[1:])
    return [
        Found(str(methods[first]), float(died[first]), part.reshape(-1, len(STATISTICS)))
        for first, part in zip(firsts, parts, strict=True)
    ]


def dataset(plan: Plan, found: Sequence[Found]) -> xr.Dataset:
    """Return the sweep as one Dataset: the varied fields, then the dims of a summary.

    With layers="last" there is no layer dimension, so that depths can stand side by side.
    """
    grid, lead = plan.grid, tuple(axis.field for axis in plan.grid.axes)
    where = [places(net, plan.request) for net in grid.nets]
    values = np.array([cell.values for cell in found]).reshape(*grid.shape, len(where[0]), len(STATISTICS))
    result = xr.Dataset(
        {name: _variable(name, values, lead, where, plan.request.layers == "last") for name in plan.request.quantities},
        coords={
            **{axis.field: (axis.field, axis.coordinate, {"long_name": axis.field}) for axis in grid.axes},
            "statistic": ("statistic", list(STATISTICS), {"long_name": results.DIM_NAMES["statistic"]}),
        },
    )
    result["died"] = (lead, np.array([cell.died for cell in found]).reshape(grid.shape), {"long_name": "share of dead networks"})
    result["method"] = (lead, np.array([cell.method for cell in found]).reshape(grid.shape), {"long_name": "sampler"})
    return results.with_coordinates(result.assign_attrs(_attributes(plan)), _layers(where[0]))


def _layers(where: Sequence[Place], name: str | None = None) -> list[int]:
    """Return the layers of a network's numbers, or of those of one quantity."""
    return sorted({place.layer for place in where if place.layer is not None and name in (None, place.quantity)})


def _variable(name: str, values: np.ndarray, lead: tuple[str, ...], where: Sequence[Sequence[Place]], last: bool) -> xr.DataArray:
    """Return a quantity over the grid, of values (grid, places, statistics)."""
    quantity, lead = QUANTITIES[name], (*lead, "statistic")
    mine = [number for number, place in enumerate(where[0]) if place.quantity == name]
    own = np.swapaxes(values[..., mine, :], -1, -2)[..., None]  # grid, statistic, place, input
    if quantity.domain == "none":
        return results.variable(quantity, own if "output_unit" in quantity.dims else own[..., 0, :], lead, [], [])
    if last:
        return _at_the_last(results.variable(quantity, own, lead, [0], [0]).isel(layer=0), name, where)
    layers, union = _layers(where[0], name), _layers(where[0])
    spread = np.full((*own.shape[:-2], len(union), 1), np.nan)
    spread[..., [union.index(layer) for layer in layers], :] = own
    return results.variable(quantity, spread, lead, layers, union)


def _at_the_last(array: xr.DataArray, name: str, where: Sequence[Sequence[Place]]) -> xr.DataArray:
    """Return the variable with its layer, or without any where it is another one in another cell."""
    layers = sorted({layer for cell in where for layer in _layers(cell, name)})
    others = {key: value for key, value in array.attrs.items() if key != "layers"}
    return array.drop_attrs().assign_attrs(others | ({"layers": np.array(layers)} if len(layers) == 1 else {}))


def _attributes(plan: Plan) -> dict[str, Any]:
    values = plan.to_dict()
    return {
        "title": "reslim sweep",
        "source": "sweep",
        "spec": plan.grid.net.to_json(),
        "vary": json.dumps(values["vary"]),
        **{name: values[name] for name in ("replicas", "seed", "precision", "functional", "kernels")},
        "versions": provenance.versions("numba", "scipy", "xarray"),
    }
