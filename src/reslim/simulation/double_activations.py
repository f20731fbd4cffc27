"""The smooth activations in lanes, double precision: those of `lane_activations`, with more terms.

The relative error of tanh and erf is below 2e-15, and so is that of gelu and silu while |φ| > 1e-300; tanh and erf are odd,
never above 1, and 1 far out. The slopes are as good, those of gelu and silu absolutely. The fits:
docs/derivations/polynomials.py.
"""

from __future__ import annotations

import numpy as np

from reslim.simulation.jit import part
from reslim.simulation.lane_activations import ERF, GELU, TANH
from reslim.simulation.lanes import absolute, as_doubles, as_long_words, copysign, doubles_of, fma, shl, where_greater

# tanh(x)/x and erf(x)/x as P(x²)/Q(x²) up to where they have reached 1, constants from the highest power on
TANH_END, ERF_END = 19.1, 5.93
TANH_P = (
    2.4925319127985448e-23, 7.395328845447548e-19, 3.0586767008845975e-15, 4.166829876235114e-12, 2.4391397121498967e-09,
    6.828465183253606e-07, 9.358963956620143e-05, 0.005974361404518266, 0.1518030103388695, 0.9999999999999999,
)  # fmt: skip
TANH_Q = (
    6.204659622565029e-21, 5.620201046456216e-17, 1.268777911895076e-13, 1.1103095248096185e-10, 4.461391811666417e-08,
    8.751806990862678e-06, 0.0008280453277207025, 0.034353142628587456, 0.48513634367220193, 1.0,
)  # fmt: skip
ERF_P = (
    1.5715901037213224e-17, 2.2270829833515284e-14, 3.3364251892151632e-12, 1.7195664298677793e-10, 6.75912977897585e-09,
    1.6945620234468748e-07, 3.9000267886724875e-06, 5.6936665949635055e-05, 0.0008556025197358487, 0.006888929580834911,
    0.06611949695418408, 0.22016089922216098, 1.1283791670955126,
)  # fmt: skip
ERF_Q = (
    8.852216743519022e-16, 3.3193164265136987e-13, 2.549185331628178e-11, 1.1244352153809878e-09, 3.515093239806136e-08,
    8.349211567849833e-07, 1.5496922153121647e-05, 0.00022607369062798707, 0.0025645424736839783, 0.021985258748129566,
    0.1347454952168562, 0.5284458501559011, 1.0,
)  # fmt: skip

# Φ(b) exp(b²/2) as P(b)/Q(b) for b from -GELU_END to 0; below, exp(-b²/2) would leave the normal numbers
GELU_END, SILU_END = 37.6, 708.0
TAIL_P = (
    -1.3697971794348888e-06, 3.6896563039141224e-05, -0.00048647613197302074, 0.004062036415380729, -0.02349390182419131,
    0.09727837575285812, -0.2883940868842714, 0.5927314185614279, -0.7739657664929448, 0.5,
)  # fmt: skip
TAIL_Q = (
    3.43357234049306e-06, -9.24859681482247e-05, 0.001222848399896679, -0.010274501287387997, 0.06010302673204077,
    -0.253837758166559, 0.7793830128715084, -1.7101547695267205, 2.5571532808400836, -2.345816093788746, 1.0,
)  # fmt: skip

# exp(r) = 1 + r P(r) for |r| ≤ ln(2)/2
EXP = (
    2.4991422509248653e-08, 2.7631045225937257e-07, 2.755762679302421e-06, 2.4801490607186846e-05, 0.00019841269436611332,
    0.0013888888946378814, 0.008333333333549823, 0.04166666666651774, 0.16666666666666216, 0.5000000000000012, 1.0,
)  # fmt: skip
LOG2_E = 1.4426950408889634
MINUS_LN2_HIGH, MINUS_LN2_LOW = -6.93147180369123816490e-01, -1.90821492927058770002e-10  # few bits, so that times k is exact
ROUNDER = 1.5 * 2.0**52  # adding it rounds to a whole number k and leaves k in the lowest bits
SIGN = np.uint64(1 << 63)
INV_SQRT_2PI, TWO_OVER_SQRT_PI = 0.3989422804014327, 1.1283791670955126
TANH_SLOPE_END, ERF_SLOPE_END = 354.0, 26.6  # exp(-708) is a normal number


@part
def polynomial(constants, x):
    """Return the polynomial with these constants, the highest power first."""
    value = doubles_of(constants[0])
    for k in range(1, len(constants)):
        value = fma(value, x, constants[k])
    return value


@part
def minus_absolute(x, end):
    """-min(|x|, end)."""
    b = as_doubles(as_long_words(x) | SIGN)
    return where_greater(b, -end, b, -end)


@part
def exp_product(a, b):
    """Return exp(a b) for a b from -708 to 0; the product is never rounded."""
    shifted = fma(a * b, LOG2_E, ROUNDER)
    k = shifted - ROUNDER
    r = fma(k, MINUS_LN2_LOW, fma(a, b, k * MINUS_LN2_HIGH))
    return as_doubles(as_long_words(fma(polynomial(EXP, r), r, 1.0)) + shl(as_long_words(shifted), 52))


@part
def odd(x, end, p, q):
    """Return x P(x²)/Q(x²), which is ±1 from ± end on."""
    a = absolute(x)
    a = where_greater(a, end, end, a)
    y = a * a
    value = where_greater(end, a, a * (polynomial(p, y) / polynomial(q, y)), 1.0)
    return copysign(where_greater(value, 1.0, 1.0, value), x)


@part
def tail(b):
    """Return Φ(b) exp(b²/2) for b from -GELU_END to 0."""
    return polynomial(TAIL_P, b) / polynomial(TAIL_Q, b)


@part
def gelu(x):
    """X Φ(x) = max(x, 0) - |x| Φ(-|x|), so that no tail is a difference of two large numbers."""
    b = minus_absolute(x, GELU_END)
    return fma(b, exp_product(b * -0.5, b) * tail(b), where_greater(x, 0.0, x, 0.0))


@part
def silu(x):
    """x/(1 + exp(-x)) = max(x, 0) - |x|/(1 + exp|x|)."""
    b = minus_absolute(x, SILU_END)
    e = exp_product(doubles_of(1.0), b)
    return fma(b, e / (1.0 + e), where_greater(x, 0.0, x, 0.0))


@part
def activated(kind, x):
    """φ(x) of the code `kind` in CODES, but for the piecewise linear ones."""
    if kind == TANH:
        return odd(x, TANH_END, TANH_P, TANH_Q)
    if kind == ERF:
        return odd(x, ERF_END, ERF_P, ERF_Q)
    if kind == GELU:
        return gelu(x)
    return silu(x)


@part
def tanh_slope(x):
    """1/cosh²(x), without cancellation where tanh saturates."""
    b = minus_absolute(x, TANH_SLOPE_END)
    e = exp_product(doubles_of(2.0), b)
    total = 1.0 + e
    return where_greater(b, -TANH_SLOPE_END, 4.0 * e / (total * total), 0.0)


@part
def erf_slope(x):
    """2/√π exp(-x²)."""
    b = minus_absolute(x, ERF_SLOPE_END)
    return where_greater(b, -ERF_SLOPE_END, TWO_OVER_SQRT_PI * exp_product(b * -1.0, b), 0.0)


@part
def gelu_slope(x):
    """Φ(x) + x φ(x); on the positive side one less that of -x."""
    b = minus_absolute(x, GELU_END)
    below = exp_product(b * -0.5, b) * fma(b, INV_SQRT_2PI, tail(b))
    return where_greater(x, 0.0, 1.0 - below, below)


@part
def silu_slope(x):
    """σ(x) (1 + x (1 - σ(x))); on the positive side one less that of -x."""
    b = minus_absolute(x, SILU_END)
    e = exp_product(doubles_of(1.0), b)
    total = 1.0 + e
    below = e / total * (1.0 + b / total)
    return where_greater(x, 0.0, 1.0 - below, below)


@part
def slope_of(kind, x):
    """φ'(x) of the code `kind`, but for the piecewise linear ones."""
    if kind == TANH:
        return tanh_slope(x)
    if kind == ERF:
        return erf_slope(x)
    if kind == GELU:
        return gelu_slope(x)
    return silu_slope(x)
