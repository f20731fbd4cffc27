"""A Gaussian matrix known through its products: what is known of it must be honoured exactly, the rest be fresh."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from numba import njit

from helpers import assert_mean
from reslim.simulation.generator import CHANNEL, networks_of
from reslim.simulation.joint import Workspace, even, record_of
from reslim.simulation.lane_products import Noise, Product, combine, copy, draw, inner_product, orthogonalise, transpose
from reslim.simulation.lanes import LANES, doubles_of, store

N, BLOCKS = 6, 250
R = BLOCKS * LANES


class Places(NamedTuple):
    known: Product
    fresh: Product
    x: int
    y: int
    p: int
    squares: int
    t: int


@njit  # not cached: a cache does not see that what a kernel calls has changed
def run_blocks(w, at, noise, y, t):
    known = at.known
    m, rows = known.inputs, known.rows
    for block in range(y.shape[0]):
        networks_of(np.uint64(LANES * block), noise.key)
        copy(w, at.x, w, known.basis, m * rows)
        for a in range(m):
            store(w, known.lengths + a, inner_product(w, at.x + a * rows, at.x + a * rows, rows))
            store(w, at.squares + a, inner_product(w, at.p + a * rows, at.p + a * rows, rows))
        orthogonalise(w, known)
        draw(w, known, noise, 0, CHANNEL.forward)
        for a in range(m):
            combine(w, known, a, doubles_of(0.0), doubles_of(1.0), at.y + a * rows)
        transpose(w, known, noise, 0, CHANNEL.backward, at.fresh, at.p, at.squares, at.t)
        copy(w, at.y, y[block], 0, m * rows)
        copy(w, at.t, t[block], 0, m * rows)


X = np.random.default_rng(0).standard_normal((3, N))
FAMILIES = {
    "one": X[:1],
    "three": X,
    "identical and opposite": np.array([X[0], X[0], -X[0], X[1], X[2], -X[1], X[2]]),
    "dependent": np.array([X[0], X[1], 2.0 * X[0] - 3.0 * X[1]]),
    "dead": np.array([0.0 * X[0], X[1], 0.0 * X[0]]),
    "nearly equal": np.array([X[0], X[0] + 1e-9 * X[1]]),
    "more than fit": np.random.default_rng(1).standard_normal((N + 2, N)),
    "an odd number of units": np.random.default_rng(1).standard_normal((2, N - 1)),
}


def products(family):
    """W x and Wᵀp for a family of x and as many p, as (networks, inputs, n)."""
    x = FAMILIES[family]
    m, n = x.shape
    p, rows = np.random.default_rng(2).standard_normal((m, n)), even(n)
    space = Workspace()
    at = Places(
        space.product(m, n, n), space.product(m, n, n),
        *(space.take(m * rows) for _ in range(3)), space.take(m), space.take(m * rows),
    )  # fmt: skip
    w = np.zeros((space.size, LANES))
    for a in range(m):
        w[at.x + a * rows :][:n], w[at.p + a * rows :][:n] = x[a, :, None], p[a, :, None]
    noise = Noise(np.uint64(3), False, *(np.zeros((k, LANES), np.uint32) for k in (2, 4, 2)))
    y, t = np.empty((BLOCKS, m * rows, LANES)), np.empty((BLOCKS, m * rows, LANES))
    run_blocks(w, record_of(at), noise, y, t)
    y, t = (v.transpose(0, 2, 1).reshape(R, m, rows) for v in (y, t))
    assert (y[:, :, n:] == 0.0).all()
    assert (t[:, :, n:] == 0.0).all()
    return x, p, y[:, :, :n], t[:, :, :n]


@pytest.mark.parametrize("family", FAMILIES)
def test_the_transpose_agrees_with_the_product_it_is_given(family):
    """p·(W x) = (Wᵀp)·x, for every p and every x of the family."""
    x, p, y, t = products(family)
    np.testing.assert_allclose(np.einsum("an,rbn->rab", p, y), np.einsum("ran,bn->rab", t, x), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("family", FAMILIES)
def test_products_have_the_covariance_of_one_matrix(family):
    """E (W x^a)_i (W x^b)_j = δ_ij x^a·x^b, E (Wᵀp^a)_i (Wᵀp^b)_j = δ_ij p^a·p^b, E (W x)_i (Wᵀp)_j = p_i x_j."""
    x, p, y, t = products(family)
    n = x.shape[1]
    for a, b in {(0, 0), (0, len(x) - 1)}:
        for left, right, expected in (
            (y[:, a], y[:, b], np.eye(n) * (x[a] @ x[b])),
            (t[:, a], t[:, b], np.eye(n) * (p[a] @ p[b])),
            (y[:, a], t[:, b], np.outer(p[b], x[a])),
        ):
            size = np.linalg.norm(left[:2000]) * np.linalg.norm(right[:2000]) / 2000 / n + 1e-9
            for i, j in ((0, 0), (0, 1), (4, 2), (4, 4)):
                assert_mean(left[:, i] * right[:, j] / size, expected[i, j] / size, resolution=0.6)


def test_equal_and_opposite_vectors_have_equal_and_opposite_products():
    _, _, y, _ = products("identical and opposite")
    for same, opposite in (((0, 1), (0, 2)), ((4, 6), (3, 5))):
        assert np.array_equal(y[:, same[0]], y[:, same[1]])
        assert np.array_equal(y[:, opposite[0]], -y[:, opposite[1]])


def test_networks_differ():
    _, _, y, t = products("one")
    assert len(np.unique(y[:, 0, 0])) == len(np.unique(t[:, 0, 0])) == R
