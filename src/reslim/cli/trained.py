"""What `reslim train` prints without --json: how well the networks do, and what training has changed; at most 80 columns."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich import box
from rich.table import Table

from reslim.cli.tables import MOST_ROWS, coordinate, files_in, value, with_error
from reslim.results import finite
from reslim.spec import ResNet

if TYPE_CHECKING:
    import xarray as xr

MOST_BEST = 10  # rows of the table of a large grid

ENDS = {"accuracy": "accuracy on the test images", "test_loss": "loss on the test images", "train_loss": "loss in training"}
MEASURED = {
    "log_displacement": "ln(|z_d − z_0|/|z_0|)",
    "log_grad_displacement": "ln(|p_0 − p_d|/|p_d|)",
    "hurst_v": "Hurst index of the weights V",
    "hurst_w": "Hurst index of the weights W",
    "drift": "smooth part of the change of V",
}
NOTES = (
    "z_l: hidden state after l blocks, p_l: gradient there of a Gaussian p_d · z_d, d: depth; means over a few test images.",
    "Hurst index: of the weights across depth; ½ if independent, 1 if smooth. Smooth part: 1 for a flow, 0 for white noise.",
)


def tables(found: Mapping[str, Any], folder: str | None) -> list[Any]:
    """Return the tables and what is to be said of them."""
    data, recipe = found["data"], found["recipe"]
    images = f"{data['name']} ({data['origin']}): {data['train']:,} training and {data['test']:,} test images"
    how = f"{recipe['optimizer']}, rate {recipe['lr']:g} ({recipe['schedule']}), batches of {recipe['batch']}"
    place = f"factors in the {'forward pass' if recipe['where'] == 'forward' else 'weights'}"
    head = f"Trained: {ResNet.from_dict(found['spec'])!r}"
    where = [] if folder is None else [f"{folder}: train.json (all of this, and the curves of every seed), checkpoints."]
    return [head, f"on {images}", f"{recipe['epochs']} epochs, {how}, {place}", "", *_both(found), *_notes(found), *where]


def _both(found: Mapping[str, Any]) -> list[Any]:
    ends = _table(["", "at the end"], [[label, _shown(found[name])] for name, label in ENDS.items()])
    ends.add_row("accuracy of always the same answer", value(found["chance"]))
    rows = [
        [label, *(_shown(found[when][name]) if name in found[when] else "" for when in ("before", "after"))]
        for name, label in MEASURED.items()
        if name in found["before"] or name in found["after"]
    ]
    return [ends, "", _table(["", "before", "after"], rows), ""]


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


def _shown(statistic: Mapping[str, Any]) -> str:
    """Return the mean with half of its interval."""
    if statistic["mean"] is None:
        return "—"
    if statistic["interval"] is None:
        return value(statistic["mean"])
    low, high = statistic["interval"]
    return with_error(statistic["mean"], 0.5 * (high - low))


def _notes(found: Mapping[str, Any]) -> list[str]:
    count, seeds, lost = found["seeds"], found["seed"], found["diverged"]["count"]
    networks = f"{count} networks, seeds {seeds} to {seeds + count - 1}" if count > 1 else f"1 network, seed {seeds}"
    which = [f"seed {each['seed']} in epoch {each['diverged']}" for each in found["networks"] if each["diverged"] is not None]
    told = f"Diverged: {lost} of {count}" + (f" ({', '.join(which)}): not in the numbers at the end." if which else ".")
    interval = " ±: half of the 95 % interval over seeds (Student's t)." if count > 1 else " One seed has no interval."
    return [*NOTES, f"{networks}, {found['elapsed_s']:.1f} s.{interval}", told]


def grid(found: xr.Dataset, folder: Path) -> list[Any]:
    """Return the accuracy of every cell of a small grid, or the best ones of a larger one; and where the numbers lie."""
    fields = list(json.loads(found.attrs["vary"]))
    means = found.sel(statistic="mean").stack(cell=fields).transpose("cell", ...)
    order = np.argsort(-means.accuracy.fillna(-1.0).values, kind="stable")
    count = len(order)
    shown = np.arange(count) if count <= MOST_ROWS else order[:MOST_BEST]
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for column in (*fields, "accuracy", "loss", "diverged"):
        table.add_column(column, justify="right", no_wrap=True)
    for place in shown:
        cell = means.isel(cell=place)
        numbers = [f"{cell[name].item():.3g}" for name in ("accuracy", "test_loss", "diverged")]
        table.add_row(*(coordinate(cell[field].item()) for field in fields), *numbers)
    lost = int((means.diverged == 1.0).sum())
    head = f"{count:,} networks, {found.attrs['seeds']} seed(s) each, on {found.attrs['data']}; {lost:,} diverged."
    some = [] if count <= MOST_ROWS else [f"The best {MOST_BEST} by accuracy on the test images:"]
    return [head, *some, "", table, "", files_in(folder)]


def grid_payload(found: xr.Dataset) -> dict[str, Any]:
    """Return the object that `reslim train --vary … --json` prints: nested lists over the varied fields."""
    vary = json.loads(found.attrs["vary"])
    return {
        "spec": json.loads(found.attrs["spec"]),
        "vary": vary,
        **{name: found.attrs[name] for name in ("data", "optimizer", "schedule", "where")},
        **{name: int(found.attrs[name]) for name in ("epochs", "batch", "seed", "seeds")},
        "quantities": {
            str(name): {
                str(key): finite(found[name].sel(statistic=key).transpose(*vary).values) for key in found.statistic.values
            }
            for name in found.data_vars
        },
    }
