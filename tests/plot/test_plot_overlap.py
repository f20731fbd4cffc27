import numpy as np
import pytest
from drawn import assert_nothing_clipped, entries, half_bars, line, points

import reslim
from reslim import plot


def test_mean_spread_and_infinite_width_are_drawn(vanilla, ax):
    prediction, sample = vanilla
    assert plot.overlap(sample, prediction, ax=ax) is ax
    cosines = sample.overlap.sel(input=0, input_2=1)
    layers, means = points(ax, "mean, ±2 standard errors")
    np.testing.assert_allclose(layers, sample.layer)
    np.testing.assert_allclose(means, cosines.mean("replica"))
    np.testing.assert_allclose(half_bars(ax), 2 * cosines.std("replica", ddof=1) / cosines.sizes["replica"] ** 0.5)
    limit = prediction.overlap.sel(law="gaussian", moment="mean", input=0, input_2=1)
    np.testing.assert_allclose(line(ax, "infinite width").get_ydata(), limit)
    assert len(entries(ax)) == 4
    assert ax.get_xlabel() == "layer"
    assert_nothing_clipped(ax)


def test_bands_hold_the_share_they_name(vanilla, ax):
    _, sample = vanilla
    plot.overlap(reslim.summarize(sample), pair=(1, 0), ax=ax)
    wide, narrow = (band.get_paths()[0].vertices[:, 1] for band in ax.collections[:2])
    cosines = sample.overlap.sel(input=0, input_2=1)
    assert wide.max() == pytest.approx(float(cosines.quantile(0.95, "replica").max()), rel=1e-6)
    assert narrow.min() == pytest.approx(float(cosines.quantile(0.25, "replica").min()), rel=1e-6)


@pytest.mark.parametrize("pair", [(0, 2), (0,), (0, -1)])
def test_a_pair_is_two_inputs(vanilla, ax, pair):
    with pytest.raises(ValueError, match="must be two inputs of the sample, 0 to 1"):
        plot.overlap(vanilla[1], pair=pair, ax=ax)


def test_one_input_has_no_overlap(ax):
    sample = reslim.simulate(reslim.ResNet(depth=3, width=10), 10, progress=False)
    with pytest.raises(ValueError, match="must be in the sample, got 'overlap'"):
        plot.overlap(sample, ax=ax)
