"""Worker processes, each in a pool of its own, so that the death of one costs what it was at and nothing else."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from threading import Thread
from typing import Any

SPAWN = get_context("spawn")  # a fork would copy numba's locks in any state


def _begin(lifeline: Connection) -> None:
    """Begin a worker: Ctrl-C is the parent's to answer, and the worker ends when the parent lets go of the line."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def end() -> None:
        wait([lifeline])
        os._exit(1)

    Thread(target=end, daemon=True).start()


class Workers(Executor):
    """An executor of worker processes in which a worker that died is replaced at the next call."""

    def __init__(self, count: int) -> None:
        self._reader, self._lifeline = SPAWN.Pipe(duplex=False)  # its other end closes with this process, killed or not
        self._pools = [self._pool() for _ in range(count)]
        self._latest: list[Future[Any] | None] = [None] * count

    def _pool(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(1, mp_context=SPAWN, initializer=_begin, initargs=(self._reader,))

    def submit(self, call: Callable[..., Any], /, *args: Any, **more: Any) -> Future[Any]:
        """Call in an idle worker, or in the first one after what it is at."""
        idle = [number for number, future in enumerate(self._latest) if future is None or future.done()]
        number = idle[0] if idle else 0
        try:
            future = self._pools[number].submit(call, *args, **more)
        except BrokenExecutor:
            self._pools[number] = self._pool()
            future = self._pools[number].submit(call, *args, **more)
        self._latest[number] = future
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = True) -> None:
        """End the workers at once, whatever they are at."""
        self._lifeline.close()
        for pool in self._pools:
            pool.shutdown(wait=wait, cancel_futures=cancel_futures)
        self._reader.close()
