"""What the joint passes write down, in lanes, and the quantities that it makes: logarithms of sums and exponents."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reslim.simulation.jit import kernel
from reslim.simulation.lane_algebra import log_square
from reslim.simulation.lanes import LANES, load, store
from reslim.simulation.records import Records
from reslim.spec import ResNet

Array = NDArray[np.float64]
Field = Callable[[int], Array]  # the numbers of a field, with their networks first

# at a layer: sums of mantissas, and exponents
SQUARE, EXPONENT, ENERGY, H_SQUARE, ACTIVE, MOVED, MOVED_EXPONENT = range(7)
P_SQUARE, P_EXPONENT, ALONG, P_MOVED, P_MOVED_EXPONENT, WEIGHT, WEIGHT_EXPONENT = range(7, 14)
T_SQUARE, T_EXPONENT = range(14, 16)
# once: squares followed by exponents, but for those of p_d and t_0 (0) and of z_out (that of z_d)
START, END, TOTAL, P_START, OUTPUT, T_START, ENDS = 0, 2, 4, 6, 7, 8, 9


class Wanted(NamedTuple):
    """What is written down of 16 networks: rows of an array (rows, LANES), layer after layer."""

    backward: bool
    tangent: bool
    displacement: bool
    overlap: bool
    output: bool
    cosine: bool
    grad_displacement: bool
    slots: int  # recorded layers
    fields: int  # of a layer, each of a row an input; before the overlaps
    size: int  # rows of a layer
    ends: int  # the row behind the layers, with ENDS fields; then the outputs
    rows: int


def wanted(rec: Records, backward: bool, rows_out: int) -> Wanted:
    """Return what the records ask for, of outputs of so many rows."""
    m, slots, tangent = rec.alive.shape[1], int(rec.slot.max()) + 1, len(rec.log_tangent_growth) > 0
    fields = 16 if tangent else 14 if backward else 7
    size = fields * m + (m * m if len(rec.overlap) else 0)
    return Wanted(
        backward=backward,
        tangent=tangent,
        displacement=len(rec.log_displacement) > 0,
        overlap=len(rec.overlap) > 0,
        output=len(rec.output) > 0 or len(rec.log_output_norm) > 0,
        cosine=len(rec.grad_state_cosine) > 0,
        grad_displacement=len(rec.log_grad_displacement) > 0,
        slots=slots,
        fields=fields,
        size=size,
        ends=slots * size,
        rows=slots * size + (ENDS + rows_out) * m,
    )


def networks_first(x: Array, count: int) -> Array:
    """Turn (blocks, rows, LANES) into (count, rows)."""
    return np.moveaxis(x, -1, 1).reshape(-1, x.shape[1])[:count]


@kernel
def logarithms(squares, exponents):
    """Replace rows of squares by ln(4ᵉ square). O(size)."""
    for row in range(squares.shape[0]):
        store(squares, row, log_square(load(squares, row), load(exponents, row)))


def log(squares: Array, exponents: Array) -> Array:
    """Return ln(4ᵉ squares)."""
    lanes = np.zeros((2, -(-squares.size // LANES), LANES))
    logs, shifts = (rows.reshape(-1)[: squares.size].reshape(squares.shape) for rows in lanes)
    logs[:], shifts[:] = squares, exponents
    logarithms(*lanes)
    return logs


def read(found: Array, what: Wanted, net: ResNet, rec: Records) -> None:
    """Fill the records of all quantities that were asked for, from blocks of 16 networks (blocks, rows, LANES)."""
    count, m = rec.alive.shape
    values = networks_first(found, count)
    layers = values[:, : what.ends].reshape(count, what.slots, what.size)

    def at_layers(field: int) -> Array:
        return layers[:, :, field * m : (field + 1) * m]

    def once(field: int) -> Array:
        return values[:, what.ends + field * m : what.ends + (field + 1) * m]

    rec.alive[:] = once(END) > 0.0
    log_start = log(once(START), once(START + 1))
    rec.put_lengths(slice(None), lambda: log(at_layers(SQUARE), at_layers(EXPONENT)), log_start, net.width)
    if len(rec.log_displacement):
        rec.log_displacement[:] = 0.5 * (log(at_layers(MOVED), at_layers(MOVED_EXPONENT)) - log_start[:, None])
    if len(rec.log_tangent_growth):
        t_start = once(T_START)
        log_t_start = log(t_start, np.zeros(t_start.shape))
        rec.log_tangent_growth[:] = log(at_layers(T_SQUARE), at_layers(T_EXPONENT)) - log_t_start[:, None]
    if len(rec.active_fraction):
        rec.active_fraction[:] = at_layers(ACTIVE) / net.width
    if len(rec.active_energy):
        with np.errstate(invalid="ignore"):  # a dead state has no energy to share
            rec.active_energy[:] = at_layers(ENERGY) / at_layers(H_SQUARE)
    if len(rec.overlap):
        rec.overlap[:] = layers[:, :, what.fields * m :].reshape(rec.overlap.shape)
    read_output(values[:, what.ends + ENDS * m :], net, rec, once(OUTPUT), once(END + 1))
    if what.backward:
        read_gradients(rec, log_start, at_layers, once)


def read_output(output: Array, net: ResNet, rec: Records, square: Array, exponent: Array) -> None:
    """Fill the records of the output."""
    count, m = rec.alive.shape
    if len(rec.log_output_norm):
        rec.log_output_norm[:] = log(square / net.n_out, exponent)
    if len(rec.output):
        out = output.reshape(count, m, -1)[:, :, : net.n_out]
        with np.errstate(over="ignore"):  # only the coordinates themselves can leave the range of a float64
            rec.output[:] = np.ldexp(out, exponent[:, :, None].astype(np.int64)).transpose(0, 2, 1)


def read_gradients(rec: Records, log_start: Array, at_layers: Field, once: Field) -> None:
    """Fill the records of the gradients, given ln |z_0|²."""
    p_square, p_start = at_layers(P_SQUARE), once(P_START)
    log_p_start = log(p_start, np.zeros(p_start.shape))
    if len(rec.log_grad_growth):
        rec.log_grad_growth[:] = log(p_square, at_layers(P_EXPONENT)) - log_p_start[:, None]
    if len(rec.log_grad_displacement):
        moved = log(at_layers(P_MOVED), at_layers(P_MOVED_EXPONENT))
        rec.log_grad_displacement[:] = 0.5 * (moved - log_p_start[:, None])
    if len(rec.grad_state_cosine):
        with np.errstate(invalid="ignore"):
            rec.grad_state_cosine[:] = at_layers(ALONG) / (np.sqrt(p_square) * np.sqrt(at_layers(SQUARE)))
    if len(rec.log_weight_grad):
        weights = log(at_layers(WEIGHT), at_layers(WEIGHT_EXPONENT))
        rec.log_weight_grad[:] = weights - (log_p_start + log_start)[:, None]
    if len(rec.log_ntk):
        rec.log_ntk[:] = log(once(TOTAL), once(TOTAL + 1)) - log_p_start - log_start
