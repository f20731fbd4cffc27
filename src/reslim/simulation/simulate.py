"""Exact Monte Carlo: `simulate` chooses a sampler, spreads the replicas over threads, and labels the draws."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from reslim import checks, results
from reslim import inputs as input_rules
from reslim.errors import BadKind
from reslim.progress import Progress, progress_bar
from reslim.quantities import FORWARD_DEFAULTS, LayerRequest, Quantity, resolve, select_layers
from reslim.simulation import memory, records, samplers
from reslim.simulation.records import Records
from reslim.simulation.samplers import Job, Sampler
from reslim.spec import ResNet

BATCH = 65_536  # coordinates that advance together: they stay in the cache
MOST_BATCH = 4_096  # networks


def simulate(
    net: ResNet,
    replicas: int = 10_000,
    seed: int = 0,
    *,
    quantities: Iterable[str] | None = None,
    layers: LayerRequest = "auto",
    inputs: ArrayLike | None = None,
    method: str = "auto",
    precision: str = "single",
    threads: int | None = None,
    progress: bool = True,
) -> xr.Dataset:
    """Draw random networks exactly, without their matrices where that is possible.

    Exact at any width and depth: every method draws from the law of the network itself, to the rounding of float64
    states and of noise in the precision asked for. Replica k depends on (net, seed, k) and on the set of quantities
    (which chooses the sampler), never on the number of replicas, threads or recorded layers.

    Parameters
    ----------
    replicas : number of networks.
    seed : integer of 64 bits.
    quantities : names from `reslim.QUANTITIES`; the forward ones by default.
    layers : "auto" (at most 33, evenly spread), "all", "last" or a list; each quantity takes the part in its domain.
    inputs : array (m, n_in), sent through the *same* network in every replica; None is one with |x|² = n_in.
    method : "auto", "matrix-free" (Gaussian entries), "radial" (O(1) a layer, some ReLU nets) or "explicit".
    precision : of the normal numbers: "single" (float32, |g| ≤ 6.66) or "double". Sums and states are float64 always.
    threads : number of threads; all cores by default.
    progress : whether to show a progress bar on a terminal's stderr after one second.

    Returns
    -------
    xarray.Dataset
        One variable a quantity with the dims replica and those of the quantity; natural logarithms, no units.
        A layer that a quantity was not recorded at is NaN; its own layers are in ``attrs["layers"]``.

    Raises
    ------
    ValueError, TypeError
        For arguments out of range, and draws that would not fit into memory.
    NotImplementedError
        Where `method` does not cover the network.

    References
    ----------
    docs/derivations/matrix-free.md, docs/derivations/radial.md.

    Examples
    --------
    >>> draws = simulate(ResNet(depth=10, width=10), replicas=5, quantities=["log_growth"], layers="last")
    >>> draws.log_growth.dims
    ('replica', 'layer', 'input')
    """
    if not isinstance(net, ResNet):
        raise BadKind("simulate", "net", "must be a ResNet", net)
    replicas = checks.positive_int("simulate", "replicas", replicas)
    seed = checks.seed64("simulate", seed)
    checks.one_of("simulate", "precision", precision, ("single", "double"))
    threads = checks.positive_int("simulate", "threads", os.cpu_count() if threads is None else threads)
    x = input_rules.resolve("simulate", inputs, net.n_in)
    wanted = resolve("simulate", quantities, FORWARD_DEFAULTS, len(x))
    selected = results.nonempty("simulate", select_layers("simulate", layers, wanted, net.depth), wanted, quantities)
    wanted = tuple(quantity for quantity in wanted if quantity.name in selected)
    job = Job(net, x, tuple(quantity.name for quantity in wanted), seed, precision == "double")
    sampler = samplers.choose(net, job.names, len(x), method)

    started = time.perf_counter()
    union = sorted({layer for chosen in selected.values() for layer in chosen})
    memory.check(replicas, records.size_in_bytes(job.names, replicas, len(union), len(x), net.n_out))
    rec = records.allocate(job.names, replicas, union, net.depth, len(x), net.n_out)
    with progress_bar(f"simulate {sampler.name}", replicas, shown=progress) as bar:
        _run(sampler, job, rec, replicas, threads, bar)
    attributes = {
        "method": sampler.name,
        "precision": sampler.precision(job.double),
        "seed": str(seed),
        "replicas": replicas,
        "died": float(1.0 - rec.alive.mean()),
        "inputs": input_rules.digest(x),
        "elapsed_s": time.perf_counter() - started,
    }
    return _label(net, wanted, selected, union, rec, attributes)


def _blocks(job: Job, sampler: Sampler, replicas: int) -> Iterator[tuple[int, int]]:
    """Yield (first, last + 1) of the batches: small enough for the cache and for a steady progress bar."""
    if sampler.name == "matrix-free":
        size = BATCH // (job.net.width * len(job.inputs))
    else:
        size = int(1e8 / sampler.cost(job.net, len(job.inputs)))
    size = max(1, min(size, MOST_BATCH))
    return ((first, min(first + size, replicas)) for first in range(0, replicas, size))


def _run(sampler: Sampler, job: Job, rec: Records, replicas: int, threads: int, bar: Progress) -> None:
    """Run the blocks on threads (the kernels release the interpreter lock), a few ahead at a time."""
    blocks = _blocks(job, sampler, replicas)
    running: dict[Future[None], int] = {}
    with ThreadPoolExecutor(threads) as pool:
        try:
            for first, stop in blocks:
                running[pool.submit(sampler.run, job, first, rec.rows(first, stop))] = stop - first
                if len(running) > threads:
                    _collect(running, bar)
            while running:
                _collect(running, bar)
        except BaseException:  # Ctrl-C too: what has not begun must not begin
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _collect(running: dict[Future[None], int], bar: Progress) -> None:
    done, _ = wait(running, return_when=FIRST_COMPLETED)
    for future in done:
        future.result()
        bar.advance(running.pop(future))


def _label(
    net: ResNet,
    wanted: tuple[Quantity, ...],
    selected: dict[str, list[int]],
    union: list[int],
    rec: Records,
    attributes: dict[str, object],
) -> xr.Dataset:
    """Make the Dataset of draws."""
    values = {quantity.name: _values(rec, quantity.name, net.width) for quantity in wanted}
    return results.dataset(net, "simulation", ("replica",), values, selected, union, attributes)


def _values(rec: Records, name: str, width: int) -> np.ndarray:
    if name == "log_norm":
        return rec.log_square - np.log(width)
    if name == "log_growth":
        with np.errstate(invalid="ignore"):
            return rec.log_square - rec.log_square_0[:, None, :]
    return getattr(rec, name)
