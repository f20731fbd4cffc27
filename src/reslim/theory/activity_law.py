"""The laws of the active shares of ReLU networks, as the table of laws wants them."""

from __future__ import annotations

import numpy as np

from reslim.theory import activity
from reslim.theory.law import Allowed, Law, QuantityLaw, Request, each_input, relu_refusal, source

EXACT = "mean and variance exact at every d and n"
FIRST_ORDER = "d, n → ∞ at fixed d/n; mean to O(1/n²), variance to O(1/n) of itself"
MEAN_NEXT = 15.0  # n × relative error of hypoactivation: measured 11 for the fraction, deep in a network of width 30
VARIANCE_NEXT = 3.0  # n × relative error of the variance: measured 1.4 there


def _activity(request: Request, name: str) -> QuantityLaw:
    net, inputs = request.net, request.inputs
    mean, variance = activity.fraction(net) if name == "active_fraction" else activity.energy(net)
    exact = activity.is_exact(net, name)
    unknown = 0.0 if exact else 1.0 / net.width
    error = MEAN_NEXT * unknown * np.abs(mean - 0.5)
    ratio = np.full((net.depth, inputs), VARIANCE_NEXT * unknown)
    return QuantityLaw(
        each_input(mean, inputs),
        each_input(variance, inputs),
        "moments",
        EXACT if exact else FIRST_ORDER,
        source(net),
        Allowed(each_input(error, inputs), ratio, np.full_like(ratio, np.nan)),
        covariance=lambda layers: activity.interlayer(net, name, layers),
    )


LAW = Law(("active_fraction", "active_energy"), relu_refusal, _activity)
