"""The critical scaling: the β above which a deep network with branches L^-β is the identity, and below which it is not.

For skip 1, variance 1 and weights of a given regularity across depth. docs/derivations/critical.md has the theorems,
scaling.md the rest.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from reslim import checks
from reslim.coupling import COUPLINGS, Coupling, Independent, Matern, Smooth
from reslim.errors import BadKind, BadValue, NotCovered
from reslim.spec import BLOCKS, INDEPENDENT, DepthPower, ResNet
from reslim.theory import coupled, identity_side, mean_field
from reslim.theory.kernels import Kind, coefficients

Array = NDArray[np.float64]
PAPER = "the phenomenon: Marion, Fermanian, Biau, Vert, arXiv:2206.06929"
THEOREMS = "docs/derivations/critical.md"
OWN = "docs/derivations/scaling.md"
DIRECTIONS = ("output", "gradient")
ZERO = 1e-9  # of a Hermite coefficient
RANKS = 8
TINY = 1e-300
SMALLEST_RATIO, LARGEST_RATIO = 0.01, 100.0


@dataclass(frozen=True)
class Line:
    """Where a network of this depth has a root mean square ratio |z_L - z_0|/|z_0| of `ratio`.

    On the identity side the ratio falls like L^-(β - `local_exponent`) around this depth. `status`: "exact", "infinite
    width", or "extrapolated" (the first order on the identity side, beyond its own range).
    """

    depth: int
    ratio: float
    beta: float
    local_exponent: float
    status: str


@dataclass(frozen=True)
class Exponent:
    """The critical β as L → ∞: at infinite width (n → ∞ first), and at a fixed width, where that is another.

    `status`: "theorem" (at a fixed width; `source` has its number) or "derived here" (by orders of magnitude, no proof);
    `limit` is what the network tends to at β.
    """

    beta: float
    fixed_width_beta: float
    status: str
    source: str
    limit: str
    note: str = ""
    line: Line | None = None


@dataclass(frozen=True)
class Critical:
    """The critical scaling of a kind of network, forwards and backwards."""

    block: str
    activation: str
    coupling: Coupling
    output: Exponent
    gradient: Exponent


def critical(
    block: str = "two-matrix",
    activation: str = "relu",
    coupling: Coupling = INDEPENDENT,
    *,
    depth: int | None = None,
    ratio: float = 1.0,
) -> Critical:
    """Return the critical β of output and gradient, for branches L^-β, skip 1 and variance 1.

    Exact as L → ∞, in the sense that each status says; the line at a finite depth is exact for independent weights and
    two-matrix ReLU blocks, and that of infinite width elsewhere (coupled weights: up to a depth of 4096).

    Parameters
    ----------
    block, activation, coupling : as of `ResNet`.
    depth : L, for the β at which the root mean square of |z_L - z_0|/|z_0| is `ratio`; None for the exponents alone.
    ratio : from 0.01 to 100.

    Raises
    ------
    ValueError, TypeError
        For arguments out of range.

    References
    ----------
    Marion, Fermanian, Biau, Vert, arXiv:2206.06929 (independent and smooth weights); docs/derivations/critical.md (the
    theorems, for every activation); docs/derivations/scaling.md (fractional noise).

    Examples
    --------
    >>> from reslim import Fractional
    >>> critical(coupling=Fractional(0.7)).output.beta
    0.7
    >>> round(critical(depth=1000).output.line.beta, 4)
    0.4763
    """
    checks.one_of("critical", "block", block, BLOCKS)
    if not isinstance(coupling, Coupling):
        raise BadKind("critical", "coupling", COUPLINGS, coupling)
    net = ResNet(depth=2, width=1, skip=1.0, branch=1.0, variance=1.0, block=block, activation=activation, coupling=coupling)  # type: ignore[arg-type]
    found = {direction: _exponent(net, direction) for direction in DIRECTIONS}
    if depth is not None:
        depth = checks.size("critical", "depth", depth)
        if depth < 2:
            raise BadValue("critical", "depth", "must be at least 2", depth)
        ratio = checks.real("critical", "ratio", ratio)
        if not SMALLEST_RATIO <= ratio <= LARGEST_RATIO:
            raise BadValue("critical", "ratio", f"must be between {SMALLEST_RATIO:g} and {LARGEST_RATIO:g}", ratio)
        deep = net.replace(depth=depth)
        found = {key: replace(one, line=_line(deep, key, ratio)) for key, one in found.items()}
    return Critical(block, net.activation, coupling, found["output"], found["gradient"])


def _exponent(net: ResNet, direction: str) -> Exponent:
    if isinstance(net.coupling, Smooth | Matern):
        limit = "neural ODE" if direction == "output" else "adjoint of the neural ODE"
        return Exponent(1.0, 1.0, "theorem", f"Theorem 2 of {THEOREMS} ({PAPER})", limit)
    if isinstance(net.coupling, Independent) or net.coupling.hurst == 0.5:
        return Exponent(0.5, 0.5, "theorem", f"Theorem 1 of {THEOREMS} ({PAPER})", "neural SDE")
    return (_fractional_two if net.block == "two-matrix" else _fractional_one)(net, net.coupling.hurst, direction)


def _fractional_two(net: ResNet, hurst: float, direction: str) -> Exponent:
    """Use that the branches have the correlations a ρ^q + …, and that Σ ρ^q grows like L^(2 - 2q(1-H)), or like L."""
    rank = 1 + _first_rank(net, "value") if direction == "output" else 2 + _first_rank(net, "slope")
    beta = _of_rank(rank, hurst)
    if direction == "output":
        return Exponent(beta, beta, "derived here", OWN, _limit_of(rank, hurst))
    fixed_rank = min(rank, 1 + _first_rank(net, "along"))
    fixed = _of_rank(fixed_rank, hurst)
    note = (
        ""
        if fixed == beta
        else "at width n one direction in n, that of z_0, has the output's exponent: seen once L is deep enough"
    )
    return Exponent(beta, fixed, "derived here", OWN, _limit_of(rank, hurst), note)


def _first_rank(net: ResNet, kind: Kind) -> int:
    """Return the order of the first Hermite coefficient that is not zero."""
    found = np.abs(coefficients(net.phi, kind, 1.0)[:RANKS]) > ZERO
    return int(found.argmax()) if found.any() else RANKS


def _of_rank(rank: int, hurst: float) -> float:
    return max(0.5, round(1.0 - rank * (1.0 - hurst), 12))


def _limit_of(rank: int, hurst: float) -> str:
    if rank * (1.0 - hurst) >= 0.5:
        return "diffusion"
    driver = "fractional Brownian motion" if rank == 1 else f"a Hermite process of rank {rank}"
    return f"equation driven by {driver} (conjectured)"


def _fractional_one(net: ResNet, hurst: float, direction: str) -> Exponent:
    """Use that all layers see the one z_0: Σ ρ = L^2H exactly, whatever the activation."""
    if hurst > 0.5:
        return Exponent(hurst, hurst, "derived here", OWN, "equation driven by fractional Brownian motion (conjectured)")
    kinked = net.phi.homogeneous and net.activation != "identity"
    floor = 1.0 / 3.0 if direction == "gradient" and kinked else 0.25
    note = "at a fixed width the second order contracts the state, by L^(1-2β)/(2n), and the network collapses below β = ½"
    return Exponent(max(hurst, floor), 0.5, "derived here", OWN, "none known", note)


def _line(net: ResNet, direction: str, ratio: float) -> Line:
    depth = net.depth
    first = (_log_ratio_first(net, direction) - np.log(ratio)) / np.log(depth)
    local = _local_exponent(net, direction)
    if coupled.is_coupled(net) and depth > coupled.DEEPEST:
        return Line(depth, ratio, float(first), local, "extrapolated")
    if not coupled.is_coupled(net) and net.block == "two-matrix" and net.activation == "relu":
        # (1 + L^-2β/2)^L - 1 = c²
        beta = -np.log(2.0 * np.expm1(np.log1p(ratio**2) / depth)) / (2.0 * np.log(depth))
        return Line(depth, ratio, float(beta), local, "exact")
    return Line(depth, ratio, _solved(net, direction, ratio, float(first)), local, "infinite width")


def _log_ratio_first(net: ResNet, direction: str) -> float:
    """Return ln of the first-order ratio at β = 0; for another it is multiplied by L^-β. Infinite width."""
    if direction == "output":
        return 0.5 * float(np.log(identity_side.displacement(net, 1.0)[-1]))
    return 0.5 * float(np.log(identity_side.gradient(net, 1.0, np.inf)[0]))


def _local_exponent(net: ResNet, direction: str) -> float:
    """Return d ln r/d ln L at a fixed branch, between half the depth and twice it."""
    depths = (max(1, net.depth // 2), min(2 * net.depth, checks.LARGEST_SIZE))
    low, high = (_log_ratio_first(net.replace(depth=depth), direction) for depth in depths)
    return float((high - low) / np.log(depths[1] / depths[0]))


def _solved(net: ResNet, direction: str, ratio: float, first: float) -> float:
    """Return the β of this ratio at infinite width; the first order is where the search begins."""
    from scipy.optimize import root_scalar

    def excess(beta: float) -> float:  # ln ln(1 + r²), which is nearly a line in β on both sides of the critical one
        field = mean_field.recursion(net.replace(branch=DepthPower(beta)), np.ones(1))
        growth = field.log_q[-1] if direction == "output" else field.log_gradient[0]
        return float(np.log(np.maximum(growth[0], TINY)) - np.log(np.log1p(ratio**2)))

    low, high = first - 1.0, first + 2.0
    if excess(low) < 0.0 or excess(high) > 0.0:
        raise NotCovered("critical", "ratio", "must be reached near the critical scaling", ratio, "Try one nearer to 1.")
    return float(root_scalar(excess, bracket=(low, high), xtol=1e-5).root)
