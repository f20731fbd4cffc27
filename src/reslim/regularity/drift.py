"""Drift against diffusion: how much of the change of the weights is a smooth function of depth."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reslim import checks
from reslim.errors import BadValue, Verbatim
from reslim.regularity.index import FEW
from reslim.regularity.stack import columns, stack

Array = NDArray[np.float64]
MODES = 5


class Drift(NamedTuple):
    """The smooth share of a change, and what white noise has instead."""

    share: float
    error: float  # one standard error, for independent entries; NaN for fewer than 30
    white: float  # the expectation for white noise, modes/depth
    white_error: float  # the standard deviation for Gaussian white noise
    drift: float  # (share - white)/(1 - white): 0 on average for white noise, 1 for a smooth function
    size: float  # root mean square of the change, over layers and entries


def drift_share(before: ArrayLike, after: ArrayLike, *, modes: int = MODES) -> Drift:
    """Measure the share of a change D = W_after - W_before that is a smooth function of depth.

    With the cosines of the orthonormal DCT-II across depth, c_k = (s_k/L)^½ Σ_l D_l cos(πk(l + ½)/L), s_0 = 1, s_k = 2,

        share = Σ_(k < modes) ‖c_k‖²/Σ_l ‖D_l‖²,

    between 0 and 1. Exactly at every depth L: modes/L on average for Gaussian white noise (then Beta distributed), and
    for any with independent, identically distributed entries as their number grows. For `Fractional(H)`, about
    (modes/L)^(2-2H): with five modes at the depths 100 and 1000, to 4 % for H ≥ ½; at H = .3, 12 % less.
    For D_l = f((l + ½)/L), f smooth, 1 - share tends, as L → ∞ and for many modes, to
    Σ_(k ≥ modes) 2 ((-1)^k f'(1) - f'(0))²/((πk)⁴ ∫f²): .00057 for a straight line from 0 and five modes.
    A flow has a share near 1 at every depth, with fixed modes; a diffusion's falls like 1/L.

    Parameters
    ----------
    before, after : weights, shape (depth, …), the same.
    modes : how many cosines count as smooth, the constant among them; below the depth.

    Returns
    -------
    Drift
        The share with its error, what white noise has, and the size of the change.

    Raises
    ------
    TypeError, ValueError
        For anything but two finite stacks of one shape that differ.

    References
    ----------
    docs/derivations/regularity.md.

    Examples
    --------
    >>> import numpy as np
    >>> rough = np.random.default_rng(0).standard_normal((50, 300))
    >>> smooth = np.sin(np.linspace(0.0, 3.0, 50))[:, None] * rough[0]
    >>> [round(drift_share(rough, rough + change).share, 2) for change in (smooth, rough)]
    [1.0, 0.1]
    """
    first, last = stack("drift_share", "before", before, 2), stack("drift_share", "after", after, 2)
    if first.shape != last.shape:
        raise BadValue("drift_share", "after", f"must have the shape {first.shape} of before", Verbatim(f"{last.shape}"))
    depth, modes = len(first), checks.positive_int("drift_share", "modes", modes)
    if modes >= depth:
        raise BadValue("drift_share", "modes", f"must be below the depth, {depth}", modes)
    change = columns(last) - columns(first)
    smooth, total = (np.square(part).sum(axis=0) for part in (cosines(modes, depth) @ change, change))
    power = float(total.sum())
    if power == 0.0:
        raise BadValue("drift_share", "after", "must differ from before")
    share, white, entries = float(smooth.sum()) / power, modes / depth, total.size
    spread = float(np.linalg.norm(smooth - share * total)) / power * math.sqrt(entries / max(entries - 1, 1))
    return Drift(
        share=share,
        error=spread if entries >= FEW else math.nan,
        white=white,
        white_error=math.sqrt(white * (1.0 - white) / (0.5 * depth * entries + 1.0)),
        drift=(share - white) / (1.0 - white),
        size=math.sqrt(power / change.size),
    )


def cosines(modes: int, depth: int) -> Array:
    """Return the first rows of the orthonormal DCT-II, shape (modes, depth)."""
    rows = np.cos(math.pi * np.outer(np.arange(modes), np.arange(depth) + 0.5) / depth)
    return rows * np.sqrt(np.where(np.arange(modes) == 0, 1.0, 2.0) / depth)[:, None]
