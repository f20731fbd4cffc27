"""A built network is an ordinary module: saved, copied, compiled, cast, moved."""

from __future__ import annotations

import copy
import io
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from judged import assert_close

from reslim import ResNet
from reslim.pytorch import build

ONE = ResNet(depth=3, width=8, activation="tanh", balanced=True, n_in=4, n_out=2)
TWO = ResNet(depth=3, width=8, block="two-matrix", n_in=4, n_out=2)
NETS = {"one-matrix, balanced": ONE, "two-matrix": TWO}
X = torch.from_numpy(np.random.default_rng(0).standard_normal((5, 4))).float()


def output(module, x=X) -> np.ndarray:
    with torch.no_grad():
        return module(x).double().cpu().numpy()


def test_names_of_parameters_and_buffers():
    assert [name for name, _ in build(ONE).named_parameters()] == [
        "w_in.weight",
        *(f"blocks.{l}.w.weight" for l in range(3)),
        "w_out.weight",
    ]
    assert [name for name, _ in build(ONE).named_buffers()] == [f"blocks.{l}.phi.signs" for l in range(3)]
    assert {name for name in build(TWO).state_dict() if name.startswith("blocks.2")} == {
        "blocks.2.w.weight",
        "blocks.2.v.weight",
    }


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("where", ["forward", "init"])
def test_saved_weights_make_the_same_function_of_another_seed(name, where):
    module, other = (build(NETS[name], seed, where=where) for seed in (0, 1))
    file = io.BytesIO()
    torch.save(module.state_dict(), file)
    assert np.linalg.norm(output(other) - output(module)) > 0.1
    file.seek(0)
    other.load_state_dict(torch.load(file, weights_only=True), strict=True)
    np.testing.assert_array_equal(output(other), output(module))


def test_a_copy_is_the_same_and_apart():
    module = build(ONE, 3)
    twin, before = copy.deepcopy(module), output(module)
    np.testing.assert_array_equal(output(twin), before)
    assert (twin.net, twin.seed, twin.where) == (ONE, 3, "forward")
    torch.nn.init.zeros_(twin.blocks[1].w.weight)
    np.testing.assert_array_equal(output(module), before)
    assert (output(twin) != before).any()


def test_what_it_was_made_of_is_shown():
    text = repr(build(TWO, 2**40, where="init"))
    assert f"net={TWO!r}, seed={2**40}, where='init'" in text
    assert "factor=1" in text
    assert "skip=0.707107" in text
    assert "factor=0.353553" in repr(build(ONE))  # λ √(v/n) = √½ √(2/8)


def test_pytorchs_random_numbers_and_default_dtype_are_left_alone():
    before = torch.get_rng_state()
    module = build(ONE)
    assert torch.equal(torch.get_rng_state(), before)
    assert {tensor.dtype for tensor in module.state_dict().values()} == {torch.float32}
    torch.set_default_dtype(torch.float64)
    try:
        assert {tensor.dtype for tensor in build(ONE).state_dict().values()} == {torch.float64}
    finally:
        torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("where", ["forward", "init"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_near(name, where, dtype):
    """To a few units in the last place."""
    net = NETS[name].replace(depth=10, width=32)
    module = build(net, where=where)
    expected, allowed = output(module), 10 * torch.finfo(dtype).eps
    cast = {torch.float16: module.half, torch.bfloat16: module.bfloat16}[dtype]()
    assert_close(output(cast, X.to(dtype)), expected, allowed)
    assert_close(output(build(net, where=where, dtype=dtype), X.to(dtype)), expected, allowed)


def test_factors_keep_their_digits_in_half_precision():
    """This one is far below the least positive number of float16."""
    net = ResNet(depth=1, width=4, skip=0.0, branch=1e-9 / 3.0, n_in=4, n_out=2, activation="identity")
    factor = build(net).half().blocks[0].w.factor
    assert isinstance(factor, float)  # a tensor would be compared in its own precision
    assert factor == pytest.approx(1e-9 / 3.0 * 0.5**0.5, rel=1e-15, abs=0.0)


@pytest.mark.parametrize("block", ["one-matrix", "two-matrix"])
def test_large_states_do_not_overflow_in_float16(block):
    """Every state fits; a sum over units of unit-variance weights, before the factor, does not."""
    net = ResNet(depth=3, width=400, block=block, n_in=4, n_out=2)
    x = torch.full((4,), 8000.0)
    module = build(net)
    assert max(state.abs().max() for state in module.states(x)) < 60_000
    assert (module.blocks[0].w.weight @ module.states(x)[0].relu()).abs().max() > 70_000
    expected = output(module, x)
    assert_close(output(module.half(), x.half()), expected, 0.02)


@pytest.mark.filterwarnings("ignore:`torch.jit.*` is deprecated:DeprecationWarning")  # of what torch.compile imports
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs g++")
def test_compiled():
    module = build(ResNet(depth=2, width=4, balanced=True, n_in=4, n_out=2))
    compiled = torch.compile(module, fullgraph=True)
    assert_close(compiled(X).detach().numpy(), module(X).detach().numpy(), 1e-6)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("name", NETS)
def test_on_a_gpu(name):
    module = build(NETS[name], dtype=torch.float64)
    expected = output(module, X.double())
    assert_close(output(module.to("cuda"), X.double().cuda()), expected, 1e-12)


def test_without_pytorch_one_line_says_what_to_install():
    program = "import sys; sys.modules['torch'] = None; import reslim; import reslim.pytorch"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert run.returncode == 1
    last = run.stderr.strip().splitlines()[-1]
    assert last == 'ModuleNotFoundError: reslim.pytorch needs PyTorch: pip install "reslim[torch]"'
