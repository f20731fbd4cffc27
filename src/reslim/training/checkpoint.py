"""Checkpoints: all that changes in training, after an epoch. Two are kept, so that a damaged one costs an epoch and no more."""

from __future__ import annotations

import os
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import torch

from reslim import results
from reslim.errors import BadValue

LATEST, BEFORE = "checkpoint.pt", "checkpoint.before.pt"
STALE = 60.0  # seconds after which a temporary file is nobody's


class Checkpoints:
    """The checkpoints of one training in a folder; `identity` says of which, and another's is refused."""

    def __init__(self, folder: Path, identity: str) -> None:
        self.folder, self.identity = folder, identity
        self._whole = False  # whether the latest is known to be

    def write(self, state: dict[str, Any]) -> None:
        """Write a checkpoint, wholly or not at all; the whole one before stays beside it."""
        latest, whole = self.folder / LATEST, state | {"identity": self.identity}

        def save(temporary: str) -> None:
            torch.save(whole, temporary)
            if self._whole:  # not before the new one is written: a kill meanwhile would cost an epoch
                os.replace(latest, self.folder / BEFORE)

        results.write_atomically(latest, save)
        self._whole = True

    def read(self) -> dict[str, Any] | None:
        """Return the latest whole checkpoint, or None; name what is damaged on stderr."""
        self._remove_leftovers()
        paths = [path for path in (self.folder / LATEST, self.folder / BEFORE) if path.exists()]
        for path in paths:
            state = _read(path)
            if state is None:
                way_on = "starting anew" if path == paths[-1] else "going on from the one before it"
                print(f"reslim: {path} is damaged; {way_on}.", file=sys.stderr)
            elif state["identity"] != self.identity:
                hint = f"Take another folder than {self.folder}."
                raise BadValue("train", "out", f"holds the training of {state['identity']}", None, hint)
            else:
                self._whole = path.name == LATEST
                return state
        return None

    def _remove_leftovers(self) -> None:
        """Remove what a kill in the middle of writing leaves: each is as large as a checkpoint."""
        for path in self.folder.glob(f".{LATEST}.*"):
            if time.time() - path.stat().st_mtime > STALE:
                path.unlink(missing_ok=True)


def _read(path: Path) -> dict[str, Any] | None:
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.testzip() is not None:  # PyTorch itself does not look at the checksums
                return None
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (MemoryError, PermissionError):
        raise
    except Exception:  # a damaged file can raise nearly anything
        return None
    return state if isinstance(state, dict) and "identity" in state else None
