"""The results as tables in Markdown and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks import growth, harness, machine, ours
from benchmarks.goals import Goal
from benchmarks.growth import Growth
from benchmarks.harness import Measurement
from benchmarks.training import Training

NONE = "–"
MORE_THAN_ONE = 1.1  # cores that a candidate of one thread may have used before we say so


@dataclass(frozen=True)
class Results:
    """All that a run has found."""

    machine: dict[str, Any]
    quick: bool
    rounds: int
    elapsed_s: float
    multiply_adds_per_s: float
    measured: Sequence[Measurement]
    missing: dict[str, str]
    goals: Sequence[Goal]
    growths: Sequence[Growth]
    training: Training | None = None

    @property
    def floor(self) -> float:
        """Nanoseconds a coordinate and layer at the rate of the multiply-adds."""
        return machine.floor(self.multiply_adds_per_s)

    def as_json(self) -> dict[str, object]:
        """Return everything as plain data."""
        return {
            "machine": self.machine,
            "quick": self.quick,
            "rounds": self.rounds,
            "elapsed_s": self.elapsed_s,
            "multiply_adds_per_s": self.multiply_adds_per_s,
            "floor_ns": self.floor,
            "goals": [asdict(goal) | {"met": goal.met, "margin": goal.margin} for goal in self.goals],
            "measured": [asdict(one) for one in self.measured],
            "missing": self.missing,
            "growth": growth.as_json(self.growths),
            "training": None if self.training is None else self.training.as_json(),
        }


def figure(value: float | None) -> str:
    """Return three digits, or a dash."""
    if value is None:
        return NONE
    return f"{value:,.0f}" if abs(value) >= 999.5 else f"{value:.3g}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table: the first column left, the others right."""
    rows = list(rows)
    if any(len(row) != len(head) for row in rows):
        raise ValueError(f"table(rows=...) must have {len(head)} cells in each row.")
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def goal_table(goals: Sequence[Goal]) -> str:
    """Return the goals with what was measured, and by which factor they are met or missed."""
    words = {True: "met", False: "missed", None: "not measured"}
    rows = []
    for goal in goals:
        sign = "≥" if goal.at_least else "≤"
        bound = NONE if goal.bound is None else f"{sign} {figure(goal.bound)} {goal.unit}"
        margin = goal.margin
        by = NONE if margin is None else f"{max(margin, 1.0 / margin):.2f} ×"
        rows.append([goal.name, bound, figure(goal.measured), words[goal.met], by])
    return table(["goal", "bound", "measured", "", "by"], rows)


def our_table(measured: Sequence[Measurement], names: Sequence[str]) -> str:
    """Return our ways by width, on one and two threads."""
    mine = [one for one in measured if one.name in names]
    columns = sorted({(one.width, one.threads) for one in mine})
    head = ["", *(f"n = {n}, {threads} thread{'s' * (threads > 1)}" for n, threads in columns)]
    return table(head, ([name, *(figure(harness.find(mine, name, *column)) for column in columns)] for name in names))


def rival_table(measured: Sequence[Measurement], part: str, baseline: dict[int, float | None]) -> str:
    """Return the rivals, each with its batch and how many times our forward pass it takes."""
    rows = []
    for one in sorted((one for one in measured if part in one.name), key=lambda one: (one.width, one.ns)):
        ours_ns = baseline.get(one.width)
        times = NONE if ours_ns is None else figure(one.ns / ours_ns)
        busy = f" ({one.cores:.1f} cores)" if one.cores > MORE_THAN_ONE else ""
        rows.append([one.name + busy, str(one.width) if one.width > 1 else NONE, f"{one.size:,}", figure(one.ns), times])
    return table(["", "n", "batch", "ns", "over ours"], rows)


def missing_text(missing: dict[str, str]) -> str:
    """Return a line for each rival that could not be measured."""
    return "\n".join(f"- {name}: missing ({reason})" for name, reason in missing.items()) or "None."


def growth_table(growths: Sequence[Growth]) -> str:
    """Return the fitted exponents."""
    words = {True: "linear", False: "not linear", None: "too few points"}
    rows = [
        [
            f"{one.axis} {one.symbol}",
            f"{one.sizes[0]:,} … {one.sizes[-1]:,}",
            one.others,
            f"{figure(1e3 * one.fixed_s)} ms",
            figure(one.exponent),
            words[one.linear],
        ]
        for one in growths
    ]
    return table(["", "from … to", "held", "fixed cost", "exponent", ""], rows)


def forward_of(measured: Sequence[Measurement]) -> dict[int, float | None]:
    """Return our forward pass on one thread by width; a fill (width 1) is held against that of n = 100."""
    widths = {one.width for one in measured}
    found = {width: harness.find(measured, ours.FORWARD, width) for width in widths}
    return found | {1: found.get(100)}
