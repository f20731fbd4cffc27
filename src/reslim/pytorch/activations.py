"""The activations as PyTorch modules."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from reslim.activations import Activation


class Erf(nn.Module):
    """The error function, which PyTorch has as a function only."""

    def forward(self, h: Tensor) -> Tensor:
        """Return erf(h)."""
        return torch.erf(h)


class Balanced(nn.Module):
    """h ↦ φ(s h), with a sign s for each unit; the signs (n,) are a buffer, not trained."""

    signs: Tensor

    def __init__(self, phi: nn.Module, signs: NDArray[np.float64], dtype: torch.dtype) -> None:
        super().__init__()
        self.phi = phi
        self.register_buffer("signs", torch.tensor(signs, dtype=dtype))

    def forward(self, h: Tensor) -> Tensor:
        """Return φ(s h)."""
        return self.phi(self.signs * h)


_SMOOTH = {"tanh": nn.Tanh, "erf": Erf, "gelu": nn.GELU, "silu": nn.SiLU}  # GELU: the exact one, x Φ(x)
_HOMOGENEOUS = {0.0: nn.ReLU, 1.0: nn.Identity}


def module_of(phi: Activation) -> nn.Module:
    """Return a new module of an activation.

    >>> from reslim.activations import activation
    >>> module_of(activation("leaky_relu:0.2"))
    LeakyReLU(negative_slope=0.2)
    """
    if phi.negative_slope is None:
        return _SMOOTH[phi.name]()
    return _HOMOGENEOUS[phi.negative_slope]() if phi.negative_slope in _HOMOGENEOUS else nn.LeakyReLU(phi.negative_slope)
