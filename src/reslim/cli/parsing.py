"""Text of the command line to values. What a value may be is checked by the library; here is only its notation.

Text that is no number stays text, so that the library's own check refuses it with its own words.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

from reslim.coupling import Coupling, Fractional, Independent, Matern, Smooth
from reslim.errors import BadValue
from reslim.spec import DepthPower

LONGEST = 30  # digits of an integer: beyond, it is not one of ours
BRANCH = "must be a number, one a layer (0.5,0.4,…) or a power of the depth (L^-0.5, 2*L^-0.5)"
COUPLING = "must be independent, smooth:LENGTH, smooth-increments:LENGTH, matern:LENGTH:NU or fractional:HURST"
POWER = re.compile(r"(?:(?P<prefactor>[^*]+)\*)?L\^(?P<exponent>[^*^]+)")


def integer(text: str) -> int | float | str:
    """Read ``100``, ``1_000`` or ``1e6`` as an int.

    >>> integer("1e6"), integer("1.5"), integer("x")
    (1000000, 1.5, 'x')
    """
    try:
        value = Decimal(text)
    except InvalidOperation:
        return text
    if not value.is_finite() or abs(value.adjusted()) > LONGEST:
        return text
    return int(value) if value == value.to_integral_value() else float(value)


def number(text: str) -> float | str:
    """Read a float, nan and inf among them.

    >>> number("0.5"), number("x")
    (0.5, 'x')
    """
    try:
        return float(text)
    except ValueError:
        return text


def words(text: str) -> list[str]:
    """Split ``a,b``.

    >>> words("a, b")
    ['a', 'b']
    """
    return [word.strip() for word in text.split(",")]


def numbers(option: str, constraint: str, text: str) -> float | list[float]:
    """Read one number, or several separated by commas."""
    values = [number(word) for word in words(text)]
    floats: list[float] = [value for value in values if not isinstance(value, str)]
    if len(floats) < len(values):
        raise BadValue("reslim", option, constraint, text)
    return floats if len(floats) > 1 else floats[0]


def skip(text: str) -> float | list[float]:
    """Read a factor or a schedule."""
    return numbers("skip", "must be a number or one a layer (0.5,0.4,…)", text)


def variance(text: str) -> float | list[float]:
    """Read one variance, or those of the two matrices."""
    return numbers("variance", "must be a number, or two for a two-matrix block (1,1)", text)


def branch(text: str) -> float | list[float] | DepthPower:
    """Read a factor, a schedule, or a power of the depth.

    >>> branch("2*L^-0.5")
    DepthPower(beta=0.5, prefactor=2.0)
    """
    power = POWER.fullmatch(text.replace(" ", ""))
    if power is None:
        return numbers("branch", BRANCH, text)
    prefactor, exponent = number(power["prefactor"] or "1"), number(power["exponent"])
    if isinstance(prefactor, str) or isinstance(exponent, str):
        raise BadValue("reslim", "branch", BRANCH, text)
    return DepthPower(beta=0.0 - exponent, prefactor=prefactor)  # 0 - x, because -0.0 would print as such


def beta(text: str) -> DepthPower:
    """Read the exponent of ``L^-beta``."""
    return DepthPower(number(text))  # type: ignore[arg-type]


def hurst(text: str) -> Fractional:
    """Read a Hurst index."""
    return Fractional(number(text))  # type: ignore[arg-type]


def coupling(text: str) -> Coupling:
    """Read the coupling of the weights across depth.

    >>> coupling("smooth-increments:0.2")
    Smooth(length=0.2, kind='increments')
    """
    name, *words = text.split(":")
    match name, [number(word) for word in words]:
        case "independent", []:
            return Independent()
        case "smooth", [float(length)]:
            return Smooth(length)
        case "smooth-increments", [float(length)]:
            return Smooth(length, "increments")
        case "matern", [float(length), float(nu)]:
            return Matern(length, nu)
        case "fractional", [float(hurst)]:
            return Fractional(hurst)
    raise BadValue("reslim", "coupling", COUPLING, text)


def layers(text: str) -> str | list[int]:
    """Read auto, all, last, or a list of layers.

    >>> layers("0,5,10")
    [0, 5, 10]
    """
    values = [integer(word) for word in words(text)]
    if len(values) == 1 and isinstance(values[0], str):
        return text
    if not all(isinstance(value, int) for value in values):
        raise BadValue("reslim", "layers", "must be auto, all, last or a list such as 0,5,10", text)
    return values  # type: ignore[return-value]
