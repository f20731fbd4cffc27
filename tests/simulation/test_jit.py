"""Parts that are linked into kernels, and parts that Numba compiles by itself, are the same code."""

import math

import numba
import pytest
from numba import njit

from reslim.simulation.jit import LINKED, options_of_parts

OTHER = "0.61.2"


def total_of(options):
    part = njit(**options)

    @part
    def square(x):
        return x * x

    @part
    def quarter(x):
        return math.sqrt(square(x) + 1.0) / 4.0

    @njit(nogil=True, error_model="numpy")
    def total(count):
        found = 0.0
        for i in range(count):
            found += quarter(float(i)) / (float(i) - 3.0)
        return found

    return total


def test_another_version_of_numba_needs_none_of_its_internals():
    assert "pipeline_class" not in options_of_parts(OTHER)
    assert all("pipeline_class" in options_of_parts(f"{known}.0") for known in LINKED)


@pytest.mark.skipif(numba.__version__.rpartition(".")[0] not in LINKED, reason="this Numba links nothing")
def test_linked_parts_give_the_same_bits():
    linked, plain = total_of(options_of_parts(numba.__version__)), total_of(options_of_parts(OTHER))
    assert [linked(count) for count in (3, 4, 1000)] == [plain(count) for count in (3, 4, 1000)]
