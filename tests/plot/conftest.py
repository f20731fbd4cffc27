from __future__ import annotations

import matplotlib as mpl
import pytest
from drawn import result
from matplotlib.figure import Figure

mpl.use("Agg")


@pytest.fixture
def ax():
    return Figure(layout="constrained").subplots()


@pytest.fixture(scope="session")
def vanilla():
    return result()


@pytest.fixture(scope="session")
def balanced():
    return result(balanced=True)
