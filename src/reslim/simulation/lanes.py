"""Vectors inside kernels: one network in each of the 16 lanes, so that no lane ever talks to another.

A block of networks first … first + 15 keeps its state as an array z of shape (n, LANES)::

              lane 0       lane 1      …   lane 15
    z[0]   z_0 of net 0  z_0 of net 1  …  z_0 of net 15      one load, one vector
    z[1]   z_1 of net 0  z_1 of net 1  …  z_1 of net 15
    …

`load` gives a row as a `Lanes` value. +, -, *, /, &, |, ^ and the functions below act lane by lane; a scalar operand is
repeated. They become LLVM vector instructions, which LLVM splits where the processor's vectors are shorter. Nothing is
contracted or reordered: the same bits on every processor.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.core.imputils import lower_builtin
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, models, register_model

LANES = 16
IR_TYPES = {
    types.float32: ir.FloatType(),
    types.float64: ir.DoubleType(),
    types.uint32: ir.IntType(32),
    types.uint64: ir.IntType(64),
}
SUFFIXES = {types.float32: "f32", types.float64: "f64", types.uint32: "i32", types.uint64: "i64"}


class Lanes(types.Type):
    """The Numba type of LANES numbers of one scalar type."""

    def __init__(self, element: types.Type) -> None:
        self.element = element
        super().__init__(name=f"Lanes({element})")


F32, F64, U32, U64 = (Lanes(element) for element in IR_TYPES)
OF = {lanes.element: lanes for lanes in (F32, F64, U32, U64)}


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Lanes) -> None:
        super().__init__(manager, kind, _vector(kind))


def _vector(lanes: Lanes) -> ir.VectorType:
    return ir.VectorType(IR_TYPES[lanes.element], LANES)


def _spread(context: Any, builder: Any, value: Any, kind: types.Type, lanes: Lanes) -> Any:
    """Repeat a scalar in all lanes; a vector stays as it is."""
    if isinstance(kind, Lanes):
        return value
    scalar = context.cast(builder, value, kind, lanes.element)
    empty = ir.Constant(_vector(lanes), ir.Undefined)
    one = builder.insert_element(empty, scalar, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(one, empty, ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES))


def _common(kinds: Sequence[types.Type]) -> Lanes | None:
    """Return the one vector type among these, or None where there is none, or two."""
    found = {kind for kind in kinds if isinstance(kind, Lanes)}
    return found.pop() if len(found) == 1 else None


def _define_operator(symbol: Callable[..., Any], integer: str, real: str) -> None:
    """Give a Python operator its meaning: the builder's method of that name, for integers and for real numbers."""

    @infer_global(symbol)  # type: ignore[misc]
    class _Operator(AbstractTemplate):
        def generic(self, args: Any, kws: Any) -> Any:
            lanes = _common(args)
            return None if lanes is None else signature(lanes, *args)

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        lanes = sig.return_type
        operands = (_spread(context, builder, value, kind, lanes) for value, kind in zip(args, sig.args, strict=True))
        return getattr(builder, real if lanes in (F32, F64) else integer)(*operands)

    for scalar in (types.Number, types.IntegerLiteral):
        lower_builtin(symbol, Lanes, scalar)(lower)
        lower_builtin(symbol, scalar, Lanes)(lower)
    lower_builtin(symbol, Lanes, Lanes)(lower)


for _symbol, _integer, _real in (
    (operator.add, "add", "fadd"),
    (operator.sub, "sub", "fsub"),
    (operator.mul, "mul", "fmul"),
    (operator.truediv, "", "fdiv"),
    (operator.and_, "and_", ""),
    (operator.or_, "or_", ""),
    (operator.xor, "xor", ""),
):
    _define_operator(_symbol, _integer, _real)


def _call(builder: Any, name: str, lanes: Lanes | None, *values: Any) -> Any:
    """Call LLVM's function `name` on vectors."""
    assert lanes is not None
    full = f"{name}.v{LANES}{SUFFIXES[lanes.element]}"
    function = builder.module.globals.get(full)
    if function is None:
        kind = _vector(lanes)
        function = ir.Function(builder.module, ir.FunctionType(kind, [kind] * len(values)), full)
    return builder.call(function, values)


def _elementwise(args: Sequence[types.Type], result: Lanes | None, emit: Callable[..., Any]) -> Any:
    """Return the (signature, code) of an intrinsic whose operands are spread to the vector type among `args`."""
    lanes = _common(args)
    if lanes is None:
        return None

    def code(context: Any, builder: Any, sig: Any, values: Any) -> Any:
        return emit(builder, *(_spread(context, builder, value, kind, lanes) for value, kind in zip(values, args, strict=True)))

    return (result or lanes)(*args), code


@intrinsic
def fma(typing: Any, a: Any, b: Any, c: Any) -> Any:
    """a b + c, rounded once."""
    return _elementwise((a, b, c), None, lambda builder, *values: _call(builder, "llvm.fma", _common((a, b, c)), *values))


@intrinsic
def sqrt(typing: Any, a: Any) -> Any:
    """√a."""
    return _elementwise((a,), None, lambda builder, x: _call(builder, "llvm.sqrt", a, x))


@intrinsic
def absolute(typing: Any, a: Any) -> Any:
    """|a|."""
    return _elementwise((a,), None, lambda builder, x: _call(builder, "llvm.fabs", a, x))


@intrinsic
def copysign(typing: Any, a: Any, b: Any) -> Any:
    """|a| with the sign of b."""
    return _elementwise((a, b), None, lambda builder, *values: _call(builder, "llvm.copysign", _common((a, b)), *values))


@intrinsic
def rotl(typing: Any, a: Any, k: Any) -> Any:
    """Words rotated to the left by k bits."""
    return _elementwise((a, k), None, lambda builder, x, by: _call(builder, "llvm.fshl", a, x, x, by))


@intrinsic
def shl(typing: Any, a: Any, k: Any) -> Any:
    """Words shifted to the left by k bits."""
    return _elementwise((a, k), None, lambda builder, x, by: builder.shl(x, by))


@intrinsic
def shr(typing: Any, a: Any, k: Any) -> Any:
    """Words shifted to the right by k bits, zeros from the left."""
    return _elementwise((a, k), None, lambda builder, x, by: builder.lshr(x, by))


@intrinsic
def floats(typing: Any, a: Any) -> Any:
    """Words read as signed integers, in single precision."""
    return _elementwise((a,), F32, lambda builder, x: builder.sitofp(x, _vector(F32)))


@intrinsic
def doubles(typing: Any, a: Any) -> Any:
    """Words, or numbers of either precision, in double precision."""
    return _elementwise((a,), F64, lambda builder, x: _widened(builder, x, a))


def _widened(builder: Any, value: Any, lanes: Lanes) -> Any:
    if lanes == F64:
        return value
    return builder.fpext(value, _vector(F64)) if lanes == F32 else builder.uitofp(value, _vector(F64))


@intrinsic
def singles(typing: Any, a: Any) -> Any:
    """Double precision to single, rounded to nearest."""
    return _elementwise((a,), F32, lambda builder, x: builder.fptrunc(x, _vector(F32)))


@intrinsic
def as_floats(typing: Any, a: Any) -> Any:
    """The bits of words, read as single precision."""
    return _elementwise((a,), F32, lambda builder, x: builder.bitcast(x, _vector(F32)))


@intrinsic
def as_words(typing: Any, a: Any) -> Any:
    """The bits of single precision, read as words."""
    return _elementwise((a,), U32, lambda builder, x: builder.bitcast(x, _vector(U32)))


@intrinsic
def as_doubles(typing: Any, a: Any) -> Any:
    """The bits of words of 64 bits, read as double precision."""
    return _elementwise((a,), F64, lambda builder, x: builder.bitcast(x, _vector(F64)))


@intrinsic
def as_long_words(typing: Any, a: Any) -> Any:
    """The bits of double precision, read as words of 64 bits."""
    return _elementwise((a,), U64, lambda builder, x: builder.bitcast(x, _vector(U64)))


@intrinsic
def where_greater(typing: Any, a: Any, b: Any, this: Any, that: Any) -> Any:
    """`this` where a > b, `that` elsewhere."""
    return _elementwise(
        (a, b, this, that), None, lambda builder, x, y, yes, no: builder.select(builder.fcmp_ordered(">", x, y), yes, no)
    )


def _place(context: Any, builder: Any, array: Any, kind: Any, row: Any, row_kind: Any) -> Any:
    """Return the address of a row of LANES numbers."""
    data = context.make_array(kind)(context, builder, array).data
    index = context.cast(builder, row, row_kind, types.intp)
    pointer = builder.gep(data, [builder.mul(index, ir.Constant(index.type, LANES))])
    return builder.bitcast(pointer, _vector(OF[kind.dtype]).as_pointer())


@intrinsic
def load(typing: Any, array: Any, row: Any) -> Any:
    """Row `row` of a C-contiguous array whose last dimension is LANES."""

    def code(context: Any, builder: Any, sig: Any, values: Any) -> Any:
        return builder.load(_place(context, builder, values[0], array, values[1], row), align=4)

    return OF[array.dtype](array, row), code


@intrinsic
def store(typing: Any, array: Any, row: Any, value: Any) -> Any:
    """Write a vector into row `row`, in double precision where the array is."""

    def code(context: Any, builder: Any, sig: Any, values: Any) -> Any:
        wide = _widened(builder, values[2], value) if array.dtype == types.float64 else values[2]
        builder.store(wide, _place(context, builder, values[0], array, values[1], row), align=4)
        return context.get_dummy_value()

    return types.void(array, row, value), code


def _repeated(lanes: Lanes) -> Any:
    @intrinsic
    def repeated(typing: Any, value: Any) -> Any:
        return lanes(value), lambda context, builder, sig, values: _spread(context, builder, values[0], value, lanes)

    return repeated


singles_of, doubles_of, words_of = _repeated(F32), _repeated(F64), _repeated(U32)  # a scalar in every lane
