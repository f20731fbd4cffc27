"""Running a sweep: what is missing is computed, written chunk by chunk, and put together."""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, Future, wait
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import xarray as xr

from reslim.errors import BadKind
from reslim.experiments.sweep import executors, plan, simulation, tables
from reslim.experiments.sweep.axes import read
from reslim.experiments.sweep.executors import Engine
from reslim.experiments.sweep.grid import Grid
from reslim.experiments.sweep.plan import Chunk, Plan
from reslim.experiments.sweep.simulation import CALL, Simulation
from reslim.experiments.sweep.store import Store
from reslim.experiments.sweep.task import TASKS, Found, Task, compute
from reslim.progress import progress_bar
from reslim.quantities import LayerRequest
from reslim.spec import ResNet

MOST_DEATHS = 3  # of workers at the same chunk


def sweep(
    net: ResNet,
    vary: Mapping[str, Sequence[Any]],
    replicas: int = 1_000,
    seed: int = 0,
    *,
    quantities: Iterable[str] | None = None,
    layers: LayerRequest = "last",
    out: str | os.PathLike[str] | None = None,
    jobs: int | None = None,
    executor: str | Executor = "processes",
    method: str = "auto",
    precision: str = "single",
    functional: str = "generic",
    progress: bool = True,
) -> xr.Dataset:
    """Simulate a grid of networks.

    Every cell holds, to the last bit, the summary that ``simulate(net, replicas, seed, draws=False)`` gives of its network;
    all cells draw with the same seed, so that the difference between neighbours is not that of luck. The work is cut into
    chunks of a second or so, each written once, by the hash of all that decides its numbers. A sweep that was interrupted,
    or killed at any moment, goes on when it is called again with the same arguments and folder, and repeats nothing that
    was finished. The bits depend neither on the executor nor on interruptions.

    Parameters
    ----------
    net : the network whose fields are varied.
    vary : the values of each varied field of the network, or of the shorthands ``beta`` (branch ``DepthPower(beta)``) and
        ``hurst`` (coupling ``Fractional(hurst)``).
    replicas : number of networks a cell.
    seed : integer of 64 bits, of every cell.
    quantities : names from `reslim.QUANTITIES`; the forward ones by default.
    layers : "last", a list, "auto" or "all"; where depth varies, "last" or a list.
    out : folder for the plan, the chunks, ``table.parquet`` and ``sweep.nc``; nothing is kept without one.
    jobs : number of worker processes; one a core by default.
    executor : "processes", "dask" (a cluster on this machine), "dask:ADDRESS" (a running scheduler), or a
        `concurrent.futures.Executor`, which is left open.
    method, precision, functional : as `simulate` has them.
    progress : whether to show a progress bar on a terminal's stderr.

    Returns
    -------
    xarray.Dataset
        Each quantity with the varied fields as its first dims, then statistic and its own; with ``layers="last"`` without
        the dim layer. ``died`` is the share of networks whose last state is all zero.

    Raises
    ------
    ValueError, TypeError
        For arguments out of range, with the cell where the fault is in one; for a folder that holds another sweep.
    NotImplementedError
        For a cell that no sampler covers, before anything is drawn.

    Examples
    --------
    >>> from concurrent.futures import ThreadPoolExecutor
    >>> net = ResNet.marion(depth=20, width=10, entries="gaussian")
    >>> with ThreadPoolExecutor(1) as here:
    ...     grid = sweep(net, {"beta": [0.25, 0.5, 1.0]}, 100, quantities=["log_displacement"], executor=here)
    >>> grid.log_displacement.dims
    ('beta', 'statistic', 'input')
    """
    if not isinstance(net, ResNet):
        raise BadKind(CALL, "net", "must be a ResNet", net)
    task = simulation.request(replicas, seed, quantities, layers, method, precision, functional)
    grid = Grid(CALL, net, read(CALL, vary, task.settings))
    return carry_out(grid, task, out=out, jobs=jobs, executor=executor, progress=progress)


def resume(
    folder: str | os.PathLike[str],
    task: str = Simulation.name,
    *,
    jobs: int | None = None,
    executor: str | Executor = "processes",
    progress: bool = True,
) -> xr.Dataset:
    """Go on with the sweep of a folder, which holds its plan, and return it as `sweep` does; refuse that of another task."""
    executors.check(TASKS[task].call, executor, jobs)
    found = Store(Path(folder), task).plan()
    return carry_out(found.grid, found.task, out=folder, jobs=jobs, executor=executor, progress=progress)


def carry_out(
    grid: Grid,
    task: Task,
    *,
    out: str | os.PathLike[str] | None,
    jobs: int | None,
    executor: str | Executor,
    progress: bool,
) -> xr.Dataset:
    """Do a task in every cell of a grid, with the arguments of `sweep`; go on where the folder holds a part of it."""
    jobs = executors.check(task.call, executor, jobs)
    made = plan.make(grid, task)
    with _folder(out) as folder:
        store = Store(folder, task.name)
        return _completed(store, store.begin(made), executor, jobs, progress)


@contextmanager
def _folder(out: str | os.PathLike[str] | None) -> Iterator[Path]:
    if out is not None:
        yield Path(out)
        return
    with TemporaryDirectory(prefix="reslim-sweep-") as folder:
        yield Path(folder)


def _completed(store: Store, made: Plan, executor: str | Executor, jobs: int, progress: bool) -> xr.Dataset:
    known = store.read(made)
    missing = [chunk for chunk in made.chunks if chunk.key not in known]
    if missing:
        count = sum(len(chunk.cells) for chunk in missing)
        with (
            executors.opened(executor, jobs, len(missing)) as engine,
            progress_bar(made.task.call, count, shown=progress) as bar,
            closing(_computed(missing, made, engine)) as computed,
        ):
            for chunk, found in computed:
                store.write(chunk, tables.of_chunk(chunk, made, found))
                known[chunk.key] = found
                bar.advance(len(chunk.cells))
    at = {cell: found for chunk in made.chunks for cell, found in zip(chunk.numbers, known[chunk.key], strict=True)}
    return store.finish(made, [at[cell] for cell in range(made.grid.size)])


def _computed(chunks: Sequence[Chunk], made: Plan, engine: Engine) -> Generator[tuple[Chunk, list[Found]]]:
    """Yield each chunk with what was found in it, as they end; a chunk whose worker died is tried again."""
    waiting, running, deaths = deque(chunks), dict[Future[list[Found]], Chunk](), Counter[str]()
    try:
        while waiting or running:
            while waiting and len(running) < engine.ahead:
                chunk = waiting.popleft()
                running[engine.executor.submit(compute, made.task, chunk.cells, made.fingerprint)] = chunk
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                chunk = running.pop(future)
                try:
                    found = future.result()
                except CancelledError as error:
                    raise ConnectionError("the executor has dropped a chunk: was its scheduler stopped?") from error
                except Exception as error:
                    if not _is_death(error):
                        raise
                    deaths[chunk.key] += 1
                    if deaths[chunk.key] == MOST_DEATHS:
                        raise _lost(made, chunk) from error
                    waiting.append(chunk)
                else:
                    yield chunk, found
    finally:
        for future in running:  # in a failure: what has not begun must not begin
            future.cancel()


def _is_death(error: Exception) -> bool:
    """Return whether a worker died; Dask has tried several by then, and its error is known by name where it is not installed."""
    return isinstance(error, BrokenExecutor) or type(error).__name__ == "KilledWorker"


def _lost(made: Plan, chunk: Chunk) -> ChildProcessError:
    name = made.grid.name(chunk.numbers[0])
    more = f" and {len(chunk.cells) - 1} more" if len(chunk.cells) > 1 else ""
    return ChildProcessError(
        f'{MOST_DEATHS} workers died at the cell {name}{more}: too little memory, or a script without if __name__ == "__main__"'
    )
