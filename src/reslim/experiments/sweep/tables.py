"""The numbers of a sweep as a table (a row a cell, quantity, place and statistic) and as a Dataset over the grid."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from reslim import provenance, results
from reslim.experiments.sweep.plan import Chunk, Plan
from reslim.experiments.sweep.task import Found, layers_of

if TYPE_CHECKING:
    import pyarrow as pa

    from reslim.experiments.sweep.grid import Cell
    from reslim.experiments.sweep.task import Task


def of_chunk(chunk: Chunk, plan: Plan, found: Sequence[Found]) -> pa.Table:
    """Return the table of a chunk, whose column `cell` is the cell's place in the chunk."""
    return _rows({"cell": np.arange(len(found))}, plan.task, chunk.cells, found)


def of_plan(plan: Plan, found: Sequence[Found]) -> pa.Table:
    """Return the table of the whole sweep, which has a column an axis."""
    columns = {axis.field: plan.grid.column(number) for number, axis in enumerate(plan.grid.axes)}
    return _rows(columns, plan.task, plan.grid.cells, found)


def _rows(labels: Mapping[str, np.ndarray], task: Task, cells: Sequence[Cell], found: Sequence[Found]) -> pa.Table:
    """Return a row a number and statistic, behind the labels of its cell and before the cell's notes."""
    import pyarrow as pa

    where = [task.places(net) for net, _ in cells]
    counts = [len(task.statistics) * len(places) for places in where]
    flat = [place for places in where for place in places for _ in task.statistics]

    def texts(values: Sequence[str] | np.ndarray) -> pa.Array:
        return pa.array(values, type=pa.string()).dictionary_encode()

    def repeated(columns: Mapping[str, np.ndarray]) -> dict[str, pa.Array]:
        spread = {name: np.repeat(values, counts) for name, values in columns.items()}
        return {name: texts(values) if values.dtype.kind == "U" else pa.array(values) for name, values in spread.items()}

    return pa.table(
        {
            **repeated(labels),
            "quantity": texts([place.quantity for place in flat]),
            "layer": pa.array([place.layer for place in flat], type=pa.int64()),
            "output_unit": pa.array([place.output_unit for place in flat], type=pa.int64()),
            "statistic": texts(list(task.statistics) * (len(flat) // len(task.statistics))),
            "value": pa.array(np.concatenate([cell.values.ravel() for cell in found])),
            **repeated({name: np.array([cell.notes[name] for cell in found]) for name in found[0].notes}),
        }
    )


def found_in(table: pa.Table, statistics: int) -> list[Found]:
    """Return what `of_chunk` made a table of, with so many statistics a number."""
    numbers, values = (table[name].to_numpy() for name in ("cell", "value"))
    firsts = np.flatnonzero(np.diff(numbers, prepend=-1))
    named = table.column_names[table.column_names.index("value") + 1 :]
    notes = table.select(named).take(firsts).to_pylist() if named else [{}] * len(firsts)
    parts = np.split(values, firsts[1:])
    return [Found(part.reshape(-1, statistics), note) for part, note in zip(parts, notes, strict=True)]


def dataset(plan: Plan, found: Sequence[Found]) -> xr.Dataset:
    """Return the sweep as one Dataset: the task's variables, and the coordinates of the grid."""
    task, axes = plan.task, plan.grid.axes
    result = xr.Dataset(
        task.variables(plan.grid, found),
        coords={
            **{axis.field: (axis.field, axis.coordinate, {"long_name": axis.field}) for axis in axes},
            "statistic": ("statistic", list(task.statistics), {"long_name": results.DIM_NAMES["statistic"]}),
        },
    )
    return results.with_coordinates(result.assign_attrs(_attributes(plan)), layers_of(task.places(plan.grid.cells[0].net)))


def _attributes(plan: Plan) -> dict[str, Any]:
    values, task = plan.to_dict(), plan.task
    return {
        "title": f"reslim {task.call}",
        "source": task.call,
        "spec": plan.grid.net.to_json(),
        "vary": json.dumps(values["vary"]),
        **{name: values[name] for name in (*task.attributes, "kernels")},
        "versions": provenance.versions(*task.packages),
    }
