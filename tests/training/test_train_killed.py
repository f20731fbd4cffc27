"""Real processes, real SIGKILLs and a real Ctrl-C: the same command goes on, and ends with the same bits."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from killed import EPOCHS

from ctrl_c import hear_ctrl_c

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
KILLS = 8
LINE = [sys.executable, "-c", "import sys; from reslim.cli.main import main; sys.exit(main())"]
LONG = "train --depth 20 --width 16 --epochs 100000 --limit 100 --batch 50 --out out".split()


def test_killed_at_random_moments(tmp_path):
    argv = [sys.executable, str(Path(__file__).with_name("killed.py")), str(tmp_path), str(KILLS)]
    ended = subprocess.run(argv, capture_output=True, text=True, timeout=300, env=os.environ | {"OMP_NUM_THREADS": "1"})
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    assert found["killed"] >= 3, found
    assert any(0 < epoch < EPOCHS for epoch in found["epochs"]), found
    assert found["same_result"], found
    assert found["same_weights"], found
    assert found["said"] == ""


def test_ctrl_c_says_how_to_go_on(tmp_path):
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "cwd": tmp_path}
    with subprocess.Popen([*LINE, *LONG], preexec_fn=hear_ctrl_c, **options) as process:
        patience = time.monotonic() + 120
        while not (tmp_path / "out" / "checkpoint.pt").exists() and time.monotonic() < patience and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    line = "reslim: interrupted. The epochs that were finished are kept; the same command goes on with them.\n"
    assert (process.returncode, out, err) == (130, "", line)
