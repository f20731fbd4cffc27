"""The laws of gradients, of their angle to the state and of the weights' gradients, as the table of laws wants them.

For every activation, around the infinite-width path; the gradient of piecewise linear ones has sharper laws (gradient_law).
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from reslim.spec import ResNet
from reslim.theory import activation_law, adjoint, angle, angle_law, slow_rates
from reslim.theory.adjoint import Adjoint
from reslim.theory.angle_law import Grid, follow
from reslim.theory.finite_width import NEXT, Errors
from reslim.theory.law import Allowed, Law, QuantityLaw, Request, allowed, each_input
from reslim.theory.walk import Walk, from_end, walk
from reslim.theory.weights import Weights, weights

Array = NDArray[np.float64]
SOURCE = "docs/derivations/every-gradient.md"
# The laws' own errors, measured: see docs/derivations/every-gradient.md.
# Each is a/n + b V, with V the variance of log_norm: the second term is that of an expansion around one path.
MEAN_ERROR = (4.0, 0.2)  # |mean - law| per variance
VARIANCE_ERROR = (12.0, 0.25)  # |variance/law - 1|
THIRD = (40.0, 0.7)  # |third cumulant| per variance
ALONG_ERROR = 3.0  # d × |variance/law - 1| of the cosine, where p_d is along z_d
LOWEST, HIGHEST, POINTS = -14.0, 6.0, 500  # of ln K² for an angle that is renewed: it cannot stay near 0
ANGLE_ERROR = (12.0, 0.5)  # |variance/law - 1| of the cosine


@lru_cache(maxsize=32)
def _walk_of(net: ResNet, mean_square: float) -> Walk:
    return walk(net, activation_law.path_of(net, mean_square)[0])


@lru_cache(maxsize=32)
def adjoint_of(net: ResNet, mean_square: float, functional: str) -> tuple[Walk, Adjoint]:
    """Return both directions of the path of an input with this |x|²/n_in, and the gradient's moments around it."""
    both = _walk_of(net, mean_square)
    return both, adjoint.adjoint(both, 1.0 if functional == "generic" else 0.0)


@lru_cache(maxsize=32)
def slow(net: ResNet, mean_square: float, functional: str) -> tuple[Array, Array, Array]:
    """Return n times mean and variance of ln(|p_l|²/|p_d|²) - Σ ln S, and n E cos², at fixed d/n: the angle as slow."""
    both, gradient = adjoint_of(net, mean_square, functional)
    if both.two_matrix or net.balanced:
        return gradient.mean, gradient.variance, gradient.angle
    grid = Grid(LOWEST, HIGHEST, POINTS)
    density = grid.start() if functional == "generic" else grid.at(LOWEST)
    mean, variance, _, square = follow(slow_rates.rates(both, gradient), grid, density)
    square[-1] = gradient.angle[-1]  # the start itself, not its place on the grid
    return net.width * mean, net.width * variance, square


@lru_cache(maxsize=32)
def weights_of(net: ResNet, mean_square: float, functional: str) -> tuple[Array, Weights]:
    """Return the infinite-width ln U_l, and the moments around them."""
    both, gradient = adjoint_of(net, mean_square, functional)
    path, gains = both.path, both.gains
    share = np.exp(path.log_q[1:] - path.log_q[:-1]) * path.r  # c m/Q
    if both.two_matrix:
        share = share + np.exp(gains.log) * gains.r
    with np.errstate(divide="ignore"):
        logs = np.log(share / net.width) + from_end(gains.log)[1:] + path.log_q[:-1] - path.log_q[0]
    found = weights(both, gradient, logs)
    if angle.matters(net) or not net.phi.homogeneous:  # the gradient that arrives has its own law, at any d/n
        if net.phi.homogeneous:
            mean, variance = (net.width * values[1:] for values in angle_law.moments(net, functional))
        else:
            mean, variance = (values[1:] for values in slow(net, mean_square, functional)[:2])
        found = found._replace(
            mean=found.mean + mean - gradient.mean[1:], variance=found.variance + variance - gradient.variance[1:]
        )
    return logs, found


def _refusal(request: Request) -> str:
    net = request.net
    if net.entries != "gaussian":
        return "the law of the gradients needs Gaussian entries"
    if net.depth > activation_law.DEEPEST:
        return f"the law of the gradients is computed up to a depth of {activation_law.DEEPEST:,}"
    return activation_law.too_wide(request)


def limit_of(net: ResNet) -> str:
    """Say which limit the law of the gradient is that of."""
    slow_angle = net.block == "one-matrix" and not net.balanced
    return "at fixed d/n, the angle to the state as a slow variable" if slow_angle or net.phi.homogeneous else "at fixed d"


def validity(around_a_path: bool, limit: str) -> str:
    """Say in which limit the laws hold, and the size of their error."""
    first, drift = VARIANCE_ERROR
    if not around_a_path:
        return f"first order in 1/n {limit}; relative error of the variance at most {first:g}/n, measured"
    said = f"first order in 1/n {limit}; relative error of the variance at most {first:g}/n + {drift:g} V, measured"
    return f"{said}, V the variance of log_norm, up to V = {activation_law.WIDEST:g} where φ is not piecewise linear"


def _along(request: Request) -> str:
    """Say why a p_d along z_d is beyond an expansion in which the angle is of order 1/√n, or ""."""
    return "the law holds for a p_d of an angle to z_d of order 1/√n, not along it" if request.functional == "parallel" else ""


def _stack(arrays: list[Array]) -> Array:
    return np.stack(arrays, axis=-1)


def _normal(request: Request, mean: Array, variance: Array, around_a_path: bool, limit: str) -> QuantityLaw:
    """Return a normal law with its measured errors; arrays of shape (layers, inputs)."""
    n, variance = request.net.width, np.maximum(variance, 0.0)
    spread = np.broadcast_to(activation_law.spread(request) if around_a_path else 0.0, variance.shape)
    nothing = np.zeros_like(variance)
    mean_error, ratio, third = (a / n + b * spread for a, b in (MEAN_ERROR, VARIANCE_ERROR, THIRD))
    errors = Errors(
        nothing,
        nothing,
        third * variance,
        mean_error * variance,
        (ratio + NEXT / n**2) * variance,
    )
    within = allowed(errors, variance, request.inputs)
    return QuantityLaw(mean, variance, "normal", validity(around_a_path, limit), SOURCE, within)


def _gradient(request: Request, name: str) -> QuantityLaw | str:
    if reason := _refusal(request) or _along(request):
        return reason
    n = request.net.width
    asked = [(request.net, float(value), request.functional) for value in request.mean_squares]
    growth = [from_end(adjoint_of(*each)[0].gains.log) for each in asked]
    mean = _stack([log + slow(*each)[0] / n for log, each in zip(growth, asked, strict=True)])
    variance = _stack([slow(*each)[1] / n for each in asked])
    return replace(_normal(request, mean, variance, True, limit_of(request.net)), with_growth=with_growth(request))


def with_growth(request: Request) -> Array:
    """Return the covariance of ln(|p_l|²/|p_d|²) and ln(|z_d|²/|z_0|²), shape (depth + 1, inputs)."""
    found = [adjoint_of(request.net, float(value), "generic")[1] for value in request.mean_squares]
    return _stack([(each.with_last - each.with_first) / request.net.width for each in found])


def _weights(request: Request, name: str) -> QuantityLaw | str:
    if reason := _refusal(request) or _along(request):
        return reason
    if not request.net.branches.all():
        return "the weights of a block without a branch have no gradient"
    n = request.net.width
    pairs = [weights_of(request.net, float(value), request.functional) for value in request.mean_squares]
    if name == "log_weight_grad":
        mean = _stack([logs + found.mean / n for logs, found in pairs])
        variance = _stack([found.variance / n for _, found in pairs])
        return _normal(request, mean, variance, not request.net.phi.homogeneous, limit_of(request.net))
    mean = np.array([[np.logaddexp.reduce(logs) + found.kernel_mean / n for logs, found in pairs]])
    law = _normal(request, mean, np.array([[found.kernel_variance / n for _, found in pairs]]), True, "at fixed d")
    within = Allowed(*(values[0] for values in (law.allowed.mean, law.allowed.variance_ratio, law.allowed.ks)))
    return replace(law, mean=law.mean[0], variance=law.variance[0], allowed=within)


def _cosine(request: Request, name: str) -> QuantityLaw | str:
    net = request.net
    if reason := _refusal(request) or ("" if net.phi.homogeneous else _along(request)):
        return reason
    mean = np.zeros((net.depth + 1, request.inputs))
    if net.phi.homogeneous:
        cosine, square = (each_input(values, request.inputs) for values in angle_law.cosine(net, request.functional))
        mean, square = mean + cosine, square - net.width * cosine**2
    else:
        square = _stack([slow(net, float(value), request.functional)[2] for value in request.mean_squares])
    first, drift = ANGLE_ERROR
    error = first / net.width + (0.0 if net.phi.homogeneous else drift * activation_law.spread(request))
    if request.functional == "parallel":
        error = error + ALONG_ERROR / net.depth  # while the angle is not small yet
    off = mean * first / net.width  # 0 where the sign of p_d is that of a coin
    within = Allowed(off, np.broadcast_to(error, square.shape), np.full_like(square, np.nan))
    said = f"mean exact where it is 0; variance to first order in 1/n, off by at most {first:g}/n"
    said = said if net.phi.homogeneous else f"{said} + {drift:g} V, V the variance of log_norm, measured"
    return QuantityLaw(mean, square / net.width, "moments", said, SOURCE, within)


LAWS = (
    Law(("log_grad_growth",), lambda net: True, _gradient),
    Law(("log_weight_grad", "log_ntk"), lambda net: True, _weights),
    Law(("grad_state_cosine",), lambda net: True, _cosine),
)
