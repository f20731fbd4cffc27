"""The tables, the goals and the exponents, on made-up figures."""

from __future__ import annotations

import json

import numpy as np
import pytest
from benchmarks.goals import Goal
from test_harness import measurement

from benchmarks import goals, growth, machine, ours, page, report


def results(measured, growths=()) -> report.Results:
    described = {"processor": "a processor", "cores": 2, "system": "a system", "load": 0.1, "versions": {"python": "3"}}
    return report.Results(
        described, True, 3, 60.0, 5e10, measured, {"JAX": "ModuleNotFoundError"}, goals.goals(measured), growths
    )


@pytest.mark.parametrize(
    ("goal", "met", "margin"),
    [
        (Goal("a", 2.0, 1.0, "ns"), True, 2.0),
        (Goal("a", 2.0, 4.0, "ns"), False, 0.5),
        (Goal("a", 2.0, 4.0, "times", at_least=True), True, 2.0),
        (Goal("a", 2.0, 1.0, "times", at_least=True), False, 0.5),
        (Goal("a", None, 1.0, "ns"), None, None),
        (Goal("a", 2.0, None, "ns"), None, None),
    ],
)
def test_a_goal_is_met_or_missed_by_a_factor(goal, met, margin):
    assert (goal.met, goal.margin) == (met, margin)


def test_goals_take_the_fastest_rival_and_ours_of_the_same_width():
    measured = [
        measurement(ours.FORWARD, 0.5),
        measurement(ours.FORWARD, 0.3, threads=2),
        measurement(ours.FORWARD, 0.4, width=1_000),
        measurement(ours.WATCHED, 0.6),
        measurement(ours.WATCHED, 0.6, width=1_000),
        measurement("A, matrices", 900.0),
        measurement("B, matrices", 350.0),
        measurement("B, matrices", 3_000.0, width=1_000),
        measurement("MKL fill, float32, x", 0.6, width=1),
        measurement("MKL fill, float32, y", 0.55, width=1),
        measurement("other fill, float32", 0.1, width=1),
    ]
    found = goals.goals(measured)
    assert [goal.measured for goal in found] == pytest.approx([0.5, 0.3, 0.5, None, 700.0, 7_500.0, 5 / 3, None, 1.2, 1.5])
    assert [goal.met for goal in found] == [False, False, True, None, True, True, False, None, True, False]
    assert found[2].bound == 0.55


def test_a_table_is_markdown_and_refuses_ragged_rows():
    assert report.table(["a", "b"], [["1", "2"]]) == "| a | b |\n| --- | ---: |\n| 1 | 2 |"
    with pytest.raises(ValueError, match="must have 2 cells"):
        report.table(["a", "b"], [["1"]])


@pytest.mark.parametrize(
    ("value", "text"), [(None, "–"), (0.4123, "0.412"), (12.345, "12.3"), (21_345.6, "21,346"), (999.7, "1,000")]
)
def test_figures_have_three_digits(value, text):
    assert report.figure(value) == text


def test_goal_table_says_met_missed_and_not_measured():
    text = report.goal_table([Goal("a", 2.0, 1.0, "ns"), Goal("b", 2.0, 4.0, "ns"), Goal("c", 2.0, None, "ns")])
    rows = text.splitlines()[2:]
    assert rows == [
        "| a | ≤ 2 ns | 1 | met | 2.00 × |",
        "| b | ≤ 2 ns | 4 | missed | 2.00 × |",
        "| c | ≤ 2 ns | – | not measured | – |",
    ]


def test_the_page_and_the_json_hold_what_was_measured():
    found = results([measurement(ours.FORWARD, 0.5), measurement("A, matrices", 350.0)])
    text = page.page(found)
    assert "| A, matrices | 100 | 1 | 350 | 700 |" in text
    assert "- JAX: missing (ModuleNotFoundError)" in text
    data = json.loads(json.dumps(found.as_json()))
    assert data["measured"][0]["ns"] == 0.5
    assert data["goals"][0]["met"] is False


def test_the_page_stands_without_any_measurement():
    assert "not measured" in page.page(results([]))


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_the_exponent_of_a_power_is_found(power):
    sizes = np.array([10.0, 100.0, 1_000.0])
    assert growth.fit_exponent(sizes, 3.0 * sizes**power) == pytest.approx(power, rel=1e-12)


@pytest.mark.parametrize(("power", "linear"), [(1.0, True), (1.05, True), (1.3, False), (0.7, False)])
def test_growth_is_fitted_clear_of_the_fixed_cost(power, linear):
    sizes = [4**k for k in range(8)]
    fixed = 1e-3
    found = growth.grow("width", "n", "", sizes, [fixed + 1e-4 * size**power for size in sizes], fixed)
    assert found.exponent == pytest.approx(power, abs=1e-9)
    assert found.linear is linear
    assert not found.fitted[0]
    assert found.fitted[-1]


def test_no_exponent_from_fewer_than_three_points():
    found = growth.grow("width", "n", "", [1, 2, 4, 8], [1.0, 1.0, 9.0, 18.0], fixed=1.0)
    assert (found.exponent, found.linear) == (None, None)


def test_growth_is_drawn(tmp_path):
    pytest.importorskip("matplotlib")
    sizes = [1, 10, 100, 1_000]
    growths = [
        growth.grow(axis, "x", "", sizes, [1e-2 * size for size in sizes], 1e-3) for axis in ("width", "depth", "networks")
    ]
    growth.draw(growths, tmp_path / "growth.png")
    assert (tmp_path / "growth.png").read_bytes().startswith(b"\x89PNG")


def test_the_floor_is_the_multiply_adds_over_their_rate():
    assert machine.floor(14e9) == pytest.approx(1.0)  # 12 for a number and 2 for the network


def test_the_processor_is_named_without_a_path():
    assert machine.processor()
    assert "/" not in machine.processor()
