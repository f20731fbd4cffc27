"""The growth of ln|z|² a layer as the depth grows at fixed factors: its sign tells explosion from collapse."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from reslim.errors import BadKind, NotCovered
from reslim.spec import ResNet
from reslim.theory import activation_law
from reslim.theory.coupled import is_coupled
from reslim.theory.forward_law import growth_of
from reslim.theory.shares import homogeneous_shares

Array = NDArray[np.float64]
DEPTH = 100_000  # at which memory is cut
FORGOTTEN = 1e-18
WIDEST = 1_000_000


def lyapunov(net: ResNet) -> float:
    """Return lim (1/d) ln(|z_d|²/|z_0|²) of a network with constant factors and independent weights.

    Two-matrix ReLU blocks: E ln(|z'|²/|z|²), exact at every width (Gaussian entries) to 1e-10. One-matrix blocks and leaky
    ReLU: the growth of the mean of `log_growth` a layer, to first order in 1/n.

    Raises
    ------
    NotImplementedError
        For activations that are not positively homogeneous (the growth depends on the norm), schedules, coupled weights,
        and skips of 0 (networks die).

    References
    ----------
    docs/derivations/scaling.md.

    Examples
    --------
    >>> net = ResNet.marion(depth=10, width=40, entries="gaussian")
    >>> round(10 * lyapunov(net), 3)  # (v/2 - v/n) λ² d = 0.475 for small branches
    0.463
    """
    if not isinstance(net, ResNet):
        raise BadKind("lyapunov", "net", "must be a ResNet", net)
    for covered, constraint in (
        (net.phi.homogeneous, f"must have a positively homogeneous activation, not {net.activation}"),
        (net.is_constant, "must have the same factors in every layer"),
        (not is_coupled(net), "must have independent weights"),
        (net.skips[0] != 0.0, "must have a skip: without one a network dies"),
    ):
        if not covered:
            raise NotCovered("lyapunov", "net", constraint)
    if net.branches[0] == 0.0:
        return float(2.0 * np.log(abs(net.skips[0])))
    if net.block == "two-matrix" and net.activation == "relu" and net.entries == "gaussian" and net.width <= WIDEST:
        return _two_matrix(net)
    return _first_order(net)


def _first_order(net: ResNet) -> float:
    """Return the last step of the mean, at a depth where the first layers are forgotten."""
    correlation = abs(float(homogeneous_shares(net).a[0]))
    memory = np.log(FORGOTTEN) / np.log(correlation) if 0.0 < correlation < 1.0 else DEPTH
    deep = net.replace(depth=int(min(DEPTH, memory + 3.0)), skip=float(net.skips[0]), branch=float(net.branches[0]))
    mean = growth_of(deep).mean if net.activation == "relu" else activation_law.laws(deep, np.ones(1))[0].mean[:, 0]
    return float(mean[-1] - mean[-2])


def _two_matrix(net: ResNet) -> float:
    """Return E ln X, X = |α e + σ g|², σ² = λ² v_in v_out Y/n², with Y the energy of the active half of n normals.

    ln x = ∫ (e^{-t} - e^{-xt}) dt/t, and E e^{-tX} = E (1 + 2σ²t)^{-n/2} exp(-α² t/(1 + 2σ²t)); the trapezium in ln t.
    """
    n = net.width
    energy, weights = _active_energy(n)
    alpha_square = float(net.skips[0] ** 2)
    sigma_square = float(net.branches[0] ** 2) * np.prod(net.variances) * energy / n**2
    scale = alpha_square + float(weights @ sigma_square) * n  # E X: the logarithm is taken of X/scale
    u = np.arange(-45.0, 90.0, 0.05)
    transform = np.empty_like(u)
    for i, t in enumerate(np.exp(u)):
        spread = 1.0 + 2.0 * sigma_square * t / scale
        transform[i] = weights @ np.exp(-0.5 * n * np.log(spread) - alpha_square * t / scale / spread)
    return float(np.log(scale) + 0.05 * np.sum(np.exp(-np.exp(u)) - transform))


def _active_energy(n: int) -> tuple[Array, Array]:
    """Return nodes and weights of χ²_k with k ~ Binomial(n, ½): 0 (no unit is active), then the trapezium in the logarithm."""
    deviations = 14.0 * np.sqrt(n)
    k = np.arange(max(1, int(0.5 * (n - deviations))), min(n, int(0.5 * (n + deviations)) + 1) + 1)
    log_share = gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0) - n * np.log(2.0)
    spread = np.sqrt(5.0 / n)  # of Y, relative to its mean n/2
    low = np.log(0.5 * n) - (15.0 * spread if n > 1000 else 80.0)
    y = np.arange(low, np.log(0.5 * n + 15.0 * np.sqrt(5.0 * n) + 80.0), min(0.05, 0.25 * spread))
    density = np.zeros_like(y)
    for share, half in zip(log_share, 0.5 * k, strict=True):
        density += np.exp(share + half * (y - np.log(2.0)) - 0.5 * np.exp(y) - gammaln(half))
    none = 0.5**n
    return np.append(0.0, np.exp(y)), np.append(none, density * (1.0 - none) / density.sum())
