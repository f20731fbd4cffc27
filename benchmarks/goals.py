"""What the measurements are held against: the goals, and what was measured for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks import fills, harness, ours, rivals
from benchmarks.harness import Measurement


@dataclass(frozen=True)
class Goal:
    """A bound on a figure, and the figure (None if it was not measured)."""

    name: str
    bound: float | None
    measured: float | None
    unit: str
    at_least: bool = False

    @property
    def met(self) -> bool | None:
        """Whether the figure keeps the bound; None where there is nothing to compare."""
        if self.bound is None or self.measured is None:
            return None
        return self.measured >= self.bound if self.at_least else self.measured <= self.bound

    @property
    def margin(self) -> float | None:
        """By which factor the figure is better than the bound: above 1 where it is met."""
        if self.bound is None or self.measured is None:
            return None
        return self.measured / self.bound if self.at_least else self.bound / self.measured


def ratio(above: float | None, below: float | None) -> float | None:
    """Return the quotient, or None where one was not measured."""
    return None if above is None or below is None else above / below


def goals(measured: Sequence[Measurement]) -> list[Goal]:
    """Compare the run with the goals; a library's figure is that of its fastest way."""
    forward, two = harness.find(measured, ours.FORWARD, 100), harness.find(measured, ours.FORWARD, 100, 2)
    mkl = harness.fastest(measured, fills.MKL, 1)
    ns = "ns"
    return [
        Goal("forward, n = 100, one thread", 0.45, forward, ns),
        Goal("forward, n = 100, two threads", 0.24, two, ns),
        Goal("forward, n = 100, under MKL's bare float32 fill", None if mkl is None else mkl.ns, forward, ns),
        Goal("forward + backward, n = 100, one thread", 1.6, harness.find(measured, ours.BACKWARD, 100), ns),
        Goal("the best matrix code over ours, n = 100", 600.0, over_matrices(measured, 100), "times", True),
        Goal("the best matrix code over ours, n = 1000", 6_000.0, over_matrices(measured, 1_000), "times", True),
        Goal("one thread over two, forward, n = 100", 1.85, ratio(forward, two), "times", True),
        *(
            Goal(f"watching over the bare run, n = {width}", 1.3, watching(measured, width), "times")
            for width in (10, 100, 1_000)
        ),
    ]


def watching(measured: Sequence[Measurement], width: int) -> float | None:
    """Return how many times longer our forward pass takes when all layers and the active shares are recorded."""
    return ratio(harness.find(measured, ours.WATCHED, width), harness.find(measured, ours.FORWARD, width))


def over_matrices(measured: Sequence[Measurement], width: int) -> float | None:
    """Return how many times longer the best rival with matrices takes than our forward pass."""
    best = harness.fastest(measured, rivals.MATRICES, width)
    return ratio(None if best is None else best.ns, harness.find(measured, ours.FORWARD, width))
