"""Checks at the door: each returns the value in its canonical Python type or raises one clear error."""

from __future__ import annotations

import math
from collections.abc import Collection
from difflib import get_close_matches
from numbers import Integral, Real

import numpy as np

from reslim.errors import BadKind, BadValue

SMALLEST, LARGEST = 1e-50, 1e50  # of a nonzero factor: one layer then never leaves the range of a float64
LARGEST_SIZE = 2**31 - 1  # of a depth or a dimension


def positive_int(call: str, name: str, value: object, hint: str = "") -> int:
    """Return `value` as an int ≥ 1."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise BadKind(call, name, "must be a positive integer", value, hint)
    if int(value) < 1:
        raise BadValue(call, name, "must be a positive integer", int(value), hint)
    return int(value)


def size(call: str, name: str, value: object) -> int:
    """Return `value` as an int from 1 to 2**31 - 1."""
    number = positive_int(call, name, value)
    if number > LARGEST_SIZE:
        raise BadValue(call, name, f"must be at most {LARGEST_SIZE}", number)
    return number


def real(call: str, name: str, value: object, hint: str = "") -> float:
    """Return `value` as a finite float."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise BadKind(call, name, "must be a number", value, hint)
    try:
        number = float(value)
    except OverflowError:  # an integer beyond the range of a float64
        raise BadValue(call, name, "must be finite", value, hint) from None
    if not math.isfinite(number):
        raise BadValue(call, name, "must be finite", number, hint)
    return number


def factor(call: str, name: str, value: object, hint: str = "") -> float:
    """Return `value` as a float that is 0 or of a magnitude between 1e-50 and 1e50."""
    number = real(call, name, value, hint)
    if number != 0.0 and not SMALLEST <= abs(number) <= LARGEST:
        raise BadValue(call, name, f"must be 0 or of magnitude {SMALLEST:g} to {LARGEST:g}", number, hint)
    return number


def positive(call: str, name: str, value: object, hint: str = "") -> float:
    """Return `value` as a positive float between 1e-50 and 1e50."""
    number = real(call, name, value, hint)
    if not SMALLEST <= number <= LARGEST:
        raise BadValue(call, name, f"must be between {SMALLEST:g} and {LARGEST:g}", number, hint)
    return number


def one_of(call: str, name: str, value: object, allowed: Collection[str]) -> str:
    """Return `value` if it is one of the allowed words; otherwise name them, the nearest first."""
    if not isinstance(value, str):
        raise BadKind(call, name, f"must be one of {', '.join(allowed)}", value)
    if value not in allowed:
        near = get_close_matches(value, list(allowed), n=1)
        raise BadValue(call, name, f"must be one of {', '.join(allowed)}", value, f"Did you mean {near[0]!r}?" if near else "")
    return value


def boolean(call: str, name: str, value: object) -> bool:
    """Return `value`, True or False, as a bool."""
    if not isinstance(value, bool | np.bool):
        raise BadKind(call, name, "must be True or False", value)
    return bool(value)


def seed64(call: str, value: object) -> int:
    """Return a seed of 64 bits; larger ones are refused rather than hashed."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise BadKind(call, "seed", "must be an integer", value)
    if not 0 <= int(value) < 2**64:
        raise BadValue(call, "seed", "must be an integer from 0 to 2**64 - 1", int(value))
    return int(value)
