"""Training the cells of a sweep: networks of one shape in one batched program, each cell with several seeds."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
import xarray as xr

from reslim.errors import BadValue
from reslim.experiments.sweep import kernels, run
from reslim.experiments.sweep.axes import read
from reslim.experiments.sweep.grid import Cell, Grid
from reslim.experiments.sweep.task import TASKS, Found, Place, Task
from reslim.spec import ResNet
from reslim.training.data import Dataset
from reslim.training.recipe import Recipe, rate_of
from reslim.training.train import loaded_images, needing_torch, seeds_from, sized

with needing_torch():
    from reslim.training import fit as fitting
    from reslim.training.ensemble import CURVES, Member

CALL = TASKS["train"].call
MOST_NETWORKS, MOST_BYTES = 20, 2e9  # of a chunk: what the cache likes, and the memory of a worker
SOURCES = ("training/*.py", "pytorch/activations.py")
QUANTITIES = {
    "accuracy": "share of held-out images that are classified rightly after training, of the networks that did not diverge",
    "test_loss": "mean cross-entropy of the held-out images after training, of the networks that did not diverge",
    "train_loss": "mean cross-entropy of the training images in the last epoch, of the networks that did not diverge",
    "diverged": "share of networks whose loss left the finite numbers",
}


@dataclass(frozen=True)
class Training(Task):
    """Trains the network of every cell with the seeds seed, seed + 1, …; `digest` is that of the images."""

    name = "train"
    statistics = ("mean", "mean_se", "lowest", "highest")
    settings: ClassVar = {"lr": rate_of}
    attributes = ("data", "epochs", "optimizer", "batch", "schedule", "where", "seed", "seeds")
    packages = ("torch", "xarray")

    data: str
    limit: int | None
    test_share: float
    digest: str
    recipe: Recipe
    seed: int
    seeds: int

    def to_json(self) -> dict[str, Any]:
        """Return the arguments, those of the recipe among them."""
        own = {key: value for key, value in asdict(self).items() if key != "recipe"}
        return own | asdict(self.recipe) | {"seed": str(self.seed)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Training:
        """Return the training of a plan."""
        recipe = Recipe(**{name: values[name] for name in Recipe.__dataclass_fields__})
        own = {name: values[name] for name in ("data", "limit", "test_share", "digest", "seeds")}
        return cls(recipe=recipe, seed=int(values["seed"]), **own)

    def fingerprint(self) -> str:
        """Return the version of what draws and trains."""
        return kernels.fingerprint((*kernels.SOURCES, *SOURCES), ("numpy", "torch"))

    def check(self, grid: Grid) -> None:
        """Refuse nothing: every cell has the same numbers."""

    def most_places(self, net: ResNet) -> int:
        """Return the number of quantities."""
        return len(QUANTITIES)

    def places(self, net: ResNet) -> list[Place]:
        """Return the quantities."""
        return [Place(name) for name in QUANTITIES]

    def groups(self, grid: Grid) -> Iterator[tuple[int, ...]]:
        """Yield cells of one shape, as many as go well together."""
        images = images_of(self.data, self.limit, self.test_share)
        alike: dict[Any, list[int]] = {}
        for number, cell in enumerate(grid.cells):
            shape = fitting.shape(cell.net)
            if shape not in alike:  # whether a network can be trained is a matter of its shape
                with grid.blamed(number):
                    fitting.check(self._members(cell), images, self.recipe)
            alike.setdefault(shape, []).append(number)
        for members in alike.values():
            yield from self._cut(members, grid.cells[members[0]].net)

    def _cut(self, members: Sequence[int], net: ResNet) -> Iterator[tuple[int, ...]]:
        fit_in = int(MOST_BYTES / fitting.size_in_bytes(net, self.recipe.batch))
        size = max(1, min(MOST_NETWORKS, fit_in) // self.seeds)
        for first in range(0, len(members), size):
            yield tuple(members[first : first + size])

    def _members(self, cell: Cell) -> list[Member]:
        lr = cell.settings.get("lr", self.recipe.lr)
        return [Member(cell.net, self.seed + number, lr) for number in range(self.seeds)]

    def compute(self, cells: Sequence[Cell]) -> list[Found]:
        """Train the networks of a chunk, on one thread: the others have chunks of their own."""
        images = images_of(self.data, self.limit, self.test_share)
        if digest_of(images) != self.digest:
            raise BadValue(CALL, "data", "must be the images that the sweep began with", self.data)
        members = [member for cell in cells for member in self._members(cell)]
        with fitting.threads(1):
            trained = fitting.fit(members, images, self.recipe, measured=False, progress=False)
        each = [trained[first : first + self.seeds] for first in range(0, len(trained), self.seeds)]
        return [Found(_statistics(found), {}) for found in each]

    def variables(self, grid: Grid, found: Sequence[Found]) -> dict[str, Any]:
        """Return the quantities with their definitions."""
        plain = super().variables(grid, found)
        return {name: (dims, values, {"long_name": QUANTITIES[name]}) for name, (dims, values, _) in plain.items()}


def train_grid(
    net: ResNet,
    vary: Mapping[str, Sequence[Any]],
    data: str = "digits",
    *,
    epochs: int = 10,
    lr: float = 1e-3,
    optimizer: str = "adam",
    batch: int = 128,
    schedule: str = "constant",
    where: str = "forward",
    seed: int = 0,
    seeds: int = 1,
    limit: int | None = None,
    test_share: float = 0.2,
    keep: Collection[str] = (),
    out: str | os.PathLike[str] | None = None,
    jobs: int | None = None,
    executor: str | Executor = "processes",
    progress: bool = True,
) -> xr.Dataset:
    """Train a grid of networks, many of them in one batched program; a sweep, with all that `reslim.sweep` says of one.

    Each network is what it would be if trained alone, to the rounding of single precision: its products are summed in
    another order. One that diverges stops, and costs nothing from the next epoch on.

    Parameters
    ----------
    net : the network whose fields are varied; n_in and n_out are those of the data.
    vary : as of `reslim.sweep`, or ``lr``, the learning rate.
    data : a word of `reslim.training.data.load`.
    epochs, lr, optimizer, batch, schedule, where : as of `reslim.training.recipe.Recipe`.
    seed, seeds : each cell is trained with the seeds seed … seed + seeds - 1, for weights and order of the images.
    limit, test_share, keep : as of `reslim.train`.
    out, jobs, executor, progress : as of `reslim.sweep`.

    Returns
    -------
    xarray.Dataset
        accuracy, test_loss, train_loss and diverged over the grid; statistics are over the seeds, of the networks that did
        not diverge (NaN where all did).

    Raises
    ------
    ValueError, TypeError
        For arguments out of range, with the cell where the fault is in one; for a folder that holds another sweep.
    """
    recipe = Recipe(epochs, lr, optimizer, batch, schedule, where)  # type: ignore[arg-type]
    images = images_of(data, limit, test_share)
    net = sized(net, images, keep)
    each_seed = seeds_from(seed, seeds)
    task = Training(data, limit, test_share, digest_of(images), recipe, each_seed.start, len(each_seed))
    grid = Grid(CALL, net, read(CALL, vary, task.settings))
    return run.carry_out(grid, task, out=out, jobs=jobs, executor=executor, progress=progress)


@lru_cache(maxsize=2)
def images_of(data: str, limit: int | None = None, test_share: float = 0.2) -> Dataset:
    """Return the images, split in the same way for every network."""
    return loaded_images(data, limit, test_share)


def digest_of(images: Dataset) -> str:
    """Return a hash of the images."""
    digest = hashlib.sha256()
    for content in images.content():
        digest.update(content)
    return digest.hexdigest()[:16]


def _statistics(found: Sequence[fitting.Trained]) -> np.ndarray:
    """Return the statistics (quantities, statistics) over the seeds of a cell."""
    lasting = [each for each in found if each.diverged is None]
    numbers = {name: [float(getattr(each, name)[-1]) for each in lasting] for name in CURVES}
    numbers["diverged"] = [float(each.diverged is not None) for each in found]
    return np.array([_over_seeds(np.array(numbers[name])) for name in QUANTITIES])


def _over_seeds(values: np.ndarray) -> list[float]:
    if not values.size:
        return [np.nan] * 4
    error = values.std(ddof=1) / np.sqrt(values.size) if values.size > 1 else np.nan
    return [values.mean(), error, values.min(), values.max()]
