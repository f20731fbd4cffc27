"""What only a process of its own shows: interrupts, closed pipes, the time of --help."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

from ctrl_c import hear_ctrl_c

READY = "import sys; from reslim.cli.main import main; print('ready', file=sys.stderr, flush=True); sys.exit(main())"
LONG = ["simulate", "--depth", "300", "--width", "300", "--replicas", "1000000", "--threads", "1", "--layers", "last"]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")


def start(argv, **more):
    return subprocess.Popen(
        [sys.executable, "-c", READY, *argv],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=hear_ctrl_c,
        **more,
    )


def test_interrupt_in_the_middle(tmp_path):
    with start([*LONG, "--out", "draws.nc"], cwd=tmp_path) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "ready\n"
        time.sleep(3.0)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=240)  # a busy machine may still be compiling
    assert (process.returncode, out, err) == (130, "", "reslim: interrupted; no file is half-written.\n")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("argv", [["--help"], ["simulate", "--depth", "2", "--width", "2", "--replicas", "2", "--json"]])
def test_a_reader_who_has_gone_away(argv):
    with start(argv) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        err = process.stderr.read()
        assert (process.wait(timeout=60), err) == (0, "ready\n")


def test_a_terminal_without_symbols():
    found = subprocess.run(
        [sys.executable, "-c", READY, "predict", "--help"], capture_output=True, env={"PYTHONIOENCODING": "ascii"}, timeout=60
    )
    assert (found.returncode, found.stderr) == (0, b"ready\n")


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from reslim.cli.main import main; status = main(['--help']); "
        "heavy = {'numpy', 'scipy', 'numba', 'xarray', 'matplotlib', 'sklearn', 'torch'} & set(sys.modules); "
        "sys.exit(status or (str(sorted(heavy)) if heavy else 0))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (found.returncode, found.stderr) == (0, "")
