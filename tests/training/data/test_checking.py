from __future__ import annotations

import numpy as np
import pytest

from reslim.training.data.checking import checked
from reslim.training.data.raw import Part, Raw

X = np.arange(24.0).reshape(6, 2, 2)
Y = np.array([0, 1, 2, 0, 1, 2])


def check(images=X, labels=Y, test=None) -> Raw:
    return checked(Raw("a", "b", Part(np.asarray(images), np.asarray(labels)), test and Part(*map(np.asarray, test))))


def with_pixel(value, dtype=np.float64):
    images = X.astype(dtype)
    images[4, 1, 0] = value
    return images


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint64, np.int64])
def test_labels_of_every_integer_type_become_int64(dtype):
    found = check(labels=Y.astype(dtype), test=(X[:2], Y[:2].astype(dtype)))
    assert found.test is not None
    np.testing.assert_array_equal(found.train.labels, Y.astype(np.int64), strict=True)
    np.testing.assert_array_equal(found.test.labels, Y[:2].astype(np.int64), strict=True)


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.uint64, np.float16, np.float32, np.float64, np.longdouble])
def test_pixels_of_every_real_type_pass(dtype):
    assert check(images=X.astype(dtype)).train.images.dtype == dtype


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ([0, 1, 2, 0, 1, -1], r"must hold training labels from 0, got the label -1\."),
        (Y.astype(float), r"must hold training labels that are integers, got float64. Store them as int64\."),
        (Y == 1, r"must hold training labels that are integers, got bool. Store them as int64\."),
        (Y.astype(str), r"must hold training labels that are integers, got <U21. Store them as int64\."),
        ([3] * 6, r"must hold two classes or more, got only the label 3\."),
        (
            [0, 1, 3, 0, 1, 3],
            r"must hold training images of every class from 0 to 3, got none of class 2. Number the classes 0, 1, 2, … ",
        ),
        ([1, 2, 3, 1, 2, 3], r"must hold training images of every class from 0 to 3, got none of class 0\. "),
        (np.array([0, 2**63, 1, 1, 1, 1], dtype=np.uint64), "every class from 0 to 9223372036854775808, got none of class 2"),
        (Y[:5], r"must hold one label for each of 6 training images, got labels of shape \(5,\)\."),
        (Y[:, None], r"must hold one label for each of 6 training images, got labels of shape \(6, 1\)\."),
        (np.int64(1), r"must hold one label for each of 6 training images, got labels of shape \(\)\."),
    ],
)
def test_other_labels_are_refused(labels, said):
    with pytest.raises(ValueError, match=rf"^load\(source=...\) .*{said}"):
        check(labels=labels)


@pytest.mark.parametrize(
    ("images", "got"),
    [
        (with_pixel(np.nan), "nan"),
        (with_pixel(np.inf), "inf"),
        (with_pixel(-np.inf, np.float16), "-inf"),
        (with_pixel(np.nan, np.float32), "nan"),
        (with_pixel(2e15), r"2e\+15"),
        (with_pixel(-(2**63), np.int64), r"-9\.22337e\+18"),
        (with_pixel(2**64 - 1, np.uint64), r"1\.84467e\+19"),
    ],
)
def test_pixels_that_are_not_finite_are_refused(images, got):
    said = rf"^load\(source=...\) must hold finite pixels of magnitude up to 1e\+15, got {got} in training image 4\.$"
    with pytest.raises(ValueError, match=said):
        check(images=images)
    with pytest.raises(ValueError, match="in test image 4"):
        check(test=(images, Y))


@pytest.mark.parametrize(
    "images", [X.astype(complex), X.astype(str), X.astype(object), np.arange(6.0), X[:0], X[:, :0], np.float64(1)]
)
def test_what_is_no_array_of_images_is_refused(images):
    images = np.asarray(images)
    with pytest.raises(ValueError, match=r"^load\(source=...\) must hold training images as numbers of shape \(m, …\), got "):
        check(images=images, labels=Y[: len(images)] if images.ndim else Y)


@pytest.mark.parametrize(
    ("test", "said"),
    [
        ((X.reshape(6, 4), Y), r"must hold test images of the shape of the training images, got \(4,\) after \(2, 2\)\."),
        ((X, Y + 1), r"must hold test labels from 0 to 2, as in the training part, got the label 3\."),
        ((X, Y - 1), r"must hold test labels from 0, got the label -1\."),
        ((X, Y[:4]), r"must hold one label for each of 6 test images, got labels of shape \(4,\)\."),
    ],
)
def test_test_parts_of_another_kind_are_refused(test, said):
    with pytest.raises(ValueError, match=rf"^load\(source=...\) {said}$"):
        check(test=test)


def test_a_test_part_needs_not_hold_every_class():
    assert check(test=(X[:1], Y[:1])).test is not None
