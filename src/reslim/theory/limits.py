"""Limits at the critical scaling, solved on the noise or the weights of networks; laws and rates there. `reslim.limits`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from reslim import checks
from reslim.coupling import Smooth
from reslim.errors import BadKind, BadValue, NotCovered, Verbatim
from reslim.spec import ResNet
from reslim.theory.coupled import is_coupled
from reslim.theory.diffusion import Diffusion
from reslim.theory.expectations import mean_square
from reslim.theory.flow import Flow
from reslim.theory.lyapunov import lyapunov

__all__ = ["Order", "log_growth", "lyapunov", "ode", "sde", "strong_order"]
SHORTEST = 0.01  # correlation length: its series has 3140 functions
PARTS = 20  # of the replicas, left out one at a time for the error of a slope


class Order(NamedTuple):
    """A fitted order in the depth: the slope of ln(root mean square error) in ln L, its standard error, and the points."""

    slope: float
    error: float
    depths: list[int]
    root_mean_squares: list[float]


def sde(net: ResNet) -> Diffusion:
    """Return the diffusion that a network with independent weights tends to.

    Exact as L → ∞ at λ = c/√L and any width; the network of depth L is its Euler–Maruyama scheme (one-matrix blocks).

    Raises
    ------
    NotImplementedError
        For coupled weights, schedules, skips other than 1, and entries that are not Gaussian.

    References
    ----------
    Marion, Fermanian, Biau, Vert, arXiv:2206.06929; docs/derivations/scaling.md.

    Examples
    --------
    >>> limit = sde(ResNet(depth=64, width=4, skip=1.0, branch=0.125, variance=1.0))
    >>> limit.time, limit.states(replicas=10, seed=0, halvings=2).shape
    (1.0, (3, 10, 4))
    """
    _check("sde", net)
    if is_coupled(net):
        raise NotCovered("sde", "net", "must have independent weights", Verbatim(f"coupling={net.coupling}"))
    return Diffusion(net)


def ode(net: ResNet) -> Flow:
    """Return the flow that a network with smooth weights tends to.

    Exact as L → ∞ at λ = c/L and any width; the network of depth L is its Euler scheme.

    Raises
    ------
    NotImplementedError
        For weights that are not smooth or of a length below 0.01, Balanced networks, schedules, skips other than 1, and
        entries that are not Gaussian.

    References
    ----------
    Marion, Fermanian, Biau, Vert, arXiv:2206.06929; docs/derivations/scaling.md.

    Examples
    --------
    >>> limit = ode(ResNet(depth=512, width=3, skip=1.0, branch=1 / 512, variance=1.0, coupling=Smooth(0.5)))
    >>> one = limit.replica(seed=0, replica=0)
    >>> bool(np.abs(one.network(512)[-1] - one.solution(np.ones(1))[:, 0]).max() < 0.01)
    True
    """
    _check("ode", net)
    if not isinstance(net.coupling, Smooth) or net.coupling.length < SHORTEST:
        got = Verbatim(f"coupling={net.coupling}")
        raise NotCovered("ode", "net", f"must have smooth weights of a length of at least {SHORTEST:g}", got)
    if net.balanced:
        raise NotCovered("ode", "net", "must not be Balanced: fresh signs are not smooth across depth")
    return Flow(net)


def _check(call: str, net: ResNet) -> None:
    if not isinstance(net, ResNet):
        raise BadKind(call, "net", "must be a ResNet", net)
    if not net.is_constant or net.skips[0] != 1.0:
        raise NotCovered(call, "net", "must have skip 1 and the same branch in every layer")
    if net.entries != "gaussian":
        raise NotCovered(call, "net", "must have Gaussian entries", Verbatim(f"entries={net.entries}"))


def strong_order(limit: Diffusion | Flow, *, replicas: int = 200, seed: int = 0, halvings: int = 4) -> Order:
    """Measure how fast networks approach their limit on the same noise or weights: -½ for diffusions, -1 for flows.

    Of a flow the error is that against its solution, of a diffusion that between each depth and half of it.

    Parameters
    ----------
    limit : of `sde` or `ode`, with a depth that can be halved that often.
    replicas : number of networks, at least 20; the error is that of leaving out a twentieth of them at a time (jackknife).
    """
    if not isinstance(limit, Diffusion | Flow):
        raise BadKind("strong_order", "limit", "must be a limit from sde or ode", limit)
    replicas, halvings = (checks.positive_int("strong_order", *pair) for pair in (("replicas", replicas), ("halvings", halvings)))
    if replicas < PARTS:
        raise BadValue("strong_order", "replicas", f"must be at least {PARTS}", replicas)
    if halvings < 2 or limit.net.depth % 2**halvings:
        hint = f"The depth {limit.net.depth} must be divisible by 2**halvings."
        raise BadValue("strong_order", "halvings", "must be at least 2 and halve the depth evenly", halvings, hint)
    squares = limit.errors(replicas, checks.seed64("strong_order", seed), halvings)
    depths = limit.net.depth / 2.0 ** np.arange(len(squares))
    parts = np.arange(replicas) % PARTS

    def slope(kept: np.ndarray) -> float:
        return float(np.polyfit(np.log(depths), 0.5 * np.log(squares[:, kept].mean(axis=1)), 1)[0])

    left = np.array([slope(parts != part) for part in range(PARTS)])
    error = float(np.sqrt((PARTS - 1) / PARTS * np.sum((left - left.mean()) ** 2)))
    roots = np.sqrt(squares.mean(axis=1)).tolist()
    return Order(slope(parts >= 0), error, depths.astype(int).tolist(), roots)


def log_growth(net: ResNet) -> tuple[float, float]:
    """Return mean and variance of the normal law of ln(|z_L|²/|z_0|²) in the limit of small branches.

    Two-matrix blocks with a piecewise linear activation, m = E φ(g)² (½ for ReLU) and v = v_in v_out:
    N((1 - 2/n) m v Σ λ², (4/n) m v Σ λ²), exact at every width as L → ∞ at λ = c/√L. For λ = L^-½ and ReLU at v = 1 it is
    N(½ - 1/n, 2/n); for λ = L^-β both are multiplied by L^(1-2β).

    References
    ----------
    docs/derivations/scaling.md.

    Examples
    --------
    >>> mean, variance = log_growth(ResNet.marion(depth=1000, width=40, entries="gaussian"))
    >>> round(mean, 12), round(variance, 12)
    (0.475, 0.05)
    """
    _check("log_growth", net)
    if net.block != "two-matrix" or not net.phi.homogeneous or is_coupled(net):
        constraint = "must have two-matrix blocks, a positively homogeneous activation and independent weights"
        raise NotCovered("log_growth", "net", constraint)
    total = float(np.prod(net.variances) * mean_square(net.phi, np.ones(1))[0] * Diffusion(net).time)
    return (1.0 - 2.0 / net.width) * total, 4.0 / net.width * total
