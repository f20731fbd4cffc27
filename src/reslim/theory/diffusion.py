"""The stochastic differential equation that networks with independent weights tend to, on the noise of a network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reslim.spec import ResNet
from reslim.theory.expectations import mean_square

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Diffusion:
    """dZ = g(Z) dB in n dimensions (Itô) over the time T = λ² L, from Z ~ N(0, I).

    One-matrix blocks: g(z) = √(v/n) |φ(z)|, and the network is the Euler–Maruyama scheme of L steps. Two-matrix and Balanced
    ones: g is the root mean square over W, or over the signs, and the network tends to the equation in law only.
    """

    net: ResNet

    @property
    def time(self) -> float:
        """The time T."""
        return float(self.net.branches[0] ** 2 * self.net.depth)

    @property
    def is_scheme(self) -> bool:
        """Whether the network is the Euler–Maruyama scheme itself."""
        return self.net.block == "one-matrix" and not self.net.balanced

    def spread(self, z: Array) -> Array:
        """Return g at states of shape (…, n)."""
        net, (inner, outer) = self.net, self.net.variances
        if net.block == "two-matrix":
            q = inner * np.mean(z**2, axis=-1)
            return np.sqrt(outer * q * mean_square(net.phi, q))
        signs = (1.0, -1.0) if net.balanced else (1.0,)
        return np.sqrt(outer * np.mean([np.mean(net.phi.value(sign * z) ** 2, axis=-1) for sign in signs], axis=0))

    def states(self, replicas: int, seed: int, halvings: int) -> Array:
        """Return the schemes' last states at the depths L, L/2, …, L/2^halvings, shape (halvings + 1, replicas, n).

        All are driven by one Brownian motion a replica: coarse increments are sums of fine ones.
        """
        rng, (depth, width) = np.random.default_rng(seed), (self.net.depth, self.net.width)
        start = rng.standard_normal((replicas, width))
        noise = rng.standard_normal((depth, replicas, width)) * np.sqrt(self.time / depth)
        ends = [self._end(start, noise)]
        for _ in range(halvings):
            noise = noise[::2] + noise[1::2]
            ends.append(self._end(start, noise))
        return np.array(ends)

    def _end(self, z: Array, noise: Array) -> Array:
        for increment in noise:
            z = z + self.spread(z)[:, None] * increment
        return z

    def errors(self, replicas: int, seed: int, halvings: int) -> Array:
        """Return |Z - Z'|² between each depth and half of it, shape (halvings, replicas): their order is that of the error."""
        ends = self.states(replicas, seed, halvings)
        return ((ends[:-1] - ends[1:]) ** 2).sum(axis=-1)
