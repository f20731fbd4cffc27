"""The matrix-free sampler against explicit matrices: every quantity, layer and input, and how they depend on each other."""

from __future__ import annotations

import numpy as np
import pytest
from specimens import CASES, X, columns, draw, steps

from helpers import assert_same_dependence, assert_same_law
from reslim import ResNet

LEVEL = 1e-9  # some 1500 comparisons a run
EXPLICIT, MATRIX_FREE = 1500, 12_000


def assert_same_draws(reference, fast, level=LEVEL):
    """Every coordinate has the same law, and every pair of coordinates the same rank correlation."""
    tables = [{name: np.round(x, 10) for name, x in (*columns(v), *steps(v))} for v in (reference, fast)]  # an atom is one value
    for name, samples in tables[0].items():
        try:
            assert_same_law(samples, tables[1][name], level)
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}") from None
    assert_same_dependence(*tables)


@pytest.mark.parametrize("case", CASES)
def test_same_law_as_explicit_matrices(case):
    net, inputs = CASES[case]
    reference = draw(net, EXPLICIT, 1, inputs=inputs, method="explicit")
    fast = draw(net, MATRIX_FREE, 2, inputs=inputs, method="matrix-free")
    assert_same_draws(reference, fast)


def test_double_precision_has_the_same_law():
    net = ResNet(depth=4, width=6)
    reference = draw(net, EXPLICIT, 1, method="explicit")
    assert_same_draws(reference, draw(net, MATRIX_FREE, 2, method="matrix-free", precision="double"))


def test_nearly_equal_inputs_are_told_apart():
    """A chaotic net blows a distance of 1e-7 up to order one, through matrices and without them."""
    net = ResNet(depth=34, width=32, activation="tanh", skip=0.0, branch=1.0, variance=25.0, n_in=3)
    options = {"inputs": (X, (X[0] + 1e-7, *X[1:])), "quantities": ["overlap"], "layers": [29, 34]}
    reference = draw(net, 900, method="explicit", **options).overlap.values[:, :, 0, 1]
    fast = draw(net, MATRIX_FREE, method="matrix-free", **options).overlap.values[:, :, 0, 1]
    assert reference[:, 1].std() > 0.1
    for layer in (0, 1):
        assert_same_law(reference[:, layer], fast[:, layer])


def test_a_wrong_law_is_seen():
    net = ResNet(depth=4, width=6)
    reference = draw(net, EXPLICIT, 1, method="explicit")
    wrong = draw(net.replace(variance=2.6), MATRIX_FREE, 2, method="matrix-free")
    with pytest.raises(AssertionError, match="log_"):
        assert_same_draws(reference, wrong)
