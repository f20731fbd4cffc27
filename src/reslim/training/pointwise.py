"""Activations in a batched program: what is kept of one on the way forward, and its derivative on the way back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor, nn

Pull = Callable[[Tensor], Tensor]


class Pointwise(Protocol):
    """A function of each entry."""

    def forward(self, h: Tensor, kept: Tensor) -> Tensor:
        """Return φ(h); write what `again` needs into `kept`."""
        ...

    def again(self, kept: Tensor) -> tuple[Tensor, Pull]:
        """Return φ(h), and what takes a gradient by it to one by h, in place or not."""
        ...


class Relu:
    """max(h, 0), of which the values are kept: they are positive where the derivative is 1."""

    def forward(self, h: Tensor, kept: Tensor) -> Tensor:
        """Return φ(h); write what `again` needs into `kept`."""
        return torch.clamp_min(h, 0.0, out=kept)

    def again(self, kept: Tensor) -> tuple[Tensor, Pull]:
        """Return φ(h), and what takes a gradient by it to one by h, in place."""
        return kept, lambda q: torch.ops.aten.threshold_backward(q, kept, 0.0, grad_input=q)


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
        return active.detach(), lambda q: torch.autograd.grad(active, h, q)[0]


def pointwise_of(phi: nn.Module) -> Pointwise:
    """Return the fastest form of an activation."""
    return Relu() if isinstance(phi, nn.ReLU) else Differentiated(phi)
