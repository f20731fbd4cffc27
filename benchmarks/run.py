"""The entry: `python -m benchmarks.run [--quick] [--out FOLDER]`."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import machine

if TYPE_CHECKING:
    from benchmarks.harness import Candidate
    from benchmarks.report import Results

HERE = Path(__file__).parent


def main(arguments: list[str] | None = None) -> int:
    """Measure, write the results, and fail if a cost that should be linear is not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="short measurements at n = 100 and few rounds, in a minute")
    parser.add_argument("--out", type=Path, default=None, help="folder of the results (default: here; with --quick: print)")
    chosen = parser.parse_args(arguments)
    machine.pin_threads()
    results = measure(chosen.quick, _say)
    folder = chosen.out or (None if chosen.quick else HERE)
    _write(results, folder)
    crooked = [one.axis for one in results.growths if one.linear is False or (one.linear is None and not chosen.quick)]
    if crooked:
        print(f"Not seen to be linear: the cost over {', '.join(crooked)}.", file=sys.stderr)
    return 1 if crooked else 0


def measure(quick: bool, say: Callable[[str], None]) -> Results:
    """Run everything; the libraries are imported here, after their threads are pinned."""
    from benchmarks import goals, growth, harness, report, training

    started, busy = time.perf_counter(), machine.load()
    rounds, target = (3, 0.03) if quick else (5, 0.25)
    say("importing the rivals")
    candidates, missing = collect(quick)
    say("compiling and choosing batches: each line once")
    rate = machine.peak_multiply_adds()
    ready, failed = harness.calibrate_all(candidates, target, say)
    say(f"{len(ready)} candidates, {rounds} rounds")
    measured = harness.interleave(ready, rounds)
    del ready
    rate = max(rate, machine.peak_multiply_adds())  # the peak is the best that was seen
    growths = growth.measure(quick, say)
    trained, no_training = training.try_to_measure(quick, say)
    return report.Results(
        machine.describe() | {"load": busy},
        quick,
        rounds,
        time.perf_counter() - started,
        rate,
        measured,
        missing | failed | no_training,
        goals.goals(measured),
        growths,
        trained,
    )


def collect(quick: bool) -> tuple[list[Candidate], dict[str, str]]:
    """Return the candidates, and why rivals are missing."""
    from benchmarks import check, fills, ours, rivals

    networks, missing = rivals.load()
    numbers, no_fill = fills.load()
    if quick:  # keys that were slower wherever we looked, and slow to compile
        networks = {name: make for name, make in networks.items() if "rbg" not in name}
        numbers = {name: make for name, make in numbers.items() if "rbg" not in name}
    networks, wrong = check.same_law(networks)
    threads = (1, 2) if machine.cores() > 1 else (1,)
    widths = (100,) if quick else (10, 100, 1_000)
    found = [
        *ours.matrix_free(widths, threads),
        *ours.radial(widths, threads),
        *rivals.candidates(networks, (100,) if quick else (100, 1_000)),
        *fills.candidates(numbers),
    ]
    return found, missing | no_fill | wrong


def _write(results: Results, folder: Path | None) -> None:
    from benchmarks import growth, page

    if folder is None:
        print(page.page(results))
        return
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "RESULTS.md").write_text(page.page(results), encoding="utf-8")
    (folder / "results.json").write_text(json.dumps(results.as_json(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    growth.draw(results.growths, folder / "growth.png")
    _say(f"wrote RESULTS.md, results.json and growth.png to {os.path.relpath(folder)}")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
