"""Options to a network: the preset or the file first, then the options that were given."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reslim import checks
from reslim import coupling as couplings
from reslim.cli import parsing
from reslim.cli.options import NetworkOptions
from reslim.cli.phrases import Refusal, said_by_system, statement
from reslim.coupling import Coupling
from reslim.errors import ArgumentError
from reslim.spec import SHORTHANDS, DepthPower, ResNet

if TYPE_CHECKING:
    from reslim.experiments.sweep.axes import Axis

PRESETS: dict[str, Callable[..., ResNet]] = {"li-nica-roy": ResNet.li_nica_roy, "marion": ResNet.marion}
READERS: dict[str, Callable[[str], Any]] = {
    "depth": parsing.integer,
    "width": parsing.integer,
    "skip": parsing.skip,
    "branch": parsing.branch,
    "beta": parsing.beta,
    "variance": parsing.variance,
    "activation": str,
    "balanced": bool,
    "block": str,
    "entries": str,
    "coupling": parsing.coupling,
    "hurst": parsing.hurst,
    "n_in": parsing.integer,
    "n_out": parsing.integer,
}
FULL = {short: field for short, (field, _) in SHORTHANDS.items()}
# the field that each describes
CALLS = {"DepthPower": "branch", "Smooth": "coupling", "Matern": "coupling", "Fractional": "coupling"}


def build(options: NetworkOptions, input_length: int | None = None, varied: Sequence[Axis] = ()) -> ResNet:
    """Return the network; `input_length` is its n_in where neither an option nor a file says it.

    Fields that a sweep varies have their first value.
    """
    words = given(options)
    _refuse_conflicts(options, words)
    try:
        base = {} if options.spec is None else _read(options.spec)
        if input_length is not None and "n_in" not in base:
            base["n_in"] = input_length
        changes = {FULL.get(name, name): READERS[name](value) for name, value in words.items()}
        changes |= {axis.target: axis.setting(0) for axis in varied if axis.check is None}
        _refuse_missing({**base, **changes}, options.spec)
        if options.spec is not None:
            return ResNet.from_dict({**base, **_as_json(changes)})
        preset = checks.one_of("reslim", "preset", options.preset or "li-nica-roy", PRESETS)
        return PRESETS[preset](**{**base, **changes})
    except ArgumentError as error:
        raise Refusal(f"{_subject(error, words, options.spec, varied)} {statement(error)}") from error


def given(options: NetworkOptions) -> dict[str, Any]:
    """Return the fields and shorthands that were given, as they were."""
    return {name: value for name in READERS if (value := getattr(options, name)) is not None}


def sizes_given(options: NetworkOptions) -> list[str]:
    """Return which of n_in and n_out an option or the file sets."""
    base = {} if options.spec is None else _read(options.spec)
    return [name for name in ("n_in", "n_out") if name in base or name in given(options)]


def coupling_of(coupling: str | None, hurst: str | None) -> Coupling:
    """Return the coupling that one of two options describes; independence without either."""
    if coupling is not None and hurst is not None:
        raise Refusal("--hurst is short for a --coupling: give one of the two.")
    try:
        return parsing.coupling(coupling or "independent") if hurst is None else parsing.hurst(hurst)
    except ArgumentError as error:
        raise Refusal(f"--{'coupling' if hurst is None else 'hurst'} {statement(error)}") from error


def _refuse_conflicts(options: NetworkOptions, given: Mapping[str, Any]) -> None:
    for short, field in FULL.items():
        if short in given and field in given:
            raise Refusal(f"--{short} is short for a --{field}: give one of the two.")
    if options.spec is not None and options.preset is not None:
        raise Refusal("--preset and --spec both say where to start from: give one of the two.")


def _refuse_missing(values: Mapping[str, Any], spec: str | None) -> None:
    missing = [f"--{name}" for name in ("depth", "width") if name not in values]
    if missing:
        where = "" if spec is None else f" (nor is it in {spec})"
        verb = "are" if len(missing) > 1 else "is"
        raise Refusal(f"{' and '.join(missing)} {verb} missing{where}. For example: --depth 100 --width 100.")


def _read(path: str) -> dict[str, Any]:
    """Return the fields in a JSON file."""
    try:
        values = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise Refusal(f"--spec {said_by_system(error)}") from None
    except UnicodeDecodeError:
        raise Refusal(f"--spec {path}: is not UTF-8 text.") from None
    except (ValueError, RecursionError) as error:
        raise Refusal(f"--spec {path}: is not JSON ({error}).") from None
    if not isinstance(values, dict):
        raise Refusal(f'--spec {path}: must be a JSON object such as {{"depth": 100, "width": 100}}.')
    return values


def _as_json(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields as they stand in a file."""
    written = dict(changes)
    for name, value in changes.items():
        if isinstance(value, DepthPower):
            written[name] = asdict(value)
        elif isinstance(value, Coupling):
            written[name] = couplings.to_dict(value)
    return written


def _subject(error: ArgumentError, given: Mapping[str, Any], spec: str | None, varied: Sequence[Axis]) -> str:
    """Return what set the argument: an option, or a field of the file."""
    field = CALLS.get(error.call, error.argument)
    for axis in varied:
        if axis.target == field:
            return f"--vary {axis.field}"
    shorthand = next((short for short, long in FULL.items() if long == field and short in given), field)
    if spec is not None and shorthand not in given:
        return f"--spec {spec}:" if field in ("field", "text") else f"--spec {spec}: {error.argument}"
    return f"--{shorthand.replace('_', '-')}"
