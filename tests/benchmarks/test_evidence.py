from __future__ import annotations

import pytest
from benchmarks.evidence import Cell

from benchmarks import evidence


def test_the_power_of_a_clean_error():
    widths = (50, 100, 200, 400)
    found = evidence.fitted_power(widths, [Cell(-3.0 / n, 0.2 / n, 0.0, 0.0) for n in widths])
    power, error = (float(word) for word in found.split(" ± "))
    assert power == pytest.approx(1.0, abs=1e-9)
    assert 0.01 < error < 0.1
    assert evidence.fitted_power(widths, [Cell(1.0 / n, 1.0 / n, 0.0, 0.0) for n in widths]) == "not resolved"
    signs = [Cell((-1) ** n / 10.0, 1e-3, 0.0, 0.0) for n in range(4)]
    assert evidence.fitted_power(widths, signs) == "not resolved"


def test_rows(monkeypatch):
    label = "tanh, α -.8, λ .8"
    monkeypatch.setattr(evidence, "FIXED", {label: evidence.FIXED[label]})
    rows = list(evidence.fixed_depth((20, 40), 20_000.0))
    assert [row.split(": ")[1].split(" |")[0] for row in rows[2:]] == list(evidence.QUANTITIES)
    assert all(row.count("±") >= 2 for row in rows[2:])
    rows = list(evidence.fixed_ratio((20,), (0.5,), 1e5))
    assert len(rows) == 2 + 3 * 2


def test_measured_errors_are_small_where_the_law_is_good():
    cells = evidence.measure(evidence.of_share(100, 25, 0.5, balanced=True), 4000)
    for cell in cells.values():
        assert abs(cell.ratio) < 5.0 * cell.ratio_error + 0.1
        assert abs(cell.shift) < 5.0 * cell.shift_error + 0.05


def test_the_figure_has_both_networks():
    ax = evidence.figure(10, 50).axes[0]
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert len(labels) == 5
    assert any("law of the state" in label for label in labels)
