"""The activations in lanes against SciPy and mpmath, their constants against the fits, and the bits of other processors."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import llvmlite.binding
import mpmath
import numpy as np
import pytest
from numba import njit
from scipy import special

from reslim.activations import activation
from reslim.simulation import double_activations, generator, lane_activations
from reslim.simulation.generator import gaussian_pair, gaussian_pair53
from reslim.simulation.lane_activations import activated, slope_of
from reslim.simulation.lanes import LANES, load, singles_of, store

ROOT = Path(__file__).resolve().parents[2]
NAMES = sorted(lane_activations.CODES)
TRUTH = {
    "tanh": (np.tanh, mpmath.tanh),
    "erf": (special.erf, mpmath.erf),
    "gelu": (lambda x: x * special.ndtr(x), lambda x: x * mpmath.ncdf(x)),
    "silu": (lambda x: x * special.expit(x), lambda x: x / (1 + mpmath.exp(-x))),
}
SLOPES = {
    "tanh": lambda x: mpmath.sech(x) ** 2,
    "erf": lambda x: 2 / mpmath.sqrt(mpmath.pi) * mpmath.exp(-(x**2)),
    "gelu": lambda x: mpmath.ncdf(x) + x * mpmath.npdf(x),
    "silu": lambda x: (1 + x / (1 + mpmath.exp(x))) / (1 + mpmath.exp(-x)),
}
FEW = 2e-36  # below it the tails of gelu and silu are only small
SMALLEST = float(np.finfo(np.float32).smallest_subnormal)


@njit  # not cached: a cache does not see that what a kernel calls has changed
def activate_rows(kind, slope, x, out):
    for i in range(x.shape[0]):
        store(out, i, activated(kind, singles_of(slope), load(x, i)))


@njit
def slope_rows(kind, leak, x, out):
    for i in range(x.shape[0]):
        store(out, i, slope_of(kind, singles_of(leak), load(x, i)))


@njit
def pair_rows(words, out):
    for i in range(0, words.shape[0], 2):
        g, h = gaussian_pair(load(words, i), load(words, i + 1))
        store(out, i, g)
        store(out, i + 1, h)


@njit
def double_pair_rows(words, out):
    for i in range(0, words.shape[0], 4):
        g, h = gaussian_pair53(load(words, i), load(words, i + 1), load(words, i + 2), load(words, i + 3))
        store(out, i // 2, g)
        store(out, i // 2 + 1, h)


@njit
def double_rows(kind, x, out):
    for i in range(x.shape[0]):
        store(out, i, double_activations.activated(kind, load(x, i)))


@njit
def double_slope_rows(kind, x, out):
    for i in range(x.shape[0]):
        store(out, i, double_activations.slope_of(kind, load(x, i)))


def in_lanes(name, x, slope=0.0, rows_of=activate_rows):
    x = np.ascontiguousarray(x, np.float32)
    rows = np.zeros((-(-x.size // LANES), LANES), np.float32)
    rows.ravel()[: x.size] = x
    out = np.empty_like(rows)
    rows_of(lane_activations.CODES.get(name, 0), np.float32(slope), rows, out)
    return out.ravel()[: x.size]


def magnitudes():
    """Every exponent of single precision from the smallest number to the largest, and [0, 12] densely."""
    numbers = [np.arange(0, 0x7F800000, 9973, dtype=np.uint32).view(np.float32), np.linspace(0.0, 12.0, 400_001)]
    return np.concatenate([*numbers, [SMALLEST, 1e30, np.finfo(np.float32).max]]).astype(np.float32)


@pytest.fixture(scope="module")
def fits():
    spec = importlib.util.spec_from_file_location("polynomials", ROOT / "docs" / "derivations" / "polynomials.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["polynomials"] = module  # where NamedTuple looks for its annotations
    spec.loader.exec_module(module)
    return module


def assert_relative(value, exact, bound, seen):
    """Compare where `seen` holds; one unit of the subnormal numbers is not an error."""
    assert np.isfinite(value).all()
    error = np.abs(value[seen] - exact[seen])
    wrong = error > bound * np.abs(exact[seen]) + 0.51 * SMALLEST
    assert not wrong.any(), f"{wrong.sum()} of {wrong.size}, the worst {np.max((error / np.abs(exact[seen]))[wrong]):.3g}"


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("name", NAMES)
def test_relative_error(name, sign):
    x = sign * magnitudes()
    value, exact = in_lanes(name, x).astype(float), TRUTH[name][0](x.astype(float))
    one_sided = name in ("gelu", "silu") and sign < 0
    tail = one_sided & (x < -1.0) & (np.abs(exact) < FEW)
    assert_relative(value, exact, 6e-7 if one_sided else 3e-7, ~tail & (x != 0.0))
    assert (np.abs(value[tail]) < FEW).all()
    assert (value[x == 0.0] == 0.0).all()
    assert (np.abs(value - exact) <= 2e-7 * np.maximum(1.0, np.abs(x)))[np.abs(x) < 12.0].all() or name in ("tanh", "erf")


@pytest.mark.parametrize("name", NAMES)
def test_against_arbitrary_precision(name):
    x = np.random.default_rng(1).uniform(-9.0, 9.0, 64).astype(np.float32)
    with mpmath.workdps(30):
        exact = np.array([float(TRUTH[name][1](mpmath.mpf(float(v)))) for v in x])
    assert_relative(in_lanes(name, x).astype(float), exact, 6e-7, np.full(64, True))


@pytest.mark.parametrize("name", NAMES)
def test_agrees_with_the_table(name):
    x = np.linspace(-12.0, 12.0, 4001).astype(np.float32)
    value = in_lanes(name, x).astype(float)
    np.testing.assert_allclose(value, activation(name).value(x.astype(float)), rtol=6e-7, atol=0.0)


@pytest.mark.parametrize("slope", [0.0, 1.0, 0.25, -2.0])
def test_piecewise_linear(slope):
    x = np.linspace(-3.0, 3.0, 97).astype(np.float32)
    assert np.array_equal(in_lanes("relu", x, slope), np.where(x > 0, x, np.float32(slope) * x))
    assert np.array_equal(in_lanes("relu", x, slope, slope_rows), np.where(x > 0, np.float32(1.0), np.float32(slope)))


@pytest.mark.parametrize("name", NAMES)
def test_slopes(name):
    """Relative for tanh and erf down to 1e-37 and small beyond, absolute for gelu and silu; the table, and mpmath on a few."""
    x = np.concatenate([magnitudes(), -magnitudes()])
    value = in_lanes(name, x, rows_of=slope_rows).astype(float)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        exact = activation(name).derivative(x.astype(float))
    few = np.random.default_rng(1).choice(np.flatnonzero(np.abs(x) < 40.0), 64)
    with mpmath.workdps(40):
        precise = [float(SLOPES[name](mpmath.mpf(float(v)))) for v in x[few]]
    if name in ("tanh", "erf"):
        seen = exact > 1e-37
        assert_relative(value, exact, 6e-7, seen)
        assert_relative(value[few], np.array(precise), 6e-7, seen[few])
        assert (value >= 0.0).all()
        assert (value[~seen] < 1.1e-37).all()
        assert (value[np.abs(x) > 44.0] == 0.0).all()
    else:
        assert np.abs(value - exact).max() < 4e-7
        assert np.abs(value[few] - precise).max() < 4e-7


@pytest.mark.parametrize(("name", "end"), [("tanh", 9.1), ("erf", 4.0)])
def test_odd_and_saturated(name, end):
    x = magnitudes()
    value = in_lanes(name, x)
    assert np.array_equal(in_lanes(name, -x), -value)
    assert value.max() == 1.0
    assert (value[x >= end] == 1.0).all()
    x = np.nextafter(np.float32(end), np.float32(0)) - np.arange(300_000, dtype=np.float32) * np.float32(2.0**-18)
    value = in_lanes(name, np.sort(x[x > 0]))
    assert value.max() == 1.0
    assert (np.maximum.accumulate(value) - value).max() < 6e-7  # increasing, but for the errors of two values


@pytest.mark.parametrize("name", ["gelu", "silu"])
def test_identity_and_zero_far_out(name):
    x = np.array([30.0, 88.0, 1e4, 1e30, 3e38], np.float32)
    assert np.array_equal(in_lanes(name, x), x)
    assert (np.abs(in_lanes(name, -x[1:])) < FEW).all()


@pytest.mark.parametrize("name", NAMES)
def test_infinity(name):
    limits = in_lanes(name, np.array([np.inf, -np.inf]))
    assert limits[0] == (1.0 if name in ("tanh", "erf") else np.inf)
    assert limits[1] == -1.0 if name in ("tanh", "erf") else abs(limits[1]) < FEW


@pytest.mark.parametrize("name", ["TANH", "ERF", "TAIL", "EXP"])
def test_the_constants_are_those_of_the_fits(fits, name):
    fitted = fits.remez(fits.FITS[name])
    if name == "EXP":
        assert fits.singles(fitted.p) == lane_activations.EXP
    else:
        assert fits.singles(fitted.p) == getattr(lane_activations, f"{name}_P")
        assert fits.singles(fitted.q) == getattr(lane_activations, f"{name}_Q")


@pytest.mark.parametrize("name", ["LOG", "SIN", "COS"])
def test_the_constants_of_the_normals_are_as_good_as_the_fits(fits, name):
    fit, constants = fits.FITS[name], getattr(generator, name)
    fitted = fits.remez(fit)
    reach = max(abs(fit.low), abs(fit.high))
    for k, (old, new) in enumerate(zip(constants, fits.singles(fitted.p), strict=True)):
        assert abs(float(old) - float(new)) * reach**k < 0.1 * fitted.error, f"constant {k}"


def test_the_normals_are_the_formula_in_single_precision(fits):
    """The script's plain transcription and the kernel have the same bits, and errors of a few units in the last place."""
    rng = np.random.default_rng(2)
    words = rng.integers(0, 2**32, (2000, LANES), dtype=np.uint32)
    words[1::2, :8] = 0  # angle 0: the second number is the radius
    out = np.empty(words.shape, np.float32)
    pair_rows(words, out)
    r = fits.radius(generator.LOG, (words[::2] >> 1 | 1).astype(np.int64))
    assert np.mean(out[1::2, :8] != r[:, :8]) < 1e-3
    x = (words[1::2].view(np.int32) >> 3).astype(np.float32) * np.float32(2.0**-28)
    assert np.mean(out[::2] != (r * x) * fits.horner(generator.SIN, (x * x).ravel()).reshape(x.shape)) < 1e-3
    errors = fits.single_errors(generator.LOG, generator.SIN, generator.COS)
    assert (np.array(errors) < [2e-7, 2e-7, 1.5e-7]).all(), errors


def test_the_variance_of_the_normals_is_that_of_the_polynomials(fits):
    """What the branch factor undoes: 3.6e-8. The whole of the words takes a minute, in the script."""
    exact = fits.exact_moments(generator.LOG, generator.SIN, generator.COS).bias()
    assert exact[:, 0].mean() == pytest.approx(3.6456e-8, abs=5e-11)


def digest_of_fixed_words():
    """Return a digest of the bits of the normals and of every activation and slope, in both precisions."""
    rng = np.random.default_rng(3)
    words = rng.integers(0, 2**32, (2048, LANES), dtype=np.uint32)
    words[:2, :4] = [[0, 1, 2**32 - 1, 2**31], [2**31 - 1, 2**31, 0, 2**32 - 1]]
    out = np.empty(words.shape, np.float32)
    pair_rows(words, out)
    bits = words & np.uint32(0xFF7FFFFF)  # no infinity, no NaN
    numbers = np.concatenate([8.0 * out, bits.view(np.float32)]).ravel()
    kernels = [(name, rows_of) for name in ("relu", *NAMES) for rows_of in (activate_rows, slope_rows)]
    results = [out, *(in_lanes(name, numbers, rows_of=rows_of) for name, rows_of in kernels)]
    doubles, numbers = np.empty((words.shape[0] // 2, LANES)), numbers.astype(float).reshape(-1, LANES)
    double_pair_rows(words, doubles)
    results.append(doubles)
    for name in NAMES:
        for rows_of in (double_rows, double_slope_rows):
            results.append(np.empty_like(numbers))
            rows_of(lane_activations.CODES[name], numbers, results[-1])
    return hashlib.sha256(b"".join(result.tobytes() for result in results)).hexdigest()


TARGETS = {  # name, features beyond it, what the processor must have
    "sse2": ("generic", "", ()),
    "avx": ("generic", "+sse4.2,+avx", ("avx",)),
    "avx and fma": ("generic", "+sse4.2,+avx,+fma", ("avx", "fma")),
    "avx2": ("generic", "+sse4.2,+avx2,+fma,+bmi,+bmi2", ("avx2", "fma")),
    "avx512": ("skylake-avx512", "", ("avx512f", "avx512vl", "avx512bw", "avx512dq", "avx512cd")),
}


@pytest.mark.parametrize("target", TARGETS)
def test_the_same_bits_on_other_processors(target, tmp_path):
    name, features, needed = TARGETS[target]
    host = llvmlite.binding.get_host_cpu_features()
    if target != "sse2" and not all(host.get(feature) for feature in needed):
        pytest.skip("this processor cannot run it")
    environment = os.environ | {"NUMBA_CPU_NAME": name, "NUMBA_CPU_FEATURES": features, "NUMBA_CACHE_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, __file__], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.split() == [digest_of_fixed_words()], done.stderr[-2000:]


if __name__ == "__main__":
    print(digest_of_fixed_words())
