"""The backward pass of m inputs in lanes, after their forward pass, in double precision (see `joint`).

States are kept at checkpoints every √depth layers and replayed between them from their own streams. The products with the
transposed matrices are drawn for all inputs jointly, given what the matrices did to all of the states
(docs/derivations/matrix-free.md).
"""

from __future__ import annotations

from reslim.simulation.generator import CHANNEL, begin, fill
from reslim.simulation.jit import inlined, part
from reslim.simulation.joint_forward import draw_branch, multiply_by_slopes, restore, save, square_distance, step
from reslim.simulation.joint_records import (
    ALONG,
    P_EXPONENT,
    P_MOVED,
    P_MOVED_EXPONENT,
    P_SQUARE,
    P_START,
    TOTAL,
    WEIGHT,
    WEIGHT_EXPONENT,
)
from reslim.simulation.lane_algebra import add_power, rescaling
from reslim.simulation.lane_products import add, clear_beyond, copy, inner_product, transpose
from reslim.simulation.lanes import doubles_of, fma, load, store, where_greater


@inlined
def replay(w, at, noise, layers, index):
    """Draw the states of a segment again."""
    restore(w, at, at.segment + index)
    for layer in range(index * at.segment, (index + 1) * at.segment):
        save(w, at, layer)
        draw_branch(w, at, noise, layer)
        step(w, at, at.outer, layers[layer].keep, layers[layer].gain)


@inlined
def start_gradients(w, at, noise):
    """Draw p_d, one for all inputs of a network, and tie it to each z_d: put it along z_d, or take out what is along z_d."""
    begin(noise.stream, noise.seed, noise.key, 0, CHANNEL.functional)
    fill(noise.stream, noise.double, w[at.p : at.p + at.rows])
    clear_beyond(w, at.p, at.width)
    for a in range(at.inputs - 1, -1, -1):
        p, z, square = at.p + a * at.rows, at.z + a * at.rows, load(w, at.square + a)
        copy(w, at.p, w, p, at.rows)
        if at.functional == 1:
            for i in range(at.rows):
                store(w, p + i, where_greater(square, 0.0, load(w, z + i), load(w, p + i)))
        if at.functional == 2:
            along = inner_product(w, p, z, at.rows) / square * -1.0
            add(w, p, where_greater(square, 0.0, along, 0.0), z, z, at.rows)
        store(w, at.p_square + a, inner_product(w, p, p, at.rows))
        for row in (at.p_exponent + a, at.total + a, at.total_exponent + a):
            store(w, row, doubles_of(0.0))
    copy(w, at.p, w, at.p_d, at.inputs * at.rows)


@inlined
def to_pre_activations(w, at, noise, layer):
    """Set t to the changes of p̃ through the block, up to its gains."""
    draw_branch(w, at, noise, layer)
    transpose(w, at.outer, noise, layer, CHANNEL.backward, at.fresh, at.p, at.p_square, at.t)
    for a in range(at.inputs):
        multiply_by_slopes(w, at, a, at.t + a * at.rows, at.t + a * at.rows, at.t_square + a)


@inlined
def through_inner(w, at, noise, layer):
    """Turn t into Wᵀt for all inputs."""
    transpose(w, at.inner, noise, layer, CHANNEL.inner_backward, at.fresh, at.t, at.t_square, at.u)
    copy(w, at.u, w, at.t, at.inputs * at.rows)
    for a in range(at.inputs):
        t = at.t + a * at.rows
        store(w, at.t_square + a, inner_product(w, t, t, at.rows))


@part
def weigh(w, at, a, gain):
    """Set `weight` to the squared gradient of a block's weights, and add it to the sum over blocks; before p moves on."""
    weight = gain**2 * load(w, at.p_square + a) * load(w, at.outer.lengths + a)
    if at.two_matrix:
        weight = weight + (at.gain_in * gain) ** 2 * load(w, at.t_square + a) * load(w, at.square + a)
    exponent = load(w, at.exponent + a) + load(w, at.p_exponent + a)
    total, total_exponent = add_power(load(w, at.total + a), load(w, at.total_exponent + a), weight, exponent)
    store(w, at.weight + a, weight)
    store(w, at.weight_exponent + a, exponent)
    store(w, at.total + a, total)
    store(w, at.total_exponent + a, total_exponent)


@part
def move(w, at, a, keep, gain):
    """Set p̃ = keep p̃ + gain t, within a safe range."""
    shift, scale = rescaling((keep**2 * load(w, at.p_square + a) + gain**2 * load(w, at.t_square + a)) / at.width)
    k, g, total = keep * scale, gain * scale, doubles_of(0.0)
    p, t = at.p + a * at.rows, at.t + a * at.rows
    for i in range(at.rows):
        value = fma(g, load(w, t + i), k * load(w, p + i))
        store(w, p + i, value)
        total = fma(value, value, total)
    store(w, at.p_square + a, total)
    store(w, at.p_exponent + a, load(w, at.p_exponent + a) + shift)


@part
def record_gradients(w, at, found, row):
    """Write down the squares of the gradients p_l, of their displacements, and their products with the states z_l."""
    m, wanted = at.inputs, at.wanted
    copy(w, at.p_square, found, row + P_SQUARE * m, m)
    copy(w, at.p_exponent, found, row + P_EXPONENT * m, m)
    for a in range(m):
        p = at.p + a * at.rows
        if wanted.cosine:
            store(found, row + ALONG * m + a, inner_product(w, p, at.z + a * at.rows, at.rows))
        if wanted.grad_displacement:
            moved, top = square_distance(w, at, p, at.p_square + a, at.p_exponent + a, at.p_d + a * at.rows, at.zero)
            store(found, row + P_MOVED * m + a, moved)
            store(found, row + P_MOVED_EXPONENT * m + a, top)


@inlined
def run_backward(w, at, noise, layers, found):
    """Run the gradients from z_d to z_0."""
    m, ends, held = at.inputs, at.wanted.ends, (at.depth - 1) // at.segment
    start_gradients(w, at, noise)
    copy(w, at.p_square, found, ends + P_START * m, m)
    if layers[at.depth].row >= 0:
        record_gradients(w, at, found, layers[at.depth].row)
    for layer in range(at.depth - 1, -1, -1):
        if layer // at.segment != held:
            held = layer // at.segment
            replay(w, at, noise, layers, held)
        restore(w, at, layer % at.segment)
        to_pre_activations(w, at, noise, layer)
        for a in range(m):
            weigh(w, at, a, layers[layer].gain)
        if layers[layer + 1].row >= 0:
            copy(w, at.weight, found, layers[layer + 1].row + WEIGHT * m, m)
            copy(w, at.weight_exponent, found, layers[layer + 1].row + WEIGHT_EXPONENT * m, m)
        gain = layers[layer].gain
        if at.two_matrix:
            through_inner(w, at, noise, layer)
            gain *= at.gain_in
        for a in range(m):
            move(w, at, a, layers[layer].keep, gain)
        if layers[layer].row >= 0:
            record_gradients(w, at, found, layers[layer].row)
    copy(w, at.total, found, ends + TOTAL * m, m)
    copy(w, at.total_exponent, found, ends + (TOTAL + 1) * m, m)
