"""The gradient of networks with a piecewise linear activation, from the last layer down.

Where layers are independent it follows the forward law. In vanilla networks the angle between gradient and state matters.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from reslim.theory import activation_law, adjoint_law, angle, angle_law, finite_width
from reslim.theory.forward_law import growth_of, validity
from reslim.theory.growth import gradient_second_moment
from reslim.theory.law import Law, QuantityLaw, Request, allowed, each_input, is_relu, source
from reslim.theory.shares import homogeneous_shares
from reslim.theory.sums import cumulated

Array = NDArray[np.float64]
FAMILIES = {"generic": "gradient", "parallel": "moments", "orthogonal": "normal"}
STARTS = {"generic": "p_d independent of the network", "parallel": "p_d = z_d", "orthogonal": "p_d across z_d"}


def _gradient(request: Request, name: str) -> QuantityLaw | str:
    if request.functional == "generic" and not angle.matters(request.net):
        return _independent(request)
    if request.net.entries != "gaussian":
        return "the law of the gradient of a vanilla network, or of a p_d that is tied to z_d, needs Gaussian entries"
    return _pulled(request)


def _independent(request: Request) -> QuantityLaw:
    if is_relu(request.net):
        forward, said = growth_of(request.net), validity(request.net)
        law = replace(forward.backward(), log_second_moment=gradient_second_moment(request.net, forward))
    else:
        law, said = activation_law.laws(request.net, request.mean_squares)[0].backward(), activation_law.validity(request.net)
    return QuantityLaw(
        each_input(law.mean, request.inputs),
        each_input(law.variance, request.inputs),
        "normal",
        f"at every d and n the law of the forward growth through the later layers: {said}",
        source(request.net),
        allowed(law.errors, law.variance, request.inputs),
        log_second_moment=law.log_second_moment if is_relu(request.net) else None,
        exact_second_moment=law.exact_second_moment,
        with_growth=_with_growth(request),
    )


def _with_growth(request: Request) -> Array | None:
    """Return the covariance with the forward growth, where the general law has it."""
    net = request.net
    return adjoint_law.with_growth(request) if net.entries == "gaussian" and net.depth <= activation_law.DEEPEST else None


def _pulled(request: Request) -> QuantityLaw:
    net, kind = request.net, request.functional
    shares = homogeneous_shares(net)
    mean, variance = angle_law.moments(net, kind)
    mean = mean + cumulated(shares.log_growth[::-1])[::-1]
    errors = finite_width.gradient(net, shares.r, variance)
    errors = finite_width.along(net, errors) if kind == "parallel" else errors
    return QuantityLaw(
        each_input(mean, request.inputs),
        each_input(variance, request.inputs),
        FAMILIES[kind],
        f"d, n → ∞ at fixed d/n, for {STARTS[kind]}; relative error of the variance 3.8/n at d = n and r = ½",
        "docs/derivations/gradient.md",
        allowed(errors, variance, request.inputs),
        with_growth=None if kind == "parallel" else _with_growth(request),
    )


LAW = Law(("log_grad_growth",), lambda net: net.phi.homogeneous, _gradient)
