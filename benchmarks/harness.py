"""The clock: every candidate at its own best size, warmed up, in interleaved rounds; medians."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

Call = Callable[[], Any]
WARM = 0.2  # of a measurement's time is spent on each size that is tried
MOST, FASTER = 4.0, 0.9


@dataclass(frozen=True)
class Candidate:
    """Something to be timed.

    `prepare(size)` returns a call that does `units(size)` units of work. `sizes`, ascending, are batches its user might
    choose; the fastest a unit is taken. What belongs to a `rival` may be missing or fail: it is then reported, not raised.
    """

    name: str
    width: int
    prepare: Callable[[int], Call]
    units: Callable[[int], float]
    sizes: tuple[int, ...]
    threads: int = 1
    rival: bool = False
    unit: str = "ns per coordinate · layer · network"


@dataclass(frozen=True)
class Ready:
    """A candidate at its best size: one measurement is that many calls."""

    candidate: Candidate
    size: int
    call: Call
    calls: int


@dataclass(frozen=True)
class Measurement:
    """Nanoseconds a unit: the median of the rounds, and each round; `cores` is processor time over wall time."""

    name: str
    width: int
    threads: int
    unit: str
    size: int
    calls: int
    ns: float
    rounds: tuple[float, ...]
    cores: float


def seconds(call: Call, calls: int) -> tuple[float, float]:
    """Return wall and processor seconds of that many calls, without garbage collection."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(calls):
            call()
        return time.perf_counter() - wall, time.process_time() - cpu
    finally:
        if collecting:
            gc.enable()


def time_a_call(call: Call, enough: float) -> float:
    """Return the seconds of one call, from as many as take `enough` seconds together. The first, untimed, compiles."""
    call()
    calls, elapsed = 1, seconds(call, 1)[0]
    while elapsed < enough:
        calls *= 2 if elapsed > enough / 4 else 4
        elapsed = seconds(call, calls)[0]
    return elapsed / calls


def calibrate(candidate: Candidate, target: float) -> Ready:
    """Try the sizes, keep the fastest a unit.

    It ends when a call takes `target` seconds and the last size was not a tenth faster a unit than those before, or when
    a call takes four times the target: a fixed cost should be spread, but not at any price.
    """
    best, best_seconds, least = None, 0.0, float("inf")
    for size in candidate.sizes:
        call = candidate.prepare(size)
        elapsed = time_a_call(call, WARM * target)
        each, before = elapsed / candidate.units(size), least
        if each < least:
            best, best_seconds, least = (size, call), elapsed, each
        if elapsed >= MOST * target or (elapsed >= target and each > FASTER * before):
            break
    if best is None:
        raise ValueError(f"Candidate(sizes=...) must hold at least one size, got none for {candidate.name!r}.")
    return Ready(candidate, *best, calls=max(1, round(target / best_seconds)))


def calibrate_all(
    candidates: Iterable[Candidate], target: float, say: Callable[[str], None] = lambda line: None
) -> tuple[list[Ready], dict[str, str]]:
    """Calibrate each; return the ready ones, and why a rival is missing."""
    ready, missing = [], {}
    for candidate in candidates:
        say(f"{candidate.name}, n = {candidate.width}, {candidate.threads} thread(s)")
        try:
            ready.append(calibrate(candidate, target))
        except Exception as error:
            if not candidate.rival:
                raise
            missing[candidate.name] = why(error)
    return ready, missing


def why(error: BaseException) -> str:
    """Return the error's kind, and its first line where that names no file."""
    line = str(error).partition("\n")[0]
    return type(error).__name__ + (f": {line}" if line and "/" not in line and "\\" not in line else "")


def interleave(ready: Sequence[Ready], rounds: int) -> list[Measurement]:
    """Time all of them, round by round, every second round backwards, so that a drift of the machine meets all alike."""
    walls: list[list[float]] = [[] for _ in ready]
    cpus = [0.0 for _ in ready]
    for turn in range(rounds):
        gc.collect()
        order = range(len(ready)) if turn % 2 == 0 else reversed(range(len(ready)))
        for k in order:
            wall, cpu = seconds(ready[k].call, ready[k].calls)
            walls[k].append(wall)
            cpus[k] += cpu
    return [_measurement(one, walls[k], cpus[k]) for k, one in enumerate(ready)]


def _measurement(one: Ready, walls: list[float], cpu: float) -> Measurement:
    candidate = one.candidate
    rounds = tuple(1e9 * wall / (one.calls * candidate.units(one.size)) for wall in walls)
    cores = cpu / sum(walls)
    return Measurement(
        candidate.name, candidate.width, candidate.threads, candidate.unit, one.size, one.calls, median(rounds), rounds, cores
    )


def find(measured: Iterable[Measurement], name: str, width: int, threads: int = 1) -> float | None:
    """Return the nanoseconds of a candidate, or None if it was not measured."""
    for one in measured:
        if (one.name, one.width, one.threads) == (name, width, threads):
            return one.ns
    return None


def fastest(measured: Iterable[Measurement], part: str, width: int) -> Measurement | None:
    """Return the fastest candidate of that width with `part` in its name, or None."""
    found = [one for one in measured if part in one.name and one.width == width]
    return min(found, key=lambda one: one.ns, default=None)
