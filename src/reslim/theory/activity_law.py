"""The laws of the active shares of ReLU networks, as the table of laws wants them."""

from __future__ import annotations

import numpy as np

from reslim.theory import activity
from reslim.theory.law import PAPER, Allowed, Law, QuantityLaw, Request, each_input, relu_refusal

EXACT = "exact at every d and n, among the layers that are reached"
FIRST_ORDER = "d, n → ∞ at fixed d/n; mean to O(1/n²), variance to O(1/n) of itself"
NEXT = 10.0  # n × relative error that the effects are allowed


def _activity(request: Request, name: str) -> QuantityLaw:
    net, inputs = request.net, request.inputs
    found = activity.fraction(net) if name == "active_fraction" else activity.energy(net)
    exact = net.entries == "gaussian" and (net.block == "two-matrix" or (net.balanced and name == "active_fraction"))
    order = 0.0 if exact else NEXT / net.width
    shape = (net.depth, inputs)
    # What the mean leaves out is the effect's own next order, and the variance of the share it acts on.
    error = order * (np.abs(found.mean - 0.5) + found.variance)
    return QuantityLaw(
        each_input(found.mean, inputs),
        np.full(shape, found.variance),
        "moments",
        EXACT if exact else FIRST_ORDER,
        PAPER,
        Allowed(each_input(error, inputs), np.full(shape, order), np.full(shape, np.nan)),
        covariance=lambda layers: activity.interlayer(net, name, layers),
    )


LAW = Law(("active_fraction", "active_energy"), relu_refusal, _activity)
