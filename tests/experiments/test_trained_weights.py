"""Figure 8 on trained networks: the index that is expected, and checks that can fail."""

from __future__ import annotations

import math

import numpy as np
import pytest
from matplotlib.figure import Figure

from reslim import DepthPower, Independent, ResNet, Smooth, regularity
from reslim.experiments.gallery import trained_nets, trained_weights
from reslim.experiments.gallery.trained_nets import KINDS, Sizes, index_with_flow
from reslim.simulation import across_depth
from reslim.training.data import load
from reslim.training.ensemble import Member
from reslim.training.fit import fit
from reslim.training.recipe import Recipe

DEPTHS, SEEDS = (100, 200, 400), 2


@pytest.mark.parametrize("flow", [0.0, 0.3, 3.0])
@pytest.mark.parametrize("coupling", [Independent(), Smooth(0.1), Smooth(0.02)], ids=repr)
def test_the_index_of_weights_with_a_flow(coupling, flow):
    """Against weights that are drawn, to which ±flow was added; ten thousand entries leave an error of .002."""
    depth, entries = 100, 10_000
    weights = np.empty((depth, entries))
    rng = np.random.default_rng(1)
    across_depth.sampler(coupling, depth).draw(rng, weights)
    weights += flow * rng.choice([-1.0, 1.0], entries)
    assert regularity.hurst(weights).hurst == pytest.approx(index_with_flow(coupling, depth, flow), abs=0.01)


def ideal(kind, where: str) -> dict[int, list[Sizes]]:
    """Return what the arguments expect of every depth; of two seeds, which are off by a hundredth of a percent."""
    found = {}
    for depth in DEPTHS:
        size = depth ** (0.5 * (kind.beta - 1.0 + (kind.beta if where == "init" else 0.0)))
        rough = 40.0 * depth ** (0.0 if kind.coupling.is_independent else -1.0)
        before, after = (index_with_flow(kind.coupling, depth, flow) for flow in (0.0, size))
        share = 1.0 if kind.beta == 1.0 and where == "forward" else 0.92
        one = Sizes(0.8, before, after, after, share, size, 31.0, 32.0, rough, rough, depth**-kind.beta)
        found[depth] = [one, Sizes(*(1.0001 * value for value in one))]
    return found


def verdicts(kind, where: str, found: dict[int, list[Sizes]]) -> set[str]:
    return {check.verdict for check in trained_weights._checks(kind, where, found, classes=10)}


@pytest.mark.parametrize("where", ["forward", "init"])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.words)
def test_what_is_expected_agrees(kind, where):
    assert verdicts(kind, where, ideal(kind, where)) == {"agree"}


FAULTS = {
    "accuracy": lambda value, depth: 0.25,
    "index_before": lambda value, depth: value - 0.02,
    "index_after": lambda value, depth: value - 0.03,
    "share": lambda value, depth: 0.75,
    "size": lambda value, depth: value * depth**0.7,
    "max_before": lambda value, depth: value * depth**0.1,
    "max_after": lambda value, depth: value * depth**0.1,
    "increments_before": lambda value, depth: value * depth**-0.05,
    "increments_after": lambda value, depth: value * depth**0.05,
    "increments_change": lambda value, depth: value * depth**0.2,
}


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.words)
def test_every_check_can_fail(kind, name):
    found = {
        depth: [one._replace(**{name: FAULTS[name](getattr(one, name), depth)}) for one in group]
        for depth, group in ideal(kind, "forward").items()
    }
    assert "differ" in verdicts(kind, "forward", found)


def test_a_network_that_diverged_is_drawn_and_differs():
    digits = load("digits", limit=200)
    net = ResNet(depth=8, width=trained_nets.WIDTH, skip=1.0, branch=DepthPower(0.0), variance=1.0, n_in=64, n_out=10)
    (one,) = fit([Member(net, 0, 1e30)], digits, Recipe(epochs=1, optimizer="sgd"), measured=False, weights=True, progress=False)
    assert one.diverged is not None
    measured = trained_nets.sizes(one)
    assert all(math.isnan(value) for value in measured)
    found = {depth: [measured, measured] for depth in DEPTHS}
    assert verdicts(KINDS[0], "forward", found) >= {"differ"}
    ax = Figure().subplots()
    trained_weights._panel(ax, one, "β = 0")
    assert [text.get_text() for text in ax.texts] == ["diverged"]
    assert not ax.lines
