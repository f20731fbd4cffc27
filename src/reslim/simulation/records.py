"""What a sampler writes down: one array for each recorded quantity, empty where it was not asked for."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Records(NamedTuple):
    """Arrays whose first dimension is the replica; S recorded layers, m inputs. Unrequested ones have length 0.

    A sampler fills them, but for the layers that are not a quantity's own.

    `slot[l]` is the index of layer l among the recorded ones, or -1.
    """

    slot: NDArray[np.int64]
    log_norm: Array  # (R, S, m)
    log_growth: Array  # (R, S, m)
    log_displacement: Array  # (R, S, m)
    log_tangent_growth: Array  # (R, S, m)
    active_fraction: Array  # (R, S, m)
    active_energy: Array  # (R, S, m)
    overlap: Array  # (R, S, m, m)
    log_grad_growth: Array  # (R, S, m)
    log_grad_displacement: Array  # (R, S, m)
    grad_state_cosine: Array  # (R, S, m)
    log_weight_grad: Array  # (R, S, m)
    log_ntk: Array  # (R, m)
    output: Array  # (R, n_out, m)
    log_output_norm: Array  # (R, m)
    alive: Array  # (R, m): 1 where the last state is not zero

    def rows(self, start: int, stop: int) -> Records:
        """Return views on the replicas start … stop - 1."""
        return Records(self.slot, *(array[start:stop] for array in self[1:]))

    def put_lengths(self, rows: slice | int, log_square: Callable[[], Array], log_start: Array, width: int) -> None:
        """Write down ln |z_l|² of some networks (…, S, m), as far as it is wanted, given ln |z_0|² (…, m)."""
        if len(self.log_norm) or len(self.log_growth):
            found = log_square()
            if len(self.log_norm):
                self.log_norm[rows] = found - np.log(width)
            if len(self.log_growth):
                self.log_growth[rows] = found - log_start[..., None, :]


_SHAPES = {
    "log_norm": "Sm", "log_growth": "Sm", "log_displacement": "Sm", "log_tangent_growth": "Sm",
    "active_fraction": "Sm", "active_energy": "Sm", "overlap": "Smm",
    "log_grad_growth": "Sm", "log_grad_displacement": "Sm", "grad_state_cosine": "Sm", "log_weight_grad": "Sm",
    "log_ntk": "m", "output": "om", "log_output_norm": "m", "alive": "m",
}  # fmt: skip


def _shape(name: str, replicas: int, slots: int, inputs: int, n_out: int) -> tuple[int, ...]:
    return (replicas, *({"S": slots, "m": inputs, "o": n_out}[letter] for letter in _SHAPES[name]))


def size_in_bytes(names: Iterable[str], replicas: int, slots: int, inputs: int, n_out: int) -> int:
    """Return the memory that the records of these quantities take."""
    return 8 * sum(math.prod(_shape(name, replicas, slots, inputs, n_out)) for name in (*names, "alive"))


def allocate(names: Iterable[str], replicas: int, layers: list[int], depth: int, inputs: int, n_out: int) -> Records:
    """Make room for the records of these quantities at these layers; what was in the memory before is still there."""
    wanted = {*names, "alive"}
    slot = np.full(depth + 1, -1, dtype=np.int64)
    slot[layers] = np.arange(len(layers))
    shapes = [_shape(name, replicas if name in wanted else 0, len(layers), inputs, n_out) for name in Records._fields[1:]]
    ends = np.cumsum([math.prod(shape) for shape in shapes])
    block = np.empty(ends[-1])  # one, because large blocks come in large pages
    return Records(slot, *(part.reshape(shape) for part, shape in zip(np.split(block, ends[:-1]), shapes, strict=True)))


def side_by_side(recs: Sequence[Records]) -> Records:
    """Make the records of networks with the same layers and inputs, with all their inputs in one; overlaps are left out."""
    wide = {
        name: np.full((*array.shape[:-1], len(recs) * array.shape[-1]), np.nan)
        for name, array in recs[0]._asdict().items()
        if name != "slot" and len(array)
    }
    return recs[0]._replace(**wide | {"overlap": recs[0].overlap[:0]})


def divide(wide: Records, recs: Sequence[Records]) -> None:
    """Hand each network the records of its inputs."""
    for name, array in wide._asdict().items():
        if name != "slot" and len(array):
            for rec, own in zip(recs, np.split(array, len(recs), axis=-1), strict=True):
                getattr(rec, name)[:] = own
