"""Norms and increments against their definitions."""

from __future__ import annotations

import numpy as np
import pytest

from reslim.regularity import increments, norms

RNG = np.random.default_rng(0)


def test_norms_of_matrices():
    weights = RNG.standard_normal((4, 5, 3)).astype(np.float32)
    found = norms(weights)
    for layer, matrix in enumerate(weights.astype(float)):
        assert found.frobenius[layer] == pytest.approx(np.sqrt((matrix**2).sum()), rel=1e-12)
        assert found.spectral[layer] == pytest.approx(np.sqrt(np.linalg.eigvalsh(matrix.T @ matrix)[-1]), rel=1e-12)


def test_norms_of_vectors_numbers_and_convolutions():
    vectors = RNG.standard_normal((4, 5))
    np.testing.assert_allclose(norms(vectors).spectral, norms(vectors[:, :, None]).spectral)
    np.testing.assert_allclose(norms(vectors).frobenius, norms(vectors[:, :, None]).frobenius)
    np.testing.assert_array_equal(norms([-2.0, 3.0]).spectral, [2.0, 3.0])
    kernels = RNG.standard_normal((2, 4, 3, 2, 2))
    np.testing.assert_array_equal(norms(kernels).spectral, norms(kernels.reshape(2, 4, 12)).spectral)


def test_increments():
    weights = RNG.standard_normal((4, 5, 3))
    expected = [np.sqrt(((weights[layer + 1] - weights[layer]) ** 2).sum()) for layer in range(3)]
    np.testing.assert_allclose(increments(weights), expected, rtol=1e-12)


def test_unsigned_weights_do_not_wrap():
    np.testing.assert_array_equal(increments(np.array([[5], [3]], np.uint8)), [2.0])


def test_one_layer_has_no_increments():
    with pytest.raises(ValueError, match=r"increments\(series=...\) must have a depth, .* of at least 2, got 1\."):
        increments([[1.0, 2.0]])
