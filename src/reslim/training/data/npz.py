"""Arrays of a user's own, in a NumPy .npz file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray

from reslim.errors import ArgumentError
from reslim.training.data.files import refusal
from reslim.training.data.raw import Part, Raw

FORM = "must be npz:FILE with a whole .npz file of numbers"
NAMES = (("x_train", "y_train", "x_test", "y_test"), ("x", "y"))


def read(text: str) -> Raw:
    """Return the arrays x_train, y_train, x_test and y_test, or else x and y."""
    path = Path(os.path.expanduser(text))
    if not path.is_file():
        raise refusal("must be npz:FILE with a file that exists", repr(text))
    arrays = _arrays(path)
    train, *test = [Part(images, labels) for images, labels in zip(arrays[::2], arrays[1::2], strict=True)]
    return Raw(path.stem, str(path), train, *test)


def _arrays(path: Path) -> list[NDArray[Any]]:
    try:
        with path.open("rb") as stream:  # np.load itself would leave a damaged file open
            archive = np.load(stream, allow_pickle=False)
            if not isinstance(archive, NpzFile):
                raise refusal(FORM, f"a single array in {path.name}")
            return [archive[name] for name in _names(archive)]
    except (MemoryError, ArgumentError):
        raise
    except Exception as error:  # a damaged file can raise nearly anything
        raise refusal(FORM, f"{path.name}: {error}") from None


def _names(archive: NpzFile) -> tuple[str, ...]:
    for names in NAMES:
        if set(names) <= set(archive.files):
            return names
    raise refusal("must hold the arrays x_train, y_train, x_test and y_test, or x and y", ", ".join(archive.files) or "none")
