"""Numba's compiler, for functions that are called by compiled code only: stopped where their code can be linked.

By itself Numba optimises every function, and makes machine code of it, at each level of calls anew. Code that waits to be
linked is optimised once, in its caller, which takes about half the time. Numba has no option for that, so this reaches
into it, and is used with the versions where that was tried.
"""

from __future__ import annotations

from typing import Any

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


class LinkedCompiler(CompilerBase):
    """Numba's compiler, up to code that can be linked."""

    def define_pipelines(self) -> list[Any]:
        """Return the passes."""
        passes = DefaultPassBuilder.define_nopython_pipeline(self.state)
        passes.add_pass_after(_Link, NopythonTypeInference)
        passes.finalize()
        return [passes]
