"""How the kernels are compiled: without the interpreter lock, cached on disk, division by zero as in IEEE 754.

No fast-math anywhere: the same bits on every machine.
"""

from __future__ import annotations

from typing import Any

from numba import njit, types
from numba.extending import intrinsic

kernel = njit(nogil=True, cache=True, error_model="numpy")
inlined = njit(inline="always", error_model="numpy")
part = njit(nogil=True, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)  # type: ignore[call-overload] # called by kernels only


@intrinsic
def apart(typing: Any) -> Any:
    """Keep the function that calls this out of its callers: one copy of its machine code, which saves compiling."""

    def code(context: Any, builder: Any, sig: Any, values: Any) -> Any:
        builder.function.attributes.add("noinline")
        return context.get_dummy_value()

    return types.void(), code
