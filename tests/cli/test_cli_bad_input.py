"""Bad input: one clear line on stderr, status 2, nothing on stdout, nothing written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

SMALL = ("--depth", "3", "--width", "3", "--replicas", "5", "--threads", "1")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Work in a folder of bad files, which must be as it was afterwards."""
    (tmp_path / "inputs").mkdir()
    monkeypatch.chdir(tmp_path / "inputs")
    np.save("short.npy", np.ones((2, 4)))
    np.save("nan.npy", np.array([[1.0, np.nan]]))
    np.save("zero.npy", np.zeros((1, 10)))
    np.save("flat.npy", np.ones(10))
    np.save("empty.npy", np.ones((0, 10)))
    np.save("text.npy", np.array(["a"]))
    np.save("complex.npy", np.ones((1, 10), dtype=complex))
    np.save("object.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.savez("many.npz", a=np.ones(3))
    files = {
        "damaged.npy": b"\x93NUMPY\x01\x00garbage",
        "cut.npy": Path("short.npy").read_bytes()[:-8],
        "nothing.npy": b"",
        "notjson.json": b"{depth: 3",
        "binary.json": b"\xff\xfe\x00",
        "deep.json": b"[" * 100_000,
        "list.json": b"[1, 2]",
        "field.json": b'{"depth": 3, "width": 3, "widht": 4}',
        "nan.json": b'{"depth": 3, "width": 3, "skip": NaN}',
        "digits.json": b'{"depth": ' + b"1" * 5000 + b', "width": 3}',
        "branch.json": b'{"depth": 3, "width": 3, "branch": {"gamma": 1}}',
        "coupling.json": b'{"depth": 3, "width": 3, "coupling": {"name": []}}',
    }
    for name, content in files.items():
        (tmp_path / "inputs" / name).write_bytes(content)
    before = sorted(tmp_path.rglob("*"))
    yield tmp_path
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("--depth 0", "--depth must be a positive integer, got 0."),
        ("--width 0", "--width must be a positive integer, got 0."),
        ("--depth 1.5", "--depth must be a positive integer, got 1.5."),
        ("--depth ten", "--depth must be a positive integer, got 'ten'."),
        ("--skip nan", "--skip must be finite, got nan."),
        ("--branch inf", "--branch must be finite, got inf."),
        ("--branch 1,nan,1", "--branch must be finite, got nan."),
        ("--variance 0", "--variance must be between 1e-50 and 1e+50, got 0.0."),
        ("--variance -1", "--variance must be between"),
        ("--skip 0 --branch 0", "--skip and branch must not both be zero"),
        ("--skip 1,2", "--skip must be a number or have one value a layer (3), got 2 values."),
        ("--activation rleu", "Did you mean 'relu'?"),
        ("--block three-matrix", "--block must be one of one-matrix, two-matrix"),
        ("--entries cauchy", "--entries must be one of gaussian"),
        ("--quantities log_groth", "Did you mean 'log_growth'?"),
        ("--quantities ,", "--quantities must name known quantities, got ''"),
        ("--quantities overlap", "overlap needs at least two inputs"),
        ("--layers 4", "--layers must lie between 0 and the depth 3, got 4."),
        ("--layers some", "--layers must be auto, all, last or a list"),
        ("--layers 3 --quantities active_energy", "--layers must hold a layer of active_energy"),
        ("--hurst 0.7 --entries uniform", "must be gaussian where the weights are coupled across depth"),
        ("--replicas 0", "--replicas must be a positive integer, got 0."),
        ("--replicas 1e12", "Use simulate --summary for their summary, or ask for fewer replicas, --layers last"),
        ("--replicas many", "--replicas must be a positive integer, got 'many'."),
        ("--seed -1", "--seed must be an integer from 0"),
        ("--seed x", "--seed must be an integer, got 'x'."),
        ("--threads 0", "--threads must be a positive integer, got 0."),
        ("--method fast", "--method must be one of auto"),
        ("--method radial", "--method 'radial' holds for"),
        ("--precision half", "--precision must be one of single, double"),
        ("--inputs short.npy --n-in 3", "--inputs must have the shape (m, 3), got the shape (2, 4). Set --n-in 4"),
        ("--inputs flat.npy", "--inputs must have the shape (m, 10), got the shape (10,)"),
        ("--inputs empty.npy", "--inputs must have the shape (m, 10)"),
        ("--inputs nan.npy", "--inputs must be finite, got NaN or infinity in row 0."),
        ("--inputs zero.npy", "--inputs must not be zero"),
        ("--inputs text.npy", "must hold one array of real numbers"),
        ("--inputs complex.npy", "must hold one array of real numbers"),
        ("--inputs object.npy", "object.npy: is not a NumPy array of numbers"),
        ("--inputs damaged.npy", "damaged.npy: is not a NumPy array of numbers"),
        ("--inputs cut.npy", "cut.npy: is not a NumPy array of numbers"),
        ("--inputs nothing.npy", "nothing.npy: is not a NumPy array of numbers"),
        ("--inputs many.npz", "--inputs must be a .npy file or digits:0,1,2"),
        ("--inputs none.npy", "--inputs none.npy: No such file or directory."),
        ("--inputs digits:", "--inputs must list digits by index"),
        ("--inputs digits:0,1797", "the digits of --inputs must lie between 0 and 1796, got 1797."),
        ("--spec none.json", "--spec none.json: No such file or directory."),
        ("--spec .", "--spec .: Is a directory."),
        ("--spec notjson.json", "--spec notjson.json: is not JSON ("),
        ("--spec binary.json", "--spec binary.json: is not UTF-8 text."),
        ("--spec deep.json", "--spec deep.json: is not JSON ("),
        ("--spec list.json", "--spec list.json: must be a JSON object"),
        ("--spec field.json", "Did you mean 'width'?"),
        ("--spec nan.json", "--spec nan.json: skip must be finite, got nan."),
        ("--spec digits.json", "--spec digits.json: is not JSON ("),
        ("--spec branch.json", "--spec branch.json: branch must be an object such as"),
        ("--spec coupling.json", "--spec coupling.json: coupling must be one of"),
        ("--out none/draws.nc", "--out must lie in a folder that exists, got 'none/draws.nc'."),
        ("--out .", "--out must be a file, not a folder, got '.'."),
        ("--dept 3", "no such option: --dept"),
        ("--seed", "option '--seed' requires an argument. Try reslim simulate --help."),
        ("extra", "got unexpected extra argument"),
        ("--balanced=3", "option '--balanced' does not take a value"),
    ],
)
def test_simulate_refuses(run, folder, words, line):
    assert line in run("simulate", *SMALL, *words.split()).complaint


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("--level x", "--level must be a number, got 'x'."),
        ("--level nan", "--level must be finite, got nan."),
        ("--level 2", "--level must lie strictly between 0 and 1, got 2.0."),
        ("--plot none/f.png", "--plot must lie in a folder that exists"),
        ("--plot f.xyz", "--plot must end in .png, .pdf or .svg, got 'f.xyz'."),
        ("--plot f.png --out f.png", "--plot and --out must be two files"),
        ("--correction magic", "--correction must"),
        ("--out none/draws.nc", "--out must lie in a folder that exists"),
        ("--quantities log_groth", "Did you mean 'log_growth'?"),
        ("--replicas 1e12", "--replicas must fit into memory"),
    ],
)
def test_compare_refuses(run, folder, words, line):
    assert line in run("compare", *SMALL, *words.split()).complaint


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("--replicas 3", "no such option: --replicas"),
        ("--depth 0", "--depth must be a positive integer, got 0."),
        ("--inputs nan.npy", "--inputs must be finite"),
        ("--out none/laws.nc", "--out must lie in a folder that exists"),
    ],
)
def test_predict_refuses(run, folder, words, line):
    assert line in run("predict", "--depth", "3", "--width", "3", *words.split()).complaint


@pytest.mark.parametrize(
    ("argv", "line"),
    [
        (["predit"], "no such command 'predit'"),
        (["--nope"], "no such option: --nope"),
        (["simulate"], "--depth and --width are missing. For example: --depth 100 --width 100."),
        (["simulate", "--depth", "3"], "--width is missing."),
        (["demo", "--out", "none/folder"], "--out must lie in a folder that exists"),
        (["demo", "--out", "short.npy"], "--out must be a folder"),
        (["simulate", "--depth", "3", "a\nb\x1b[31m"], "unexpected extra argument"),
    ],
)
def test_usage(run, folder, argv, line):
    assert line in run(*argv).complaint


def test_a_missing_package_is_named(run, monkeypatch):
    from reslim import data

    data.every_digit.cache_clear()
    monkeypatch.setitem(__import__("sys").modules, "sklearn.datasets", None)
    assert 'pip install "reslim[demo]"' in run("simulate", *SMALL, "--inputs", "digits:0").complaint


def test_a_bug_is_one_line(run, monkeypatch):
    monkeypatch.setattr("reslim.simulation.simulate.simulate", _bug)
    monkeypatch.setattr("reslim.simulate", _bug, raising=False)
    outcome = run("simulate", *SMALL)
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err.startswith("reslim: internal error: ZeroDivisionError: by zero; please report it")
    assert len(outcome.err.splitlines()) == 1
    monkeypatch.setenv("RESLIM_TRACEBACK", "1")
    with pytest.raises(ZeroDivisionError):
        run("simulate", *SMALL)


def _bug(*args, **kwargs):
    raise ZeroDivisionError("by\nzero")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (MemoryError(), "not enough memory. Ask for a smaller network"),
        (PermissionError(13, "Permission denied", "draws.nc"), "draws.nc: Permission denied."),
        (NotImplementedError("no formula"), "no formula"),
        (ModuleNotFoundError("no", name="matplotlib"), 'figures need matplotlib: pip install "reslim[demo]"'),
    ],
)
def test_errors_of_the_system(run, monkeypatch, error, line):
    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr("reslim.simulate", fail, raising=False)
    assert line in run("simulate", *SMALL).complaint
