"""Tasks on threads, a few ahead at a time: the kernels release the interpreter lock."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

from reslim.progress import Progress

Result = TypeVar("Result")
Task = tuple[int, Callable[[], Result]]  # how many networks, and what draws them


def run(tasks: Iterable[Task[Result]], threads: int, bar: Progress, finished: Callable[[Result], None]) -> None:
    """Run the tasks, and hand each result to `finished`, on this thread and in the order in which they end."""
    running: dict[Future[Result], int] = {}
    with ThreadPoolExecutor(threads) as pool:
        try:
            for count, task in tasks:
                running[pool.submit(task)] = count
                if len(running) > threads:
                    _collect(running, bar, finished)
            while running:
                _collect(running, bar, finished)
        except BaseException:  # Ctrl-C too: what has not begun must not begin
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _collect(running: dict[Future[Result], int], bar: Progress, finished: Callable[[Result], None]) -> None:
    done, _ = wait(running, return_when=FIRST_COMPLETED)
    for future in done:
        finished(future.result())
        bar.advance(running.pop(future))
