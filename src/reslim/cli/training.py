"""The options of `reslim train` to the arguments of `reslim.train`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

from reslim.cli import files, network, parsing
from reslim.cli.options import FolderOptions, NetworkOptions, TrainOptions
from reslim.cli.phrases import Interruption, Refusal, said_by_system

READERS: dict[str, Callable[[str], Any]] = {
    "limit": parsing.integer,
    "test_share": parsing.number,
    "epochs": parsing.integer,
    "lr": parsing.number,
    "batch": parsing.integer,
    "seed": parsing.integer,
    "seeds": parsing.integer,
}
WAY_ON = "The epochs that were finished are kept; the same command goes on with them."


def prepared(net: NetworkOptions, asked: TrainOptions, how: FolderOptions) -> Callable[[], dict[str, Any]]:
    """Return what trains, with nothing written yet."""
    if how.out is not None:
        files.check_folder_to_make(how.out)
    built, keep = network.build(net), network.sizes_given(net)
    given = {f.name: text for f in fields(asked) if (text := getattr(asked, f.name)) is not None}
    arguments = {name: READERS.get(name, str)(text) for name, text in given.items()}
    import reslim

    return partial(reslim.train, built, keep=keep, out=how.out, **arguments)


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
