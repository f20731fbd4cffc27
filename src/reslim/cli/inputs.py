"""What --inputs names: the rows of a .npy file, or handwritten digits by index."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from reslim.cli import parsing
from reslim.cli.phrases import Refusal, said_by_system

if TYPE_CHECKING:
    import numpy as np


def read(text: str | None) -> np.ndarray | None:
    """Return the array that --inputs names; its shape and values are checked by the library."""
    if text is None:
        return None
    if text.startswith("digits:"):
        return _digits(text)
    if Path(text).suffix != ".npy":
        raise Refusal(f"--inputs must be a .npy file or digits:0,1,2, got {text!r}.")
    return _load(text)


def _digits(text: str) -> np.ndarray:
    from reslim import data

    indices = [parsing.integer(word) for word in parsing.words(text.removeprefix("digits:"))]
    if not all(isinstance(index, int) for index in indices):
        raise Refusal(f"--inputs must list digits by index, as digits:0,1,2, got {text!r}.")
    return data.digits(indices)  # type: ignore[arg-type]


def _load(path: str) -> np.ndarray:
    import numpy as np

    try:
        array = np.load(path, allow_pickle=False)
    except OSError as error:
        raise Refusal(f"--inputs {said_by_system(error)}") from None
    except MemoryError:
        raise
    except Exception as error:  # a damaged header can raise nearly anything
        raise Refusal(f"--inputs {path}: is not a NumPy array of numbers ({error}).") from None
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "biuf":
        raise Refusal(f"--inputs {path}: must hold one array of real numbers.")
    return array
