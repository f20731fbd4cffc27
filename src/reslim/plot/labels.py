"""Labels of axes, from the table of quantities."""

from __future__ import annotations

import math
import re
import textwrap

from reslim.quantities import QUANTITIES

_SUBSCRIPTED = re.compile(r"([A-Za-z])_([A-Za-z0-9]+)")
_OF_LAYER = re.compile(r"([zpt])_l\b")


def symbol(name: str, layer: int | None = None) -> str:
    """Return the symbol of a quantity for matplotlib, with the number of its layer.

    >>> symbol("log_growth", 5)
    'ln(|$z_{5}$|²/|$z_{0}$|²)'
    >>> symbol("active_energy", 5)
    '|φ(h)|²/|h|² in layer 5'
    """
    text = QUANTITIES[name].symbol
    if layer is not None:
        numbered = _OF_LAYER.sub(rf"\g<1>_{layer}", text)
        text = f"{text} in layer {layer}" if numbered == text else numbered
    return _SUBSCRIPTED.sub(_in_math, text)


def _in_math(found: re.Match[str]) -> str:
    letter, index = found.groups()
    upright = len(index) > 1 and index.isalpha()
    return rf"${letter}_{{\mathrm{{{index}}}}}$" if upright else f"${letter}_{{{index}}}$"


def described(name: str, layer: int | None = None, before: str = "", columns: int = 48) -> str:
    """Return symbol and definition of a quantity, on even lines of at most `columns` characters; `before` is mean, say."""
    first = f"{before} of {symbol(name, layer)}" if before else symbol(name, layer)
    definition = QUANTITIES[name].definition
    lines = math.ceil(len(definition) / columns)
    even = columns if lines == 1 else min(columns, len(definition) // lines + 8)
    return "\n".join([first, *textwrap.wrap(definition, even)])
