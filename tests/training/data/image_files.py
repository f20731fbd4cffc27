"""Small image files as users have them, written by hand: none of this uses the code that reads them."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

CIFAR_NAMES = [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]


def idx_bytes(array: NDArray[np.uint8]) -> bytes:
    """Return an array of bytes in the IDX format."""
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


def write_idx(
    folder: Path, *, dot: str = "-", packed: bool = False, train: int = 6, test: int = 4
) -> dict[str, NDArray[np.uint8]]:
    """Write the four files with two classes in turn; return images and labels by ``train-images`` and so on."""
    arrays = {}
    for prefix, count in (("train", train), ("t10k", test)):
        images = np.arange(count * 6, dtype=np.uint8).reshape(count, 3, 2) + len(prefix)
        arrays[f"{prefix}-images"], arrays[f"{prefix}-labels"] = images, np.arange(count, dtype=np.uint8) % 2
    for stem, array in arrays.items():
        raw = idx_bytes(array)
        name = f"{stem}{dot}idx{array.ndim}-ubyte"
        (folder / (f"{name}.gz" if packed else name)).write_bytes(gzip.compress(raw) if packed else raw)
    return arrays


def text(value: bytes) -> bytes:
    """Return a string of Python 2 as its pickles have it."""
    return b"U" + struct.pack("<B", len(value)) + value if len(value) < 256 else b"T" + struct.pack("<i", len(value)) + value


def number(value: int) -> bytes:
    """Return an integer as pickles have it."""
    return b"J" + struct.pack("<i", value)


def python2_array(array: NDArray[np.uint8], dtype: bytes = b"u1", fortran: bool = False) -> bytes:
    """Return an array as Python 2 pickled it, with the bytes of any dtype one likes to claim."""
    shape = b"(" + b"".join(number(size) for size in array.shape) + b"t"
    made = b"cnumpy.core.multiarray\n_reconstruct\n" + b"cnumpy\nndarray\n" + number(0) + b"\x85" + text(b"b") + b"\x87R"
    kind = b"cnumpy\ndtype\n" + text(dtype) + number(0) + number(1) + b"\x87R"
    kind += b"(" + number(3) + text(b"|") + b"NNN" + number(-1) + number(-1) + number(0) + b"tb"
    raw = text(array.tobytes(order="F" if fortran else "C"))
    return made + b"(" + number(1) + shape + kind + (b"\x88" if fortran else b"\x89") + raw + b"tb"


def python2_batch(images: bytes, labels: bytes) -> bytes:
    """Return a CIFAR-10 batch of these two pickled values."""
    entries = [(b"batch_label", text(b"training batch 1 of 5")), (b"labels", labels), (b"data", images), (b"filenames", b"]")]
    return b"\x80\x02}(" + b"".join(text(key) + value for key, value in entries) + b"u."


def label_list(labels: list[int]) -> bytes:
    """Return a pickled list of integers."""
    return b"](" + b"".join(number(label) for label in labels) + b"e"


def write_cifar(folder: Path, each: int = 4) -> dict[str, tuple[NDArray[np.uint8], list[int]]]:
    """Write the six batches; return the images, shape (each, 3072), and the labels of each."""
    batches = {}
    for order, name in enumerate(CIFAR_NAMES):
        images = (np.arange(each * 3072) * (order + 3) % 251).astype(np.uint8).reshape(each, 3072)
        labels = [(order + place) % 4 for place in range(each)]
        (folder / name).write_bytes(python2_batch(python2_array(images), label_list(labels)))
        batches[name] = images, labels
    return batches
