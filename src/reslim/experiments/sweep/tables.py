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
    union = sorted({place.layer for place in where[0] if place.layer is not None})
    result = xr.Dataset(
        {name: _variable(name, values, lead, where, union, plan.request.layers == "last") for name in plan.request.quantities},
        coords={
            **{axis.field: (axis.field, axis.coordinate, {"long_name": axis.field}) for axis in grid.axes},
            "statistic": ("statistic", list(STATISTICS), {"long_name": results.DIM_NAMES["statistic"]}),
        },
    )
    result["died"] = (lead, np.array([cell.died for cell in found]).reshape(grid.shape), {"long_name": "share of dead networks"})
    result["method"] = (lead, np.array([cell.method for cell in found]).reshape(grid.shape), {"long_name": "sampler"})
    return results.with_coordinates(result.assign_attrs(_attributes(plan)), union)


def _variable(name: str, values: np.ndarray, lead: tuple[str, ...], where: Sequence[Sequence[Place]], union: list[int], last: bool) -> xr.DataArray:
    """Return a quantity over the grid, of values (grid, places, statistics)."""
    mine = [number for number, place in enumerate(where[0]) if place.quantity == name]
    own = np.swapaxes(values[..., mine, :], -1, -2)[..., None]
    lead = (*lead, "statistic")
    if QUANTITIES[name].domain == "none":
        own = own if "output_unit" in QUANTITIES[name].dims else own[..., 0, :]
        return results.variable(QUANTITIES[name], own, lead, [], [])
    if last:
        layers = sorted({cell[number].layer for cell in where for number in mine})
        labelled = results.variable(QUANTITIES[name], own, lead, [0], [0]).isel(layer=0)
        return labelled.assign_attrs(layers=np.array(layers)) if len(layers) == 1 else _without_layers(labelled)
    layers = [where[0][number].layer for number in mine]
    spread = np.full((*own.shape[:-2], len(union), 1), np.nan)
    spread[..., [union.index(layer) for layer in layers], :] = own
    return results.variable(QUANTITIES[name], spread, lead, layers, union)


def _without_layers(array: xr.DataArray) -> xr.DataArray:
    """Return a variable whose layer differs from cell to cell."""
    return array.drop_attrs().assign_attrs({name: value for name, value in array.attrs.items() if name != "layers"})


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
