"""A summary made while the networks are drawn, against the summary of their draws."""

from __future__ import annotations

import importlib
import subprocess
import sys

import numpy as np
import pytest
import xarray as xr
from specimens import GENERIC, TWO

import reslim
from reslim import ResNet, simulate, summarize
from reslim.quantities import QUANTITIES
from reslim.simulation import memory, streaming
from reslim.summary import LEVELS, STATISTICS

module = importlib.import_module("reslim.simulation.simulate")

NET = ResNet(depth=3, width=4, n_in=3, n_out=2)
DYING = ResNet(depth=3, width=3, skip=0.0, branch=1.0, n_in=3)
EVERY = list(QUANTITIES)
MOMENTS = [name for name in STATISTICS if name not in LEVELS]
EXCEPT_TIME = {"elapsed_s": 0.0}
EACH = [
    (NET, {"inputs": GENERIC, "quantities": EVERY, "layers": [1, 3]}),
    (DYING, {"quantities": [name for name in EVERY if name != "overlap"], "method": "matrix-free"}),
    (NET.replace(block=TWO), {"quantities": ["log_growth", "active_energy"], "layers": "last"}),
]
each = pytest.mark.parametrize(("net", "options"), EACH, ids=["several inputs", "dying", "radial"])


def streamed(net, replicas, **options) -> xr.Dataset:
    return simulate(net, replicas, 7, draws=False, progress=False, **options).assign_attrs(EXCEPT_TIME)


def held(net, replicas, **options) -> xr.Dataset:
    return simulate(net, replicas, 7, progress=False, **options).assign_attrs(EXCEPT_TIME)


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(streaming, "MOST_ROWS", 256)


@each
def test_moments_are_those_of_the_draws(net, options, small_blocks):
    draws = held(net, 3000, **options)
    found, expected = streamed(net, 3000, covariance=True, **options), summarize(draws, covariance=True)
    assert set(found.variables) == set(expected.variables)
    assert repr(found.attrs) == repr(expected.attrs)
    for name, variable in expected.data_vars.items():
        assert found[name].dims == variable.dims
        assert repr(found[name].attrs) == repr(variable.attrs)
        here = {} if name.endswith("covariance") else {"statistic": MOMENTS}
        np.testing.assert_allclose(found[name].sel(here), variable.sel(here), rtol=1e-10, atol=1e-14, err_msg=name)


@each
def test_quantiles_are_those_of_nearly_the_same_level(net, options, monkeypatch):
    """Level and value: where an atom shares its bin, the width of the bin, about 1/5000 of the range, is what is left."""
    monkeypatch.setattr(streaming, "MOST_ROWS", 1024)
    draws, found = held(net, 5000, **options), streamed(net, 5000, **options)
    for name, variable in draws.data_vars.items():
        columns = variable.values.reshape(5000, -1).T
        quantiles = found[name].sel(statistic=list(LEVELS)).values.reshape(len(LEVELS), -1).T
        for column, row in zip(columns, quantiles, strict=True):
            if not (finite := column[np.isfinite(column)]).size:
                assert np.isnan(row).all()
                continue
            levels = np.array([float(level) for level in LEVELS])
            slack = np.ptp(np.quantile(finite, [0.01, 0.99])) / 3000 + 1e-12
            assert (row >= np.quantile(finite, levels - 0.001) - slack).all()
            assert (row <= np.quantile(finite, levels + 0.001) + slack).all()


@each
def test_threads_and_batches_do_not_matter(net, options, small_blocks, monkeypatch):
    def bits() -> list[bytes]:
        found = streamed(net, 1200, covariance=True, threads=threads, **options)
        return [found[name].values.tobytes() for name in found.data_vars]

    threads = 1
    expected = bits()
    for batch, threads in ((1000, 3), (7, 2), (256, 2)):  # noqa: B007 (bits looks at it)
        monkeypatch.setattr(module, "MOST_BATCH", batch)
        assert bits() == expected


def test_some_of_the_draws_are_not_finite():
    """The specimen does what it is for: states die, and a displacement of nothing is minus infinity."""
    found = streamed(DYING, 3000, quantities=["log_norm", "log_displacement"], method="matrix-free")
    share = found.log_norm.sel(statistic="finite", layer=3).item()
    assert 0.3 < share < 0.99
    assert found.attrs["died"] == pytest.approx(1.0 - share)
    start = found.log_displacement.sel(layer=0, input=0)
    assert start.sel(statistic="finite").item() == 0.0
    assert np.isnan(start.sel(statistic=["mean", "variance", "0.5"])).all()


@pytest.mark.parametrize("replicas", [1, 2, 3])
def test_few_networks(replicas):
    xr.testing.assert_allclose(streamed(NET, replicas), summarize(held(NET, replicas)), rtol=1e-12, atol=1e-15)


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of memory from /proc")
def test_three_million_networks_in_bounded_memory():
    """Draws of five million take 160 MB; without them the run may add 20 MB to what a small one takes."""
    code = (
        "import reslim\n"
        "net = reslim.ResNet(depth=1, width=1, n_in=1, n_out=1)\n"
        "def run(replicas, **more):\n"
        "    reslim.simulate(net, replicas, quantities=['log_growth'], layers='last', method='matrix-free', threads=1, **more)\n"
        "    peak = next(line for line in open('/proc/self/status') if line.startswith('VmHWM'))\n"
        "    return int(peak.split()[1])\n"
        "print(*(run(20_000, draws=False), run(3_000_000, draws=False), run(5_000_000)))\n"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    small, large, with_draws = (int(word) / 1024 for word in found.stdout.split())  # MB
    assert large - small < 20
    assert with_draws - large > 40  # the measure sees draws


def test_a_summary_can_be_saved_and_drawn(tmp_path):
    found = streamed(NET, 300, covariance=True)
    reslim.save(found, tmp_path / "summary.nc")
    assert reslim.load(tmp_path / "summary.nc").equals(found)


def test_draws_that_do_not_fit_name_the_way_out():
    with pytest.raises(ValueError, match=r"replicas=\.\.\.\) must fit into memory, got .* Use draws=False for their summary"):
        simulate(NET, 10**12)


def test_blocks_that_do_not_fit_are_refused(monkeypatch):
    monkeypatch.setattr(memory, "free_bytes", lambda: 100_000)
    with pytest.raises(ValueError, match=r'layers=\.\.\.\) must leave blocks of networks .* Ask for layers="last"'):
        simulate(NET, 100, draws=False)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"covariance": True}, r"covariance=\.\.\.\) needs draws=False, got True. Use summarize\(sample, covariance=True\)"),
        ({"draws": 0}, r"draws=\.\.\.\) must be True or False, got 0"),
        ({"draws": False, "covariance": "yes"}, r"covariance=\.\.\.\) must be True or False"),
    ],
)
def test_bad_requests(options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        simulate(NET, 10, **options)


def test_a_summary_is_no_sample_to_compare():
    with pytest.raises(ValueError, match="must be a Dataset of simulate"):
        reslim.compare(reslim.predict(NET), streamed(NET, 10))
