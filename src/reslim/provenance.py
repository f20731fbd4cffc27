"""What a result says about its own making, computed when it is made."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version


def versions(*packages: str) -> str:
    """Return ``python 3.11.7, reslim 0.1.0, numpy 2.4.6, ...`` for the packages that are installed."""
    found = [f"python {platform.python_version()}"]
    for package in ("reslim", "numpy", *packages):
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)
