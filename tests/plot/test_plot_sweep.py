from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from drawn import assert_nothing_clipped, entries
from matplotlib.collections import QuadMesh

import reslim
from reslim import plot
from reslim.plot.sweep import COLOURS


@pytest.fixture(scope="module")
def grid():
    net = reslim.ResNet.marion(depth=10, width=8, entries="gaussian")
    vary = {"beta": [0.0, 0.5, 1.0, 0.25], "width": [4, 8, 16, 32]}
    names = ["log_displacement", "active_fraction", "log_growth"]
    with ThreadPoolExecutor(1) as thread:
        yield reslim.sweep(net, vary, 50, quantities=names, layers=[5, 9, 10], executor=thread)


def image(ax):
    (mesh,) = (one for one in ax.collections if isinstance(one, QuadMesh))
    return mesh


def test_a_map_shows_the_means_to_the_base_10(grid, ax):
    plot.sweep(grid, mark={"width": 8, "beta": 0.5}, ax=ax)
    shown = image(ax).get_array().reshape(4, 4)
    expected = grid.log_displacement.sel(statistic="mean", layer=10, input=0).sortby("beta") / math.log(10.0)
    np.testing.assert_allclose(shown, expected, rtol=1e-12)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("width n", "β, branch factor $L^{-β}$")
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "linear")
    assert ax.figure.axes[1].get_ylabel() == "mean of log₁₀(|$z_{10}$ − $z_{0}$|/|$z_{0}$|)"
    assert entries(ax) == ["mean 0", "my network"]
    (dot,) = (line for line in ax.get_lines() if line.get_label() == "my network")
    assert dot.get_xydata().tolist() == [[8.0, 0.5]]
    assert_nothing_clipped(ax)


def test_the_colours_turn_at_zero(grid, ax):
    plot.sweep(grid, ax=ax)
    low, high = image(ax).get_clim()
    mean = grid.log_displacement.sel(statistic="mean", layer=10) / math.log(10.0)
    assert low == -high
    assert high == pytest.approx(min(-mean.min().item(), mean.max().item()))


def test_the_colours_are_told_apart_in_grey():
    grey = COLOURS(np.linspace(0.0, 1.0, 50))[:, :3] @ [0.2126, 0.7152, 0.0722]
    assert np.diff(grey).min() > 0.0


def test_a_quantity_that_is_no_logarithm_is_drawn_as_it_is(grid, ax):
    plot.sweep(grid, quantity="active_fraction", ax=ax)
    expected = grid.active_fraction.sel(statistic="mean", layer=9, input=0).sortby("beta")
    np.testing.assert_allclose(image(ax).get_array().reshape(4, 4), expected)
    assert ax.get_legend() is None


def test_a_line_has_its_band(grid, ax):
    one = grid.sel(width=16)
    plot.sweep(one, quantity="log_growth", mark={"beta": 0.25}, ax=ax)
    mean, error = (one.log_growth.sel(statistic=key, layer=10, input=0).sortby("beta") for key in ("mean", "mean_se"))
    np.testing.assert_allclose(ax.get_lines()[0].get_ydata(), mean / math.log(10.0))
    heights = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert heights.max() == pytest.approx(((mean + 2.0 * error) / math.log(10.0)).max().item())
    assert entries(ax) == ["simulated, ±2 standard errors", "my network"]
    assert_nothing_clipped(ax)


def test_what_has_no_picture_is_refused(grid, ax):
    with pytest.raises(ValueError, match="must have one or two varied fields, got none"):
        plot.sweep(grid.sel(width=16, beta=0.5), ax=ax)
    with pytest.raises(ValueError, match="must be one of log_displacement, active_fraction, log_growth"):
        plot.sweep(grid, quantity="log_norm", ax=ax)
    words = grid.assign_coords(width=["a", "b", "c", "d"])
    with pytest.raises(ValueError, match="must have varied fields that are numbers, got width"):
        plot.sweep(words, ax=ax)
    with pytest.raises(ValueError, match=r"plot.sweep\(mark=\.\.\.\) must give beta and width"):
        plot.sweep(grid, mark={"beta": 0.5}, ax=ax)
