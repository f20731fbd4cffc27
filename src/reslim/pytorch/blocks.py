"""The formulas: matrices with their factor, blocks, and the network, as PyTorch modules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from reslim.spec import ResNet

Where = Literal["forward", "init"]


class Linear(nn.Linear):
    """x ↦ c W x: the factor c is multiplied in the forward pass, or folded into the weight (`factor` is then 1)."""

    def __init__(self, weight: NDArray[np.float64], c: float, where: Where, dtype: torch.dtype) -> None:
        super().__init__(weight.shape[1], weight.shape[0], bias=False, device="meta")  # meta: draws no random numbers
        folded, self.factor = (c, 1.0) if where == "init" else (1.0, float(c))  # no tensor: `half()` would round it
        self.weight = nn.Parameter(torch.tensor(folded * weight, dtype=dtype))

    def forward(self, x: Tensor) -> Tensor:
        """Return W (c x): smaller terms than c (W x), whose sums could leave the range of half precision."""
        return F.linear(self.factor * x, self.weight)

    def extra_repr(self) -> str:
        """Show the factor after the sizes."""
        return f"{super().extra_repr()}, factor={self.factor:.6g}"


class OneMatrixBlock(nn.Module):
    """z ↦ α z + λ √(v/n) W φ(z); the factor of `w` is λ √(v/n)."""

    def __init__(self, skip: float, phi: nn.Module, w: Linear) -> None:
        super().__init__()
        self.skip, self.phi, self.w = skip, phi, w

    def forward(self, z: Tensor) -> Tensor:
        """Return the next state."""
        return self.skip * z + self.w(self.phi(z))

    def extra_repr(self) -> str:
        """Show α."""
        return f"skip={self.skip:.6g}"


class TwoMatrixBlock(nn.Module):
    """z ↦ α z + λ √(v_out/n) V φ(√(v_in/n) W z); the factor of `v` is λ √(v_out/n), that of `w` √(v_in/n)."""

    def __init__(self, skip: float, w: Linear, phi: nn.Module, v: Linear) -> None:
        super().__init__()
        self.skip, self.w, self.phi, self.v = skip, w, phi, v

    def forward(self, z: Tensor) -> Tensor:
        """Return the next state."""
        return self.skip * z + self.v(self.phi(self.w(z)))

    def extra_repr(self) -> str:
        """Show α."""
        return f"skip={self.skip:.6g}"


class Network(nn.Module):
    """z_0 = W_in x / √n_in, then the blocks, then z_out = W_out z_d / √n.

    `net`, `seed` and `where` say of what `build` made it.
    """

    def __init__(self, net: ResNet, seed: int, where: Where, w_in: Linear, blocks: Sequence[nn.Module], w_out: Linear) -> None:
        super().__init__()
        self.net, self.seed, self.where = net, seed, where
        self.w_in, self.blocks, self.w_out = w_in, nn.ModuleList(blocks), w_out

    def forward(self, x: Tensor) -> Tensor:
        """Return z_out, shape (…, n_out), of inputs of shape (…, n_in)."""
        for state in self._walk(x):  # no list: without gradients, one state at a time is held
            z = state
        return self.w_out(z)

    def states(self, x: Tensor) -> list[Tensor]:
        """Return z_0 … z_d, each of shape (…, n), of inputs of shape (…, n_in)."""
        return list(self._walk(x))

    def _walk(self, x: Tensor) -> Iterator[Tensor]:
        z = self.w_in(x)
        yield z
        for block in self.blocks:
            z = block(z)
            yield z

    def extra_repr(self) -> str:
        """Show what it was made of."""
        return f"net={self.net!r}, seed={self.seed}, where={self.where!r}"
