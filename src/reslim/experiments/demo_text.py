"""What the demonstration prints: a table of the output norm, and what to read in it."""

from __future__ import annotations

import math
from typing import Any

from rich import box
from rich.table import Table

QUANTITY = "log_output_norm"


def table(found: dict[str, Any]) -> Table:
    """Return the table of the first digit's output norm: a row a network, at most 120 columns wide.

    Law, networks without and with matrices, and the infinite-width prediction, for the mean and for the variance.
    """
    digit = found["inputs"]["labels"][0]
    title = f"ln(|z_out|²/n_out) of a handwritten {digit}, at width {found['settings']['width']}"
    shown = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    shown.add_column("network", no_wrap=True)
    shown.add_column("depth", justify="right", no_wrap=True)
    for moment in ("mean", "variance"):
        for above, column in ((moment, "law"), ("", "simulated"), ("", "matrices"), ("", "n = ∞")):
            shown.add_column(f"{above}\n{column}", justify="right", no_wrap=True)
    shown.add_column("law vs\nsimulated", no_wrap=True)
    shown.add_column("KS\np", justify="right", no_wrap=True)
    for entry in found["runs"]:
        shown.add_row(*_row(entry))
    return shown


def _row(entry: dict[str, Any]) -> list[str]:
    cells = [entry["network"], str(entry["spec"]["depth"])]
    for moment in ("mean", "variance"):
        law, gaussian = (entry["predicted"][name][QUANTITY][moment][0] for name in ("log-gaussian", "gaussian"))
        samples = (entry[name]["quantities"][QUANTITY] for name in ("simulated", "explicit"))
        simulated, explicit = (_with_error(sample[moment][0], sample[f"{moment}_se"][0]) for sample in samples)
        cells += [_number(law), simulated, explicit, _number(gaussian)]
    return [*cells, entry["verdicts"][f"{QUANTITY}_verdict"][0], f"{entry['methods_ks_p']:.2g}"]


def notes(found: dict[str, Any]) -> str:
    """Return how the table was made, and what it says, in a few lines of text."""
    settings, runs = found["settings"], found["runs"]
    labels = ", ".join(str(label) for label in found["inputs"]["labels"])
    return "\n".join(
        [
            f"Inputs: {len(found['inputs']['labels'])} handwritten digits ({labels}; 64 pixels) through the same networks. "
            "The table is about the first.",
            "law: log-Gaussian, without simulation.  n = ∞: the usual infinite-width limit.  ±: one standard error.",
            f"simulated: {settings['replicas']:,} exact networks a row, without matrices.  "
            f"matrices: {settings['explicit']:,} with every weight drawn.",
            _allowance(runs),
            "KS p: two-sample Kolmogorov–Smirnov p-value of the networks with matrices against those without.",
            f"Seeds {settings['seed']} and {settings['seed'] + 1}; false alarms anywhere in the table: {settings['level']:g}.",
            f"Verdict: {found['verdict']}, after {found['elapsed_s']:.0f} s.",
        ]
    )


def _allowance(runs: list[dict[str, Any]]) -> str:
    """Say how far the law itself may be off, which the verdict takes into account."""
    mean, variance = (
        max(entry["agreement"][QUANTITY][key][0] for entry in runs) for key in ("allowed_mean", "allowed_variance_ratio")
    )
    return (
        "law vs simulated: within the sampling error and the law's own error at this width "
        f"(at most {mean:.2g} in the mean and {100 * variance:.2g} % of the variance in these rows)."
    )


def _number(value: float | None) -> str:
    return "—" if value is None else f"{value:.3f}"


def _with_error(value: float | None, error: float | None) -> str:
    if value is None or error is None or error <= 0.0:
        return _number(value)
    decimals = min(3, max(0, 1 - math.floor(math.log10(error))))
    return f"{value:.{decimals}f}±{error:.{decimals}f}"
