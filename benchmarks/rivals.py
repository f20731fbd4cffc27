"""The rivals: the same networks in NumPy, PyTorch and JAX, in float32, as their best user would write them.

Each returns the log growth of a batch of networks with fresh weights, so that its law can be checked against ours. The output
layer is left out, in the rivals' favour.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from benchmarks.harness import Call, Candidate, why
from benchmarks.machine import one_core

GAIN, ALPHA = 1.0, 0.5**0.5  # λ √v and α of the default ResNet
Maker = Callable[[int, int, int], Call]  # (width, depth, networks) → call
MATRICES, MATRIX_FREE = "matrices", "matrix-free"


def depth_of(width: int, matrices: bool) -> int:
    """Return a depth: one that keeps a network of matrices short, since what a layer costs does not depend on it."""
    return max(2, 2_000 // width) if matrices else 100


def numpy_makers() -> dict[str, Maker]:
    """Return NumPy's ways: fills in place, one matmul a layer."""
    rng = np.random.default_rng(0)

    def maker(matrices: bool) -> Maker:
        def make(width: int, depth: int, networks: int) -> Call:
            noise = np.empty((networks, width, width) if matrices else (networks, width), np.float32)
            gain = np.float32(GAIN / width**0.5)

            def call() -> np.ndarray:
                z = rng.standard_normal((networks, width), np.float32)
                start = np.mean(z * z, axis=1)
                for _ in range(depth):
                    x = np.maximum(z, 0)
                    rng.standard_normal(dtype=np.float32, out=noise)
                    branch = (noise @ x[..., None])[..., 0] if matrices else np.linalg.norm(x, axis=1, keepdims=True) * noise
                    z = np.float32(ALPHA) * z + gain * branch
                return np.log(np.mean(z * z, axis=1) / start)

            return call

        return make

    return {f"NumPy, {MATRICES}": maker(True), f"NumPy, {MATRIX_FREE}": maker(False)}


def torch_makers() -> dict[str, Maker]:
    """Return PyTorch's ways: fills in place, one batched product a layer."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)

    def maker(matrices: bool) -> Maker:
        def make(width: int, depth: int, networks: int) -> Call:
            noise = torch.empty((networks, width, width) if matrices else (networks, width))
            gain = GAIN / width**0.5

            @torch.inference_mode()
            def call() -> np.ndarray:
                z = torch.randn(networks, width)
                start = z.square().mean(1)
                for _ in range(depth):
                    x = torch.relu(z)
                    noise.normal_()
                    if matrices:
                        z = torch.baddbmm(z[..., None], noise, x[..., None], beta=ALPHA, alpha=gain)[..., 0]
                    else:
                        z = (ALPHA * z).addcmul_(torch.linalg.vector_norm(x, dim=1, keepdim=True), noise, value=gain)
                return (z.square().mean(1) / start).log().numpy()

            return call

        return make

    return {f"PyTorch, {MATRICES}": maker(True), f"PyTorch, {MATRIX_FREE}": maker(False)}


def jax_makers() -> dict[str, Maker]:
    """Return JAX's ways: one compiled scan, with its default keys and with the faster `rbg`."""
    with one_core():
        import jax

        jax.config.update("jax_platforms", "cpu")
        jax.devices()
    from jax import lax
    from jax import numpy as jnp

    def maker(matrices: bool, implementation: str) -> Maker:
        def make(width: int, depth: int, networks: int) -> Call:
            shape = (networks, width, width) if matrices else (networks, width)

            def layer(z, key):
                x, noise = jax.nn.relu(z), jax.random.normal(key, shape)
                branch = jnp.einsum("bij,bj->bi", noise, x) if matrices else jnp.linalg.norm(x, axis=1, keepdims=True) * noise
                return ALPHA * z + GAIN / width**0.5 * branch, None

            @jax.jit
            def run(key):
                first, rest = jax.random.split(key)
                start = jax.random.normal(first, (networks, width))
                z, _ = lax.scan(layer, start, jax.random.split(rest, depth))
                return jnp.log(jnp.mean(z * z, axis=1) / jnp.mean(start * start, axis=1))

            keys = iter(range(2**31))
            return lambda: np.asarray(run(jax.random.key(next(keys), impl=implementation)))

        return make

    kinds = {"": "threefry2x32", ", rbg keys": "rbg"}
    ways = {MATRICES: True, MATRIX_FREE: False}
    return {f"JAX, {way}{note}": maker(matrices, kind) for way, matrices in ways.items() for note, kind in kinds.items()}


LIBRARIES = {"NumPy": numpy_makers, "PyTorch": torch_makers, "JAX": jax_makers}


def load() -> tuple[dict[str, Maker], dict[str, str]]:
    """Return what could be imported, and why the others are missing."""
    makers, missing = {}, {}
    for library, load_one in LIBRARIES.items():
        try:
            makers |= load_one()
        except Exception as error:  # a broken install raises what it likes
            missing[library] = why(error)
    return makers, missing


def candidates(makers: dict[str, Maker], widths: tuple[int, ...]) -> Iterator[Candidate]:
    """Yield every rival at every width, with the batches from which the best is taken."""
    for name, make in makers.items():
        for width in widths:
            matrices = MATRICES in name
            depth = depth_of(width, matrices)
            yield Candidate(
                name,
                width,
                prepare=lambda size, make=make, width=width, depth=depth: make(width, depth, size),
                units=lambda size, width=width, depth=depth: float(size * width * depth),
                sizes=(1, 4, 16, 64) if matrices else tuple(max(1, k // width) for k in (4_096, 32_768, 262_144)),
                rival=True,
            )
