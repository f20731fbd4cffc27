"""What training costs, against a loop over single networks: `python -m benchmarks.training [--quick] [--out FOLDER]`.

It renews the section "Training" of RESULTS.md and results.json alone; `benchmarks.run` writes it with the others.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks import machine
from benchmarks.harness import why

if TYPE_CHECKING:
    from benchmarks.training_ways import Lap, Size

HERE = Path(__file__).parent
HEADING = "## Training"
GRID, EPOCHS = 600, 10  # 10 × 10 × 6 networks
LOOP, USUAL = "loop over nn.Linear modules, its fastest Adam", "loop over nn.Linear modules, Adam as it comes"
CLOCKS = ("wall_s", "cpu_s")


@dataclass(frozen=True)
class Way:
    """Seconds a network and epoch in each of some processes, wall and processor: medians of the rounds, and each round."""

    name: str
    processes: int
    wall_s: float
    cpu_s: float
    rounds: tuple[float, ...]

    @property
    def per_minute(self) -> float:
        """Networks·epochs a minute, of all processes together."""
        return 60.0 * self.processes / self.wall_s


@dataclass(frozen=True)
class Training:
    """All that was found; `adams` are seconds a step of one network in the loop, `setup_s` seconds a network of ours."""

    machine: dict[str, Any]
    size: Size
    steps: int
    ways: Sequence[Way]
    adam: str
    adams: dict[str, float]
    setup_s: float

    def way(self, name: str, processes: int) -> Way:
        """Return one of the ways."""
        return next(way for way in self.ways if (way.name, way.processes) == (name, processes))

    def ratio(self, clock: str = "wall_s", loop: str = LOOP) -> float:
        """Return how many times longer a loop takes than ours, both in two processes."""
        return getattr(self.way(loop, 2), clock) / getattr(self.way("ours", 2), clock)

    def over_floor(self) -> float:
        """Return how many times longer ours takes than the bare products, both in one process."""
        return self.way("ours", 1).cpu_s / next(way.cpu_s for way in self.ways if "bare" in way.name)

    def microseconds(self, seconds: float) -> float:
        """Return microseconds a network, layer and step."""
        return 1e6 * seconds / (self.size.depth * self.steps)

    def grid_minutes(self, name: str, clock: str = "wall_s") -> float:
        """Return the minutes of the whole grid in two processes, from what an epoch took by one of the clocks."""
        setup = self.setup_s if name == "ours" else 0.0
        return GRID * (EPOCHS * getattr(self.way(name, 2), clock) + setup) / 2 / 60.0

    def as_json(self) -> dict[str, object]:
        """Return everything as plain data."""
        derived = {
            "loop_over_ours": self.ratio(),
            "loop_over_ours_cpu": self.ratio("cpu_s"),
            "usual_loop_over_ours": self.ratio(loop=USUAL),
            "ours_over_floor": self.over_floor(),
        }
        minutes = {name: {clock: self.grid_minutes(name, clock) for clock in CLOCKS} for name in ("ours", LOOP)}
        return asdict(self) | derived | {"extrapolated_grid_minutes": minutes}


def measure(quick: bool, say: Callable[[str], None]) -> Training:
    """Time all ways in interleaved rounds, every second round backwards."""
    from benchmarks.training_ways import FLOOR, OURS, Size, fastest_adam, steps
    from reslim.experiments.training import MOST_NETWORKS

    size, rounds = Size(depth=100 if quick else 1000, networks=MOST_NETWORKS), 3
    described = machine.describe() | {"load": machine.load()}
    with ExitStack() as stack:
        context = get_context("spawn")
        workers = [stack.enter_context(ProcessPoolExecutor(1, mp_context=context)) for _ in range(2)]
        adam, adams = workers[0].submit(fastest_adam, size).result()
        say(f"training: {adam} is the loop's fastest")
        kinds = [(OURS, OURS, 1), (OURS, OURS, 2), (LOOP, adam, 2), (USUAL, next(iter(adams)), 2), (FLOOR, FLOOR, 1)]
        laps: list[list[list[Lap]]] = [[] for _ in kinds]
        for turn in range(rounds):
            say(f"training: round {turn + 1} of {rounds}")
            for k in range(len(kinds)) if turn % 2 == 0 else reversed(range(len(kinds))):
                laps[k].append(side_by_side(workers[: kinds[k][2]], kinds[k][1], size))
    ways = [way(name, count, found) for (name, _, count), found in zip(kinds, laps, strict=True)]
    return Training(described, size, steps(size), ways, adam, adams, laps[0][0][0].setup_s)


def try_to_measure(quick: bool, say: Callable[[str], None]) -> tuple[Training | None, dict[str, str]]:
    """Return what was found, or why PyTorch or the images are missing."""
    try:
        return measure(quick, say), {}
    except ImportError as error:
        return None, {"training": why(error)}


def side_by_side(workers: Sequence[Executor], kind: str, size: Size) -> list[Lap]:
    """Return a lap of each worker, run at the same time once all are ready."""
    from benchmarks.training_ways import lap, make_ready

    for pending in [worker.submit(make_ready, kind, size) for worker in workers]:
        pending.result()
    return [pending.result() for pending in [worker.submit(lap, kind, size) for worker in workers]]


def way(name: str, processes: int, laps: Sequence[Sequence[Lap]]) -> Way:
    """Return the medians; a round takes as long as the slower process."""
    walls = tuple(max(one.wall_s for one in turn) for turn in laps)
    return Way(name, processes, median(walls), median(max(one.cpu_s for one in turn) for turn in laps), walls)


def section(found: Training) -> str:
    """Return the section of the page."""
    from benchmarks.report import figure, table

    size, us = found.size, found.microseconds
    head = ["", "processes", "networks·epochs a minute", "µs, wall", "µs, processor"]
    rows = [
        [one.name, str(one.processes), figure(one.per_minute), figure(us(one.wall_s)), figure(us(one.cpu_s))]
        for one in found.ways
    ]
    minutes = {
        name: " or ".join(figure(found.grid_minutes(name, clock)) for clock in CLOCKS) + " minutes" for name in ("ours", LOOP)
    }
    adams = ", ".join(f"{name} {1e3 * seconds:.0f}" for name, seconds in found.adams.items())
    return f"""{HEADING}

Networks of the phase diagram of training: depth {size.depth}, width {size.width}, one-matrix ReLU, scikit-learn's digits, \
{found.steps} steps an epoch, batch {size.batch}, float32, Adam; {size.networks} networks side by side in a process of ours, \
one after the other in the loop. One thread a process; medians of {len(found.ways[0].rounds)} interleaved rounds of an epoch \
with its test; making ready is not in them. Measured on {found.machine["processor"]}, {found.machine["cores"]} cores, PyTorch \
{found.machine["versions"]["torch"]}; load average {found.machine["load"]:.1f} when it began.

{table(head, rows)}

The µs are a network, layer and step, in each process. As it is usually written the loop takes \
**{figure(found.ratio(loop=USUAL))} times** as long as ours, both in two processes; with its fastest optimizer \
**{figure(found.ratio())} times** ({figure(found.ratio("cpu_s"))} by processor time). Its ms a step: {adams}. Ours takes \
{figure(found.over_floor())} times its three bare products, whose operands stay in the cache.

Extrapolated, not measured: the whole grid of {GRID} networks and {EPOCHS} epochs in two processes takes {minutes["ours"]} \
with ours, its weights drawn ({figure(found.setup_s)} s a network) but nothing measured of them, and {minutes[LOOP]} in the \
loop. The first figure is of the wall clock, the second of processor time: what two cores take that nothing else uses. A \
network that diverges saves time; none did here.
"""


def renew(found: Training, folder: Path) -> None:
    """Write the section into the results that are there."""
    page, data = folder / "RESULTS.md", folder / "results.json"
    before = page.read_text(encoding="utf-8").partition(HEADING)[0].rstrip()
    page.write_text(f"{before}\n\n{section(found)}", encoding="utf-8")
    results = json.loads(data.read_text(encoding="utf-8")) | {"training": found.as_json()}
    data.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def main() -> None:
    """Measure, and renew the section; with --quick, print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="shallow networks, in seconds; printed, not written")
    parser.add_argument("--out", type=Path, default=HERE, help="folder of the results")
    chosen = parser.parse_args()
    machine.pin_threads()
    found = measure(chosen.quick, lambda line: print(line, file=sys.stderr, flush=True))
    if chosen.quick:
        print(section(found))
    else:
        renew(found, chosen.out)


if __name__ == "__main__":
    main()
