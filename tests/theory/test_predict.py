from __future__ import annotations

import json
import time

import numpy as np
import pytest
import xarray as xr

import reslim
from reslim import ResNet
from reslim.quantities import QUANTITIES

NET = ResNet(depth=12, width=50, n_in=3, n_out=4)
INPUTS = np.array([[1.0, 2.0, 3.0], [1.0, 0.0, -1.0]])


def test_the_layout():
    laws = reslim.predict(NET, inputs=INPUTS, covariance=True)
    assert [name for name in laws if name in QUANTITIES] == list(QUANTITIES)
    for name, quantity in QUANTITIES.items():
        assert laws[name].dims == ("law", "moment", *quantity.dims)
        assert laws[name].attrs["long_name"]
        assert laws[name].attrs["units"] == "1"
    assert laws.log_growth.attrs["layers"].tolist() == list(range(13))
    assert laws.active_energy.attrs["layers"].tolist() == list(range(12))
    assert laws.log_weight_grad.attrs["layers"].tolist() == list(range(1, 13))
    assert laws.active_energy_covariance.dims == ("law", "layer", "layer_2")
    assert np.isnan(laws.active_energy.sel(layer=12)).all()
    assert laws.attrs["source"] == "theory"
    assert ResNet.from_json(laws.attrs["spec"]) == NET


def test_what_has_no_law_says_why_and_how_to_simulate_it():
    laws = reslim.predict(NET)
    reasons = json.loads(laws.attrs["unavailable"])
    assert set(reasons) == {"log_displacement", "log_tangent_growth", "log_grad_displacement"}
    assert all(reason.endswith(f"reslim simulate --quantities {name}") for name, reason in reasons.items())
    assert np.isnan(laws.log_displacement.sel(law="log-gaussian")).all()
    assert np.isfinite(laws.log_displacement.sel(law="gaussian", layer=5, moment="mean")).all()
    uniform = json.loads(reslim.predict(NET.replace(entries="uniform")).attrs["unavailable"])
    assert "needs Gaussian entries" in uniform["log_grad_growth"]
    gelu = json.loads(reslim.predict(NET.replace(activation="gelu")).attrs["unavailable"])
    assert "for gelu the law holds up to a variance" in gelu["active_energy"]
    assert "log_growth" not in gelu


def test_the_input_shifts_the_norm():
    laws = reslim.predict(NET, inputs=INPUTS).sel(law="log-gaussian", moment="mean")
    shift = laws.log_norm.sel(input=0) - laws.log_norm.sel(input=1)
    np.testing.assert_allclose(shift, np.log(14 / 2), rtol=1e-12)
    np.testing.assert_allclose(laws.log_growth.sel(input=0), laws.log_growth.sel(input=1))


def test_the_first_layer_is_a_chi_square():
    """ln(|z_0|²/n) is ln(χ²_n/n): variance 2/n and mean -1/n to first order."""
    norm = reslim.predict(NET, layers=[0]).log_norm.sel(law="log-gaussian", layer=0, input=0)
    assert norm.sel(moment="variance").item() == pytest.approx(2 / 50, rel=0.03)
    assert norm.sel(moment="mean").item() == pytest.approx(-1 / 50, rel=0.03)


def test_the_output_is_a_scale_mixture():
    laws = reslim.predict(NET, inputs=INPUTS)
    norm = laws.log_norm.sel(law="log-gaussian", layer=12)
    np.testing.assert_allclose(laws.output_scale.sel(law="log-gaussian"), norm)
    mean, variance = norm.sel(moment="mean"), norm.sel(moment="variance")
    np.testing.assert_allclose(laws.output.sel(law="log-gaussian", moment="variance", output_unit=3), np.exp(mean + variance / 2))
    np.testing.assert_allclose(laws.output.sel(law="gaussian", moment="variance", output_unit=0), [14 / 3, 2 / 3], rtol=1e-12)
    extra = laws.log_output_norm.sel(law="log-gaussian", moment="variance") - variance
    np.testing.assert_allclose(extra, np.pi**2 / 6 - 1, rtol=1e-12)  # ψ'(2), n_out = 4


def test_recorded_layers_do_not_change_the_law():
    every, some = reslim.predict(NET, layers="all"), reslim.predict(NET, layers=[3, 12])
    xr.testing.assert_equal(every.log_growth.sel(layer=[3, 12]), some.log_growth)


def test_second_moments_say_whether_they_are_exact():
    assert reslim.predict(NET).log_growth_second_moment.attrs["exact"] == "false"
    balanced = reslim.predict(NET.replace(balanced=True)).log_growth_second_moment
    assert balanced.attrs["exact"] == "true"
    np.testing.assert_allclose(balanced, 0.0, atol=1e-12)


def test_the_correction_comes_by_name_only():
    plain, fitted = reslim.predict(NET), reslim.predict(NET, correction="fitted")
    assert (plain.attrs["correction"], fitted.attrs["correction"]) == ("none", "fitted")
    variance = [laws.log_growth.sel(law="log-gaussian", moment="variance", layer=12).item() for laws in (plain, fitted)]
    assert 1.02 < variance[1] / variance[0] < 1.2
    for net in (NET.replace(balanced=True), NET.replace(skip=0.0), NET.replace(activation="tanh")):
        with pytest.raises(NotImplementedError, match="is fitted to vanilla one-matrix ReLU"):
            reslim.predict(net, correction="fitted")
    with pytest.raises(ValueError, match="must be one of fitted"):
        reslim.predict(NET, correction="exact")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"quantities": ["log_grwth"]}, "Did you mean 'log_growth'"),
        ({"layers": [13]}, "must lie between 0 and the depth 12"),
        ({"layers": [12], "quantities": ["active_energy"]}, "must hold a layer of active_energy"),
        ({"inputs": np.zeros((1, 3))}, "must not be zero"),
        ({"inputs": np.ones(3)}, "One input is a row"),
        ({"quantities": ["overlap"]}, "needs at least two inputs"),
    ],
)
def test_bad_arguments(arguments, words):
    with pytest.raises(ValueError, match=r"^predict\(") as error:
        reslim.predict(NET, **arguments)
    assert words in str(error.value)


def test_a_prediction_survives_its_file(tmp_path):
    laws = reslim.predict(NET, inputs=INPUTS, covariance=True)
    reslim.save(laws, tmp_path / "laws.nc")
    again = reslim.load(tmp_path / "laws.nc")
    xr.testing.assert_identical(again, laws)
    with xr.open_dataset(tmp_path / "laws.nc") as plain:
        xr.testing.assert_equal(plain, laws)


def test_the_cost_of_depth():
    """Schedules that remember every layer cost O(d²) at most, those of ordinary networks much less."""

    def seconds(depth):
        net = ResNet(depth=depth, width=100, skip=tuple(np.linspace(0.7, 0.72, depth)))
        started = time.perf_counter()
        reslim.predict(net, layers="last")
        return time.perf_counter() - started

    seconds(10)
    assert np.log10(min(seconds(20_000) for _ in range(3)) / min(seconds(2_000) for _ in range(3))) < 1.6
