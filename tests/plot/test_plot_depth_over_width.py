import numpy as np
import pytest
from drawn import assert_nothing_clipped, entries, half_bars, line, points, result

import reslim
from reslim import plot


@pytest.fixture(scope="module")
def runs():
    return [result(balanced, depth) for balanced in (False, True) for depth in (12, 6)]


def test_series_are_told_apart_and_sorted(runs, ax):
    assert plot.depth_over_width(runs, ax=ax) is ax
    for name, members in (("vanilla", runs[:2]), ("Balanced", runs[2:])):
        x, y = points(ax, f"{name}: simulated, ±2 standard errors")
        np.testing.assert_allclose(x, [0.2, 0.4])
        draws = [sample.log_growth.isel(layer=-1, input=0).var(ddof=1) for _, sample in reversed(members)]
        np.testing.assert_allclose(y, draws)
        laws = [
            prediction.log_growth.sel(law="log-gaussian", moment="variance").isel(layer=-1, input=0)
            for prediction, _ in reversed(members)
        ]
        np.testing.assert_allclose(line(ax, f"{name}: law, and its own error").get_ydata(), laws)
    summaries = [reslim.summarize(sample[["log_growth"]]).log_growth for _, sample in runs]
    errors = [float(summary.sel(statistic="variance_se").isel(layer=-1, input=0)) for summary in summaries]
    np.testing.assert_allclose(half_bars(ax), [2 * errors[1], 2 * errors[0]])
    assert len(entries(ax)) == 5
    assert ax.get_xlabel() == "depth / width"
    assert "variance" in ax.get_ylabel()
    assert_nothing_clipped(ax)


def test_one_series_needs_no_name(runs, ax):
    plot.depth_over_width(runs[:2], quantity="log_output_norm", statistic="mean", ax=ax)
    assert "law, and its own error" in entries(ax)


def test_other_fields_name_the_series(runs, ax):
    prediction, sample = runs[0]
    other = sample.assign_attrs(spec=sample.attrs["spec"].replace('"n_out": 3', '"n_out": 5'))
    plot.depth_over_width([(prediction, sample), (prediction, other)], ax=ax)
    assert "n_out 5: law, and its own error" in entries(ax)


def test_a_wrong_law_draws_another_curve(runs, ax):
    (right, sample), (wrong, _) = runs[0], runs[2]
    plot.depth_over_width([(right, sample)], ax=ax)
    plot.depth_over_width([(wrong, sample)], ax=ax)
    laws = [one.get_ydata()[0] for one in ax.get_lines() if one.get_label() == "law, and its own error"]
    assert laws[0] > 1.5 * laws[1]


@pytest.mark.parametrize("statistic", ["mean", "variance"])
def test_the_law_is_drawn_with_its_own_error(runs, ax, statistic):
    prediction, _ = runs[0]
    plot.depth_over_width(runs[:1], statistic=statistic, ax=ax)
    heights = ax.collections[0].get_paths()[0].vertices[:, 1]
    error = "mean" if statistic == "mean" else "variance_ratio"
    allowed = float(prediction.log_growth_allowed.sel(error=error, input=0).isel(layer=-1))
    if statistic == "variance":
        allowed *= float(prediction.log_growth.sel(law="log-gaussian", moment="variance", input=0).isel(layer=-1))
    assert np.ptp(heights) == pytest.approx(2 * allowed)


def test_nothing_to_draw_is_refused(ax):
    with pytest.raises(ValueError, match="must hold at least one pair"):
        plot.depth_over_width([], ax=ax)
