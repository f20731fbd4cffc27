"""The law of the gradient of vanilla networks with φ piecewise linear, followed from the last layer down on a grid of y = ln K².

On the grid live the probability of y and, for each y, the first two moments of the gradient's logarithm, or its
characteristic function (docs/derivations/gradient.md).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import get_lapack_funcs

from reslim.spec import ResNet
from reslim.theory import fourier
from reslim.theory.angle import Rates, boundary, matters, rates
from reslim.theory.sums import cumulated

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]
LOWEST, HIGHEST, POINTS = -20.0, 4.8, 500  # of y: all but 4e-5 of the start, and e⁻⁶⁰ of the end
ABOVE, MANY_POINTS = 1.0, 3000  # for p_d along z_d, where K² = n: beyond ln n, and points
PULLS = 8.0  # steps a layer, per unit of its pull, while the angle is small
STEPS, MOST_STEPS = 64, 2048  # at least, and for the whole law at most so many through a network
STEADY = 1e-9  # relative change of the increments below which they change no more


def moments(net: ResNet, functional: str = "generic") -> tuple[Array, Array]:
    """Return mean and variance of ln(|p_l|²/|p_d|²) - Σ ln S at l = 0 … d, for a p_d of this kind.

    O(depth) times the points of the grid; in networks whose layers are alike, until the angle has settled, about 10 n
    layers from the end. Second order in the steps of y and of the layers.
    """
    if functional == "orthogonal":  # p·z is conserved: the angle stays, and does not pull
        by_layer = rates(net)
        mean, variance = (cumulated(values[::-1])[::-1] for values in (by_layer.mean, by_layer.variance))
    else:
        mean, variance, _, _ = _sweep(net, functional)
    return mean - boundary(net), variance


def cosine(net: ResNet, functional: str) -> tuple[Array, Array]:
    """Return E cos∠(p_l, z_l), and n E cos², at l = 0 … d, likewise."""
    nothing = np.zeros(net.depth + 1)
    if functional == "orthogonal":
        return nothing, nothing
    if functional == "generic" and not matters(net):
        return nothing, np.ones(net.depth + 1)  # the start is stationary
    _, _, length, square = _sweep(net, functional)
    return (nothing if functional == "generic" else length / np.sqrt(net.width)), square


@lru_cache(maxsize=16)
def _sweep(net: ResNet, functional: str) -> tuple[Array, Array, Array, Array]:
    """Return the moments without the boundary, E K and E K²."""
    alike = bool(np.ptp(net.skips) == 0.0 and np.ptp(net.branches) == 0.0)
    if functional == "generic":
        grid = Grid(LOWEST, HIGHEST, POINTS)
        return follow(rates(net), grid, grid.start(), alike)
    highest = np.log(net.width)
    grid = Grid(LOWEST, highest + ABOVE, MANY_POINTS)
    return follow(rates(net), grid, grid.at(highest), alike)


def follow(by_layer: Rates, grid: Grid, density: Array, alike: bool = False) -> tuple[Array, Array, Array, Array]:
    """Return mean and variance of what is added to ln|p|², E K and E K², at l = 0 … d, from the last layer down."""
    depth = len(by_layer.pull)
    first, second = np.zeros_like(density), np.zeros_like(density)
    mean, variance, length, square = np.zeros((4, depth + 1))
    length[-1], square[-1] = density @ np.sqrt(grid.square), density @ grid.square
    for layer in range(depth - 1, -1, -1):
        for rate, substeps in _parts(Rates(*(values[layer] for values in by_layer)), square[layer + 1], depth):
            step = Rates(*(value / substeps for value in rate))
            for _ in range(substeps):
                density, first, second = grid.step(step, density, first, second)
        mean[layer] = first.sum()
        variance[layer] = second.sum() - mean[layer] ** 2
        length[layer], square[layer] = density @ np.sqrt(grid.square), density @ grid.square
        if alike and _is_steady(mean[layer : layer + 3]) and _is_steady(variance[layer : layer + 3]):
            for moment in (mean, variance):
                moment[:layer] = moment[layer] + (moment[layer] - moment[layer + 1]) * np.arange(layer, 0, -1)
            length[:layer], square[:layer] = length[layer], square[layer]
            break
    return mean, variance, length, square


def _parts(rate: Rates, square: float, depth: int) -> list[tuple[Rates, int]]:
    """Return what happens in a layer, in its order, with the number of steps: the angle pulls, and then fades."""
    zero = np.zeros_like(rate.pull)
    pulled = (rate._replace(forget=zero, renewal=zero), max(-(-STEPS // depth), int(PULLS * rate.pull * square)))
    if rate.forget == 0.0 and rate.renewal == 0.0:
        return [pulled]
    faded = Rates(zero, zero, zero, zero, zero, zero, rate.forget, rate.renewal)
    return [pulled, (faded, 1 + int(PULLS * abs(rate.forget)))]


def _is_steady(values: Array) -> bool:
    """Return whether three values in a row lie on a line."""
    return len(values) == 3 and abs(values[0] - 2.0 * values[1] + values[2]) <= STEADY * abs(values[0] - values[1])


@lru_cache(maxsize=64)
def characteristic(net: ResNet, layer: int) -> Complex:
    """Return the characteristic function of (x - mean)/deviation, x = ln(|p_l|²/|p_d|²), at `fourier.FREQUENCIES`.

    Layers are put together into steps that add at most ½ to the variance of y, while these are fewer than 2048.
    """
    mean, variance = (values[layer] for values in moments(net))
    later = Rates(*(values[layer:][::-1] for values in rates(net)))
    count = np.clip(2.0 * later.spread.sum(), 2 * STEPS, MOST_STEPS)
    blocks = np.array_split(np.arange(net.depth - layer), min(net.depth - layer, int(count)))
    substeps = -(-STEPS // len(blocks))
    steps = [Rates(*(values[block].sum() / substeps for values in later)) for block in blocks]
    grid = Grid(LOWEST, HIGHEST, POINTS)
    start = grid.start()
    found = np.empty(len(fourier.FREQUENCIES), np.complex128)
    for k, frequency in enumerate(fourier.FREQUENCIES / np.sqrt(variance)):
        values = start.astype(np.complex128)
        for step in steps:
            advanced = _crank_nicolson(grid.tilted(step, frequency))
            for _ in range(substeps):
                values = advanced(values)
        found[k] = values.sum() * np.exp(-1j * frequency * (mean + boundary(net)[layer]))
    return found


class Grid:
    """Points of y = ln K², with probabilities on them; the ends reflect."""

    def __init__(self, lowest: float, highest: float, points: int) -> None:
        self.y, self.h = np.linspace(lowest, highest, points, retstep=True)
        self.square = np.exp(self.y)

    def start(self) -> Array:
        """Return the probabilities of K² ~ χ²₁."""
        weights = np.sqrt(self.square) * np.exp(-0.5 * self.square)
        return weights / weights.sum()

    def at(self, y: float) -> Array:
        """Return the probabilities of a point, on the two that are nearest to it."""
        return np.maximum(1.0 - np.abs(self.y - y) / self.h, 0.0)

    def step(self, rate: Rates, density: Array, first: Array, second: Array) -> tuple[Array, Array, Array]:
        """Advance the density, and the sums of ln|p|² and its square over it, by one step (Crank–Nicolson).

        f' = L f, f₁' = L f₁ + A f, f₂' = L f₂ + 2 A f₁ + V f with A f = (mean + pull K²) f - (covariance - V) ∂f.
        """
        advanced, gain = _crank_nicolson(self.generator(rate)), self.gain(rate)
        after = advanced(density)
        middle = 0.5 * (density + after)
        after_first = advanced(first, _times(gain, middle))
        middle_first = 0.5 * (first + after_first)
        return after, after_first, advanced(second, 2.0 * _times(gain, middle_first) + rate.variance * middle)

    def tilted(self, rate: Rates, frequency: float) -> Complex:
        """Return the three diagonals of L + i ω A - ½ ω² V, which moves E[e^{iω ln|p|²}; y]."""
        bands = self.generator(rate) + 1j * frequency * self.gain(rate)
        bands[1] -= 0.5 * frequency**2 * rate.variance
        return bands

    def gain(self, rate: Rates) -> Array:
        """Return the three diagonals of A; its columns sum to mean + pull K²."""
        slide = (rate.covariance - rate.variance) / (2.0 * self.h)
        bands = np.zeros((3, len(self.y)))
        bands[0, 1:], bands[1], bands[2, :-1] = -slide, rate.mean + rate.pull * self.square, slide
        bands[1, 0] -= slide
        bands[1, -1] += slide
        return bands

    def generator(self, rate: Rates) -> Array:
        """Return the three diagonals of L, which moves probability between neighbours, in columns: above, on and below it.

        Exponentially fitted (Scharfetter and Gummel): exact for constant drift and spread, positive for any.
        """
        bands = np.zeros((3, len(self.y)))
        if rate.spread <= 0.0 and rate.renewal == 0.0:  # no branch
            return bands
        between = np.sqrt(self.square[1:] * self.square[:-1])
        # dK = -θ K dl + ε dW is dy = -(2θ + ε²/K²) dl + (2ε/K) dW; the drift is less the derivative of the half
        drift = rate.state_mean - rate.mean - rate.pull * between - 2.0 * rate.forget + rate.renewal / between
        half = 0.5 * max(rate.spread, 0.0) + 2.0 * rate.renewal / between
        up = half / self.h**2 * _bernoulli(-drift * self.h / half)
        down = half / self.h**2 * _bernoulli(drift * self.h / half)
        bands[0, 1:], bands[2, :-1] = down, up
        bands[1, :-1] -= up
        bands[1, 1:] -= down
        return bands


def _bernoulli(x: Array) -> Array:
    """Return x/(eˣ - 1)."""
    small = np.abs(x) < 1e-6
    safe = np.where(small, 1.0, np.minimum(x, 700.0))  # where it is 0 to rounding
    return np.where(small, 1.0 - 0.5 * x, safe / np.expm1(safe))


def _crank_nicolson(generator: Any) -> Callable[..., Any]:
    """Return the function that gives values after one step, with a source; the matrix is factored once."""
    halved = -0.5 * generator
    halved[1] += 1.0
    factor, solve = get_lapack_funcs(("gttrf", "gttrs"), (halved,))
    *factors, _ = factor(halved[2, :-1], halved[1], halved[0, 1:])

    def advanced(values: Any, source: Any = 0.0) -> Any:
        return solve(*factors, values + 0.5 * _times(generator, values) + source)[0]

    return advanced


def _times(bands: Any, values: Any) -> Any:
    """Return the product of a matrix of three diagonals with a vector."""
    product = bands[1] * values
    product[:-1] += bands[0, 1:] * values[1:]
    product[1:] += bands[2, :-1] * values[:-1]
    return product
