"""A rival that draws other networks would be no rival: the mean log growth of each is compared with ours."""

from __future__ import annotations

import numpy as np

from benchmarks import harness
from benchmarks.harness import Call
from benchmarks.rivals import Maker
from reslim import ResNet, simulate

WIDTH, DEPTH = 24, 16
BATCH, NETWORKS = 64, 2_048
ERRORS = 6.0  # standard errors


def draws(call: Call, networks: int) -> np.ndarray:
    """Return the log growth of that many networks, or some more."""
    batches = [np.asarray(call(), np.float64)]
    while sum(map(len, batches)) < networks:
        batches.append(np.asarray(call(), np.float64))
    return np.concatenate(batches)


def apart(first: np.ndarray, second: np.ndarray) -> float:
    """Return how many standard errors the means, or the standard deviations, are apart."""
    error = np.sqrt(first.var() / len(first) + second.var() / len(second))
    spread = abs(np.log(first.std() / second.std())) / np.sqrt(1.0 / len(first) + 1.0 / len(second))  # near-normal draws
    return float(max(abs(first.mean() - second.mean()) / error, spread))


def same_law(makers: dict[str, Maker]) -> tuple[dict[str, Maker], dict[str, str]]:
    """Return the rivals whose draws follow our law, and what is wrong with the others."""
    net = ResNet(depth=DEPTH, width=WIDTH)
    data = simulate(net, 4 * NETWORKS, quantities=["log_growth"], layers="last", progress=False)
    expected = data.log_growth.values.ravel()
    right, wrong = {}, {}
    for name, make in makers.items():
        try:
            distance = apart(draws(make(WIDTH, DEPTH, BATCH), NETWORKS), expected)
        except Exception as error:
            wrong[name] = harness.why(error)
            continue
        if distance < ERRORS:
            right[name] = make
        else:
            wrong[name] = f"draws another law, {distance:.0f} standard errors away"
    return right, wrong
