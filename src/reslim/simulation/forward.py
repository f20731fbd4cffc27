"""The forward pass of one input in lanes: 16 networks at once, one fused pass over the state a layer, single precision.

The state is kept as z = 2ᵉ Π f · z̃, with one factor f a layer, common to all networks, and a binary exponent e a network:
z̃' = ±z̃ + (c/|α|) g where the skip is not negligible, so that no rounding is repeated layer after layer. Norms and branch
factors are formed in double precision and rounded once. The noise is that of `joint`, which carries the same networks in
double precision and is its test.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reslim.simulation.generator import CHANNEL, F32, U32, begin, gaussian_pair, networks_of, next_word
from reslim.simulation.jit import inlined, kernel, part
from reslim.simulation.lane_activations import ERF, TANH, activated, code
from reslim.simulation.lane_algebra import CHUNK, LN2, MOST_EXPONENT, power_within, rescaling
from reslim.simulation.lane_records import Page, page_of, record_activity, record_output, record_state, turn_forward
from reslim.simulation.lanes import (
    LANES,
    as_floats,
    as_words,
    doubles,
    doubles_of,
    fma,
    load,
    shl,
    shr,
    singles,
    singles_of,
    sqrt,
    store,
    where_greater,
    words_of,
)
from reslim.simulation.records import Records
from reslim.simulation.tape import place_of, save
from reslim.spec import ResNet

Array = NDArray[np.float64]
NEGLIGIBLE = 1e-9  # a skip below this share of the branch is not divided out: its rounding does not matter
STEEPEST = 2.0**60  # scales beyond which every activation has reached its limit
RELU, NONE = -1, -2  # codes of ReLU, and of no activation: the sums of φ are not wanted


class Plan(NamedTuple):
    """A network as the kernels read it."""

    two_matrix: bool
    balanced: bool
    kind: int
    slope: float
    width: int
    keep: Array  # (depth,): α/f
    gain: Array  # (depth,): λ √(v_out/n)/f
    log_scale: Array  # (depth + 1,): ln of |x|/√n_in and of the f so far
    mantissa: Array  # (depth + 1,): of e^log_scale, from 1 to 2
    exponent: Array  # (depth + 1,): its power of two
    log_width: float  # ln n
    gain_in: float  # √(v_in/n)
    n_out: int
    seed: np.uint64


class Block(NamedTuple):
    """The scratch of 16 networks: states, streams, and the scalars of each lane."""

    z: NDArray[np.float32]  # (places, n or n + 1, LANES): the state, or those that are kept
    h: NDArray[np.float32]  # (n or n + 1, LANES)
    key: NDArray[np.uint32]  # (2, LANES)
    stream: NDArray[np.uint32]  # (4, LANES)
    factors: NDArray[np.float32]  # (3, LANES): what multiplies z̃, the noise, and z̃ inside the activation
    state: Array  # (4, LANES): Σ φ², Σ z̃², active units, e
    inner: Array  # (3, LANES): the first three of h
    output: NDArray[np.float32]  # (n_out or n_out + 1, LANES)
    log_start: Array  # (1, LANES): ln |z_0|²
    page: Page


def plan_of(net: ResNet, inputs: Array, seed: int) -> Plan:
    """Translate a spec for the kernels."""
    v_in, v_out = net.variances
    kind, slope = code(net.phi)
    kind = RELU if net.activation == "relu" else kind
    branch = np.abs(net.branches) * math.sqrt(v_in * v_out)
    factor = np.where(np.abs(net.skips) >= NEGLIGIBLE * branch, np.abs(net.skips), branch)
    log_scale = 0.5 * math.log(np.mean(inputs[0] ** 2)) + np.concatenate([[0.0], np.cumsum(np.log(factor))])
    exponent = np.floor(log_scale / LN2)
    return Plan(
        net.block == "two-matrix",
        net.balanced,
        kind,
        slope,
        net.width,
        net.skips / factor,
        net.branches * math.sqrt(v_out / net.width) / factor,
        log_scale,
        np.exp(log_scale - LN2 * exponent),
        exponent,
        math.log(net.width),
        math.sqrt(v_in / net.width),
        net.n_out,
        np.uint64(seed),
    )


def block_of(net: ResNet, places: int = 1) -> Block:
    """Make the scratch of one thread, with room for so many states."""
    rows, outputs = net.width + net.width % 2, net.n_out + net.n_out % 2
    return Block(
        z=np.zeros((places, rows, LANES), F32),
        h=np.zeros((rows, LANES), F32),
        key=np.zeros((2, LANES), U32),
        stream=np.zeros((4, LANES), U32),
        factors=np.zeros((3, LANES), F32),
        state=np.zeros((4, LANES)),
        inner=np.zeros((3, LANES)),
        output=np.zeros((outputs, LANES), F32),
        log_start=np.zeros((1, LANES)),
        page=page_of(),
    )


@inlined
def fused_pass(z, out, n, stream, factors, kind, leak, balanced, watch, sums):
    """Set out = keep z̃ + gain g, and sums to Σ (φ(s out)/s)², Σ out² and the active units. O(n), one pass.

    keep, gain and s are the rows of `factors`; the coins of a Balanced network are spare bits of the noise. Units are counted
    by their signs: unless all are 0, a unit that is 0 to the last bit counts as active. Every call is a copy of its own,
    without the branches that its constants decide.
    """
    s0, s1, s2, s3 = load(stream, 0), load(stream, 1), load(stream, 2), load(stream, 3)
    keep, gain, scale = load(factors, 0), load(factors, 1), load(factors, 2)
    inverse, slope = F32(1.0) / scale, singles_of(F32(leak))
    energy, square, negative = doubles_of(0.0), doubles_of(0.0), doubles_of(0.0)
    zero = singles_of(F32(0.0))
    for begins in range(0, n, CHUNK):
        e, f, q, r, count = zero, zero, zero, zero, words_of(U32(0))
        for i in range(begins, min(begins + CHUNK, n), 2):
            w1, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
            w2, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
            a, b = gaussian_pair(w1, w2)
            a = fma(gain, a, keep * load(z, i))
            b = fma(gain, b, keep * load(z, i + 1))
            if i + 1 == n:  # the row beyond an odd width stays 0
                b = zero
            store(out, i, a)
            store(out, i + 1, b)
            q, r = fma(a, a, q), fma(b, b, r)
            if balanced:
                a = as_floats(as_words(a) ^ shl(w2 & 2, 30))
                b = as_floats(as_words(b) ^ shl(w2 & 4, 29)) if i + 1 < n else b
            if watch:
                count = count + shr(as_words(a), 31) + shr(as_words(b), 31)
            if kind == RELU:
                a, b = where_greater(a, zero, a, zero), where_greater(b, zero, b, zero)
            elif kind != NONE:
                a, b = activated(kind, slope, scale * a) * inverse, activated(kind, slope, scale * b) * inverse
            e, f = fma(a, a, e), fma(b, b, f)
        energy = energy + doubles(e) + doubles(f)
        square = square + doubles(q) + doubles(r)
        negative = negative + doubles(count)
    store(sums, 0, energy)
    store(sums, 1, square)
    store(sums, 2, where_greater(square, 0.0, n - negative, 0.0))


@part
def advance(z, out, stream, factors, plan, kind, watch, sums):
    """Run the fused pass in the copy made for this activation."""
    n, balanced = plan.width, plan.balanced
    if kind == NONE:
        fused_pass(z, out, n, stream, factors, NONE, 0.0, False, False, sums)
    elif kind == RELU:
        fused_pass(z, out, n, stream, factors, RELU, 0.0, balanced, watch, sums)
    else:
        fused_pass(z, out, n, stream, factors, kind, plan.slope, balanced, watch, sums)


@part
def scale_at(plan, layer, exponent, factor):
    """Return what stands before z̃ times a factor, in lanes: e^log_scale 2ᵉ factor, within the range of doubles."""
    return plan.mantissa[layer] * factor * power_within(plan.exponent[layer] + exponent, MOST_EXPONENT)


@part
def steepness(scale):
    """Return a scale within the range in which activations still change."""
    return singles(where_greater(scale, STEEPEST, STEEPEST, where_greater(1.0 / STEEPEST, scale, 1.0 / STEEPEST, scale)))


@part
def lower_saturated(scale, sums):
    """Divide Σ (φ(s z̃)/s)² by the true s² where that is beyond the steepest, and |φ| at its limit."""
    share = STEEPEST / scale
    store(sums, 0, load(sums, 0) * where_greater(1.0, share, share * share, 1.0))


@part
def saturates(plan):
    """Return whether |φ| has a limit."""
    return plan.kind == TANH or plan.kind == ERF


@part
def draw_start(plan, block, z, watch):
    """Draw z_0 = |x|/√n_in g."""
    scale = scale_at(plan, 0, doubles_of(0.0), 1.0)
    store(block.state, 3, doubles_of(0.0))
    store(block.factors, 0, singles_of(F32(0.0)))
    store(block.factors, 1, singles_of(F32(1.0)))
    store(block.factors, 2, steepness(scale))
    begin(block.stream, plan.seed, block.key, 0, CHANNEL.input)
    advance(z, z, block.stream, block.factors, plan, NONE if plan.two_matrix else plan.kind, watch, block.state)
    if saturates(plan) and not plan.two_matrix:
        lower_saturated(scale, block.state)


@part
def draw_inner(plan, block, layer, watch):
    """Draw h = √(v_in/n) W z as a multiple of fresh noise, or of 0 if z is 0, and put Σ φ(h)² into the state's sums."""
    length = plan.gain_in * sqrt(load(block.state, 1))  # of h̃, in units of its noise
    scale = scale_at(plan, layer, load(block.state, 3), where_greater(length, 0.0, length, 1.0))
    store(block.factors, 0, singles_of(F32(0.0)))
    store(block.factors, 1, singles(where_greater(length, 0.0, doubles_of(1.0), 0.0)))
    store(block.factors, 2, steepness(scale))
    begin(block.stream, plan.seed, block.key, layer, CHANNEL.inner)
    advance(block.h, block.h, block.stream, block.factors, plan, plan.kind, watch, block.inner)
    if saturates(plan):
        lower_saturated(scale, block.inner)
    store(block.state, 0, length * length * load(block.inner, 0))


@part
def draw_step(plan, block, layer, z, out, watch):
    """Set out to z_{l+1}, which may take the place of z = z_l."""
    keep, gain, passed = plan.keep[layer], plan.gain[layer], load(block.state, 0)
    ahead = keep**2 * load(block.state, 1) / plan.width + gain**2 * passed  # mean square of z̃_{l+1}
    shift, fit = rescaling(ahead)
    exponent = load(block.state, 3) + shift
    scale = scale_at(plan, layer + 1, exponent, 1.0)
    store(block.factors, 0, singles(keep * fit))
    store(block.factors, 1, singles(gain * sqrt(passed) * fit))
    if plan.kind > 0:
        store(block.factors, 2, steepness(scale))
    store(block.state, 3, exponent)
    begin(block.stream, plan.seed, block.key, layer, CHANNEL.forward)
    kind = NONE if plan.two_matrix else plan.kind
    advance(z, out, block.stream, block.factors, plan, kind, watch, block.state)
    if saturates(plan) and not plan.two_matrix:
        lower_saturated(scale, block.state)


@part
def run_forward(plan, block, tape, rec, row, count):
    """Run 16 networks to the end, and keep the states on the tape, where there is one (None, of a forward pass alone)."""
    depth, counts = plan.keep.shape[0], rec.active_fraction.shape[0] > 0
    place = place_of(tape, 0, depth)
    draw_start(plan, block, block.z[place], counts and rec.slot[0] >= 0)
    record_state(plan, block, 0, rec)
    for layer in range(depth):
        if tape is not None:
            save(block, tape, layer)
        if plan.two_matrix:
            draw_inner(plan, block, layer, counts and rec.slot[layer] >= 0)
        record_activity(plan, block, block.inner if plan.two_matrix else block.state, layer, rec)
        turn_forward(plan, block, layer, rec, row, count)
        after = place_of(tape, layer + 1, depth)
        draw_step(plan, block, layer, block.z[place], block.z[after], counts and rec.slot[layer + 1] >= 0)
        record_state(plan, block, layer + 1, rec)
        place = after
    turn_forward(plan, block, depth, rec, row, count)
    record_output(plan, block, rec, row, count)


@kernel
def run_blocks(plan, block, first, rec):
    """Fill the records of the networks first, first + 1, …; O(depth · width) a network."""
    for row in range(0, rec.alive.shape[0], LANES):
        networks_of(np.uint64(first) + np.uint64(row), block.key)
        run_forward(plan, block, None, rec, row, min(LANES, rec.alive.shape[0] - row))


def run(net: ResNet, inputs: Array, seed: int, first: int, rec: Records) -> None:
    """Fill `rec` with the networks first, first + 1, …."""
    run_blocks(plan_of(net, inputs, seed), block_of(net), first, rec)
