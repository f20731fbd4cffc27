"""Rivals that run here draw our networks, and a rival that draws others is seen."""

from __future__ import annotations

import numpy as np

from benchmarks import check, fills, ours, rivals


def test_numpy_draws_our_law_and_another_law_is_seen():
    makers = rivals.numpy_makers()
    makers["wrong"] = lambda width, depth, networks: lambda: makers["NumPy, matrices"](width, depth, networks)() + 0.5
    makers["broken"] = lambda width, depth, networks: lambda: np.zeros(0)[0]
    right, wrong = check.same_law(makers)
    assert set(right) == {"NumPy, matrices", "NumPy, matrix-free"}
    assert "another law" in wrong["wrong"]
    assert "IndexError" in wrong["broken"]


def test_a_library_that_does_not_load_is_missing(monkeypatch):
    def absent():
        raise ModuleNotFoundError("No module named 'absent'")

    for module in (rivals, fills):
        monkeypatch.setattr(module, "LIBRARIES", {"NumPy": module.numpy_makers, "Absent": absent})
        makers, missing = module.load()
        assert makers
        assert missing == {"Absent": "ModuleNotFoundError: No module named 'absent'"}


def test_numpy_fills_are_normal():
    for make in fills.numpy_makers().values():
        numbers = make(4_096)()
        assert abs(numbers.mean()) < 6.0 / 64.0
        assert abs(numbers.var() - 1.0) < 6.0 * 2**0.5 / 64.0


def test_our_calls_draw_other_networks_each_time():
    call = ours.sampled(ours.ResNet(depth=2, width=4), 3, threads=1, **ours.LAST)
    first, second = call(), call()
    assert not np.array_equal(first.log_growth, second.log_growth)


def test_every_variant_is_a_candidate_at_every_width():
    found = list(ours.matrix_free((2, 3), (1,))) + list(ours.radial((2, 3), (1,)))
    assert {(one.name, one.width) for one in found} == {(name, n) for name in (*ours.VARIANTS, *ours.RADIAL) for n in (2, 3)}
    assert found[0].units(5) == 5 * ours.DEPTH * 2
