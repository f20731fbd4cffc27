"""What the passes of one input write down: on a page, 16 networks in lanes, then in the records, network after network.

A page takes the sums of some layers as they come, a vector of LANES numbers a layer. When it is full, the logarithms of all
its layers are taken in a row, which keeps the processor busy, and the numbers of a network are written side by side: one at
a time, each would touch a line of memory of its own.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reslim.simulation.generator import CHANNEL, begin, fill_single
from reslim.simulation.jit import part
from reslim.simulation.lane_algebra import log_square
from reslim.simulation.lanes import LANES, load, store

Array = NDArray[np.float64]
LAYERS = 64  # recorded ones, of a page


class Page(NamedTuple):
    """What the layers of a pass leave, forward or backward: rows of LANES numbers."""

    square: Array  # |z_l|² or |p_l|², then its logarithm
    exponent: Array
    scale: Array  # (LAYERS,): what the factors of the layers add to the logarithm
    active: Array  # active units' share, or the cosine of p_l and z_l
    energy: Array  # their share of the energy, or the squared gradient of the weights
    weight_exponent: Array


def page_of() -> Page:
    """Make a page."""
    square, exponent, active, energy, weight_exponent = np.zeros((5, LAYERS, LANES))
    return Page(square, exponent, np.zeros(LAYERS), active, energy, weight_exponent)


@part
def note_square(page, slot, square, exponent, scale):
    """Note 4ᵉ square, of which the logarithm is wanted, and what is to be added to that."""
    place = slot % LAYERS
    store(page.square, place, square)
    store(page.exponent, place, exponent)
    page.scale[place] = scale


@part
def take_logarithms(page, layers):
    """Replace the squares of a page by ln(4ᵉ square) and what is added to it. O(layers)."""
    for place in range(layers):
        log = log_square(load(page.square, place), load(page.exponent, place))
        store(page.square, place, log + page.scale[place])


@part
def subtract(rows, what, out, layers):
    """Set rows of `out` to rows minus a vector. O(layers)."""
    for place in range(layers):
        store(out, place, load(rows, place) - what)


@part
def hand_over(rows, array, first, last, row, count):
    """Write the slots first … last of a page into the records of its networks, where there are any."""
    for lane in range(count if array.shape[0] > 0 else 0):
        out = array[row + lane, first : last + 1, 0]
        for place in range(out.shape[0]):
            out[place] = rows[place, lane]


@part
def log_square_of(plan, block, layer):
    """Return ln |z_l|² of the state that the block holds."""
    return log_square(load(block.state, 1), load(block.state, 3)) + 2.0 * plan.log_scale[layer]


@part
def record_state(plan, block, layer, rec):
    """Note the length of a state."""
    if layer == 0:
        store(block.log_start, 0, log_square_of(plan, block, 0))
    if rec.slot[layer] >= 0:
        note_square(block.page, rec.slot[layer], load(block.state, 1), load(block.state, 3), 2.0 * plan.log_scale[layer])


@part
def record_activity(plan, block, sums, layer, rec):
    """Note the active shares of a layer."""
    slot = rec.slot[layer]
    if slot >= 0 and rec.active_energy.shape[0] > 0:
        store(block.page.energy, slot % LAYERS, load(sums, 0) / load(sums, 1))
    if slot >= 0 and rec.active_fraction.shape[0] > 0:
        store(block.page.active, slot % LAYERS, load(sums, 2) / plan.width)


@part
def turn_forward(plan, block, layer, rec, row, count):
    """Hand over a page that this layer has filled, or the last one."""
    slot, page = rec.slot[layer], block.page
    if slot < 0 or not (slot % LAYERS == LAYERS - 1 or slot == rec.log_norm.shape[1] - 1):
        return
    first = slot - slot % LAYERS
    layers = slot + 1 - first
    if rec.log_norm.shape[0] + rec.log_growth.shape[0] > 0:
        take_logarithms(page, layers)
    if rec.log_growth.shape[0] > 0:
        subtract(page.square, load(block.log_start, 0), page.exponent, layers)
        hand_over(page.exponent, rec.log_growth, first, slot, row, count)
    if rec.log_norm.shape[0] > 0:
        subtract(page.square, plan.log_width, page.square, layers)
        hand_over(page.square, rec.log_norm, first, slot, row, count)
    hand_over(page.energy, rec.active_energy, first, slot, row, count)
    hand_over(page.active, rec.active_fraction, first, slot, row, count)


@part
def turn_backward(plan, block, tape, layer, rec, row, count):
    """Hand over a page of which this layer is the first."""
    slot, page = rec.slot[layer], block.page
    if slot < 0 or slot % LAYERS > 0:
        return
    last = min(slot + LAYERS, rec.log_norm.shape[1]) - 1
    layers = last + 1 - slot
    if rec.log_grad_growth.shape[0] > 0:
        take_logarithms(page, layers)
        subtract(page.square, load(tape.log_start, 0), page.square, layers)
        hand_over(page.square, rec.log_grad_growth, slot, last, row, count)
    if rec.log_weight_grad.shape[0] > 0:
        for place in range(layers):
            square, exponent = load(page.energy, place), load(page.weight_exponent, place)
            store(page.energy, place, relative_square(plan, block, tape, square, exponent))
        hand_over(page.energy, rec.log_weight_grad, slot, last, row, count)
    hand_over(page.active, rec.grad_state_cosine, slot, last, row, count)


@part
def relative_square(plan, block, tape, square, exponent):
    """Return ln(4ᵉ square/(|p_d|² |z_0|²)) of squared gradients of weights, with the factors of all layers."""
    log = log_square(square, exponent) + 2.0 * plan.log_scale[-1]
    return log - load(tape.log_start, 0) - load(block.log_start, 0)


@part
def record_output(plan, block, rec, row, count):
    """Draw z_out = W_out z_d / √n and write it down."""
    for lane in range(count):
        rec.alive[row + lane, 0] = 1.0 if block.state[1, lane] > 0.0 else 0.0
    if rec.output.shape[0] == 0 and rec.log_output_norm.shape[0] == 0:
        return
    begin(block.stream, plan.seed, block.key, 0, CHANNEL.output)
    fill_single(block.stream, block.output)
    log_mean_square = block.page.square
    store(log_mean_square, 0, log_square_of(plan, block, plan.keep.shape[0]) - plan.log_width)
    for lane in range(count):
        square = 0.0
        for i in range(plan.n_out):
            g = np.float64(block.output[i, lane])
            square += g * g
            if rec.output.shape[0] > 0:
                rec.output[row + lane, i, 0] = math.exp(0.5 * log_mean_square[0, lane]) * g
        if rec.log_output_norm.shape[0] > 0:
            rec.log_output_norm[row + lane, 0] = log_mean_square[0, lane] + math.log(square / plan.n_out)
