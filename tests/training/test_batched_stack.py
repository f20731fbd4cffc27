"""The batched program against ordinary modules, whose gradients PyTorch finds."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from reslim import DepthPower, Fractional, ResNet, Smooth
from reslim.pytorch import build
from reslim.simulation import explicit
from reslim.training.ensemble import without_subnormals
from reslim.training.pointwise import Relu
from reslim.training.stack import Stack

SIZES = {"depth": 5, "width": 6, "n_in": 4, "n_out": 3}
KINDS = {
    "relu": {"skip": 1.0, "branch": DepthPower(0.5), "variance": 1.0},
    "tanh, schedules": {"activation": "tanh", "skip": (1.0, 0.5, -0.8, 1.0, 0.9), "branch": (0.2, 0.0, 1.0, 0.4, 0.3)},
    "two-matrix gelu": {"block": "two-matrix", "activation": "gelu", "variance": (1.5, 0.7)},
    "balanced relu": {"balanced": True},
    "balanced two-matrix silu, skip 1": {"block": "two-matrix", "activation": "silu", "balanced": True, "skip": 1.0},
    "leaky relu": {"activation": "leaky_relu:0.2", "coupling": Fractional(0.8)},
    "erf": {"activation": "erf", "coupling": Smooth(0.3)},
    "identity": {"activation": "identity"},
}


def images(count, columns):
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(count, SIZES["n_in"], columns, generator=generator)
    return x, torch.randint(SIZES["n_out"], (count, columns), generator=generator)


@pytest.mark.parametrize("where", ["forward", "init"])
@pytest.mark.parametrize("kind", KINDS)
def test_losses_and_gradients_are_those_of_modules(kind, where):
    nets = [ResNet(**SIZES, **KINDS[kind])] * 3
    stack = Stack(nets, [explicit.draw_weights(net, seed, 0) for seed, net in enumerate(nets)], where)
    x, labels = images(3, 7)
    with torch.no_grad():
        losses, logits = stack.loss_and_gradients(x, labels), stack.logits(x)
    for seed, net in enumerate(nets):
        module = build(net, seed, where=where, dtype=torch.float32)
        out = module(x[seed].T)
        loss = F.cross_entropy(out, labels[seed])
        loss.backward()
        torch.testing.assert_close(logits[seed].T, out.detach(), rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(losses[seed], loss.detach(), rtol=1e-5, atol=1e-6)
        for name in ("w_in", "w_out"):
            torch.testing.assert_close(stack.grads[name][seed], getattr(module, name).weight.grad, rtol=1e-4, atol=1e-6)
        for l, block in enumerate(module.blocks):
            outer = block.v if net.block == "two-matrix" else block.w
            torch.testing.assert_close(stack.grads["v"][seed, l], outer.weight.grad, rtol=1e-4, atol=1e-6)
            if net.block == "two-matrix":
                torch.testing.assert_close(stack.grads["w"][seed, l], block.w.weight.grad, rtol=1e-4, atol=1e-6)


def test_networks_may_differ_in_their_factors():
    nets = [ResNet(**SIZES, branch=branch, skip=skip) for branch, skip in ((0.1, 1.0), (0.9, 0.4))]
    weights = [explicit.draw_weights(net, 3, 0) for net in nets]
    x, labels = images(2, 5)
    with torch.no_grad():
        together = Stack(nets, weights, "forward").loss_and_gradients(x, labels)
        alone = [Stack([net], [w], "forward").loss_and_gradients(x[i : i + 1], labels[i : i + 1])
                 for i, (net, w) in enumerate(zip(nets, weights, strict=True))]  # fmt: skip
    torch.testing.assert_close(together, torch.cat(alone), rtol=1e-6, atol=0.0)
    assert abs(together[0] - together[1]) > 0.01


@pytest.mark.parametrize("where", ["forward", "init"])
def test_unit_weights_are_those_that_were_drawn(where):
    net = ResNet(**SIZES, **KINDS["two-matrix gelu"], branch=(0.5, 0.0, 1.0, 2.0, 0.1))
    drawn = explicit.draw_weights(net, 5, 0)
    found = Stack([net], [drawn], where).unit_weights(0, drawn)
    for one, other in ((found.w_in, drawn.w_in), (found.w_out, drawn.w_out), *zip(found.blocks, drawn.blocks, strict=True)):
        np.testing.assert_allclose(one, other, rtol=1e-6)


def test_the_networks_that_stay_are_not_changed():
    nets = [ResNet(**SIZES, balanced=True, branch=branch) for branch in (0.1, 0.5, 0.9)]
    weights = [explicit.draw_weights(net, seed, 0) for seed, net in enumerate(nets)]
    x, labels = images(3, 5)
    stack = Stack(nets, weights, "forward")
    with torch.no_grad():
        before = stack.loss_and_gradients(x, labels)
        stack.keep_only(np.array([0, 2]))
        after = stack.loss_and_gradients(x[[0, 2]], labels[[0, 2]])
    torch.testing.assert_close(after, before[[0, 2]], rtol=1e-6, atol=0.0)


def test_one_pass_of_relu_s_derivative_is_pytorch_s_two():
    generator = torch.Generator().manual_seed(4)
    onto, q, h = (torch.randn(3, 7, 5, generator=generator) for _ in range(3))
    h[0, 0, 0], h[0, 0, 1], q[0, 1, 0] = 0.0, torch.nan, torch.inf
    kept = torch.empty_like(h)
    Relu().forward(h, kept)
    pull = Relu().again(kept)[1]
    expected = onto + torch.where(kept <= 0.0, 0.0, q)
    assert pull(q.clone(), onto=onto.clone()).equal(expected)
    assert onto.add(pull(q.clone())).equal(expected)


def test_subnormal_numbers_are_0_while_networks_are_trained():
    def half(number):
        return torch.full((1,), number).mul_(0.5).item()

    assert half(2.0**-126) == 2.0**-127
    with without_subnormals():
        assert (half(2.0**-126), half(2.0**-125)) == (0.0, 2.0**-126)
        with without_subnormals():
            pass
        assert half(2.0**-126) == 0.0
    assert half(2.0**-126) == 2.0**-127
