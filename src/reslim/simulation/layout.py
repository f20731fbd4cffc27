"""Which numbers of a network are kept, how they lie in memory, and how they are labelled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import xarray as xr

from reslim import results
from reslim.simulation import records
from reslim.simulation.records import Records
from reslim.spec import ResNet


@dataclass(frozen=True)
class Layout:
    """The quantities of a network with their layers (`selected`), and the number of inputs."""

    net: ResNet
    selected: Mapping[str, list[int]]
    inputs: int

    @property
    def union(self) -> list[int]:
        """All recorded layers."""
        return sorted({layer for chosen in self.selected.values() for layer in chosen})

    def size_in_bytes(self, replicas: int) -> int:
        """Return the memory that the records of so many networks take."""
        return records.size_in_bytes(self.selected, replicas, len(self.union), self.inputs, self.net.n_out)

    def records(self, replicas: int) -> Records:
        """Make empty records."""
        return records.allocate(self.selected, replicas, self.union, self.net.depth, self.inputs, self.net.n_out)

    def dataset(self, rec: Records, attributes: Mapping[str, Any]) -> xr.Dataset:
        """Make the Dataset of draws, which takes the records over."""
        values = {name: getattr(rec, name) for name in self.selected}
        return results.dataset(self.net, "simulation", ("replica",), values, self.selected, self.union, attributes)
