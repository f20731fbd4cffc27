from __future__ import annotations

import os
import pickle

import numpy as np
import pytest
from image_files import CIFAR_NAMES, label_list, python2_array, python2_batch, write_cifar

from reslim.training.data import cifar, load

ROWS = np.zeros((2, 3072), dtype=np.uint8)


def test_batches_follow_each_other_and_the_test_batch_is_the_test_part(tmp_path):
    written = write_cifar(tmp_path)
    raw = cifar.read(str(tmp_path))
    assert raw.test is not None
    images = np.concatenate([written[name][0] for name in CIFAR_NAMES[:5]])
    np.testing.assert_array_equal(raw.train.images, images.reshape(20, 3, 32, 32), strict=True)
    assert raw.train.labels.tolist() == [label for name in CIFAR_NAMES[:5] for label in written[name][1]]
    np.testing.assert_array_equal(raw.test.images.reshape(4, 3072), written["test_batch"][0], strict=True)
    assert raw.test.labels.tolist() == written["test_batch"][1]


def test_load_gives_rows_of_3072_pixels(tmp_path):
    write_cifar(tmp_path)
    data = load(f"cifar10:{tmp_path}")
    assert (data.x_train.shape, data.x_test.shape, data.shape, data.classes) == ((20, 3072), (4, 3072), (3, 32, 32), 4)
    assert (data.name, data.origin) == ("cifar10", str(tmp_path))


def test_batches_of_python_3_are_read_too(tmp_path):
    written = write_cifar(tmp_path)
    for name, (images, labels) in written.items():
        (tmp_path / name).write_bytes(pickle.dumps({"data": images, "labels": labels}, protocol=4))
    np.testing.assert_array_equal(cifar.read(str(tmp_path)).train.images[:4].reshape(4, 3072), written["data_batch_1"][0])


@pytest.mark.parametrize("name", CIFAR_NAMES)
def test_each_batch_is_needed(tmp_path, name):
    write_cifar(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(ValueError, match=rf"^load\(source=...\) needs the file {name}, got none in /"):
        load(f"cifar10:{tmp_path}")


class Shell:
    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return os.system, (f"touch {self.target}",)


def test_a_batch_cannot_run_anything(tmp_path):
    written = write_cifar(tmp_path)
    images, labels = written["data_batch_3"]
    batch = {b"data": images, b"labels": labels, b"filenames": Shell(tmp_path / "was-run")}
    (tmp_path / "data_batch_3").write_bytes(pickle.dumps(batch, protocol=4))
    with pytest.raises(ValueError, match=r"must hold pickles of plain arrays, lists and numbers, got posix.system"):
        load(f"cifar10:{tmp_path}")
    assert not (tmp_path / "was-run").exists()


@pytest.mark.parametrize(
    ("batch", "said"),
    [
        (
            python2_batch(python2_array(ROWS), label_list([0, 1, 2])),
            r"must hold one row of 3072 bytes for each label, got \(2, 3072\) for 3",
        ),
        (
            python2_batch(python2_array(ROWS[:, :5]), label_list([0, 1])),
            r"must hold one row of 3072 bytes for each label, got \(2, 5\) for 2",
        ),
        (
            python2_batch(python2_array(ROWS), label_list([0, 10])),
            "must hold labels that are integers from 0 to 9, got other labels",
        ),
        (
            python2_batch(python2_array(ROWS), label_list([0, -1])),
            "must hold labels that are integers from 0 to 9, got other labels",
        ),
        (python2_batch(python2_array(ROWS), b"](\x88\x89e"), "must hold labels that are integers from 0 to 9, got other labels"),
        (python2_batch(python2_array(ROWS), b"N"), "must hold labels that are integers from 0 to 9, got other labels"),
        (python2_batch(label_list([1]), label_list([0, 1])), "must hold arrays of unsigned bytes, got list"),
        (pickle.dumps({"labels": [0]}), "must hold batches with 'data', got none"),
        (pickle.dumps({b"data": ROWS}, protocol=4), "must hold batches with 'labels', got none"),
        (pickle.dumps([1]), "must hold batches with 'data', got none"),
    ],
)
def test_other_batches_are_refused(tmp_path, batch, said):
    write_cifar(tmp_path)
    (tmp_path / "data_batch_2").write_bytes(batch)
    with pytest.raises(ValueError, match=rf"^load\(source=...\) {said} in data_batch_2\.$"):
        load(f"cifar10:{tmp_path}")
