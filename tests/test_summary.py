from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import reslim
from reslim.summary import STATISTICS, statistics

NET = reslim.ResNet(depth=6, width=10, n_in=3)
INPUTS = np.array([[1.0, 0.0, 2.0], [0.0, 1.0, 1.0]])


@pytest.fixture(scope="module")
def draws():
    names = ["log_growth", "log_displacement", "active_energy", "overlap", "output"]
    return reslim.simulate(NET, 300, 5, quantities=names, inputs=INPUTS, progress=False)


def test_statistics_are_those_of_numpy(draws):
    summary = reslim.summarize(draws)
    assert summary.log_growth.dims == ("statistic", "layer", "input")
    np.testing.assert_allclose(summary.log_growth.sel(statistic="mean"), draws.log_growth.mean("replica"), rtol=1e-12)
    np.testing.assert_allclose(summary.overlap.sel(statistic="variance"), draws.overlap.var("replica", ddof=1), atol=1e-15)
    np.testing.assert_allclose(summary.output.sel(statistic="0.25"), draws.output.quantile(0.25, "replica"))
    assert summary.attrs == draws.attrs


def test_infinite_draws_are_counted_not_averaged(draws):
    start = reslim.summarize(draws).log_displacement.sel(layer=0, input=0)
    assert start.sel(statistic="finite").item() == 0.0
    assert np.isnan(start.sel(statistic="mean").item())
    found = dict(zip(STATISTICS, statistics(np.array([1.0, 3.0, -np.inf, np.nan])), strict=True))
    assert (found["mean"], found["variance"], found["finite"], found["0.5"]) == (2.0, 2.0, 0.5, 2.0)


def test_the_error_of_the_variance_is_that_of_its_scatter():
    """Heavy tails count: for exponential draws it is √8/√N, twice what normality would say."""
    samples = np.random.default_rng(0).exponential(size=(400, 500))
    columns = np.array([statistics(sample) for sample in samples])
    variance, error = (columns[:, STATISTICS.index(name)] for name in ("variance", "variance_se"))
    assert error.mean() == pytest.approx(variance.std(), rel=0.15)
    assert error.mean() == pytest.approx(np.sqrt(8 / 500), rel=0.15)


def test_covariance_between_layers(draws):
    covariance = reslim.summarize(draws, covariance=True).active_energy_covariance
    assert covariance.dims == ("input", "layer", "layer_2")
    sample = draws.active_energy.sel(input=1, layer=range(6)).values
    np.testing.assert_allclose(covariance.sel(input=1, layer=range(6), layer_2=range(6)), np.cov(sample.T), rtol=1e-10)
    assert np.isnan(covariance.sel(layer=6)).all()


def test_a_summary_survives_its_file(draws, tmp_path):
    summary = reslim.summarize(draws, covariance=True)
    reslim.save(summary, tmp_path / "summary.nc")
    assert reslim.load(tmp_path / "summary.nc").equals(summary)


def test_only_draws_are_summarised(draws):
    with pytest.raises(TypeError, match="must be a Dataset of simulate"):
        reslim.summarize(draws.log_growth)
    with pytest.raises(ValueError, match="must be draws, with a dimension replica"):
        reslim.summarize(reslim.predict(NET))


def test_quantiles_hold_their_share():
    x = np.random.default_rng(1).standard_normal(20_000)
    found = dict(zip(STATISTICS, statistics(x), strict=True))
    for level in ("0.05", "0.25", "0.75", "0.95"):
        assert stats.norm.cdf(found[level]) == pytest.approx(float(level), abs=0.02)


def test_statistics_of_numbers_whose_fourth_power_overflows():
    x = np.array([1.0, 2.0, 4.0, 8.0])
    found, expected = (statistics(scale * x) for scale in (1e100, 1.0))
    powers = [100, 100, 200, 200, 0, *[100] * (len(found) - 5)]
    np.testing.assert_allclose(found, [value * 10.0**power for value, power in zip(expected, powers, strict=True)], rtol=1e-12)
    assert statistics(np.full(3, 0.1))[2] < 1e-32
