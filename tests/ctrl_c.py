"""Ctrl-C in processes that tests start."""

from __future__ import annotations

import signal


def hear_ctrl_c() -> None:
    """Let a new process hear SIGINT: what a shell runs in the background ignores it, and so would its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
