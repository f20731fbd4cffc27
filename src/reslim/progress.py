"""The progress bar: work done, rate and time left, on a terminal's stderr, after a second."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

PATIENCE = 1.0  # seconds before anything is shown


class Progress(Protocol):
    """Something that counts finished units of work."""

    def advance(self, count: int) -> None:
        """Count units as done."""


class _Silent:
    def advance(self, count: int) -> None:
        pass


class _Late:
    """A Rich progress bar that appears only when the work has taken a second."""

    def __init__(self, label: str, total: int) -> None:
        self.label, self.total, self.done = label, total, 0
        self.started = time.monotonic()
        self.bar = None

    def advance(self, count: int) -> None:
        self.done += count
        if self.bar is None and self.done < self.total and time.monotonic() - self.started > PATIENCE:
            self._show()
        if self.bar is not None:
            rate = self.done / (time.monotonic() - self.started)
            self.bar.update(self.task, completed=self.done, rate=f"{rate:,.0f}/s" if rate >= 10 else f"{rate:.2g}/s")

    def _show(self) -> None:
        from rich import progress
        from rich.console import Console

        columns = (
            progress.TextColumn("{task.description}"),
            progress.BarColumn(),
            progress.MofNCompleteColumn(),
            progress.TextColumn("{task.fields[rate]}"),
            progress.TimeRemainingColumn(),
        )
        self.bar = progress.Progress(*columns, console=Console(stderr=True), transient=True)
        self.task = self.bar.add_task(self.label, total=self.total, rate="")
        self.bar.start()

    def close(self) -> None:
        if self.bar is not None:
            self.bar.stop()


@contextmanager
def progress_bar(label: str, total: int, shown: bool = True) -> Iterator[Progress]:
    """Yield a counter of `total` units that shows itself on a terminal; silent elsewhere."""
    if not shown or not sys.stderr.isatty():
        yield _Silent()
        return
    bar = _Late(label, total)
    try:
        yield bar
    finally:
        bar.close()
