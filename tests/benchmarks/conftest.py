"""The benchmarks lie beside the package, not in it: their folder's parent joins the path."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
