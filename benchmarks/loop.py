"""The rival in training: one network after the other, as a user of PyTorch would write it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from reslim.training.data import Dataset

ADAMS = {"Adam, default": {}, "Adam, foreach": {"foreach": True}, "Adam, fused": {"fused": True}}


class Network(nn.Module):
    """h ↦ h + scale · W relu(h), depth times, between two linear layers."""

    def __init__(self, n_in: int, width: int, depth: int, n_out: int, scale: float) -> None:
        super().__init__()
        self.scale = scale
        self.first = nn.Linear(n_in, width, bias=False)
        self.layers = nn.ModuleList(nn.Linear(width, width, bias=False) for _ in range(depth))
        self.last = nn.Linear(width, n_out, bias=False)
        for layer in (self.first, *self.layers, self.last):
            nn.init.normal_(layer.weight, std=layer.in_features**-0.5)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits."""
        h = self.first(x)
        for layer in self.layers:
            h = h + self.scale * layer(torch.relu(h))
        return self.last(h)


class Loop:
    """A network with its optimizer and the data."""

    def __init__(self, network: Network, data: Dataset, batch: int, adam: str, lr: float = 1e-3) -> None:
        self.network, self.batch = network, batch
        self.optimizer = torch.optim.Adam(network.parameters(), lr=lr, **ADAMS[adam])
        self.x, self.y = torch.tensor(data.x_train), torch.tensor(data.y_train)
        self.x_test, self.y_test = torch.tensor(data.x_test), torch.tensor(data.y_test)

    def step(self, chosen: Tensor) -> None:
        """Take one step."""
        self.optimizer.zero_grad()
        F.cross_entropy(self.network(self.x[chosen]), self.y[chosen]).backward()
        self.optimizer.step()

    def run_epoch(self) -> float:
        """Train for one epoch, return the accuracy on the test images."""
        for chosen in torch.randperm(len(self.x)).split(self.batch):
            self.step(chosen)
        with torch.no_grad():
            return (self.network(self.x_test).argmax(dim=1) == self.y_test).double().mean().item()
