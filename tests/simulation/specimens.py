"""Small networks of every kind, and their draws as plain vectors."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr

from reslim import ResNet, simulate
from reslim.quantities import QUANTITIES

TWO = "two-matrix"
X, Y = (1.0, -0.5, 2.0), (0.3, 1.2, 0.4)
GENERIC = (X, Y)
RELATED = (X, X, tuple(-v for v in X), Y)  # identical, opposite, generic

ONE_INPUT = {
    "relu": ResNet(depth=4, width=6),
    "relu, wider and deeper": ResNet(depth=8, width=12, skip=0.9, branch=0.6, n_in=3, n_out=2),
    "relu, negative skip": ResNet(depth=4, width=5, skip=-0.8, branch=0.6),
    "relu, a layer without branch and one without skip": ResNet(
        depth=4, width=5, skip=(0.5, 1.0, 0.0, -1.0), branch=(1.0, 0.0, 2.0, 0.5)
    ),
    "relu, no skip: some die": ResNet(depth=4, width=4, skip=0.0, branch=1.0),
    "relu, width 1": ResNet(depth=3, width=1),
    "balanced relu": ResNet(depth=4, width=5, skip=-0.7, branch=0.9, balanced=True),
    "leaky relu, schedules": ResNet(depth=3, width=4, activation="leaky_relu:0.2", skip=(1.0, -0.5, 0.3), branch=(0.2, 1.5, 3.0)),
    "balanced leaky relu": ResNet(depth=3, width=5, activation="leaky_relu:-0.5", balanced=True),
    "tanh": ResNet(depth=4, width=5, activation="tanh", variance=3.0),
    "erf": ResNet(depth=3, width=6, activation="erf", skip=-0.5, branch=1.5),
    "gelu": ResNet(depth=4, width=5, activation="gelu", skip=-0.9, branch=0.8),
    "silu, width 1": ResNet(depth=3, width=1, activation="silu", branch=1.5),
    "identity": ResNet(depth=4, width=4, activation="identity"),
    "two-matrix relu": ResNet(depth=4, width=6, block=TWO, variance=(1.5, 0.7)),
    "two-matrix relu, no skip: some die": ResNet(depth=3, width=4, block=TWO, skip=0.0, branch=1.0),
    "two-matrix balanced tanh": ResNet(depth=3, width=5, block=TWO, activation="tanh", balanced=True, variance=(3.0, 1.0)),
    "two-matrix silu": ResNet(depth=3, width=6, block=TWO, activation="silu", skip=-1.0, branch=(0.5, 1.0, 0.0)),
}
SEVERAL_INPUTS = {
    "relu, related inputs": (ResNet(depth=4, width=6, n_in=3, n_out=2), RELATED),
    "gelu, related inputs": (ResNet(depth=3, width=5, activation="gelu", balanced=True, n_in=3), RELATED[1:]),
    "two-matrix silu, two inputs": (ResNet(depth=3, width=5, block=TWO, activation="silu", n_in=3), GENERIC),
    "relu, more inputs than units": (ResNet(depth=3, width=2, n_in=3), (X, Y, (0.1, 0.1, -1.0))),
}
CASES = {name: (net, None) for name, net in ONE_INPUT.items()} | SEVERAL_INPUTS


def names_for(inputs) -> list[str]:
    """Every quantity that these inputs have; for one input without the tangent, which the passes in single precision lack."""
    return [name for name in QUANTITIES if inputs is not None or name not in ("overlap", "log_tangent_growth")]


def draw(net: ResNet, replicas: int, seed: int = 0, **options) -> xr.Dataset:
    """`simulate` on one thread, every quantity and layer unless said otherwise."""
    inputs = options.pop("inputs", None)
    options = {"quantities": names_for(inputs), "layers": "all", "threads": 1} | options
    return simulate(net, replicas, seed, inputs=inputs, progress=False, **options)


def columns(draws: xr.Dataset) -> Iterator[tuple[str, np.ndarray]]:
    """Yield every coordinate of every quantity as a vector over the replicas."""
    for name, variable in draws.data_vars.items():
        flat = variable.values.reshape(draws.sizes["replica"], -1)
        for index in range(flat.shape[1]):
            where = np.unravel_index(index, variable.shape[1:])
            yield f"{name}{[int(i) for i in where]}", flat[:, index]


def steps(draws: xr.Dataset) -> Iterator[tuple[str, np.ndarray]]:
    """Yield what one layer adds to the logarithms of state and gradient, for networks that have not died."""
    for name in ("log_norm", "log_grad_growth"):
        if name in draws:
            values = draws[name].values.reshape(draws.sizes["replica"], draws[name].shape[1], -1)
            with np.errstate(invalid="ignore"):
                added = np.diff(values, axis=1).reshape(len(values), -1)
            yield from ((f"step {i} of {name}", column) for i, column in enumerate(added.T))


def bits(draws: xr.Dataset) -> dict[str, bytes]:
    """The exact draws."""
    return {str(name): variable.values.tobytes() for name, variable in draws.data_vars.items()}
