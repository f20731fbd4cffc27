"""Built modules are the explicit sampler's networks: every block, activation, coupling, schedule and law of the entries."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from judged import SEED, assert_close, assert_same_passes, explicit_passes, module_passes

from reslim import DepthPower, Fractional, Independent, Matern, ResNet, Smooth, simulate
from reslim.activations import activation
from reslim.errors import BadKind, BadValue, NotCovered
from reslim.pytorch import build
from reslim.pytorch.activations import module_of
from reslim.simulation import explicit, memory

ACTIVATIONS = ["relu", "leaky_relu:0.2", "leaky_relu:-0.5", "tanh", "erf", "gelu", "silu", "identity"]
COUPLINGS = {
    "independent": Independent(),
    "process": Smooth(0.3),
    "increments": Smooth(0.2, kind="increments"),
    "matern": Matern(0.3, 0.5),
    "fractional": Fractional(0.7),
}
SCHEDULES = {
    "numbers": {"skip": -0.8, "branch": 0.6},
    "power": {"skip": 1.0, "branch": DepthPower(0.5, prefactor=2.0)},
    "a layer": {"skip": (0.5, 1.0, 0.0, -1.0), "branch": (1.0, 0.0, 2.0, -0.5)},
}
BLOCKS = {"one-matrix": 1.7, "two-matrix": (1.5, 0.7)}  # with their variance
X = np.array([0.7, -1.2, 0.4])


def spec(block: str, **fields) -> ResNet:
    return ResNet(**{"depth": 4, "width": 5, "n_in": 3, "n_out": 2, "block": block, "variance": BLOCKS[block]} | fields)


def built(net: ResNet, seed: int = SEED, **more):
    return build(net, seed, dtype=torch.float64, **more)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("coupling", COUPLINGS)
@pytest.mark.parametrize("balanced", [False, True], ids=["vanilla", "balanced"])
@pytest.mark.parametrize("phi", ACTIVATIONS)
@pytest.mark.parametrize("block", BLOCKS)
def test_states_gradients_and_output_are_those_of_the_explicit_sampler(block, phi, balanced, coupling, schedule):
    net = spec(block, activation=phi, balanced=balanced, coupling=COUPLINGS[coupling], **SCHEDULES[schedule])
    assert_same_passes(module_passes(built(net), X), explicit_passes(net, SEED, X))


@pytest.mark.parametrize("coupling", ["independent", "fractional"])
@pytest.mark.parametrize("balanced", [False, True], ids=["vanilla", "balanced"])
@pytest.mark.parametrize("phi", ACTIVATIONS)
@pytest.mark.parametrize("block", BLOCKS)
def test_tangents_are_the_jacobians_of_the_module_along_t_0(block, phi, balanced, coupling):
    net = spec(block, activation=phi, balanced=balanced, coupling=COUPLINGS[coupling], **SCHEDULES["numbers"])
    module, weights = built(net), explicit.draw_weights(net, SEED, 0)

    def states(z: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return tuple(itertools.accumulate(module.blocks, lambda state, block: block(state), initial=z))

    start, t_0 = module.w_in(torch.from_numpy(X)).detach(), torch.from_numpy(weights.t_0)
    expected = [jacobian @ t_0 for jacobian in torch.autograd.functional.jacobian(states, start)]
    paths = explicit.paths([net], weights, X[None], None, tangent=True)
    for found, t in zip(paths.by_column(paths.t, 1)[:, :, 0] * 2.0 ** paths.t_exponent[:, :1], expected, strict=True):
        assert_close(found, t.numpy())
    draws = simulate(net, 1, SEED, method="explicit", quantities=["log_tangent_growth"], inputs=X[None], layers="all", threads=1)
    growth = [torch.log(t @ t / (t_0 @ t_0)).item() for t in expected]
    np.testing.assert_allclose(draws.log_tangent_growth[0, :, 0], growth, atol=1e-11)


@pytest.mark.parametrize("entries", ["uniform", "rademacher"])
@pytest.mark.parametrize("block", BLOCKS)
def test_entries_that_are_not_gaussian(block, entries):
    net = spec(block, entries=entries, balanced=True)
    assert_same_passes(module_passes(built(net), X), explicit_passes(net, SEED, X))


def test_a_batch_of_any_shape_is_its_inputs():
    module = built(spec("two-matrix", balanced=True, activation="tanh"))
    batch = torch.from_numpy(np.random.default_rng(0).standard_normal((2, 4, 3)))
    states, outputs = module.states(batch), module(batch)
    assert (len(states), states[-1].shape, outputs.shape) == (5, (2, 4, 5), (2, 4, 2))
    assert_close(outputs[1, 2].detach().numpy(), module(batch[1, 2]).detach().numpy(), 1e-14)


def test_sizes_of_input_and_output_are_those_of_another_spec():
    net = spec("one-matrix")
    module = built(net, n_in=7, n_out=1)
    assert module.net == net.replace(n_in=7, n_out=1)
    assert_same_passes(module_passes(module, np.linspace(-1, 1, 7)), explicit_passes(module.net, SEED, np.linspace(-1, 1, 7)))
    assert built(net).net == net


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_and_their_derivatives(name):
    phi, points = activation(name), np.concatenate([[0.0], np.linspace(-12.0, 12.0, 241)])
    h = torch.from_numpy(points).requires_grad_()
    value = module_of(phi)(h)
    (slope,) = torch.autograd.grad(value.sum(), h)
    np.testing.assert_allclose(value.detach().numpy(), phi.value(points), rtol=1e-14, atol=1e-14)
    np.testing.assert_allclose(slope.numpy(), phi.derivative(points), rtol=1e-14, atol=1e-14)


NET = ResNet(depth=3, width=4)
COUPLED = ResNet(depth=3, width=4, entries="uniform", coupling=Fractional(0.7))
BAD = {
    "net": ((3,), {}, BadKind, "build(net=...) must be a ResNet, got 3."),
    "seed": ((NET, -1), {}, BadValue, "build(seed=...) must be an integer from 0 to 2**64 - 1, got -1."),
    "seed, kind": ((NET, 0.5), {}, BadKind, "build(seed=...) must be an integer, got 0.5."),
    "n_in": ((NET,), {"n_in": 0}, BadValue, "build(n_in=...) must be a positive integer, got 0."),
    "n_out": ((NET,), {"n_out": "1"}, BadKind, "build(n_out=...) must be a positive integer, got '1'."),
    "where": (
        (NET,),
        {"where": "foward"},
        BadValue,
        "build(where=...) must be one of forward, init, got 'foward'. Did you mean 'forward'?",
    ),
    "dtype": (
        (NET,),
        {"dtype": torch.int64},
        BadKind,
        "build(dtype=...) must be torch.float16, torch.bfloat16, torch.float32 or torch.float64, got torch.int64.",
    ),
    "dtype of NumPy": (
        (NET,),
        {"dtype": np.float64},
        BadKind,
        "build(dtype=...) must be torch.float16, torch.bfloat16, torch.float32 or torch.float64, got <class 'numpy.float64'>.",
    ),
    "entries": (
        (COUPLED,),
        {},
        NotCovered,
        "build(net=...) must have gaussian entries where the weights are coupled across depth, got 'uniform'.",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_arguments(case):
    given, more, kind, text = BAD[case]
    with pytest.raises(kind) as found:
        build(*given, **more)
    assert str(found.value) == text


@pytest.mark.parametrize("dtype", [torch.float16, torch.float64])
@pytest.mark.parametrize(("block", "matrices"), [("one-matrix", 1), ("two-matrix", 2)])
def test_a_network_that_does_not_fit_into_memory(monkeypatch, block, matrices, dtype):
    net = ResNet(depth=20, width=120, block=block)
    held = matrices * 20 * 120**2 * (8 + dtype.itemsize)
    monkeypatch.setattr(memory, "free_bytes", lambda: 2 * held)
    build(net, dtype=dtype)
    monkeypatch.setattr(memory, "free_bytes", lambda: held)
    with pytest.raises(BadValue, match=r"^build\(net=\.\.\.\) must fit into memory, got one that takes \d+.* MB of .*deep\.$"):
        build(net, dtype=dtype)
    monkeypatch.setattr(memory, "free_bytes", lambda: None)
    build(net, dtype=dtype)
