"""The log-Gaussian law of the forward pass of ReLU networks: growth, norm and output."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import polygamma

from reslim.spec import ResNet
from reslim.theory import growth
from reslim.theory.families import log_chi2_moments
from reslim.theory.finite_width import Errors
from reslim.theory.growth import Growth
from reslim.theory.law import Allowed, Law, QuantityLaw, Request, allowed, each_input, ks_distance, relu_refusal, source
from reslim.theory.shares import is_perceptron

Array = NDArray[np.float64]


def is_vanilla(net: ResNet) -> bool:
    """Return whether units remember the signs of their pre-activations."""
    return net.block == "one-matrix" and not net.balanced and not is_perceptron(net)


@lru_cache(maxsize=16)
def growth_of(net: ResNet, fitted: bool = False) -> Growth:
    """Return the law of the growth of a ReLU network."""
    if is_perceptron(net):
        return growth.perceptron(net)
    if net.block == "two-matrix":
        return growth.two_matrix(net)
    if net.balanced:
        return growth.balanced(net)
    return growth.fitted(net) if fitted else growth.vanilla(net)


def validity(net: ResNet, fitted: bool = False) -> str:
    """Say in which limit the law holds, and the size of its error where it is known."""
    if is_perceptron(net):
        exact = "exact at every d and n" if net.entries == "gaussian" else "to first order in 1/n"
        said = f"mean and variance {exact}, among the networks that live; normal as d → ∞ (skewness -2.8/√(n d))"
    elif net.block == "two-matrix":
        said = "n → ∞ at any d/n; relative error of the variance (-34 r + 32 r² + 22.5 r³)/((4 + 3 r) n)"
    elif net.balanced:
        said = "n → ∞ at any d/n; relative error of the variance (-20 r + 36 r² + 2.5 r³)/((4 + r) n)"
    elif fitted:
        said = "d, n → ∞ at fixed d/n, with a correction fitted to simulations near n = 128: relative error about 1/n"
    else:
        said = "d, n → ∞ at fixed d/n; relative error of the variance O(1/n), 7.5/n at d = n and r = ½"
    return said if net.entries == "gaussian" else f"{said}; {net.entries} entries: the same to first order"


def _forward(request: Request, name: str) -> QuantityLaw:
    net, inputs = request.net, request.inputs
    law, said = growth_of(net, request.fitted), validity(net, request.fitted)
    if name == "log_growth":
        return _normal(law, each_input(law.mean, inputs), said, source(net))
    # ln(|z_0|²/n) - ln(|x|²/n_in) is ln(χ²_n/n), exactly, and independent of the growth.
    first, second = log_chi2_moments(net.width)
    third = float(polygamma(2, 0.5 * net.width))
    errors = replace(law.errors, third=law.errors.third + third)
    norm = replace(law, variance=law.variance + second, errors=errors)
    mean = law.mean[:, None] + first + np.log(request.mean_squares)
    if name == "log_norm":
        return replace(_normal(norm, mean, said, source(net)), log_second_moment=None)
    scale = (mean[-1], np.full(inputs, norm.variance[-1]))
    return (_output_norm if name == "log_output_norm" else _output)(net, scale, errors.last(), said)


def _normal(law: Growth, mean: Array, said: str, origin: str) -> QuantityLaw:
    inputs = mean.shape[1]
    return QuantityLaw(
        mean,
        each_input(law.variance, inputs),
        "normal",
        said,
        origin,
        allowed(law.errors, law.variance, inputs),
        log_second_moment=law.log_second_moment,
        exact_second_moment=law.exact_second_moment,
    )


def _output_norm(net: ResNet, scale: tuple[Array, Array], last: Errors, said: str) -> QuantityLaw:
    """Return the law of ln(|z_out|²/n_out) = G + ln(χ²_k/k), k = n_out."""
    mean, variance = scale
    first, second = log_chi2_moments(net.n_out)
    ks = np.repeat(ks_distance(last, variance[:1]), len(mean))
    within = Allowed(np.full_like(mean, last.mean_bound[0]), last.variance_bound[0] / (variance + second), ks)
    return QuantityLaw(mean + first, variance + second, "normal+log-chi2", said, source(net), within, scale=scale)


def _output(net: ResNet, scale: tuple[Array, Array], last: Errors, said: str) -> QuantityLaw:
    """Return the law of a coordinate of z_out = e^{G/2} Z. Its heavy tails leave no test of the variance."""
    mean, variance = scale
    shape = (net.n_out, len(mean))
    ks = np.broadcast_to(ks_distance(last, variance[:1])[0], shape)
    within = Allowed(np.zeros(shape), np.full(shape, np.nan), ks)
    second_moment = np.broadcast_to(np.exp(mean + 0.5 * variance), shape)
    return QuantityLaw(np.zeros(shape), second_moment, "normal-scale-mixture", said, source(net), within, scale=scale)


LAW = Law(("log_growth", "log_norm", "log_output_norm", "output"), relu_refusal, _forward)
