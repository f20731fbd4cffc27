"""A line on a terminal's stderr when kernels are compiled, which happens once on a machine and takes some seconds."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

LINE = "reslim: compiling the kernels, once for this machine; a few seconds.\n"


@contextmanager
def compiling(shown: bool = True) -> Iterator[None]:
    """Write that line when numba compiles for the first time in here; loading kernels from its cache says nothing."""
    if not shown or not sys.stderr.isatty():
        yield
        return
    from numba.core import event

    class Notice(event.Listener):
        said = False

        def on_start(self, event: Any) -> None:
            if not self.said:  # compilation has a lock of its own, so no two threads are here
                self.said = True
                sys.stderr.write(LINE)
                sys.stderr.flush()

        def on_end(self, event: Any) -> None:
            pass

    with event.install_listener("numba:compile", Notice()):
        yield
