"""What --vary and --mark say: a field, and the values that it takes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np

from reslim.cli import parsing
from reslim.cli.phrases import Refusal
from reslim.experiments.sweep.axes import MOST

RANGE = "must be a:b:n, log:a:b:n or a list v,v,…"
SIZES = ("depth", "width", "n_in", "n_out")
REALS = ("skip", "branch", "variance", "beta", "hurst")
READERS: dict[str, Callable[[str], Any]] = {
    **dict.fromkeys(SIZES, parsing.integer),
    **dict.fromkeys(REALS, parsing.number),
    "branch": parsing.branch,
    "coupling": parsing.coupling,
    "balanced": lambda text: {"true": True, "false": False}.get(text, text),
}


def read(texts: Sequence[str], settings: Collection[str]) -> dict[str, list[Any]]:
    """Return the values of each field, or setting, which is a number; what they may be is checked by the library.

    >>> read(["beta=0:1:3", "width=log:10:1000:3", "activation=relu,tanh"], settings=())
    {'beta': [0.0, 0.5, 1.0], 'width': [10, 100, 1000], 'activation': ['relu', 'tanh']}
    """
    found: dict[str, list[Any]] = {}
    for text in texts:
        name, equals, values = text.partition("=")
        field = name.strip().replace("-", "_")
        if not equals:
            raise Refusal(f"--vary must be FIELD=VALUES, as beta=0:1:11, got {text!r}.")
        if field in found:
            raise Refusal(f"--vary {name} is given twice: give all its values at once.")
        found[field] = _values(field, values.strip(), settings)
    return found


def _values(field: str, text: str, settings: Collection[str]) -> list[Any]:
    if not text:
        raise Refusal(f"--vary {field} {RANGE}, got nothing.")
    if ":" in text and field in (*SIZES, *REALS, *settings):
        return _range(field, text)
    reader = parsing.number if field in settings else READERS.get(field, str)
    return [reader(word) for word in parsing.words(text)]


def _range(field: str, text: str) -> list[Any]:
    """Return the values of ``a:b:n`` or ``log:a:b:n``; sizes are rounded, and each kept once."""
    kind, _, rest = text.partition(":")
    words = (rest if kind == "log" else text).split(":")
    numbers = [parsing.number(word) for word in words[:2]]
    count = parsing.integer(words[-1])
    if len(words) != 3 or not isinstance(count, int) or not all(isinstance(n, float) and np.isfinite(n) for n in numbers):
        raise Refusal(f"--vary {field} {RANGE}, got {text!r}.")
    first, last = map(float, numbers)
    _check_range(field, text, first, last, count, kind == "log")
    values = (np.geomspace if kind == "log" else np.linspace)(first, last, count).tolist()
    return list(dict.fromkeys(round(value) for value in values)) if field in SIZES else values


def _check_range(field: str, text: str, first: float, last: float, count: int, log: bool) -> None:
    if not 1 <= count <= MOST:
        raise Refusal(f"--vary {field} must have 1 to {MOST:,} values, got {text!r}.")
    if last < first:
        raise Refusal(f"--vary {field} must run from the smaller to the larger end, got {text!r}.")
    if (count == 1) != (first == last):
        raise Refusal(f"--vary {field} must have both ends among its values: n = 1 where they are the same, got {text!r}.")
    if log and first <= 0.0:
        raise Refusal(f"--vary {field} must have positive ends for log:, got {text!r}.")


def mark(text: str | None) -> dict[str, float]:
    """Return the coordinates of a point.

    >>> mark("beta=0.5,hurst=0.7")
    {'beta': 0.5, 'hurst': 0.7}
    """
    found: dict[str, float] = {}
    for word in [] if text is None else parsing.words(text):
        name, _, value = word.partition("=")
        number = parsing.number(value)
        if not isinstance(number, float) or not np.isfinite(number):
            raise Refusal(f"--mark must be FIELD=NUMBER,…, as beta=0.5,hurst=0.7, got {text!r}.")
        found[name.strip().replace("-", "_")] = number
    return found
