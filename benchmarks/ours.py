"""Our candidates: `reslim.simulate` as a user calls it, from the network's description to the labelled Dataset."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import xarray as xr

from benchmarks.harness import Call, Candidate
from reslim import ResNet, simulate

DEPTH = 100
LEAST, MOST_REPLICAS = 512, 2**20
MOST_BYTES = 2**25  # of draws: with more, the time is that of the system to get memory, where it gives memory back
TWO_INPUTS = np.random.default_rng(1).standard_normal((2, 10))
LAST = {"quantities": ["log_growth"], "layers": "last"}
ALL = {"quantities": ["log_growth", "active_fraction", "active_energy"], "layers": "all"}
BACK = {"quantities": ["log_grad_growth"], "layers": "last"}

FORWARD, BACKWARD = "forward", "forward + backward"
WATCHED = "forward, all layers, active shares and energies"
VARIANTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    FORWARD: ({}, LAST),
    WATCHED: ({}, ALL),
    BACKWARD: ({}, BACK),
    "forward, two inputs": ({}, LAST | {"inputs": TWO_INPUTS}),
    "forward, double": ({}, LAST | {"precision": "double"}),
    "forward, two-matrix": ({"block": "two-matrix"}, LAST),
    "forward, Balanced": ({"balanced": True}, LAST),
    "forward, gelu": ({"activation": "gelu"}, LAST),
}
RADIAL: dict[str, dict[str, Any]] = {
    "radial chain, two-matrix": {"block": "two-matrix"},
    "radial chain, no skips": {"skip": 0.0, "branch": 1.0},
}


def sampled(net: ResNet, replicas: int, **options: Any) -> Call:
    """Return the call that draws that many networks, each time others."""
    seeds = iter(range(2**62))

    def call() -> xr.Dataset:
        return simulate(net, replicas, seed=next(seeds), progress=False, **options)

    return call


def replica_counts(bytes_each: int) -> tuple[int, ...]:
    """Return the numbers of networks to try: up to the most that a user would hold in memory."""
    counts, most = [LEAST], min(MOST_REPLICAS, MOST_BYTES // bytes_each)
    while 4 * counts[-1] <= most:
        counts.append(4 * counts[-1])
    return tuple(counts)


def candidate(name: str, net: ResNet, threads: int, **options: Any) -> Candidate:
    """Return a candidate whose unit is a coordinate and layer of a network, however many inputs and noises that takes."""
    slots = (net.depth + 1) * len(options["quantities"]) if options["layers"] == "all" else 2
    return Candidate(
        name,
        net.width,
        prepare=lambda size: sampled(net, size, threads=threads, **options),
        units=lambda size: float(size * net.depth * net.width),
        sizes=replica_counts(8 * slots),
        threads=threads,
    )


def matrix_free(widths: tuple[int, ...], threads: tuple[int, ...]) -> Iterator[Candidate]:
    """Yield every variant at every width and number of threads."""
    for name, (fields, options) in VARIANTS.items():
        for width in widths:
            for count in threads:
                net = ResNet(depth=DEPTH, width=width, **fields)
                yield candidate(name, net, count, method="matrix-free", **options)


def radial(widths: tuple[int, ...], threads: tuple[int, ...]) -> Iterator[Candidate]:
    """Yield the chains of norms, whose unit is a layer."""
    for name, fields in RADIAL.items():
        for width in widths:
            for count in threads:
                net = ResNet(depth=DEPTH, width=width, **fields)
                yield Candidate(
                    name,
                    width,
                    prepare=lambda size, net=net, count=count: sampled(net, size, threads=count, method="radial", **LAST),
                    units=lambda size: float(size * DEPTH),
                    sizes=replica_counts(16),
                    threads=count,
                    unit="ns per layer · network",
                )
