"""Small sweeps for these tests, and what their folders hold."""

from __future__ import annotations

from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import reslim
from reslim.experiments.sweep import simulation

NET = reslim.ResNet.marion(depth=12, width=6, entries="gaussian")
VARY = {"beta": [0.25, 0.5, 1.0, 2.0], "depth": [4, 7, 12]}
QUANTITIES = ["log_grad_displacement", "log_displacement"]


class Here(Executor):
    """Calls at once, in this thread; counts the calls."""

    def __init__(self) -> None:
        self.calls = 0

    def submit(self, call: Any, /, *args: Any, **more: Any) -> Future[Any]:
        self.calls += 1
        future: Future[Any] = Future()
        try:
            future.set_result(call(*args, **more))
        except Exception as error:
            future.set_exception(error)
        return future


def sweep(out: Path | None = None, **changes: Any):
    """Sweep the small grid, in this process unless another executor is given."""
    given = {"vary": VARY, "replicas": 20, "seed": 2**64 - 1, "quantities": QUANTITIES, "executor": Here(), "out": out}
    return reslim.sweep(changes.pop("net", NET), **(given | changes))


def one_cell_a_chunk(monkeypatch: Any) -> None:
    monkeypatch.setattr(simulation, "CHUNK_COST", 0.0)


def chunks(out: Path) -> dict[str, int]:
    """Return the times at which the chunks of a folder were written."""
    return {path.name: path.stat().st_mtime_ns for path in (out / "chunks").glob("[!.]*")}


def tables(out: Path) -> tuple[bytes, bytes]:
    return (out / "table.parquet").read_bytes(), (out / "sweep.nc").read_bytes()
