"""Results: plain xarray Datasets with one variable a quantity, and their files.

Draws have the dim `replica`, laws the dims `law` and `moment`; layers are one coordinate for the whole Dataset, and a
variable is NaN at the layers that are not its own (those are in its ``attrs["layers"]``).
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Hashable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from reslim import provenance
from reslim.errors import BadValue, Verbatim
from reslim.quantities import QUANTITIES, Quantity
from reslim.spec import ResNet

DIM_NAMES = {
    "replica": "network",
    "layer": "layer",
    "layer_2": "layer",
    "input": "input",
    "input_2": "input",
    "output_unit": "coordinate of the output",
    "law": "law",
    "moment": "moment",
    "error": "error of a law",
    "statistic": "statistic over networks",
    "test": "test",
}


def nonempty(
    call: str, selected: dict[str, list[int]], wanted: Sequence[Quantity], asked: Iterable[str] | None
) -> dict[str, list[int]]:
    """Drop the default quantities that have none of the layers asked for; refuse those that were asked for by name."""
    kept = {}
    for quantity in wanted:
        layers = selected[quantity.name]
        if quantity.domain != "none" and not layers:
            if asked is not None:
                got = Verbatim("none of them")
                raise BadValue(call, "layers", f"must hold a layer of {quantity.name} ({_domain(quantity)})", got)
            continue
        kept[quantity.name] = layers
    return kept


def _domain(quantity: Quantity) -> str:
    return {"activity": "0 … depth - 1", "weights": "1 … depth"}.get(quantity.domain, "0 … depth")


def dataset(
    net: ResNet,
    source: str,
    lead: tuple[str, ...],
    values: Mapping[str, np.ndarray],
    selected: Mapping[str, list[int]],
    union: Sequence[int],
    attributes: Mapping[str, Any],
) -> xr.Dataset:
    """Make a Dataset from arrays whose first dims are `lead`, then the quantity's own over the layers `union`."""
    variables = {name: variable(QUANTITIES[name], array, lead, selected[name], union).variable for name, array in values.items()}
    attrs = {
        "title": f"reslim {source}",
        "source": source,
        "spec": net.to_json(),
        "versions": provenance.versions("numba", "scipy", "xarray"),
    }
    sizes = {dim: size for array in variables.values() for dim, size in array.sizes.items()}
    return xr.Dataset(variables, coordinates(sizes, union), attrs | dict(attributes))


def variable(
    quantity: Quantity, values: np.ndarray, lead: tuple[str, ...], own: Sequence[int], union: Sequence[int]
) -> xr.DataArray:
    """Label the values of a quantity, taking the array over: layers of `union` that are not its own become NaN in it."""
    attrs: dict[str, Any] = {
        "long_name": quantity.definition,
        "symbol": quantity.symbol,
        "units": "1",
    }
    if quantity.domain != "none":
        attrs["layers"] = np.asarray(own, dtype=np.int64)
        values[(*(slice(None) for _ in lead), np.flatnonzero(~np.isin(union, own)))] = np.nan
    return xr.DataArray(values, dims=(*lead, *quantity.dims), attrs=attrs)


def with_coordinates(result: xr.Dataset, union: Sequence[int]) -> xr.Dataset:
    """Give every dimension without a coordinate its own."""
    return result.assign_coords(coordinates({dim: size for dim, size in result.sizes.items() if dim not in result.coords}, union))


def coordinates(sizes: Mapping[Hashable, int], union: Sequence[int]) -> dict[Hashable, xr.Variable]:
    """Return the coordinate of each dimension, with its long name: the layers of `union`, or 0, 1, …."""
    return {
        dim: xr.Variable(
            dim,
            np.asarray(union, dtype=np.int64) if str(dim).startswith("layer") else np.arange(size),
            {"long_name": DIM_NAMES[str(dim)]},
        )
        for dim, size in sizes.items()
    }


def own_layers(array: xr.DataArray) -> list[int]:
    """Return the layers at which a variable was recorded or predicted."""
    return [int(layer) for layer in np.atleast_1d(array.attrs["layers"])]


def spec_of(result: xr.Dataset) -> ResNet:
    """Return the network that a result is about."""
    return ResNet.from_json(result.attrs["spec"])


def unavailable(result: xr.Dataset) -> dict[str, str]:
    """Return the quantities without a finite-width law, with the reason, of a prediction."""
    return json.loads(result.attrs.get("unavailable", "{}"))


def save(result: xr.Dataset, path: str | os.PathLike[str]) -> Path:
    """Write a Dataset as NetCDF-4, wholly or not at all: a temporary file beside it, fsync, rename."""
    return write_atomically(path, lambda temporary: result.to_netcdf(temporary, engine="h5netcdf"))


def load(path: str | os.PathLike[str]) -> xr.Dataset:
    """Read a Dataset that `save` wrote; plain `xarray.open_dataset` reads it too."""
    with xr.open_dataset(path, engine="h5netcdf") as opened:
        result = opened.load()
    for array in result.data_vars.values():
        if "layers" in array.attrs:
            array.attrs["layers"] = np.asarray(own_layers(array), dtype=np.int64)  # NetCDF has no lists of length one
    return result


def write_text(path: str | os.PathLike[str], text: str) -> Path:
    """Write a text file, wholly or not at all."""
    return write_atomically(path, lambda temporary: Path(temporary).write_text(text, encoding="utf-8"))


def check_folder(path: str | os.PathLike[str], argument: str = "path") -> Path:
    """Return the path if a file can be written there; otherwise say what is missing."""
    target = Path(path)
    if not target.parent.is_dir():
        raise BadValue("save", argument, "must lie in a folder that exists", str(path))
    if target.is_dir():
        raise BadValue("save", argument, "must be a file, not a folder", str(path))
    if target.exists() and not target.is_file():  # renaming a file onto /dev/null would destroy it
        raise BadValue("save", argument, "must be an ordinary file", str(path))
    return target


def write_atomically(path: str | os.PathLike[str], write: Any) -> Path:
    """Call write(temporary) and rename the temporary file to `path` when it is on the disk."""
    target = check_folder(path)
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=target.suffix)
    os.close(handle)
    try:
        write(temporary)
        with open(temporary, "rb") as stream:
            os.fsync(stream.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return target


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


def finite(values: ArrayLike) -> Any:
    """Return numbers as nested lists with None for what is not finite."""
    array = np.asarray(values, dtype=np.float64)
    listed = array.astype(object)
    listed[~np.isfinite(array)] = None
    return listed.tolist()
