"""Simulating the cells of a sweep: what is asked of each, which are drawn together, and the drawing itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import xarray as xr

from reslim import checks, inputs, quantities, results
from reslim.errors import BadKind, BadValue, Verbatim
from reslim.experiments.sweep import arrays, kernels
from reslim.experiments.sweep.grid import Cell, Grid
from reslim.experiments.sweep.task import TASKS, Array, Found, Place, Task
from reslim.quantities import FORWARD_DEFAULTS, FUNCTIONALS, MOST_AUTO_LAYERS, QUANTITIES, LayerRequest, Quantity
from reslim.simulation import samplers
from reslim.simulation.simulate import simulate_together
from reslim.spec import ResNet
from reslim.summary import STATISTICS

CALL = TASKS["simulate"].call
CHUNK_COST = 0.6e9  # nanoseconds, by the samplers' own rough estimate
CALL_COST = 1e7  # of one call of simulate


@dataclass(frozen=True)
class Simulation(Task):
    """Draws the networks of every cell, as `simulate` does."""

    name = "simulate"
    statistics = STATISTICS
    attributes = ("replicas", "seed", "precision", "functional")
    packages = ("numba", "scipy", "xarray")

    replicas: int
    seed: int
    quantities: tuple[str, ...]
    layers: Literal["auto", "all", "last"] | tuple[int, ...]
    method: str
    precision: str
    functional: str

    def to_json(self) -> dict[str, Any]:
        """Return the arguments; the seed is text, since 64 bits are more than some readers of JSON keep."""
        return asdict(self) | {
            "seed": str(self.seed),
            "quantities": list(self.quantities),
            "layers": list(self.layers) if isinstance(self.layers, tuple) else self.layers,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Simulation:
        """Return the simulation of a plan."""
        how = [values[name] for name in ("layers", "method", "precision", "functional")]
        return request(values["replicas"], int(values["seed"]), values["quantities"], *how)

    @property
    def identity(self) -> dict[str, Any]:
        """The arguments, whatever the order of quantities."""
        return self.to_json() | {"quantities": sorted(self.quantities)}

    def fingerprint(self) -> str:
        """Return the version of the samplers."""
        return kernels.fingerprint()

    def check(self, grid: Grid) -> None:
        """Refuse several layers of networks that differ in depth, and several outputs of those that differ in n_out."""
        if "depth" in grid.fields and self.layers in ("auto", "all"):
            raise BadValue(CALL, "layers", "must be last or a list of layers where depth varies", self.layers)
        if "n_out" in grid.fields and "output" in self.quantities:
            hint = "Name other quantities, log_output_norm among them."
            raise BadValue(CALL, "quantities", "cannot be coordinates of the output where n_out varies", Verbatim("output"), hint)

    def most_places(self, net: ResNet) -> int:
        """Return the number of quantities times layers, and the outputs."""
        a_quantity = {"last": 1, "auto": MOST_AUTO_LAYERS, "all": net.depth + 1}
        layers = a_quantity[self.layers] if isinstance(self.layers, str) else len(self.layers)
        return len(self.quantities) * layers + net.n_out * ("output" in self.quantities)

    def places(self, net: ResNet) -> list[Place]:
        """Return the numbers of a network in the order of the table of quantities."""
        return [
            Place(name, layer, unit)
            for name, layers in self.selected(net).items()
            for layer in layers or [None]
            for unit in (range(net.n_out) if name == "output" else [None])
        ]

    def selected(self, net: ResNet) -> dict[str, list[int]]:
        """Return the layers of each quantity, in the order of their table."""
        wanted = quantities.resolve(CALL, self.quantities, (), 1)
        chosen = quantities.select_layers(CALL, self.layers, wanted, net.depth)
        return results.nonempty(CALL, chosen, wanted, self.quantities)

    def job(self, net: ResNet) -> samplers.Job:
        """Return what is drawn of a network, through which one input goes."""
        x, names = inputs.resolve(CALL, None, net.n_in), tuple(self.selected(net))
        return samplers.Job(net, x, names, self.seed, self.precision == "double", self.functional)

    def groups(self, grid: Grid) -> Iterator[tuple[int, ...]]:
        """Yield the cells that share their weights, otherwise neighbours that take a second or so."""
        sharing: dict[ResNet, list[int]] = {}
        alone: list[int] = []
        spent = 0.0
        for number, (net, _) in enumerate(grid.cells):
            with grid.blamed(number):  # a network that no sampler covers
                job = self.job(net)
                sampler = samplers.choose(job, self.method)
            if sampler.name == "explicit":
                sharing.setdefault(net.replace(branch=1.0), []).append(number)
                continue
            estimate = CALL_COST + self.replicas * sampler.cost(job)
            if alone and spent + estimate > CHUNK_COST:
                yield tuple(alone)
                alone, spent = [], 0.0
            alone.append(number)
            spent += estimate
        if alone:
            yield tuple(alone)
        yield from map(tuple, sharing.values())

    def compute(self, cells: Sequence[Cell]) -> list[Found]:
        """Draw the networks of a chunk."""
        asked: dict[str, Any] = asdict(self) | {"quantities": tuple(name for name in QUANTITIES if name in self.quantities)}
        nets = [cell.net for cell in cells]
        drawn = simulate_together(nets, **asked, threads=1, draws=False)  # each to the last bit as `simulate` alone gives it
        return [self._found(summary, net) for net, summary in zip(nets, drawn, strict=True)]

    def _found(self, summary: xr.Dataset, net: ResNet) -> Found:
        values = [_statistics(summary[name], layers) for name, layers in self.selected(net).items()]
        return Found(np.concatenate(values), {name: summary.attrs[name] for name in ("method", "died")})

    def variables(self, grid: Grid, found: Sequence[Found]) -> dict[str, Any]:
        """Return the quantities with the dims of a summary; with layers="last" without the layer."""
        where = [self.places(net) for net, _ in grid.cells]
        return arrays.of_simulations(grid, self.quantities, where, found, self.layers == "last")


def request(
    replicas: int, seed: int, names: Iterable[str] | None, layers: LayerRequest, method: str, precision: str, functional: str
) -> Simulation:
    """Return the simulation, checked as far as it can be without a network."""
    wanted = _in_order(names, quantities.resolve(CALL, names, FORWARD_DEFAULTS, 1))
    if isinstance(layers, str):
        checks.one_of(CALL, "layers", layers, ("auto", "all", "last"))
    elif isinstance(layers, Sequence | np.ndarray):
        layers = tuple(int(layer) if isinstance(layer, np.integer) else layer for layer in layers)
    else:
        raise BadKind(CALL, "layers", "must be auto, all, last or a list of layers", layers)
    return Simulation(
        replicas=checks.positive_int(CALL, "replicas", replicas),
        seed=checks.seed64(CALL, seed),
        quantities=wanted,
        layers=layers,  # type: ignore[arg-type]
        method=checks.one_of(CALL, "method", method, samplers.METHODS),
        precision=checks.one_of(CALL, "precision", precision, ("single", "double")),
        functional=checks.one_of(CALL, "functional", functional, FUNCTIONALS),
    )


def _in_order(names: Iterable[str] | None, resolved: Sequence[Quantity]) -> tuple[str, ...]:
    known = tuple(quantity.name for quantity in resolved)
    return known if names is None else tuple(dict.fromkeys(names))


def _statistics(variable: xr.DataArray, layers: list[int]) -> Array:
    """Return the statistics (places, statistics) of a quantity at its layers."""
    chosen = variable.sel(layer=layers) if layers else variable
    return chosen.transpose(..., "statistic").values.reshape(-1, variable.sizes["statistic"])
