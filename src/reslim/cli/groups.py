"""Groups of options: a command takes one parameter a group, and Typer sees the options of all groups."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import MISSING, Field, fields
from typing import Any, get_type_hints


def with_groups(command: Callable[..., Any]) -> Callable[..., Any]:
    """Replace every parameter of `command`, each annotated with a dataclass, by the fields of that dataclass."""
    hints = get_type_hints(command)
    groups = {name: hints[name] for name in inspect.signature(command).parameters}

    def expanded(**values: Any) -> Any:
        made = {name: group(**{field.name: values[field.name] for field in fields(group)}) for name, group in groups.items()}
        return command(**made)

    parameters = [parameter for group in groups.values() for parameter in _parameters(group)]
    expanded.__name__, expanded.__doc__ = command.__name__, command.__doc__
    expanded.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    expanded.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return expanded


def _parameters(group: type) -> list[inspect.Parameter]:
    hints = get_type_hints(group, include_extras=True)
    kind = inspect.Parameter.KEYWORD_ONLY
    return [inspect.Parameter(f.name, kind, default=_default(f), annotation=hints[f.name]) for f in fields(group)]


def _default(field: Field[Any]) -> Any:
    return inspect.Parameter.empty if field.default is MISSING else field.default
