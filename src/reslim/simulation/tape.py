"""What the backward pass keeps of the forward pass, and its own state: of 16 networks, in lanes."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reslim.simulation.generator import F32, U32
from reslim.simulation.jit import part
from reslim.simulation.lane_algebra import copy
from reslim.simulation.lanes import LANES
from reslim.spec import ResNet

Array = NDArray[np.float64]
MOST_STORED = 4_000_000  # floats of states of 16 networks; deeper networks are replayed from checkpoints


class Tape(NamedTuple):
    """The sums of the states that the block holds, one segment of layers; what segments begin with; the gradient's scratch."""

    functional: int  # its place in FUNCTIONALS
    segment: int
    state: Array  # (segment, 4, LANES)
    first_z: NDArray[np.float32]  # (segments, rows, LANES)
    first_state: Array
    p: NDArray[np.float32]  # (rows, LANES)
    x: NDArray[np.float32]  # φ(s h)
    slopes: NDArray[np.float32]  # s φ'(s h)
    t: NDArray[np.float32]
    coins: NDArray[np.float32]
    words: NDArray[np.uint32]  # (2, LANES): a pair's, for the coins
    factors: NDArray[np.float32]  # (2, LANES): what multiplies p̃, and its change
    p_square: Array  # (1, LANES)
    u_square: Array  # |t|²
    p_exponent: Array
    weight: Array  # squared gradient of a block's weights
    log_start: Array  # ln |p_d|²
    total: Array  # (2, LANES): Σ of the weights' squared gradients, and its exponent


def tape_of(net: ResNet, functional: int) -> Tape:
    """Make the tape of one thread."""
    depth, rows = net.depth, net.width + net.width % 2
    segment = depth if depth * rows * LANES <= MOST_STORED else math.isqrt(depth - 1) + 1
    segments = -(-depth // segment)

    def vector() -> NDArray[np.float32]:
        return np.zeros((rows, LANES), F32)

    def scalar() -> Array:
        return np.zeros((1, LANES))

    return Tape(
        functional=functional,
        segment=segment,
        state=np.zeros((segment, 4, LANES)),
        first_z=np.zeros((segments, rows, LANES), F32),
        first_state=np.zeros((segments, 4, LANES)),
        p=vector(),
        x=vector(),
        slopes=vector(),
        t=vector(),
        coins=np.ones((rows, LANES), F32),
        words=np.zeros((2, LANES), U32),
        factors=np.zeros((2, LANES), F32),
        p_square=scalar(),
        u_square=scalar(),
        p_exponent=scalar(),
        weight=scalar(),
        log_start=scalar(),
        total=np.zeros((2, LANES)),
    )


@part
def place_of(tape, layer, depth):
    """Return the place of z_l in the block: those of a segment and the last state have their own, if there is a tape."""
    if tape is None:
        return 0
    return layer % tape.segment if layer < depth else tape.segment


@part
def save(block, tape, layer):
    """Keep the sums of z_l, and twice what a segment begins with."""
    place, index = layer % tape.segment, layer // tape.segment
    copy(block.state, tape.state[place])
    if place == 0:
        copy(block.z[0], tape.first_z[index])
        copy(block.state, tape.first_state[index])
