"""The radial chains against the matrix-free sampler, quantity by quantity and jointly, and against exact moments."""

from __future__ import annotations

import math

import numpy as np
import pytest
from specimens import TWO, columns, draw, steps

from exact import log_active_energy, log_chi_square
from helpers import assert_mean, assert_same_dependence, assert_same_law, assert_slope, assert_variance
from reslim import QUANTITIES, ResNet
from reslim.errors import NotCovered

LEVEL = 1e-9
NETS = {
    "two-matrix": ResNet(depth=4, width=6, block=TWO),
    "two-matrix, width 2": ResNet(depth=3, width=2, block=TWO, branch=1.5),
    "two-matrix, wide, a pair of variances": ResNet(depth=5, width=300, block=TWO, variance=(3.0, 0.5), n_out=3),
    "two-matrix, negative skip, schedules": ResNet(
        depth=4, width=5, block=TWO, skip=(-1.0, 0.5, 0.0, 1.0), branch=(0.5, 0.0, 2.0, 1.0)
    ),
    "two-matrix, no skip: some die": ResNet(depth=4, width=4, block=TWO, skip=0.0, branch=1.0),
    "two-matrix, dead before the last skip": ResNet(depth=3, width=3, block=TWO, skip=(0.0, -0.5, 1.5), branch=1.0),
    "two-matrix, balanced": ResNet(depth=4, width=5, block=TWO, balanced=True),
    "one-matrix, no skip": ResNet(depth=4, width=6, skip=0.0, branch=1.0),
    "one-matrix, no skip: many die": ResNet(depth=5, width=3, skip=0.0, branch=(1.0, -2.0, 0.5, 1.0, 1.0), n_out=1),
    "one-matrix, balanced, no skip": ResNet(depth=4, width=6, skip=0.0, branch=1.0, balanced=True),
}


def names_of(net: ResNet) -> list[str]:
    missing = {"overlap", "log_tangent_growth", "log_grad_displacement"} | (set() if net.block == TWO else {"log_displacement"})
    return [name for name in QUANTITIES if name not in missing]


@pytest.mark.parametrize("case", NETS)
def test_same_law_as_the_matrix_free_sampler(case):
    net = NETS[case]
    fast, reference = (
        draw(net, 30_000, seed, quantities=names_of(net), method=method) for seed, method in ((3, "radial"), (4, "matrix-free"))
    )
    tables = [{name: np.round(x, 10) for name, x in (*columns(v), *steps(v))} for v in (fast, reference)]
    for name, samples in tables[0].items():
        try:
            assert_same_law(samples, tables[1][name], LEVEL, resolution=0.05)
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}") from None
    assert_same_dependence(*tables, resolution=0.1)
    assert fast.attrs["died"] == pytest.approx(reference.attrs["died"], abs=0.02)


def test_a_wrong_law_is_seen():
    net = NETS["two-matrix"]
    a = draw(net, 30_000, 3, quantities=["log_growth"], method="radial").log_growth.values[:, -1, 0]
    b = draw(net.replace(variance=2.1), 30_000, 4, quantities=["log_growth"], method="radial").log_growth.values[:, -1, 0]
    with pytest.raises(AssertionError, match="differ"):
        assert_same_law(a, b, LEVEL)


@pytest.mark.parametrize("method", ["radial", "matrix-free"])
def test_moments_of_a_relu_network_without_skips(method):
    """ln|z_d|² is a sum of independent logarithms of chi-squares: mean and variance are known at any width."""
    net = ResNet(depth=12, width=40, skip=0.0, branch=1.2)
    samples = draw(net, 20_000, 5, quantities=["log_norm"], method=method).log_norm.values[:, :, 0]
    energy, input_layer = log_active_energy(40), log_chi_square(40)
    rate = math.log(1.2**2 * 2.0 / 40) + energy[0]
    assert_slope(np.arange(13), samples, rate, resolution=0.01)
    assert_mean(samples[:, -1], 12 * rate + input_layer[0] - math.log(40), resolution=0.06)
    assert_variance(samples[:, -1], 12 * energy[1] + input_layer[1], resolution=0.12)


@pytest.mark.parametrize("method", ["radial", "matrix-free"])
def test_moments_of_a_two_matrix_network_without_skips(method):
    net = ResNet(depth=10, width=40, block=TWO, skip=0.0, branch=1.2, variance=(1.5, 0.8))
    samples = draw(net, 20_000, 6, quantities=["log_growth"], method=method).log_growth.values[:, -1, 0]
    energy, whole = log_active_energy(40), log_chi_square(40)
    rate = math.log(1.2**2 * 1.5 * 0.8 / 40**2) + energy[0] + whole[0]
    assert_mean(samples, 10 * rate, resolution=0.06)
    assert_variance(samples, 10 * (energy[1] + whole[1]), resolution=0.15)


def test_tiny_branches_keep_their_gradients():
    """With λ = 1e-20 the state does not move in float64, but the gradients of the weights are known."""
    net = ResNet(depth=3, width=6, block=TWO, skip=1.0, branch=1e-20)
    samples = [draw(net, 20_000, 1, quantities=["log_weight_grad"], method=m) for m in ("radial", "matrix-free")]
    for (_, a), (_, b) in zip(*map(columns, samples), strict=True):
        assert_same_law(a, b)


def test_what_is_recorded_does_not_change_what_is_drawn():
    net = NETS["two-matrix"]
    lone = draw(net, 20, quantities=["log_norm"], method="radial", layers=[3])
    rich = draw(net, 20, quantities=names_of(net), method="radial")
    assert np.array_equal(lone.log_norm.values[:, 0], rich.log_norm.values[:, 3])


@pytest.mark.parametrize(
    ("change", "names", "inputs", "reason"),
    [
        ({"skip": 0.5}, ["log_growth"], None, "every skip 0"),
        ({"activation": "tanh"}, ["log_growth"], None, "ReLU"),
        ({"entries": "uniform"}, ["log_growth"], None, "Gaussian"),
        ({"width": 1}, ["log_growth"], None, "width of at least 2"),
        ({}, ["log_growth"], np.ones((2, 10)), "one input"),
        ({}, ["log_displacement"], None, "does not give log_displacement"),
        ({"block": TWO}, ["log_grad_displacement"], None, "does not give log_grad_displacement"),
    ],
)
def test_what_does_not_close_is_refused(change, names, inputs, reason):
    net = ResNet(depth=2, width=4, skip=0.0, branch=1.0).replace(**change)
    with pytest.raises(NotCovered, match=reason):
        draw(net, 2, quantities=names, inputs=inputs, method="radial")
    assert draw(net, 2, quantities=names, inputs=inputs, method="auto").attrs["method"] != "radial"


def test_auto_takes_the_cheapest():
    wide = NETS["two-matrix"].replace(width=1000)
    for net, options, method in (
        (NETS["two-matrix"], {}, "matrix-free"),
        (wide, {}, "radial"),
        (wide.replace(width=300), {}, "matrix-free"),
        (wide.replace(width=300), {"precision": "double"}, "radial"),
        (wide.replace(width=300), {"quantities": ["log_grad_growth"]}, "radial"),
    ):
        assert draw(net, 2, **{"quantities": ["log_growth"], "method": "auto"} | options).attrs["method"] == method
    assert draw(NETS["two-matrix"], 2, method="auto", quantities=["log_grad_displacement"]).attrs["method"] == "matrix-free"
    uniform = NETS["two-matrix"].replace(entries="uniform")
    assert draw(uniform, 2, quantities=["log_growth"], method="auto").attrs["method"] == "explicit"
