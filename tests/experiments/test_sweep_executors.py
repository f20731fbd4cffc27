"""The same bits from every executor, and what becomes of a sweep when a Dask worker is killed."""

from __future__ import annotations

import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Thread
from time import monotonic, sleep

import pytest
from swept import chunks, one_cell_a_chunk, sweep, tables

import reslim
from reslim.experiments.sweep import executors

distributed = pytest.importorskip("distributed")
pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals"),
    pytest.mark.filterwarnings("ignore"),  # those of a cluster whose worker is killed
]
SLOW = {
    "net": reslim.ResNet.marion(depth=300, width=40, entries="gaussian"),
    "vary": {"beta": [0.1 * number for number in range(12)]},
    "replicas": 300,
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    out = tmp_path_factory.mktemp("here") / "out"
    sweep(out)
    return tables(out)


@pytest.fixture(scope="module")
def cluster():
    """Two worker processes on this machine."""
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50) as made:
        yield made


@pytest.fixture
def client(cluster):
    with distributed.Client(cluster) as made:
        yield made


def test_processes(whole, tmp_path, monkeypatch):
    one_cell_a_chunk(monkeypatch)
    sweep(tmp_path / "out", executor="processes", jobs=2)
    assert tables(tmp_path / "out") == whole


def test_threads(whole, tmp_path, monkeypatch):
    one_cell_a_chunk(monkeypatch)
    with ThreadPoolExecutor(2) as threads:
        sweep(tmp_path / "out", executor=threads)
        assert threads.submit(int).result() == 0  # it is left open
    assert tables(tmp_path / "out") == whole


def test_a_running_scheduler(whole, cluster, tmp_path, monkeypatch):
    one_cell_a_chunk(monkeypatch)
    sweep(tmp_path / "out", executor=f"dask:{cluster.scheduler_address}")
    assert tables(tmp_path / "out") == whole


def test_a_cluster_of_our_own(whole, tmp_path):
    sweep(tmp_path / "out", executor="dask", jobs=1)
    assert tables(tmp_path / "out") == whole


def test_a_dask_worker_is_killed(client, tmp_path, monkeypatch):
    one_cell_a_chunk(monkeypatch)
    sweep(tmp_path / "here", **SLOW)
    out, workers = tmp_path / "out", client.run(os.getpid)
    task = Thread(target=sweep, args=(out,), kwargs={**SLOW, "executor": client.get_executor()})
    task.start()
    patience = monotonic() + 60
    while not (out.exists() and chunks(out)) and monotonic() < patience:
        sleep(0.01)
    seen = len(chunks(out))
    os.kill(next(iter(workers.values())), signal.SIGKILL)
    task.join(timeout=120)
    assert 0 < seen < 12
    assert not task.is_alive()
    assert tables(out) == tables(tmp_path / "here")
    assert set(client.run(os.getpid).values()) != set(workers.values())


def test_a_scheduler_that_does_not_answer(tmp_path, monkeypatch):
    monkeypatch.setattr(executors, "PATIENCE", "1s")
    with pytest.raises(OSError, match=r"127\.0\.0\.1:9"):
        sweep(tmp_path / "out", executor="dask:tcp://127.0.0.1:9")
    assert (tmp_path / "out" / "plan.json").exists()


def test_no_executor_is_opened_where_nothing_is_missing(whole, tmp_path):
    sweep(tmp_path / "out")
    sweep(tmp_path / "out", executor="dask:tcp://127.0.0.1:9")
    assert tables(tmp_path / "out") == whole
