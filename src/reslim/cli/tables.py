"""Results as Rich tables, for readers who know the papers' abstracts and nothing of the code."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich import box
from rich.table import Table

from reslim import results
from reslim.cli.cells import Cell, cells, names
from reslim.quantities import QUANTITIES
from reslim.spec import SHORTHANDS

if TYPE_CHECKING:
    import xarray as xr

    from reslim.theory.regimes import Critical, Exponent

MOST_ROWS = 40  # of a sweep's table
ROUNDING = 1e-13  # logarithms of factors that are 1 to the last bit
INFINITE_WIDTH = "infinite width: the usual limit, in which the width grows at a fixed depth."


def prediction(laws: xr.Dataset, every_layer: bool) -> list[Any]:
    """Return the laws, what they hold for, and what has none."""
    rows = []
    for cell in _all_cells(laws, every_layer):
        values = cell.of(laws[cell.name])
        columns = product(("log-gaussian", "gaussian"), ("mean", "variance"))
        moments = [value(values.sel(law=law, moment=moment).item()) for law, moment in columns]
        rows.append([*_place(cell), *moments, laws[cell.name].attrs["family"] or "—"])
    table = _table(laws, ["mean", "variance", "infinite-width mean", "infinite-width variance", "family"], rows)
    reasons = results.unavailable(laws)
    notes = [*_glossary(laws), INFINITE_WIDTH, *_root_mean_squares(laws, reasons), *_validity(laws), *_unavailable(reasons)]
    return [*_headed("Predicted", laws), table, "", *notes]


def draws(sample: xr.Dataset, summary: xr.Dataset, every_layer: bool) -> list[Any]:
    """Return what the simulated networks did."""
    rows = []
    for cell in _all_cells(summary, every_layer):
        rows.append([*_place(cell), *_statistics(_by_label(cell.of(summary[cell.name]), "statistic"))])
    table = _table(summary, ["mean", "variance", "median", "5 – 95 %"], rows)
    return [*_headed("Simulated", sample), table, "", *_glossary(summary), _run(sample)]


def _run(sample: xr.Dataset) -> str:
    attrs = sample.attrs
    died = f" {attrs['died']:.3%} of them died: their last state is all zero." if attrs["died"] > 0 else ""
    return (
        f"{attrs['replicas']:,} exact networks, seed {attrs['seed']}, method {attrs['method']}, "
        f"{attrs['precision']} precision, {attrs['elapsed_s']:.2f} s.{died} ±: one standard error."
    )


def comparison(laws: xr.Dataset, sample: xr.Dataset, summary: xr.Dataset, agreement: xr.Dataset) -> list[Any]:
    """Return law beside networks, the tests, and the verdict."""
    columns = ["", "predicted", "simulated", "z", "allowed", "KS", "p", "infinite-width KS", "verdict"]
    places = _all_cells(agreement, every_layer=True)
    rows = [row for cell in places for row in _comparison_rows(cell, laws, summary, agreement)]
    table = _table(agreement, columns, rows)
    explanation = [
        "z: (simulated − predicted)/standard error.  allowed: how far the law itself may be off at this width and depth.",
        "KS: largest distance between the distribution functions of law and networks; p: its p-value.",
        "infinite-width KS: the same distance for the usual infinite-width law.",
    ]
    reasons = {name: reason for name, reason in results.unavailable(laws).items() if name in summary}
    notes = [*_glossary(agreement), *explanation, _run(sample), *_unavailable(reasons)]
    return [*_headed("Law against networks", sample), table, "", *notes, "", _verdict(agreement)]


def _comparison_rows(cell: Cell, laws: xr.Dataset, summary: xr.Dataset, agreement: xr.Dataset) -> list[list[str]]:
    """Return a row for the mean, with the test of the shape and the verdict, and one for the variance."""
    law = cell.of(laws[cell.name]).sel(law=agreement.attrs.get("law", "log-gaussian"))
    found = _by_label(cell.of(summary[cell.name]), "statistic")
    tests = _by_label(cell.of(agreement[cell.name]), "test")
    allowed = {"mean": _allowed(tests["allowed_mean"]), "variance": _allowed(100 * tests["allowed_variance_ratio"], " %")}
    shape = [value(tests[test]) for test in ("ks", "ks_p", "gaussian_ks")]
    verdict = _verdict_word(str(cell.of(agreement[f"{cell.name}_verdict"]).item()), tests["replicas_needed"])
    rows = []
    for moment, place, end in (("mean", _place(cell), [*shape, verdict]), ("variance", ["", "", ""], ["", "", "", ""])):
        seen = with_error(found[moment], found[f"{moment}_se"])
        predicted = value(law.sel(moment=moment).item())
        rows.append([*place, moment, predicted, seen, value(tests[f"{moment}_z"]), allowed[moment], *end])
    return rows


def _allowed(error: float, unit: str = "") -> str:
    return "not tested" if math.isnan(error) else f"±{value(error)}{unit}"


def _verdict_word(verdict: str, needed: float) -> str:
    if verdict == "unresolved" and math.isfinite(needed):
        return f"unresolved (needs {needed:,.0f} networks)"
    return verdict


def _verdict(agreement: xr.Dataset) -> str:
    level = agreement.attrs["level"]
    return f"Verdict: {agreement.attrs['verdict']} (false alarms: {level:g}, all tests together)."


def sweep(found: xr.Dataset, folder: Path) -> list[Any]:
    """Return the means of a small sweep, cell by cell, or what a larger one is; and where its numbers lie."""
    fields = list(json.loads(found.attrs["vary"]))
    shown = names(found)
    several = [name for name in shown if {"layer", "output_unit"} & set(found[name].dims)]
    count = math.prod(found.sizes[field] for field in fields)
    small = count * len(shown) <= MOST_ROWS and not several
    body = [_sweep_table(found, fields, shown)] if small else _sweep_outline(found, fields, shown)
    size = f"{count:,} cells of {found.attrs['replicas']:,} exact networks"
    run = f"{size}, all with seed {found.attrs['seed']}. ±: one standard error."
    varied = [SHORTHANDS[field][0] if field in SHORTHANDS else field for field in fields]
    head = f"Swept over {' and '.join(fields)}: {results.spec_of(found).described(without=varied)}"
    return [head, "", *body, "", *_glossary(found), run, files_in(folder)]


def files_in(folder: Path) -> str:
    """Say what the folder of a sweep holds."""
    return f"{folder}: table.parquet (a row a cell, quantity and statistic), sweep.nc (the same as an xarray Dataset)."


def _sweep_table(found: xr.Dataset, fields: list[str], shown: list[str]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for column in (*fields, "quantity", "mean", "variance", "median", "5 – 95 %"):
        table.add_column(column, justify="left" if column == "quantity" else "right", no_wrap=True)
    for indices in product(*(range(found.sizes[field]) for field in fields)):
        cell = found.isel(dict(zip(fields, indices, strict=True)))
        labels = [coordinate(cell[field].item()) for field in fields]
        for name in shown:
            table.add_row(*labels, name, *_statistics(_by_label(cell[name].isel(input=0), "statistic")))
            labels = [""] * len(fields)
    return table


def coordinate(value: float | str) -> str:
    """Return the value of a varied field."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _statistics(found: Mapping[str, float]) -> list[str]:
    """Return mean, variance, median and the span of most draws."""
    mean, variance = (with_error(found[key], found[f"{key}_se"]) for key in ("mean", "variance"))
    return [mean, variance, value(found["0.5"]), f"{value(found['0.05'])} … {value(found['0.95'])}"]


def _sweep_outline(found: xr.Dataset, fields: list[str], shown: list[str]) -> list[str]:
    """Return a line a varied field, and the range of the means a quantity."""
    axes = [f"{field}: {found.sizes[field]} values, {_ends(found[field])}" for field in fields]
    means = {name: found[name].sel(statistic="mean") for name in shown}
    spans = [f"{name}: means from {value(mean.min().item())} to {value(mean.max().item())}" for name, mean in means.items()]
    return [*axes, *spans]


def _ends(values: xr.DataArray) -> str:
    first, last = (coordinate(end.item()) for end in (values[0], values[-1]))
    return first if first == last else f"{first} … {last}"


def critical(found: Critical) -> list[Any]:
    """Return the critical β of output and gradient, and where they stand at a finite depth."""
    exponents = {"output": found.output, "gradient": found.gradient}
    line = found.output.line
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for column in (
        "",
        "critical β",
        "at a fixed width",
        *([] if line is None else [f"at L = {line.depth}", "local exponent", "this is"]),
    ):
        table.add_column(column, no_wrap=True)
    for name, one in exponents.items():
        here = [] if one.line is None else [value(one.line.beta), value(one.line.local_exponent), one.line.status]
        table.add_row(name, value(one.beta), value(one.fixed_width_beta), *here)
    notes = ["critical β: as L → ∞, for branches L^-β, skip 1 and variance 1; the width goes to infinity first."]
    notes += [f"Limit at the critical β of the {name}: {one.limit}. {_said(one)}" for name, one in exponents.items()]
    if line is not None:
        notes.append(
            f"at L = {line.depth}: where the root mean square of |z_L − z_0|/|z_0| (of |p_0 − p_d|/|p_d|) is {line.ratio:g}."
        )
        notes.append("local exponent: there, on the identity side, these fall like L^-(β − local exponent).")
        if line.status == "extrapolated":
            notes.append("extrapolated: from the identity side, where the formula is of first order in a small displacement.")
    coupling = repr(found.coupling)
    return [f"Critical scaling: block {found.block}, activation {found.activation}, weights {coupling}", "", table, "", *notes]


def _said(exponent: Exponent) -> str:
    """Return the status of an exponent, its source, and what else there is to say."""
    note = f" {exponent.note[:1].upper()}{exponent.note[1:]}." if exponent.note else ""
    status = "" if exponent.status == "theorem" else f"{exponent.status[:1].upper()}{exponent.status[1:]}: "
    return f"{status}{exponent.source}.{note}"


def _all_cells(result: xr.Dataset, every_layer: bool) -> Iterable[Cell]:
    return (cell for name in names(result) for cell in cells(result, name, every_layer))


def _table(result: xr.Dataset, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """Return a table of rows that begin with quantity, layer and input; the input goes where there is one only."""
    several = result.sizes.get("input", 1) > 1
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.add_column("quantity", no_wrap=True)
    for column in ("layer", *(["input"] if several else []), *columns):
        left = column in ("", "family", "verdict")
        table.add_column(column, justify="left" if left else "right", no_wrap=True)
    for name, layer, label, *values in rows:
        table.add_row(name, layer, *([label] if several else []), *values)
    return table


def _place(cell: Cell) -> list[str]:
    return [cell.name, "" if cell.layer is None else str(cell.layer), cell.label]


def _by_label(array: xr.DataArray, dim: str) -> dict[str, float]:
    return {str(label): float(number) for label, number in zip(array[dim].values, array.values, strict=True)}


def _headed(title: str, result: xr.Dataset) -> list[str]:
    return [f"{title}: {results.spec_of(result)!r}", ""]


def _glossary(result: xr.Dataset) -> list[str]:
    """Return the definition of every quantity shown, and of the letters in it."""
    shown = [QUANTITIES[name] for name in names(result)]
    lines = [f"{quantity.name}: {quantity.definition}, {quantity.symbol}" for quantity in shown]
    return [*lines, "z_l: hidden state after l blocks, p_l: gradient there, n: width; ln is the natural logarithm."]


def _validity(laws: xr.Dataset) -> list[str]:
    """Return the laws' validity, each said once."""
    holders: dict[str, list[str]] = {}
    for name in names(laws):
        if laws[name].attrs["validity"]:
            holders.setdefault(laws[name].attrs["validity"], []).append(name)
    return [f"Valid for {', '.join(held)}: {validity}" for validity, held in holders.items()]


def _unavailable(reasons: Mapping[str, str]) -> list[str]:
    """Return the reasons, each said once; most end with the name of their quantity, for the command that draws it."""
    holders: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        holders.setdefault(reason.removesuffix(name), []).append(name)
    ends = {stem: ",".join(held) if reasons[held[0]] != stem else "" for stem, held in holders.items()}
    return [f"No law for {', '.join(held)}: {stem}{ends[stem]}" for stem, held in holders.items()]


def _root_mean_squares(laws: xr.Dataset, reasons: Mapping[str, str]) -> list[str]:
    """Return the root mean square of every ratio that has no law, at the last layer that has one."""
    lines = []
    for name in reasons:
        if f"{name}_second_moment" not in laws:
            continue
        moments = laws[f"{name}_second_moment"].sel(layer=results.own_layers(laws[name])).dropna("layer")
        if moments.size:
            place = -1 if not QUANTITIES[name].backward else 0
            layer, ratio = int(moments.layer[place]), math.exp(0.5 * float(moments[place]))
            lines.append(f"{name}: the root mean square of the ratio itself is {value(ratio)} at layer {layer}.")
    return lines


def value(number: float) -> str:
    """Format a number to four digits.

    >>> value(0.123456), value(float("nan")), value(float("-inf"))
    ('0.1235', '—', '-∞')
    """
    if math.isfinite(number):
        return f"{number:.4g}" if abs(number) > ROUNDING else "0"
    return "—" if math.isnan(number) else ("∞" if number > 0 else "-∞")


def with_error(number: float, error: float) -> str:
    """Format a number with its standard error, to two digits of the error.

    >>> with_error(1.23456, 0.0123)
    '1.235 ± 0.012'
    """
    if not (math.isfinite(number) and math.isfinite(error)) or error <= 0.0:
        return value(number)
    decimals = max(0, 1 - math.floor(math.log10(error)))
    if decimals > 9 or error >= 1e6:
        return f"{number:.4g} ± {error:.2g}"
    return f"{number:.{decimals}f} ± {error:.{decimals}f}"
