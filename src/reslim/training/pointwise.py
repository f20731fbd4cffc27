"""Activations in a batched program: what is kept of one on the way forward, and its derivative on the way back."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from reslim.simulation.jit import kernel


class Pull(Protocol):
    """The derivative of a function of each entry, at what was kept."""

    def __call__(self, q: Tensor, onto: Tensor | None = None) -> Tensor:
        """Return φ'(h) q, in place or not, or add it to `onto`."""
        ...


class Pointwise(Protocol):
    """A function of each entry."""

    def forward(self, h: Tensor, kept: Tensor) -> Tensor:
        """Return φ(h); write what `again` needs into `kept`."""
        ...

    def again(self, kept: Tensor) -> tuple[Tensor, Pull]:
        """Return φ(h), and what takes a gradient by it to one by h."""
        ...


class Relu:
    """max(h, 0), of which the values are kept: they are positive where the derivative is 1."""

    def forward(self, h: Tensor, kept: Tensor) -> Tensor:
        """Return φ(h); write what `again` needs into `kept`."""
        return torch.clamp_min(h, 0.0, out=kept)

    def again(self, kept: Tensor) -> tuple[Tensor, Pull]:
        """Return φ(h), and what takes a gradient by it to one by h, in place."""

        def pull(q: Tensor, onto: Tensor | None = None) -> Tensor:
            if onto is not None and q.device.type == "cpu":
                add_where_positive(onto.view(-1).numpy(), q.view(-1).numpy(), kept.view(-1).numpy())
                return onto
            q = torch.ops.aten.threshold_backward(q, kept, 0.0, grad_input=q)
            return q if onto is None else onto.add_(q)

        return kept, pull


@kernel
def add_where_positive(onto, q, kept):
    """Add q to `onto` where the third is positive: what PyTorch does in two passes."""
    for i in range(onto.size):
        onto[i] += np.float32(0.0) if kept[i] <= 0.0 else q[i]


class Differentiated:
    """Any module: h is kept, and PyTorch finds the derivative."""

    def __init__(self, phi: nn.Module) -> None:
        self.phi = phi

    def forward(self, h: Tensor, kept: Tensor) -> Tensor:
        """Return φ(h); write what `again` needs into `kept`."""
        return self.phi(kept.copy_(h))

    def again(self, kept: Tensor) -> tuple[Tensor, Pull]:
        """Return φ(h), and what takes a gradient by it to one by h."""
        with torch.enable_grad():
            h = kept.detach().requires_grad_()
            active = self.phi(h)

        def pull(q: Tensor, onto: Tensor | None = None) -> Tensor:
            (q,) = torch.autograd.grad(active, h, q)
            return q if onto is None else onto.add_(q)

        return active.detach(), pull


def pointwise_of(phi: nn.Module) -> Pointwise:
    """Return the fastest form of an activation."""
    return Relu() if isinstance(phi, nn.ReLU) else Differentiated(phi)
