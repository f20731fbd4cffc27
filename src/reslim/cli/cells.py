"""Walks over a result: which quantities, layers and inputs it has, and the numbers at each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

from reslim.quantities import QUANTITIES
from reslim.results import finite, own_layers, spec_of

if TYPE_CHECKING:
    import xarray as xr

ENTRY_DIMS = ("output_unit", "input", "input_2")  # of one entry of a list, in this order


@dataclass(frozen=True)
class Cell:
    """One place of a quantity: its layer, if it has layers, and its input or pair of inputs."""

    name: str
    layer: int | None
    where: dict[str, int]

    @property
    def label(self) -> str:
        """The input or the pair of inputs, counted from 0."""
        return "–".join(str(self.where[dim]) for dim in ("input", "input_2") if dim in self.where)

    def of(self, variable: xr.DataArray) -> xr.DataArray:
        """Return what a variable has here."""
        here = variable.isel({dim: index for dim, index in self.where.items() if dim in variable.dims})
        return here.sel(layer=self.layer) if "layer" in variable.dims else here


def names(result: xr.Dataset) -> list[str]:
    """Return the quantities of a result, in the table's order."""
    return [name for name in QUANTITIES if name in result]


def layers(variable: xr.DataArray) -> list[int] | None:
    """Return a variable's own layers, None where it has no layer."""
    return own_layers(variable) if "layers" in variable.attrs else None


def last(name: str, result: xr.Dataset) -> int | None:
    """Return the layer where the quantity's signal arrives, or the nearest one that was recorded."""
    own = layers(result[name])
    if own is None:
        return None
    arrives = QUANTITIES[name].last(spec_of(result).depth)
    return min(own, key=lambda layer: abs(layer - arrives))


def cells(result: xr.Dataset, name: str, every_layer: bool) -> Iterator[Cell]:
    """Yield the places of a quantity at its last layer, or at every one; the first coordinate of outputs only."""
    own = layers(result[name])
    for layer in own if own is not None and every_layer else [last(name, result)]:
        for where in _places(result[name]):
            yield Cell(name, layer, where)


def _places(variable: xr.DataArray) -> Iterator[dict[str, int]]:
    first = {"output_unit": 0} if "output_unit" in variable.dims else {}
    count = variable.sizes.get("input", 1)
    if "input_2" in variable.dims:
        yield from ({"input": one, "input_2": other} for one, other in combinations(range(count), 2))
    else:
        yield from ({**first, "input": index} for index in range(count))


def nested(variable: xr.DataArray, own: Sequence[int] | None, entry: Sequence[str] = ENTRY_DIMS) -> list[Any]:
    """Return the numbers as a list over layers (of length one where there is none); an entry is a number or nested lists.

    A single input has no list of its own. What is not finite is None.
    """
    lead = [dim for dim in ("layer", "layer_2") if dim in variable.dims]
    chosen = variable.sel({dim: own for dim in lead}) if lead else variable
    if chosen.sizes.get("input") == 1:
        chosen = chosen.isel(input=0)
    values = chosen.transpose(*lead, *(dim for dim in entry if dim in chosen.dims)).values
    listed = finite(values)
    return listed if lead else [listed]
