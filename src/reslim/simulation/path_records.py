"""What is written down of one network whose states, gradients and tangents are all held."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from reslim.simulation.columns import Paths
from reslim.simulation.records import Records
from reslim.spec import ResNet

Array = NDArray[np.float64]
LN4 = math.log(4.0)
LOWEST = -1000  # powers of two below which a difference does not see the smaller part


class Steps(NamedTuple):
    """Vectors as mantissas (layers, inputs, n), with exponents (layers, inputs).

    Their coordinates are side by side, so that sums over them do not depend on what else is there.
    """

    mantissas: Array
    exponents: Array

    def squares(self) -> Array:
        """Return the squared lengths of the mantissas."""
        return np.sum(self.mantissas**2, axis=2)

    def log_squares(self) -> Array:
        """Return ln |·|²."""
        with np.errstate(divide="ignore"):
            return np.log(self.squares()) + LN4 * self.exponents

    def log_distances(self, other: Steps) -> Array:
        """Return ln |· - other|, exact also where one of the two is negligible."""
        top = np.maximum(self.exponents, other.exponents)
        this, that = (
            np.ldexp(each.mantissas, np.maximum(each.exponents - top, LOWEST).astype(int)[:, :, None]) for each in (self, other)
        )
        return 0.5 * Steps(this - that, top).log_squares()


def steps(paths: Paths, rows: Array, own: slice, layers: Any) -> Array:
    """Return the columns `own` of some layers of an array of rows, as (layers, inputs, n)."""
    return np.ascontiguousarray(np.swapaxes(paths.by_column(rows, own.stop)[:, :, own][layers], 1, 2))


def states(paths: Paths, own: slice, layers: Any) -> Steps:
    """Return the states z of some layers."""
    return Steps(steps(paths, paths.z, own, layers), paths.exponent[layers, own])


def gradients(paths: Paths, own: slice, layers: Any) -> Steps:
    """Return the gradients p of some layers."""
    return Steps(steps(paths, paths.p, own, layers), paths.p_exponent[layers, own])


def tangents(paths: Paths, own: slice, layers: Any) -> Steps:
    """Return the tangents t of some layers."""
    return Steps(steps(paths, paths.t, own, layers), paths.t_exponent[layers, own])


def record(net: ResNet, weights: Any, paths: Paths, own: slice, rec: Records, row: int) -> None:
    """Write down the columns `own`: the inputs of one network, or of several that differ in skip and branch alone."""
    layers = np.flatnonzero(rec.slot >= 0)
    first, last, z = (states(paths, own, these) for these in ([0], [-1], layers))
    log_start = first.log_squares()[0]
    rec.alive[row] = last.mantissas[0].any(axis=1)
    rec.put_lengths(row, z.log_squares, log_start, net.width)
    if len(rec.log_displacement):
        rec.log_displacement[row] = z.log_distances(first) - 0.5 * log_start
    if len(rec.log_tangent_growth):
        rec.log_tangent_growth[row] = tangents(paths, own, layers).log_squares() - tangents(paths, own, [0]).log_squares()
    _record_activity(net, weights, paths, own, rec, row)
    _record_output(net, weights, last, rec, row)
    if len(paths.p):
        _record_gradients(paths, z, own, layers, rec, row)
        _record_weights(paths, log_start, own, layers, rec, row)


def record_overlap(paths: Paths, own: slice, rec: Records, row: int) -> None:
    """Write down the cosines between the inputs of one network, the columns `own`."""
    if len(rec.overlap):
        rec.overlap[row] = cosines(states(paths, own, np.flatnonzero(rec.slot >= 0)).mantissas)


def _record_activity(net: ResNet, weights: Any, paths: Paths, own: slice, rec: Records, row: int) -> None:
    if not len(rec.active_fraction) and not len(rec.active_energy):
        return
    layers = np.flatnonzero(rec.slot[:-1] >= 0)
    slots = rec.slot[layers]
    h = steps(paths, paths.h if len(paths.h) else paths.z, own, layers)
    if len(rec.active_fraction):
        signs = weights.blocks.signs[layers, None]
        rec.active_fraction[row, slots] = np.count_nonzero(signs * h > 0.0, axis=2) / net.width
    if len(rec.active_energy):
        with np.errstate(invalid="ignore"):  # a dead state has no energy to share
            rec.active_energy[row, slots] = paths.passed[layers, own] / np.sum(h**2, axis=2)


def _record_output(net: ResNet, weights: Any, last: Steps, rec: Records, row: int) -> None:
    if not len(rec.output) and not len(rec.log_output_norm):
        return
    sums = np.sum(last.mantissas[:, :, None] * weights.w_out, axis=3)  # no product of matrices: its bits depend on their sizes
    out = Steps(sums / math.sqrt(net.width), last.exponents)
    if len(rec.output):
        with np.errstate(over="ignore"):  # only the coordinates themselves can leave the range of a float64
            rec.output[row] = np.ldexp(out.mantissas[0], out.exponents[0].astype(int)[:, None]).T
    if len(rec.log_output_norm):
        rec.log_output_norm[row] = out.log_squares()[0] - math.log(net.n_out)


def _record_gradients(paths: Paths, z: Steps, own: slice, layers: NDArray[np.intp], rec: Records, row: int) -> None:
    start, p = gradients(paths, own, [-1]), gradients(paths, own, layers)
    log_start = start.log_squares()[0]
    if len(rec.log_grad_growth):
        rec.log_grad_growth[row] = p.log_squares() - log_start
    if len(rec.log_grad_displacement):
        rec.log_grad_displacement[row] = p.log_distances(start) - 0.5 * log_start
    if len(rec.grad_state_cosine):
        both = np.sum(p.mantissas * z.mantissas, axis=2)
        with np.errstate(invalid="ignore"):  # NaN where one of the two is 0
            cosine = both / np.sqrt(p.squares()) / np.sqrt(z.squares())
        rec.grad_state_cosine[row] = np.clip(cosine, -1.0, 1.0)


def _record_weights(paths: Paths, log_start: Array, own: slice, layers: NDArray[np.intp], rec: Records, row: int) -> None:
    if not len(rec.log_weight_grad) and not len(rec.log_ntk):
        return
    with np.errstate(divide="ignore", invalid="ignore"):  # NaN where p_d is 0
        weight = np.log(paths.weight[:, own]) + LN4 * (paths.p_exponent[1:, own] + paths.exponent[:-1, own])
        relative = weight - gradients(paths, own, [-1]).log_squares()[0] - log_start
        if len(rec.log_weight_grad):
            after = layers[layers > 0]
            rec.log_weight_grad[row, rec.slot[after]] = relative[after - 1]
        if len(rec.log_ntk):
            rec.log_ntk[row] = np.logaddexp.reduce(relative, axis=0)


def cosines(x: Array) -> Array:
    """Return the cosines between the vectors of x, shape (layers, inputs, inputs)."""
    lengths = np.sqrt(np.sum(x**2, axis=2))
    with np.errstate(invalid="ignore"):
        return np.clip(x @ np.swapaxes(x, 1, 2) / (lengths[:, :, None] * lengths[:, None]), -1.0, 1.0)
