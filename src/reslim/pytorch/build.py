"""`build`: a spec and a seed become a PyTorch module, with the weights that the explicit sampler draws."""

from __future__ import annotations

import math
from functools import partial

import torch
from torch import nn

from reslim import checks
from reslim.errors import BadKind, NotCovered
from reslim.pytorch.activations import Balanced, module_of
from reslim.pytorch.blocks import Linear, Network, OneMatrixBlock, TwoMatrixBlock, Where
from reslim.simulation import explicit, memory
from reslim.spec import ResNet

WHERE = ("forward", "init")
DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
MODULE_BYTES = 10_000  # of the Python objects of a block, roughly


def build(
    net: ResNet,
    seed: int = 0,
    *,
    n_in: int | None = None,
    n_out: int | None = None,
    where: Where = "forward",
    dtype: torch.dtype | None = None,
) -> Network:
    """Make the network of a spec and a seed as a PyTorch module.

    Its weights are those of replica 0 of the explicit sampler: at initialisation, states, outputs and gradients are those
    of ``simulate(net, 1, seed, method="explicit")``, up to the rounding of `dtype`, at every depth and width, while they
    stay in its range.

    Parameters
    ----------
    seed : of 64 bits.
    n_in, n_out : dimensions of input and output, in place of those of `net`.
    where : where a matrix W meets its factor c, that is λ √(v/n), √(v_in/n), 1/√n_in or 1/√n. "forward": the parameter is
        W, of unit variance, and the forward pass multiplies by c. "init": the parameter is c W. Both are the same function
        until they are trained: SGD at rate η in "forward" does what it does at rate c² η in "init", matrix by matrix, and
        Adam (without its eps) what it does at rate abs(c) η.
    dtype : of parameters and signs; PyTorch's default if not given.

    Returns
    -------
    Network
        With the parameters ``w_in.weight``, ``blocks.L.w.weight`` (two-matrix: also ``blocks.L.v.weight``) and
        ``w_out.weight``, in Balanced nets the buffers ``blocks.L.phi.signs``; `states` gives z_0 … z_d.

    Raises
    ------
    ValueError, TypeError
        For an argument out of range, and weights that would not fit into memory.
    NotImplementedError
        For entries that are not Gaussian where the weights are coupled across depth: as `simulate`.

    References
    ----------
    Li, Nica, Roy, arXiv:2106.04013; Marion, Fermanian, Biau, Vert, arXiv:2206.06929: the networks, as in `ResNet`.

    Examples
    --------
    >>> net = ResNet(depth=4, width=8, activation="gelu")
    >>> module = build(net, seed=1, n_in=3, n_out=1, dtype=torch.float64)
    >>> module.blocks[0]
    OneMatrixBlock(
      skip=0.707107
      (phi): GELU(approximate='none')
      (w): Linear(in_features=8, out_features=8, bias=False, factor=0.353553)
    )
    >>> from reslim import simulate
    >>> draw = simulate(module.net, 1, seed=1, method="explicit", quantities=["output"])
    >>> round(module(torch.ones(3, dtype=torch.float64)).item() / draw.output.item(), 12)
    1.0
    """
    net, seed = _checked(net, n_in, n_out), checks.seed64("build", seed)
    checks.one_of("build", "where", where, WHERE)
    dtype = torch.get_default_dtype() if dtype is None else dtype
    if dtype not in DTYPES:
        raise BadKind("build", "dtype", "must be torch.float16, torch.bfloat16, torch.float32 or torch.float64", dtype)
    memory.check_weights("build", _size_in_bytes(net, dtype))
    weights = explicit.draw_weights(net, seed, 0)
    linear = partial(Linear, where=where, dtype=dtype)
    blocks = [_block(net, weights, l, linear, dtype) for l in range(net.depth)]
    w_in, w_out = linear(weights.w_in, 1.0 / math.sqrt(net.n_in)), linear(weights.w_out, 1.0 / math.sqrt(net.width))
    return Network(net, seed, where, w_in, blocks, w_out)


def _checked(net: ResNet, n_in: int | None, n_out: int | None) -> ResNet:
    if not isinstance(net, ResNet):
        raise BadKind("build", "net", "must be a ResNet", net)
    if net.entries != "gaussian" and not net.coupling.is_independent:
        raise NotCovered("build", "net", "must have gaussian entries where the weights are coupled across depth", net.entries)
    sizes = {"n_in": n_in, "n_out": n_out}
    return net.replace(**{name: checks.size("build", name, size) for name, size in sizes.items() if size is not None})


def _size_in_bytes(net: ResNet, dtype: torch.dtype) -> int:
    """Return what the weights take as they are drawn and as they are held, with the modules that hold them."""
    matrices = net.depth * (2 if net.block == "two-matrix" else 1)
    entries = net.width * (matrices * net.width + net.depth + net.n_in + net.n_out)
    return entries * (8 + dtype.itemsize) + net.depth * MODULE_BYTES


def _block(net: ResNet, weights: explicit.Weights, l: int, linear: partial[Linear], dtype: torch.dtype) -> nn.Module:
    (v, w, signs), (v_in, v_out), skip = weights.blocks, net.variances, float(net.skips[l])
    phi = module_of(net.phi)
    if net.balanced:
        phi = Balanced(phi, signs[l], dtype)
    outer = linear(v[l], net.branches[l] * math.sqrt(v_out / net.width))
    if net.block == "one-matrix":
        return OneMatrixBlock(skip, phi, outer)
    return TwoMatrixBlock(skip, linear(w[l], math.sqrt(v_in / net.width)), phi, outer)
