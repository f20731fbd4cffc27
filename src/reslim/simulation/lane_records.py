"""What the passes of one input write down: on a page, 16 networks in lanes, then in the records, network after network.

A page takes what the layers leave as it comes, a vector of LANES numbers a layer. When it is handed over, the numbers of a
network are written side by side: one at a time, each would touch a line of memory of its own.
"""

from __future__ import annotations

import math

import numpy as np

from reslim.simulation.generator import CHANNEL, begin, fill_single
from reslim.simulation.jit import part
from reslim.simulation.lane_algebra import log_square
from reslim.simulation.lanes import load, store

PAGE = 64  # recorded layers
FIELDS = 4
LOG_NORM, LOG_GROWTH, ACTIVE_FRACTION, ACTIVE_ENERGY = range(4)  # of the forward pass
LOG_GRAD_GROWTH, GRAD_STATE_COSINE, LOG_WEIGHT_GRAD = range(3)  # of the backward pass, which comes after it


@part
def note(page, array, slot, value):
    """Write a vector on a page, where it is recorded."""
    if slot >= 0 and array.shape[0] > 0:
        store(page, slot % PAGE, value)


@part
def hand_over(page, array, first, last, row, count):
    """Write the slots first … last of a page into the records of its networks."""
    for lane in range(count if array.shape[0] > 0 else 0):
        out = array[row + lane, first : last + 1, 0]
        for place in range(out.shape[0]):
            out[place] = page[place, lane]


@part
def log_square_of(plan, block, layer):
    """Return ln |z_l|² of the state that the block holds."""
    return log_square(load(block.state, 1), load(block.state, 3)) + 2.0 * plan.log_scale[layer]


@part
def record_state(plan, block, layer, rec):
    """Write down the length of a state."""
    slot = rec.slot[layer]
    if layer > 0 and (slot < 0 or rec.log_norm.shape[0] + rec.log_growth.shape[0] == 0):
        return
    log = log_square_of(plan, block, layer)
    if layer == 0:
        store(block.log_start, 0, log)
    note(block.page[LOG_NORM], rec.log_norm, slot, log - plan.log_width)
    note(block.page[LOG_GROWTH], rec.log_growth, slot, log - load(block.log_start, 0))


@part
def record_activity(plan, block, sums, layer, rec):
    """Write down the active shares of a layer."""
    slot = rec.slot[layer]
    note(block.page[ACTIVE_FRACTION], rec.active_fraction, slot, load(sums, 2) / plan.width)
    note(block.page[ACTIVE_ENERGY], rec.active_energy, slot, load(sums, 0) / load(sums, 1))


@part
def turn_forward(block, layer, rec, row, count):
    """Hand over a page that this layer has filled, or the last one."""
    slot = rec.slot[layer]
    if slot >= 0 and (slot % PAGE == PAGE - 1 or slot == rec.log_norm.shape[1] - 1):
        first = slot - slot % PAGE
        hand_over(block.page[LOG_NORM], rec.log_norm, first, slot, row, count)
        hand_over(block.page[LOG_GROWTH], rec.log_growth, first, slot, row, count)
        hand_over(block.page[ACTIVE_FRACTION], rec.active_fraction, first, slot, row, count)
        hand_over(block.page[ACTIVE_ENERGY], rec.active_energy, first, slot, row, count)


@part
def turn_backward(block, layer, rec, row, count):
    """Hand over a page of which this layer is the first."""
    slot = rec.slot[layer]
    if slot >= 0 and slot % PAGE == 0:
        last = min(slot + PAGE, rec.log_norm.shape[1]) - 1
        hand_over(block.page[LOG_GRAD_GROWTH], rec.log_grad_growth, slot, last, row, count)
        hand_over(block.page[GRAD_STATE_COSINE], rec.grad_state_cosine, slot, last, row, count)
        hand_over(block.page[LOG_WEIGHT_GRAD], rec.log_weight_grad, slot, last, row, count)


@part
def record_output(plan, block, rec, row, count):
    """Draw z_out = W_out z_d / √n and write it down."""
    for lane in range(count):
        rec.alive[row + lane, 0] = 1.0 if block.state[1, lane] > 0.0 else 0.0
    if rec.output.shape[0] == 0 and rec.log_output_norm.shape[0] == 0:
        return
    begin(block.stream, plan.seed, block.key, 0, CHANNEL.output)
    fill_single(block.stream, block.output)
    log_mean_square = block.page[0]
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
