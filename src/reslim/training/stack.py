"""Many networks of one shape as one batched program: forward, and the gradients of all weights, written out.

Every network has its own weights, factors and inputs; a layer of all of them is one batched product. A batch of B inputs
stands in columns, so that h = W φ(z) reads as it does on paper::

    z (m, n, B)     w_in (m, n, n_in)     v, w (m, depth, n, n)     w_out (m, n_out, n)

The states are kept, the activations are not: those are cheap to compute again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from reslim.pytorch.activations import module_of
from reslim.simulation.explicit import Weights
from reslim.spec import ResNet

NAMES = ("w_in", "w", "v", "w_out")
Pull = Callable[[Tensor], Tensor]


def factors_of(net: ResNet) -> dict[str, np.ndarray]:
    """Return what multiplies the matrices of a network: √(v_in/n), λ √(v_out/n) at each layer, 1/√n_in and 1/√n."""
    v_in, v_out = net.variances
    return {
        "w_in": np.array(1.0 / math.sqrt(net.n_in)),
        "w": np.full(net.depth if net.block == "two-matrix" else 0, math.sqrt(v_in / net.width)),
        "v": net.branches * math.sqrt(v_out / net.width),
        "w_out": np.array(1.0 / math.sqrt(net.width)),
    }


def matrices_of(weights: Weights) -> dict[str, np.ndarray]:
    """Return the matrices of drawn weights by name."""
    return {"w_in": weights.w_in, "w": weights.blocks.w, "v": weights.blocks.v, "w_out": weights.w_out}


class Stack:
    """Networks that share their sizes, block, activation and whether they are Balanced.

    `weights` are unit-variance matrices with their factors outside ("forward"), or folded in ("init"); `grads` are the
    gradients by `weights`, written by `backward`.
    """

    def __init__(self, nets: Sequence[ResNet], weights: Sequence[Weights], where: str, device: str = "cpu") -> None:
        self.nets, self.where, self.device = list(nets), where, device
        self.phi = module_of(nets[0].phi)
        self.depth, self.two_matrix = nets[0].depth, nets[0].block == "two-matrix"
        drawn, factors = [matrices_of(each) for each in weights], [factors_of(net) for net in nets]
        self.factors = {name: self._tensor([each[name] for each in factors])[..., None, None] for name in NAMES}
        self.weights = {name: self._tensor([each[name] for each in drawn]) for name in NAMES}
        if where == "init":
            for name in NAMES:
                self.weights[name] *= self.factors[name]
                self.factors[name] = torch.ones_like(self.factors[name])
        self.keep = self._tensor([net.skips for net in nets])[..., None, None]
        signs = [each.blocks.signs for each in weights]
        self.signs = self._tensor(signs)[..., None] if nets[0].balanced else None
        self._plain = bool((self.keep == 1.0).all())
        self.grads = {name: torch.zeros_like(each) for name, each in self.weights.items()}
        self._room = torch.empty(0, device=device)

    def _tensor(self, values: Sequence[np.ndarray]) -> Tensor:
        return torch.stack([torch.tensor(value, dtype=torch.float32) for value in values]).to(self.device)

    def keep_only(self, places: NDArray[np.intp]) -> None:
        """Go on with the networks at these places; the gradients of the last step are lost."""
        chosen = torch.tensor(places, device=self.device)
        self.nets = [self.nets[place] for place in places]
        for held in (self.weights, self.factors, self.grads):
            held |= {name: each[chosen] for name, each in held.items()}
        self.keep = self.keep[chosen]
        self.signs = None if self.signs is None else self.signs[chosen]

    def unit_weights(self, place: int, like: Weights) -> Weights:
        """Return the weights of the network at a place in unit variance, in double precision; the rest is `like` them.

        A folded matrix whose factor is 0 is that of `like`.
        """
        found = {}
        for name, drawn in matrices_of(like).items():
            weight = self.weights[name][place].double().cpu().numpy()
            factor = factors_of(self.nets[place])[name][..., None, None] if self.where == "init" else np.ones(())
            with np.errstate(invalid="ignore", divide="ignore"):
                found[name] = np.where(factor == 0.0, drawn, weight / factor)
        blocks = like.blocks._replace(v=found["v"], w=found["w"])
        return like._replace(w_in=found["w_in"], blocks=blocks, w_out=found["w_out"])

    def parts(self, place: int) -> list[Tensor]:
        """Return the weights of one network, each with its part of the gradients in `grad`."""
        found = []
        for name in NAMES:
            part = self.weights[name][place]
            part.grad = self.grads[name][place]
            found += [part] if part.numel() else []
        return found

    def logits(self, x: Tensor) -> Tensor:
        """Return z_out (m, n_out, B) of inputs (m, n_in, B); no states are kept."""
        z = self._matrix("w_in") @ x
        for l in range(self.depth):
            z = self._block(l, z)[0]
        return self._matrix("w_out") @ z

    def loss_and_gradients(self, x: Tensor, labels: Tensor) -> Tensor:
        """Return each network's mean cross-entropy (m,), of inputs (m, n_in, B) and labels (m, B); fill `grads`."""
        z, h = self._states(x)
        last = self._matrix("w_out") @ z[-1]
        with torch.enable_grad():
            losses = F.cross_entropy(last.requires_grad_(), labels, reduction="none").mean(dim=1)
            (to_last,) = torch.autograd.grad(losses.sum(), last)
        self._write("w_out", torch.bmm(to_last, z[-1].mT))
        p = self._matrix("w_out").mT @ to_last
        for l in range(self.depth - 1, -1, -1):
            p = self._back(l, z[l], h[l] if self.two_matrix else z[l], p)
        self._write("w_in", torch.bmm(p, x.mT))
        return losses.detach()

    def _states(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return z_0 … z_d, and the h = W z of two-matrix blocks, in the memory of the last call."""
        count, n, columns = len(self.nets), self.nets[0].width, x.shape[2]
        states, inner = self.depth + 1, self.depth if self.two_matrix else 0
        size = (states + inner) * count * n * columns
        if len(self._room) < size:
            self._room = torch.empty(size, device=self.device)
        room = self._room[:size].view(-1, count, n, columns)
        z, h = room[:states], room[states:]
        torch.bmm(self._matrix("w_in"), x, out=z[0])
        for l in range(self.depth):
            _, pre = self._block(l, z[l], out=z[l + 1])
            if self.two_matrix:
                h[l] = pre
        return z, h

    def _block(self, l: int, z: Tensor, out: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the next state, and the pre-activation."""
        h = self._matrix("w", l) @ z if self.two_matrix else z
        active = self.phi(h if self.signs is None else self.signs[:, l] * h)
        kept = z if self._plain else self.keep[:, l] * z
        return torch.baddbmm(kept, self._matrix("v", l), active, out=out), h

    def _back(self, l: int, z: Tensor, h: Tensor, p: Tensor) -> Tensor:
        """Return the gradient by z_l from that by z_{l+1}."""
        active, pull = self._activated(l, h)
        self._write("v", torch.bmm(p, active.mT), l)
        q = pull(self._matrix("v", l).mT @ p)
        kept = p if self._plain else self.keep[:, l] * p
        if not self.two_matrix:
            return kept + q
        self._write("w", torch.bmm(q, z.mT), l)
        return torch.baddbmm(kept, self._matrix("w", l).mT, q)

    def _activated(self, l: int, h: Tensor) -> tuple[Tensor, Pull]:
        """Return φ(s h), and what takes a gradient by it to one by h."""
        with torch.enable_grad():
            own = h.detach().requires_grad_()
            active = self.phi(own if self.signs is None else self.signs[:, l] * own)
        return active.detach(), lambda q: torch.autograd.grad(active, own, q)[0]

    def _matrix(self, name: str, l: int | None = None) -> Tensor:
        """Return the matrices of all networks with their factors."""
        weight, factor = self.weights[name], self.factors[name]
        weight, factor = (weight, factor) if l is None else (weight[:, l], factor[:, l])
        return weight if self.where == "init" else weight * factor

    def _write(self, name: str, gradient: Tensor, l: int | None = None) -> None:
        """Write the gradient by a matrix with its factor as that by the weight."""
        grad, factor = self.grads[name], self.factors[name]
        grad, factor = (grad, factor) if l is None else (grad[:, l], factor[:, l])
        torch.mul(gradient, factor, out=grad)
