"""The explicit sampler: weight matrices, drawn and multiplied, one network after the other. The judge of the others.

O(depth · width²) a network. Shares no code with the matrix-free sampler beyond the spec and the records.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reslim.coupling import Independent
from reslim.errors import NotCovered
from reslim.simulation.records import Records
from reslim.spec import ResNet

Array = NDArray[np.float64]


class BlockWeights(NamedTuple):
    """The weights of one block, of unit variance; `w` is None in a one-matrix block, `signs` is 1 unless Balanced."""

    v: Array  # (n, n)
    w: Array | None  # (n, n)
    signs: Array  # (n,)


class Weights(NamedTuple):
    """The weights of one network, all of unit variance, and the functional p_d."""

    w_in: Array  # (n, n_in)
    blocks: list[BlockWeights]
    w_out: Array  # (n_out, n)
    p_d: Array  # (n,)


def entries(rng: np.random.Generator, law: str, shape: tuple[int, ...]) -> Array:
    """Draw unit-variance entries of a law."""
    if law == "gaussian":
        return rng.standard_normal(shape)
    if law == "uniform":
        return rng.uniform(-math.sqrt(3.0), math.sqrt(3.0), shape)
    return rng.choice([-1.0, 1.0], shape)


def draw_weights(net: ResNet, seed: int, replica: int) -> Weights:
    """Draw the weights of one replica; they depend on (net, seed, replica) alone."""
    if not isinstance(net.coupling, Independent):
        raise NotCovered("simulate", "net", "must have independent weights in this version", net.coupling)
    low = 2**32 - 1  # four words always: NumPy takes a longer seed for a shorter one with zeros at its end
    rng = np.random.default_rng([seed & low, seed >> 32, replica & low, replica >> 32])
    n = net.width
    w_in = rng.standard_normal((n, net.n_in))
    blocks = list(_draw_blocks(net, rng))
    return Weights(w_in, blocks, rng.standard_normal((net.n_out, n)), rng.standard_normal(n))


def _draw_blocks(net: ResNet, rng: np.random.Generator) -> Iterator[BlockWeights]:
    shape = (net.width, net.width)
    for _ in range(net.depth):
        w = entries(rng, net.entries, shape) if net.block == "two-matrix" else None
        v = entries(rng, net.entries, shape)
        yield BlockWeights(v, w, rng.choice([-1.0, 1.0], net.width) if net.balanced else np.ones(net.width))


class Scaled(NamedTuple):
    """A vector mantissa · 2**exponent, so that nothing overflows."""

    mantissa: Array
    exponent: int

    def plus(self, factor: float, other: Array) -> Scaled:
        """Return factor · self + 2**exponent · other, normalised."""
        return normalised(factor * self.mantissa + other, self.exponent)

    def log_square(self) -> float:
        """Return ln |·|²."""
        return _log(float(self.mantissa @ self.mantissa), self.exponent)

    def minus(self, other: Scaled) -> Scaled:
        """Return the difference."""
        top = max(self.exponent, other.exponent)
        difference = np.ldexp(self.mantissa, self.exponent - top) - np.ldexp(other.mantissa, other.exponent - top)
        return normalised(difference, top)


def _log(square: float, exponent: int) -> float:
    """Return ln(square · 4**exponent)."""
    return math.log(square) + 2 * math.log(2.0) * exponent if square > 0 else -math.inf


def normalised(x: Array, exponent: int) -> Scaled:
    """Return 2**exponent · x with a largest mantissa between ½ and 1; zero has the exponent 0."""
    largest = np.abs(x).max()
    if largest == 0:
        return Scaled(x, 0)
    shift = math.frexp(largest)[1]
    return Scaled(np.ldexp(x, -shift), exponent + shift)


class Layer(NamedTuple):
    """What one input leaves behind at one block."""

    z: Scaled
    h: Array  # pre-activation, mantissa
    x: Array  # activation, mantissa


def _unscale(exponent: int) -> float:
    return math.ldexp(1.0, max(-900, min(900, exponent)))


def forward(net: ResNet, weights: Weights, x: Array) -> tuple[list[Layer], Scaled]:
    """Return the layers 0 … d - 1 that one input passes, and z_d."""
    v_in, v_out = net.variances
    n = net.width
    z = Scaled(np.zeros(n), 0).plus(0.0, weights.w_in @ x / math.sqrt(net.n_in))
    layers = []
    for l, (v, w, signs) in enumerate(weights.blocks):
        h = z.mantissa if w is None else math.sqrt(v_in / n) * (w @ z.mantissa)
        scale = _unscale(z.exponent)
        phi = net.phi.value(signs * h * scale) / scale
        layers.append(Layer(z, h, phi))
        z = z.plus(net.skips[l], net.branches[l] * math.sqrt(v_out / n) * (v @ phi))
    return layers, z


def backward(net: ResNet, weights: Weights, layers: list[Layer]) -> tuple[list[Scaled], list[float]]:
    """Return the gradients p_0 … p_d of p_d · z_d, and ln of the squared gradient of each block's weights."""
    v_in, v_out = net.variances
    n = net.width
    p = Scaled(weights.p_d, 0)
    gradients, weight_grads = [p], []
    for l in reversed(range(net.depth)):
        (v, w, signs), layer = weights.blocks[l], layers[l]
        c = net.branches[l] * math.sqrt(v_out / n)
        scale = _unscale(layer.z.exponent)
        # gradient at the pre-activation h: u = c s φ'(s h) ⊙ Vᵀ p
        u = c * signs * net.phi.derivative(signs * layer.h * scale) * (v.T @ p.mantissa)
        square = c**2 * (p.mantissa @ p.mantissa) * (layer.x @ layer.x)
        if w is not None:
            square += v_in / n * (u @ u) * (layer.z.mantissa @ layer.z.mantissa)
            u = math.sqrt(v_in / n) * (w.T @ u)
        weight_grads.append(_log(square, p.exponent + layer.z.exponent))
        p = p.plus(net.skips[l], u)
        gradients.append(p)
    return gradients[::-1], weight_grads[::-1]


def turned(p_d: Array, z_d: Array, functional: int) -> Array:
    """Return p_d, z_d itself, or p_d across z_d: the places in FUNCTIONALS."""
    square = z_d @ z_d
    if functional == 0 or square == 0.0:
        return p_d
    return z_d if functional == 1 else p_d - (p_d @ z_d) / square * z_d


def run(net: ResNet, inputs: Array, backward_pass: bool, functional: int, seed: int, first: int, rec: Records) -> None:
    """Fill `rec` with the networks first, first + 1, ..."""
    for row in range(len(rec.alive)):
        weights = draw_weights(net, seed, first + row)
        states = []
        for a, x in enumerate(inputs):
            layers, z_d = forward(net, weights, x)
            _record_forward(net, weights, layers, z_d, rec, row, a)
            if backward_pass:
                own = weights._replace(p_d=turned(weights.p_d, z_d.mantissa, functional))
                _record_backward(net, own, layers, z_d, rec, row, a)
            states.append([layer.z for layer in layers] + [z_d])
        if len(rec.overlap):
            _record_overlap(states, rec, row)


def _recorded(rec: Records, count: int) -> Iterator[tuple[int, int]]:
    """Yield (layer, slot) of the recorded layers below `count`."""
    return ((layer, int(slot)) for layer, slot in enumerate(rec.slot[:count]) if slot >= 0)


def _record_forward(net: ResNet, weights: Weights, layers: list[Layer], z_d: Scaled, rec: Records, row: int, a: int) -> None:
    states = [layer.z for layer in layers] + [z_d]
    rec.log_square_0[row, a] = states[0].log_square()
    rec.alive[row, a] = np.any(z_d.mantissa != 0)
    for l, slot in _recorded(rec, net.depth + 1):
        if len(rec.log_square):
            rec.log_square[row, slot, a] = states[l].log_square()
        if len(rec.log_displacement):
            rec.log_displacement[row, slot, a] = 0.5 * (states[l].minus(states[0]).log_square() - states[0].log_square())
    for l, slot in _recorded(rec, net.depth):
        h, x, signs = layers[l].h, layers[l].x, weights.blocks[l].signs
        if len(rec.active_fraction):
            rec.active_fraction[row, slot, a] = np.count_nonzero(signs * h > 0) / net.width
        if len(rec.active_energy):
            rec.active_energy[row, slot, a] = (x @ x) / (h @ h) if h.any() else math.nan
    out = Scaled(weights.w_out @ z_d.mantissa / math.sqrt(net.width), z_d.exponent)
    if len(rec.output):
        with np.errstate(over="ignore"):
            rec.output[row, :, a] = np.ldexp(out.mantissa, out.exponent)
    if len(rec.log_output_norm):
        rec.log_output_norm[row, a] = out.log_square() - math.log(net.n_out)


def _record_backward(net: ResNet, weights: Weights, layers: list[Layer], z_d: Scaled, rec: Records, row: int, a: int) -> None:
    gradients, weight_grads = backward(net, weights, layers)
    states = [layer.z for layer in layers] + [z_d]
    p_d = gradients[-1]
    relative = np.array(weight_grads) - p_d.log_square() - rec.log_square_0[row, a]
    for l, slot in _recorded(rec, net.depth + 1):
        if len(rec.log_grad_growth):
            rec.log_grad_growth[row, slot, a] = gradients[l].log_square() - p_d.log_square()
        if len(rec.log_grad_displacement):
            rec.log_grad_displacement[row, slot, a] = 0.5 * (gradients[l].minus(p_d).log_square() - p_d.log_square())
        if len(rec.grad_state_cosine):
            rec.grad_state_cosine[row, slot, a] = _cosine(gradients[l].mantissa, states[l].mantissa)
        if len(rec.log_weight_grad) and l > 0:
            rec.log_weight_grad[row, slot, a] = relative[l - 1]
    if len(rec.log_ntk):
        rec.log_ntk[row, a] = np.logaddexp.reduce(relative)


def _cosine(x: Array, y: Array) -> float:
    """Return the cosine between two vectors, NaN where one of them is 0."""
    length = math.sqrt(x @ x) * math.sqrt(y @ y)
    return float(np.clip(x @ y / length, -1.0, 1.0)) if length > 0.0 else math.nan


def _record_overlap(states: list[list[Scaled]], rec: Records, row: int) -> None:
    for l, slot in _recorded(rec, len(states[0])):
        z = np.array([path[l].mantissa for path in states])
        gram = z @ z.T
        with np.errstate(invalid="ignore"):
            rec.overlap[row, slot] = np.clip(gram / np.sqrt(np.outer(np.diag(gram), np.diag(gram))), -1.0, 1.0)
