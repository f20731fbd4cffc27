from __future__ import annotations

import pytest

import reslim
from reslim import Fractional, Smooth


def test_json(run):
    found = run("critical", "--block", "two-matrix", "--coupling", "fractional:0.8", "--depth", "50", "--json").json
    assert list(found) == ["block", "activation", "coupling", "output", "gradient"]
    assert found["coupling"] == {"name": "fractional", "hurst": 0.8}
    assert list(found["output"]) == ["beta", "fixed_width_beta", "status", "source", "limit", "note", "line"]
    assert list(found["output"]["line"]) == ["depth", "ratio", "beta", "local_exponent", "status"]
    same = reslim.critical(coupling=Fractional(0.8), depth=50)
    assert found["gradient"]["beta"] == same.gradient.beta
    assert found["gradient"]["line"]["beta"] == same.gradient.line.beta
    assert found == run("critical", "--hurst", "0.8", "--depth", "50", "--json").json
    assert run("critical", "--json").json["output"]["line"] is None


def test_table(run):
    out = run("critical", "--block", "one-matrix", "--activation", "tanh", "--coupling", "smooth:0.2", "--depth", "20").out
    assert out.startswith(f"Critical scaling: block one-matrix, activation tanh, weights {Smooth(0.2)!r}\n")
    assert "neural ODE" in out
    assert "at L = 20" in out
    deep = run("critical", "--hurst", "0.8", "--depth", "1e5").out
    assert "extrapolated: from the identity side" in deep
    assert "at L" not in run("critical").out


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--hurst", "1.2"], "--hurst must lie strictly between 0 and 1, got 1.2."),
        (["--hurst", "x"], "--hurst must be a number, got 'x'."),
        (["--hurst", ".2", "--coupling", "independent"], "--hurst is short for a --coupling: give one of the two."),
        (["--coupling", "foo"], "--coupling must be independent, smooth:LENGTH,"),
        (["--depth", "1"], "--depth must be at least 2, got 1."),
        (["--depth", "x"], "--depth must be a positive integer, got 'x'."),
        (["--depth", "10", "--ratio", "0"], "--ratio must be between 0.01 and 100, got 0.0."),
        (["--depth", "10", "--ratio", "x"], "--ratio must be a number, got 'x'."),
        (["--block", "three"], "--block must be one of one-matrix, two-matrix, got 'three'."),
        (["--activation", "rleu"], "--activation must be one of relu,"),
        (["--width", "4"], "no such option: --width"),
    ],
)
def test_bad_lines(run, words, complaint):
    assert run("critical", *words).complaint.startswith(complaint)
