"""Bare Gaussian fills: what the numbers alone cost in the libraries, without any network, in ns per number."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from importlib.metadata import files

import numpy as np

from benchmarks.harness import Call, Candidate, why
from benchmarks.machine import one_core

SIZES = (1_024, 8_192, 65_536, 1_048_576)
Maker = Callable[[int], Call]
MKL_STREAMS = {"mcg59": 4 << 20, "sfmt19937": 13 << 20, "philox4x32x10": 16 << 20}  # VSL_BRNG_*, mkl_vsl_defines.h
MKL_METHODS = {"BoxMuller": 0, "BoxMuller2": 1, "ICDF": 2}  # VSL_RNG_METHOD_GAUSSIAN_*
MKL = "MKL fill, float32"


def numpy_makers() -> dict[str, Maker]:
    """Return NumPy's ziggurat, in place."""
    rng = np.random.Generator(np.random.SFC64(0))  # the fastest of its bit generators

    def maker(dtype: type) -> Maker:
        def make(size: int) -> Call:
            out = np.empty(size, dtype)
            return lambda: rng.standard_normal(dtype=dtype, out=out)

        return make

    return {"NumPy fill, float32": maker(np.float32), "NumPy fill, float64": maker(np.float64)}


def torch_makers() -> dict[str, Maker]:
    """Return PyTorch's normal_, in place."""
    import torch

    torch.set_num_threads(1)

    def maker(dtype: torch.dtype) -> Maker:
        return lambda size: torch.empty(size, dtype=dtype).normal_

    return {"PyTorch fill, float32": maker(torch.float32), "PyTorch fill, float64": maker(torch.float64)}


def jax_makers() -> dict[str, Maker]:
    """Return JAX's normal, compiled, for both kinds of keys."""
    with one_core():
        import jax

        jax.config.update("jax_platforms", "cpu")
        jax.devices()

    def maker(implementation: str) -> Maker:
        def make(size: int) -> Call:
            fill = jax.jit(lambda key: jax.random.normal(key, (size,)))
            key = jax.random.key(0, impl=implementation)
            return lambda: fill(key).block_until_ready()

        return make

    return {"JAX fill, float32": maker("threefry2x32"), "JAX fill, float32, rbg keys": maker("rbg")}


def mkl_library() -> ctypes.CDLL:
    """Load the runtime that the `mkl` wheel brought."""
    found = [path for path in files("mkl") or [] if "mkl_rt" in path.name]
    if not found:
        raise ImportError("the mkl wheel brings no runtime")
    return ctypes.CDLL(str(found[0].locate()))


def mkl_makers() -> dict[str, Maker]:
    """Return every pair of a stream and a method, each checked to give normal numbers."""
    library = mkl_library()

    def maker(stream_id: int, method: int) -> Maker:
        stream = ctypes.c_void_p()
        if library.vslNewStream(ctypes.byref(stream), stream_id, 1) != 0:
            raise OSError("vslNewStream failed")

        def make(size: int) -> Call:
            out = np.empty(size, np.float32)
            where, zero, one = out.ctypes.data_as(ctypes.c_void_p), ctypes.c_float(0.0), ctypes.c_float(1.0)

            def call() -> np.ndarray:
                if library.vsRngGaussian(method, stream, size, where, zero, one) != 0:
                    raise OSError("vsRngGaussian failed")
                return out

            return call

        numbers = make(65_536)()
        if not (abs(numbers.mean()) < 0.03 and abs(numbers.var() - 1.0) < 0.04 and abs(np.mean(numbers**4) - 3.0) < 0.3):
            raise OSError("vsRngGaussian does not give normal numbers")
        return make

    return {
        f"{MKL}, {stream} {method}": maker(stream_id, method_id)
        for stream, stream_id in MKL_STREAMS.items()
        for method, method_id in MKL_METHODS.items()
    }


LIBRARIES = {"NumPy": numpy_makers, "PyTorch": torch_makers, "JAX": jax_makers, "MKL": mkl_makers}


def load() -> tuple[dict[str, Maker], dict[str, str]]:
    """Return what could be loaded, and why the others are missing."""
    makers, missing = {}, {}
    for library, load_one in LIBRARIES.items():
        try:
            makers |= load_one()
        except Exception as error:  # a broken install raises what it likes
            missing[library] = why(error)
    return makers, missing


def candidates(makers: dict[str, Maker]) -> Iterator[Candidate]:
    """Yield every fill, with the buffers from which the best is taken."""
    for name, make in makers.items():
        yield Candidate(name, 1, make, units=float, sizes=SIZES, rival=True, unit="ns per number")
