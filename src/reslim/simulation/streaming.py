"""The summary of a run without its draws: blocks of networks are drawn, summarised, and forgotten.

A block holds the networks from one multiple of its size to the next, whatever the batches and the threads; the first one
chooses the bins of the quantiles. The moments of blocks are merged in the order of the blocks, and bins may be filled in
any order, so the summary is the same to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from reslim import summary
from reslim.progress import Progress
from reslim.quantities import QUANTITIES
from reslim.simulation import bins, comoments, memory, moments, pool
from reslim.simulation.bins import Bins
from reslim.simulation.comoments import Comoments
from reslim.simulation.layout import Layout
from reslim.simulation.moments import Moments
from reslim.simulation.records import Records
from reslim.simulation.samplers import Job, Sampler

Array = NDArray[np.float64]
Cut = Callable[[int, int], Iterator[tuple[int, int]]]  # from first and last + 1 to those of the batches
MOST_ROWS, FEWEST_ROWS = 4096, 256  # networks of a block
MOST_NUMBERS = 2**22  # of a block
LEVELS = [float(level) for level in summary.LEVELS]
NO_DRAWS = np.array([np.nan if name != "finite" else 0.0 for name in summary.STATISTICS])


def run(
    sampler: Sampler,
    job: Job,
    layout: Layout,
    replicas: int,
    threads: int,
    bar: Progress,
    cut: Cut,
    covariance: bool,
    attributes: Mapping[str, Any],
) -> xr.Dataset:
    """Return the summary of all replicas, in memory that does not depend on their number."""
    columns = Columns(layout, covariance)
    size = rows_for(columns.count)
    in_flight = min(threads + 2, -(-replicas // size))
    block = layout.size_in_bytes(min(size, replicas)) + 8 * columns.count * min(size, replicas)
    memory.check_blocks(block * in_flight + bins.size_in_bytes(columns.count))
    total = Total(columns)
    for firsts in (range(0, 1), range(size, replicas, size)):  # the first block alone: it chooses the bins
        blocks = (Block(total, first, list(cut(first, min(first + size, replicas)))) for first in firsts)
        tasks = ((b - a, partial(block.draw, sampler, job, a, b)) for block in blocks for a, b in block.batches)
        pool.run(tasks, threads, bar, total.take)
    return total.dataset(attributes)


def of_records(layout: Layout, rec: Records, attributes: Mapping[str, Any]) -> xr.Dataset:
    """Return the summary of draws that are held: to the last bit what `run` makes of them."""
    total = Total(Columns(layout, False))
    size = rows_for(total.columns.count)
    for number, first in enumerate(range(0, len(rec.alive), size)):
        total.take(total.summarised(number, rec.rows(first, min(first + size, len(rec.alive)))))
    return total.dataset(attributes)


def rows_for(columns: int) -> int:
    """Return the networks of a block: 4096 up to 1024 numbers a network, fewer beyond."""
    fitting = max(MOST_NUMBERS // max(columns, 1), FEWEST_ROWS)
    return min(MOST_ROWS, 1 << (fitting.bit_length() - 1))


class Columns:
    """The numbers of a network side by side: quantity after quantity, at its own layers."""

    def __init__(self, layout: Layout, covariance: bool) -> None:
        self.layout = layout
        self.slots: dict[str, list[int] | slice] = {}
        self.places: dict[str, slice] = {}
        self.count = 0
        empty = layout.records(0)
        for name, layers in layout.selected.items():
            own = [layout.union.index(layer) for layer in layers]
            self.slots[name] = own if 0 < len(own) < len(layout.union) else slice(None)
            size = getattr(empty, name)[:, self.slots[name]]
            self.places[name] = slice(self.count, self.count + int(np.prod(size.shape[1:])))
            self.count = self.places[name].stop
        self.paired = [name for name in layout.selected if covariance and QUANTITIES[name].has_covariance]

    def matrix(self, rec: Records) -> Array:
        """Return the draws as (networks, columns)."""
        matrix = np.empty((len(rec.alive), self.count))
        for name, place in self.places.items():
            matrix[:, place] = getattr(rec, name)[:, self.slots[name]].reshape(len(matrix), -1)
        return matrix

    def between_layers(self, rec: Records) -> dict[str, list[Comoments]]:
        """Return the co-moments of each quantity with a covariance, an input at a time."""
        own = {name: getattr(rec, name)[:, self.slots[name]] for name in self.paired}
        return {name: [comoments.of(values[:, :, a]) for a in range(self.layout.inputs)] for name, values in own.items()}

    def spread(self, name: str, statistics: Array) -> Array:
        """Return the columns of (statistics, columns) that are a quantity's, dims statistic and its own."""
        shape = getattr(self.layout.records(0), name).shape[1:]
        full = np.empty((len(statistics), *shape))
        full.T[...] = NO_DRAWS
        full[:, self.slots[name]] = statistics[:, self.places[name]].reshape(full[:, self.slots[name]].shape)
        return full

    def square(self, name: str, covariances: list[Array]) -> Array:
        """Return the covariances (input, layer, layer_2); NaN at layers that are not the quantity's own."""
        layers = len(self.layout.union)
        own = np.arange(layers)[self.slots[name]]
        full = np.full((len(covariances), layers, layers), np.nan)
        full[:, own[:, None], own] = covariances
        return full


class Found(NamedTuple):
    """What a block leaves behind."""

    number: int
    alive: float
    moments: Moments
    pairs: dict[str, list[Comoments]]

    def plus(self, other: Found) -> Found:
        """Return what both leave behind."""
        pairs = {
            name: [one.plus(two) for one, two in zip(found, other.pairs[name], strict=True)] for name, found in self.pairs.items()
        }
        return Found(other.number, self.alive + other.alive, self.moments.plus(other.moments), pairs)


class Block:
    """The networks first … last: drawn in batches, and summarised by the thread that ends the last batch."""

    def __init__(self, total: Total, first: int, batches: list[tuple[int, int]]) -> None:
        self.total, self.first, self.batches = total, first, batches
        self.number = first // rows_for(total.columns.count)
        self.rec = total.columns.layout.records(batches[-1][1] - first)
        self.left, self.lock = len(batches), Lock()

    def draw(self, sampler: Sampler, job: Job, first: int, stop: int) -> Found | None:
        """Draw a batch; return the findings if it was the last."""
        sampler.run(job, first, self.rec.rows(first - self.first, stop - self.first))
        with self.lock:
            self.left -= 1
            if self.left:
                return None
        return self.total.summarised(self.number, self.rec)


class Total:
    """What the blocks have left behind so far."""

    def __init__(self, columns: Columns) -> None:
        self.columns = columns
        self.bins: Bins | None = None
        self.found: Found | None = None
        self.waiting: dict[int, Found] = {}
        self.replicas = 0

    def summarised(self, number: int, rec: Records) -> Found:
        """Return the findings of a block, whose draws are put into the bins; on any thread."""
        draws = self.columns.matrix(rec)
        if self.bins is None:  # the first block is alone
            self.bins = Bins(draws)
        self.bins.add(draws, number)
        return Found(number, float(rec.alive.sum()), moments.of(draws), self.columns.between_layers(rec))

    def take(self, found: Found | None) -> None:
        """Merge findings as soon as all blocks before them are merged."""
        if found is not None:
            self.waiting[found.number] = found
        while (number := 0 if self.found is None else self.found.number + 1) in self.waiting:
            found = self.waiting.pop(number)
            self.found = found if self.found is None else self.found.plus(found)

    def dataset(self, attributes: Mapping[str, Any]) -> xr.Dataset:
        """Return the summary, as `reslim.summarize` would of the draws."""
        assert self.found is not None
        assert self.bins is not None
        layout, replicas = self.columns.layout, attributes["replicas"]
        statistics = np.vstack([_of_moments(self.found.moments, replicas), self.bins.quantiles(LEVELS)])
        died = float(1.0 - self.found.alive / (replicas * layout.inputs))
        frame = layout.dataset(layout.records(0), {**attributes, "died": died})
        pairs = {name: self.columns.square(name, [one.covariance for one in found]) for name, found in self.found.pairs.items()}
        return summary.labelled(frame, {name: self.columns.spread(name, statistics) for name in layout.selected}, pairs)


def _of_moments(found: Moments, replicas: int) -> Array:
    """Return mean, variance, their errors and the finite share, as `summary.statistics`."""
    n = found.count
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(n > 0, found.mean, np.nan)
        variance = np.where(n > 1, found.second / (n - 1.0), np.nan)
        error = np.sqrt(np.maximum(found.fourth / n - variance**2, 0.0) / n)
        return np.array([mean, np.sqrt(variance / n), variance, error, n / replicas])
