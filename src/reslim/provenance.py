"""What a result says about its own making, computed when it is made."""

from __future__ import annotations

import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version


def versions(*names: str) -> str:
    """Return ``python 3.11.7, reslim 0.1.0, numpy 2.4.6, ...`` for the packages that are installed."""
    return f"python {platform.python_version()}, {packages('reslim', 'numpy', *names)}"


@cache
def packages(*names: str) -> str:
    """Return ``numpy 2.4.6, ...`` for the packages that are installed."""
    found = []
    for name in names:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)
