"""The explicit sampler: weight matrices, drawn and multiplied, one network after the other. The judge of the others.

O(depth · width²) a network; the only one for gradients of networks whose weights depend on each other across depth. Networks
that differ in skip and branch alone have the same weights, and go through them together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reslim.simulation import across_depth, columns, path_records, records
from reslim.simulation.columns import Matrices, padded
from reslim.simulation.records import Records
from reslim.spec import ResNet

Array = NDArray[np.float64]


class Weights(NamedTuple):
    """The weights of one network, all of unit variance, the functional p_d and the direction t_0."""

    w_in: Array  # (n, n_in)
    blocks: Matrices
    w_out: Array  # (n_out, n)
    p_d: Array  # (n,)
    t_0: Array  # (n,)


def size_in_bytes(net: ResNet, columns: int, backward: bool, tangent: bool) -> int:
    """Return the memory that the matrices of a network take, and the passes of so many columns."""
    matrices = 2 if net.block == "two-matrix" else 1
    passes = matrices + backward + tangent
    return 8 * net.depth * net.width * (matrices * net.width + passes * padded(columns))


def stream(seed: int, replica: int) -> np.random.Generator:
    """Return the random numbers of a replica."""
    low = 2**32 - 1  # four words always: NumPy takes a longer seed for a shorter one with zeros at its end
    return np.random.default_rng([seed & low, seed >> 32, replica & low, replica >> 32])


def entries(rng: np.random.Generator, law: str, out: Array) -> None:
    """Draw unit-variance entries of a law."""
    if law == "gaussian":
        rng.standard_normal(out=out)
    elif law == "uniform":
        out[:] = rng.uniform(-math.sqrt(3.0), math.sqrt(3.0), out.shape)
    else:
        out[:] = rng.choice([-1.0, 1.0], out.shape)


def draw_weights(net: ResNet, seed: int, replica: int, blocks: Matrices | None = None) -> Weights:
    """Draw the weights of one replica; they depend on seed, replica, sizes, block, entries, coupling and `balanced` alone.

    `blocks` of an earlier replica are written over.
    """
    rng, n = stream(seed, replica), net.width
    w_in = rng.standard_normal((n, net.n_in))
    blocks = _room_of(net) if blocks is None else blocks
    if net.coupling.is_independent:
        _draw_blocks(net, rng, blocks)
    else:
        _draw_coupled(net, rng, blocks)
    return Weights(w_in, blocks, rng.standard_normal((net.n_out, n)), rng.standard_normal(n), rng.standard_normal(n))


def _room_of(net: ResNet) -> Matrices:
    """Make room for the weights of the blocks."""
    depth, n = net.depth, net.width
    inner = depth if net.block == "two-matrix" else 0
    return Matrices(np.empty((depth, n, n)), np.empty((inner, n, n)), np.ones((depth, n)))


def _draw_blocks(net: ResNet, rng: np.random.Generator, blocks: Matrices) -> None:
    """Draw layer after layer."""
    for l in range(net.depth):
        if net.block == "two-matrix":
            entries(rng, net.entries, blocks.w[l])
        entries(rng, net.entries, blocks.v[l])
        if net.balanced:
            blocks.signs[l] = rng.choice([-1.0, 1.0], net.width)


def _draw_coupled(net: ResNet, rng: np.random.Generator, blocks: Matrices) -> None:
    """Draw every entry through all layers."""
    series = across_depth.sampler(net.coupling, net.depth)
    for matrices in (blocks.w, blocks.v):
        if len(matrices):
            series.draw(rng, matrices.reshape(net.depth, -1))
    if net.balanced:
        blocks.signs[:] = rng.choice([-1.0, 1.0], blocks.signs.shape)


def paths(
    nets: Sequence[ResNet],
    weights: Weights,
    inputs: Array,
    functional: int | None,
    found: columns.Paths | None = None,
    tangent: bool = False,
) -> columns.Paths:
    """Return the states of networks that share their weights, all inputs of each; gradients of a functional from FUNCTIONALS.

    With `tangent` also the derivatives of the states along t_0.

    `found` of an earlier replica is written over.
    """
    net, count = nets[0], len(nets) * len(inputs)
    factors = columns.factors_of(nets, len(inputs))
    found = columns.paths_of(net, count, functional is not None, tangent) if found is None else found
    z_0 = weights.w_in @ inputs.T / math.sqrt(net.n_in)
    found.by_column(found.z[:1], count)[0] = np.tile(z_0, len(nets))
    columns.forward(factors, weights.blocks, found)
    if functional is not None:
        z_d = path_records.steps(found, found.z, slice(count), [-1])[0]
        found.by_column(found.p[-1:], count)[0] = np.transpose([turned(weights.p_d, one, functional) for one in z_d])
        columns.backward(factors, weights.blocks, found)
    if tangent:
        found.by_column(found.t[:1], count)[0] = weights.t_0[:, None]
        columns.tangents(factors, weights.blocks, found)
    return found


def turned(p_d: Array, z_d: Array, functional: int) -> Array:
    """Return p_d, z_d itself, or p_d across z_d: the places in FUNCTIONALS."""
    square = z_d @ z_d
    if functional == 0 or square == 0.0:
        return p_d
    return z_d if functional == 1 else p_d - (p_d @ z_d) / square * z_d


def run(nets: Sequence[ResNet], inputs: Array, functional: int | None, seed: int, first: int, recs: Sequence[Records]) -> None:
    """Fill the records of each network with the replicas first, first + 1, …; networks may differ in skip and branch alone."""
    blocks, found = None, None  # the memory is that of the first: to get it anew would take as long as to draw into it
    own = [slice(place * len(inputs), (place + 1) * len(inputs)) for place in range(len(nets))]
    wide, tangent = records.side_by_side(recs), len(recs[0].log_tangent_growth) > 0
    for row in range(len(wide.alive)):
        weights = draw_weights(nets[0], seed, first + row, blocks)
        found = paths(nets, weights, inputs, functional, found, tangent)
        blocks = weights.blocks
        path_records.record(nets[0], weights, found, slice(len(nets) * len(inputs)), wide, row)
        for columns_of_net, rec in zip(own, recs, strict=True):
            path_records.record_overlap(found, columns_of_net, rec, row)
    records.divide(wide, recs)
