"""What the gallery prints."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rich import box
from rich.table import Table

from reslim.experiments.gallery.recipe import Recipe


def contents(recipes: Iterable[Recipe]) -> Table:
    """Return the table of the gallery's figures."""
    shown = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for column in ("figure", "shows", "paper"):
        shown.add_column(column, no_wrap=True)
    for recipe in recipes:
        shown.add_row(recipe.name, recipe.title, recipe.paper)
    return shown


def checks(made: Sequence[dict[str, Any]]) -> list[Any]:
    """Return the table of a run's numbers, and how it ended."""
    shown = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for column in ("figure", "number"):
        shown.add_column(column)
    for column in ("expected", "tolerance", "found", "s.e."):
        shown.add_column(column, justify="right", no_wrap=True)
    shown.add_column("verdict", no_wrap=True)
    for found in made:
        for check in found["checks"]:
            numbers = (_number(check[key]) for key in ("expected", "tolerance", "found", "error"))
            shown.add_row(found["name"], check["what"], *numbers, check["verdict"])
    times = ", ".join(f"{found['name']} {found['elapsed_s']:.0f} s" for found in made)
    said = "A number agrees where it is off by at most its tolerance and five standard errors (s.e.)."
    return [shown, "", said, f"Times: {times}.", f"Verdict: {verdict(made)}."]


def verdict(made: Sequence[dict[str, Any]]) -> str:
    """Return differ where one number does, unresolved where one is, and agree otherwise."""
    words = [found["verdict"] for found in made]
    return next((word for word in ("differ", "unresolved") if word in words), "agree")


def _number(value: float | None) -> str:
    return "—" if value is None else f"{value:.4g}"
