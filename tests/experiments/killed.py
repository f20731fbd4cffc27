"""Run as a program: sweeps in a process that is killed again and again, at random moments; prints what happened as JSON.

``killed.py FOLDER TIMES`` forks a child that sweeps, lets it live for a moment, and kills it with SIGKILL; then it lets one
finish. Forks, because a fresh interpreter would spend nearly all of its life on imports.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from itertools import pairwise
from pathlib import Path

import swept

from reslim.experiments.sweep import executors, simulation
from reslim.experiments.sweep.run import resume

VARY = {"beta": [0.1 * number for number in range(16)], "depth": [4, 7, 12]}


def sweep_in_a_child(out: Path, seconds: float | None) -> int:
    """Return the wait status of a child that sweeps, killed after so many seconds."""
    child = os.fork()
    if child == 0:
        if (out / "plan.json").exists():
            resume(out, executor=swept.Here())
        else:
            swept.sweep(out, vary=VARY)
        os._exit(0)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1]


def main(folder: Path, times: int) -> None:
    simulation.CHUNK_COST, executors.AHEAD = 0.0, 1
    swept.sweep(folder / "first")  # compiles, and imports
    started = time.perf_counter()
    sweep_in_a_child(folder / "whole", None)
    took = time.perf_counter() - started
    history, killed = [swept.chunks(folder / "killed")], 0
    for _ in range(times):
        status = sweep_in_a_child(folder / "killed", random.uniform(0.0, 0.2) * took)
        killed += os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        history.append(swept.chunks(folder / "killed"))
    sweep_in_a_child(folder / "killed", None)
    history.append(swept.chunks(folder / "killed"))
    print(
        json.dumps(
            {
                "killed": killed,
                "chunks": [len(chunks) for chunks in history],
                "kept": all(later.items() >= earlier.items() for earlier, later in pairwise(history)),
                "identical": swept.tables(folder / "killed") == swept.tables(folder / "whole"),
            }
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
