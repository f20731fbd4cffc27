"""The gradient of ReLU networks whose layers are independent: it follows the forward law, from the last layer down."""

from __future__ import annotations

from reslim.spec import ResNet
from reslim.theory.forward_law import growth_of, validity
from reslim.theory.law import Law, QuantityLaw, Request, allowed, each_input, relu_refusal, source


def _refusal(net: ResNet) -> str:
    if net.block == "one-matrix" and not net.balanced:
        return "the gradient of a vanilla one-matrix network does not follow the forward law; its own is not in this version"
    return relu_refusal(net)


def _gradient(request: Request, name: str) -> QuantityLaw:
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


LAW = Law(("log_grad_growth",), _refusal, _gradient)
