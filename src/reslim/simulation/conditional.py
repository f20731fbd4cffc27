"""The conditional sampler: forward passes of networks whose weights depend on each other across depth, without the weights.

A Gaussian matrix process V_k with the correlation c(k - j) between layers, applied to vectors that depend on its past, gives
V_k x_k whose law, given that past, is that of a Gaussian process with the covariance c(k - j) x_j·x_k times the identity
(docs/derivations/coupled.md): one row of a Cholesky factor a layer. O(depth² width + depth³) a network.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reslim.simulation import columns, path_records
from reslim.simulation.columns import SAFE, Factors, Matrices, Paths, activated
from reslim.simulation.explicit import Weights, stream
from reslim.simulation.jit import allocating, part
from reslim.simulation.lanes import LANES
from reslim.simulation.records import Records
from reslim.spec import ResNet

Array = NDArray[np.float64]
NULL = 1e-12  # share of a variance below which what is new in a product is rounding


class Known(NamedTuple):
    """What is known of one matrix process: what it was applied to, and what came out, in the order of the applications."""

    correlation: Array  # (depth,)
    applied: Array  # (times, n): of length 1, or 0
    noise: Array  # (times, n)
    lower: Array  # (times, times): Cholesky factor of the products' correlations


def known_of(correlation: Array, width: int, inputs: int, rng: np.random.Generator) -> Known:
    """Draw the noise of one matrix process."""
    times = len(correlation) * inputs
    noise = rng.standard_normal((times, width))
    return Known(correlation, np.zeros((times, width)), noise, np.zeros((times, times)))


@part
def dot(x, y):
    """Return the inner product, summed in four fixed lanes. O(n)."""
    a = b = c = d = 0.0
    whole = x.shape[0] - x.shape[0] % 4
    for i in range(0, whole, 4):
        a += x[i] * y[i]
        b += x[i + 1] * y[i + 1]
        c += x[i + 2] * y[i + 2]
        d += x[i + 3] * y[i + 3]
    for i in range(whole, x.shape[0]):
        a += x[i] * y[i]
    return (a + b) + (c + d)


@part
def apply(known, time, inputs, x, out):
    """Set out to the product of the matrix with x, application number `time`; its layer is time // inputs. O(time (time + n))."""
    n = x.shape[0]
    length = math.sqrt(dot(x, x))
    row, new = known.lower[time], 1.0
    out[:] = 0.0
    if length == 0.0:
        return
    for i in range(n):
        known.applied[time, i] = x[i] / length
    for earlier in range(time):
        pivot = known.lower[earlier, earlier]
        if pivot > 0.0:
            lag = time // inputs - earlier // inputs
            covariance = known.correlation[lag] * dot(known.applied[time], known.applied[earlier])
            row[earlier] = (covariance - dot(row[:earlier], known.lower[earlier, :earlier])) / pivot
            new -= row[earlier] ** 2
    row[time] = math.sqrt(new) if new > NULL else 0.0
    for earlier in range(time + 1):
        weight = length * row[earlier]
        for i in range(n):
            out[i] += weight * known.noise[earlier, i]


@allocating
def forward(factors, inner, outer, signs, inputs, paths):
    """Run the states from z_0, which is in paths, to z_d."""
    (depth, n), columns = signs.shape, paths.exponent.shape[1]
    two_matrix, groups = paths.h.shape[0] > 0, columns // LANES
    vector, product = np.empty(n), np.empty(n)
    for l in range(depth):
        z, after, x = paths.z[l].reshape((n, columns)), paths.z[l + 1].reshape((n, columns)), paths.x.reshape((n, columns))
        pre = paths.h[l] if two_matrix else paths.z[l]
        if two_matrix:
            h = pre.reshape((n, columns))
            for a in range(inputs):
                vector[:] = z[:, a]
                apply(inner, l * inputs + a, inputs, vector, product)
                h[:, a] = factors.gain_in * product
        exponent = paths.exponent[l].reshape((groups, LANES))
        for g in range(groups):
            activated(factors, pre, signs[l], exponent, g, groups, paths.x)
        for a in range(inputs):
            vector[:] = x[:, a]
            paths.passed[l, a] = dot(vector, vector)
            apply(outer, l * inputs + a, inputs, vector, product)
            vector[:] = factors.keep[l, a] * z[:, a] + factors.gain[l, a] * product
            square = dot(vector, vector)
            shift = 0 if square == 0.0 or 1.0 / SAFE <= square <= SAFE else math.frexp(square)[1] // 2
            paths.exponent[l + 1, a] = paths.exponent[l, a] + shift if square > 0.0 else 0.0
            after[:, a] = math.ldexp(1.0, -shift) * vector


def _path(net: ResNet, factors: Factors, correlation: Array, inputs: Array, seed: int, replica: int) -> tuple[Weights, Paths]:
    rng, count = stream(seed, replica), len(inputs)
    n = net.width
    w_in = rng.standard_normal((n, net.n_in))
    outer = known_of(correlation, n, count, rng)
    inner = known_of(correlation, n, count, rng) if net.block == "two-matrix" else outer
    signs = rng.choice([-1.0, 1.0], (net.depth, n)) if net.balanced else np.ones((net.depth, n))
    none = np.empty((0, n, n))
    weights = Weights(w_in, Matrices(none, none, signs), rng.standard_normal((net.n_out, n)), np.empty(0), np.empty(0))
    found = columns.paths_of(net, count, False, False)
    found.by_column(found.z[:1], count)[0] = w_in @ inputs.T / math.sqrt(net.n_in)
    forward(factors, inner, outer, signs, count, found)
    return weights, found


def run(net: ResNet, inputs: Array, seed: int, first: int, rec: Records) -> None:
    """Fill the records with the networks first, first + 1, …."""
    factors, own = columns.factors_of([net], len(inputs)), slice(len(inputs))
    correlation = net.coupling.autocovariance(net.depth, net.depth)
    for row in range(len(rec.alive)):
        weights, found = _path(net, factors, correlation, inputs, seed, first + row)
        path_records.record(net, weights, found, own, rec, row)
        path_records.record_overlap(found, own, rec, row)
