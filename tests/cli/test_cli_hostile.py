"""Random and hostile command lines: a known status, no traceback, and silence on stdout where the status is 2."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

SMALL = ["--depth", "2", "--width", "2", "--replicas", "4", "--threads", "1"]
COMMANDS = ["predict", "simulate", "compare"]
VALUES = [
    "0", "1", "2", "3", "-1", "1.5", "nan", "inf", "-inf", "1e30", "1e400", "1e-400", "1e50", "-1e50", "", " ", ",", "0,1",
    "1,2,3", "x", "L^-0.5", "2*L^-1", "L^1e9", "relu", "tanh", "leaky_relu:0.1", "leaky_relu:", "two-matrix", "uniform", "marion",
    "smooth:0.1", "fractional:0.7", "independent", "all", "last", "auto", "explicit", "radial", "double", "fitted",
    "log_growth", "log_growth,log_grad_growth", "overlap,output", "log_ntk,log_weight_grad", "digits:0", "digits:0,1", "digits:x",
    "none.npy", "/none/none.nc", "/", "-", "--", "\0", "\x1b[31m", "\n", "é∞", "🦔", "[red]", "%s", "{}", "$HOME", "../..",
]  # fmt: skip
OPTIONS = [
    "skip", "branch", "beta", "variance", "activation", "block", "entries", "coupling", "hurst", "n-out", "preset", "spec",
    "quantities", "layers", "inputs", "correction", "seed", "method", "precision", "level",
]  # fmt: skip
SIZES = ["depth", "width", "replicas", "threads", "n-in"]
FLAGS = ["--balanced", "--no-balanced", "--covariance", "--json", "--help", "--version", "--nope", "-h", "extra"]

texts = st.one_of(st.sampled_from(VALUES), st.text(max_size=8))
small = st.sampled_from(["0", "1", "2", "3", "-1", "1.5", "nan", "x", ""])
options = st.one_of(
    st.tuples(st.sampled_from(OPTIONS), texts).map(lambda pair: [f"--{pair[0]}", pair[1]]),
    st.tuples(st.sampled_from(SIZES), small).map(lambda pair: [f"--{pair[0]}", pair[1]]),
    st.sampled_from(["/none/file.nc", "", ".", "\0"]).map(lambda path: ["--out", path]),
    st.sampled_from(FLAGS).map(lambda flag: [flag]),
)
lines = st.tuples(st.sampled_from(COMMANDS), st.lists(options, max_size=4)).map(
    lambda drawn: [drawn[0], *(SMALL if drawn[0] != "predict" else SMALL[:4]), *(word for words in drawn[1] for word in words)]
)


def check(outcome):
    assert outcome.status in (0, 1, 2)
    assert "Traceback" not in outcome.err
    assert "internal error" not in outcome.err, outcome.err
    if outcome.status == 2:
        assert outcome.complaint


@given(lines)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_hostile_command_lines(run, line):
    check(run(*line))


@given(st.lists(st.text(max_size=10), max_size=4))
@settings(max_examples=100, deadline=None)
def test_random_words(run, words):
    check(run(*words))
