"""The backward pass of one input in lanes, after the forward pass: the gradients of p_d · z_d, and those of the weights.

States are kept at checkpoints every √depth layers and replayed between them from their own streams. The gradient is
p = 2ᵉ Π f · p̃, with the factors f of the layers that it has passed (see `forward`); given W φ(z) its law needs no matrix
(docs/derivations/matrix-free.md).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reslim.simulation.forward import block_of, draw_inner, draw_step, plan_of, run_forward, scale_at, steepness
from reslim.simulation.generator import CHANNEL, F32, begin, fill_coins, fill_single, networks_of
from reslim.simulation.jit import inlined, kernel, part
from reslim.simulation.lane_activations import activated, slope_of
from reslim.simulation.lane_algebra import (
    CHUNK,
    add_power,
    add_scaled,
    copy,
    dot,
    log_square,
    noise_times,
    rescaling,
    share_along,
)
from reslim.simulation.lane_records import LAYERS, note_square, relative_square, turn_backward
from reslim.simulation.lanes import LANES, doubles, doubles_of, fma, load, singles, singles_of, sqrt, store, where_greater
from reslim.simulation.records import Records
from reslim.simulation.tape import tape_of
from reslim.spec import ResNet

Array = NDArray[np.float64]
LARGEST = float(np.finfo(F32).max)


@part
def replay(plan, block, tape, index):
    """Draw the states of a segment again."""
    copy(tape.first_z[index], block.z[0])
    copy(tape.first_state[index], block.state)
    for place in range(tape.segment):
        copy(block.state, tape.state[place])
        if place + 1 < tape.segment:
            layer = index * tape.segment + place
            if plan.two_matrix:
                draw_inner(plan, block, layer, False)
            draw_step(plan, block, layer, block.z[place], block.z[place + 1], False)


@part
def toss(plan, block, tape, layer):
    """Set the coins of a Balanced layer: the spare bits of the stream that made its pre-activations."""
    if plan.two_matrix:
        begin(block.stream, plan.seed, block.key, layer, CHANNEL.inner)
    elif layer > 0:
        begin(block.stream, plan.seed, block.key, layer - 1, CHANNEL.forward)
    else:
        begin(block.stream, plan.seed, block.key, 0, CHANNEL.input)
    fill_coins(block.stream, tape.words, tape.coins)


@inlined
def pass_unit(tape, h, i, kind, leak, scale, inverse):
    """Set x = φ(s f h)/f and the slope s φ'(s f h) of a unit, s its coin and f the scale, and return x."""
    coin = load(tape.coins, i)
    at = coin * load(h, i)
    if kind <= 0:
        slope = slope_of(0, leak, at)
        x = slope * at
    else:
        slope = slope_of(kind, leak, scale * at)
        x = inverse * activated(kind, leak, scale * at)
    store(tape.x, i, x)
    store(tape.slopes, i, coin * slope)
    return x


@part
def activate(plan, block, tape, h):
    """Set x and the slopes of all units; return |x|². The scales are row 2 of the factors; x beyond an odd width stays 0."""
    leak, scale = singles_of(F32(plan.slope)), load(block.factors, 2)
    inverse, kind, total = F32(1.0) / scale, plan.kind, doubles_of(0.0)
    for begins in range(0, plan.width, CHUNK):
        part, other = singles_of(F32(0.0)), singles_of(F32(0.0))
        for i in range(begins, min(begins + CHUNK, plan.width), 2):
            one = pass_unit(tape, h, i, kind, leak, scale, inverse)
            part = fma(one, one, part)
            if i + 1 < plan.width:
                two = pass_unit(tape, h, i + 1, kind, leak, scale, inverse)
                other = fma(two, two, other)
        total = total + doubles(part) + doubles(other)
    return total


@part
def to_pre_activation(plan, block, z, tape, layer):
    """Set t to the change of p̃ through the block, up to the factor that is returned, and `u_square` to |t|².

    `weight` becomes the squared gradient of the block's weights, up to its scale.
    """
    gain, h = plan.gain[layer], z
    if plan.two_matrix:
        draw_inner(plan, block, layer, False)
        h = block.h
    else:
        store(block.factors, 2, steepness(scale_at(plan, layer, load(block.state, 3), 1.0)))
    if plan.balanced:
        toss(plan, block, tape, layer)
    square, p_square = activate(plan, block, tape, h), load(tape.p_square, 0)
    begin(block.stream, plan.seed, block.key, layer, CHANNEL.forward)
    along = noise_times(block.stream, tape.p, plan.width, tape.p, False)
    begin(block.stream, plan.seed, block.key, layer, CHANNEL.backward)
    across = noise_times(block.stream, tape.x, plan.width, tape.t, True)
    w, length = share_along(square, along, sqrt(p_square), across), singles(sqrt(p_square))
    total = doubles_of(0.0)
    for i in range(plan.width):
        t = load(tape.slopes, i) * fma(w, load(tape.x, i), length * load(tape.t, i))
        store(tape.t, i, t)
        total = total + doubles(t) * doubles(t)  # in single precision it may be too small
    store(tape.u_square, 0, total)
    weight = gain**2 * p_square * load(block.state, 0)
    if plan.two_matrix:
        weight = weight + (plan.gain_in * gain) ** 2 * total * load(block.state, 1)
        through_inner(plan, block, z, tape, layer)
        gain *= plan.gain_in
    store(tape.weight, 0, weight)
    return gain


@part
def through_inner(plan, block, z, tape, layer):
    """Turn t into Wᵀt, given that h is W z: its noise is in block.h."""
    length = sqrt(load(tape.u_square, 0))
    along = dot(block.h, tape.t)
    begin(block.stream, plan.seed, block.key, layer, CHANNEL.inner_backward)
    across = noise_times(block.stream, z, plan.width, tape.t, True)
    w, narrow, total = share_along(load(block.state, 1), along, length, across), singles(length), doubles_of(0.0)
    for i in range(plan.width):
        t = fma(w, load(z, i), narrow * load(tape.t, i))
        store(tape.t, i, t)
        total = total + doubles(t) * doubles(t)
    store(tape.u_square, 0, total)


@part
def clear_beyond(x, n):
    """Keep the row beyond an odd width at 0."""
    if n < x.shape[0]:
        store(x, n, singles_of(F32(0.0)))


@part
def move(plan, tape, layer, gain):
    """Set p̃ = keep p̃ + gain t, within a safe range."""
    keep, u_square = plan.keep[layer], load(tape.u_square, 0)
    shift, scale = rescaling((keep**2 * load(tape.p_square, 0) + gain**2 * u_square) / plan.width)
    change = where_greater(gain * scale, LARGEST, LARGEST, gain * scale)
    store(tape.factors, 0, singles(keep * scale))
    store(tape.factors, 1, singles(where_greater(u_square, 0.0, change, 0.0)))
    store(tape.p_exponent, 0, load(tape.p_exponent, 0) + shift)
    store(tape.p_square, 0, add_scaled(tape.factors, tape.p, tape.t))


@part
def record_gradient(plan, block, z, tape, layer, rec):
    """Note the length of the gradient p_l, and its cosine with the state z_l."""
    slot, square = rec.slot[layer], load(tape.p_square, 0)
    if slot >= 0 and rec.grad_state_cosine.shape[0] > 0:
        cosine = dot(tape.p, z) / (sqrt(square) * sqrt(load(block.state, 1)))  # NaN of a vector 0
        store(block.page.active, slot % LAYERS, cosine)
    if slot >= 0:
        passed = plan.log_scale[-1] - plan.log_scale[layer]
        note_square(block.page, slot, square, load(tape.p_exponent, 0), 2.0 * passed)


@part
def record_weights(block, tape, layer, rec):
    """Note the squared gradient of block l's weights, and add it to the tangent kernel; before p moves on."""
    slot, weight = rec.slot[layer + 1], load(tape.weight, 0)
    exponent = load(tape.p_exponent, 0) + load(block.state, 3)
    if slot >= 0:
        store(block.page.energy, slot % LAYERS, weight)
        store(block.page.weight_exponent, slot % LAYERS, exponent)
    if rec.log_ntk.shape[0] > 0:
        total, total_exponent = add_power(load(tape.total, 0), load(tape.total, 1), weight, exponent)
        store(tape.total, 0, total)
        store(tape.total, 1, total_exponent)


@part
def turn(block, z, tape):
    """Put p_d along z_d, or take out what is along z_d; set |p_d|²."""
    if tape.functional == 0:
        store(tape.p_square, 0, dot(tape.p, tape.p))
        return
    square = load(block.state, 1)
    across = doubles_of(1.0) if tape.functional == 2 else where_greater(square, 0.0, doubles_of(0.0), 1.0)
    along = where_greater(square, 0.0, dot(tape.p, z) * -1.0 / square, 0.0) if tape.functional == 2 else doubles_of(1.0)
    store(tape.factors, 0, singles(across))
    store(tape.factors, 1, singles(along))
    store(tape.p_square, 0, add_scaled(tape.factors, tape.p, z))


@part
def run_backward(plan, block, tape, rec, row, count):
    """Run the gradient from z_d to z_0."""
    depth = plan.keep.shape[0]
    begin(block.stream, plan.seed, block.key, 0, CHANNEL.functional)
    fill_single(block.stream, tape.p)
    clear_beyond(tape.p, plan.width)
    turn(block, block.z[tape.segment], tape)
    store(tape.p_exponent, 0, doubles_of(0.0))
    store(tape.total, 0, doubles_of(0.0))
    store(tape.total, 1, doubles_of(0.0))
    store(tape.log_start, 0, log_square(load(tape.p_square, 0), doubles_of(0.0)))
    record_gradient(plan, block, block.z[tape.segment], tape, depth, rec)
    held = (depth - 1) // tape.segment
    for layer in range(depth - 1, -1, -1):
        if layer // tape.segment != held:
            held = layer // tape.segment
            replay(plan, block, tape, held)
        z = block.z[layer % tape.segment]
        copy(tape.state[layer % tape.segment], block.state)
        gain = to_pre_activation(plan, block, z, tape, layer)
        record_weights(block, tape, layer, rec)
        turn_backward(plan, block, tape, layer + 1, rec, row, count)
        move(plan, tape, layer, gain)
        record_gradient(plan, block, z, tape, layer, rec)
    turn_backward(plan, block, tape, 0, rec, row, count)
    if rec.log_ntk.shape[0] > 0:
        store(tape.total, 0, relative_square(plan, block, tape, load(tape.total, 0), load(tape.total, 1)))
        for lane in range(count):
            rec.log_ntk[row + lane, 0] = tape.total[0, lane]


@kernel
def run_blocks(plan, block, tape, first, rec):
    """Fill the records of the networks first, first + 1, …; O(depth · width) a network."""
    for row in range(0, rec.alive.shape[0], LANES):
        count = min(LANES, rec.alive.shape[0] - row)
        networks_of(np.uint64(first) + np.uint64(row), block.key)
        run_forward(plan, block, tape, rec, row, count)
        run_backward(plan, block, tape, rec, row, count)


def run(net: ResNet, inputs: Array, functional: int, seed: int, first: int, rec: Records) -> None:
    """Fill `rec` with the networks first, first + 1, …."""
    tape = tape_of(net, functional)
    run_blocks(plan_of(net, inputs, seed), block_of(net, tape.segment + 1), tape, first, rec)
