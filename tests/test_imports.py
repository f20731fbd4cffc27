"""What importing the package costs, and that what it offers is there. Each import is made in a fresh interpreter."""

from __future__ import annotations

import subprocess
import sys

import pytest

import reslim

HEAVY = {"torch", "matplotlib", "numba", "scipy", "xarray", "pandas", "sklearn", "h5py"}


def loaded(code: str) -> set[str]:
    """Return the top-level modules that a fresh interpreter has loaded after `code`."""
    show = "import sys; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    run = subprocess.run([sys.executable, "-c", f"{code}\n{show}"], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


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


@pytest.mark.parametrize("name", reslim.__all__)
def test_every_public_name_is_there_and_documented(name):
    assert getattr(reslim, name) is getattr(reslim, name)
    assert name in dir(reslim)
    if name != "QUANTITIES":
        assert getattr(reslim, name).__doc__


def test_every_public_name_has_a_home():
    assert sorted(reslim.__all__) == sorted(reslim._HOMES)


def test_other_names_are_not_there():
    with pytest.raises(AttributeError, match="module 'reslim' has no attribute 'simulte'"):
        _ = reslim.simulte
