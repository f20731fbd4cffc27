"""Pickles of plain data, read without running anything of them.

A pickle is a program that may call what it can import. Here it imports nothing: the five names by which NumPy's arrays
are pickled give stand-ins that only note what they were called with, every other name is refused, and the arrays are
made afterwards, from the notes. Not even NumPy's own constructors see an argument that a file has chosen.
"""

from __future__ import annotations

import io
import pickle
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reslim.errors import ArgumentError
from reslim.training.data.files import refusal

ADMITTED = {
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("_codecs", "encode"),
}
BYTE_TYPES = ("u1", "|u1", b"u1", b"|u1")


class Note:
    """What a pickle would have made: the name that it called, the arguments, and the state that it set."""

    def __init__(self, name: str, args: tuple[Any, ...]) -> None:
        self.name, self.args, self.state = name, args, None

    def __setstate__(self, state: Any) -> None:
        self.state = state


class StandIn:
    """One of the admitted names; calling it makes a note. One is made for each use, so a pickle cannot leave a trace."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, *args: Any) -> Any:
        """Note the call; only text is made at once, since what is noted next may hold it."""
        return _latin1(*args) if self.name == "encode" else Note(self.name, args)

    def __setstate__(self, state: Any) -> None:
        raise pickle.UnpicklingError(f"it sets the state of {self.name}")


def _latin1(text: Any, encoding: Any) -> bytes:
    if not isinstance(text, str) or encoding not in ("latin1", b"latin1"):
        raise pickle.UnpicklingError("text that is not Latin-1")
    return text.encode("latin1")


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> StandIn:
        if (module, name) not in ADMITTED:
            raise refusal("must hold pickles of plain arrays, lists and numbers", f"{module}.{name}", "Nothing of them was run.")
        return StandIn(name)


def plain(raw: bytes, file: str) -> Any:
    """Return what a pickle holds, with bytes for the strings of Python 2 and notes for arrays; no code of it runs."""
    stream = io.BytesIO(raw)
    try:
        found = _Unpickler(stream, encoding="bytes").load()
    except (MemoryError, ArgumentError):
        raise
    except Exception as error:  # a damaged pickle can raise nearly anything
        raise refusal("must hold whole pickles", f"{file}: {error}", "Copy the file again.") from None
    if stream.read(1):
        raise refusal("must hold whole pickles", f"{file}: bytes after its end", "Copy the file again.")
    return found


def byte_array(value: Any, file: str) -> NDArray[np.uint8]:
    """Return the array of unsigned bytes that a note is about; arrays of anything else, objects above all, are refused."""
    constraint = "must hold arrays of unsigned bytes"
    match value:
        case Note(name="_reconstruct", state=(_, tuple(shape), Note(name="dtype", args=(kind, *_)), fortran, raw)):
            if kind not in BYTE_TYPES or not isinstance(raw, bytes):
                raise refusal(constraint, f"an array of dtype {kind!r} in {file}")
            try:
                return np.frombuffer(raw, dtype=np.uint8).reshape(shape, order="F" if fortran else "C")
            except (TypeError, ValueError, OverflowError):
                raise refusal(constraint, f"{len(raw)} bytes for the shape {shape} in {file}") from None
    raise refusal(constraint, f"{type(value).__name__} in {file}")
