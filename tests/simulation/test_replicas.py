"""Replica k is a function of (network, seed, k): bits, not laws, for every sampler, precision and direction."""

from __future__ import annotations

import contextlib
import importlib

import numpy as np
import pytest
from specimens import GENERIC, TWO, bits, draw

from helpers import assert_uncorrelated
from reslim import QUANTITIES, ResNet
from reslim.errors import NotCovered
from reslim.simulation.lane_records import LAYERS
from reslim.simulation.layout import Layout

module = importlib.import_module("reslim.simulation.simulate")

VANILLA = ResNet(depth=6, width=5, n_in=3)
DEEP_RADIAL = ResNet(depth=6, width=5, block=TWO)
BACKWARD = [
    "log_norm",
    "active_fraction",
    "active_energy",
    "log_grad_growth",
    "grad_state_cosine",
    "log_weight_grad",
    "log_ntk",
    "output",
]
FORWARD = ["log_norm", "log_growth", "active_fraction", "active_energy", "output"]
SAMPLERS = [
    (VANILLA, {"method": "matrix-free"}),
    (VANILLA, {"method": "matrix-free", "precision": "double"}),
    (VANILLA, {"method": "matrix-free", "inputs": GENERIC}),
    (VANILLA.replace(block=TWO, activation="erf"), {"method": "matrix-free", "precision": "double", "inputs": GENERIC}),
    (VANILLA.replace(block=TWO, balanced=True, activation="gelu"), {"method": "matrix-free"}),
    (VANILLA, {"method": "explicit"}),
    (VANILLA.replace(balanced=True), {"method": "explicit", "inputs": GENERIC}),
    (DEEP_RADIAL, {"method": "radial"}),
    (VANILLA.replace(skip=0.0, branch=1.0), {"method": "radial"}),
]
each_sampler = pytest.mark.parametrize(("net", "options"), SAMPLERS)
each_direction = pytest.mark.parametrize("names", [FORWARD, BACKWARD], ids=["forward", "backward"])


@each_direction
@each_sampler
def test_threads_and_batches_do_not_matter(net, options, names, monkeypatch):
    expected = bits(draw(net, 23, 9, quantities=names, **options))
    for batch, threads in ((1, 1), (7, 2), (23, 2)):
        monkeypatch.setattr(module, "MOST_BATCH", batch)
        assert bits(draw(net, 23, 9, quantities=names, threads=threads, **options)) == expected


@pytest.mark.parametrize("names", [FORWARD, BACKWARD], ids=["forward", "backward"])
def test_recorded_layers_do_not_matter_beyond_a_page(names):
    net = VANILLA.replace(depth=3 * LAYERS)
    every = draw(net, 17, 9, quantities=names, layers="all")
    for layers in (range(0, net.depth, 2), range(1, net.depth + 1, 2), range(LAYERS), range(LAYERS + 1), range(5, net.depth + 1)):
        some = draw(net, 17, 9, quantities=names, layers=list(layers))
        assert bits(some) == bits(every.sel(layer=list(layers)))


@each_sampler
def test_what_was_in_the_memory_does_not_matter(net, options, monkeypatch):
    empty, given = Layout.records, 0

    def soiled(before):
        def records(layout, replicas):
            rec = empty(layout, replicas)
            for array in rec[1:]:
                array.fill(before)
            return rec

        return records

    for name in QUANTITIES.keys() - ({"overlap"} if "inputs" not in options else set()):
        found = []
        for before in (7.0, -7.0):
            monkeypatch.setattr(Layout, "records", soiled(before))
            with contextlib.suppress(NotCovered):
                found.append(bits(draw(net, 17, 9, quantities={name, "log_norm"}, layers="all", **options)))
        assert found[:1] == found[1:]
        given += len(found) > 0
    assert given > len(FORWARD)


@each_direction
@each_sampler
def test_the_first_replicas_are_those_of_a_shorter_run(net, options, names):
    long, short = (draw(net, count, 9, quantities=names, **options) for count in (23, 4))
    assert bits(long.isel(replica=slice(0, 4))) == bits(short)


@each_sampler
def test_recorded_layers_do_not_matter(net, options):
    every = draw(net, 5, 9, quantities=BACKWARD, **options)
    some = draw(net, 5, 9, quantities=BACKWARD, **options, layers=[2, 3])
    last = draw(net, 5, 9, quantities=BACKWARD, **options, layers="last")
    assert bits(some) == bits(every.sel(layer=[2, 3]))
    assert bits(last[["log_ntk", "output"]]) == bits(every[["log_ntk", "output"]])
    assert np.array_equal(last.log_grad_growth.sel(layer=0), every.log_grad_growth.sel(layer=0))
    assert np.array_equal(last.log_norm.sel(layer=6), every.log_norm.sel(layer=6))


@each_sampler
def test_seeds_and_replicas_are_different_networks(net, options):
    runs = [draw(net, 12, seed, quantities=["log_norm"], **options).log_norm.values[:, -1] for seed in (0, 1, 2**32, 2**64 - 1)]
    values = np.concatenate(runs).ravel()
    values = values[np.isfinite(values)]  # dead networks are all alike
    assert len(np.unique(values)) == len(values) > 24


@pytest.mark.parametrize(("net", "options"), [SAMPLERS[0], SAMPLERS[1], SAMPLERS[7]])
def test_neighbouring_replicas_and_layers_are_independent(net, options):
    net = net.replace(width=16, depth=3)
    z = draw(net, 60_000, 3, quantities=["log_growth"], **options).log_growth.values[:, :, 0]
    p = draw(net, 60_000, 3, quantities=["log_grad_growth"], **options).log_grad_growth.values[:, :, 0]
    steps = np.diff(z, axis=1)
    for series in (z[:, -1], p[:, 0], steps[:, 0]):
        assert_uncorrelated(series[1:], series[:-1], resolution=0.03)
    other_seed = draw(net, 60_000, 4, quantities=["log_growth"], **options).log_growth.values[:, -1, 0]
    assert_uncorrelated(z[:, -1], other_seed, resolution=0.03)


def test_the_output_is_independent_of_the_norm_given_the_scale():
    """z_out = e^{G/2} Z: the signs and the radius of Z know nothing of the hidden layers."""
    draws = draw(VANILLA, 60_000, 8, quantities=["log_norm", "log_output_norm", "output"], layers="last")
    norm = draws.log_norm.values[:, 0, 0]
    assert_uncorrelated(draws.log_output_norm.values[:, 0] - norm, norm, resolution=0.03)
    out = draws.output.values[:, :, 0] / np.exp(0.5 * norm)[:, None]
    assert_uncorrelated(out[:, 0], out[:, 1], resolution=0.03)
    assert_uncorrelated(out[:, 0] ** 2, out[:, 1] ** 2, resolution=0.03)
