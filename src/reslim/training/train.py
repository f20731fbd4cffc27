"""`train`: one network with several seeds, trained on images. PyTorch is imported where it is needed."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from reslim import checks, results
from reslim.errors import ArgumentError, BadKind, BadValue
from reslim.spec import ResNet
from reslim.training import data as images
from reslim.training import report
from reslim.training.recipe import Recipe

CALL, RESULT = "train", "train.json"
GRID = "plan.json"  # of a sweep's folder, in which a single training would be lost
SIZES = ("n_in", "n_out")


def train(
    net: ResNet,
    data: str = "digits",
    *,
    epochs: int = 10,
    lr: float = 1e-3,
    optimizer: Literal["adam", "sgd"] = "adam",
    batch: int = 128,
    schedule: Literal["constant", "step", "cosine"] = "constant",
    where: Literal["forward", "init"] = "forward",
    seed: int = 0,
    seeds: int = 1,
    limit: int | None = None,
    test_share: float = 0.2,
    keep: Collection[str] = (),
    out: str | os.PathLike[str] | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Train a network on images by cross-entropy, with one seed or several at once.

    Parameters
    ----------
    net : the network; its n_in and n_out become the pixels and the classes of the data.
    data : digits, mnist-5k, fashion-mnist, idx:DIR, cifar10:DIR, npz:FILE or torchvision:NAME[:DIR] (docs/data.md).
    epochs, lr, optimizer, batch, schedule, where : the recipe (`reslim.training.recipe.Recipe`).
    seed : of the first network; it decides the weights and the order of the images. The split of the data has no part in it.
    seeds : number of networks: seed, seed + 1, …
    limit, test_share : as `reslim.training.data.load` has them.
    keep : which of n_in and n_out stay as they are, and must then be those of the data.
    out : folder for checkpoints and ``train.json``. A training that was killed goes on there when it is called again with the
        same arguments, to the same bits; one that is finished is read and not repeated.
    progress : whether to show a progress bar on a terminal's stderr.

    Returns
    -------
    dict
        What ``reslim train --json`` prints (docs/training.md): plain values, None for what is not finite.

    Raises
    ------
    ValueError, TypeError
        For arguments out of range, data that are missing or damaged, networks that do not fit into memory, and a folder
        that holds another training.
    ModuleNotFoundError
        Without PyTorch, or the package that brings the data.

    Examples
    --------
    >>> net = ResNet.marion(depth=10, width=16)
    >>> found = train(net, epochs=2, seeds=2, limit=400)
    >>> found["spec"]["n_in"], found["accuracy"]["networks"], found["diverged"]["count"]
    (64, 2, 0)
    """
    started = time.perf_counter()
    recipe = Recipe(epochs, lr, optimizer, batch, schedule, where)
    each_seed = seeds_from(seed, seeds)
    with needing_torch():
        from reslim.training import fit as fitting
    loaded = loaded_images(data, limit, test_share)
    net = sized(net, loaded, keep)
    fitting.check_memory(net, len(each_seed), recipe.batch)
    members = [fitting.Member(net, each, recipe.lr) for each in each_seed]
    fitting.check(members, loaded, recipe)
    folder = None if out is None else _folder(out)
    identity = fitting.identity(members, loaded, recipe)
    if folder is not None and (known := _finished(folder, identity)) is not None:
        return known
    trained = fitting.fit(members, loaded, recipe, folder=folder, progress=progress)
    found = report.of(trained, loaded, recipe) | {"elapsed_s": time.perf_counter() - started, "identity": identity}
    if folder is not None:
        results.write_text(folder / RESULT, json.dumps(found, allow_nan=False) + "\n")
    return found


def seeds_from(seed: int, seeds: int) -> range:
    """Return so many seeds from the first on, all of 64 bits."""
    first, count = checks.seed64(CALL, seed), checks.positive_int(CALL, "seeds", seeds)
    checks.seed64(CALL, first + count - 1)
    return range(first, first + count)


def loaded_images(data: str, limit: int | None, test_share: float) -> images.Dataset:
    """Load the data; the split is the same for all seeds."""
    try:
        return images.load(data, test_share=test_share, limit=limit)
    except ArgumentError as error:
        argument = "data" if error.argument == "source" else error.argument
        raise type(error)(CALL, argument, error.constraint, error.got, error.hint) from error


def sized(net: ResNet, data: images.Dataset, keep: Collection[str]) -> ResNet:
    """Return the network with the sizes of the data, but for those that are kept."""
    if not isinstance(net, ResNet):
        raise BadKind(CALL, "net", "must be a ResNet", net)
    for name in keep:
        checks.one_of(CALL, "keep", name, SIZES)
    sizes = {"n_in": data.n_in, "n_out": data.classes}
    return net.replace(**{name: size for name, size in sizes.items() if name not in keep})


@contextmanager
def needing_torch() -> Iterator[None]:
    """Say of an import that lacks PyTorch how to install it."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise ModuleNotFoundError('training needs PyTorch: pip install "reslim[train]"', name="torch") from None


def _folder(out: str | os.PathLike[str]) -> Path:
    """Make the folder, which may be there already."""
    folder = Path(out)
    if folder.exists() and not folder.is_dir():
        raise BadValue(CALL, "out", "must be a folder", str(out))
    if not folder.absolute().parent.is_dir():
        raise BadValue(CALL, "out", "must lie in a folder that exists", str(out))
    folder.mkdir(exist_ok=True)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise BadValue(CALL, "out", "must be a folder that you may write to", str(out))
    if (folder / GRID).exists():
        raise BadValue(CALL, "out", "must not be the folder of a grid of networks", str(out), "Choose another one.")
    return folder


def _finished(folder: Path, identity: str) -> dict[str, Any] | None:
    """Return the result of the same training, None where there is none yet; refuse any other file of that name."""
    path = folder / RESULT
    if not path.exists():
        return None
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
        if known["identity"] == identity:
            return known
    except (ValueError, TypeError, KeyError):
        pass
    raise BadValue(CALL, "out", f"holds a {RESULT} of something else", None, f"Take another folder than {folder}.")
