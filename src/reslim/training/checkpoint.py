"""Checkpoints: all that changes in training, after an epoch. Two are kept, so that a damaged one costs an epoch and no more."""

from __future__ import annotations

import os
import pickle
import sys
from pathlib import Path
from typing import Any

import torch

from reslim import results
from reslim.errors import BadValue

LATEST, BEFORE = "checkpoint.pt", "checkpoint.before.pt"


class Checkpoints:
    """The checkpoints of one training in a folder; `identity` says of which, and another's is refused."""

    def __init__(self, folder: Path, identity: str) -> None:
        self.folder, self.identity = folder, identity

    def write(self, state: dict[str, Any]) -> None:
        """Write a checkpoint, wholly or not at all; the one before stays beside it."""
        latest = self.folder / LATEST
        if latest.exists():
            os.replace(latest, self.folder / BEFORE)
        whole = state | {"identity": self.identity}
        results.write_atomically(latest, lambda temporary: torch.save(whole, temporary))

    def read(self) -> dict[str, Any] | None:
        """Return the latest whole checkpoint, or None; name what is damaged on stderr."""
        for name in (LATEST, BEFORE):
            path = self.folder / name
            if not path.exists():
                continue
            state = _read(path)
            if state is None:
                print(f"reslim: {path} is damaged; going on from the one before it.", file=sys.stderr)
            elif state["identity"] != self.identity:
                hint = f"Take another folder than {self.folder}."
                raise BadValue("train", "out", f"holds the training of {state['identity']}", None, hint)
            else:
                return state
        return None


def _read(path: Path) -> dict[str, Any] | None:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError):  # cut short, or another file
        return None
    return state if isinstance(state, dict) and "identity" in state else None
