"""The memory that draws take, checked before anything is drawn."""

from __future__ import annotations

import os

from reslim.errors import BadValue, Verbatim

SHARE = 0.7  # of the memory that is free now


def free_bytes() -> int | None:
    """Return the memory that is free, or None where the system does not say."""
    try:
        with open("/proc/meminfo") as lines:
            available = next(line for line in lines if line.startswith("MemAvailable"))
        return 1024 * int(available.split()[1])
    except (OSError, StopIteration, ValueError):
        pass
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


def readable(size: float) -> str:
    """Return a size in its natural unit: ``1.6 GB``."""
    for unit in ("B", "kB", "MB", "GB", "TB", "PB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} EB"


def check_draws(replicas: int, needed: int) -> None:
    """Refuse draws that would not fit."""
    free = free_bytes()
    if free is not None and needed > SHARE * free:
        got = Verbatim(f"{replicas}, whose draws take {readable(needed)} of {readable(free)} free memory")
        way_out = 'Use draws=False for their summary, or ask for fewer replicas, layers="last", or fewer quantities.'
        raise BadValue("simulate", "replicas", "must fit into memory", got, way_out)


def check_blocks(needed: int) -> None:
    """Refuse a summary whose blocks would not fit."""
    free = free_bytes()
    if free is not None and needed > SHARE * free:
        got = Verbatim(f"blocks that take {readable(needed)} of {readable(free)} free memory")
        way_out = 'Ask for layers="last", fewer quantities, inputs or threads.'
        raise BadValue("simulate", "layers", "must leave blocks of networks that fit into memory", got, way_out)


def check_weights(call: str, needed: int, way_out: str = "Make it narrower or less deep.") -> None:
    """Refuse to hold the matrices of a network that would not fit."""
    free = free_bytes()
    if free is not None and needed > SHARE * free:
        got = Verbatim(f"one that takes {readable(needed)} of {readable(free)} free memory")
        raise BadValue(call, "net", "must fit into memory", got, way_out)
