"""A Gaussian matrix known through its products: what is known of it must be honoured exactly, the rest be fresh."""

from __future__ import annotations

import numpy as np
import pytest
from specimens import GENERIC, RELATED, TWO

from helpers import assert_mean
from reslim import ResNet
from reslim.simulation.generator import CHANNEL
from reslim.simulation.matrix_free import Batch, Gradient
from reslim.simulation.products import GaussianProduct

N, R = 6, 4000


def fill_from(seed):
    rng = np.random.default_rng(seed)

    def fill(out, needed):
        out[:] = np.where(needed[:, :, None] > 0, rng.standard_normal(out.shape), np.nan)  # what is not needed is not used

    return fill


def vectors_of(*rows):
    return np.broadcast_to(np.array(rows, dtype=np.float64), (R, len(rows), N)).copy()


X = np.random.default_rng(0).standard_normal((3, N))
FAMILIES = {
    "one": X[:1],
    "three": X,
    "identical and opposite": np.array([X[0], X[0], -X[0], X[1]]),
    "dependent": np.array([X[0], X[1], 2.0 * X[0] - 3.0 * X[1]]),
    "dead": np.array([0.0 * X[0], X[1], 0.0 * X[0]]),
    "nearly equal": np.array([X[0], X[0] + 1e-9 * X[1]]),
    "more than fit": np.random.default_rng(1).standard_normal((N + 2, N)),
}


def products(family):
    """W x and Wᵀp for a family of x and as many p, as (networks, inputs, n)."""
    x = vectors_of(*FAMILIES[family])
    p = vectors_of(*np.random.default_rng(2).standard_normal((x.shape[1], N)))
    product, scratch = (GaussianProduct(R, x.shape[1], N, N) for _ in range(2))
    y, t = np.zeros(x.shape), np.zeros(x.shape)
    product.draw(x, fill_from(3))
    product.add_to(y, 1.0)
    product.transpose(p, fill_from(4), scratch, t)
    return x, p, y, t


@pytest.mark.parametrize("family", FAMILIES)
def test_the_transpose_agrees_with_the_product_it_is_given(family):
    """p·(W x) = (Wᵀp)·x, for every p and every x of the family."""
    x, p, y, t = products(family)
    np.testing.assert_allclose(np.einsum("ran,rbn->rab", p, y), np.einsum("ran,rbn->rab", t, x), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("family", FAMILIES)
def test_products_have_the_covariance_of_one_matrix(family):
    """E (W x^a)_i (W x^b)_j = δ_ij x^a·x^b, E (Wᵀp^a)_i (Wᵀp^b)_j = δ_ij p^a·p^b, E (W x)_i (Wᵀp)_j = p_i x_j."""
    x, p, y, t = products(family)
    for a, b in {(0, 0), (0, x.shape[1] - 1)}:
        for left, right, expected in (
            (y[:, a], y[:, b], np.eye(N) * (x[0, a] @ x[0, b])),
            (t[:, a], t[:, b], np.eye(N) * (p[0, a] @ p[0, b])),
            (y[:, a], t[:, b], np.outer(p[0, b], x[0, a])),
        ):
            size = np.linalg.norm(left[:2000]) * np.linalg.norm(right[:2000]) / 2000 / N + 1e-9
            for i, j in ((0, 0), (0, 1), (4, 2), (5, 5)):
                assert_mean(left[:, i] * right[:, j] / size, expected[i, j] / size, resolution=0.6)


def test_equal_and_opposite_vectors_have_equal_and_opposite_products():
    _, _, y, _ = products("identical and opposite")
    assert np.array_equal(y[:, 0], y[:, 1])
    assert np.array_equal(y[:, 0], -y[:, 2])


@pytest.mark.parametrize("net", [
    ResNet(depth=6, width=5, n_in=3),
    ResNet(depth=6, width=5, n_in=3, skip=-0.7, branch=(1.0, 30.0, 0.0, 1e-3, 1.0, 1.0), balanced=True),
    ResNet(depth=6, width=1, n_in=3, activation="leaky_relu:-0.4"),
    ResNet(depth=6, width=5, n_in=3, block=TWO, skip=(1.0, 0.0, 1.0, -1.0, 0.5, 0.0), variance=(3.0, 0.5)),
    ResNet(depth=6, width=4, n_in=3, block=TWO, activation="identity", balanced=True),
])  # fmt: skip
@pytest.mark.parametrize("inputs", [GENERIC, RELATED])
def test_homogeneous_networks_conserve_gradient_times_state(net, inputs):
    """p_l·z_l is the same at every layer (Euler), network by network: it would not be for a wrong Wᵀ."""
    batch = Batch(net, np.array(inputs), False, 3, 0, 50)
    states = []
    for layer in range(net.depth):
        states.append((batch.z.copy(), batch.exponent.copy()))
        batch.branch(layer)
        batch.step(layer)
    p_d = np.random.default_rng(0).standard_normal((50, 1, net.width))
    gradient = Gradient(batch, np.repeat(p_d, len(inputs), axis=1))

    def conserved():
        return np.einsum("ran,ran->ra", gradient.p, batch.z) * 2.0 ** (gradient.exponent + batch.exponent)

    expected = conserved()
    assert np.abs(expected).max() > 0
    for layer in reversed(range(net.depth)):
        batch.z[:], batch.exponent[:] = states[layer]
        batch.branch(layer)
        gradient.through_block(layer)
        scale = np.linalg.norm(gradient.p, axis=2) * np.linalg.norm(batch.z, axis=2) * 2.0 ** (gradient.exponent + batch.exponent)
        assert (np.abs(conserved() - expected) <= 1e-10 * scale + 1e-12 * np.abs(expected)).all()


def test_every_matrix_has_streams_of_its_own(monkeypatch):
    """Forward and backward, inner and outer, layer by layer and input by input: no stream serves two matrices."""
    from reslim.simulation import generator

    net = ResNet(depth=3, width=4, n_in=3, block=TWO, activation="gelu")
    batch = Batch(net, np.array(GENERIC), False, 3, 0, 2)
    used, real = [], generator.fill_normals

    def spy(out, needed, double, seed, first, layer, channel):
        used.extend((layer, channel + generator.CHANNELS * c) for c in range(out.shape[1]))
        real(out, needed, double, seed, first, layer, channel)

    monkeypatch.setattr(generator, "fill_normals", spy)
    gradient = Gradient(batch, np.ones(batch.shape))
    for layer in range(net.depth):  # as if every layer were the last: four products each
        batch.branch(layer)
        gradient.through_block(layer)
        batch.step(layer)
    batch.output()
    batch.fill(0, CHANNEL.functional)(np.empty((2, 1, 4)), np.ones((2, 1)))
    assert len(used) == len(set(used)) == 3 * 4 * 2 + 2 + 1
