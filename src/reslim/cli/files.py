"""Files that a command writes: their places are checked first, and each is written wholly or not at all."""

from __future__ import annotations

import os
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reslim.cli.phrases import Refusal
from reslim.errors import ArgumentError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FIGURES = (".png", ".pdf", ".svg")


def check_place(path: str | None, option: str) -> None:
    """Refuse a place where no file can be written."""
    if path is None:
        return
    from reslim.results import check_folder

    try:
        target = check_folder(path, option)
    except ArgumentError as error:
        raise Refusal(f"--{option} {error.statement}") from None
    if "\0" in path or not target.name:
        raise Refusal(f"--{option} must be the name of a file, got {path!r}.")
    if not os.access(target.parent, os.W_OK | os.X_OK):
        raise Refusal(f"--{option} must lie in a folder that you may write to, got {path!r}.")


def check_figure(path: str | None, out: str | None) -> None:
    """Refuse the place or the format of a figure, and a figure where Matplotlib is missing."""
    check_place(path, "plot")
    if path is None:
        return
    if find_spec("matplotlib") is None:
        raise ModuleNotFoundError(name="matplotlib")
    if out is not None and Path(path).resolve() == Path(out).resolve():
        raise Refusal(f"--plot and --out must be two files, got {path!r} for both.")
    if Path(path).suffix not in FIGURES:
        raise Refusal(f"--plot must end in {', '.join(FIGURES[:-1])} or {FIGURES[-1]}, got {path!r}.")


def check_folder_to_make(path: str) -> Path:
    """Return a folder's path; it may be new, but what it lies in may not."""
    target = Path(path)
    if "\0" in path or (target.exists() and not target.is_dir()):
        raise Refusal(f"--out must be a folder, got {path!r}.")
    if not target.absolute().parent.is_dir():
        raise Refusal(f"--out must lie in a folder that exists, got {path!r}.")
    return target


def save(result: Any, path: str | None) -> None:
    """Write a result as NetCDF where a path is given."""
    if path is not None:
        from reslim import results

        results.save(result, path)


def drawn(figure: Figure, path: str) -> bytes:
    """Return the figure in the format of the path."""
    stream = BytesIO()
    figure.savefig(stream, format=Path(path).suffix[1:], dpi=150)
    return stream.getvalue()


def save_bytes(content: bytes, path: str) -> None:
    """Write a file, wholly or not at all."""
    from reslim.results import write_atomically

    write_atomically(path, lambda temporary: Path(temporary).write_bytes(content))
