"""Networks without their matrices in plain NumPy, one after the other, on the noise of the passes in lanes. O(n m²) a layer.

The rules of docs/derivations/matrix-free.md, with unit vectors and projections; no exponents, so nothing may leave float64.
"""

from __future__ import annotations

import functools
import math

import numpy as np

from reslim import ResNet
from reslim.simulation import generator
from reslim.simulation.generator import CHANNEL, CHANNELS
from reslim.simulation.lanes import LANES
from reslim.simulation.records import Records


def stream(seed, first, layer, channel):
    """The stream of LANES networks."""
    key, state = np.empty((2, LANES), np.uint32), np.empty((4, LANES), np.uint32)
    generator.networks_of(np.uint64(first), key)
    generator.begin(state, np.uint64(seed), key, layer, channel)
    return state


@functools.cache
def block_of_normals(n, double, seed, first, layer, channel):
    out = np.empty((n + n % 2, LANES))
    generator.fill(stream(seed, first, layer, channel), double, out)
    return out[:n].T


@functools.cache
def block_of_signs(n, double, seed, first, layer, channel):
    out = np.empty((n + n % 2, LANES))
    generator.fill_coins(stream(seed, first, layer, channel), np.empty((4 if double else 2, LANES), np.uint32), out)
    return out[:n].T


def rows(block, networks, n, double=False, seed=0, first=0, layer=0, channel=0):
    """The normals, or the signs, of the networks first, first + 1, …, shape (networks, n)."""
    blocks = [block(n, double, seed, first + k, layer, channel) for k in range(0, networks, LANES)]
    return np.concatenate(blocks)[:networks]


def directions(family):
    """Return {a: unit vector} of the vectors that do not depend on the earlier ones."""
    found = {}
    for a, x in enumerate(family):
        rest = x.copy()
        for _ in range(2):
            rest = rest - sum(((u @ rest) * u for u in found.values()), np.zeros(len(x)))
        if np.linalg.norm(rest) > 1e-13 * np.linalg.norm(x):
            found[a] = rest / np.linalg.norm(rest)
    return found


class Matrix:
    """A Gaussian matrix that was applied to a family of vectors: W u = g for each of their directions u."""

    def __init__(self, family, noise):
        self.known = [(u, noise(a)) for a, u in directions(family).items()]

    def times(self, x):
        return sum(((u @ x) * g for u, g in self.known), np.zeros_like(self.known[0][1]) if self.known else 0.0)

    def transposed(self, family, noise):
        fresh = Matrix(family, noise)
        for p in family:
            t = fresh.times(p) + np.zeros(len(p))
            yield t + sum(((g @ p - u @ t) * u for u, g in self.known), np.zeros(len(p)))


def run(net: ResNet, inputs, backward, functional, double, seed, first, rec: Records) -> None:
    """As `joint.run`."""
    for row in range(len(rec.alive)):
        run_one(net, inputs, backward, functional, rec.rows(row, row + 1), row % LANES, double, seed, first + row - row % LANES)


def run_one(net, inputs, backward, functional, rec, lane, double, seed, first):
    n, (v_in, v_out), phi = net.width, net.variances, net.phi
    two_matrix = net.block == "two-matrix"

    def noise(layer, channel, size=n):
        return lambda a: block_of_normals(size, double, seed, first, layer, channel + CHANNELS * a)[lane]

    def coins(layer):
        if not net.balanced:
            return np.ones(n)
        place = (layer, CHANNEL.inner) if two_matrix else (layer - 1, CHANNEL.forward) if layer else (0, CHANNEL.input)
        return block_of_signs(n, double, seed, first, *place)[lane]

    w_in = Matrix(inputs, noise(0, CHANNEL.input))
    states = [[w_in.times(x) / math.sqrt(net.n_in) for x in inputs]]
    tangents = [[noise(0, CHANNEL.tangent)(0) for _ in inputs]] if len(rec.log_tangent_growth) else [[]]
    blocks = []
    for l in range(net.depth):
        z, t, s = states[-1], tangents[-1], coins(l)
        w = Matrix(z + t, noise(l, CHANNEL.inner)) if two_matrix else None
        h, k = ([math.sqrt(v_in / n) * w.times(v) for v in each] if w else each for each in (z, t))
        x, y = [phi.value(s * v) for v in h], [s * phi.derivative(s * v) * u for v, u in zip(h, k, strict=len(k) > 0)]
        v = Matrix(x + y, noise(l, CHANNEL.forward))
        c = net.branches[l] * math.sqrt(v_out / n)
        for path, before, inner in ((states, z, x), (tangents, t, y)):
            path.append([net.skips[l] * a + c * v.times(b) for a, b in zip(before, inner, strict=True)])
        blocks.append((w, v, s, c, h, x))
    w_out = Matrix(states[-1], noise(0, CHANNEL.output, net.n_out))
    out = [w_out.times(z) / math.sqrt(n) + np.zeros(net.n_out) for z in states[-1]]
    record_forward(net, rec, states, blocks, out)
    with np.errstate(divide="ignore"):
        fill(rec.log_tangent_growth, np.log(square(tangents) / square(tangents[0])) if tangents[0] else None)
    if backward:
        p_d = noise(0, CHANNEL.functional)(0)
        gradients = [[tied(p_d, z, functional) for z in states[-1]]]
        weights = []
        for l in reversed(range(net.depth)):
            w, v, s, c, h, x = blocks[l]
            p = gradients[0]
            t = [c * s * phi.derivative(s * a) * b for a, b in zip(h, v.transposed(p, noise(l, CHANNEL.backward)), strict=True)]
            squares = [c**2 * (a @ a) * (b @ b) for a, b in zip(p, x, strict=True)]
            if w:
                squares = [q + v_in / n * (a @ a) * (b @ b) for q, a, b in zip(squares, t, states[l], strict=True)]
                t = [math.sqrt(v_in / n) * a for a in w.transposed(t, noise(l, CHANNEL.inner_backward))]
            gradients.insert(0, [net.skips[l] * a + b for a, b in zip(p, t, strict=True)])
            weights.insert(0, squares)
        record_backward(rec, states, gradients, np.array(weights))


def tied(p_d, z, functional):
    if functional == 0 or not z.any():
        return p_d
    return z if functional == 1 else p_d - (p_d @ z) / (z @ z) * z


def square(x):
    return np.sum(np.asarray(x) ** 2, axis=-1)


def fill(array, values):
    if len(array):
        array[0] = values


def record_forward(net, rec, states, blocks, out):
    """The layers of `rec` are all there are."""
    z = np.array(states)
    with np.errstate(divide="ignore", invalid="ignore"):
        fill(rec.log_norm, np.log(square(z) / net.width))
        fill(rec.log_growth, np.log(square(z) / square(z[0])))
        fill(rec.log_displacement, 0.5 * np.log(square(z - z[0]) / square(z[0])))
        gram = np.einsum("lai,lbi->lab", z, z)
        fill(rec.overlap, gram / np.sqrt(square(z)[:, :, None] * square(z)[:, None, :]))
        active = [[np.mean(s * h > 0) for h in hs] for _, _, s, _, hs, _ in blocks]
        energy = [[(x @ x) / (h @ h) for h, x in zip(hs, xs, strict=True)] for _, _, _, _, hs, xs in blocks]
        fill(rec.active_fraction[:, :-1], active)
        fill(rec.active_energy[:, :-1], energy)
        fill(rec.output, np.array(out).T)
        fill(rec.log_output_norm, np.log(square(out) / net.n_out))
    fill(rec.alive, square(z[-1]) > 0)


def record_backward(rec, states, gradients, weights):
    z, p = np.array(states), np.array(gradients)
    with np.errstate(divide="ignore", invalid="ignore"):
        fill(rec.log_grad_growth, np.log(square(p) / square(p[-1])))
        fill(rec.log_grad_displacement, 0.5 * np.log(square(p - p[-1]) / square(p[-1])))
        fill(rec.grad_state_cosine, np.sum(p * z, axis=-1) / np.sqrt(square(p) * square(z)))
        relative = weights / (square(p[-1]) * square(z[0]))
        fill(rec.log_weight_grad[:, 1:], np.log(relative))
        fill(rec.log_ntk, np.log(relative.sum(axis=0)))
