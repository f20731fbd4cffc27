"""The clock, on calls whose cost is known because they only count, or because they sleep."""

from __future__ import annotations

import time

import pytest
from benchmarks.harness import Candidate, Measurement

from benchmarks import harness


def candidate(name: str, seconds_of, sizes=(1,), rival=False, units=float) -> Candidate:
    return Candidate(name, 1, lambda size: lambda: time.sleep(seconds_of(size)), units, sizes, rival=rival)


def measurement(name: str, ns: float, width: int = 100, threads: int = 1) -> Measurement:
    return Measurement(name, width, threads, "ns", 1, 1, ns, (ns,), 1.0)


def test_the_size_with_the_cheapest_unit_is_kept():
    costs = {1: 0.002, 2: 0.002, 4: 0.016}
    assert harness.calibrate(candidate("sleep", costs.get, sizes=(1, 2, 4)), target=1.0).size == 2


@pytest.mark.parametrize(
    ("costs", "target", "expected"),
    [
        ({1: 0.01, 2: 0.03, 4: 0.1}, 0.015, {1, 2}),  # long enough, and no faster a unit
        ({1: 0.02, 2: 0.02, 4: 0.02}, 0.015, {1, 2, 4}),  # a fixed cost, which larger sizes spread
        ({1: 0.01, 2: 0.01, 4: 0.01}, 0.002, {1}),  # the same, but far too long
    ],
)
def test_sizes_are_tried_while_they_are_short_or_spread_a_fixed_cost(costs, target, expected):
    tried = []
    one = Candidate("sleep", 1, lambda size: lambda: (tried.append(size), time.sleep(costs[size])), float, sizes=(1, 2, 4))
    harness.calibrate(one, target)
    assert set(tried) == expected


def test_a_candidate_without_sizes_is_refused():
    with pytest.raises(ValueError, match=r"Candidate\(sizes=\.\.\.\) must hold at least one size, got none for 'empty'"):
        harness.calibrate(candidate("empty", float, sizes=()), target=0.01)


def test_a_measurement_takes_about_the_target():
    ready = harness.calibrate(candidate("sleep", lambda size: 0.002), target=0.02)
    assert 2 <= ready.calls <= 10  # a sleep is never shorter than asked for


def test_rounds_are_interleaved_and_every_second_one_backwards():
    seen = []
    calls = [Candidate(name, 1, lambda size, name=name: lambda: seen.append(name), float, (1,)) for name in "abc"]
    ready = [harness.Ready(one, 1, one.prepare(1), calls=1) for one in calls]
    measured = harness.interleave(ready, rounds=3)
    assert "".join(seen) == "abc" + "cba" + "abc"
    assert [one.name for one in measured] == list("abc")
    assert all(len(one.rounds) == 3 for one in measured)


def test_nanoseconds_are_per_unit():
    slow, large = candidate("one", lambda size: 0.01), candidate("ten", lambda size: 0.01, units=lambda size: 10.0)
    measured = harness.interleave([harness.calibrate(one, 0.01) for one in (slow, large)], rounds=3)
    assert measured[0].ns >= 1e7
    assert 5.0 < measured[0].ns / measured[1].ns < 20.0


def test_a_sleeping_call_uses_no_core_and_a_busy_one_about_one():
    busy = Candidate("busy", 1, lambda size: lambda: sum(range(300_000)), float, (1,))
    idle, working = harness.interleave([harness.calibrate(one, 0.02) for one in (candidate("a", lambda s: 0.02), busy)], rounds=3)
    assert idle.cores < 0.5
    assert idle.cores < working.cores < 1.5


def test_a_rival_that_fails_is_reported_and_ours_raises():
    def fail(size):
        raise RuntimeError("no such instruction\nsecond line")

    good, bad = (
        candidate("good", lambda size: 0.001),
        Candidate("bad", 1, lambda size: lambda: fail(size), float, (1,), rival=True),
    )
    ready, missing = harness.calibrate_all([bad, good], target=0.002)
    assert [one.candidate.name for one in ready] == ["good"]
    assert missing == {"bad": "RuntimeError: no such instruction"}
    with pytest.raises(RuntimeError, match="no such instruction"):
        harness.calibrate_all([Candidate("ours", 1, lambda size: lambda: fail(size), float, (1,))], target=0.002)


def test_a_reason_never_shows_a_path():
    assert harness.why(ImportError("libx.so: cannot open")) == "ImportError: libx.so: cannot open"
    assert harness.why(ImportError("/somewhere/libx.so: cannot open")) == "ImportError"


def test_find_and_fastest():
    measured = [measurement("A, matrices", 5.0), measurement("B, matrices", 3.0), measurement("B, matrices", 2.0, width=10)]
    assert harness.find(measured, "A, matrices", 100) == 5.0
    assert harness.find(measured, "A, matrices", 100, threads=2) is None
    assert harness.fastest(measured, "matrices", 100) == measured[1]
    assert harness.fastest(measured, "fill", 100) is None
