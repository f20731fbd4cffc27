"""Which code draws the networks: a fingerprint that a chunk's key holds, so that no sweep mixes two versions."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

import reslim
from reslim import provenance

SOURCES = ("simulation/*.py", "activations.py", "coupling.py", "inputs.py", "spec.py", "summary.py")


@cache
def fingerprint(sources: tuple[str, ...] = SOURCES, packages: tuple[str, ...] = ("numpy", "numba")) -> str:
    """Return ``kernels 0123456789ab, numpy 2.4.6, numba 0.68.1``: a hash of the sources, and what runs them."""
    home = Path(reslim.__file__).parent
    files = sorted(path for pattern in sources for path in home.glob(pattern))
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:12]
    return f"kernels {digest}, {provenance.packages(*packages)}"
