"""Command lines run in this process, with captured streams."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import Any

import pytest

from reslim.cli.main import main


@dataclass(frozen=True)
class Outcome:
    status: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.out, parse_constant=_refuse)

    @property
    def complaint(self) -> str:
        """The line on stderr of a refused command line."""
        assert self.status == 2
        assert self.out == ""
        assert self.err.startswith("reslim: ")
        assert len(self.err.splitlines()) == 1, self.err
        assert "Traceback" not in self.err
        assert "internal error" not in self.err
        return self.err.removeprefix("reslim: ").rstrip("\n")


def _refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")


def run_line(*argv: str) -> Outcome:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        status = main([str(word) for word in argv])
    return Outcome(status, out.getvalue(), err.getvalue())


@pytest.fixture(scope="session")
def run() -> Callable[..., Outcome]:
    return run_line


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
