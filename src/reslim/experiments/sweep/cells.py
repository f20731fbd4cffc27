"""The cells of a sweep: what is asked of each, which are drawn together, and the drawing itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from reslim import checks, quantities, results
from reslim.errors import BadKind, BadValue, Verbatim
from reslim.experiments.sweep import kernels
from reslim.experiments.sweep.axes import CALL, Grid
from reslim.quantities import FORWARD_DEFAULTS, FUNCTIONALS, QUANTITIES, LayerRequest, Quantity
from reslim.simulation import samplers
from reslim.simulation.simulate import simulate_together
from reslim.spec import ResNet

Array = NDArray[np.float64]
CHUNK_COST = 0.6e9  # nanoseconds, by the samplers' own rough estimate
CALL_COST = 1e7  # of one call of simulate


@dataclass(frozen=True)
class Request:
    """What is asked of every cell."""

    replicas: int
    seed: int
    quantities: tuple[str, ...]
    layers: Literal["auto", "all", "last"] | tuple[int, ...]
    method: str
    precision: str
    functional: str

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments of `simulate_cells`, quantities in the order of their table."""
        return asdict(self) | {"quantities": tuple(name for name in QUANTITIES if name in self.quantities)}

    def selected(self, net: ResNet) -> dict[str, list[int]]:
        """Return the layers of each quantity, in the order of their table."""
        wanted = quantities.resolve(CALL, self.quantities, (), 1)
        chosen = quantities.select_layers(CALL, self.layers, wanted, net.depth)
        return results.nonempty(CALL, chosen, wanted, self.quantities)


def request(
    replicas: int, seed: int, names: Iterable[str] | None, layers: LayerRequest, method: str, precision: str, functional: str
) -> Request:
    """Return the request, checked as far as it can be without a network."""
    wanted = _in_order(names, quantities.resolve(CALL, names, FORWARD_DEFAULTS, 1))
    if isinstance(layers, str):
        checks.one_of(CALL, "layers", layers, ("auto", "all", "last"))
    elif isinstance(layers, Sequence | np.ndarray):
        layers = tuple(int(layer) if isinstance(layer, np.integer) else layer for layer in layers)
    else:
        raise BadKind(CALL, "layers", "must be auto, all, last or a list of layers", layers)
    return Request(
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


def check_shapes(grid: Grid, asked: Request) -> None:
    """Refuse cells whose numbers would not fit into one array."""
    varied = {axis.field for axis in grid.axes}
    if "depth" in varied and asked.layers in ("auto", "all"):
        raise BadValue(CALL, "layers", "must be last or a list of layers where depth varies", asked.layers)
    if "n_out" in varied and "output" in asked.quantities:
        hint = "Name other quantities, log_output_norm among them."
        raise BadValue(CALL, "quantities", "cannot be coordinates of the output where n_out varies", Verbatim("output"), hint)


class Place(NamedTuple):
    """One number of a network: a quantity, its layer, and the coordinate of an output."""

    quantity: str
    layer: int | None
    output_unit: int | None


def places(net: ResNet, asked: Request) -> list[Place]:
    """Return the numbers of a network in the order in which they are kept."""
    return [
        Place(name, layer, unit)
        for name, layers in asked.selected(net).items()
        for layer in layers or [None]
        for unit in (range(net.n_out) if name == "output" else [None])
    ]


class Found(NamedTuple):
    """What was found in a cell: the sampler, the share of dead networks, and the statistics (places, statistics)."""

    method: str
    died: float
    values: Array


def groups(grid: Grid, asked: Request) -> Iterator[tuple[int, ...]]:
    """Yield the cells of each chunk: those that share their weights, otherwise neighbours that take a second or so."""
    sharing: dict[ResNet, list[int]] = {}
    alone: list[int] = []
    spent = 0.0
    for cell, net in enumerate(grid.nets):
        with grid.blamed(cell):  # a network that no sampler covers
            sampler = samplers.choose(net, asked.selected(net), 1, asked.method)
        if sampler.name == "explicit":
            sharing.setdefault(net.replace(branch=1.0), []).append(cell)
            continue
        estimate = CALL_COST + asked.replicas * sampler.cost(net, 1)
        if alone and spent + estimate > CHUNK_COST:
            yield tuple(alone)
            alone, spent = [], 0.0
        alone.append(cell)
        spent += estimate
    if alone:
        yield tuple(alone)
    yield from map(tuple, sharing.values())


def simulate_cells(nets: Sequence[ResNet], replicas: int, seed: int, **how: Any) -> list[xr.Dataset]:
    """Return the summaries of networks, each the same to the last bit as `simulate` gives it alone."""
    return simulate_together(nets, replicas, seed, threads=1, draws=False, **how)


def compute(nets: Sequence[ResNet], asked: Request, fingerprint: str) -> list[Found]:
    """Draw the cells of a chunk; this is what an executor's workers run."""
    if kernels.fingerprint() != fingerprint:
        got = Verbatim(f"{kernels.fingerprint()} there and {fingerprint} here")
        raise BadValue(CALL, "executor", "must have workers with the same code", got)
    return [_found(summary, net, asked) for net, summary in zip(nets, simulate_cells(nets, **asked.arguments), strict=True)]


def _found(summary: xr.Dataset, net: ResNet, asked: Request) -> Found:
    values = [_statistics(summary[name], layers) for name, layers in asked.selected(net).items()]
    return Found(summary.attrs["method"], summary.attrs["died"], np.concatenate(values))


def _statistics(variable: xr.DataArray, layers: list[int]) -> Array:
    """Return the statistics (places, statistics) of a quantity at its layers."""
    chosen = variable.sel(layer=layers) if layers else variable
    return chosen.transpose(..., "statistic").values.reshape(-1, variable.sizes["statistic"])
