"""The random numbers: the cipher against its published vectors, the normals against the normal law."""

from __future__ import annotations

import math

import numpy as np
import pytest
from plain import block_of_normals, block_of_signs, rows
from scipy import stats

from exact import THREEFRY_4X32_20, plain_threefry, plain_xoshiro
from helpers import assert_law, assert_mean, assert_uncorrelated
from reslim.simulation.generator import (
    CHANNEL,
    CHANNELS,
    begin,
    fill_words,
    gaussian_pair,
    gaussian_pair53,
    networks_of,
    uniform53,
)
from reslim.simulation.jit import kernel
from reslim.simulation.lanes import LANES, load, store

MILLION = 2**20


def words_of(seed, first=0, layer=0, channel=0, count=4):
    """Return the first words of the streams of LANES networks, shape (count, LANES)."""
    key, stream, words = np.empty((2, LANES), np.uint32), np.empty((4, LANES), np.uint32), np.empty((count, LANES), np.uint32)
    networks_of(np.uint64(first), key)
    begin(stream, np.uint64(seed), key, layer, channel)
    fill_words(stream, words)
    return words


@kernel
def transform(words, out):
    """Turn rows of words, two by two, into rows of normals."""
    for i in range(0, words.shape[0], 2):
        g, h = gaussian_pair(load(words, i), load(words, i + 1))
        store(out, i, g)
        store(out, i + 1, h)


def normals_of(count, networks=1, **place):
    return rows(block_of_normals.__wrapped__, networks, count, **place)


@pytest.mark.parametrize(("counter", "key", "expected"), THREEFRY_4X32_20)
def test_the_plain_cipher_has_the_published_vectors(counter, key, expected):
    assert plain_threefry(counter, key) == expected


def test_a_stream_is_xoshiro_from_the_cipher_of_seed_network_layer_and_channel():
    rng = np.random.default_rng(0)
    for case in range(12):
        seed, first = (int(rng.integers(2**63)) * 2 + int(rng.integers(2)) for _ in range(2))
        if case == 0:
            seed, first = 2**63, 2**32 - 3  # the block straddles the low word
        layer, channel = int(rng.integers(2**32)), int(rng.integers(2**32))
        words = words_of(seed, first, layer, channel, count=6)
        for lane in range(LANES):
            network = (first + lane) % 2**64
            key = (seed & 0xFFFFFFFF, seed >> 32, network & 0xFFFFFFFF, network >> 32)
            state = plain_threefry((0, layer, channel, 0), key)
            assert words[:, lane].tolist() == plain_xoshiro(state, 6)


def test_a_stream_does_not_depend_on_the_batch():
    one = normals_of(12, seed=7, first=5, layer=3, channel=2)
    several = normals_of(12, seed=7, first=2, layer=3, channel=2, networks=6)
    assert np.array_equal(one[0], several[3])


def test_channels_of_different_inputs_do_not_meet():
    assert len(set(CHANNEL)) == len(CHANNEL)
    assert max(CHANNEL) < CHANNELS


def test_single_precision_is_the_box_muller_transform():
    rng = np.random.default_rng(3)
    words = rng.integers(0, 2**32, (4000, LANES), dtype=np.uint32)
    words[0, :7] = [0, 1, 2**32 - 1, 2**31, 2**31 - 1, 3, 2]
    words[1, 0] = 0  # the smallest u and the angle 0: the largest normal
    out = np.empty(words.shape, np.float32)
    transform(words, out)
    w, g = (x.reshape(-1, 2, LANES).transpose(1, 0, 2) for x in (words, out))
    r = np.sqrt(-2.0 * np.log(((w[0] >> 1) | 1).astype(np.float32) / 2.0**31))
    angle = (w[1].view(np.int32) >> 3) * 2.0**-28 * math.pi / 2
    sign = 1.0 - 2.0 * (w[1] & 1)
    assert np.abs(g[0] - r * np.sin(angle)).max() < 2e-6
    assert np.abs(g[1] - r * sign * np.cos(angle)).max() < 2e-6
    assert 6.5 < np.abs(g).max() <= 6.56


@kernel
def transform53(words, out):
    """Turn rows of words, four by four, into rows of normals of double precision."""
    for i in range(0, words.shape[0], 4):
        g, h = gaussian_pair53(load(words, i), load(words, i + 1), load(words, i + 2), load(words, i + 3))
        store(out, i // 2, g)
        store(out, i // 2 + 1, h)


def test_double_precision_is_the_box_muller_transform():
    rng = np.random.default_rng(4)
    words = rng.integers(0, 2**32, (4000, LANES), dtype=np.uint32)
    words[:4] = rng.choice(np.array([0, 1, 2**11, 2**30, 2**31, 3 * 2**30, 2**32 - 1], np.uint32), (4, LANES))
    words[:4, 0], words[:4, 1] = [0, 0, 0, 0], [2**32 - 1] * 4  # the largest normal, and the smallest
    out = np.empty((2000, LANES))
    transform53(words, out)
    w = words.reshape(-1, 4, LANES).transpose(1, 0, 2)
    u, v = (np.vectorize(uniform53)(w[k], w[k + 2]) for k in (0, 1))
    r = np.sqrt(-2.0 * np.log(u))
    assert np.abs(out[::2] - r * np.cos(2.0 * math.pi * v)).max() < 1e-14
    assert np.abs(out[1::2] - r * np.sin(2.0 * math.pi * v)).max() < 1e-14
    np.testing.assert_allclose(np.hypot(out[::2], out[1::2]), r, rtol=2e-15, atol=0)
    assert 8.5 < np.abs(out).max() <= 8.6


@pytest.mark.parametrize("double", [False, True])
def test_moments_to_the_eighth(double):
    g = normals_of(8 * MILLION, seed=11, double=double)[0]
    for power, moment, resolution in zip(
        range(1, 9), (0, 1, 0, 3, 0, 15, 0, 105), (0.002, 0.003, 0.008, 0.02, 0.06, 0.2, 0.8, 3.0), strict=True
    ):
        assert_mean(g**power, moment, resolution=resolution)


@pytest.mark.parametrize("double", [False, True])
def test_the_law_and_its_tails(double):
    g = normals_of(16 * MILLION, seed=12, double=double)[0]
    assert_law(g[:MILLION], stats.norm())
    for side in (g, -g):
        for cut in (2.0, 3.0, 4.0, 5.0):
            expected, seen = len(g) * stats.norm.sf(cut), int((side > cut).sum())
            p = 2.0 * min(stats.poisson.cdf(seen, expected), stats.poisson.sf(seen - 1, expected))
            assert p > 1e-6, f"{seen} beyond {cut}, expected {expected:.1f}"


@pytest.mark.parametrize("double", [False, True])
def test_neighbouring_streams_are_independent(double):
    base = {"seed": 5, "first": 8, "layer": 3, "channel": 2, "double": double}
    g = normals_of(MILLION, **base)[0]
    for change in ({"seed": 6}, {"seed": 5 + 2**32}, {"first": 9}, {"layer": 4}, {"channel": 3}, {"channel": 2 + CHANNELS}):
        h = normals_of(MILLION, **(base | change))[0]
        assert_uncorrelated(g, h, resolution=0.006)
        assert_uncorrelated(g**2, h**2, resolution=0.006)


@pytest.mark.parametrize("double", [False, True])
def test_the_numbers_of_a_stream_are_independent(double):
    g = normals_of(2 * MILLION, seed=9, double=double)[0]
    half = g.size // 2
    for lag in (1, 2, half // 2, half):  # half: the two numbers of a Box-Muller pair
        assert_uncorrelated(g[:half], g[lag : lag + half], resolution=0.006)
        assert_uncorrelated(g[:half] ** 2, g[lag : lag + half] ** 2, resolution=0.006)
        assert_uncorrelated(np.sign(g[:half]), np.abs(g[lag : lag + half]), resolution=0.006)


@pytest.mark.parametrize(("seed", "other"), [(0, 1), (0, 2**63), (1, 2**32 + 1)])
def test_far_seeds_and_networks_are_independent(seed, other):
    g = normals_of(MILLION, seed=seed)[0]
    for change in ({"seed": other}, {"seed": seed, "first": 2**32}, {"seed": seed, "layer": 2**31}):
        h = normals_of(MILLION, **change)[0]
        assert not np.array_equal(g, h)
        assert_uncorrelated(g, h, resolution=0.006)
        assert_uncorrelated(g**2, h**2, resolution=0.006)


def signs_of(layer=0, first=0, networks=2000, n=300, seed=4, double=False):
    return rows(block_of_signs.__wrapped__, networks, n, double, seed, first, layer, CHANNEL.inner)


@pytest.mark.parametrize("double", [False, True])
def test_signs_are_fair_and_independent(double):
    signs = signs_of(double=double)
    assert set(np.unique(signs)) == {-1.0, 1.0}
    assert_mean(signs.ravel(), 0.0, resolution=0.01)
    assert_mean(signs.mean(axis=0) ** 2 * len(signs), 1.0, resolution=0.5)  # every unit's own coin
    others = (signs_of(layer=1, double=double), signs_of(seed=5, double=double), np.roll(signs, 1, axis=0))
    for other in (*others, np.roll(signs, 1, axis=1)):
        assert_uncorrelated(signs, other, resolution=0.01)


@pytest.mark.parametrize("double", [False, True])
def test_signs_are_independent_of_the_normals_that_they_come_with(double):
    signs = signs_of(double=double)
    g = normals_of(300, seed=4, channel=CHANNEL.inner, networks=2000, double=double)
    for shift in (0, 1):
        for power in (1, 2, 3):
            assert_uncorrelated(signs, np.roll(g, shift, axis=1) ** power, resolution=0.02)


def test_signs_do_not_depend_on_the_batch_or_the_width():
    assert np.array_equal(signs_of(first=3, networks=2)[1], signs_of(networks=6)[4])
    assert np.array_equal(signs_of(n=40), signs_of(n=101)[:, :40])
