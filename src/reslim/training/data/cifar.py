"""CIFAR-10 in its batches for Python: six pickles, read without running anything of them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reslim.training.data.files import content, folder, refusal
from reslim.training.data.raw import Part, Raw
from reslim.training.data.unpickling import byte_array, plain

SHAPE = (3, 32, 32)
TRAINING = tuple(f"data_batch_{number}" for number in range(1, 6))


def read(text: str) -> Raw:
    """Return the five training batches in their order, and the test batch."""
    path = folder("cifar10:DIR", text)
    batches = [_batch(path / name) for name in TRAINING]
    train = Part(np.concatenate([part.images for part in batches]), np.concatenate([part.labels for part in batches]))
    return Raw("cifar10", str(path), train, _batch(path / "test_batch"))


def _batch(path: Path) -> Part:
    found = plain(content(path), path.name)
    images, labels = byte_array(_entry(found, "data", path), path.name), _labels(_entry(found, "labels", path), path)
    if images.shape != (len(labels), math.prod(SHAPE)):
        raise refusal("must hold one row of 3072 bytes for each label", f"{images.shape} for {len(labels)} in {path.name}")
    return Part(images.reshape(-1, *SHAPE), labels)


def _entry(found: Any, key: str, path: Path) -> Any:
    if isinstance(found, dict):
        for name in (key, key.encode()):
            if name in found:
                return found[name]
    raise refusal(f"must hold batches with {key!r}", f"none in {path.name}")


def _labels(value: Any, path: Path) -> NDArray[np.int64]:
    if not isinstance(value, list) or not all(type(label) is int and 0 <= label < 10 for label in value):
        raise refusal("must hold labels that are integers from 0 to 9", f"other labels in {path.name}")
    return np.asarray(value, dtype=np.int64)
