import numpy as np
import pytest
from drawn import assert_nothing_clipped
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure

import reslim
from reslim import plot


def image(ax: Axes) -> QuadMesh:
    (mesh,) = (one for one in ax.collections if isinstance(one, QuadMesh))
    return mesh


@pytest.mark.parametrize("quantity", ["active_energy", "active_fraction"])
def test_draws_are_correlated_as_they_are(vanilla, ax, quantity):
    _, sample = vanilla
    assert plot.interlayer(sample, quantity=quantity, input=1, ax=ax) is ax
    draws = sample[quantity].sel(input=1, layer=range(12)).values
    shown = image(ax).get_array().reshape(12, 12)
    expected = np.corrcoef(draws.T)
    off = ~np.eye(12, dtype=bool)
    np.testing.assert_allclose(shown[off], expected[off])
    assert np.ma.getmaskarray(shown).diagonal().all()
    assert ax.get_xlabel() == ax.get_ylabel() == "layer"
    assert_nothing_clipped(ax)


def test_draws_and_law_share_the_scale(vanilla, balanced):
    limits = set()
    for result in (*vanilla, *balanced):
        ax = plot.interlayer(result, ax=Figure().subplots())
        limits.add(image(ax).get_clim())
    assert limits == {(0.0, 1.0)}


def test_the_law_is_near_the_draws_and_a_wrong_one_is_not(vanilla, balanced):
    shown = [np.ma.filled(image(plot.interlayer(result, ax=Figure().subplots())).get_array(), 0.0) for result in vanilla]
    wrong = np.ma.filled(image(plot.interlayer(balanced[0], ax=Figure().subplots())).get_array(), 0.0)
    assert np.abs(shown[0] - shown[1]).max() < 0.15
    assert np.abs(wrong - shown[1]).max() > 0.4


def test_negative_skips_have_a_scale_with_negative_correlations(ax):
    sample = reslim.simulate(reslim.ResNet(depth=4, width=20, skip=-0.8), 100, progress=False)
    plot.interlayer(sample, ax=ax)
    assert image(ax).get_clim() == (-1.0, 1.0)


def test_what_has_no_covariance_is_refused(vanilla, ax):
    summary = reslim.summarize(vanilla[1])
    with pytest.raises(ValueError, match="Pass covariance=True"):
        plot.interlayer(summary, ax=ax)
    with pytest.raises(ValueError, match="must be one of active_fraction, active_energy"):
        plot.interlayer(vanilla[1], quantity="log_growth", ax=ax)
