"""Training and test parts, and fewer images of each: stratified, and a function of the labels and the seed alone.

The order of the images is that of raw 64-bit words of Philox, whose stream no release of NumPy changes, so that a seed
chooses the same images on every machine.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reslim.errors import BadValue
from reslim.training.data.raw import Part, Raw

Rows = NDArray[np.int64]
SPLIT, TRAINING, TEST = range(3)  # streams of the same seed


def parts(raw: Raw, seed: int, test_share: float) -> tuple[Part, Part]:
    """Return the official parts, or those that the seed makes, each in the order of the source."""
    if raw.test is not None:
        return raw.train, raw.test
    rows = test_rows(raw.train.labels, seed, test_share)
    if not rows.any():
        raise BadValue("load", "test_share", "must leave a test image", test_share)
    if np.bincount(raw.train.labels[~rows], minlength=int(raw.train.labels.max()) + 1).min() == 0:
        raise BadValue("load", "test_share", "must leave a training image of every class", test_share)
    return raw.train.take(np.flatnonzero(~rows)), raw.train.take(np.flatnonzero(rows))


def limited(train: Part, test: Part, seed: int, limit: int | None) -> tuple[Part, Part]:
    """Return at most this many images of each part, each in the order of the source."""
    if limit is None:
        return train, test
    count = int(train.labels.max()) + 1
    if limit < count:
        raise BadValue("load", "limit", f"must be at least {count}, the number of classes", limit)
    return (
        train.take(first_rows(train.labels, seed, TRAINING, limit)),
        test.take(first_rows(test.labels, seed, TEST, limit)),
    )


def test_rows(labels: Rows, seed: int, share: float) -> NDArray[np.bool_]:
    """Return which images are for testing: of every class this share, rounded."""
    place, _ = _places(labels, seed, SPLIT)
    return place < np.floor(share * np.bincount(labels)[labels] + 0.5)


def first_rows(labels: Rows, seed: int, stream: int, limit: int) -> Rows:
    """Return the rows of `limit` images, in the proportions of the classes; those of a smaller limit are among them.

    The classes take turns by the share of their images that is already chosen, so each has one of the first K.
    """
    place, words = _places(labels, seed, stream)
    return np.sort(np.lexsort((words, place / np.bincount(labels)[labels]))[:limit])


def _places(labels: Rows, seed: int, stream: int) -> tuple[Rows, NDArray[np.uint64]]:
    """Return the place of each image, from 0, in a random order of its class, and the random words."""
    words = np.random.Philox(key=np.array([seed, stream], dtype=np.uint64)).random_raw(len(labels))
    counts = np.bincount(labels)
    place = np.empty(len(labels), dtype=np.int64)
    place[np.lexsort((words, labels))] = np.concatenate([np.arange(count) for count in counts])
    return place, words
