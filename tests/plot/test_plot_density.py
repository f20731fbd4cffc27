import numpy as np
import pytest
from drawn import assert_nothing_clipped, entries, half_bars, line
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch

from reslim import plot
from reslim.plot.histogram import histogram
from reslim.theory.families import distribution


def bins(ax: Axes) -> tuple[np.ndarray, np.ndarray]:
    (stairs,) = (patch for patch in ax.patches if isinstance(patch, StepPatch))
    return np.asarray(stairs.get_data().edges), np.asarray(stairs.get_data().values)


@pytest.mark.parametrize("quantity", ["log_growth", "log_output_norm", "output", "active_fraction", "active_energy"])
def test_histogram_law_and_infinite_width_are_drawn_and_named(vanilla, ax, quantity):
    prediction, sample = vanilla
    assert plot.density(sample, prediction, quantity=quantity, ax=ax) is ax
    assert ax.get_xlabel()
    assert ax.get_ylabel() == "density over networks"
    names = entries(ax)
    assert len(names) == 3
    assert any(name.startswith("2,000 networks") for name in names)
    assert_nothing_clipped(ax)


def test_the_bars_are_the_shares_of_the_draws(vanilla, ax):
    prediction, sample = vanilla
    plot.density(sample, prediction, quantity="log_growth", layer=6, input=1, ax=ax)
    edges, heights = bins(ax)
    draws = sample.log_growth.sel(layer=6, input=1).values
    counts, _ = np.histogram(draws, edges)
    np.testing.assert_allclose(heights, counts / draws.size / np.diff(edges))
    share = counts / draws.size
    np.testing.assert_allclose(half_bars(ax), 2 * np.sqrt(share * (1 - share) / draws.size) / np.diff(edges))
    assert counts.sum() >= 0.998 * draws.size


def test_the_curves_are_the_laws(vanilla, ax):
    prediction, sample = vanilla
    plot.density(sample, prediction, quantity="log_output_norm", ax=ax)
    for law, label in (("log-gaussian", "log-Gaussian law"), ("gaussian", "infinite width")):
        x, y = line(ax, label).get_data()
        np.testing.assert_allclose(y, distribution(prediction, "log_output_norm", law=law).pdf(x))


def test_a_wrong_law_draws_another_curve(vanilla, balanced, ax):
    _, sample = vanilla
    plot.density(sample, vanilla[0], quantity="log_growth", ax=ax)
    plot.density(sample, balanced[0], quantity="log_growth", ax=ax)
    right, wrong = (one.get_ydata() for one in ax.get_lines() if one.get_label() == "log-Gaussian law")
    assert np.abs(np.asarray(right) - np.asarray(wrong)).max() > 0.05


def test_the_curves_can_be_told_apart_without_colour(vanilla, ax):
    prediction, sample = vanilla
    plot.density(sample, prediction, quantity="output", ax=ax)
    assert line(ax, "log-Gaussian law").get_linestyle() == "-"
    assert line(ax, "infinite width").get_linestyle() != "-"


def test_a_point_mass_is_a_vertical_line(vanilla, ax):
    prediction, sample = vanilla
    plot.density(sample, prediction, quantity="log_growth", ax=ax)
    x, _ = line(ax, "infinite width (a point mass)").get_data()
    np.testing.assert_allclose(x, 0.0, atol=1e-12)


def test_without_a_prediction_only_the_draws_are_drawn(vanilla, ax):
    plot.density(vanilla[1], quantity="log_growth", ax=ax)
    assert ax.get_legend() is None


def test_a_new_figure_is_made_where_no_axes_are_given(vanilla):
    from matplotlib import pyplot

    made = plot.density(vanilla[1], quantity="log_growth")
    assert isinstance(made, Axes)
    pyplot.close(made.figure)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"quantity": "log_grwth"}, "Did you mean 'log_growth'"),
        ({"quantity": "log_norm"}, "must be in the sample"),
        ({"quantity": "log_growth", "layer": 13}, "must be a recorded layer"),
        ({"quantity": "output", "layer": 3}, "has no layers"),
        ({"quantity": "log_growth", "input": 2}, "must be an input of the sample, 0 to 1, got 2"),
        ({"quantity": "overlap"}, "Use plot.overlap"),
    ],
)
def test_what_cannot_be_drawn_is_refused(vanilla, arguments, words):
    with pytest.raises((ValueError, NotImplementedError), match=r"^plot\.density\(") as error:
        plot.density(vanilla[1], ax=Figure().subplots(), **arguments)
    assert words in str(error.value)


def test_laws_are_not_draws(vanilla):
    with pytest.raises(ValueError, match="must be draws"):
        plot.density(vanilla[0], quantity="log_growth", ax=Figure().subplots())
    with pytest.raises(TypeError, match="must be a Dataset"):
        plot.density({}, quantity="log_growth", ax=Figure().subplots())


def test_bins_count_what_lies_outside():
    values = np.concatenate([np.random.default_rng(0).standard_normal(10_000), np.full(500, 1e6), np.full(500, -np.inf)])
    found = histogram(values)
    assert found.inside == pytest.approx(10_000 / 11_000, abs=0.002)
    assert found.edges[-1] < 100
    assert np.sum(found.density * np.diff(found.edges)) == pytest.approx(found.inside)


def test_bins_of_a_lattice_hold_whole_points():
    values = np.random.default_rng(0).binomial(30, 0.5, 5000) / 30
    found = histogram(values, lattice=1 / 30)
    np.testing.assert_allclose(np.diff(found.edges), 1 / 30)
    np.testing.assert_allclose(found.centres * 30, np.round(found.centres * 30), atol=1e-9)


@pytest.mark.parametrize("values", [np.full(50, 3.0), np.full(50, np.nan), np.array([1.0])])
def test_degenerate_draws_have_a_histogram(values):
    found = histogram(values)
    assert np.isfinite(found.density).all()
    assert found.inside == np.isfinite(values).mean()
