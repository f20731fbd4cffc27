"""How the kernels are compiled: without the interpreter lock, cached on disk, division by zero as in IEEE 754.

No fast-math anywhere: the same bits on every machine. A `kernel` is what Python calls; a `part` is called by kernels only.
Both borrow their arrays: no references are counted, so they can allocate nothing. In a small network the counting, which is
atomic, would take longer than the work. A kernel that needs room for itself is `allocating`.
"""

from __future__ import annotations

from typing import Any

import numba
from numba import njit

LINKED = ("0.68",)  # versions of Numba in which parts can be linked; with any other the same kernels compile longer
OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
BORROWING: dict[str, Any] = {"_nrt": False, **OPTIONS}


def options_of_parts(version: str) -> dict[str, Any]:
    """Return how parts are compiled by that version of Numba."""
    options: dict[str, Any] = BORROWING | {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    if version.rpartition(".")[0] not in LINKED:
        return options
    from reslim.simulation.linked import LinkedCompiler

    return options | {"pipeline_class": LinkedCompiler}


kernel = njit(cache=True, **BORROWING)
allocating = njit(cache=True, **OPTIONS)
inlined = njit(inline="always", error_model="numpy")
part = njit(**options_of_parts(numba.__version__))
