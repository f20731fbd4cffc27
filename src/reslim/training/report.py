"""What is told of trained networks: plain values for JSON, means over seeds with their intervals."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from reslim import provenance, quantities
from reslim.results import finite
from reslim.training.data import Dataset
from reslim.training.recipe import Recipe

if TYPE_CHECKING:
    from reslim.training.fit import Trained

LEVEL = 0.95
ENDS = ("accuracy", "train_loss", "test_loss")
SIGNALS = ("log_displacement", "log_grad_displacement")


def of(trained: Sequence[Trained], data: Dataset, recipe: Recipe) -> dict[str, Any]:
    """Return what ``reslim train --json`` prints, but for the time."""
    net = trained[0].member.net
    layers = quantities.evenly_spread(net.depth - 1)
    networks = [_network(each, layers) for each in trained]
    ended = [each for each in networks if each["diverged"] is None]
    return {
        "spec": net.to_dict(),
        "data": _told(data),
        "recipe": asdict(recipe),
        "seed": trained[0].member.seed,
        "seeds": len(trained),
        **{name: statistic(each[name][-1] for each in ended) for name in ENDS},
        "chance": data.chance,
        "diverged": {"count": len(networks) - len(ended), "epochs": [each["diverged"] for each in networks]},
        "before": _summary(each["before"] for each in networks),
        "after": _summary(each["after"] for each in ended),
        "layers": layers,
        "networks": networks,
        "versions": provenance.versions("scipy", "torch"),
    }


def _told(data: Dataset) -> dict[str, Any]:
    sizes = {"train": len(data.y_train), "test": len(data.y_test), "n_in": data.n_in, "classes": data.classes}
    return {"name": data.name, "origin": data.origin, "shape": list(data.shape), **sizes}


def _network(trained: Trained, layers: list[int]) -> dict[str, Any]:
    """Return one seed's curves, its epoch of divergence counted from 1, and what it was before and after."""
    return {
        "seed": trained.member.seed,
        "diverged": None if trained.diverged is None else trained.diverged + 1,
        **{name: finite(getattr(trained, name)) for name in ENDS},
        "before": _thinned(trained.before, layers),
        "after": _thinned(trained.after, layers),
    }


def _thinned(measured: dict[str, Any] | None, layers: list[int]) -> dict[str, Any] | None:
    """Return what was measured with the norms at some layers alone."""
    if measured is None:
        return None
    weights = {name: each | {"norms": [each["norms"][l] for l in layers]} for name, each in measured["weights"].items()}
    return measured | {"branch_norms": [measured["branch_norms"][l] for l in layers], "weights": weights}


def _summary(measured: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Return the means over networks of what is one number for each."""
    rows = [_numbers(each) for each in measured]
    names = list(dict.fromkeys(name for row in rows for name in row))
    return {name: statistic(row[name] for row in rows) for name in names}


def _numbers(measured: dict[str, Any]) -> dict[str, float | None]:
    found = {name: measured[name] for name in SIGNALS}
    for name, each in measured["weights"].items():
        found[f"hurst_{name}"] = None if each["hurst"] is None else each["hurst"]["estimate"]
    if "change" in measured:
        found["drift"] = None if measured["change"] is None else measured["change"]["drift"]
    return found


def statistic(values: Iterable[float | None]) -> dict[str, Any]:
    """Return the mean over networks and its interval of 95 % by Student's t (exact for normal values), None for one network.

    None is left out; `networks` says how many are left.

    >>> found = statistic([0.8, 0.9, 1.0])
    >>> [round(end, 3) for end in found["interval"]]
    [0.652, 1.148]
    """
    known = np.array([value for value in values if value is not None], dtype=np.float64)
    count = len(known)
    if count < 2:
        return {"mean": float(known[0]) if count else None, "interval": None, "networks": count}
    from scipy.special import stdtrit

    mean, half = known.mean(), stdtrit(count - 1, 0.5 + 0.5 * LEVEL) * known.std(ddof=1) / math.sqrt(count)
    return {"mean": float(mean), "interval": [float(mean - half), float(mean + half)], "networks": count}
