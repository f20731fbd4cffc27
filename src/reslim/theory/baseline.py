"""The infinite-width prediction of every quantity, for every activation: the rival that each law is shown beside."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reslim.spec import ResNet
from reslim.theory import mean_field
from reslim.theory.families import log_chi2_moments
from reslim.theory.mean_field import MeanField

Array = NDArray[np.float64]


class Baseline(NamedTuple):
    """Mean and variance over the quantity's own dims, family, and (for outputs) ln q_d as the mean of a constant G."""

    mean: Array
    variance: Array
    family: str = "normal"
    scale: Array | None = None


def _point(mean: Array, family: str = "normal") -> Baseline:
    return Baseline(mean, np.zeros_like(mean), family)


def _log_growth(net: ResNet, field: MeanField, cosine: Array) -> Baseline:
    return _point(field.log_q - field.log_q[0])


def _log_displacement(net: ResNet, field: MeanField, cosine: Array) -> Baseline:
    log_skip, sign = mean_field.skip_product(net.skips)
    return _point(mean_field.log_displacement(field.log_q - field.log_q[0], log_skip, sign))


def _log_grad_displacement(net: ResNet, field: MeanField, cosine: Array) -> Baseline:
    log_skip, sign = (values[::-1] for values in mean_field.skip_product(net.skips[::-1]))
    return _point(mean_field.log_displacement(field.log_gradient, log_skip, sign))


def _log_weight_grad(net: ResNet, field: MeanField, cosine: Array) -> Baseline:
    """Return λ² v_out |p_{l+1}|² |φ|²/n, and for two matrices λ² v_in v_out φ'² |p_{l+1}|² |z_l|²/n beside it."""
    inner = mean_field.inner_variance(net)
    share = inner * field.shares + (inner * field.slopes if net.block == "two-matrix" else 0.0)
    with np.errstate(divide="ignore"):
        factor = np.log(mean_field.branch_squares(net))[:, None] + np.log(share / net.width)
    return _point(factor + field.log_gradient[1:] + field.log_q[:-1] - field.log_q[0])


def _log_ntk(net: ResNet, field: MeanField, cosine: Array) -> Baseline:
    with np.errstate(invalid="ignore"):  # NaN, where there is no limit
        return _point(np.logaddexp.reduce(_log_weight_grad(net, field, cosine).mean, axis=0))


def _active_energy(net: ResNet, field: MeanField, cosine: Array) -> Baseline:
    return _point(field.shares, "moments")


def _overlap(net: ResNet, field: MeanField, cosine: Array) -> Baseline:
    return _point(mean_field.cosines(net, field, cosine))


def _output(net: ResNet, field: MeanField, cosine: Array) -> Baseline:
    with np.errstate(over="ignore"):
        variance = np.broadcast_to(np.exp(field.log_q[-1]), (net.n_out, field.log_q.shape[1]))
    return Baseline(np.zeros_like(variance), variance, "normal-scale-mixture", field.log_q[-1])


def _log_output_norm(net: ResNet, field: MeanField, cosine: Array) -> Baseline:
    mean, variance = log_chi2_moments(net.n_out)
    log_q = field.log_q[-1]
    return Baseline(log_q + mean, np.full_like(log_q, variance), "normal+log-chi2", log_q)


BASELINES: dict[str, Callable[[ResNet, MeanField, Array], Baseline]] = {
    "log_norm": lambda net, field, cosine: _point(field.log_q),
    "log_growth": _log_growth,
    "log_displacement": _log_displacement,
    "log_tangent_growth": lambda net, field, cosine: _point(field.log_tangent),
    "log_grad_growth": lambda net, field, cosine: _point(field.log_gradient),
    "log_grad_displacement": _log_grad_displacement,
    "grad_state_cosine": lambda net, field, cosine: _point(np.zeros_like(field.log_q), "moments"),
    "log_weight_grad": _log_weight_grad,
    "log_ntk": _log_ntk,
    "active_fraction": lambda net, field, cosine: _point(np.full_like(field.shares, 0.5), "moments"),
    "active_energy": _active_energy,
    "overlap": _overlap,
    "output": _output,
    "log_output_norm": _log_output_norm,
}
