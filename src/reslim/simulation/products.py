"""A Gaussian matrix that is known only through what it was applied to: W on the states, Wᵀ on the gradients."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from reslim.simulation import vectors

Array = NDArray[np.float64]
Fill = Callable[[Array, Array], None]  # fill (networks, inputs, padded) normals where the second argument is positive


def padded(n: int) -> int:
    """Return the length of a row of noise for n numbers."""
    return 4 * ((n + 3) // 4)


class GaussianProduct:
    """W applied to m vectors x (for each network of a batch), and then Wᵀ to m others, given the first products.

    `docs/derivations/matrix-free.md` has the two laws. Scratch arrays are kept and used again at every layer.
    """

    def __init__(self, networks: int, inputs: int, dim_in: int, dim_out: int) -> None:
        self.basis = np.zeros((networks, inputs, dim_in))
        self.squares = np.zeros((networks, inputs))
        self.lower = np.zeros((networks, inputs, inputs))
        self.noise = np.zeros((networks, inputs, padded(dim_out)))

    def draw(self, x: Array, fill: Fill) -> None:
        """Choose W x: its direction in law is fresh noise on an orthogonal basis of x."""
        vectors.orthogonalise(x, self.basis, self.squares, self.lower)
        fill(self.noise, self.squares)

    def add_to(self, out: Array, gain: float, keep: float = 0.0) -> None:
        """Set out = keep out + gain W x."""
        vectors.combine(self.lower, self.squares, self.noise, gain, keep, out)

    def transpose(self, p: Array, fill: Fill, fresh: GaussianProduct, out: Array) -> None:
        """Set out = Wᵀ p, given W x; `fresh` is scratch for a W that knows nothing."""
        fresh.draw(p, fill)
        fresh.add_to(out, 1.0)
        vectors.condition(self.basis, self.squares, self.noise, p, out)
