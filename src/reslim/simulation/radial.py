"""The radial chains: ReLU networks of which only norms and angles need be drawn. O(1) a layer, whatever the width.

Two-matrix ReLU blocks: a fresh W makes the number of active units Binomial(n, ½) and their energy chi-square, and the
Gram matrix of (z_l, z_0) a Markov chain. One-matrix ReLU with every skip 0: each layer forgets all but the norm. The
backward pass closes on the Gram matrix of (z_l, p_l). Exact at every width ≥ 2 (docs/derivations/radial.md); Balanced
signs do not change these laws. Always in double precision.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reslim.simulation.jit import allocating, kernel
from reslim.simulation.lanes import LANES
from reslim.simulation.records import Records
from reslim.simulation.scalars import binomial_half, chi_square, normal, restart
from reslim.spec import ResNet

Array = NDArray[np.float64]
LN2 = math.log(2.0)
SAFE = 2.0**64


class Chain(NamedTuple):
    """A network as the kernels read it, and the scratch of one network."""

    two_matrix: bool
    width: int
    n_out: int
    skip: Array  # (depth,)
    gain: Array  # (depth,): λ √(v_out/n)
    gain_in: float  # √(v_in/n); 1 in a one-matrix block
    log_scale: float  # ln(|x|²/n_in)
    seed: np.uint64
    active: NDArray[np.int64]  # (depth,): active units
    passed: Array  # (depth,): |φ(h)|/|z|
    along: Array  # (depth,): the branch along z, ⟨z' - α z, z⟩/|z|²
    across: Array  # (depth,): its length across z, in units of |z|
    log_square: Array  # (depth + 1,): ln |z_l|²


def chain_of(net: ResNet, inputs: Array, seed: int) -> Chain:
    """Translate a spec for the kernels."""
    v_in, v_out = net.variances
    two_matrix = net.block == "two-matrix"
    return Chain(
        two_matrix,
        net.width,
        net.n_out,
        np.ascontiguousarray(net.skips),
        net.branches * math.sqrt(v_out / net.width),
        math.sqrt(v_in / net.width) if two_matrix else 1.0,
        math.log(np.mean(inputs[0] ** 2)),
        np.uint64(seed),
        np.zeros(net.depth, np.int64),
        passed=np.zeros(net.depth),
        along=np.zeros(net.depth),
        across=np.zeros(net.depth),
        log_square=np.zeros(net.depth + 1),
    )


@kernel
def record_activity(chain, layer, rec, row, k, energy):
    """Write down the share of the k active units of a layer, and their share of the energy."""
    slot = rec.slot[layer]
    if slot >= 0 and rec.active_fraction.shape[0] > 0:
        rec.active_fraction[row, slot, 0] = k / chain.width
    if slot >= 0 and rec.active_energy.shape[0] > 0:
        rec.active_energy[row, slot, 0] = energy


@kernel
def forward_two_matrix(chain, stream, words, side, side_words, rec, row):
    """Run the Gram matrix of (z_l, z_0): a and b are z_l along and across z_0, in units of |z_0| 2ᵉ."""
    n, a, b, exponent = chain.width, 1.0, 0.0, 0
    log_0 = chain.log_scale + np.log(chi_square(stream, words, n))
    chain.log_square[0] = log_0
    for layer in range(chain.skip.shape[0]):
        s = draw_branch(chain, stream, words, side, side_words, rec, row, layer, a * a + b * b)
        first, second, rest = normal(stream, words), normal(stream, words), chi_square(stream, words, n - 2)
        split_branch(chain, layer, a, b, s, first, second, rest)
        a = chain.skip[layer] * a + s * first
        b = math.sqrt((chain.skip[layer] * b + s * second) ** 2 + s * s * rest)
        after = a * a + b * b
        chain.log_square[layer + 1] = log_0 + np.log(after) + 2.0 * LN2 * exponent
        if after == 0.0:
            exponent = 0
        elif not 1.0 / SAFE <= after <= SAFE:
            shift = math.frexp(after)[1] // 2
            a, b, exponent = math.ldexp(a, -shift), math.ldexp(b, -shift), exponent + shift
        slot = rec.slot[layer + 1]
        if slot >= 0 and rec.log_displacement.shape[0] > 0:
            rec.log_displacement[row, slot, 0] = log_displacement(a, b, exponent)


@kernel
def draw_branch(chain, stream, words, side, side_words, rec, row, layer, square):
    """Draw the active units of a two-matrix block and their energy; return the scale s of its branch s g."""
    n = chain.width
    k = binomial_half(stream, words, n) if square > 0.0 else 0
    energy = chi_square(stream, words, k)
    rest = 0.0
    if square > 0.0 and rec.active_energy.shape[0] > 0:  # on a stream of its own: watching must not change what is watched
        rest = chi_square(side, side_words, n - k)
    record_activity(chain, layer, rec, row, k, energy / (energy + rest))
    chain.active[layer], chain.passed[layer] = k, chain.gain_in * math.sqrt(energy)
    return chain.gain[layer] * chain.passed[layer] * math.sqrt(square)


@kernel
def split_branch(chain, layer, a, b, s, first, second, rest):
    """Keep the parts of the branch along and across z = (a, b), for the backward pass."""
    square = a * a + b * b
    chain.along[layer] = chain.across[layer] = 0.0
    if square > 0.0:
        turned = (a * second - b * first) ** 2 / square
        chain.along[layer] = s * (a * first + b * second) / square
        chain.across[layer] = abs(s) * math.sqrt((turned + rest) / square)


@kernel
def log_displacement(a, b, exponent):
    """Return ln |2ᵉ (a, b) - (1, 0)|."""
    up = math.ldexp(1.0, min(max(-exponent, -1000), 1000))
    if exponent >= 0:
        return 0.5 * np.log((a - up) ** 2 + b * b) + LN2 * exponent
    down = 1.0 / up
    return 0.5 * np.log((down * a - 1.0) ** 2 + (down * b) ** 2)


@kernel
def forward_mlp(chain, stream, words, rec, row):
    """Run the norm of a ReLU network without skips: |φ(z)|² = σ² χ²_k, |z|² = σ² (χ²_k + χ²_{n-k})."""
    n, depth = chain.width, chain.skip.shape[0]
    log_variance = chain.log_scale
    for layer in range(depth):
        dead = log_variance == -np.inf
        k = 0 if dead else binomial_half(stream, words, n)
        energy = chi_square(stream, words, k)
        total = 0.0 if dead else energy + chi_square(stream, words, n - k)
        chain.active[layer] = k
        chain.log_square[layer] = log_variance + np.log(total)
        chain.passed[layer] = 0.0 if dead else math.sqrt(energy / total)
        record_activity(chain, layer, rec, row, k, energy / total)
        log_variance += 2.0 * np.log(abs(chain.gain[layer])) + np.log(energy)
    chain.log_square[depth] = log_variance + np.log(chi_square(stream, words, n))
    for layer in range(depth):  # z' is the branch: all of it counts as along z, where its direction is forgotten
        alive = chain.log_square[layer + 1] > -np.inf
        chain.along[layer] = math.exp(0.5 * (chain.log_square[layer + 1] - chain.log_square[layer])) if alive else 0.0
        chain.across[layer] = 0.0


@kernel
def backward(chain, stream, words, functional, rec, row):
    """Run the Gram matrix of (z_l, p_l) from the last layer to the first: |p_l| = p 2ᵉ, cosine u."""
    n, depth = chain.width, chain.skip.shape[0]
    across = normal(stream, words)
    beside = chi_square(stream, words, n - 1)
    if functional == 1:
        beside = 0.0
    elif functional == 2:
        across = 0.0
    p = math.sqrt(across**2 + beside)
    if functional == 1:
        across = p  # along z_d, not against it
    u, exponent, log_pd, total = across / p, 0, 2.0 * np.log(p), -np.inf
    record_gradient(rec, row, depth, 0.0, u if chain.log_square[depth] > -np.inf else np.nan)
    for layer in range(depth - 1, -1, -1):
        after, u, weight = backward_block(chain, stream, words, layer, p, u)
        log_weight = np.log(weight) + chain.log_square[layer] - chain.log_square[0] + 2.0 * LN2 * exponent - log_pd
        if log_weight > -np.inf:
            total = max(total, log_weight) + math.log1p(math.exp(-abs(total - log_weight)))
        if rec.slot[layer + 1] >= 0 and rec.log_weight_grad.shape[0] > 0:
            rec.log_weight_grad[row, rec.slot[layer + 1], 0] = log_weight
        seen = chain.log_square[layer] > -np.inf and after > 0.0
        record_gradient(rec, row, layer, np.log(after) + 2.0 * LN2 * exponent - log_pd, u if seen else np.nan)
        p = math.sqrt(after)
        if after > 0.0 and not 1.0 / SAFE <= after <= SAFE:
            shift = math.frexp(p)[1]
            p, exponent = math.ldexp(p, -shift), exponent + shift
    if rec.log_ntk.shape[0] > 0:
        rec.log_ntk[row, 0] = total


@kernel
def backward_block(chain, stream, words, layer, p, u):
    """Carry p' (length p, cosine u with z') to p_l; return |p_l|², its cosine with z, and the weights' gradient over |z|²."""
    n, alpha, gain = chain.width, chain.skip[layer], chain.gain[layer]
    before, through, after = seen_by(stream, words, n, alpha, chain.along[layer], chain.across[layer], p, u)
    square = 0.0  # of the gradient at the pre-activation h
    k, passed = chain.active[layer], chain.passed[layer]
    if gain != 0.0 and k > 0:
        known = through / (gain * passed)  # Vᵀp' along φ(h)
        square = gain**2 * (known**2 + p**2 * chi_square(stream, words, k - 1))
    weight = gain**2 * p**2 * passed**2
    if chain.two_matrix:
        weight += chain.gain_in**2 * square
        spread = chain.gain_in * math.sqrt(square)
        first = alpha * math.sqrt(max(p**2 - before**2, 0.0)) + spread * normal(stream, words)
        square = after**2 + first**2 + spread**2 * chi_square(stream, words, n - 2)
    u = min(1.0, max(-1.0, after / math.sqrt(square))) if square > 0.0 else 0.0
    return square, u, weight


@kernel
def seen_by(stream, words, n, alpha, along, across, p, u):
    """Return p'·z, p'·(z' - α z) and p'·z', in units of |z|; the part of p' across z' has a uniform direction."""
    growth = math.sqrt((alpha + along) ** 2 + across**2)
    if growth == 0.0:
        return 0.0, 0.0, 0.0
    tilt = 0.0  # of p'/|p'| in the plane of z and z', across z'
    if across > 0.0:
        tilt = normal(stream, words)
        tilt *= math.sqrt((1.0 - u * u) / (tilt**2 + chi_square(stream, words, n - 2)))
    before = p * (u * (alpha + along) - tilt * across) / growth
    through = p * (u * (along * (alpha + along) + across**2) + tilt * alpha * across) / growth
    return before, through, p * u * growth


@kernel
def record_gradient(rec, row, layer, value, cosine):
    """Write down the growth of the gradient, and its cosine with the state."""
    if rec.slot[layer] >= 0 and rec.grad_state_cosine.shape[0] > 0:
        rec.grad_state_cosine[row, rec.slot[layer], 0] = cosine
    if rec.slot[layer] >= 0 and rec.log_grad_growth.shape[0] > 0:
        rec.log_grad_growth[row, rec.slot[layer], 0] = value


@kernel
def record_state(chain, stream, words, rec, row):
    """Write down the norms, and draw the output."""
    depth, n_out, log_width = chain.skip.shape[0], chain.n_out, math.log(chain.width)
    rec.alive[row, 0] = 1.0 if chain.log_square[depth] > -np.inf else 0.0
    for layer in range(depth + 1):
        slot = rec.slot[layer]
        if slot >= 0 and rec.log_norm.shape[0] > 0:
            rec.log_norm[row, slot, 0] = chain.log_square[layer] - log_width
        if slot >= 0 and rec.log_growth.shape[0] > 0:
            rec.log_growth[row, slot, 0] = chain.log_square[layer] - chain.log_square[0]
    if rec.log_displacement.shape[0] > 0 and rec.slot[0] >= 0:
        rec.log_displacement[row, rec.slot[0], 0] = -np.inf
    square, log_scale = 0.0, chain.log_square[depth] - log_width
    for i in range(n_out):
        g = normal(stream, words)
        square += g * g
        if rec.output.shape[0] > 0:
            rec.output[row, i, 0] = math.exp(0.5 * log_scale) * g
    if rec.log_output_norm.shape[0] > 0:
        rec.log_output_norm[row, 0] = log_scale + math.log(square / n_out)


@allocating
def run_chains(chain, backward_pass, functional, first, rec):
    """Fill the records of the networks first, first + 1, … one after the other."""
    words, side_words = np.empty((5, LANES), np.uint32), np.empty((5, LANES), np.uint32)
    stream, side = np.empty(5, np.uint64), np.empty(5, np.uint64)
    for row in range(rec.alive.shape[0]):
        network = np.uint64(first) + np.uint64(row)
        restart(stream, chain.seed, network, 0)
        restart(side, chain.seed, network, 1)
        if chain.two_matrix:
            forward_two_matrix(chain, stream, words, side, side_words, rec, row)
        else:
            forward_mlp(chain, stream, words, rec, row)
        record_state(chain, stream, words, rec, row)
        if backward_pass:
            backward(chain, stream, words, functional, rec, row)


def run(net: ResNet, inputs: Array, backward_pass: bool, functional: int, seed: int, first: int, rec: Records) -> None:
    """Fill `rec` with the networks first, first + 1, …; O(depth) a network."""
    run_chains(chain_of(net, inputs, seed), backward_pass, functional, first, rec)
