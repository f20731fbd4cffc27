"""Networks with coupled weights, drawn matrix by matrix: they share nothing with the laws but the spec and the series."""

from __future__ import annotations

import numpy as np

from reslim.simulation.across_depth import sampler


def matrices(net, replicas, rng):
    series = np.empty((net.depth, replicas * net.width**2))
    sampler(net.coupling, net.depth).draw(rng, series)
    return series.reshape(net.depth, replicas, net.width, net.width) / np.sqrt(net.width)


def applied(matrix, vectors):
    return np.einsum("rij,rj->ri", matrix, vectors)


def drawn(net, replicas, seed=0):
    """Return |z_d|²/n, |p_0|²/n, |z_d - z_0|²/|z_0|² and |p_0 - p_d|²/|p_d|² of every network, shape (4, replicas)."""
    rng, (v_in, v_out) = np.random.default_rng(seed), net.variances
    v = np.sqrt(v_out) * matrices(net, replicas, rng)
    w = np.sqrt(v_in) * matrices(net, replicas, rng) if net.block == "two-matrix" else None
    signs = rng.choice([-1.0, 1.0], (net.depth, replicas, net.width)) if net.balanced else np.ones((net.depth, 1, 1))
    first = z = rng.standard_normal((replicas, net.width))
    passed = []
    for l in range(net.depth):
        passed.append(z if w is None else applied(w[l], z))
        z = net.skips[l] * z + net.branches[l] * applied(v[l], net.phi.value(signs[l] * passed[l]))
    last = p = rng.standard_normal((replicas, net.width))
    for l in reversed(range(net.depth)):
        back = signs[l] * net.phi.derivative(signs[l] * passed[l]) * applied(v[l].swapaxes(1, 2), p)
        p = net.skips[l] * p + net.branches[l] * (back if w is None else applied(w[l].swapaxes(1, 2), back))

    def square(x):
        return (x**2).sum(axis=-1)

    return np.array(
        [square(z) / net.width, square(p) / net.width, square(z - first) / square(first), square(p - last) / square(last)]
    )
