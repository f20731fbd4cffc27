"""The random numbers: the cipher against its published vectors, the normals against the normal law."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from exact import THREEFRY_4X32_20, plain_threefry
from helpers import assert_law, assert_mean, assert_uncorrelated
from reslim.simulation import generator
from reslim.simulation.generator import CHANNEL, CHANNELS, fill_normals, fill_signs, fill_words

MILLION = 2**20


def words_of(seed, network=0, layer=0, channel=0, count=4):
    words = np.empty(count, np.uint32)
    fill_words(words, np.uint64(seed), np.uint64(network), layer, channel)
    return words


def normals_of(count, seed=0, first=0, layer=0, channel=0, double=False, networks=1, inputs=1):
    out = np.empty((networks, inputs, count))
    fill_normals(out, np.ones((networks, inputs)), double, np.uint64(seed), first, layer, channel)
    return out


@pytest.mark.parametrize(("counter", "key", "expected"), THREEFRY_4X32_20)
def test_the_plain_cipher_has_the_published_vectors(counter, key, expected):
    assert plain_threefry(counter, key) == expected


def test_the_published_zero_vector():
    assert tuple(int(w) for w in words_of(0)) == THREEFRY_4X32_20[0][2]


def test_words_are_the_cipher_of_seed_network_layer_and_channel():
    rng = np.random.default_rng(0)
    for _ in range(50):
        seed, network = (int(rng.integers(2**63)) * 2 + int(rng.integers(2)) for _ in range(2))
        layer, channel = int(rng.integers(2**32)), int(rng.integers(2**32))
        key = (seed & 0xFFFFFFFF, seed >> 32, network & 0xFFFFFFFF, network >> 32)
        blocks = [plain_threefry((i, layer, channel, 0), key) for i in range(3)]
        words = words_of(seed, network, layer, channel, count=12)
        assert [int(w) for w in words] == [block[j] for j in range(4) for block in blocks]


def test_a_stream_does_not_depend_on_the_batch():
    one = normals_of(12, seed=7, first=5, layer=3, channel=2)
    several = normals_of(12, seed=7, first=2, layer=3, channel=2, networks=6, inputs=2)
    assert np.array_equal(one[0, 0], several[3, 0])


def test_noise_that_is_not_needed_is_left_alone():
    out = np.full((2, 1, 4), 9.0)
    fill_normals(out, np.array([[0.0], [1.0]]), False, np.uint64(0), 0, 0, 0)
    assert (out[0] == 9.0).all()
    assert (out[1] != 9.0).all()


def test_channels_of_different_inputs_do_not_meet():
    assert len(set(CHANNEL)) == len(CHANNEL)
    assert max(CHANNEL) < CHANNELS
    assert np.array_equal(normals_of(8, channel=2, inputs=2)[0, 1], normals_of(8, channel=2 + CHANNELS)[0, 0])


def test_single_precision_is_the_box_muller_transform():
    rng = np.random.default_rng(3)
    w = rng.integers(0, 2**32, (2, 20_000), dtype=np.uint32)
    w[0, :6] = [0, 1, 2**32 - 1, 2**31, 2**31 - 1, 3]
    out = np.empty((20_000, 2))
    for i in range(20_000):
        generator.words_to_normals(w[:, i].copy(), False, out[i])
    r = np.sqrt(-2.0 * np.log((w[0] | 1).astype(np.float32) / 2.0**32))
    angle = (w[1].view(np.int32) >> 3) * 2.0**-28 * math.pi / 2
    sign = 1.0 - 2.0 * (w[1] & 1)
    assert np.abs(out[:, 0] - r * np.sin(angle)).max() < 2e-6
    assert np.abs(out[:, 1] - r * sign * np.cos(angle)).max() < 2e-6
    assert np.abs(out).max() <= 6.67


@pytest.mark.parametrize("double", [False, True])
def test_moments_to_the_eighth(double):
    g = normals_of(8 * MILLION, seed=11, double=double)[0, 0]
    for power, moment, resolution in zip(
        range(1, 9), (0, 1, 0, 3, 0, 15, 0, 105), (0.002, 0.003, 0.008, 0.02, 0.06, 0.2, 0.8, 3.0), strict=True
    ):
        assert_mean(g**power, moment, resolution=resolution)


@pytest.mark.parametrize("double", [False, True])
def test_the_law_and_its_tails(double):
    g = normals_of(16 * MILLION, seed=12, double=double)[0, 0]
    assert_law(g[:MILLION], stats.norm())
    for side in (g, -g):
        for cut in (2.0, 3.0, 4.0, 5.0):
            expected, seen = len(g) * stats.norm.sf(cut), int((side > cut).sum())
            p = 2.0 * min(stats.poisson.cdf(seen, expected), stats.poisson.sf(seen - 1, expected))
            assert p > 1e-6, f"{seen} beyond {cut}, expected {expected:.1f}"


@pytest.mark.parametrize("double", [False, True])
def test_neighbouring_streams_are_independent(double):
    base = {"seed": 5, "first": 8, "layer": 3, "channel": 2, "double": double}
    g = normals_of(MILLION, **base)[0, 0]
    for change in ({"seed": 6}, {"seed": 5 + 2**32}, {"first": 9}, {"layer": 4}, {"channel": 3}, {"channel": 2 + CHANNELS}):
        h = normals_of(MILLION, **(base | change))[0, 0]
        assert_uncorrelated(g, h, resolution=0.006)
        assert_uncorrelated(g**2, h**2, resolution=0.006)


@pytest.mark.parametrize("double", [False, True])
def test_the_numbers_of_a_stream_are_independent(double):
    g = normals_of(2 * MILLION, seed=9, double=double)[0, 0]
    half = g.size // 2
    for lag in (1, 2, half // 2, half):  # half: the two numbers of a Box-Muller pair
        assert_uncorrelated(g[:half], g[lag : lag + half], resolution=0.006)
        assert_uncorrelated(g[:half] ** 2, g[lag : lag + half] ** 2, resolution=0.006)
        assert_uncorrelated(np.sign(g[:half]), np.abs(g[lag : lag + half]), resolution=0.006)


def signs_of(layer=0, first=0, networks=2000, n=300, seed=4):
    signs = np.empty((networks, n))
    fill_signs(signs, np.uint64(seed), first, layer)
    return signs


def test_signs_are_fair_and_independent():
    signs = signs_of()
    assert set(np.unique(signs)) == {-1.0, 1.0}
    assert_mean(signs.ravel(), 0.0, resolution=0.01)
    assert_mean(signs.mean(axis=0) ** 2 * len(signs), 1.0, resolution=0.5)  # every unit's own coin
    for other in (signs_of(layer=1), signs_of(seed=5), np.roll(signs, 1, axis=0), np.roll(signs, 1, axis=1)):
        assert_uncorrelated(signs, other, resolution=0.01)


def test_signs_do_not_depend_on_the_batch_or_the_width():
    assert np.array_equal(signs_of(first=3, networks=2)[1], signs_of(networks=6)[4])
    assert np.array_equal(signs_of(n=40), signs_of(n=100)[:, :40])
