"""Gradients, weights and active shares of every activation: identities, worked values, and networks."""

from __future__ import annotations

import json
import math
import time

import numpy as np
import pytest

import reslim
from helpers import assert_mean
from reslim import ResNet
from reslim.theory import (
    activation_law,
    activity,
    activity_response,
    adjoint,
    adjoint_law,
    angle,
    angle_law,
    fast_angle,
    slow_rates,
)
from reslim.theory.growth import vanilla
from reslim.theory.shares import homogeneous_shares
from reslim.theory.walk import walk

UNEVEN = {"skip": tuple(np.linspace(-0.8, 0.9, 20)), "branch": tuple(np.linspace(0.2, 1.1, 20))}
HARMONIC = tuple(1 / (layer + 2) for layer in range(20))
NETS = {
    "gelu": {"skip": 0.9, "branch": 0.4, "activation": "gelu"},
    "gelu, negative skip": {"skip": -0.8, "branch": 0.4, "activation": "gelu"},
    "tanh": {"skip": -0.8, "branch": 0.8, "activation": "tanh"},
    "erf, uneven": {"activation": "erf", "skip": tuple(np.linspace(-1.0, 1.0, 8)), "branch": 0.6},
    "silu, some skips 0": {"activation": "silu", "skip": (0.0, 0.7) * 4, "branch": 0.8},
    "silu, Balanced": {"skip": 1.0, "branch": 0.4, "activation": "silu", "balanced": True},
    "tanh, two-matrix": {"skip": 1.0, "branch": 0.4, "activation": "tanh", "block": "two-matrix"},
    "gelu, two-matrix": {"skip": 0.9, "branch": 0.5, "activation": "gelu", "block": "two-matrix", "variance": (1.2, 2.0)},
    "relu": {"skip": 0.8, "branch": 0.6},
    "leaky": {"skip": 0.8, "branch": 0.6, "activation": "leaky_relu:0.2"},
    "leaky, Balanced": {"skip": 0.8, "branch": 0.6, "activation": "leaky_relu:0.2", "balanced": True},
    "identity": {"skip": 0.8, "branch": 0.6, "activation": "identity", "variance": 1.0},
}


def of(net: ResNet) -> adjoint.Adjoint:
    return adjoint_law.adjoint_of(net, 1.0, "generic")[1]


@pytest.mark.parametrize("name", ["relu", "leaky_relu:0.2", "leaky_relu:-0.5"])
@pytest.mark.parametrize("fields", [{"skip": 0.8, "branch": 0.6}, {"skip": -0.8, "branch": 0.6}, UNEVEN])
def test_piecewise_linear_activations_keep_their_closed_forms(name, fields):
    """The Hermite sums against `angle.rates`, at every layer where the gradient may stop."""
    net = ResNet(depth=20, width=100, activation=name, **fields)
    found, rate = of(net), angle.rates(net)

    def summed(values):
        return np.append(np.cumsum(values[::-1])[::-1], 0.0)

    np.testing.assert_allclose(found.mean / 100, summed(rate.mean + rate.pull) - angle.boundary(net), atol=1e-6)
    np.testing.assert_allclose(found.angle, 1.0, atol=1e-6)
    np.testing.assert_allclose(found.variance[0] / 100, rate.variance.sum(), rtol=1e-5)
    np.testing.assert_allclose((found.with_last - found.with_first)[0] / 100, rate.covariance.sum(), atol=1e-5)


@pytest.mark.parametrize(
    "fields",
    [
        {"activation": "identity"},
        {"activation": "leaky_relu:0.2", "balanced": True},
        {"activation": "relu", "balanced": True},
        {"activation": "relu", "block": "two-matrix", "variance": (1.3, 2.0)},
        {"activation": "leaky_relu:-0.3", "block": "two-matrix"},
    ],
)
def test_independent_layers_give_the_forward_law(fields):
    net = ResNet(depth=20, width=100, **UNEVEN, **fields)
    found, forward = of(net), activation_law.path_of(net, 1.0)[1]
    np.testing.assert_allclose(found.mean, forward.growth_mean[-1] - forward.growth_mean, atol=1e-8)
    np.testing.assert_allclose(found.variance, forward.growth_variance[-1] - forward.growth_variance, atol=1e-8)
    np.testing.assert_allclose(found.mean, -0.5 * found.variance, atol=1e-8)
    if net.activation == "identity":
        np.testing.assert_allclose(found.with_last, 0.0, atol=1e-10)


def test_the_second_moments_of_both_directions_agree():
    """E‖J‖²_F = E|z_d|², of the leaky ReLU: mean and half the variance, with E e^{...} of a χ²₁ angle."""
    net = ResNet(depth=20, width=100, activation="leaky_relu:0.2", **UNEVEN)
    rate = angle.rates(net)
    np.testing.assert_allclose(
        rate.state_mean + 0.5 * rate.state_variance, rate.mean + 0.5 * rate.variance + rate.pull, atol=1e-15
    )
    np.testing.assert_allclose(rate.state_mean - rate.mean + rate.pull, 0.5 * rate.spread, atol=1e-15)
    forward = activation_law.path_of(net, 1.0)[1]
    assert rate.state_variance.sum() == pytest.approx(forward.growth_variance[-1] / 100, rel=1e-10)
    relu = net.replace(activation="relu")
    expected = vanilla(relu).mean[-1] - homogeneous_shares(relu).log_growth.sum()
    assert angle.rates(relu).state_mean.sum() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("name", "skip", "branch", "fields", "mean", "variance", "covariance"),
    [
        ("tanh", 1.0, 0.4, {"variance": 1.0}, -3.015, 6.321, -1.062),
        ("tanh", -0.8, 0.8, {}, -21.395, 55.114, -2.200),
        ("gelu", 0.9, 0.5, {}, -11.954, 46.369, 34.792),
        ("gelu", -0.8, 0.6, {}, 1.821, 49.152, 43.316),
        ("silu", 1.0, 0.3, {}, -3.286, 9.753, 3.815),
        ("gelu", 1.0, HARMONIC, {}, -1.151, 2.536, 0.446),
        ("tanh", 1.0, 0.4, {"block": "two-matrix", "variance": 1.0}, -2.749, 5.270, -0.956),
        ("gelu", 0.9, 0.5, {"block": "two-matrix", "variance": (1.0, 2.0)}, -10.485, 24.816, 11.349),
        ("silu", 1.0, 0.3, {"block": "two-matrix", "variance": (1.0, 2.0)}, -2.583, 6.173, 1.368),
    ],
)
def test_worked_values(name, skip, branch, fields, mean, variance, covariance):
    net = ResNet(**({"depth": 20, "width": 100, "skip": skip, "branch": branch, "activation": name, "variance": 2.0} | fields))
    found = of(net)
    assert [found.mean[0], found.variance[0], found.with_last[0]] == pytest.approx([mean, variance, covariance], abs=6e-4)


@pytest.mark.parametrize("case", [name for name in NETS if "two-matrix" not in name])
def test_the_angle_by_two_recursions(case):
    net = ResNet(depth=8, width=100, **NETS[case])
    both, _ = adjoint_law.adjoint_of(net, 1.0, "generic")
    for start in (1.0, 0.0):
        np.testing.assert_allclose(fast_angle.turns(both, start).angle, fast_angle.angles(both, start), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    "case", [name for name in NETS if "two-matrix" not in name and not isinstance(NETS[name]["skip"], tuple)]
)
def test_the_weights_of_one_layer_are_the_active_energy(case):
    """U = λ² (v/n) |φ(z_0)|²/|z_0|², whatever the gradient."""
    net = ResNet(depth=1, width=100, **NETS[case])
    both, _ = adjoint_law.adjoint_of(net, 1.0, "generic")
    _, found = adjoint_law.weights_of(net, 1.0, "generic")
    expected = activity_response.log_energy(net, both.path)
    np.testing.assert_allclose(found.mean, expected.mean, atol=1e-9)
    np.testing.assert_allclose(found.variance, expected.variance, atol=1e-9)
    assert [found.kernel_mean, found.kernel_variance] == pytest.approx([found.mean[0], found.variance[0]], abs=1e-9)


def test_the_weights_of_relu_follow_the_slow_angle():
    net = ResNet(depth=64, width=64, skip=math.sqrt(0.5), branch=1.0)
    _, found = adjoint_law.weights_of(net, 1.0, "generic")
    gradient, forward = angle_law.moments(net)[1], vanilla(net).variance
    assert found.variance[31] / 64 == pytest.approx(forward[31] + gradient[32], rel=0.05)
    assert found.variance[31] / 64 > 1.04 * (forward[31] + of(net).variance[32] / 64)


@pytest.mark.parametrize("name", ["relu", "leaky_relu:0.2"])
@pytest.mark.parametrize("fields", [{"skip": 0.8, "branch": 0.6}, {"skip": -0.8, "branch": 0.6}, UNEVEN])
def test_the_slow_angle_s_rates_are_those_of_homogeneous_networks(name, fields):
    net = ResNet(depth=20, width=100, activation=name, **fields)
    found, expected = slow_rates.rates(*adjoint_law.adjoint_of(net, 1.0, "generic")), angle.rates(net)
    for key in ("state_variance", "variance", "covariance", "pull"):
        np.testing.assert_allclose(getattr(found, key), getattr(expected, key), rtol=1e-3, atol=1e-6, err_msg=key)
    boundary = angle.boundary(net)
    np.testing.assert_allclose(found.mean, expected.mean - boundary[:-1] + boundary[1:], atol=1e-5)
    assert found.state_mean.sum() == pytest.approx(expected.state_mean.sum(), rel=1e-5)
    np.testing.assert_allclose([found.forget, found.renewal], 0.0, atol=1e-5)


@pytest.mark.parametrize(
    "fields", [NETS["tanh"], NETS["gelu, negative skip"], {"skip": 0.0, "branch": 1.0, "activation": "tanh"}]
)
def test_at_a_fixed_depth_the_slow_angle_gives_the_fast_one_s_law(fields):
    net = ResNet(depth=10, width=1_000_000, **fields)
    mean, variance, square = adjoint_law.slow(net, 1.0, "generic")
    fast = of(net)
    np.testing.assert_allclose(mean, fast.mean, rtol=3e-3, atol=0.02)
    np.testing.assert_allclose(variance, fast.variance, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(square, fast.angle, rtol=1e-2)


@pytest.mark.parametrize(
    ("name", "branch", "variance", "n", "d", "expected", "fixed"),
    [
        ("gelu", 0.2, 2.0, 256, 256, (-25.5, 84.7), (-22.8, 80.5)),
        ("silu", 0.2, 2.0, 128, 128, (-13.5, 42.6), (-12.1, 40.3)),
        ("gelu", 0.1, 2.0, 64, 100, (-2.444, 5.85), (-2.413, 5.81)),
        ("tanh", 0.2, 1.0, 64, 100, (-3.924, 8.48), (-3.950, 8.53)),
    ],
)
def test_worked_values_of_deep_networks(name, branch, variance, n, d, expected, fixed):
    net = ResNet(depth=d, width=n, skip=1.0, branch=branch, variance=variance, activation=name)
    found = [values[0] for values in adjoint_law.slow(net, 1.0, "generic")[:2]]
    assert found == pytest.approx(expected, rel=5e-3)
    assert [of(net).mean[0], of(net).variance[0]] == pytest.approx(fixed, rel=5e-3)


@pytest.mark.parametrize("fields", [{"skip": 0.8}, {"skip": -0.8}, UNEVEN, {"balanced": True}])
def test_active_shares_of_relu_through_the_response(fields):
    net = ResNet(**({"depth": 20, "width": 100, "branch": 0.6} | fields))
    path, half, layers = activation_law.path_of(net, 1.0)[0], np.full(20, 0.5), [0, 3, 4, 19]
    found, expected = activity_response.energy(net, path, half), activity.energy(net)
    np.testing.assert_allclose(found.mean, expected.mean, atol=1e-8)
    np.testing.assert_allclose(found.variance, expected.variance, rtol=0.03)  # 3/(4n) and 3/(4(n+2))
    np.testing.assert_allclose(activity_response.fraction_mean(net, path), activity.fraction(net).mean, atol=2e-6)
    for name, of_energy in (("active_energy", True), ("active_fraction", False)):
        covariance = activity.interlayer(net, name, layers)
        one = activity_response.energy_covariance(net, path, half, layers)
        found = one if of_energy else activity_response.fraction_covariance(net, path, layers)
        np.testing.assert_allclose(np.triu(found, 1), np.triu(covariance, 1), atol=1e-7)


BACKWARD = ["log_grad_growth", "grad_state_cosine", "log_weight_grad", "log_ntk", "active_energy", "active_fraction"]


@pytest.mark.parametrize("case", NETS)
def test_the_laws_are_those_of_the_networks(case):
    net, layers = ResNet(depth=8, width=120, n_in=1, **NETS[case]), [0, 1, 4, 7, 8]
    options = {"quantities": BACKWARD, "layers": layers}
    sample = reslim.simulate(net, 20_000, 2, progress=False, **options)
    prediction = reslim.predict(net, covariance=True, **options)
    assert json.loads(prediction.attrs["unavailable"]) == {}
    found = reslim.compare(prediction, sample, layers=layers)
    assert {str(v) for name in BACKWARD for v in found[f"{name}_verdict"].values.ravel()} <= {"", "agree", "unresolved"}
    variance = prediction.sel(law="log-gaussian", moment="variance")
    for name, places in (("log_grad_growth", [0, 4]), ("log_weight_grad", [1, 4, 8])):
        ratio = sample[name].sel(layer=places).astype(float).var("replica") / variance[name].sel(layer=places)
        np.testing.assert_allclose(ratio, 1.0, atol=0.13)
    energy = sample.active_energy.sel(layer=[1, 4, 7]).values[:, :, 0]
    law = prediction.active_energy_covariance.sel(law="log-gaussian", layer=[1, 4, 7], layer_2=[1, 4, 7]).values
    scale = np.maximum(np.sqrt(np.outer(np.diag(law), np.diag(law))), 1e-9)  # of the identity it is 0
    np.testing.assert_allclose(np.cov(energy.T) / scale, law / scale, atol=0.1)


@pytest.mark.parametrize("case", ["gelu", "tanh", "silu, Balanced", "gelu, two-matrix", "leaky"])
def test_the_covariance_with_the_forward_pass(case):
    net = ResNet(depth=8, width=800, n_in=1, **NETS[case])
    names = ["log_grad_growth", "log_growth"]
    sample = reslim.simulate(net, 20_000, 4, quantities=names, layers=[0, 8], progress=False)
    law = float(reslim.predict(net, quantities=names, layers=[0]).log_grad_growth_with_growth.item())
    p, z = (sample[name].sel(layer=layer).values[:, 0] for name, layer in zip(names, (0, 8), strict=True))
    both = (p - p.mean()) * (z - z.mean()) / (p.std() * z.std())
    assert_mean(both, law / (p.std() * z.std()), resolution=0.04)


def test_the_error_falls_like_one_over_the_width():
    """GELU, eight layers: the slope of ln|variance/law - 1| in ln n."""
    errors, widths = [], (8, 16, 32)
    for width in widths:
        net = ResNet(depth=8, width=width, n_in=1, skip=0.9, branch=0.4, activation="tanh")
        law = of(net).variance[0] / width
        sample = reslim.simulate(net, 200_000, 3, quantities=["log_grad_growth"], layers="last", progress=False)
        errors.append(abs(float(sample.log_grad_growth.astype(float).var()) / law - 1.0))
    slope = np.polyfit(np.log(widths), np.log(errors), 1)[0]
    assert -1.5 < slope < -0.6, errors


def test_where_the_state_spreads_too_far_nothing_is_claimed():
    net = ResNet(depth=40, width=30, activation="gelu", skip=0.9, branch=0.5)
    reasons = json.loads(reslim.predict(net).attrs["unavailable"])
    for name in BACKWARD:
        assert "up to a variance of log_norm of 1" in reasons[name]
    assert "log_growth" not in reasons
    sample = reslim.simulate(net, 10, quantities=["log_ntk"], progress=False)
    with pytest.raises(ValueError, match="log_ntk: for gelu the law holds up to"):
        reslim.compare(reslim.predict(net, quantities=["log_ntk"]), sample)


@pytest.mark.parametrize("name", ["identity", "leaky_relu:0.2", "relu", "tanh", "gelu"])
@pytest.mark.parametrize("fields", [{}, {"balanced": True}, {"block": "two-matrix"}])
@pytest.mark.filterwarnings("error")
def test_extreme_schedules(name, fields):
    net = ResNet(depth=4, width=40, skip=(0.0, 1.0, -0.5, 0.0), branch=(1.0, 0.0, 0.3, 2.0), activation=name, n_in=1, **fields)
    for case in (net, net.replace(depth=1, skip=1.0, branch=0.0), net.replace(depth=1, skip=0.0, branch=1.0)):
        laws = reslim.predict(case, inputs=np.array([[1e-3], [1.0], [10.0]]), layers="all")
        reasons = json.loads(laws.attrs["unavailable"])
        for quantity in ("log_grad_growth", "grad_state_cosine", "log_weight_grad", "log_ntk", "active_energy"):
            if quantity not in reasons:
                law = laws[quantity].sel(law="log-gaussian")
                law = law.sel(layer=law.attrs["layers"]) if "layers" in law.attrs else law
                assert np.isfinite(law).all(), quantity
                assert (law.sel(moment="variance") >= -1e-15).all(), quantity


def test_cost_is_linear_in_depth():
    def seconds(depth: int) -> float:
        net, best = ResNet(depth=depth, width=5000, skip=1.0, branch=0.03, activation="gelu"), math.inf
        path = activation_law.path_of(net, 1.0)[0]
        for _ in range(3):
            started = time.perf_counter()
            adjoint.adjoint(walk(net, path))
            best = min(best, time.perf_counter() - started)
        return best

    assert math.log(seconds(1200) / seconds(300)) / math.log(4.0) < 1.5
