"""The matrix-free sampler: exact networks with Gaussian weights, forward and backward, at O(n) a layer.

Given the past, W φ(z) ~ |φ(z)| g with g ~ N(0, I), and Wᵀp given W φ(z) is again Gaussian, so no matrix is ever drawn
(docs/derivations/matrix-free.md). Exact at every width and depth, for any number of inputs through the same networks.

A batch of networks advances together, layer by layer. States and gradients are kept as mantissas and a binary
exponent, so that nothing overflows at any depth.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from reslim.simulation import activate, generator, vectors
from reslim.simulation.generator import CHANNEL
from reslim.simulation.products import Fill, GaussianProduct, padded
from reslim.simulation.records import Records
from reslim.spec import ResNet

Array = NDArray[np.float64]
MOST_STORED = 32_000_000  # floats of stored states a batch; deeper networks are replayed from checkpoints


class Batch:
    """Networks first, first + 1, … of one seed: their states z_l and the block that is being computed."""

    def __init__(self, net: ResNet, inputs: Array, double: bool, seed: int, first: int, networks: int) -> None:
        m, n = len(inputs), net.width
        v_in, v_out = net.variances
        self.net, self.double, self.first, self.seed = net, double, first, np.uint64(seed)
        self.kind, self.slope = activate.code(net.phi)
        self.gains = net.branches * math.sqrt(v_out / n)
        self.gain_in = math.sqrt(v_in / n)
        self.shape = (networks, m, n)
        self.z, self.x = np.zeros(self.shape), np.zeros(self.shape)
        self.h = np.zeros(self.shape) if net.block == "two-matrix" else self.z
        self.exponent = np.zeros((networks, m), np.int64)
        self.signs = np.ones((networks, n))
        self.inner = GaussianProduct(networks, m, n, n) if net.block == "two-matrix" else None
        self.outer = GaussianProduct(networks, m, n, n)
        self._start(inputs)

    def fill(self, layer: int, channel: int) -> Fill:
        """Return the function that fills noise from the streams of a layer and a channel."""
        return lambda out, needed: generator.fill_normals(out, needed, self.double, self.seed, self.first, layer, channel)

    def _start(self, inputs: Array) -> None:
        """Draw z_0 = W_in x / √n_in."""
        networks, m, n = self.shape
        product = GaussianProduct(networks, m, inputs.shape[1], n)
        product.draw(np.broadcast_to(inputs, (networks, *inputs.shape)).copy(), self.fill(0, CHANNEL.input))
        product.add_to(self.z, 1.0 / math.sqrt(inputs.shape[1]))
        vectors.rescale(self.z, self.exponent)
        self.z_0, self.exponent_0 = self.z.copy(), self.exponent.copy()

    def branch(self, layer: int) -> None:
        """Compute h, x = φ(s h) and W x of block `layer`."""
        if self.net.balanced:
            generator.fill_signs(self.signs, self.double, self.seed, self.first, *self._coins(layer))
        if self.inner is not None:
            self.inner.draw(self.z, self.fill(layer, CHANNEL.inner))
            self.inner.add_to(self.h, self.gain_in)
        activate.activate(self.kind, self.slope, self.exponent, self.h, self.signs, self.x)
        self.outer.draw(self.x, self.fill(layer, CHANNEL.forward))

    def _coins(self, layer: int) -> tuple[int, int]:
        """Return layer and channel of the stream that makes the pre-activations of a block: its spare bits are the coins."""
        if self.inner is not None:
            return layer, CHANNEL.inner
        return (layer - 1, CHANNEL.forward) if layer > 0 else (0, CHANNEL.input)

    def step(self, layer: int) -> None:
        """Turn z_l into z_{l+1} with the branch just computed."""
        self.outer.add_to(self.z, float(self.gains[layer]), float(self.net.skips[layer]))
        vectors.rescale(self.z, self.exponent)

    def output(self) -> Array:
        """Draw the mantissas of z_out = W_out z_d / √n, shape (networks, m, n_out)."""
        networks, m, n = self.shape
        product = GaussianProduct(networks, m, n, self.net.n_out)
        product.draw(self.z, self.fill(0, CHANNEL.output))
        out = np.zeros((networks, m, self.net.n_out))
        product.add_to(out, 1.0 / math.sqrt(n))
        return out


class Tape:
    """The states before each block, for the backward pass: all of them, or checkpoints every √depth layers."""

    def __init__(self, batch: Batch) -> None:
        depth, size = batch.net.depth, math.prod(batch.shape)
        self.batch = batch
        self.segment = depth if depth * size <= MOST_STORED else math.isqrt(depth - 1) + 1
        segments = -(-depth // self.segment)
        self.states = np.empty((self.segment, *batch.shape))
        self.exponents = np.empty((self.segment, *batch.shape[:2]), np.int64)
        self.checkpoints = np.empty((segments, *batch.shape))
        self.checkpoint_exponents = np.empty((segments, *batch.shape[:2]), np.int64)
        self.held = -1  # the segment whose states are held

    def save(self, layer: int) -> None:
        """Keep the batch's current state as z_l."""
        self.held, index = divmod(layer, self.segment)
        self.states[index], self.exponents[index] = self.batch.z, self.batch.exponent
        if index == 0:
            self.checkpoints[self.held], self.checkpoint_exponents[self.held] = self.batch.z, self.batch.exponent

    def restore(self, layer: int) -> None:
        """Bring the batch back to z_l, by replaying its segment where that is no longer held."""
        segment, index = divmod(layer, self.segment)
        if segment != self.held:
            self.batch.z[:], self.batch.exponent[:] = self.checkpoints[segment], self.checkpoint_exponents[segment]
            for earlier in range(segment * self.segment, layer):
                self.save(earlier)
                self.batch.branch(earlier)
                self.batch.step(earlier)
            self.save(layer)
        self.batch.z[:], self.batch.exponent[:] = self.states[index], self.exponents[index]


def run(net: ResNet, inputs: Array, backward: bool, functional: int, double: bool, seed: int, first: int, rec: Records) -> None:
    """Fill `rec` with the networks first, first + 1, …. O(depth · width) a network and input."""
    batch = Batch(net, inputs, double, seed, first, len(rec.alive))
    tape = Tape(batch) if backward else None
    vectors.log_squares(batch.z_0, batch.exponent_0, rec.log_square_0)
    _record_state(batch, rec, 0)
    for layer in range(net.depth):
        if tape is not None:
            tape.save(layer)
        batch.branch(layer)
        _record_activity(batch, rec, layer)
        batch.step(layer)
        _record_state(batch, rec, layer + 1)
    rec.alive[:] = batch.z.any(axis=2)
    _record_output(batch, rec)
    if tape is not None:
        _backward(batch, tape, functional, rec)


def _record_state(batch: Batch, rec: Records, layer: int) -> None:
    slot = rec.slot[layer]
    if slot < 0:
        return
    if len(rec.log_square):
        vectors.log_squares(batch.z, batch.exponent, rec.log_square[:, slot])
    if len(rec.log_displacement):
        vectors.log_distances(batch.z, batch.exponent, batch.z_0, batch.exponent_0, rec.log_displacement[:, slot])
        rec.log_displacement[:, slot] -= 0.5 * rec.log_square_0
    if len(rec.overlap):
        vectors.cosines(batch.z, rec.overlap[:, slot])


def _record_activity(batch: Batch, rec: Records, layer: int) -> None:
    slot = rec.slot[layer]
    if slot < 0:
        return
    if len(rec.active_fraction):
        activate.active_shares(batch.h, batch.signs, rec.active_fraction[:, slot])
    if len(rec.active_energy):
        passed, total = np.empty(batch.shape[:2]), np.empty(batch.shape[:2])
        vectors.inner_products(batch.x, batch.x, passed)
        vectors.inner_products(batch.h, batch.h, total)
        with np.errstate(invalid="ignore"):  # a dead state has no energy to share
            rec.active_energy[:, slot] = passed / total


def _record_output(batch: Batch, rec: Records) -> None:
    if not len(rec.output) and not len(rec.log_output_norm):
        return
    out = batch.output()
    if len(rec.log_output_norm):
        vectors.log_squares(out, batch.exponent, rec.log_output_norm)
        rec.log_output_norm[:] -= math.log(batch.net.n_out)
    if len(rec.output):
        with np.errstate(over="ignore"):  # only the coordinates themselves can leave the range of a float64
            rec.output[:] = np.ldexp(out, batch.exponent[:, :, None]).transpose(0, 2, 1)


def _backward(batch: Batch, tape: Tape, functional: int, rec: Records) -> None:
    """Run the gradient of p_d · z_d back to z_0; p_d ~ N(0, I) is shared by all inputs of a network, unless tied to z_d."""
    networks, m, n = batch.shape
    net = batch.net
    p_d = np.empty((networks, 1, padded(n)))
    batch.fill(0, CHANNEL.functional)(p_d, np.ones((networks, 1)))
    p_d = np.repeat(p_d[:, :, :n], m, axis=1)
    _turn(p_d, batch.z, functional)
    zero = np.zeros((networks, m), np.int64)
    log_pd = np.empty((networks, m))
    vectors.log_squares(p_d, zero, log_pd)
    gradient = Gradient(batch, p_d.copy())
    total = np.full((networks, m), -np.inf)

    def record(layer: int) -> None:
        slot = rec.slot[layer]
        if slot >= 0 and len(rec.log_grad_growth):
            vectors.log_squares(gradient.p, gradient.exponent, rec.log_grad_growth[:, slot])
            rec.log_grad_growth[:, slot] -= log_pd
        if slot >= 0 and len(rec.log_grad_displacement):
            vectors.log_distances(gradient.p, gradient.exponent, p_d, zero, rec.log_grad_displacement[:, slot])
            rec.log_grad_displacement[:, slot] -= 0.5 * log_pd

        if slot >= 0 and len(rec.grad_state_cosine):
            _record_cosine(gradient.p, batch.z, rec.grad_state_cosine[:, slot])

    record(net.depth)
    for layer in reversed(range(net.depth)):
        tape.restore(layer)
        batch.branch(layer)
        exponents = batch.exponent + gradient.exponent
        weight_grad = gradient.through_block(layer)
        vectors.log_sum(weight_grad, exponents, log_pd + rec.log_square_0, total)
        if rec.slot[layer + 1] >= 0 and len(rec.log_weight_grad):
            rec.log_weight_grad[:, rec.slot[layer + 1]] = weight_grad
        record(layer)
    if len(rec.log_ntk):
        rec.log_ntk[:] = total


def _turn(p_d: Array, z_d: Array, functional: int) -> None:
    """Put p_d along z_d, or take out what is along z_d: the places in FUNCTIONALS."""
    if functional == 0:
        return
    both, square = np.empty(p_d.shape[:2]), np.empty(p_d.shape[:2])
    vectors.inner_products(p_d, z_d, both)
    vectors.inner_products(z_d, z_d, square)
    alive = square > 0.0
    along = (both[alive] / square[alive])[:, None] * z_d[alive]
    p_d[alive] = z_d[alive] if functional == 1 else p_d[alive] - along


def _record_cosine(p: Array, z: Array, out: Array) -> None:
    """Set out to the cosines of p and z, NaN where one of them is 0."""
    both, square_p, square_z = (np.empty(out.shape) for _ in range(3))
    for x, y, found in ((p, z, both), (p, p, square_p), (z, z, square_z)):
        vectors.inner_products(x, y, found)
    with np.errstate(invalid="ignore"):
        out[:] = both / (np.sqrt(square_p) * np.sqrt(square_z))


class Gradient:
    """The gradients p_l of a batch, on their way from z_d to z_0."""

    def __init__(self, batch: Batch, p: Array) -> None:
        networks, m, n = batch.shape
        self.batch, self.p = batch, p
        self.exponent = np.zeros((networks, m), np.int64)
        self.t, self.u = np.zeros(batch.shape), np.zeros(batch.shape)
        self.scratch = GaussianProduct(networks, m, n, n)
        self.everywhere = np.ones((networks, m))

    def through_block(self, layer: int) -> Array:
        """Carry p from z_{l+1} to z_l through the block whose branch was just computed.

        Returns the squared gradient of its weights, Σ (∂/∂W)², up to the factor 4^(both exponents).
        """
        batch, gain = self.batch, float(self.batch.gains[layer])
        weight_grad = gain**2 * self._square(self.p) * self._square(batch.x)
        batch.outer.transpose(self.p, batch.fill(layer, CHANNEL.backward), self.scratch, self.t)
        activate.multiply_by_derivative(batch.kind, batch.slope, batch.exponent, batch.h, batch.signs, gain, self.t)
        if batch.inner is not None:
            weight_grad += batch.gain_in**2 * self._square(self.t) * self._square(batch.z)
            batch.inner.transpose(self.t, batch.fill(layer, CHANNEL.inner_backward), self.scratch, self.u)
            np.multiply(self.u, batch.gain_in, out=self.t)
        self.p *= batch.net.skips[layer]
        self.p += self.t
        vectors.rescale(self.p, self.exponent)
        return weight_grad

    def _square(self, x: Array) -> Array:
        out = np.empty(x.shape[:2])
        vectors.inner_products(x, x, out)
        return out
