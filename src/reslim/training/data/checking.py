"""What images and labels must be before they are trained on; each failure is one line."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reslim.training.data.files import refusal
from reslim.training.data.raw import Part, Raw

LARGEST = 1e15  # of a pixel: with the smallest standard deviation, 1e-15, standardised pixels stay in range of a float32


def checked(raw: Raw) -> Raw:
    """Return the source if its parts are images and labels of the same classes, all of them among the training images."""
    train = _part(raw.train, "training")
    count = _classes(train.labels)
    if raw.test is None:
        return raw._replace(train=_signed(train))
    test = _part(raw.test, "test")
    if test.images.shape[1:] != train.images.shape[1:]:
        got = f"{test.images.shape[1:]} after {train.images.shape[1:]}"
        raise refusal("must hold test images of the shape of the training images", got)
    if test.labels.max() >= count:
        got = f"the label {test.labels.max()}"
        raise refusal(f"must hold test labels from 0 to {count - 1}, as in the training part", got)
    return raw._replace(train=_signed(train), test=_signed(test))


def _signed(part: Part) -> Part:
    return Part(part.images, part.labels.astype(np.int64))


def _part(part: Part, which: str) -> Part:
    images, labels = part
    if images.dtype.kind not in "biuf" or images.ndim < 2 or images.size == 0:
        raise refusal(f"must hold {which} images as numbers of shape (m, …)", f"{images.dtype} of shape {images.shape}")
    if labels.dtype.kind not in "iu":
        raise refusal(f"must hold {which} labels that are integers", f"{labels.dtype}", "Store them as int64.")
    if labels.shape != images.shape[:1]:
        raise refusal(f"must hold one label for each of {len(images)} {which} images", f"labels of shape {labels.shape}")
    _check_pixels(images, which)
    if labels.min() < 0:
        raise refusal(f"must hold {which} labels from 0", f"the label {labels.min()}")
    return part


def _check_pixels(images: NDArray[Any], which: str) -> None:
    if -LARGEST <= float(images.min()) and float(images.max()) <= LARGEST:  # no temporary array; NaN is neither
        return
    for row, image in enumerate(images):
        wide = image.astype(np.longdouble)
        wrong = wide[~(np.abs(wide) <= LARGEST)]
        if wrong.size:
            got = f"{float(wrong[0]):g} in {which} image {row}"
            raise refusal(f"must hold finite pixels of magnitude up to {LARGEST:g}", got)


def _classes(labels: NDArray[Any]) -> int:
    """Return the number of classes of the labels 0 … K - 1, none of them missing."""
    present = np.unique(labels)
    if len(present) < 2:
        raise refusal("must hold two classes or more", f"only the label {present[0]}")
    gap = np.flatnonzero(present != np.arange(len(present)))
    if gap.size:
        hint = "Number the classes 0, 1, 2, … without a gap."
        raise refusal(f"must hold training images of every class from 0 to {present[-1]}", f"none of class {gap[0]}", hint)
    return len(present)
