"""Run as a program: a training in a process that is killed again and again, at random moments; prints what happened as JSON.

``killed.py FOLDER TIMES`` forks a child that runs the command, lets it live for a moment, and kills it with SIGKILL; then it
lets one finish. Forks, because a fresh interpreter would spend nearly all of its life on imports.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import torch

from reslim.cli.main import main as reslim
from reslim.training.checkpoint import LATEST

EPOCHS = 30
WORDS = f"train --depth 12 --width 16 --seeds 2 --epochs {EPOCHS} --batch 64 --limit 600 --schedule cosine --out"


def command(out: Path) -> int:
    with open(out.with_suffix(".err"), "a") as errors, open(os.devnull, "w") as nowhere:
        with redirect_stderr(errors), redirect_stdout(nowhere):
            return reslim([*WORDS.split(), str(out)])


def train_in_a_child(out: Path, seconds: float | None) -> int:
    """Return the wait status of a child that trains, killed after so many seconds."""
    child = os.fork()
    if child == 0:
        os._exit(command(out))
    if seconds is not None:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1]


def epochs_of(out: Path) -> int:
    path = out / LATEST
    return torch.load(path, weights_only=True)["epoch"] if path.exists() else 0


def result_of(out: Path) -> dict:
    """Return the result without the time, which alone may differ."""
    return json.loads((out / "train.json").read_text()) | {"elapsed_s": None}


def weights_of(out: Path) -> bytes:
    state = torch.load(out / LATEST, weights_only=True)
    return b"".join(weight.numpy().tobytes() for weight in state["weights"].values())


def main(folder: Path, times: int) -> None:
    torch.set_num_threads(1)
    whole, killed = folder / "whole", folder / "killed"
    assert command(folder / "first") == 0  # imports
    started = time.perf_counter()
    assert train_in_a_child(whole, None) == 0
    took, kills, history = time.perf_counter() - started, 0, []
    for _ in range(times):
        status = train_in_a_child(killed, random.uniform(0.0, 0.3) * took)
        kills += os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        history.append(epochs_of(killed))
    assert train_in_a_child(killed, None) == 0
    print(
        json.dumps(
            {
                "killed": kills,
                "epochs": history,
                "same_result": result_of(killed) == result_of(whole),
                "same_weights": weights_of(killed) == weights_of(whole),
                "said": killed.with_suffix(".err").read_text(),
            }
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
