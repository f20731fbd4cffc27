"""How the kernels are compiled: without the interpreter lock, cached on disk, division by zero as in IEEE 754.

No fast-math anywhere: the same bits on every machine.
"""

from __future__ import annotations

from numba import njit

kernel = njit(nogil=True, cache=True, error_model="numpy")
inlined = njit(inline="always", error_model="numpy")
part = njit(nogil=True, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)  # type: ignore[call-overload] # called by kernels only
