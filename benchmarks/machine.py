"""The machine: equal conditions for all, what it is, and how many multiply-adds a second it can do."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

POOLS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
SEQUENTIAL = {"MKL_THREADING_LAYER": "SEQUENTIAL", "MKL_INTERFACE_LAYER": "LP64", "JAX_PLATFORMS": "cpu"}
FORCED = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")  # would hold NumPy to an older processor's code
PACKAGES = ("reslim", "numpy", "numba", "llvmlite", "torch", "jax", "jaxlib", "mkl")

# Two numbers: ln by a polynomial of degree 8 and one more, sin and cos by degrees 4 and 5, and six products around them.
TRANSFORM = (9 + 4 + 5 + 6) / 2
NETWORK = 2  # the state and the next layer's norm
CHAIN, ROWS, ROUNDS = 16, 64, 20_000


def pin_threads() -> None:
    """Hold every library to one thread; to be called before any of them is imported."""
    os.environ.update(dict.fromkeys(POOLS, "1") | SEQUENTIAL)
    for name in FORCED:
        os.environ.pop(name, None)


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def one_core() -> Iterator[None]:
    """Stay on one core for a while: a library that sizes its pool by the cores it sees starts one thread."""
    if not hasattr(os, "sched_getaffinity"):
        yield
        return
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def processor() -> str:
    """Return the processor's name and its widest vectors."""
    table = Path("/proc/cpuinfo")
    if not table.exists():
        return platform.processor() or platform.machine()
    fields = dict(line.split(":", 1) for line in table.read_text().split("\n\n")[0].splitlines() if ":" in line)
    fields = {key.strip(): value.strip() for key, value in fields.items()}
    flags = fields.get("flags", "").split()
    widest = next((name for flag, name in (("avx512f", "AVX-512"), ("avx2", "AVX2")) if flag in flags), platform.machine())
    return f"{fields.get('model name', platform.machine())} ({widest})"


def versions() -> dict[str, str]:
    """Return the versions of what is compared."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "missing"
    return found


def load() -> float:
    """Return the load average of the last minute (-1 where the system does not say)."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else -1.0


def describe() -> dict[str, object]:
    """Return the machine as the results name it."""
    return {"processor": processor(), "cores": cores(), "system": platform.system(), "versions": versions()}


def peak_multiply_adds() -> float:
    """Return the float32 multiply-adds a second of one core: the best of ten runs of short chains in the first cache."""
    import numba
    import numpy as np

    from reslim.simulation.lanes import LANES, fma, load, store

    @numba.njit
    def chains(x, b, c, rounds):
        for _ in range(rounds):
            for row in range(x.shape[0]):
                v = load(x, row)
                for _ in range(CHAIN):
                    v = fma(v, b, c)
                store(x, row, v)

    x, b, c = np.ones((ROWS, LANES), np.float32), np.float32(0.999), np.float32(0.001)
    chains(x, b, c, 1)
    best = float("inf")
    for _ in range(10):
        started = time.perf_counter()
        chains(x, b, c, ROUNDS)
        best = min(best, time.perf_counter() - started)
    return CHAIN * x.size * ROUNDS / best


def floor(rate: float) -> float:
    """Return ns per coordinate and layer if the multiply-adds alone took time."""
    return 1e9 * (TRANSFORM + NETWORK) / rate
