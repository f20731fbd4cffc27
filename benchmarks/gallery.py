"""The gallery in the docs: every figure in full, and a page with what was expected, what was found, and how long it took.

``python -m benchmarks.gallery`` (make gallery) writes docs/gallery; with names, these figures alone are made again.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from benchmarks import machine
from reslim.experiments import gallery

FOLDER = Path(__file__).parent.parent / "docs" / "gallery"
HEAD = """# The gallery

The figures of the two papers, each with the numbers that must come out: `reslim gallery make NAME --out DIR`.
Written by `make gallery`. A number agrees where it is off by at most its tolerance and five standard errors (s.e.).
"""
NOTE = """
## What differs from what was published

- The published code of Figures 1 and 3 takes 2.5 minutes on two cores, that of Figure 2 takes 58, of Figures 4 and 5 takes 19,
  of Figure 7 takes 5.7 hours. Its fractional noise drops one autocovariance and uses one eigenvalue twice, so its Figure 7 is
  off near H = 1; its single precision overflows at 1.8e19 and leaves 13 % of Figure 7 empty.
- Entries are Gaussian here, where the papers' are uniform for independent weights: the networks can then be drawn without
  matrices. To first order in 1/L the law is the same.
- Fifty draws put the median of r at β = ¼, L = 1000 at about 1800; 40 000 draws, and the law, at 1720.
"""


def page(made: list[dict[str, Any]]) -> str:
    """Return the page in Markdown."""
    return HEAD + "\n".join(_figure(found) for found in made) + NOTE


def _figure(found: dict[str, Any]) -> str:
    rows = [
        f"| {check['what']} | {_number(check['expected'])} ± {_number(check['tolerance'])} | {_number(check['found'])} "
        f"| {_number(check['error'])} | {check['verdict']} |"
        for check in found["checks"]
    ]
    head = ["| number | expected | found | s.e. | verdict |", "|---|---|---|---|---|"]
    took = f"{found['elapsed_s']:.0f} s on {found['machine']}"
    told = f"{found['paper']}. `reslim gallery make {found['name']}`: {took}."
    picture = f"![{found['title']}]({found['name']}.png)"
    return "\n".join([f"\n## {found['title']}\n", told, "", picture, "", *head, *rows, ""])


def _number(value: float | None) -> str:
    return "—" if value is None else f"{value:.4g}"


def main(names: list[str]) -> None:
    """Make the figures, and the page of all that are there."""
    for found in gallery.make(names or ["all"], FOLDER):
        told = found | {"machine": f"{machine.cores()} cores of {machine.processor()}"}
        _file(found["name"]).write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    for path in FOLDER.glob("*.svg"):  # large, and the same picture
        path.unlink()
    made = [json.loads(_file(name).read_text(encoding="utf-8")) for name in gallery.RECIPES if _file(name).exists()]
    (FOLDER / "README.md").write_text(page(made), encoding="utf-8")


def _file(name: str) -> Path:
    return FOLDER / f"{name}.json"


if __name__ == "__main__":
    main(sys.argv[1:])
