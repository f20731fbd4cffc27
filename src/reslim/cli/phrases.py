"""Errors in the words of the command line: one line, the option's name first."""

from __future__ import annotations

import re

from reslim.errors import ArgumentError

SUBJECTS = {
    "net": "the network",
    "indices": "the digits of --inputs",
    "networks": "the networks",
    "path": "--out",
    "source": "--data",
}


class Refusal(Exception):
    """A bad command line; the message is the line that is printed."""

    status = 2


class Interruption(Refusal):
    """Ctrl-C where something may have been written; the message says what."""

    status = 130


def phrase(error: BaseException) -> str:
    """Return the line for an error that a user can cause, or "" for a bug."""
    if isinstance(error, Refusal):
        return str(error)
    if isinstance(error, ArgumentError):
        subject = SUBJECTS.get(error.argument, f"--{error.argument.replace('_', '-')}")
        return f"{subject} {statement(error)}"
    if isinstance(error, OSError):
        return said_by_system(error)
    if isinstance(error, MemoryError):
        return "not enough memory. Ask for a smaller network, fewer --replicas, --layers or --quantities, or simulate --summary."
    if isinstance(error, ModuleNotFoundError) and not (error.name or "").startswith("reslim"):
        return _missing_package(error)
    if isinstance(error, NotImplementedError):
        return str(error)
    return ""


def said_by_system(error: OSError) -> str:
    """Return ``FILE: No such file or directory.``."""
    where = f"{error.filename}: " if error.filename is not None else ""
    return f"{where}{error.strerror or error}."


def _missing_package(error: ModuleNotFoundError) -> str:
    if error.name == "matplotlib":
        return 'figures need matplotlib: pip install "reslim[demo]"'
    if error.name in ("pyarrow", "distributed"):
        return f'sweeps need {error.name}: pip install "reslim[sweep]"'
    return str(error)


def statement(error: ArgumentError) -> str:
    """Return the error's sentence with its Python notation turned into options: ``method="auto"`` to ``--method auto``."""
    own = error.statement
    if not error.hint:
        return own
    hint = error.hint.replace("draws=False", "simulate --summary")
    hint = re.sub(r"\b(\w+)=\"?([\w-]+)\"?", lambda found: f"--{found[1].replace('_', '-')} {found[2]}", hint)
    return own.removesuffix(error.hint) + hint


def one_line(text: str) -> str:
    """Return the text without line breaks or control characters."""
    joined = " ".join(text.split())
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in joined)
