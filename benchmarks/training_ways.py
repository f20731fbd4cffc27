"""What is timed in training: an epoch of ours, of the loop, and of the bare products. It runs in worker processes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import cycle, islice, product

import torch

from benchmarks.loop import ADAMS, Loop, Network
from reslim import DepthPower, Fractional, ResNet
from reslim.training.data import Dataset, load
from reslim.training.ensemble import Ensemble, Member
from reslim.training.recipe import Recipe

OURS, FLOOR = "ours", "three bare products a layer"
POWERS, HURST, RATES = (0.5, 0.75, 1.0, 1.25, 1.5), (0.6, 0.9), (1e-4, 3e-4, 1e-3, 3e-3)


@dataclass(frozen=True)
class Size:
    """A part of the phase diagram: networks of a depth and width that ours trains side by side."""

    depth: int
    networks: int
    width: int = 30
    batch: int = 128


@dataclass(frozen=True)
class Prepared:
    """An epoch of that many networks, ready to be called, and the seconds a network took to make ready."""

    epoch: Callable[[], object]
    networks: int
    setup_s: float


@dataclass(frozen=True)
class Lap:
    """Wall and processor seconds of an epoch a network, in one process, and what `Prepared` has of the setup."""

    wall_s: float
    cpu_s: float
    setup_s: float


def lap(way: str, size: Size) -> Lap:
    """Time an epoch of what `make_ready` has made ready in this process."""
    ready = prepared(way, size)
    wall, cpu = time.perf_counter(), time.process_time()
    ready.epoch()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return Lap(wall / ready.networks, cpu / ready.networks, ready.setup_s)


def make_ready(way: str, size: Size) -> None:
    """Prepare a way in this process, if it is not yet."""
    torch.set_num_threads(1)
    prepared(way, size)


@cache
def digits() -> Dataset:
    """Return the images."""
    return load("digits")


def steps(size: Size) -> int:
    """Return the steps of an epoch."""
    return -(-len(digits().x_train) // size.batch)


@cache
def prepared(way: str, size: Size) -> Prepared:
    """Make a way ready: ours, the floor, or the loop with one of its optimizers."""
    makers = {OURS: (ours, size.networks), FLOOR: (floor, size.networks)}
    make, networks = makers.get(way, (lambda size: loop(size, way), 1))
    digits()
    started = time.perf_counter()
    epoch = make(size)
    return Prepared(epoch, networks, (time.perf_counter() - started) / networks)


def members(size: Size) -> list[Member]:
    """Return networks from the grid of powers of the depth, Hurst indices and learning rates, none of which diverges."""
    base = ResNet(depth=size.depth, width=size.width, skip=1.0, variance=1.0, n_in=64, n_out=10)
    cells = product(POWERS, HURST, RATES)
    return [
        Member(base.replace(branch=DepthPower(power), coupling=Fractional(h)), seed, rate)
        for seed, (power, h, rate) in enumerate(islice(cycle(cells), size.networks))
    ]


def ours(size: Size) -> Callable[[], object]:
    """Return an epoch of all networks side by side."""
    ensemble = Ensemble(members(size), digits(), Recipe(epochs=100, batch=size.batch))

    def epoch() -> None:
        ensemble.run_epoch()
        if len(ensemble.alive) < size.networks:
            raise RuntimeError("a network diverged: what is left takes less time")

    return epoch


def loop(size: Size, adam: str) -> Callable[[], object]:
    """Return an epoch of one network."""
    network = Network(digits().n_in, size.width, size.depth, digits().classes, size.depth**-0.5)
    return Loop(network, digits(), size.batch, adam).run_epoch


def floor(size: Size) -> Callable[[], object]:
    """Return the products of an epoch of all networks, with operands that stay in the cache."""
    w, z = torch.randn(size.networks, size.width, size.width), torch.randn(size.networks, size.width, size.batch)
    after, gradient = torch.empty_like(z), torch.empty_like(w)

    def epoch() -> None:
        for _ in range(steps(size) * size.depth):
            torch.bmm(w, z, out=after)
            torch.bmm(w.mT, z, out=after)
            torch.bmm(z, z.mT, out=gradient)

    return epoch


def fastest_adam(size: Size) -> tuple[str, dict[str, float]]:
    """Return the fastest setting of the loop's optimizer, and the seconds a step that each took, the best of three."""
    torch.set_num_threads(1)
    found = dict.fromkeys(ADAMS, float("inf"))
    loops = {adam: Loop(Network(64, size.width, size.depth, 10, size.depth**-0.5), digits(), size.batch, adam) for adam in ADAMS}
    chosen = torch.arange(size.batch)
    for _ in range(4):  # the first is slower, and never the best
        for adam, one in loops.items():
            started = time.process_time()
            one.step(chosen)
            found[adam] = min(found[adam], time.process_time() - started)
    return min(found, key=lambda adam: found[adam]), found
