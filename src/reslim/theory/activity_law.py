"""The laws of the active shares, as the table of laws wants them: of ReLU networks, and around a path of all others."""

from __future__ import annotations

from functools import partial

import numpy as np

from reslim.theory import activation_law, activity, activity_response, mean_field
from reslim.theory.law import Allowed, Law, QuantityLaw, Request, each_input, is_relu, source

EXACT = "mean and variance exact at every d and n"
FIRST_ORDER = "d, n → ∞ at fixed d/n; mean to O(1/n²), variance to O(1/n) of itself"
MEAN_NEXT = 15.0  # n × relative error of hypoactivation: measured 11 for the fraction, deep in a network of width 30
VARIANCE_NEXT = 3.0  # n × relative error of the variance: measured 1.4 there
PATH_NEXT = 8.0  # likewise around a path: measured 7 (tanh)
DRIFT = 0.25  # relative error per variance of log_norm, of the expansion around a path
TINY = float(np.finfo(float).tiny)
SOURCE = "docs/derivations/every-activation.md"


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


def _response(request: Request, name: str) -> QuantityLaw | str:
    net, inputs = request.net, request.inputs
    if reason := activation_law.refusal(net) or activation_law.too_wide(request):
        return reason
    shares = mean_field.recursion(net, request.mean_squares).shares
    paths = [activation_law.path_of(net, float(value))[0] for value in request.mean_squares]
    spread = activation_law.spread(request)
    relative = MEAN_NEXT / net.width + DRIFT * spread
    ratio = np.broadcast_to(PATH_NEXT / net.width + DRIFT * spread, (net.depth, inputs))
    alike = np.ptp(request.mean_squares) == 0.0
    if name == "active_fraction":
        mean = np.stack([activity_response.fraction_mean(net, path) for path in paths], axis=-1)
        variance, error = np.full_like(mean, 0.25 / net.width), np.abs(mean - 0.5) * relative
        covariance = partial(activity_response.fraction_covariance, net, paths[0])
        exact = net.block == "two-matrix" or net.balanced
        ratio = ratio * (not exact)
    else:
        pairs = [activity_response.energy(net, *pair) for pair in zip(paths, shares.T, strict=True)]
        logs = [activity_response.log_energy(net, path) for path in paths]
        ratio = ratio * np.stack([each.terms / np.maximum(each.variance, TINY) for each in logs], axis=-1)
        mean, variance = (np.stack(values, axis=-1) for values in zip(*pairs, strict=True))
        size = np.abs(mean - shares) + variance / shares  # the mean has terms of either sign
        error, exact = size * relative, False
        covariance = partial(activity_response.energy_covariance, net, paths[0], shares[:, 0])
    within = Allowed(error, ratio, np.full((net.depth, inputs), np.nan))
    said = EXACT if exact else f"first order in 1/n; mean to O(1/n²), variance to {PATH_NEXT:g}/n + {DRIFT:g} V of itself"
    said = said if exact else f"{said}, V the variance of log_norm"
    return QuantityLaw(mean, variance, "moments", said, SOURCE, within, covariance=covariance if alike else None)


GIVES = ("active_fraction", "active_energy")
LAWS = (Law(GIVES, is_relu, _activity), Law(GIVES, lambda net: True, _response))
