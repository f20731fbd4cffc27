"""The passes of m inputs through the same networks in lanes, 16 networks at once, with states in double precision.

The noise is that of `forward` and `backward`, widened, or of double precision. A state is z = 2ᵉ z̃ with a binary exponent e
for each network and input, and so is a gradient; what they are multiplied by is inside, so that differences of states keep
their digits: displacements, and nearly equal inputs.

A tangent t = (∂z/∂z_0) t_0 is a vector like a state: it goes through the same matrices, and has an exponent of its own.

The kernels find everything in one workspace (see `lane_products`), by the numbers in `Rows`, and write down sums and
exponents; `joint_records` makes quantities of them.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from reslim.simulation import joint_records
from reslim.simulation.generator import U32, networks_of
from reslim.simulation.jit import kernel
from reslim.simulation.joint_backward import run_backward
from reslim.simulation.joint_forward import run_forward
from reslim.simulation.joint_records import Wanted
from reslim.simulation.lane_activations import code
from reslim.simulation.lane_products import Noise, Product, orthogonalise
from reslim.simulation.lanes import LANES
from reslim.simulation.records import Records
from reslim.spec import ResNet

Array = NDArray[np.float64]
MOST_STORED = 4_000_000  # floats of states of 16 networks; deeper networks are replayed from checkpoints


class Rows(NamedTuple):
    """A network as the kernels read it, and where the workspace has what: rows of vectors, then of scalars."""

    inputs: int
    vectors: int  # states, and tangents behind them
    depth: int
    width: int
    rows: int  # of a vector
    n_out: int
    two_matrix: bool
    balanced: bool
    functional: int  # its place in FUNCTIONALS
    kind: int
    slope: float
    gain_start: float  # of W_in
    gain_in: float  # √(v_in/n)
    gain_out: float  # of W_out
    segment: int  # layers between checkpoints
    wanted: Wanted  # what is written down
    start: Product  # W_in, on the inputs
    inner: Product  # W, on z, and on t
    outer: Product  # V, on φ(h), and on φ'(h) k
    last: Product  # W_out, on z_d
    fresh: Product  # scratch for Wᵀ and Vᵀ
    z: int  # followed by its squares and exponents: what a checkpoint keeps
    square: int
    exponent: int
    z_0: int  # as z
    h: int  # and k = W t
    h_square: int
    active: int
    coins: int
    p: int
    p_square: int
    p_exponent: int
    p_d: int
    t: int
    u: int
    t_square: int
    weight: int  # squared gradient of a block's weights
    weight_exponent: int
    total: int  # Σ of the weights' squared gradients
    total_exponent: int
    output: int
    tape: int  # the states of a segment of layers, then the first ones of every segment
    zero: int


class Workspace:
    """Hands out the rows of an array (rows, LANES)."""

    def __init__(self) -> None:
        self.size = 0

    def take(self, count: int) -> int:
        """Return the first of so many rows."""
        self.size += count
        return self.size - count

    def product(self, inputs: int, dim_in: int, dim_out: int) -> Product:
        """Return the rows of a matrix."""
        rows, rows_out = even(dim_in), even(dim_out)
        basis, noise = self.take(inputs * rows), self.take(inputs * rows_out)
        lengths, squares, weights = (self.take(inputs) for _ in range(3))
        return Product(inputs, rows, rows_out, dim_out, basis, lengths, squares, self.take(inputs**2), noise, weights)


def record_of(fields: Any) -> Any:
    """Return a NamedTuple as a record, which kernels take as one pointer: they compile in less time than with a tuple."""
    names, values = fields._fields, [record_of(value) if isinstance(value, tuple) else value for value in fields]
    kinds = [getattr(value, "dtype", type(value)) for value in values]
    return np.array(tuple(values), np.dtype(list(zip(names, kinds, strict=True)), align=True))[()]


def even(n: int) -> int:
    """Return n, or n + 1 if that is even: normals come in pairs."""
    return n + n % 2


def lay_out(net: ResNet, inputs: int, wanted: Wanted, functional: int) -> tuple[Rows, int]:
    """Return the places in the workspace, and its size."""
    space, m, n, vectors = Workspace(), inputs, net.width, inputs * (2 if wanted.tangent else 1)
    kind, slope = code(net.phi)
    two_matrix, rows = net.block == "two-matrix", even(n)
    inner, back = (vectors if two_matrix else 0), (m if wanted.backward else 0)
    z, square, exponent = space.take(vectors * rows), space.take(vectors), space.take(vectors)
    segment = net.depth if net.depth * vectors * rows * LANES <= MOST_STORED else math.isqrt(net.depth - 1) + 1
    places = Rows(
        inputs=m,
        vectors=vectors,
        depth=net.depth,
        width=n,
        rows=rows,
        n_out=net.n_out,
        two_matrix=two_matrix,
        balanced=net.balanced,
        functional=functional,
        kind=kind,
        slope=slope,
        gain_start=1.0 / math.sqrt(net.n_in),
        gain_in=math.sqrt(net.variances[0] / n),
        gain_out=1.0 / math.sqrt(n),
        segment=segment,
        wanted=wanted,
        start=space.product(m, net.n_in, n),
        inner=space.product(inner, n, n),
        outer=space.product(vectors, n, n),
        last=space.product(m, n, net.n_out),
        fresh=space.product(back, n, n),
        z=z,
        square=square,
        exponent=exponent,
        z_0=space.take(vectors * (rows + 2)),
        h=space.take(inner * rows) if two_matrix else z,
        h_square=space.take(inner) if two_matrix else square,
        active=space.take(m),
        coins=space.take(rows),
        p=space.take(back * rows),
        p_square=space.take(back),
        p_exponent=space.take(back),
        p_d=space.take(back * rows),
        t=space.take(back * rows),
        u=space.take(back * rows),
        t_square=space.take(back),
        weight=space.take(back),
        weight_exponent=space.take(back),
        total=space.take(back),
        total_exponent=space.take(back),
        output=space.take(even(net.n_out)),
        tape=space.take((segment + -(-net.depth // segment)) * (vectors if wanted.backward else 0) * (rows + 2)),
        zero=space.take(1),
    )
    return places, space.size


def workspace(net: ResNet, inputs: Array, places: Rows, size: int) -> Array:
    """Make the workspace of one thread: zeros, the inputs, and coins that are 1 where nothing is tossed."""
    w = np.zeros((size, LANES))
    start = places.start
    for a, x in enumerate(inputs):
        row = start.basis + a * start.rows
        w[row : row + net.n_in], w[start.lengths + a] = x[:, None], math.fsum(x * x)
    w[places.coins : places.coins + places.rows] = 1.0
    return w


@kernel
def run_blocks(w, at, noise, layers, first, found):
    """Run the networks first, first + 1, … in blocks of LANES; O(depth · width · m²) a network."""
    orthogonalise(w, at.start)
    for block in range(found.shape[0]):
        networks_of(np.uint64(first) + np.uint64(LANES * block), noise.key)
        run_forward(w, at, noise, layers, found[block])
        if at.wanted.backward:
            run_backward(w, at, noise, layers, found[block])


def run(net: ResNet, inputs: Array, backward: bool, functional: int, double: bool, seed: int, first: int, rec: Records) -> None:
    """Fill `rec` with the networks first, first + 1, …."""
    wanted = joint_records.wanted(rec, backward, even(net.n_out))
    at, size = lay_out(net, len(inputs), wanted, functional)
    noise = Noise(
        np.uint64(seed), double, np.zeros((2, LANES), U32), np.zeros((4, LANES), U32), np.zeros((4 if double else 2, LANES), U32)
    )
    layers = np.zeros(net.depth + 1, [("keep", float), ("gain", float), ("row", int)])
    layers["keep"][:-1] = net.skips
    layers["gain"][:-1] = net.branches * math.sqrt(net.variances[1] / net.width)
    layers["row"] = np.where(rec.slot >= 0, rec.slot * wanted.size, -1)
    found = np.full((-(-len(rec.alive) // LANES), wanted.rows, LANES), np.nan)
    run_blocks(workspace(net, inputs, at, size), record_of(at), noise, layers, first, found)
    joint_records.read(found, wanted, net, rec)
