from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

import reslim

mpl.use("Agg")
INPUTS = np.array([[1.0, 0.0, 0.0, 1.0], [0.0, 1.0, 1.0, 1.0]])


@pytest.fixture
def ax():
    return Figure(layout="constrained").subplots()


def result(balanced: bool = False, depth: int = 12):
    """Return the prediction and the draws of a small network with two inputs."""
    net = reslim.ResNet(depth=depth, width=30, n_in=4, n_out=3, balanced=balanced)
    quantities = ["log_growth", "active_fraction", "active_energy", "overlap", "output", "log_output_norm"]
    prediction = reslim.predict(net, quantities=quantities, inputs=INPUTS, covariance=True)
    return prediction, reslim.simulate(net, 2000, 1, quantities=quantities, inputs=INPUTS, progress=False)


@pytest.fixture(scope="session")
def vanilla():
    return result()


@pytest.fixture(scope="session")
def balanced():
    return result(balanced=True)
