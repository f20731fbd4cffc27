"""IDX files, the format of MNIST and its kin: a magic number, the sizes of the dimensions, then bytes.

Each number of the head is a big-endian integer of 32 bits; the magic number is 0x0800 plus the number of dimensions
for unsigned bytes, the only type that images and labels come in.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reslim.training.data.files import content, folder, refusal
from reslim.training.data.raw import Part, Raw

UNSIGNED_BYTES = 0x0800
AGAIN = "Copy the file again."


def read(text: str) -> Raw:
    """Return the training and test part of a folder of four IDX files."""
    return from_folder(folder("idx:DIR", text))


def from_folder(path: Path, name: str | None = None) -> Raw:
    """Return both parts; the name is the folder's unless one is given."""
    return Raw(name or path.resolve().name, str(path), _part(path, "train"), _part(path, "t10k"))


def _part(path: Path, prefix: str) -> Part:
    return Part(array(_file(path, f"{prefix}-images", 3), 3), array(_file(path, f"{prefix}-labels", 1), 1))


def _file(path: Path, stem: str, dims: int) -> Path:
    names = [f"{stem}{dot}idx{dims}-ubyte{gz}" for gz in ("", ".gz") for dot in "-."]
    for name in names:
        if (path / name).exists():
            return path / name
    raise refusal(f"needs the file {names[0]} or {names[2]}", f"none in {path}")


def array(path: Path, dims: int) -> NDArray[np.uint8]:
    """Return the array of an IDX file that must have this many dimensions and end where its head says."""
    raw, head = content(path), 4 * (1 + dims)
    magic = UNSIGNED_BYTES + dims
    if len(raw) >= 4 and int.from_bytes(raw[:4]) != magic:
        got = f"0x{raw[:4].hex()} in {path.name}"
        raise refusal(f"must hold IDX files of unsigned bytes that begin with 0x{magic:08x}", got)
    if len(raw) < head:
        raise refusal(f"must hold whole IDX files: a head of {head} bytes", f"{len(raw)} bytes in {path.name}", AGAIN)
    shape = tuple(int.from_bytes(raw[at : at + 4]) for at in range(4, head, 4))
    expected = head + math.prod(shape)
    if len(raw) != expected:
        raise refusal(f"must hold whole IDX files: {expected} bytes by its head", f"{len(raw)} bytes in {path.name}", AGAIN)
    return np.frombuffer(raw, dtype=np.uint8, offset=head).reshape(shape)
