from __future__ import annotations

import io
import sys

import pytest
from numba import njit

from reslim.simulation.notice import LINE, compiling


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("stream", "shown", "said"), [(Terminal, True, LINE), (Terminal, False, ""), (io.StringIO, True, "")])
def test_it_is_said_once_and_on_a_terminal(monkeypatch, stream, shown, said):
    monkeypatch.setattr(sys, "stderr", stream())
    one, other = njit(lambda x: x + 1), njit(lambda x: x + 2)
    with compiling(shown):
        assert (one(1), other(1)) == (2, 3)
    assert sys.stderr.getvalue() == said  # type: ignore[union-attr]


def test_kernels_that_are_there_say_nothing(monkeypatch):
    kernel = njit(lambda x: x + 3)
    kernel(1)
    monkeypatch.setattr(sys, "stderr", Terminal())
    with compiling():
        kernel(2)
    assert sys.stderr.getvalue() == ""  # type: ignore[union-attr]
