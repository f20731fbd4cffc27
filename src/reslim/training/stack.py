"""Many networks of one shape as one batched program: forward, and the gradients of all weights, written out.

Every network has its own weights, factors and inputs; a layer of all of them is one batched product. A batch of B inputs
stands in columns, so that h = W φ(z) reads as it does on paper::

    z (m, n, B)     w_in (m, n, n_in)     v, w (m, depth, n, n)     w_out (m, n_out, n)

A state is updated in place; of each layer is kept what its gradients need, in the memory of the last step.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from reslim.pytorch.activations import module_of
from reslim.simulation.explicit import Weights
from reslim.spec import ResNet
from reslim.training.pointwise import pointwise_of

NAMES = ("w_in", "w", "v", "w_out")


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
    gradients by `weights`, written by `loss_and_gradients`.
    """

    def __init__(self, nets: Sequence[ResNet], weights: Sequence[Weights], where: str, device: str = "cpu") -> None:
        self.nets, self.where, self.device = list(nets), where, device
        self.phi = pointwise_of(module_of(nets[0].phi))
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
        self._folded = self._room_for_folded()
        self._room = torch.empty(0, device=device)

    def _tensor(self, values: Sequence[np.ndarray]) -> Tensor:
        return torch.stack([torch.tensor(value, dtype=torch.float32) for value in values]).to(self.device)

    def _room_for_folded(self) -> dict[str, Tensor]:
        return {name: torch.empty(_layers_first(each).shape, device=self.device) for name, each in self.weights.items()}

    def keep_only(self, places: NDArray[np.intp]) -> None:
        """Go on with the networks at these places; the gradients of the last step are lost."""
        chosen = torch.tensor(places, device=self.device)
        self.nets = [self.nets[place] for place in places]
        for held in (self.weights, self.factors, self.grads):
            held |= {name: each[chosen] for name, each in held.items()}
        self._folded = self._room_for_folded()
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
        self._fold()
        z, kept = self._folded["w_in"] @ x, torch.empty(0, device=self.device)
        for l in range(self.depth):
            h = self._pre(l, z)
            self._add(l, z, self.phi.forward(h, kept.resize_(h.shape)))
        return self._folded["w_out"] @ z

    def loss_and_gradients(self, x: Tensor, labels: Tensor) -> Tensor:
        """Return each network's mean cross-entropy (m,), of inputs (m, n_in, B) and labels (m, B); fill `grads`."""
        self._fold()
        last, kept, states = self._forward(x)
        with torch.enable_grad():
            logits = torch.bmm(self._folded["w_out"], last).requires_grad_()
            losses = F.cross_entropy(logits, labels, reduction="none").mean(dim=1)
            (to_logits,) = torch.autograd.grad(losses.sum(), logits)
        p = self._folded["w_out"].mT @ to_logits
        torch.bmm(to_logits, last.mT, out=self._folded["w_out"])
        for l in range(self.depth - 1, -1, -1):
            self._back(l, kept[l], states[l] if self.two_matrix else None, p)
        torch.bmm(p, x.mT, out=self._folded["w_in"])
        self._unfold()
        return losses.detach()

    def _fold(self) -> None:
        """Multiply all matrices by their factors, each layer's for all networks in one piece."""
        for name, folded in self._folded.items():
            torch.mul(_layers_first(self.weights[name]), _layers_first(self.factors[name]), out=folded)

    def _unfold(self) -> None:
        """Make gradients by the weights of those by the matrices with factors, which the way back left in their place."""
        for name, folded in self._folded.items():
            torch.mul(folded, _layers_first(self.factors[name]), out=_layers_first(self.grads[name]))

    def _forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return z_d, what is kept of the activations, and z_0 … z_{d-1} of two-matrix blocks."""
        z = self._folded["w_in"] @ x
        kept, states = self._reserved(z)
        for l in range(self.depth):
            if self.two_matrix:
                states[l] = z
            self._add(l, z, self.phi.forward(self._pre(l, z), kept[l]))
        return z, kept, states

    def _reserved(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Return room for a tensor like z at each layer, twice in two-matrix blocks: the memory of the last call."""
        rooms = self.depth * (2 if self.two_matrix else 1)
        if len(self._room) < rooms * z.numel():
            self._room = torch.empty(rooms * z.numel(), device=self.device)
        room = self._room[: rooms * z.numel()].view(rooms, *z.shape)
        return room[: self.depth], room[self.depth :]

    def _pre(self, l: int, z: Tensor) -> Tensor:
        """Return the argument of φ."""
        h = torch.bmm(self._folded["w"][l], z) if self.two_matrix else z
        return h if self.signs is None else self.signs[:, l] * h

    def _add(self, l: int, z: Tensor, active: Tensor) -> None:
        """Make z_{l+1} of z_l, in place."""
        if not self._plain:
            z *= self.keep[:, l]
        z.baddbmm_(self._folded["v"][l], active)

    def _back(self, l: int, kept: Tensor, z: Tensor | None, p: Tensor) -> None:
        """Make the gradient by z_l of that by z_{l+1}, in place; those by the matrices take their place."""
        active, pull = self.phi.again(kept)
        v = self._folded["v"][l]
        q = torch.bmm(v.mT, p)
        torch.bmm(p, active.mT, out=v)
        if not self._plain:
            p *= self.keep[:, l]
        if z is None and self.signs is None:
            pull(q, onto=p)
            return
        q = pull(q)
        if self.signs is not None:
            q *= self.signs[:, l]
        if z is None:
            p += q
        else:
            w = self._folded["w"][l]
            p.baddbmm_(w.mT, q)
            torch.bmm(q, z.mT, out=w)


def _layers_first(matrices: Tensor) -> Tensor:
    """Return (depth, m, …) of (m, depth, …), and (m, …) as it is."""
    return matrices.movedim(0, -3)
