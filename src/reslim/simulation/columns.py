"""Networks with given weight matrices, forward and backward: many states at once, one in each column.

A column is an input, or a branch factor, of the *same* matrices; what the matrices cost is shared by all. Columns fill
lanes of 16, so that the bits of one do not depend on the others::

    z[l, i groups + g]   coordinate i of z_l in the columns 16 g … 16 g + 15: as (layer, i, column), without a copy

States and gradients are mantissas times a power of two for each column, so that nothing overflows at any depth.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reslim.simulation import double_activations
from reslim.simulation.jit import allocating, part
from reslim.simulation.lane_activations import code
from reslim.simulation.lane_algebra import MOST_EXPONENT, power_within
from reslim.simulation.lanes import LANES, doubles_of, fma, load, store, where_greater
from reslim.spec import ResNet

Array = NDArray[np.float64]
SAFE = 2.0**64  # squared norms outside [1/SAFE, SAFE] are rescaled by a power of two, which is exact


class Matrices(NamedTuple):
    """The weights of the blocks, of unit variance; `w` is empty in one-matrix blocks, `signs` is 1 unless Balanced."""

    v: Array  # (depth, n, n)
    w: Array  # (depth, n, n), or (0, n, n)
    signs: Array  # (depth, n)


class Factors(NamedTuple):
    """What the network is beside its weights; the factors of a column are its own."""

    kind: int  # of the activation
    slope: float
    gain_in: float  # √(v_in/n)
    keep: Array  # (depth, columns): α
    gain: Array  # (depth, columns): λ √(v_out/n)


class Paths(NamedTuple):
    """States z_l 2^exponent, pre-activations, gradients p_l 2^p_exponent and tangents t_l 2^t_exponent, layer after layer."""

    z: Array  # (depth + 1, n groups, LANES)
    exponent: Array  # (depth + 1, columns)
    h: Array  # (depth, n groups, LANES): as z, up to the exponent of z_l
    passed: Array  # (depth, columns): |φ(h)|², up to 4^exponent
    p: Array  # (depth + 1, n groups, LANES)
    p_exponent: Array  # (depth + 1, columns)
    weight: Array  # (depth, columns): squared gradient of a block's weights, up to 4^both exponents
    t: Array  # (depth + 1, n groups, LANES)
    t_exponent: Array  # (depth + 1, columns)
    x: Array  # (n groups, LANES): scratch
    y: Array

    def by_column(self, rows: Array, count: int) -> Array:
        """Return (layers, n, count) of an array of rows."""
        columns = self.exponent.shape[1]
        return rows.reshape(len(rows), rows.shape[1] * LANES // columns, columns)[:, :, :count]


def padded(columns: int) -> int:
    """Return the number of columns that fill lanes."""
    return -(-columns // LANES) * LANES


def factors_of(nets: Sequence[ResNet], inputs: int) -> Factors:
    """Return the factors of networks that differ in skip and branch only; a network's inputs stand side by side."""
    v_in, v_out = nets[0].variances
    kind, slope = code(nets[0].phi)
    keep, gain = np.zeros((2, nets[0].depth, padded(len(nets) * inputs)))
    for place, net in enumerate(nets):
        own = slice(place * inputs, (place + 1) * inputs)
        keep[:, own] = net.skips[:, None]
        gain[:, own] = (net.branches * math.sqrt(v_out / net.width))[:, None]
    return Factors(kind, slope, math.sqrt(v_in / nets[0].width), keep, gain)


def paths_of(net: ResNet, columns: int, backward: bool, tangent: bool) -> Paths:
    """Make room for the passes of so many columns."""
    depth, columns = net.depth, padded(columns)
    rows = net.width * columns // LANES
    own = depth if net.block == "two-matrix" else 0
    back, along = (depth + 1 if wanted else 0 for wanted in (backward, tangent))
    return Paths(
        z=np.zeros((depth + 1, rows, LANES)),
        exponent=np.zeros((depth + 1, columns)),
        h=np.zeros((own, rows, LANES)),
        passed=np.zeros((depth, columns)),
        p=np.zeros((back, rows, LANES)),
        p_exponent=np.zeros((back, columns)),
        weight=np.zeros((max(back - 1, 0), columns)),
        t=np.zeros((along, rows, LANES)),
        t_exponent=np.zeros((along, columns)),
        x=np.zeros((rows, LANES)),
        y=np.zeros((rows, LANES)),
    )


@part
def apply(matrix, x, g, groups, out):
    """Set out = matrix x for a group of columns. O(n²)."""
    n = matrix.shape[0]
    for i in range(0, n - 1, 2):
        this, that = doubles_of(0.0), doubles_of(0.0)
        for j in range(n):
            at = load(x, j * groups + g)
            this = fma(matrix[i, j], at, this)
            that = fma(matrix[i + 1, j], at, that)
        store(out, i * groups + g, this)
        store(out, (i + 1) * groups + g, that)
    if n % 2 == 1:
        this = doubles_of(0.0)
        for j in range(n):
            this = fma(matrix[n - 1, j], load(x, j * groups + g), this)
        store(out, (n - 1) * groups + g, this)


@part
def square(x, g, groups, out):
    """Set the lanes of a group in out to their squared lengths. O(n)."""
    total = doubles_of(0.0)
    for row in range(g, x.shape[0], groups):
        at = load(x, row)
        total = fma(at, at, total)
    store(out, g, total)


@part
def activated(factors, h, signs, exponents, g, groups, x):
    """Set x = φ(s f h)/f for the scales f = 2ᵉ. O(n)."""
    scale, leak = power_within(load(exponents, g), MOST_EXPONENT), doubles_of(factors.slope)
    inverse = 1.0 / scale
    for i in range(signs.shape[0]):
        row = i * groups + g
        at = load(h, row) * signs[i]
        if factors.kind == 0:
            store(x, row, where_greater(at, 0.0, at, leak * at))
        else:
            store(x, row, inverse * double_activations.activated(factors.kind, scale * at))


@part
def times_slope(factors, h, signs, exponents, gains, g, groups, t, out):
    """Set out = gain s φ'(s f h) t for the scales f = 2ᵉ. O(n)."""
    scale, gain = power_within(load(exponents, g), MOST_EXPONENT), load(gains, g)
    one, leak = doubles_of(1.0), doubles_of(factors.slope)
    for i in range(signs.shape[0]):
        row = i * groups + g
        at = load(h, row) * signs[i]
        if factors.kind == 0:
            slope = where_greater(at, 0.0, one, leak)
        else:
            slope = double_activations.slope_of(factors.kind, scale * at)
        store(out, row, gain * signs[i] * slope * load(t, row))


@part
def scaled(x, g, groups, factor):
    """Multiply a group by a number. O(n)."""
    for row in range(g, x.shape[0], groups):
        store(x, row, load(x, row) * factor)


@part
def added(keeps, x, gains, y, g, groups, out):
    """Set out = keep x + gain y. O(n)."""
    keep, gain = load(keeps, g), load(gains, g)
    for row in range(g, x.shape[0], groups):
        store(out, row, fma(gain, load(y, row), keep * load(x, row)))


@part
def rescale(x, squares, g, groups, exponents):
    """Bring the squared lengths of a group into the safe range; their powers of two go to the exponents. O(n)."""
    square(x, g, groups, squares)
    for lane in range(LANES):
        found = squares[g, lane]
        if found == 0.0:
            exponents[g, lane] = 0.0
        elif not 1.0 / SAFE <= found <= SAFE:
            shift = math.frexp(found)[1] // 2
            exponents[g, lane] += shift
            for row in range(g, x.shape[0], groups):
                x[row, lane] = math.ldexp(x[row, lane], -shift)


@allocating
def forward(factors, matrices, paths):
    """Run the states from z_0, which is in paths, to z_d. O(depth n² columns)."""
    depth, groups = matrices.v.shape[0], paths.exponent.shape[1] // LANES
    keep = factors.keep.reshape((depth, groups, LANES))
    gain = factors.gain.reshape((depth, groups, LANES))
    exponent = paths.exponent.reshape((depth + 1, groups, LANES))
    passed = paths.passed.reshape((depth, groups, LANES))
    squares = np.empty((groups, LANES))
    exponent[0] = 0.0
    for g in range(groups):
        rescale(paths.z[0], squares, g, groups, exponent[0])
    for l in range(depth):
        two_matrix = matrices.w.shape[0] > 0
        z, h = paths.z[l], paths.h[l] if two_matrix else paths.z[l]
        for g in range(groups):
            if two_matrix:
                apply(matrices.w[l], z, g, groups, h)
                scaled(h, g, groups, factors.gain_in)
            activated(factors, h, matrices.signs[l], exponent[l], g, groups, paths.x)
            square(paths.x, g, groups, passed[l])
            apply(matrices.v[l], paths.x, g, groups, paths.y)
            added(keep[l], z, gain[l], paths.y, g, groups, paths.z[l + 1])
            exponent[l + 1, g] = exponent[l, g]
            rescale(paths.z[l + 1], squares, g, groups, exponent[l + 1])


@allocating
def backward(factors, matrices, paths):
    """Run the gradients from p_d, which is in paths, to p_0, and find those of the weights. O(depth n² columns)."""
    depth, groups = matrices.v.shape[0], paths.exponent.shape[1] // LANES
    keep = factors.keep.reshape((depth, groups, LANES))
    gain = factors.gain.reshape((depth, groups, LANES))
    exponent = paths.exponent.reshape((depth + 1, groups, LANES))
    p_exponent = paths.p_exponent.reshape((depth + 1, groups, LANES))
    ones, squares, own = np.ones((groups, LANES)), np.empty((groups, LANES)), np.empty((groups, LANES))
    for g in range(groups):
        rescale(paths.p[depth], squares, g, groups, p_exponent[depth])
    for l in range(depth - 1, -1, -1):
        two_matrix = matrices.w.shape[0] > 0
        h = paths.h[l] if two_matrix else paths.z[l]
        for g in range(groups):
            after, here = paths.p[l + 1], slice(LANES * g, LANES * (g + 1))
            square(after, g, groups, squares)
            paths.weight[l, here] = gain[l, g] ** 2 * squares[g] * paths.passed[l, here]
            apply(matrices.v[l].T, after, g, groups, paths.x)
            times_slope(factors, h, matrices.signs[l], exponent[l], gain[l], g, groups, paths.x, paths.x)
            if two_matrix:
                square(paths.x, g, groups, squares)
                square(paths.z[l], g, groups, own)
                paths.weight[l, here] += factors.gain_in**2 * squares[g] * own[g]
                apply(matrices.w[l].T, paths.x, g, groups, paths.y)
                scaled(paths.y, g, groups, factors.gain_in)
                added(keep[l], after, ones, paths.y, g, groups, paths.p[l])
            else:
                added(keep[l], after, ones, paths.x, g, groups, paths.p[l])
            p_exponent[l, g] = p_exponent[l + 1, g]
            rescale(paths.p[l], squares, g, groups, p_exponent[l])


@allocating
def tangents(factors, matrices, paths):
    """Run the tangents from t_0, which is in paths as are the states, to t_d. O(depth n² columns)."""
    depth, groups = matrices.v.shape[0], paths.exponent.shape[1] // LANES
    keep = factors.keep.reshape((depth, groups, LANES))
    gain = factors.gain.reshape((depth, groups, LANES))
    exponent = paths.exponent.reshape((depth + 1, groups, LANES))
    t_exponent = paths.t_exponent.reshape((depth + 1, groups, LANES))
    squares = np.empty((groups, LANES))
    two_matrix = matrices.w.shape[0] > 0
    inner = np.full((groups, LANES), factors.gain_in if two_matrix else 1.0)
    t_exponent[0] = 0.0
    for g in range(groups):
        rescale(paths.t[0], squares, g, groups, t_exponent[0])
    for l in range(depth):
        t, h = paths.t[l], paths.h[l] if two_matrix else paths.z[l]
        for g in range(groups):
            if two_matrix:
                apply(matrices.w[l], t, g, groups, paths.y)
            times_slope(factors, h, matrices.signs[l], exponent[l], inner, g, groups, paths.y if two_matrix else t, paths.x)
            apply(matrices.v[l], paths.x, g, groups, paths.y)
            added(keep[l], t, gain[l], paths.y, g, groups, paths.t[l + 1])
            t_exponent[l + 1, g] = t_exponent[l, g]
            rescale(paths.t[l + 1], squares, g, groups, t_exponent[l + 1])
