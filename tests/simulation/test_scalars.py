"""Normal, chi-square and binomial variables against the laws of SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from helpers import assert_law, assert_mean, assert_uncorrelated
from reslim.simulation.jit import allocating
from reslim.simulation.lanes import LANES
from reslim.simulation.scalars import FEW, binomial_half, chi_square, normal, restart, uniform, word

COUNT = 200_000


@allocating
def draw(kind, parameter, seed, layer, out):
    stream, words = np.empty(5, np.uint64), np.empty((5, LANES), np.uint32)
    restart(stream, np.uint64(seed), np.uint64(3), np.uint64(layer))
    for i in range(out.shape[0]):
        if kind == 0:
            out[i] = uniform(stream, words)
        elif kind == 1:
            out[i] = normal(stream, words)
        elif kind == 2:
            out[i] = chi_square(stream, words, parameter)
        else:
            out[i] = binomial_half(stream, words, parameter)


def sample(kind, parameter=0, seed=1, layer=0, count=COUNT):
    out = np.empty(count)
    draw(("uniform", "normal", "chi_square", "binomial").index(kind), parameter, seed, layer, out)
    return out


def test_uniform():
    u = sample("uniform")
    assert_law(u, stats.uniform())
    assert_uncorrelated(u[1:], u[:-1], resolution=0.02)
    assert u.min() > 0.0


def test_normal():
    g = sample("normal")
    assert_law(g, stats.norm())
    assert_uncorrelated(g[1:], g[:-1], resolution=0.02)
    assert_mean(g**8, 105.0, resolution=30.0)


@pytest.mark.parametrize("k", [1, 2, 3, 4, 7, 30, 1000, 10**6])
def test_chi_square(k):
    x = sample("chi_square", k, seed=k)
    assert_law(x, stats.chi2(k))
    assert_mean(x / k, 1.0, resolution=0.02)
    assert_uncorrelated(x[1:], x[:-1], resolution=0.1)


def test_chi_square_without_degrees_of_freedom_is_zero():
    assert not sample("chi_square", 0, count=5).any()


@pytest.mark.parametrize("n", [1, 2, 7, 31, 32, 33, 64, 100, FEW, FEW + 1, 258, 1000, 10**5])
def test_binomial_half(n):
    k = sample("binomial", n, seed=n)
    assert ((k >= 0) & (k <= n) & (k == np.floor(k))).all()
    law = stats.binom(n, 0.5)
    low, high = law.ppf([1e-3, 1 - 1e-3])
    edges = np.unique(np.linspace(low, high, 60).astype(int))
    cells = np.concatenate([[law.cdf(edges[0])], np.diff(law.cdf(edges)), [law.sf(edges[-1])]])
    seen = np.histogram(k, [-1.0, *(edges + 0.5), n + 1.0])[0]
    kept = cells * COUNT > 5
    statistic = (((seen - cells * COUNT) ** 2)[kept] / (cells * COUNT)[kept]).sum()
    assert stats.chi2.sf(statistic, kept.sum() - 1) > 1e-6
    assert (seen[~kept] < 40).all()


@pytest.mark.parametrize("n", [10**6, 10**9])
def test_binomial_half_is_normal_at_great_width(n):
    k = sample("binomial", n)
    x = (k - 0.5 * n) / (0.5 * np.sqrt(n))
    assert_mean(x, 0.0, resolution=0.02)
    assert_mean(x**2, 1.0, resolution=0.03)
    assert_mean(x**4, 3.0, resolution=0.2)


def test_streams_differ_by_seed_and_layer():
    base = sample("normal")
    for other in (sample("normal", seed=2), sample("normal", layer=1)):
        assert_uncorrelated(base, other, resolution=0.02)


def test_a_stream_never_repeats_however_long():
    buffers = set()
    for layer in (0, 1):
        for refill in (0, 1, 2**28 - 1, 2**28, 2**28 + 1, 2**29):
            stream, words = np.empty(5, np.uint64), np.empty((5, LANES), np.uint32)
            restart(stream, np.uint64(1), np.uint64(0), np.uint64(layer))
            stream[4] = refill
            word(stream, words)
            buffers.add(words[:4].tobytes())
    assert len(buffers) == 12
