from __future__ import annotations

import os
import stat
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from reslim import results
from reslim.quantities import QUANTITIES
from reslim.spec import ResNet

NET = ResNet(depth=4, width=5, balanced=True)
SEED = 2**64 - 1
VALUES = {
    "log_norm": np.array([[[0.1], [-np.inf]], [[np.nan], [5e-324]], [[1e300], [-0.0]]]),
    "active_energy": np.full((3, 2, 1), 1 / 3, dtype=np.float32),
    "log_ntk": np.array([[1.0], [2.0], [3.0]]),
}
OWN = {"log_norm": [0, 4], "active_energy": [0], "log_ntk": []}


@pytest.fixture
def result() -> xr.Dataset:
    attributes = {"seed": str(SEED), "replicas": 3, "died": 0.1, "empty": "", "verdict": "agree"}
    made = results.dataset(NET, "simulate", ("replica",), VALUES, OWN, [0, 4], attributes)
    return made.assign(log_norm_verdict=("input", np.array(["unresolved"])), counts=("input", np.array([2**63 - 1])))


# ---- the Dataset


def test_dims_coordinates_and_attributes(result):
    assert result["log_norm"].dims == ("replica", "layer", "input")
    assert result["log_ntk"].dims == ("replica", "input")
    assert result["layer"].values.tolist() == [0, 4]
    assert result["replica"].values.tolist() == [0, 1, 2]
    assert result["layer"].attrs["long_name"] == "layer"
    assert result["replica"].attrs["long_name"] == "network"
    assert result["log_ntk"].attrs["symbol"] == QUANTITIES["log_ntk"].symbol
    assert result.attrs["title"] == "reslim simulate"
    assert result.attrs["versions"].startswith("python 3.")
    assert results.spec_of(result) == NET


def test_every_dim_has_a_long_name(result):
    assert {dim for quantity in QUANTITIES.values() for dim in quantity.dims} <= set(results.DIM_NAMES)


def test_layers_that_are_not_its_own_become_nan_in_the_array_itself(result):
    assert results.own_layers(result["log_norm"]) == [0, 4]
    assert results.own_layers(result["active_energy"]) == [0]
    assert "layers" not in result["log_ntk"].attrs
    assert np.isnan(result["active_energy"].sel(layer=4)).all()
    assert not np.isnan(result["active_energy"].sel(layer=0)).any()
    assert np.shares_memory(result["log_norm"].values, VALUES["log_norm"])


def test_unavailable_is_empty_unless_said(result):
    assert results.unavailable(result) == {}
    assert results.unavailable(result.assign_attrs(unavailable='{"output": "why"}')) == {"output": "why"}


def test_nonempty_drops_defaults_and_refuses_names():
    wanted = [QUANTITIES[name] for name in OWN]
    selected = {"log_norm": [4], "active_energy": [], "log_ntk": []}
    assert results.nonempty("f", selected, wanted, None) == {"log_norm": [4], "log_ntk": []}
    with pytest.raises(
        ValueError, match=r"^f\(layers=\.\.\.\) must hold a layer of active_energy \(0 … depth - 1\), got none of them\."
    ):
        results.nonempty("f", selected, wanted, ["active_energy"])


# ---- its file


def test_a_file_comes_back_without_loss(result, tmp_path):
    path = results.save(result, tmp_path / "draws.nc")
    assert path == tmp_path / "draws.nc"
    back = results.load(str(path))
    xr.testing.assert_identical(back.drop_vars("log_norm_verdict"), result.drop_vars("log_norm_verdict"))
    assert back["log_norm_verdict"].values.tolist() == ["unresolved"]
    for name in (*VALUES, "counts", "layer", "replica"):
        assert back[name].dtype == result[name].dtype
        assert back[name].values.tobytes() == result[name].values.tobytes()
    assert int(back.attrs["seed"]) == SEED
    assert results.spec_of(back) == NET
    assert back["active_energy"].attrs["layers"].tolist() == [0]


def test_plain_xarray_opens_it(result, tmp_path):
    with xr.open_dataset(results.save(result, tmp_path / "draws.nc")) as opened:
        xr.testing.assert_equal(opened.drop_vars("log_norm_verdict"), result.drop_vars("log_norm_verdict"))
        assert opened.attrs["seed"] == str(SEED)
        assert results.own_layers(opened["active_energy"]) == [0]


def test_loading_closes_the_file(result, tmp_path):
    path = results.save(result, tmp_path / "draws.nc")
    back = results.load(path)
    path.unlink()
    assert back["log_ntk"].sum() == 6.0


def test_saving_again_replaces(result, tmp_path):
    path = tmp_path / "draws.nc"
    results.save(result, path)
    results.save(result.assign_attrs(seed="1"), path)
    assert results.load(path).attrs["seed"] == "1"
    assert os.listdir(tmp_path) == ["draws.nc"]


# ---- wholly or not at all


@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()])
@pytest.mark.parametrize("before", [None, "old"])
def test_a_failure_in_the_middle_leaves_what_was_there(tmp_path, error, before):
    path = tmp_path / "file.txt"
    if before is not None:
        path.write_text(before)

    def write_half(temporary):
        Path(temporary).write_text("half")
        assert len(os.listdir(tmp_path)) == 1 + (before is not None)
        raise error

    with pytest.raises(type(error)):
        results.write_atomically(path, write_half)
    assert os.listdir(tmp_path) == ([] if before is None else ["file.txt"])
    assert before is None or path.read_text() == before


def test_the_name_appears_when_the_file_is_whole(tmp_path, monkeypatch):
    path, synced = tmp_path / "file.txt", []
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append((os.fstat(handle).st_size, path.exists())))
    results.write_text(path, "größe")
    assert synced == [(7, False)]
    assert path.read_bytes() == "größe".encode()


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_permissions_are_those_of_any_new_file(tmp_path, umask, mode):
    before = os.umask(umask)
    try:
        path = results.write_text(tmp_path / "file.txt", "text")
        assert os.umask(umask) == umask
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_the_folder_must_exist(result, tmp_path):
    path = tmp_path / "missing" / "draws.nc"
    with pytest.raises(ValueError, match=r"^save\(path=\.\.\.\) must lie in a folder that exists, got ") as caught:
        results.save(result, path)
    assert caught.value.got == str(path)
    assert os.listdir(tmp_path) == []


def test_a_folder_is_no_file(result, tmp_path):
    with pytest.raises(ValueError, match=r"^save\(path=\.\.\.\) must be a file, not a folder, got "):
        results.save(result, tmp_path)


def test_a_device_is_not_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(ValueError, match=r"^save\(path=\.\.\.\) must be an ordinary file, got "):
        results.write_text(pipe, "text")
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_relative_name_is_written_where_one_stands(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    results.write_text("file.txt", "text")
    assert (tmp_path / "file.txt").read_text() == "text"
