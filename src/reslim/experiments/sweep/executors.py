"""Where chunks are computed: worker processes, Dask, or any executor of the caller's."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import NamedTuple

from reslim import checks
from reslim.errors import BadKind, BadValue

AHEAD = 1_000  # chunks that are handed to an executor whose workers cannot be counted
PATIENCE = "15s"  # for a scheduler that does not answer


class Engine(NamedTuple):
    """An executor, and how many chunks it is handed at a time."""

    executor: Executor
    ahead: int


def check(call: str, executor: object, jobs: object) -> int:
    """Return the number of jobs; refuse what is no executor."""
    if isinstance(executor, str):
        if executor not in ("processes", "dask") and not executor.startswith("dask:"):
            raise BadValue(call, "executor", "must be processes, dask or dask:ADDRESS", executor)
        if executor == "dask:":
            raise BadValue(call, "executor", "needs the address of a scheduler, as dask:tcp://host:8786", executor)
    elif not isinstance(executor, Executor):
        raise BadKind(call, "executor", 'must be "processes", "dask", "dask:ADDRESS" or a concurrent.futures.Executor', executor)
    return checks.positive_int(call, "jobs", os.cpu_count() or 1 if jobs is None else jobs)


@contextmanager
def opened(executor: str | Executor, jobs: int, chunks: int) -> Iterator[Engine]:
    """Yield an engine for so many chunks; an executor of the caller's is left open afterwards."""
    if not isinstance(executor, str):
        yield Engine(executor, AHEAD)
    elif executor == "processes":
        count = min(jobs, chunks)
        with _workers(count) as workers:
            yield Engine(workers, count)
    else:
        with _dask(executor.partition(":")[2], min(jobs, chunks)) as client:
            yield Engine(client, AHEAD)


def _workers(count: int) -> Executor:
    from reslim.experiments.sweep.workers import Workers

    return Workers(count)


@contextmanager
def _dask(address: str, jobs: int) -> Iterator[Executor]:
    """Yield the executor of a Dask client: of the scheduler at the address, or of a cluster of processes on this machine."""
    from distributed import Client, LocalCluster

    if address:
        with Client(address, timeout=PATIENCE) as client:
            yield client.get_executor()
    else:
        how = {"n_workers": jobs, "threads_per_worker": 1, "dashboard_address": None, "silence_logs": logging.CRITICAL}
        with LocalCluster(**how) as cluster, Client(cluster) as client:
            yield client.get_executor()
