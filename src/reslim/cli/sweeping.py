"""The options of `reslim sweep` to the arguments of `reslim.sweep`, or to a folder that is gone on with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from reslim.cli import files, network, parsing, vary
from reslim.cli.options import NetworkOptions, RunOptions, SweepOptions
from reslim.cli.phrases import Interruption, Refusal, said_by_system
from reslim.experiments.sweep import run
from reslim.experiments.sweep.axes import Axis, read
from reslim.experiments.sweep.simulation import CALL, Simulation
from reslim.experiments.sweep.store import PLAN, Store
from reslim.experiments.sweep.task import TASKS

if TYPE_CHECKING:
    import xarray as xr

READERS: dict[str, Callable[[str], Any]] = {
    "quantities": parsing.words,
    "layers": parsing.layers,
    "replicas": parsing.integer,
    "seed": parsing.integer,
}


class Prepared(NamedTuple):
    """The name of the task, the folder, the axes, and what runs the sweep."""

    task: str
    folder: Path
    axes: tuple[Axis, ...]
    run: Callable[[], xr.Dataset]


def prepared(net: NetworkOptions, asked: SweepOptions, how: RunOptions) -> Prepared:
    """Return what the options ask for, with nothing written yet."""
    jobs = None if how.jobs is None else parsing.integer(how.jobs)
    if how.resume is not None:
        extra = [*given(net), *given(asked), *(["out"] if how.out is not None else [])]
        return gone_on_with(Simulation.name, how.resume, extra, jobs=jobs, executor=how.executor)
    if how.out is None:
        raise Refusal("--out is missing: a sweep needs a folder, which can be gone on with.")
    folder = files.check_folder_to_make(how.out)
    values = vary.read(asked.vary or [], Simulation.settings)
    if not values:
        raise Refusal("--vary is missing. For example: --vary beta=0:1.3:70.")
    axes = read(CALL, values, Simulation.settings)
    refuse_both(network.given(net), axes)
    base = network.build(net, varied=axes)
    words = {name: READERS.get(name, str)(text) for name, text in given(asked).items() if name != "vary"}
    first = partial(run.sweep, base, values, out=folder, jobs=jobs, executor=how.executor, **words)  # type: ignore[arg-type]
    return Prepared(Simulation.name, folder, axes, first)


def given(options: object) -> dict[str, Any]:
    """Return the options that were given, as they were."""
    return {f.name: value for f in fields(options) if (value := getattr(options, f.name)) is not None}  # type: ignore[arg-type]


def gone_on_with(task: str, resume: str, extra: Sequence[str], **where: Any) -> Prepared:
    """Return what goes on in the folder of --resume; refuse other options beside it."""
    if extra:
        raise Refusal(f"--resume takes everything from the plan in {resume}: drop --{extra[0].replace('_', '-')}.")
    folder = Path(resume)
    return Prepared(task, folder, Store(folder, task).plan().grid.axes, partial(run.resume, folder, task, **where))


def refuse_both(given: dict[str, Any], axes: tuple[Axis, ...]) -> None:
    """Refuse a field that is set by an option and varied."""
    for axis in axes:
        for name in given:
            if network.FULL.get(name, name) == axis.target:
                raise Refusal(f"--vary {axis.field} and --{name.replace('_', '-')} both set {axis.target}: give one of the two.")


@contextmanager
def resumable(prepared: Prepared) -> Iterator[None]:
    """Say, when a sweep stops, how to go on with it."""
    folder = prepared.folder
    way_on = f"What is finished is kept; go on with: {TASKS[prepared.task].way_on(folder)}"
    try:
        yield
    except KeyboardInterrupt:
        if not (folder / PLAN).exists():
            raise
        raise Interruption(f"interrupted. {way_on}") from None
    except OSError as error:
        if not (folder / PLAN).exists():
            raise
        raise Refusal(f"{said_by_system(error)} {way_on}") from error
