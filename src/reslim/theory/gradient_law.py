"""The gradient of ReLU networks, from the last layer down.

Where layers are independent it follows the forward law. In vanilla networks the angle between gradient and state matters.
"""

from __future__ import annotations

from reslim.spec import ResNet
from reslim.theory import angle_law, finite_width
from reslim.theory.forward_law import growth_of, validity
from reslim.theory.law import Law, QuantityLaw, Request, allowed, each_input, relu_refusal, source
from reslim.theory.shares import relu_shares
from reslim.theory.sums import cumulated


def _has_memory(net: ResNet) -> bool:
    """Return whether the gradient meets masks that the state has met before."""
    return net.block == "one-matrix" and not net.balanced


def _refusal(net: ResNet) -> str:
    gaussian = net.entries == "gaussian" or not _has_memory(net)
    return relu_refusal(net) or ("" if gaussian else "the law of the gradient of a vanilla network needs Gaussian entries")


def _gradient(request: Request, name: str) -> QuantityLaw:
    return (_vanilla if _has_memory(request.net) else _independent)(request)


def _independent(request: Request) -> QuantityLaw:
    law = growth_of(request.net).backward()
    return QuantityLaw(
        each_input(law.mean, request.inputs),
        each_input(law.variance, request.inputs),
        "normal",
        f"at every d and n the law of the forward growth through the later layers: {validity(request.net)}",
        source(request.net),
        allowed(law.errors, law.variance, request.inputs),
        log_second_moment=law.log_second_moment,
        exact_second_moment=law.exact_second_moment,
    )


def _vanilla(request: Request) -> QuantityLaw:
    net = request.net
    shares = relu_shares(net)
    mean, variance = angle_law.moments(net)
    mean = mean + cumulated(shares.log_growth[::-1])[::-1]
    return QuantityLaw(
        each_input(mean, request.inputs),
        each_input(variance, request.inputs),
        "gradient",
        "d, n → ∞ at fixed d/n, for p_d independent of the network; relative error of the variance 3.8/n at d = n and r = ½",
        "docs/derivations/gradient.md",
        allowed(finite_width.gradient(net, shares.r, variance), variance, request.inputs),
    )


LAW = Law(("log_grad_growth",), _refusal, _gradient)
