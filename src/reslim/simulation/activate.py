"""The activations inside the kernels, for states kept as mantissas and a binary exponent."""

from __future__ import annotations

import math

import numpy as np

from reslim.activations import Activation
from reslim.simulation.jit import kernel

CODES = {"tanh": 1, "erf": 2, "gelu": 3, "silu": 4}  # 0: piecewise linear with a slope on the negative side
MOST_EXPONENT = 900  # beyond it every activation has reached its limit to the last bit
SQRT_HALF = math.sqrt(0.5)
INV_SQRT_2PI = 1.0 / math.sqrt(2.0 * math.pi)
TWO_OVER_SQRT_PI = 2.0 / math.sqrt(math.pi)


def code(phi: Activation) -> tuple[int, float]:
    """Return the kernels' code of an activation and its slope."""
    return (0, phi.negative_slope) if phi.negative_slope is not None else (CODES[phi.name], 0.0)


@kernel
def value(kind, slope, x):
    """φ(x)."""
    if kind == 0:
        return x if x > 0.0 else slope * x
    if kind == 1:
        return math.tanh(x)
    if kind == 2:
        return math.erf(x)
    if kind == 3:
        return 0.5 * x * math.erfc(-x * SQRT_HALF)
    return x / (1.0 + math.exp(-x))


@kernel
def derivative(kind, slope, x):
    """φ'(x)."""
    if kind == 0:
        return 1.0 if x > 0.0 else slope
    if kind == 1:
        decay = math.exp(-2.0 * abs(x))  # no cancellation where tanh saturates
        return 4.0 * decay / (1.0 + decay) ** 2
    if kind == 2:
        return TWO_OVER_SQRT_PI * math.exp(-x * x)
    if kind == 3:
        return 0.5 * math.erfc(-x * SQRT_HALF) + x * INV_SQRT_2PI * math.exp(-0.5 * x * x)
    logistic = 1.0 / (1.0 + math.exp(-x))
    return logistic * (1.0 + x * (1.0 - logistic))


@kernel
def scale_of(exponent):
    """Return 2**exponent, within the range in which activations still change."""
    return math.ldexp(1.0, max(-MOST_EXPONENT, min(MOST_EXPONENT, exponent)))


@kernel
def activate(kind, slope, exponents, h, signs, out):
    """Set out = 2⁻ᵉ φ(s 2ᵉ h) for h of shape (networks, inputs, n). O(size)."""
    networks, inputs, n = h.shape
    for r in range(networks):
        for a in range(inputs):
            if kind == 0:
                for i in range(n):
                    x = signs[r, i] * h[r, a, i]
                    out[r, a, i] = x if x > 0.0 else slope * x
            else:
                scale = scale_of(exponents[r, a])
                inverse = 1.0 / scale
                for i in range(n):
                    out[r, a, i] = inverse * value(kind, slope, scale * signs[r, i] * h[r, a, i])


@kernel
def multiply_by_derivative(kind, slope, exponents, h, signs, gain, t):
    """Set t = gain s φ'(s 2ᵉ h) t. O(size)."""
    networks, inputs, n = h.shape
    for r in range(networks):
        for a in range(inputs):
            scale = scale_of(exponents[r, a])
            for i in range(n):
                t[r, a, i] *= gain * signs[r, i] * derivative(kind, slope, scale * signs[r, i] * h[r, a, i])


@kernel
def active_shares(h, signs, out):
    """Set out to the share of units with s h > 0. O(size)."""
    networks, inputs, n = h.shape
    for r in range(networks):
        for a in range(inputs):
            count = 0
            for i in range(n):
                if signs[r, i] * h[r, a, i] > 0.0:
                    count += 1
            out[r, a] = np.float64(count) / n
