"""The ordinary differential equation that networks with smooth weights tend to, on the weights of a network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, xlogy

from reslim.coupling import Smooth
from reslim.spec import ResNet

Array = NDArray[np.float64]
TOLERANCE = 1e-9  # relative, of the solver
MIDDLE = 0.5  # of the time: the series below is shortest around it


@dataclass(frozen=True)
class SmoothSeries:
    """Independent normals times functions of t in [0, 1]: a Gaussian process whose covariance is that of a smooth coupling.

    exp(-(s-t)²/2ℓ²) = Σ_m f_m(s) f_m(t) with f_m(t) = e^{-x²/2} x^m/√m!, x = (t - ½)/ℓ: exact up to the tail of a Poisson law
    of mean x², below rounding here. The increments are those of that process; in the limit they are ℓ times its derivative.
    """

    coupling: Smooth

    @property
    def count(self) -> int:
        """The number of functions."""
        mean = (MIDDLE / self.coupling.length) ** 2
        return int(np.ceil(mean + 12.0 * np.sqrt(mean) + 40.0))

    def process(self, t: Array) -> Array:
        """Return f_m(t), shape (count, …)."""
        x = (np.asarray(t) - MIDDLE) / self.coupling.length
        order = np.arange(self.count).reshape(-1, *(1,) * x.ndim)
        size = np.exp(xlogy(order, np.abs(x)) - 0.5 * gammaln(order + 1.0) - 0.5 * x * x)
        return np.where(x < 0.0, (-1.0) ** order, 1.0) * size

    def limit(self, t: Array) -> Array:
        """Return the functions of the weights at time t as L → ∞."""
        found = self.process(t)
        if self.coupling.kind == "process":
            return found
        x = (np.asarray(t) - MIDDLE) / self.coupling.length
        order = np.arange(self.count).reshape(-1, *(1,) * x.ndim)
        return np.sqrt(order) * np.concatenate([np.zeros_like(found[:1]), found[:-1]]) - x * found

    def layers(self, depth: int) -> Array:
        """Return the functions of the weights of every layer of a network, shape (count, depth)."""
        if self.coupling.kind == "process":
            return self.process(np.arange(depth) / depth)
        steps = np.diff(self.process(np.arange(depth + 1) / depth), axis=1)
        return steps / np.sqrt(-2.0 * np.expm1(-0.5 * (1.0 / (depth * self.coupling.length)) ** 2))


@dataclass(frozen=True)
class Flow:
    """dZ/dt = T √(v_out/n) V(t) φ(√(v_in/n) W(t) Z), one-matrix T √(v/n) V(t) φ(Z), for t in [0, 1] and T = λ L.

    The network of depth L is its Euler scheme, with the weights V(k/L) and W(k/L).
    """

    net: ResNet

    def errors(self, replicas: int, seed: int, halvings: int) -> Array:
        """Return |z_L - Z(1)|² at the depths L, L/2, …, L/2^halvings, shape (halvings + 1, replicas)."""
        found = np.empty((halvings + 1, replicas))
        for replica in range(replicas):
            one = self.replica(seed, replica)
            end = one.solution(np.ones(1))[:, 0]
            for k in range(halvings + 1):
                found[k, replica] = np.sum((one.network(self.net.depth >> k)[-1] - end) ** 2)
        return found

    def replica(self, seed: int, replica: int) -> Path:
        """Return one draw of the start and of the weights as functions of time."""
        rng = np.random.default_rng([seed, replica])
        series, n = SmoothSeries(self.net.coupling), self.net.width  # type: ignore[arg-type]
        matrices = 2 if self.net.block == "two-matrix" else 1
        return Path(self.net, series, rng.standard_normal(n), rng.standard_normal((matrices, series.count, n, n)) / np.sqrt(n))


@dataclass(frozen=True)
class Path:
    """One draw: z_0, shape (n,), and the normals of V and (two-matrix) W, shape (matrices, count, n, n)."""

    net: ResNet
    series: SmoothSeries
    start: Array
    normals: Array

    def weights(self, functions: Array) -> Array:
        """Return V and (two-matrix) W, of variance 1/n, for functions of shape (count, …): shape (matrices, …, n, n)."""
        return np.einsum("m...,kmij->k...ij", functions, self.normals, optimize=True)

    def branch(self, weights: Array, z: Array) -> Array:
        """Return T times the branch at z."""
        inner, outer = self.net.variances
        h = z if len(weights) == 1 else np.sqrt(inner) * (weights[1] @ z)
        return self.net.branches[0] * self.net.depth * np.sqrt(outer) * (weights[0] @ self.net.phi.value(h))

    def solution(self, times: Array) -> Array:
        """Return Z at times in (0, 1], shape (n, times), by an adaptive method of order 8; relative error about 1e-8."""
        from scipy.integrate import solve_ivp

        def slope(t: float, z: Array) -> Array:
            return self.branch(self.weights(self.series.limit(np.asarray(t))), z)

        scale = float(np.abs(self.start).max())
        found = solve_ivp(slope, (0.0, 1.0), self.start, "DOP853", times, rtol=TOLERANCE, atol=TOLERANCE * scale)
        assert found.success, found.message
        return found.y

    def network(self, depth: int) -> Array:
        """Return the states z_0 … z_depth of the network of that depth on the same weights, shape (depth + 1, n)."""
        weights = self.weights(self.series.layers(depth))
        states = [self.start]
        for k in range(depth):
            states.append(states[-1] + self.branch(weights[:, k], states[-1]) / depth)
        return np.array(states)
