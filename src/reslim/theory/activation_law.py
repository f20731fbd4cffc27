"""The law of the forward pass of networks with any activation but ReLU, as the table of laws wants it."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import polygamma

from reslim.spec import ResNet
from reslim.theory import response
from reslim.theory.families import log_chi2_moments
from reslim.theory.finite_width import ENTRIES, EXCESS_KURTOSIS, NEXT, Errors
from reslim.theory.growth import Growth
from reslim.theory.law import MODELS, Law, QuantityLaw, Request
from reslim.theory.orbit import Orbit, orbit
from reslim.theory.readout import NAMES, Readout
from reslim.theory.response import Moments

Array = NDArray[np.float64]
DEEPEST = 100_000  # the coefficients of every layer are held: 80 MB a table
# The law's own error, measured: see docs/derivations/every-activation.md.
MEAN_ERROR = 4.0  # n² × |mean - law|, per n × variance: measured 1.7 (GELU), and 2 to 4 at two standard errors
VARIANCE_ERROR = 10.0  # n × |variance/law - 1|: measured 8.2 (leaky ReLU), 5.4 (GELU)
THIRD = -30.0  # n × third cumulant, per variance: measured -32 (leaky ReLU)
WIDEST = 1.0  # variance of log_norm up to which gradients and active shares were found to obey
LARGEST = 2.5  # variance of the growth up to which activations that are not homogeneous were found to obey


def refusal(net: ResNet) -> str:
    """Say why the expansion around a path does not hold for a network, or ""."""
    if net.entries != "gaussian" and not net.phi.homogeneous:
        return f"{net.entries} entries shift the mean of {net.activation} networks by O(1/n): the law needs Gaussian entries"
    if net.block == "one-matrix" and net.depth > DEEPEST:
        return f"the law of one-matrix {net.activation} networks is computed up to a depth of {DEEPEST:,}"
    return ""


@lru_cache(maxsize=32)
def path_of(net: ResNet, mean_square: float) -> tuple[Orbit, Moments]:
    """Return the infinite-width path of an input with this |x|²/n_in, and the moments around it."""
    path = orbit(net, mean_square)
    return path, response.two_matrix(path) if net.block == "two-matrix" else response.one_matrix(path, net.balanced)


def laws(net: ResNet, mean_squares: Array) -> tuple[Growth, Growth]:
    """Return the laws of ln(|z_l|²/|z_0|²) and ln(|z_l|²/n); arrays have the shape (depth + 1, inputs)."""
    found = [path_of(net, float(value)) for value in mean_squares]
    log_q = np.stack([path.log_q for path, _ in found], axis=1)
    norm_mean, norm_variance, mean, variance = (
        np.stack([getattr(moments, name) for _, moments in found], axis=1) / net.width for name in Moments._fields
    )
    first, second = log_chi2_moments(net.width)  # of the input layer, exactly
    growth = _normal(net, log_q - np.log(mean_squares) + mean, variance, np.zeros_like(variance))
    start = np.full_like(variance, float(polygamma(2, 0.5 * net.width)))
    # what the layers add may have either sign in the norm; its error is that of the growth
    norm = Growth(
        log_q + first + norm_mean,
        np.maximum(second + norm_variance, 0.0),
        _errors(net, variance, start),
        growth.log_second_moment,
        False,
    )
    return growth, norm


def _normal(net: ResNet, mean: Array, variance: Array, third: Array) -> Growth:
    variance = np.maximum(variance, 0.0)
    return Growth(mean, variance, _errors(net, variance, third), np.full(len(mean), np.nan), False)


def _errors(net: ResNet, variance: Array, third: Array) -> Errors:
    """Return the measured errors of both laws, for a growth of this variance; `third` is the start's cumulant."""
    n, nothing = net.width, np.zeros_like(variance)
    entries = ENTRIES * abs(EXCESS_KURTOSIS[net.entries])
    ratio = (VARIANCE_ERROR + entries) / n + NEXT / n**2
    beyond = variance > (np.inf if net.phi.homogeneous else LARGEST)  # nothing is claimed there
    mean = np.where(beyond, np.sqrt(variance), MEAN_ERROR / n * variance)
    return Errors(nothing, nothing, third + THIRD / n * variance, mean, np.where(beyond, 1.0, ratio) * variance)


def validity(net: ResNet) -> str:
    """Say in which limit the law holds, and the size of its error."""
    where = "" if net.phi.homogeneous else f", where the variance of log_growth is at most {LARGEST:g}"
    said = f"first order in 1/n{where}; relative error of the variance at most {VARIANCE_ERROR:g}/n, measured"
    return said if net.entries == "gaussian" else f"{said}; {net.entries} entries: the same to first order"


def spread(request: Request) -> Array:
    """Return V, the largest variance of log_norm, of each input."""
    return laws(request.net, request.mean_squares)[1].variance.max(axis=0)


def too_wide(request: Request) -> str:
    """Say why an expansion around the path claims nothing of gradients and active shares, or ""."""
    widest = 0.0 if request.net.phi.homogeneous else float(spread(request).max())
    if widest <= WIDEST:
        return ""
    return f"for {request.net.activation} the law holds up to a variance of log_norm of {WIDEST:g}, here it is {widest:.3g}"


def _forward(request: Request, name: str) -> QuantityLaw | str:
    net = request.net
    if reason := refusal(net):
        return reason
    growth, norm = laws(net, request.mean_squares)
    origin = f"{MODELS[net.block]} (model); docs/derivations/every-activation.md"
    found = Readout(net, request.inputs, growth, norm, validity(net), origin).of(name)
    return replace(found, log_second_moment=None)


LAW = Law(NAMES, lambda net: True, _forward)
