"""The options of `reslim train` to the arguments of `reslim.train`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from reslim.cli import files, network, parsing, vary
from reslim.cli.options import FolderOptions, GridOptions, NetworkOptions, TrainOptions
from reslim.cli.phrases import Interruption, Refusal, said_by_system
from reslim.cli.sweeping import Prepared, given, gone_on_with, refuse_both
from reslim.experiments.sweep.axes import read

READERS: dict[str, Callable[[str], Any]] = {
    "limit": parsing.integer,
    "test_share": parsing.number,
    "epochs": parsing.integer,
    "lr": parsing.number,
    "batch": parsing.integer,
    "seed": parsing.integer,
    "seeds": parsing.integer,
}
TASK = "train"
WAY_ON = "The epochs that were finished are kept; the same command goes on with them."


def prepared(net: NetworkOptions, asked: TrainOptions, how: FolderOptions) -> Callable[[], dict[str, Any]]:
    """Return what trains, with nothing written yet."""
    if how.out is not None:
        files.check_folder_to_make(how.out)
    built, keep = network.build(net), network.sizes_given(net)
    import reslim

    return partial(reslim.train, built, keep=keep, out=how.out, **_arguments(asked))


def is_grid(asked: GridOptions) -> bool:
    """Return whether networks are varied; refuse what only a grid has where none is."""
    if asked.vary or asked.resume is not None:
        return True
    for name in ("jobs", "executor"):
        if getattr(asked, name) is not None:
            raise Refusal(f"--{name} is for a grid of networks: --vary is missing.")
    return False


def grid(net: NetworkOptions, asked: TrainOptions, spread: GridOptions, how: FolderOptions) -> Prepared:
    """Return the grid that is trained, with nothing written yet."""
    jobs = None if spread.jobs is None else parsing.integer(spread.jobs)
    where: dict[str, Any] = {"jobs": jobs, "executor": spread.executor or "processes"}
    from reslim.experiments import training

    if spread.resume is not None:
        extra = {**given(net), **given(asked), **given(spread)}.keys() - {"resume", "jobs", "executor"}
        return gone_on_with(TASK, spread.resume, [*sorted(extra), *(["out"] if how.out is not None else [])], **where)
    if how.out is None:
        raise Refusal("--out is missing: a grid needs a folder, which can be gone on with.")
    folder = files.check_folder_to_make(how.out)
    values = vary.read(spread.vary or [], training.Training.settings)
    axes = read("train", values, training.Training.settings)
    refuse_both({**network.given(net), **given(asked)}, axes)
    built, keep = network.build(net, varied=axes), network.sizes_given(net)
    first = partial(training.train_grid, built, values, keep=keep, out=folder, **where, **_arguments(asked))
    return Prepared(TASK, folder, axes, first)


def _arguments(asked: TrainOptions) -> dict[str, Any]:
    return {name: READERS.get(name, str)(text) for name, text in given(asked).items()}


@contextmanager
def resumable(out: str | None) -> Iterator[None]:
    """Say, when a training stops, how to go on with it."""
    try:
        yield
    except KeyboardInterrupt:
        if out is None:
            raise Interruption("interrupted; nothing is kept without --out DIR.") from None
        if not _is_begun(out):
            raise
        raise Interruption(f"interrupted. {WAY_ON}") from None
    except OSError as error:
        if out is None or not _is_begun(out):
            raise
        raise Refusal(f"{said_by_system(error)} {WAY_ON}") from error


def _is_begun(out: str) -> bool:
    return any(Path(out).glob("checkpoint*.pt"))
