"""Real processes and real SIGKILLs: nothing that was finished is lost or repeated, and the table is the same to the bit."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import BrokenExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from swept import chunks, sweep, tables

from ctrl_c import hear_ctrl_c
from reslim.experiments.sweep.workers import Workers

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
KILLS = 14
HERE = Path(__file__).parent
# Eight cells of about half a second, each a chunk.
WORDS = "sweep --preset marion --entries gaussian --depth 300 --width 40 --replicas 400 --quantities log_displacement".split()
LINE = [
    sys.executable,
    "-c",
    "import sys; from reslim.experiments.sweep import simulation; simulation.CHUNK_COST = 0.0; "
    "from reslim.cli.main import main; sys.exit(main())",
]
GRID = [*WORDS, "--vary", "beta=0.25,0.5,1,2", "--vary", "n-out=1,2"]


def test_killed_at_random_moments(tmp_path):
    argv = [sys.executable, str(HERE / "killed.py"), str(tmp_path), str(KILLS)]
    ended = subprocess.run(argv, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    assert found["killed"] >= 10, found
    assert len({count for count in found["chunks"] if 0 < count < 48}) >= 2, found
    assert found["chunks"][-1] == 48
    assert found["kept"], found
    assert found["identical"], found


@contextmanager
def started(out: Path, *more: str):
    """Start the command on two workers; yield the process when the first chunk is there."""
    argv = [*LINE, *GRID, "--jobs", "2", "--out", str(out), *more]
    options = {"stderr": subprocess.PIPE, "text": True, "start_new_session": True, "preexec_fn": hear_ctrl_c}
    with subprocess.Popen(argv, **options) as process:
        patience = time.monotonic() + 120
        while not (out.exists() and chunks(out)) and time.monotonic() < patience and process.poll() is None:
            time.sleep(0.01)
        assert chunks(out)
        yield process


def workers_of(pid: int) -> list[int]:
    """Return the worker processes of a process, by their command lines."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == pid and b"spawn_main" in (path / "cmdline").read_bytes():
                found.append(int(path.name))
        except (OSError, ValueError):
            continue
    return found


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The same sweep, in one thread and one chunk, without interruption."""
    from reslim import ResNet

    out = tmp_path_factory.mktemp("whole") / "out"
    net = ResNet.marion(depth=300, width=40, entries="gaussian")
    vary = {"beta": [0.25, 0.5, 1.0, 2.0], "n_out": [1, 2]}
    with ThreadPoolExecutor(1) as thread:
        sweep(out, net=net, vary=vary, replicas=400, seed=0, quantities=["log_displacement"], executor=thread)
    return tables(out)[0]


@pytest.mark.skipif(not Path("/proc").exists(), reason="finds the workers in /proc")
def test_a_worker_and_then_the_command_are_killed(tmp_path, whole):
    out = tmp_path / "out"
    with started(out) as process:
        workers = workers_of(process.pid)
        assert len(workers) == 2
        os.kill(workers[0], signal.SIGKILL)
        seen = len(chunks(out))
        while len(chunks(out)) < seen + 1:
            assert process.poll() is None
            time.sleep(0.01)
        process.kill()
        process.wait()
        before = chunks(out)
        orphans = [worker for worker in workers_of(process.pid) + workers if is_running(worker)]
        patience = time.monotonic() + 20
        while any(map(is_running, orphans)) and time.monotonic() < patience:
            time.sleep(0.05)
        assert not any(map(is_running, orphans))
    ended = subprocess.run([*LINE, "sweep", "--resume", str(out)], capture_output=True, text=True, timeout=120)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert chunks(out).items() >= before.items()
    assert tables(out)[0] == whole


def test_ctrl_c_says_how_to_go_on(tmp_path, whole):
    out = tmp_path / "out"
    with started(out) as process:
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers too
        assert process.stderr is not None
        err = process.stderr.read()
        line = f"reslim: interrupted. What is finished is kept; go on with: reslim sweep --resume {out}\n"
        assert (process.wait(timeout=60), err) == (130, line)
    before = chunks(out)
    # two at once on the same folder
    both = [subprocess.Popen([*LINE, "sweep", "--resume", str(out), "--jobs", "1"], stderr=subprocess.PIPE) for _ in range(2)]
    assert [process.communicate(timeout=120)[1] for process in both] == [b"", b""]
    assert [process.returncode for process in both] == [0, 0]
    assert chunks(out).keys() >= before.keys()
    assert len(chunks(out)) == 8
    assert tables(out)[0] == whole


def test_ctrl_c_is_the_parents_to_answer():
    with Workers(1) as workers:
        pid = workers.submit(os.getpid).result(timeout=60)
        os.kill(pid, signal.SIGINT)
        time.sleep(0.2)
        assert workers.submit(os.getpid).result(timeout=60) == pid


def test_the_death_of_a_worker_costs_its_own_call_alone():
    with Workers(2) as workers:
        first, second = workers.submit(os.getpid).result(timeout=60), workers.submit(time.sleep, 0.0)
        second.result(timeout=60)
        doomed, spared = workers.submit(time.sleep, 60.0), workers.submit(time.sleep, 1.0)
        os.kill(first, signal.SIGKILL)
        with pytest.raises(BrokenExecutor):
            doomed.result(timeout=30)
        assert spared.result(timeout=30) is None
        assert workers.submit(os.getpid).result(timeout=60) != first
        workers.submit(time.sleep, 600.0)
    assert not multiprocessing.active_children()
