"""The passes in lanes against plain NumPy on the same noise, network by network: nothing is shared but the streams."""

from __future__ import annotations

import numpy as np
import plain
import pytest
from specimens import RELATED, TWO, X, Y
from test_in_lanes import FORWARD, GRADIENT, assert_close, records_of

from reslim import ResNet
from reslim.quantities import QUANTITIES
from reslim.simulation import backward, forward, joint

ACTIVATIONS = ("relu", "leaky_relu:0.3", "tanh", "erf", "gelu", "silu", "identity")
UNEVEN = {"skip": (-0.7, 1.0, 0.4), "branch": (0.9, 0.5, 2.0)}
NETS = {
    f"{activation}, {block}{', balanced' if balanced else ''}": ResNet(
        depth=3, width=7, n_in=3, n_out=3, activation=activation, block=block, balanced=balanced, variance=(1.7, 0.8), **UNEVEN
    )
    if block == TWO
    else ResNet(depth=3, width=6, n_in=3, activation=activation, balanced=balanced, variance=1.5, **UNEVEN)
    for activation in ACTIVATIONS
    for block in ("one-matrix", TWO)
    for balanced in (False, True)
}
INPUTS = {"one": (X,), "two": (X, Y), "related": RELATED}
SEED, FIRST, COUNT = 5, 7, 19
each_net = pytest.mark.parametrize("name", NETS)


@pytest.mark.parametrize("double", [False, True], ids=["single", "double"])
@pytest.mark.parametrize("inputs", INPUTS)
@each_net
def test_states_in_double_precision(name, inputs, double):
    net, x = NETS[name], np.array(INPUTS[inputs])
    without = {"overlap" if len(x) == 1 else "", "log_tangent_growth" if double else ""}
    names = [name for name in QUANTITIES if name not in without]
    functional = list(NETS).index(name) % 3
    found, expected = (
        records_of(lambda rec, run=run: run(net, x, True, functional, double, SEED, FIRST, rec), net, names, COUNT, len(x))
        for run in (joint.run, plain.run)
    )
    assert_close(found, expected, 1e-9)


@each_net
def test_states_in_single_precision(name):
    net, x = NETS[name], np.array([X])
    runs = {
        FORWARD: lambda rec: forward.run(net, x, SEED, FIRST, rec),
        GRADIENT: lambda rec: backward.run(net, x, 0, SEED, FIRST, rec),
    }
    for names, run in runs.items():
        found = records_of(run, net, names, COUNT)
        expected = records_of(lambda rec: plain.run(net, x, True, 0, False, SEED, FIRST, rec), net, names, COUNT)
        assert_close(found, expected, 3e-4)
