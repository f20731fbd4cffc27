from __future__ import annotations

import io
from contextlib import redirect_stderr

import pytest

from reslim import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    """Stands for the module's `time`; its hands are moved by the tests. Rich keeps its own clock."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


def shown_on(stream: io.StringIO, monkeypatch, steps, total: int = 4000, **options) -> str:
    """Return what a bar writes to `stream` as stderr when `steps`, pairs (seconds, units), are done."""
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    monkeypatch.setenv("TERM", "xterm")
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    with redirect_stderr(stream), progress.progress_bar("simulating", total, **options) as bar:
        for seconds, units in steps:
            clock.now += seconds
            bar.advance(units)
    return stream.getvalue()


LONG = [(0.5, 1000), (1.5, 1000)]


def test_it_appears_after_a_second_with_count_and_rate(monkeypatch):
    shown = shown_on(Terminal(), monkeypatch, LONG)
    assert "simulating" in shown
    assert "2000/4000" in shown
    assert "1,000/s" in shown


def test_a_slow_rate_is_not_rounded_to_nothing(monkeypatch):
    assert "0.25/s" in shown_on(Terminal(), monkeypatch, [(4.0, 1), (4.0, 1)])


def test_it_is_erased_at_the_end_and_the_cursor_is_back(monkeypatch):
    shown = shown_on(Terminal(), monkeypatch, LONG)
    assert shown.endswith("\x1b[2K")
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l")


def test_it_goes_away_when_the_work_fails(monkeypatch):
    def steps():
        yield from LONG
        raise KeyboardInterrupt

    terminal = Terminal()
    with pytest.raises(KeyboardInterrupt):
        shown_on(terminal, monkeypatch, steps())
    assert "simulating" in terminal.getvalue()
    assert terminal.getvalue().endswith("\x1b[2K")


def test_it_is_silent_where_stderr_is_no_terminal(monkeypatch):
    assert shown_on(io.StringIO(), monkeypatch, LONG) == ""


def test_it_is_silent_where_it_is_not_wanted(monkeypatch):
    assert shown_on(Terminal(), monkeypatch, LONG, shown=False) == ""


def test_work_of_less_than_a_second_shows_nothing(monkeypatch):
    assert shown_on(Terminal(), monkeypatch, [(0.0999, 400)] * 10) == ""


def test_work_that_ends_at_once_shows_nothing(monkeypatch):
    assert shown_on(Terminal(), monkeypatch, [(100.0, 4000)]) == ""
