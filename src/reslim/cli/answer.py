"""What a command answers: JSON or tables, and the exit status. Nothing is printed before all of it is known."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

FILE_COLUMNS = 140  # width of tables where stdout is no terminal


@dataclass(frozen=True)
class Answer:
    """The output of a command: a dict is printed as JSON, a list of Rich renderables one below the other."""

    output: dict[str, Any] | Sequence[Any]
    status: int = 0

    def text(self) -> str:
        """Return what is printed on stdout."""
        if isinstance(self.output, dict):
            return json.dumps(self.output, allow_nan=False) + "\n"
        return _render(self.output) if self.output else ""


def _render(renderables: Sequence[Any]) -> str:
    from rich.console import Console

    console = Console(width=None if sys.stdout.isatty() else FILE_COLUMNS, highlight=False, soft_wrap=False)
    with console.capture() as capture:
        for renderable in renderables:
            console.print(renderable, markup=False)
    return "\n".join(line.rstrip() for line in capture.get().splitlines()) + "\n"
