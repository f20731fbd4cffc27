"""Real digits, few of them."""

import pytest

from reslim.training.data import load


@pytest.fixture(scope="session")
def digits():
    return load("digits", limit=200)
