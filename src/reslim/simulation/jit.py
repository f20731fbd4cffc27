"""How the kernels are compiled: without the interpreter lock, cached on disk, division by zero as in IEEE 754.

No fast-math anywhere: the same bits on every machine.

A `kernel` is what Python calls. A `part` is called by kernels only: its code is linked into theirs, where LLVM optimises
all of it once. By itself Numba would optimise every part, and make machine code of it, at each level of calls anew, which
takes about twice as long.
"""

from __future__ import annotations

from typing import Any

from numba import njit
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import FunctionPass, register_pass
from numba.core.typed_passes import NopythonTypeInference


class _Linked(JITCodeLibrary):
    """Code that waits to be linked into that of its callers: not optimised by itself, and without machine code."""

    def _optimize_final_module(self) -> None:
        pass

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._finalized = True

    def get_pointer_to_function(self, name: str) -> int:
        """Return 0: there is none."""
        self._ensure_finalized()
        return 0

    @property
    def codegen(self) -> Any:
        """What Numba would tell of a function's environment: nothing, as there is no function in memory."""
        return _Nowhere


class _Nowhere:
    @staticmethod
    def set_env(env_name: str, env: Any) -> None:
        """Do nothing."""


@register_pass(mutates_CFG=False, analysis_only=True)
class _Link(FunctionPass):
    _name = "link"

    def __init__(self) -> None:
        super().__init__()

    def run_pass(self, state: Any) -> bool:
        """Choose where the code of a function goes."""
        state.library = _Linked(state.targetctx.codegen(), state.func_id.func_qualname)
        return False


class _PartCompiler(CompilerBase):
    """Numba's compiler, up to code that can be linked."""

    def define_pipelines(self) -> list[Any]:
        """Return the passes."""
        passes = DefaultPassBuilder.define_nopython_pipeline(self.state)
        passes.add_pass_after(_Link, NopythonTypeInference)
        passes.finalize()
        return [passes]


kernel = njit(nogil=True, cache=True, error_model="numpy")
inlined = njit(inline="always", error_model="numpy")
part = njit(  # type: ignore[call-overload]
    nogil=True, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True, pipeline_class=_PartCompiler
)
