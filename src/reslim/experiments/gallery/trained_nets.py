"""Networks of Figure 8, trained, and what is measured of their weights across depth, before and after."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reslim import regularity
from reslim.coupling import Coupling, Independent, Smooth
from reslim.regularity.index import default_lags, half_slope
from reslim.spec import DepthPower, ResNet
from reslim.training.data import Dataset
from reslim.training.ensemble import Member
from reslim.training.fit import Trained, fit
from reslim.training.recipe import Recipe

Array = NDArray[np.float64]
WIDTH, LR = 30, 1e-3


class Kind(NamedTuple):
    """A scaling with an initialisation."""

    words: str
    beta: float
    coupling: Coupling


KINDS = (
    Kind("β = 1, smooth", 1.0, Smooth(0.1)),
    Kind("β = 1, independent", 1.0, Independent()),
    Kind("β = ½, independent", 0.5, Independent()),
)
# where the factors of the matrices are, and Adam's learning rate
RATES = {"forward": LR * math.sqrt(WIDTH), "init": LR}


class Sizes(NamedTuple):
    """One network: indices of its weights; the largest norm of a layer, and the root mean square of the increments."""

    accuracy: float
    index_before: float
    index_after: float
    expected_after: float  # for weights that gained a flow of the size of the change
    share: float  # of the change that is a smooth function of depth
    size: float  # of the change, a weight's root mean square; 1 at initialisation
    max_before: float
    max_after: float
    increments_before: float
    increments_after: float
    increments_change: float  # of the change, over its own size


def train(depth: int, seeds: int, where: str, data: Dataset, epochs: int) -> list[list[Trained]]:
    """Train every kind of network from several seeds, in one batched program."""
    nets = [
        ResNet(depth=depth, width=WIDTH, skip=1.0, branch=DepthPower(kind.beta), variance=1.0, coupling=kind.coupling,
               n_in=data.n_in, n_out=data.classes)
        for kind in KINDS
    ]  # fmt: skip
    rate = RATES[where]
    members = [Member(net, seed, rate) for net in nets for seed in range(seeds)]
    recipe = Recipe(epochs=epochs, lr=rate, schedule="step", where=where)  # type: ignore[arg-type]
    found = fit(members, data, recipe, measured=False, weights=True)
    return [found[first : first + seeds] for first in range(0, len(found), seeds)]


def blocks(one: Trained) -> tuple[Array, Array] | None:
    """Return the matrices of the blocks before and after, None for a network that diverged."""
    return None if one.first is None or one.last is None else (one.first.blocks.v, one.last.blocks.v)


def sizes(one: Trained) -> Sizes:
    """Measure one network; NaN for one that diverged."""
    pair = blocks(one)
    if pair is None:
        return Sizes(*[math.nan] * len(Sizes._fields))
    before, after = pair
    change = regularity.drift_share(before, after)
    return Sizes(
        accuracy=float(one.accuracy[-1]),
        index_before=regularity.hurst(before).hurst,
        index_after=regularity.hurst(after).hurst,
        expected_after=index_with_flow(one.member.net.coupling, len(before), change.size),
        share=change.share,
        size=change.size,
        max_before=float(regularity.norms(before).frobenius.max()),
        max_after=float(regularity.norms(after).frobenius.max()),
        increments_before=_rough(before),
        increments_after=_rough(after),
        increments_change=_rough(after - before) / (WIDTH * change.size),
    )


def index_with_flow(coupling: Coupling, depth: int, flow: float) -> float:
    """Return the index of weights to which a constant of this size was added: E Q_m = Σ_(|k| < m) (m - |k|) ρ_k + (flow m)²."""
    lags = default_lags(depth, 1)
    correlation = coupling.autocovariance(depth, lags[-1])
    own = [lag + 2.0 * sum((lag - k) * correlation[k] for k in range(1, lag)) for lag in lags]
    return float(half_slope(lags) @ np.log(np.array(own) + (flow * np.array(lags)) ** 2))


def _rough(weights: Array) -> float:
    return float(np.sqrt(np.mean(regularity.increments(weights) ** 2)))
