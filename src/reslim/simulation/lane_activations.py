"""The smooth activations in lanes, single precision, without branches.

Accurate for every x: the relative error of tanh and erf is below 3e-7, and they are odd, never above 1, and 1 far out. That
of gelu and silu is below 3e-7 for x ≥ 0, and below 6e-7 for x < 0 while |φ| ≥ 2e-36; farther out |φ| stays below 2e-36.
The errors of the slopes φ' of tanh and erf are below 6e-7 relative where φ' > 1e-37, and beyond it φ' ends in 0; those of gelu
and silu, whose slopes cross 0, are below 4e-7 absolute. The fits: docs/derivations/polynomials.py.
"""

from __future__ import annotations

import numpy as np

from reslim.activations import Activation
from reslim.simulation.jit import part
from reslim.simulation.lanes import absolute, as_floats, as_words, copysign, fma, shl, singles_of, where_greater

F32 = np.float32
CODES = {"tanh": 1, "erf": 2, "gelu": 3, "silu": 4}  # 0: piecewise linear with a slope on the negative side
TANH, ERF, GELU = CODES["tanh"], CODES["erf"], CODES["gelu"]

# tanh(x)/x and erf(x)/x as P(x²)/Q(x²) up to where they have reached 1
TANH_END, ERF_END = F32(9.1), F32(4.0)
TANH_P = tuple(F32(c) for c in (0.7499999829, 0.1003085581, 0.002615857647, 1.536088135e-05, 9.883132714e-09))
TANH_Q = tuple(F32(c) for c in (0.75, 0.3503084114, 0.01938553887, 0.0002454689178, 5.778030274e-07))
ERF_P = tuple(F32(c) for c in (0.6303055348, 0.1081135565, 0.02966237202, 0.002169234246, 0.000158957481, 1.109803327e-06))
ERF_Q = tuple(F32(c) for c in (0.55859375, 0.2820106268, 0.06443399664, 0.008494719783, 0.0006622585845, 2.090270629e-05))

# Φ(b) exp(b²/2) as P(b)/Q(b) for b from -GELU_END to 0; below, exp(-b²/2) would leave the normal numbers
GELU_END, SILU_END = F32(13.19), F32(87.0)
TAIL_P = tuple(F32(c) for c in (0.5000000024, -0.4354287577, 0.1811170537, -0.03992049918, 0.004010804628))
TAIL_Q = tuple(F32(c) for c in (1, -1.668742429, 1.193693851, -0.4638796846, 0.1000733305, -0.01005345057))

# exp(r) = 1 + r P(r) for |r| ≤ ln(2)/2
EXP = tuple(F32(c) for c in (0.9999997071, 0.4999914927, 0.166676364846, 0.04189796442, 0.008290308495))
LOG2_E, MINUS_LN2 = F32(1.4426950408889634), F32(-0.6931471805599453)
MINUS_LN2_HIGH, MINUS_LN2_LOW = F32(-355.0 / 512.0), F32(2.1219444005469e-4)  # few bits, so that times k is exact
ROUNDER = F32(1.5 * 2.0**23)  # adding it rounds to a whole number k and leaves k in the lowest bits
SIGN = np.uint32(0x80000000)
INV_SQRT_2PI, TWO_OVER_SQRT_PI = F32(0.3989422804014327), F32(1.1283791670955126)
TANH_SLOPE_END, ERF_SLOPE_END = F32(43.5), F32(9.32)  # exp(-87) is a normal number


def code(phi: Activation) -> tuple[int, float]:
    """Return the kernels' code of an activation and its slope."""
    return (0, phi.negative_slope) if phi.negative_slope is not None else (CODES[phi.name], 0.0)


@part
def minus_absolute(x, end):
    """-min(|x|, end)."""
    b = as_floats(as_words(x) | SIGN)
    return where_greater(b, -end, b, -end)


@part
def exp_of(r, shifted):
    """2ᵏ exp(r), with k = shifted - ROUNDER."""
    p = fma(fma(fma(fma(fma(EXP[4], r, EXP[3]), r, EXP[2]), r, EXP[1]), r, EXP[0]), r, F32(1.0))
    return as_floats(as_words(p) + shl(as_words(shifted), 23))


@part
def exp_product(a, b):
    """Return exp(a b) for a b from -87 to 0; the product is never rounded."""
    shifted = fma(a * b, LOG2_E, ROUNDER)
    k = shifted - ROUNDER
    return exp_of(fma(k, MINUS_LN2_LOW, fma(a, b, k * MINUS_LN2_HIGH)), shifted)


@part
def tanh(x):
    """tanh(x)."""
    a = absolute(x)
    a = where_greater(a, TANH_END, TANH_END, a)
    y = a * a
    y2 = y * y
    p = fma(fma(fma(TANH_P[4], y, TANH_P[3]), y, TANH_P[2]), y2, fma(TANH_P[1], y, TANH_P[0]))
    q = fma(fma(fma(TANH_Q[4], y, TANH_Q[3]), y, TANH_Q[2]), y2, fma(TANH_Q[1], y, TANH_Q[0]))
    value = a * (p / q)
    return copysign(where_greater(value, F32(1.0), F32(1.0), value), x)


@part
def erf(x):
    """erf(x)."""
    a = absolute(x)
    a = where_greater(a, ERF_END, ERF_END, a)
    y = a * a
    y3 = y * y * y
    low, high = fma(fma(ERF_P[2], y, ERF_P[1]), y, ERF_P[0]), fma(fma(ERF_P[5], y, ERF_P[4]), y, ERF_P[3])
    p = fma(high, y3, low)
    low, high = fma(fma(ERF_Q[2], y, ERF_Q[1]), y, ERF_Q[0]), fma(fma(ERF_Q[5], y, ERF_Q[4]), y, ERF_Q[3])
    q = fma(high, y3, low)
    value = a * (p / q)
    return copysign(where_greater(value, F32(1.0), F32(1.0), value), x)


@part
def tail(b):
    """Return Φ(b) exp(b²/2) for b from -GELU_END to 0."""
    p = fma(fma(fma(fma(TAIL_P[4], b, TAIL_P[3]), b, TAIL_P[2]), b, TAIL_P[1]), b, TAIL_P[0])
    q = fma(fma(fma(fma(fma(TAIL_Q[5], b, TAIL_Q[4]), b, TAIL_Q[3]), b, TAIL_Q[2]), b, TAIL_Q[1]), b, TAIL_Q[0])
    return p / q


@part
def gelu(x):
    """X Φ(x) = max(x, 0) - |x| Φ(-|x|), so that no tail is a difference of two large numbers."""
    b = minus_absolute(x, GELU_END)
    return fma(b, exp_product(b * F32(-0.5), b) * tail(b), where_greater(x, F32(0.0), x, F32(0.0)))


@part
def silu(x):
    """x/(1 + exp(-x)) = max(x, 0) - |x|/(1 + exp|x|)."""
    b = minus_absolute(x, SILU_END)
    shifted = fma(b, LOG2_E, ROUNDER)
    e = exp_of(fma(shifted - ROUNDER, MINUS_LN2, b), shifted)
    return fma(b, e / (F32(1.0) + e), where_greater(x, F32(0.0), x, F32(0.0)))


@part
def activated(kind, slope, x):
    """φ(x) of the code `kind` in CODES; 0 is piecewise linear."""
    if kind == 0:
        return where_greater(x, F32(0.0), x, slope * x)
    if kind == TANH:
        return tanh(x)
    if kind == ERF:
        return erf(x)
    if kind == GELU:
        return gelu(x)
    return silu(x)


@part
def tanh_slope(x):
    """1/cosh²(x), without cancellation where tanh saturates."""
    b = minus_absolute(x, TANH_SLOPE_END)
    e = exp_product(singles_of(F32(2.0)), b)
    total = F32(1.0) + e
    return where_greater(b, -TANH_SLOPE_END, F32(4.0) * e / (total * total), F32(0.0))


@part
def erf_slope(x):
    """2/√π exp(-x²)."""
    b = minus_absolute(x, ERF_SLOPE_END)
    return where_greater(b, -ERF_SLOPE_END, TWO_OVER_SQRT_PI * exp_product(b * F32(-1.0), b), F32(0.0))


@part
def gelu_slope(x):
    """Φ(x) + x φ(x); on the positive side one less that of -x."""
    b = minus_absolute(x, GELU_END)
    below = exp_product(b * F32(-0.5), b) * fma(b, INV_SQRT_2PI, tail(b))
    return where_greater(x, F32(0.0), F32(1.0) - below, below)


@part
def silu_slope(x):
    """σ(x) (1 + x (1 - σ(x))); on the positive side one less that of -x."""
    b = minus_absolute(x, SILU_END)
    e = exp_product(singles_of(F32(1.0)), b)
    total = F32(1.0) + e
    below = e / total * (F32(1.0) + b / total)
    return where_greater(x, F32(0.0), F32(1.0) - below, below)


@part
def slope_of(kind, leak, x):
    """φ'(x) of the code `kind`; at 0 the slope of the negative side."""
    if kind == 0:
        return where_greater(x, F32(0.0), singles_of(F32(1.0)), leak)
    if kind == TANH:
        return tanh_slope(x)
    if kind == ERF:
        return erf_slope(x)
    if kind == GELU:
        return gelu_slope(x)
    return silu_slope(x)
