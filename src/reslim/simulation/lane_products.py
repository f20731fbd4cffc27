"""A Gaussian matrix that is known only through what it was applied to, in lanes: W on m states, Wᵀ on m gradients.

Everything lies in one workspace, an array w (rows, LANES) in double precision: a vector is the number of its first row, a
scalar that of its row, and those of the m inputs follow each other. (Arrays of their own would take minutes to compile.)
docs/derivations/matrix-free.md has the two laws.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reslim.simulation.generator import CHANNELS, begin, fill
from reslim.simulation.jit import part
from reslim.simulation.lanes import LANES, doubles_of, fma, load, sqrt, store, where_greater

NULL = 1e-26  # a vector whose part orthogonal to the earlier ones is below this share of its square is dependent


class Noise(NamedTuple):
    """Where the normals of 16 networks come from."""

    seed: np.uint64
    double: bool  # their precision
    key: NDArray[np.uint32]  # (2, LANES)
    stream: NDArray[np.uint32]  # (4, LANES)
    words: NDArray[np.uint32]  # (2 or 4, LANES): of a pair of normals


class Product(NamedTuple):
    """W x of m vectors x^a = Σ_{c ≤ a} lower[a, c] basis[c], with W basis[c] = √squares[c] noise[c]: rows of the workspace."""

    inputs: int  # the vectors x
    rows: int  # of one
    rows_out: int  # of W x
    dim_out: int
    basis: int  # the vectors themselves before `orthogonalise`
    lengths: int  # their squared lengths
    squares: int  # those of the basis; 0 where a vector depends on the earlier ones
    lower: int  # m × m, with a diagonal of ones
    noise: int
    weights: int  # scratch


@part
def copy(source, i, target, j, count):
    """Copy rows from i on to rows from j on. O(count)."""
    for row in range(count):
        store(target, j + row, load(source, i + row))


@part
def inner_product(w, x, y, rows):
    """Return x · y. O(rows)."""
    total, other = doubles_of(0.0), doubles_of(0.0)
    for i in range(0, rows, 2):
        total = fma(load(w, x + i), load(w, y + i), total)
        other = fma(load(w, x + i + 1), load(w, y + i + 1), other)
    return total + other


@part
def add(w, x, weight, y, following, rows):
    """Set x = x + weight y and return its inner product with `following`, which may be x. O(rows)."""
    total, other = doubles_of(0.0), doubles_of(0.0)
    for i in range(0, rows, 2):
        one = fma(weight, load(w, y + i), load(w, x + i))
        two = fma(weight, load(w, y + i + 1), load(w, x + i + 1))
        store(w, x + i, one)
        store(w, x + i + 1, two)
        total, other = fma(one, load(w, following + i), total), fma(two, load(w, following + i + 1), other)
    return total + other


@part
def orthogonalise(w, matrix):
    """Turn the vectors into an orthogonal basis and their coefficients, by Gram and Schmidt twice. O(n m²).

    A dependent vector (identical, opposite, dead) gets the basis vector zero. For identical or opposite vectors the
    coefficients are exactly those of the other, or their opposites, so that everything computed from them is identical or
    opposite to the last bit.
    """
    m, rows = matrix.inputs, matrix.rows
    for a in range(m):
        vector, coefficients, length = matrix.basis + a * rows, matrix.lower + a * m, load(w, matrix.lengths + a)
        for c in range(a):
            store(w, coefficients + c, doubles_of(0.0))
        store(w, coefficients + a, doubles_of(1.0))
        remaining = inner_product(w, vector, matrix.basis, rows) if a > 0 else length
        for step in range(2 * a):  # twice: nearly dependent vectors stay exact
            c, following = step % a, (step + 1) % a if step < 2 * a - 1 else a
            square = load(w, matrix.squares + c)
            weight = where_greater(square, 0.0, remaining / square, 0.0)
            store(w, coefficients + c, load(w, coefficients + c) + weight)
            remaining = add(w, vector, weight * -1.0, matrix.basis + c * rows, matrix.basis + following * rows, rows)
        store(w, matrix.squares + a, where_greater(remaining, length * NULL, remaining, 0.0))
        drop_dependent(w, matrix, a)


@part
def drop_dependent(w, matrix, a):
    """Give vector a the basis vector zero in the lanes where it is dependent."""
    dependent = False
    for lane in range(LANES):
        if w[matrix.squares + a, lane] == 0.0:
            dependent = True
            liken(w, matrix, a, lane)
    if dependent:
        square = load(w, matrix.squares + a)
        for i in range(matrix.basis + a * matrix.rows, matrix.basis + (a + 1) * matrix.rows):
            store(w, i, where_greater(square, 0.0, load(w, i), 0.0))


@part
def liken(w, matrix, a, lane):
    """Give a dependent vector the coefficients of an earlier one that it equals, or is opposite to."""
    m = matrix.inputs
    for b in range(a):
        for sign in (1.0, -1.0):
            distance = 0.0
            for c in range(a):
                off = w[matrix.lower + a * m + c, lane] - sign * w[matrix.lower + b * m + c, lane]
                distance += off * off * w[matrix.squares + c, lane]
            if distance <= NULL * w[matrix.lengths + a, lane]:
                for c in range(a):
                    w[matrix.lower + a * m + c, lane] = sign * w[matrix.lower + b * m + c, lane]
                return


@part
def draw(w, matrix, noise, layer, channel):
    """Draw W basis: fresh normals for each vector of the basis, from the streams of a layer and a channel. O(n m)."""
    for c in range(matrix.inputs):
        needed = False
        for lane in range(LANES):
            needed = needed or w[matrix.squares + c, lane] > 0.0
        if needed:
            row = matrix.noise + c * matrix.rows_out
            begin(noise.stream, noise.seed, noise.key, layer, channel + CHANNELS * c)
            fill(noise.stream, noise.double, w[row : row + matrix.rows_out])
            clear_beyond(w, row, matrix.dim_out)


@part
def clear_beyond(w, x, n):
    """Keep the row beyond an odd n at 0."""
    if n % 2 == 1:
        store(w, x + n, doubles_of(0.0))


@part
def combine(w, matrix, a, keep, gain, out):
    """Set out = keep out + gain W x^a and return |out|². O(n m)."""
    rows = matrix.rows_out
    for c in range(a + 1):
        weight = load(w, matrix.lower + a * matrix.inputs + c) * sqrt(load(w, matrix.squares + c))
        store(w, matrix.weights + c, gain * weight)
    square, weights, noise, first = doubles_of(0.0), matrix.weights, matrix.noise, load(w, matrix.weights)
    for i in range(rows):
        total = fma(first, load(w, noise + i), keep * load(w, out + i))
        for c in range(1, a + 1):
            total = fma(load(w, weights + c), load(w, noise + c * rows + i), total)
        store(w, out + i, total)
        square = fma(total, total, square)
    return square


@part
def given(w, matrix, p, out):
    """Turn out = Wᵀp of a fresh W into that of a W of which the products are known. O(n m).

    Wᵀp = Σ_c basis_c (W basis_c · p)/squares_c + (I - P) out, with P the projection on the span of the basis.
    """
    rows = matrix.rows
    for c in range(matrix.inputs):
        square, basis = load(w, matrix.squares + c), matrix.basis + c * rows
        known = inner_product(w, matrix.noise + c * rows, p, rows) / sqrt(square)
        weight = known - inner_product(w, basis, out, rows) / square
        add(w, out, where_greater(square, 0.0, weight, 0.0), basis, basis, rows)


@part
def transpose(w, matrix, noise, layer, channel, fresh, p, squares, out):
    """Draw out = Wᵀp for all inputs, given W x; |p|² is in `squares`, `fresh` is scratch for a W that knows nothing."""
    rows = matrix.rows
    copy(w, p, w, fresh.basis, fresh.inputs * rows)
    copy(w, squares, w, fresh.lengths, fresh.inputs)
    orthogonalise(w, fresh)
    draw(w, fresh, noise, layer, channel)
    for a in range(fresh.inputs):
        combine(w, fresh, a, doubles_of(0.0), doubles_of(1.0), out + a * rows)
        given(w, matrix, p + a * rows, out + a * rows)
