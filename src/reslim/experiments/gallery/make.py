"""Figures into a folder: PNG, SVG, and a JSON with the checks."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from reslim import checks, provenance, results
from reslim.errors import BadValue, Verbatim
from reslim.experiments.gallery.recipe import Recipe
from reslim.experiments.gallery.recipes import RECIPES
from reslim.training.data import load

STYLE = {"font.size": 9, "legend.fontsize": 8, "svg.hashsalt": "reslim"}
DPI = 130
DIGITS = "digits"


def make(names: Iterable[str], out: Path | str, quick: bool = False, data: str = DIGITS) -> list[dict[str, Any]]:
    """Make figures of the gallery into a folder, and return what was found: the content of ``out/NAME.json``, for each.

    Parameters
    ----------
    names : names from `RECIPES`, or "all".
    out : folder, made if it does not exist.
    quick : fewer networks: rougher figures in less time, the same numbers expected of them.
    data : images that networks are trained on, as `reslim.training.data.load` names them; figures that train none take no
        others than the digits.

    Raises
    ------
    ValueError
        For a name that is not in the gallery, or none; for other data than the digits where nothing is trained.
    ModuleNotFoundError
        For a figure that trains networks, where PyTorch is not installed; before any figure is made.
    """
    wanted = [recipe for name in names for recipe in _named(name)]
    if not wanted:
        raise BadValue("gallery.make", "names", "must name a figure", None, f"There are {', '.join(RECIPES)}, and all.")
    _check_data(wanted, data)
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    return [_make_one(recipe, out, quick, data) for recipe in dict.fromkeys(wanted)]


def _named(name: str) -> list[Recipe]:
    chosen = checks.one_of("gallery.make", "names", name, [*RECIPES, "all"])
    return list(RECIPES.values()) if chosen == "all" else [RECIPES[chosen]]


def _check_data(wanted: list[Recipe], data: str) -> None:
    """Refuse data that a figure does not use or that cannot be read, and training without PyTorch, before anything is made."""
    trained = ", ".join(recipe.name for recipe in RECIPES.values() if recipe.trains)
    for recipe in wanted:
        if data != DIGITS and not recipe.trains:
            raise BadValue("gallery.make", "data", f"is for figures that train: {trained}", Verbatim(recipe.name))
        if recipe.trains and find_spec("torch") is None:
            way_out = 'pip install "reslim[train]"'
            raise ModuleNotFoundError(f"{recipe.name} trains networks and needs PyTorch: {way_out}", name="torch")
    if any(recipe.trains for recipe in wanted):
        load(data)


def _make_one(recipe: Recipe, out: Path, quick: bool, data: str) -> dict[str, Any]:
    if sys.stderr.isatty():
        print(f"gallery: {recipe.name}", file=sys.stderr)
    started = time.perf_counter()
    with mpl.rc_context(STYLE):  # type: ignore[arg-type]
        drawn = recipe.draw(quick, data) if recipe.trains else recipe.draw(quick)
        files = [_write(drawn.figure, out / f"{recipe.name}{suffix}") for suffix in (".png", ".svg")]
    verdicts = [check.verdict for check in drawn.checks]
    found = {
        "name": recipe.name,
        "title": recipe.title,
        "paper": recipe.paper,
        "quick": quick,
        "settings": drawn.settings,
        "checks": [check.to_dict() for check in drawn.checks],
        "verdict": next((word for word in ("differ", "unresolved") if word in verdicts), "agree"),
        "files": [path.name for path in files],
        "elapsed_s": time.perf_counter() - started,
        "versions": provenance.versions("numba", "scipy", "matplotlib"),
    }
    results.write_text(out / f"{recipe.name}.json", json.dumps(found, allow_nan=False, ensure_ascii=False, indent=1) + "\n")
    return found


def _write(figure: Figure, path: Path) -> Path:
    metadata = {"Date": None} if path.suffix == ".svg" else None  # the same picture is the same file
    return results.write_atomically(path, lambda temporary: figure.savefig(temporary, dpi=DPI, metadata=metadata))
