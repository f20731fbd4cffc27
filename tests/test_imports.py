"""What importing the package costs, and that what it offers is there. Each import is made in a fresh interpreter."""

from __future__ import annotations

import subprocess
import sys

import pytest

import reslim

HEAVY = {"torch", "matplotlib", "numba", "scipy", "xarray", "pandas", "sklearn", "h5py"}


def loaded(code: str, whole: bool = False) -> set[str]:
    """Return the modules that a fresh interpreter has loaded after `code`: the top-level ones, or by their whole names."""
    show = "import sys; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", f"{code}\n{show}"], capture_output=True, text=True, check=True)
    return {name if whole else name.partition(".")[0] for name in run.stdout.split()}


def test_heavy_modules_would_be_seen():
    assert {"xarray", "pandas"} <= loaded("import reslim.results")


def test_importing_reslim_loads_nothing_but_itself():
    assert not loaded("import reslim") & (HEAVY | {"numpy", "typer", "rich"})


def test_a_network_needs_numpy_only():
    found = loaded("import reslim; reslim.ResNet.marion(depth=3, width=4, coupling=reslim.Smooth()); reslim.QUANTITIES")
    assert "numpy" in found
    assert not found & HEAVY


def test_help_needs_no_arrays():
    found = loaded(
        "import io, sys; from contextlib import redirect_stdout; from reslim.cli.main import main\n"
        "with redirect_stdout(io.StringIO()): assert main(['--help']) == 0"
    )
    assert not found & (HEAVY | {"numpy"})


@pytest.mark.parametrize("more", [[], ["--summary"]])
def test_simulating_loads_no_more_than_it_needs(more):
    """Start-up: what numba and xarray bring takes long enough."""
    argv = ["simulate", "--depth", "2", "--width", "2", "--replicas", "2", "--threads", "1", "--json", *more]
    found = loaded(
        "import io, sys; sys.modules['dask'] = None  # which xarray loads, and with it scipy, where it is installed\n"
        "from contextlib import redirect_stdout; from reslim.cli.main import main\n"
        f"with redirect_stdout(io.StringIO()): assert main({argv}) == 0",
        whole=True,
    )
    assert {"numba.core", "xarray"} <= found
    needless = {"scipy.stats", "scipy.special", "scipy.optimize", "matplotlib", "sklearn", "torch", "h5py", "rich.progress"}
    assert not found & needless


@pytest.mark.parametrize("name", reslim.__all__)
def test_every_public_name_is_there_and_documented(name):
    assert getattr(reslim, name) is getattr(reslim, name)
    assert name in dir(reslim)
    if name != "QUANTITIES":
        assert getattr(reslim, name).__doc__


def test_every_public_name_has_a_home():
    assert sorted([*reslim.__all__, "pytorch", "train_grid"]) == sorted(reslim._HOMES)


def test_pytorch_is_loaded_on_first_use_and_not_by_a_star():
    assert "torch" not in loaded("from reslim import *; build = getattr(plot, 'density')")
    assert "torch" in loaded("import reslim; reslim.pytorch.build")


def test_other_names_are_not_there():
    with pytest.raises(AttributeError, match="module 'reslim' has no attribute 'simulte'"):
        _ = reslim.simulte
