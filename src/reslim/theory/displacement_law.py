"""Root mean squares of the displacements |z_l - z_0|/|z_0| and |p_l - p_d|/|p_d|.

Independent weights: from the second moment of the growth, exact where that is. Weights that are coupled across depth: on
the identity side. Mean and variance of the logarithms are not known at finite width. docs/derivations/scaling.md.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reslim.theory import identity_side, mean_field
from reslim.theory.coupled import is_coupled
from reslim.theory.forward_law import growth_of, is_vanilla
from reslim.theory.growth import gradient_second_moment
from reslim.theory.law import MODELS, Law, Request, SecondMoment, is_relu

Array = NDArray[np.float64]
FORWARD, BACKWARD = NAMES = ("log_displacement", "log_grad_displacement")
LARGEST = 0.5  # ratio up to which the first order is given: it then is off by about a tenth
DRIFT = 0.25  # of the ratio, up to which what the second order moves in the mean is left out


def _independent(request: Request, name: str) -> SecondMoment | str:
    """E|z_l - z_0|² = E|z_l|² + |z_0|² - 2 Π α |z_0|²: the branches are centred given the past, forwards and backwards."""
    net = request.net
    if reason := _tied(request, name):
        return reason
    law = growth_of(net)
    if name == FORWARD:
        moment, (log_skip, sign) = law.log_second_moment, mean_field.skip_product(net.skips)
    elif is_vanilla(net):
        return "no finite-width law of the displacement of the gradient in vanilla networks"
    else:
        moment = gradient_second_moment(net, law)
        log_skip, sign = (values[::-1] for values in mean_field.skip_product(net.skips[::-1]))
    moment = 2.0 * mean_field.log_displacement(moment, log_skip[:, 0], sign[:, 0])
    said = "exact at every d and n" if law.exact_second_moment else "d, n → ∞ at fixed d/n, like the law of log_growth"
    source = f"{MODELS[net.block]} (model); docs/derivations/scaling.md"
    return SecondMoment(moment, law.exact_second_moment, said, source)


def _coupled(request: Request, name: str) -> SecondMoment | str:
    net = request.net
    if name in ("overlap", "log_tangent_growth"):
        return "no law for weights that are coupled across depth in this version"
    if name not in NAMES:
        return "weights that are coupled across depth have a law at infinite width only, the one beside"
    if reason := _tied(request, name):
        return reason
    if (net.skips != 1.0).any():
        return "weights that are coupled across depth: the identity side needs every skip to be 1"
    if net.entries != "gaussian":
        return "weights that are coupled across depth: the identity side needs Gaussian entries"
    if request.inputs > 1 and not net.phi.homogeneous:
        return f"weights that are coupled across depth: with {net.activation} the identity side is that of one input"
    squares, drift = _squares(request, name), identity_side.drift(net)
    if name == BACKWARD:
        drift = drift[::-1]
    ratio = np.sqrt(np.maximum(squares, 0.0))
    held = (ratio <= LARGEST) & (np.abs(drift) <= DRIFT * ratio)
    if not held[ratio > 0.0].any():
        return f"weights that are coupled across depth: no layer is on the identity side (ratio at most {LARGEST:g})"
    with np.errstate(divide="ignore"):
        moment = np.where(held, 2.0 * np.log(ratio), np.nan)
    width = "at every width" if net.activation == "relu" else "and in 1/n"
    said = f"first order in the squared branch {width}; given on the identity side, up to a ratio of {LARGEST:g}"
    return SecondMoment(moment, False, said, "docs/derivations/scaling.md")


def _squares(request: Request, name: str) -> Array:
    of = identity_side.displacement if name == FORWARD else identity_side.gradient
    return of(request.net, float(request.mean_squares[0]))


def _tied(request: Request, name: str) -> str:
    if name == BACKWARD and request.functional != "generic":
        return "the displacement of the gradient has a law where p_d is independent of the network"
    return ""


LAW = Law(NAMES, is_relu, _independent)
COUPLED = Law((), is_coupled, _coupled)
