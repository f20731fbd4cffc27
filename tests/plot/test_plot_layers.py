import numpy as np
import pytest
from drawn import assert_nothing_clipped, entries, line, points

import reslim
from reslim import plot, results

SIMULATED = "simulated, ±2 standard errors"


@pytest.mark.parametrize("statistic", ["mean", "variance"])
def test_draws_and_law_are_drawn_as_given(vanilla, ax, statistic):
    prediction, sample = vanilla
    assert plot.layers(sample, prediction, quantity="active_energy", statistic=statistic, input=1, ax=ax) is ax
    own = results.own_layers(sample.active_energy)
    draws = sample.active_energy.sel(layer=own, input=1)
    expected = draws.mean("replica") if statistic == "mean" else draws.var("replica", ddof=1)
    x, y = points(ax, SIMULATED)
    assert x.tolist() == own
    np.testing.assert_allclose(y, expected)
    law = prediction.active_energy.sel(law="log-gaussian", moment=statistic, input=1, layer=own)
    np.testing.assert_allclose(line(ax, "law").get_ydata(), law)
    np.testing.assert_allclose(line(ax, "infinite width").get_ydata(), 0.5 if statistic == "mean" else 0.0, atol=1e-12)
    assert ax.get_xlabel() == "layer"
    assert statistic in ax.get_ylabel()
    assert len(entries(ax)) == 3
    assert_nothing_clipped(ax)


def test_a_summary_draws_what_its_draws_do(vanilla, ax):
    _, sample = vanilla
    plot.layers(sample, quantity="log_growth", label="draws", ax=ax)
    plot.layers(reslim.summarize(sample), quantity="log_growth", label="summary", ax=ax)
    np.testing.assert_array_equal(points(ax, f"draws: {SIMULATED}"), points(ax, f"summary: {SIMULATED}"))


def test_the_band_is_two_standard_errors(vanilla, ax):
    _, sample = vanilla
    plot.layers(sample, quantity="active_energy", ax=ax)
    vertices = ax.collections[0].get_paths()[0].vertices
    draws = sample.active_energy.sel(layer=5, input=0)
    heights = vertices[vertices[:, 0] == 5, 1]
    assert np.ptp(heights) == pytest.approx(4 * float(draws.std(ddof=1)) / draws.size**0.5)


def test_two_networks_differ_in_marker_and_line(vanilla, balanced, ax):
    for (prediction, sample), label in ((vanilla, "vanilla"), (balanced, "Balanced")):
        plot.layers(sample, prediction, quantity="active_fraction", label=label, ax=ax)
    markers = {line(ax, f"{label}: {SIMULATED}").get_marker() for label in ("vanilla", "Balanced")}
    lines = {str(line(ax, f"{label}: law").get_linestyle()) for label in ("vanilla", "Balanced")}
    assert len(markers) == len(lines) == 2
    assert len(entries(ax)) == 5  # the infinite-width line, which both share, once
    assert_nothing_clipped(ax)


def test_a_wrong_law_draws_another_curve(vanilla, balanced, ax):
    plot.layers(vanilla[1], balanced[0], quantity="active_energy", ax=ax)
    _, simulated = points(ax, SIMULATED)
    wrong = line(ax, "law").get_ydata()
    assert np.asarray(wrong)[-1] - simulated[-1] > 0.01


def test_what_has_no_layers_is_refused(vanilla, ax):
    with pytest.raises(ValueError, match="must have layers"):
        plot.layers(vanilla[1], quantity="output", ax=ax)
    with pytest.raises(ValueError, match=r"Use plot\.overlap"):
        plot.layers(vanilla[1], quantity="overlap", ax=ax)
    with pytest.raises(ValueError, match="must be one of mean, variance"):
        plot.layers(vanilla[1], quantity="log_growth", statistic="median", ax=ax)
