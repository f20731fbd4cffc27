from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import reslim
from reslim import DepthPower, Fractional, Independent, Matern, ResNet, Smooth
from reslim.theory import identity_side, regimes

# (block, activation, coupling): output, gradient (width to infinity first), output, gradient at a fixed width
TABLE = [
    ("one-matrix", "relu", Independent(), (0.5, 0.5, 0.5, 0.5)),
    ("two-matrix", "tanh", Fractional(0.5), (0.5, 0.5, 0.5, 0.5)),
    ("one-matrix", "gelu", Smooth(0.2), (1.0, 1.0, 1.0, 1.0)),
    ("two-matrix", "relu", Smooth(0.1, "increments"), (1.0, 1.0, 1.0, 1.0)),
    ("two-matrix", "tanh", Matern(0.1, 0.5), (1.0, 1.0, 1.0, 1.0)),
    ("one-matrix", "relu", Matern(0.2, 2.5), (1.0, 1.0, 1.0, 1.0)),
    ("two-matrix", "relu", Fractional(0.2), (0.5, 0.5, 0.5, 0.5)),
    ("two-matrix", "relu", Fractional(0.7), (0.7, 0.5, 0.7, 0.7)),
    ("two-matrix", "relu", Fractional(0.9), (0.9, 0.8, 0.9, 0.9)),
    ("two-matrix", "silu", Fractional(0.9), (0.9, 0.8, 0.9, 0.9)),
    ("two-matrix", "tanh", Fractional(0.9), (0.8, 0.8, 0.8, 0.8)),
    ("two-matrix", "identity", Fractional(0.8), (0.6, 0.6, 0.6, 0.6)),
    ("two-matrix", "leaky_relu:-1", Fractional(0.9), (0.9, 0.7, 0.9, 0.9)),
    ("one-matrix", "relu", Fractional(0.8), (0.8, 0.8, 0.8, 0.8)),
    ("one-matrix", "tanh", Fractional(0.8), (0.8, 0.8, 0.8, 0.8)),
    ("one-matrix", "relu", Fractional(0.4), (0.4, 0.4, 0.5, 0.5)),
    ("one-matrix", "relu", Fractional(0.1), (0.25, 1 / 3, 0.5, 0.5)),
    ("one-matrix", "tanh", Fractional(0.3), (0.3, 0.3, 0.5, 0.5)),
]


@pytest.mark.parametrize(("block", "activation", "coupling", "expected"), TABLE, ids=str)
def test_the_table(block, activation, coupling, expected):
    found = reslim.critical(block, activation, coupling)
    betas = (found.output.beta, found.gradient.beta, found.output.fixed_width_beta, found.gradient.fixed_width_beta)
    assert betas == pytest.approx(expected, abs=1e-12)
    for one in (found.output, found.gradient):
        if isinstance(coupling, Fractional) and coupling.hurst != 0.5:
            assert (one.status, one.source) == ("derived here", "docs/derivations/scaling.md")
        else:
            number = 2 if isinstance(coupling, Smooth | Matern) else 1
            assert one.status == "theorem"
            assert one.source.startswith(f"Theorem {number} of docs/derivations/critical.md")
            assert "arXiv:2206.06929" in one.source


def test_the_page_has_the_theorems():
    page = (Path(reslim.__file__).parents[2] / "docs/derivations/critical.md").read_text()
    for coupling, name in ((Independent(), "independent weights"), (Smooth(0.1), "continuous weights")):
        found = reslim.critical(coupling=coupling).output
        number = found.source.partition(" of ")[0]
        assert f"## {number}: {name}, critical β = {'½' if found.beta == 0.5 else '1'}" in page


@pytest.mark.parametrize(
    ("block", "activation", "coupling", "expected"), [row for row in TABLE if row[0] == "two-matrix"], ids=str
)
def test_the_sums_grow_with_these_exponents(block, activation, coupling, expected):
    """At 200 000 layers; the slowest approach is that of Σ ρ² to L at H = 0.7, like L^-0.2."""

    def local(of, width):
        net = ResNet(depth=2 * 10**5, width=4, skip=1.0, branch=1.0, variance=1.0, block=block, activation=activation,
                     coupling=coupling)  # fmt: skip
        nets = net.replace(depth=10**5), net
        low, high = (of(net, width) for net in nets)
        return 0.5 * np.log2(high / low)

    output = local(lambda net, width: identity_side.displacement(net, 1.0)[-1], None)
    gradient = local(lambda net, width: identity_side.gradient(net, 1.0, width)[0], np.inf)
    narrow = local(lambda net, width: identity_side.gradient(net, 1.0, width)[0], 1.0)
    assert output == pytest.approx(expected[0], abs=0.04)
    assert gradient == pytest.approx(expected[1], abs=0.04)
    assert narrow == pytest.approx(expected[3], abs=0.04)


def growths(beta, hurst, activation="relu"):
    """Return d ln r/d ln L of output and gradient of one-matrix networks at infinite width, around L = 600."""
    ratios = []
    for depth in (300, 1200):
        net = ResNet(depth=depth, width=4, skip=1.0, branch=DepthPower(beta), variance=1.0, activation=activation,
                     coupling=Fractional(hurst))  # fmt: skip
        laws = reslim.predict(net, quantities=["log_displacement", "log_grad_displacement"], layers=[0, depth])
        limit = laws.sel(law="gaussian", moment="mean", input=0)
        ratios.append([limit.log_displacement.sel(layer=depth).item(), limit.log_grad_displacement.sel(layer=0).item()])
    return np.diff(ratios, axis=0)[0] / np.log(4)


def test_rough_one_matrix_networks_have_a_floor_of_the_exponent():
    """H = 0.05 and β = 0.2, 0.3, 0.4: the first order would shrink; ¼ and ⅓ are the floors of output and gradient."""
    output, gradient = np.array([growths(beta, 0.05) for beta in (0.2, 0.3, 0.4)]).T
    assert output[0] > 0.03 > -0.1 > output[1] > output[2]
    assert gradient[0] > 0.2 > gradient[1] > -0.02 > -0.1 > gradient[2]


# Figure 7 of the paper: where mean log₁₀ r of 50 networks of width 40 and depth 1000 crosses 0; measured apart, ± 0.02.
CROSSINGS = {0.2: (0.455, 0.48), 0.5: (0.476, 0.475), 0.9: (0.805, 0.735)}


@pytest.mark.parametrize("hurst", CROSSINGS)
def test_the_measured_lines(hurst):
    found = reslim.critical(coupling=Fractional(hurst), depth=1000)
    lines = found.output.line.beta, found.gradient.line.beta
    assert lines == pytest.approx(CROSSINGS[hurst], abs=0.03)  # the width of 40 is worth up to 0.025


def test_the_exact_line():
    line = reslim.critical(depth=1000, ratio=0.5).output.line
    assert line.status == "exact"
    assert line.local_exponent == pytest.approx(0.5, rel=1e-12)
    net = ResNet.marion(depth=1000, width=7, beta=line.beta)
    moment = reslim.predict(net, layers="last").log_displacement_second_moment.sel(layer=1000).item()
    assert np.exp(0.5 * moment) == pytest.approx(0.5, rel=1e-10)
    assert line.beta == pytest.approx(0.5 - np.log(2 * np.log(1.25)) / (2 * np.log(1000)), abs=1e-4)


@pytest.mark.parametrize("coupling", [Independent(), Smooth(0.3), Fractional(0.8)])
@pytest.mark.parametrize(("block", "activation"), [("one-matrix", "relu"), ("two-matrix", "erf")])
def test_at_the_line_the_ratio_is_what_was_asked_for(coupling, block, activation):
    found = reslim.critical(block, activation, coupling, depth=60, ratio=2.0)
    for name, one, layer in (("log_displacement", found.output, 60), ("log_grad_displacement", found.gradient, 0)):
        net = ResNet(depth=60, width=4, skip=1.0, branch=DepthPower(one.line.beta), variance=1.0, block=block,
                     activation=activation, coupling=coupling)  # fmt: skip
        limit = reslim.predict(net, quantities=[name], layers=[layer])[name].sel(law="gaussian", moment="mean", input=0)
        assert np.exp(limit.item()) == pytest.approx(2.0, rel=1e-3)
        assert one.line.status == "infinite width"


def test_beyond_the_depth_of_the_limit_the_identity_side_is_extrapolated(monkeypatch):
    coupling = Fractional(0.8)
    limit = reslim.critical(coupling=coupling, depth=300, ratio=0.01).output.line
    monkeypatch.setattr(regimes.coupled, "DEEPEST", 10)
    first = reslim.critical(coupling=coupling, depth=300, ratio=0.01).output.line
    assert (limit.status, first.status) == ("infinite width", "extrapolated")
    assert first.beta == pytest.approx(limit.beta, abs=1e-4)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"block": "three"}, r"critical\(block=...\) must be one of"),
        ({"activation": "rleu"}, "must be one of relu"),
        ({"coupling": 0.7}, r"critical\(coupling=...\) must be Independent"),
        ({"depth": 1}, r"critical\(depth=...\) must be at least 2, got 1"),
        ({"depth": 10, "ratio": 1e3}, r"critical\(ratio=...\) must be between 0.01 and 100"),
    ],
)
def test_bad_arguments(arguments, words):
    with pytest.raises((ValueError, TypeError), match=words):
        reslim.critical(**arguments)
