"""The forward pass of m inputs in lanes, in double precision (see `joint`)."""

from __future__ import annotations

from reslim.simulation.double_activations import activated, slope_of
from reslim.simulation.generator import CHANNEL, begin, fill, fill_coins
from reslim.simulation.jit import inlined, part
from reslim.simulation.joint_records import (
    ACTIVE,
    END,
    ENDS,
    ENERGY,
    EXPONENT,
    H_SQUARE,
    MOVED,
    MOVED_EXPONENT,
    OUTPUT,
    SQUARE,
    START,
    T_EXPONENT,
    T_SQUARE,
    T_START,
)
from reslim.simulation.lane_algebra import MOST_EXPONENT, power_within, rescaling
from reslim.simulation.lane_products import clear_beyond, combine, copy, draw, inner_product, orthogonalise
from reslim.simulation.lanes import absolute, copysign, doubles_of, fma, load, sqrt, store, where_greater


@part
def step(w, at, matrix, keep, gain):
    """Set z = keep z + gain W x for all vectors x, and t in the same way."""
    for a in range(matrix.inputs):
        shift, scale = rescaling(keep**2 * load(w, at.square + a) / at.width + gain**2 * load(w, matrix.lengths + a))
        store(w, at.square + a, combine(w, matrix, a, keep * scale, gain * scale, at.z + a * at.rows))
        store(w, at.exponent + a, load(w, at.exponent + a) + shift)


@inlined
def start_tangents(w, at, noise):
    """Draw t_0, one for all inputs of a network."""
    first = at.z + at.inputs * at.rows
    begin(noise.stream, noise.seed, noise.key, 0, CHANNEL.tangent)
    fill(noise.stream, noise.double, w[first : first + at.rows])
    clear_beyond(w, first, at.width)
    for a in range(at.inputs, at.vectors):
        copy(w, first, w, at.z + a * at.rows, at.rows)
        store(w, at.square + a, inner_product(w, first, first, at.rows))


@inlined
def draw_start(w, at, noise):
    """Draw z_0 = W_in x/√n_in, and a tangent."""
    for row in range(at.square, at.exponent + at.vectors):
        store(w, row, doubles_of(0.0))
    draw(w, at.start, noise, 0, CHANNEL.input)
    step(w, at, at.start, 0.0, at.gain_start)
    if at.wanted.tangent:
        start_tangents(w, at, noise)
    copy(w, at.z, w, at.z_0, at.vectors * (at.rows + 2))


@part
def toss(w, at, noise, layer):
    """Set the coins of a Balanced layer: the spare bits of the stream that made its pre-activations."""
    channel = CHANNEL.inner if at.two_matrix else CHANNEL.forward if layer > 0 else CHANNEL.input
    begin(noise.stream, noise.seed, noise.key, layer if at.two_matrix else max(layer - 1, 0), channel)
    fill_coins(noise.stream, noise.words, w[at.coins : at.coins + at.rows])


@part
def activate(w, at, a):
    """Set x = 2⁻ᵉ φ(s 2ᵉ h), the vector a of V, its squared length and the active units. O(n)."""
    scale, slope = power_within(load(w, at.exponent + a), MOST_EXPONENT), doubles_of(at.slope)
    inverse, h, x = 1.0 / scale, at.h + a * at.rows, at.outer.basis + a * at.rows
    energy, active, one = doubles_of(0.0), doubles_of(0.0), doubles_of(1.0)
    kind, coins = at.kind, at.coins
    for i in range(at.rows):
        value = load(w, coins + i) * load(w, h + i)
        active = active + where_greater(value, 0.0, one, 0.0)
        if kind == 0:
            value = where_greater(value, 0.0, value, slope * value)
        else:
            value = inverse * activated(kind, scale * value)
        store(w, x + i, value)
        energy = fma(value, value, energy)
    store(w, at.outer.lengths + a, energy)
    store(w, at.active + a, active)


@part
def multiply_by_slopes(w, at, a, x, out, square):
    """Set out = s φ'(s 2ᵉ h) x for the input a, and its squared length. O(n)."""
    scale, leak = power_within(load(w, at.exponent + a), MOST_EXPONENT), doubles_of(at.slope)
    total, one = doubles_of(0.0), doubles_of(1.0)
    h, coins, kind = at.h + a * at.rows, at.coins, at.kind
    for i in range(at.rows):
        coin = load(w, coins + i)
        value = coin * load(w, h + i)
        slope = where_greater(value, 0.0, one, leak) if kind == 0 else slope_of(kind, scale * value)
        value = coin * slope * load(w, x + i)
        store(w, out + i, value)
        total = fma(value, value, total)
    store(w, square, total)


@part
def draw_branch(w, at, noise, layer):
    """Draw h and k, and what V is on φ(s h) and on s φ'(s h) k."""
    if at.balanced:
        toss(w, at, noise, layer)
    if at.two_matrix:
        copy(w, at.z, w, at.inner.basis, at.vectors * at.rows)
        copy(w, at.square, w, at.inner.lengths, at.vectors)
        orthogonalise(w, at.inner)
        draw(w, at.inner, noise, layer, CHANNEL.inner)
    for a in range(at.vectors):
        if at.two_matrix:
            square = combine(w, at.inner, a, doubles_of(0.0), doubles_of(at.gain_in), at.h + a * at.rows)
            store(w, at.h_square + a, square)
        if a < at.inputs:
            activate(w, at, a)
        else:
            multiply_by_slopes(w, at, a - at.inputs, at.h + a * at.rows, at.outer.basis + a * at.rows, at.outer.lengths + a)
    orthogonalise(w, at.outer)
    draw(w, at.outer, noise, layer, CHANNEL.forward)


@part
def square_distance(w, at, x, square, exponent, y, other):
    """Return |2ᵉ x - 2ᶠ y|²/4ᵗᵒᵖ, exact also where one of the two is negligible, and top. O(n).

    `square` and the exponents are rows; an x of which the square is 0 has no exponent.
    """
    f = load(w, other)
    e = where_greater(load(w, square), 0.0, load(w, exponent), f)
    top = where_greater(e, f, e, f)
    total, u, v = doubles_of(0.0), power_within(e - top, 1000.0), power_within(f - top, 1000.0)
    for i in range(at.rows):
        difference = u * load(w, x + i) - v * load(w, y + i)
        total = fma(difference, difference, total)
    return total, top


@part
def cosine(w, at, a, b):
    """Return the cosine between two states, ±1 at most. O(n)."""
    x, y = at.z + a * at.rows, at.z + b * at.rows
    squares = inner_product(w, x, x, at.rows) * inner_product(w, y, y, at.rows)
    value = inner_product(w, x, y, at.rows) / sqrt(squares)
    return where_greater(absolute(value), 1.0, copysign(doubles_of(1.0), value), value)


@part
def record_state(w, at, found, row):
    """Write down the squares of the states, tangents and displacements, and the cosines between states."""
    m, wanted = at.inputs, at.wanted
    copy(w, at.square, found, row + SQUARE * m, m)
    copy(w, at.exponent, found, row + EXPONENT * m, m)
    if wanted.tangent:
        copy(w, at.square + m, found, row + T_SQUARE * m, m)
        copy(w, at.exponent + m, found, row + T_EXPONENT * m, m)
    for a in range(m):
        if wanted.displacement:
            state_0 = at.z_0 + at.vectors * at.rows  # its squares, then its exponents
            z, z_0 = at.z + a * at.rows, at.z_0 + a * at.rows
            moved, top = square_distance(w, at, z, at.square + a, at.exponent + a, z_0, state_0 + at.vectors + a)
            store(found, row + MOVED * m + a, moved)
            store(found, row + MOVED_EXPONENT * m + a, top)
        if wanted.overlap:
            for b in range(m):
                store(found, row + wanted.fields * m + a * m + b, cosine(w, at, a, b))


@inlined
def record_activity(w, at, found, row):
    """Write down what a block's activations have passed."""
    m = at.inputs
    copy(w, at.outer.lengths, found, row + ENERGY * m, m)
    copy(w, at.h_square, found, row + H_SQUARE * m, m)
    copy(w, at.active, found, row + ACTIVE * m, m)


@inlined
def record_ends(w, at, noise, found):
    """Write down the first and the last state, and draw z_out = W_out z_d/√n."""
    m, last, ends = at.inputs, at.last, at.wanted.ends
    squares_0 = at.z_0 + at.vectors * at.rows
    copy(w, squares_0, found, ends + START * m, m)
    copy(w, squares_0 + at.vectors, found, ends + (START + 1) * m, m)
    copy(w, at.square, found, ends + END * m, m)
    copy(w, at.exponent, found, ends + (END + 1) * m, m)
    if at.wanted.tangent:
        copy(w, squares_0 + m, found, ends + T_START * m, m)
    if at.wanted.output:
        copy(w, at.z, w, last.basis, m * at.rows)
        copy(w, at.square, w, last.lengths, m)
        orthogonalise(w, last)
        draw(w, last, noise, 0, CHANNEL.output)
        for a in range(m):
            row = ends + ENDS * m + a * last.rows_out
            square = combine(w, last, a, doubles_of(0.0), doubles_of(at.gain_out), at.output)
            store(found, ends + OUTPUT * m + a, square)
            copy(w, at.output, found, row, last.rows_out)


@inlined
def run_forward(w, at, noise, layers, found):
    """Run 16 networks to the end, and keep the states on the tape for a backward pass."""
    draw_start(w, at, noise)
    if layers[0].row >= 0:
        record_state(w, at, found, layers[0].row)
    for layer in range(at.depth):
        if at.wanted.backward:
            save(w, at, layer)
        draw_branch(w, at, noise, layer)
        if layers[layer].row >= 0:
            record_activity(w, at, found, layers[layer].row)
        step(w, at, at.outer, layers[layer].keep, layers[layer].gain)
        if layers[layer + 1].row >= 0:
            record_state(w, at, found, layers[layer + 1].row)
    record_ends(w, at, noise, found)


@inlined
def save(w, at, layer):
    """Keep the states z_l, and twice where a segment begins: the tape is a segment, then the first states of each."""
    size = at.vectors * (at.rows + 2)
    copy(w, at.z, w, at.tape + layer % at.segment * size, size)
    if layer % at.segment == 0:
        copy(w, at.z, w, at.tape + (at.segment + layer // at.segment) * size, size)


@inlined
def restore(w, at, place):
    """Put kept states back: those of a place on the tape."""
    size = at.vectors * (at.rows + 2)
    copy(w, at.tape + place * size, w, at.z, size)
