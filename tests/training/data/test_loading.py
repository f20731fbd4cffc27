from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from reslim.training.data import Dataset, load
from test_imports import HEAVY, loaded


def test_digits_for_real():
    data = load("digits")
    assert (data.x_train.shape, data.x_test.shape) == ((1438, 64), (359, 64))
    assert (data.x_train.dtype, data.x_test.dtype, data.y_train.dtype, data.y_test.dtype) == (*["f4"] * 2, *["i8"] * 2)
    assert (data.classes, data.n_in, data.shape, data.name, data.origin) == (10, 64, (8, 8), "digits", "scikit-learn")
    counts = [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]  # as documented with them
    assert (np.bincount(data.y_train) + np.bincount(data.y_test)).tolist() == counts
    assert np.bincount(data.y_test).tolist() == [36, 36, 35, 37, 36, 36, 36, 36, 35, 36]


def test_the_training_part_alone_is_standardised():
    data = load("digits", seed=3)
    assert data.x_train.mean(dtype=np.float64) == pytest.approx(0.0, abs=1e-7)
    assert data.x_train.std(dtype=np.float64) == pytest.approx(1.0, abs=1e-7)
    assert abs(data.x_test.mean(dtype=np.float64)) > 1e-5, "the test part has its own mean"
    assert np.ptp(data.x_train[:, 0]) == 0.0, "a constant pixel stays finite"
    levels = np.rint(data.x_test.astype(np.float64) * data.std + data.mean)
    np.testing.assert_allclose(data.x_test * data.std + data.mean, levels, atol=1e-5)
    assert (levels.min(), levels.max()) == (0, 16)


def test_the_seed_chooses_the_split_and_the_share_its_size():
    one, again, other = load("digits"), load("digits", seed=0), load("digits", seed=1)
    np.testing.assert_array_equal(one.x_test, again.x_test)
    assert one.x_test.shape == other.x_test.shape
    assert (one.x_test != other.x_test).any()
    assert len(load("digits", test_share=0.5).y_test) == 901  # five classes are odd


def test_a_limit_standardises_what_it_keeps():
    data = load("digits", limit=50)
    assert (len(data.x_train), len(data.x_test), data.classes) == (50, 50, 10)
    assert np.bincount(data.y_train).tolist() == [5] * 10
    assert data.x_train.mean(dtype=np.float64) == pytest.approx(0.0, abs=1e-7)


def test_a_dataset_cannot_be_changed_by_mistake():
    data = load("digits")
    assert isinstance(data, Dataset)
    with pytest.raises(dataclasses.FrozenInstanceError):
        data.classes = 3  # type: ignore[misc]
    assert repr(data).startswith("Dataset(classes=10, name='digits', shape=(8, 8), origin='scikit-learn', mean=4.88")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("digit", r"must be one of digits, mnist-5k, fashion-mnist, idx, .*, got 'digit'. Did you mean 'digits'\?"),
        ("fashionmnist", r"must be one of .*, got 'fashionmnist'. Did you mean 'fashion-mnist'\?"),
        ("IDX:a", r"must be one of digits, mnist-5k, fashion-mnist, idx, cifar10, npz, torchvision, got 'IDX'\."),
        ("", r"must be one of .*, got ''\."),
        ("idx", r"must be idx:DIR, got 'idx'\."),
        ("npz:", r"must be npz:FILE, got 'npz:'\."),
        ("digits:0,1", r"must be digits alone, got 'digits:0,1'\."),
        ("idx:no/such", r"must be idx:DIR with a directory that exists, got 'no/such'\."),
        ("idx:a\0b", r"must be idx:DIR with a directory that exists, got 'a\\x00b'\."),
        ("cifar10:no/such", r"must be cifar10:DIR with a directory that exists, got 'no/such'\."),
    ],
)
def test_other_sources_are_refused(source, said):
    with pytest.raises(ValueError, match=rf"^load\(source=...\) {said}$"):
        load(source)


@pytest.mark.parametrize(
    ("options", "kind", "said"),
    [
        ({"source": None}, TypeError, r"load\(source=...\) must be a word such as digits or idx:DIR, got None\."),
        ({"seed": -1}, ValueError, r"load\(seed=...\) must be an integer from 0 to 2\*\*64 - 1, got -1\."),
        ({"seed": 1.0}, TypeError, r"load\(seed=...\) must be an integer, got 1\.0\."),
        ({"test_share": 0}, ValueError, r"load\(test_share=...\) must lie between 0 and 1, both excluded, got 0\.0\."),
        ({"test_share": 1}, ValueError, r"load\(test_share=...\) must lie between 0 and 1, both excluded, got 1\.0\."),
        ({"test_share": "a"}, TypeError, r"load\(test_share=...\) must be a number, got 'a'\."),
        ({"limit": 0}, ValueError, r"load\(limit=...\) must be a positive integer, got 0\."),
        ({"limit": 9}, ValueError, r"load\(limit=...\) must be at least 10, the number of classes, got 9\."),
    ],
)
def test_other_arguments_are_refused(options, kind, said):
    with pytest.raises(kind, match=f"^{said}$"):
        load(**{"source": "digits", **options})


def test_the_largest_seed_is_a_seed():
    assert len(load("digits", seed=2**64 - 1, limit=10).y_train) == 10


def test_importing_it_needs_numpy_only():
    found = loaded("import reslim.training.data")
    assert "numpy" in found
    assert not found & (HEAVY | {"torchvision", "mlxtend"})
