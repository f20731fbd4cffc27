"""The log-Gaussian law of the forward pass of ReLU networks: growth, norm and output."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
from scipy.special import polygamma

from reslim.spec import ResNet
from reslim.theory import growth
from reslim.theory.families import log_chi2_moments
from reslim.theory.growth import Growth
from reslim.theory.law import Law, QuantityLaw, Request, is_relu, source
from reslim.theory.readout import NAMES, Readout
from reslim.theory.shares import is_perceptron


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
    net, law = request.net, growth_of(request.net, request.fitted)
    # ln(|z_0|²/n) - ln(|x|²/n_in) is ln(χ²_n/n), exactly, and independent of the growth.
    first, second = log_chi2_moments(net.width)
    third = float(polygamma(2, 0.5 * net.width))
    errors = replace(law.errors, third=law.errors.third + third)
    mean = law.mean[:, None] + first + np.log(request.mean_squares)
    norm = replace(law, mean=mean, variance=law.variance + second, errors=errors)
    return Readout(net, request.inputs, law, norm, validity(net, request.fitted), source(net)).of(name)


LAW = Law(NAMES, is_relu, _forward)
