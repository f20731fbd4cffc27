"""Every polynomial of the kernels, fitted again, and what it does: ``python docs/derivations/polynomials.py`` (a minute).

A fit is the best polynomial, or rational function P/Q, in the largest weighted error, by Remez' exchange in 40 digits. The
constants of `lane_activations.py` are these in single precision, those of `double_activations.py` the second table. Those of
`generator.py` are older: their errors are within 1e-3 of the smallest possible. The second half measures the normals that
`gaussian_pair` makes, over all its words.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import mpmath as mp
import numpy as np
from numba import njit
from numpy.typing import NDArray

from reslim.simulation import double_activations, generator, lane_activations
from reslim.simulation.generator import gaussian_pair
from reslim.simulation.lanes import LANES, doubles, doubles_of, load, store, words_of

GRID = 2001
CHUNK = 4096
Array = NDArray[np.float64]


class Fit(NamedTuple):
    """P(t)/Q(t) ~ target(t) for t from `low` to `high`, in the error (P/Q - target)·weight.

    Q(0) is `scale`, a common factor of P and Q that was tried in steps of 1/256 until the roundings of P/Q were small.
    """

    target: Callable[[mp.mpf], mp.mpf]
    low: float
    high: float
    numerator: int  # degrees
    denominator: int = 0
    weight: Callable[[mp.mpf], mp.mpf] | None = None  # None: relative error
    grid: Callable[[Array], Array] = lambda u: u  # where the exchange looks, from [0, 1] to [0, 1]
    scale: float = 1.0


def root(f: Callable[[mp.mpf], mp.mpf]) -> Callable[[mp.mpf], mp.mpf]:
    """Return f(√y)/√y, which is a function of y where f is odd."""
    return lambda y: f(mp.sqrt(y)) / mp.sqrt(y) if y else mp.diff(f, 0)


TWO_LN2 = np.float32(2.0 * math.log(2.0))
HALF_PI = mp.pi / 2
HALF_LN2 = 0.3466  # a little more than ln(2)/2: the exponent is rounded in single precision
FITS = {
    "LOG": Fit(lambda m: -2 * mp.log1p(m) / m if m else mp.mpf(-2), 0.5**0.5 - 1, 2**0.5 - 1, 8),
    "SIN": Fit(root(lambda x: mp.sin(HALF_PI * x)), 0.0, 1.0, 4, weight=lambda y: mp.mpf(1)),
    "COS": Fit(lambda y: mp.cos(HALF_PI * mp.sqrt(y)), 0.0, 1.0, 5, weight=lambda y: mp.mpf(1)),
    "EXP": Fit(lambda r: mp.expm1(r) / r if r else mp.mpf(1), -HALF_LN2, HALF_LN2, 4, weight=lambda r: abs(r) * mp.exp(-r)),
    "TANH": Fit(root(mp.tanh), 0.0, float(lane_activations.TANH_END) ** 2, 4, 4, grid=np.square, scale=0.75),
    "ERF": Fit(root(mp.erf), 0.0, float(lane_activations.ERF_END) ** 2, 5, 5, grid=np.square, scale=0.55859375),
    "TAIL": Fit(  # Φ(b) exp(b²/2)
        lambda b: mp.ncdf(b) * mp.exp(b * b / 2), -float(lane_activations.GELU_END), 0.0, 4, 5, grid=lambda u: 1 - (1 - u) ** 2
    ),
}

DOUBLE_FITS = {  # of double_activations.py
    "EXP": FITS["EXP"]._replace(numerator=10),
    "TANH": Fit(root(mp.tanh), 0.0, double_activations.TANH_END**2, 9, 9, grid=np.square),
    "ERF": Fit(root(mp.erf), 0.0, double_activations.ERF_END**2, 12, 12, grid=np.square),
    "TAIL": Fit(
        lambda b: mp.erfc(-b / mp.sqrt(2)) / 2 * mp.exp(b * b / 2),
        -double_activations.GELU_END,
        0.0,
        9,
        10,
        grid=lambda u: 1 - (1 - u) ** 2,
    ),
}


class Fitted(NamedTuple):
    """The constants of P and of Q, from t⁰ on, and the largest weighted error."""

    p: list[mp.mpf]
    q: list[mp.mpf]
    error: float


def extrema(error: Array, count: int) -> list[int] | None:
    """Return where |error| is largest between its changes of sign; None where there are too few."""
    pieces = np.split(np.arange(len(error)), np.flatnonzero(np.diff(np.sign(error))) + 1)
    found = [int(piece[np.argmax(np.abs(error[piece]))]) for piece in pieces]
    while len(found) > count:
        del found[0 if abs(error[found[0]]) < abs(error[found[-1]]) else -1]
    return found if len(found) == count else None


def remez(fit: Fit) -> Fitted:
    """Exchange nodes until the errors at them are the largest there are."""
    with mp.workdps(40):
        u = 0.5 - 0.5 * np.cos(np.pi * np.arange(GRID) / (GRID - 1))
        t = [mp.mpf(fit.low + (fit.high - fit.low) * v) for v in fit.grid(u)]
        target = [fit.target(v) for v in t]
        weight = [1 / abs(v) for v in target] if fit.weight is None else [fit.weight(v) for v in t]
        count = fit.numerator + fit.denominator + 2
        nodes = [round(v) for v in (0.5 - 0.5 * np.cos(np.pi * (np.arange(count) + 0.5) / count)) * (GRID - 1)]
        nodes = [int(np.searchsorted(u, v / (GRID - 1))) for v in nodes]
        q: list[mp.mpf] = [mp.mpf(0)] * fit.denominator
        level = mp.mpf(0)
        for _ in range(60):
            p, q, level = solve(fit, [t[k] for k in nodes], [target[k] for k in nodes], [weight[k] for k in nodes], q)
            value = [mp.polyval(p[::-1], v) / mp.polyval([*q[::-1], 1], v) for v in t]
            error = np.array([float((a - b) * w) for a, b, w in zip(value, target, weight, strict=True)])
            found = extrema(error, count)
            if np.abs(error).max() <= abs(float(level)) * (1 + 1e-6):
                return Fitted([fit.scale * c for c in p], [fit.scale * c for c in (1, *q)], float(np.abs(error).max()))
            nodes = found or nodes
    raise ArithmeticError(f"the exchange did not settle: {level}, {np.abs(error).max()}")


def solve(fit, t, target, weight, q) -> tuple[list[mp.mpf], list[mp.mpf], mp.mpf]:
    """Solve P - target Q = ±level Q/weight at the nodes, with Q on the right from the step before."""
    for _ in range(8):
        rows = mp.matrix(len(t), len(t))
        for i, v in enumerate(t):
            for j in range(fit.numerator + 1):
                rows[i, j] = v**j
            for j in range(fit.denominator):
                rows[i, fit.numerator + 1 + j] = -target[i] * v ** (j + 1)
            known = mp.polyval([*q[::-1], 1], v)
            rows[i, len(t) - 1] = (-1) ** i * known / weight[i] if weight[i] else 0
        x = list(mp.lu_solve(rows, mp.matrix(target)))
        change = max((abs(a - b) for a, b in zip(x[fit.numerator + 1 : -1], q, strict=True)), default=mp.mpf(0))
        q = x[fit.numerator + 1 : -1]
        if change < mp.mpf(10) ** -25:
            break
    return x[: fit.numerator + 1], q, x[-1]


def singles(constants: Sequence[mp.mpf]) -> tuple[np.float32, ...]:
    """Round to single precision."""
    return tuple(np.float32(float(c)) for c in constants)


def largest_error(fit: Fit, p: Sequence[float], q: Sequence[float] = (1.0,), points: int = GRID) -> float:
    """Return the largest weighted error of these constants in exact arithmetic."""
    found = 0.0
    for v in fit.grid(np.linspace(0.0, 1.0, points)):
        t = mp.mpf(fit.low + (fit.high - fit.low) * v)
        target = fit.target(t)
        weight = 1 / abs(target) if fit.weight is None else fit.weight(t)
        value = mp.polyval([mp.mpf(float(c)) for c in p[::-1]], t) / mp.polyval([mp.mpf(float(c)) for c in q[::-1]], t)
        found = max(found, float(abs(value - target) * weight))
    return found


def fused(a: Array, b: Array, c: Array | np.float32) -> NDArray[np.float32]:
    """Return a b + c in single precision, rounded once (but for one number in 2²⁹)."""
    return (np.asarray(a, float) * np.asarray(b, float) + np.asarray(c, float)).astype(np.float32)


def horner(constants: Sequence[np.float32], y: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the polynomial in single precision, as `gaussian_pair` nests it for sine and cosine."""
    value = np.full_like(y, constants[-1])
    for c in constants[-2::-1]:
        value = fused(value, y, c)
    return value


def radius(log: Sequence[np.float32], f: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return √(-2 ln(f/2³¹)) in the order of `gaussian_pair`."""
    bits = f.astype(np.float32).view(np.int32) - np.int32(generator.SQRT_HALF_BITS)
    m = ((bits & 0x7FFFFF) + np.int32(generator.SQRT_HALF_BITS)).view(np.float32) - np.float32(1.0)
    m2 = m * m
    low = fused(m2, fused(m, log[3], log[2]), fused(m, log[1], log[0]))
    high = fused(m2, fused(m, log[7], log[6]), fused(m, log[5], log[4]))
    value = fused(m2 * m2, fused(m2 * m2, log[8], high), low)
    return np.sqrt(fused(m, value, (31 - (bits >> 23)).astype(np.float32) * TWO_LN2))


def single_errors(log: Sequence[np.float32], sin: Sequence[np.float32], cos: Sequence[np.float32]) -> tuple[float, ...]:
    """Return the largest errors in single precision: of the radius (relative), of sine and cosine (absolute)."""
    f = np.concatenate([np.arange(1, 2**31, 1022), np.arange(1, 2**20, 2), np.arange(2**31 - 2**20 + 1, 2**31 - 64, 2)])
    exact = np.sqrt(-2.0 * np.log(f.astype(np.float32).astype(float) / 2.0**31))
    r = radius(log, f)
    x = np.linspace(-1.0, 1.0, 2**21).astype(np.float32)
    sine, cosine = x * horner(sin, x * x), horner(cos, x * x)
    angle = np.pi / 2 * x.astype(float)
    relative = np.abs(r - exact)[exact > 0] / exact[exact > 0]
    return float(relative.max()), float(np.abs(sine - np.sin(angle)).max()), float(np.abs(cosine - np.cos(angle)).max())


@njit  # not cached: a cache does not see that what a kernel calls has changed
def sums_of_powers(ramp, w1, step1, w2, step2, out):
    """Write Σ g², Σ g⁴, Σ h², Σ h⁴ over LANES CHUNK pairs into out (4, LANES); the words go up in steps from w1, w2."""
    s2, s4, t2, t4 = doubles_of(0.0), doubles_of(0.0), doubles_of(0.0), doubles_of(0.0)
    lanes = load(ramp, 0)
    for i in range(CHUNK):
        begin = words_of(np.uint32(i * LANES)) + lanes
        g, h = gaussian_pair(begin * np.uint32(step1) + np.uint32(w1), begin * np.uint32(step2) + np.uint32(w2))
        a, b = doubles(g), doubles(h)
        a, b = a * a, b * b
        s2, s4, t2, t4 = s2 + a, s4 + a * a, t2 + b, t4 + b * b
    store(out, 0, s2)
    store(out, 1, s4)
    store(out, 2, t2)
    store(out, 3, t4)


def means_of_powers(count: int, step1: int, step2: int, w1: int, w2: int) -> Array:
    """Return the means of g², g⁴, h², h⁴ over `count` pairs of words in steps from (w1, w2)."""
    ramp, out, total = np.arange(LANES, dtype=np.uint32)[None], np.empty((4, LANES)), np.zeros(4)
    for k in range(0, count, LANES * CHUNK):
        sums_of_powers(ramp, (w1 + k * step1) % 2**32, step1, (w2 + k * step2) % 2**32, step2, out)
        total += out.sum(axis=1)
    return total / count


class Moments(NamedTuple):
    """E r²/2, E r⁴/8, and 2 E s², 8/3 E s⁴ for s the sine and the cosine: 1 each for exact normals."""

    radius: Array
    sine: Array
    cosine: Array

    def bias(self) -> Array:
        """Return the relative errors of E g² and E g⁴, for g = r sin and for g = r cos."""
        return np.array([self.radius * self.sine, self.radius * self.cosine]) - 1.0


def moments(radii: int = 16) -> Moments:
    """Measure `gaussian_pair` on all its 2³⁰ radii at angle 0, and on all its 2²⁹ angles at some radii.

    At angle 0 the cosine is 1, so the second number is the radius. Radius and angle are independent, so the moments of g are
    products but for the roundings of the product, which the average over `radii` radii holds.
    """
    r = means_of_powers(2**30, 4, 0, 2, 0)[2:]
    angles = np.zeros(4)
    for w1 in np.random.default_rng(0).integers(2**32, size=radii):
        one = means_of_powers(LANES * CHUNK, 0, 0, int(w1), 0)[2:]
        angles += means_of_powers(2**29, 0, 8, int(w1), 0) / np.tile(one, 2) / radii
    norm = np.array([2.0, 8.0 / 3.0])
    return Moments(r / [2.0, 8.0], norm * angles[:2], norm * angles[2:])


def exact_moments(log: Sequence[float], sin: Sequence[float], cos: Sequence[float]) -> Moments:
    """Integrate the powers of the polynomials over a continuous radius and angle, without roundings."""
    node, weight = np.polynomial.legendre.leggauss(64)
    node, weight = (node + 1.0) / 2.0, weight / 2.0
    low, high = 0.5**0.5 - 1.0, 2.0**0.5 - 1.0
    r = np.zeros(2)
    for e in range(-40, 32):  # u = 2^(e - 31) (1 + m)
        top = 0.0 if e == 31 else high
        m = low + (top - low) * node
        square = m * np.polyval(np.array(log[::-1], float), m) + (31 - e) * float(TWO_LN2)
        mass = 2.0 ** (e - 31) * (top - low) * weight
        r += [np.sum(mass * square), np.sum(mass * square**2)]
    y = node**2
    sine, cosine = node * np.polyval(np.array(sin[::-1], float), y), np.polyval(np.array(cos[::-1], float), y)
    powers = [np.array([2.0 * weight @ s**2, 8.0 / 3.0 * weight @ s**4]) for s in (sine, cosine)]
    return Moments(r / [2.0, 8.0], *powers)


def report_fits() -> None:
    """Print the constants of every fit, and the errors of those in use."""
    for name, fit in FITS.items():
        fitted = remez(fit)
        print(f"{name}: largest error {fitted.error:.3g}, with constants in single precision ", end="")
        print(f"{largest_error(fit, singles(fitted.p), singles(fitted.q)):.3g}")
        for constants in (fitted.p, fitted.q):
            print("   ", ", ".join(f"{float(c):.12g}" for c in constants))
        if hasattr(generator, name):
            print(f"    in generator.py: {largest_error(fit, getattr(generator, name)):.3g}")
    for name, fit in DOUBLE_FITS.items():
        fitted = remez(fit)
        print(f"{name} in double precision: largest error {fitted.error:.3g}")
        for constants in (fitted.p, fitted.q):
            print("   ", ", ".join(repr(float(c)) for c in constants))


def report_normals() -> None:
    """Print the errors of `gaussian_pair` and the biases of its moments, with the constants in use and with these fits."""
    new = tuple(singles(remez(FITS[name]).p) for name in ("LOG", "SIN", "COS"))
    for words, constants in (("in use", (generator.LOG, generator.SIN, generator.COS)), ("these fits", new)):
        print(f"{words}: errors in single precision of r (relative), sin, cos:", *(f"{e:.3g}" for e in single_errors(*constants)))
        print("    relative biases of E g², E g⁴ (r sin; r cos), no roundings:", exact_moments(*constants).bias().tolist())
    measured = moments()
    print("all words of gaussian_pair:", measured.bias().tolist(), "of E r², E r⁴:", (measured.radius - 1.0).tolist())
    print("    mean bias of E g²:", measured.bias()[:, 0].mean(), "of E g⁴:", measured.bias()[:, 1].mean())


if __name__ == "__main__":
    report_fits()
    report_normals()
