"""Exact Monte Carlo: `simulate` chooses a sampler, spreads the replicas over threads, and labels draws or a summary."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import xarray as xr
from numpy.typing import ArrayLike

from reslim import checks, results
from reslim import inputs as input_rules
from reslim.errors import BadKind, BadValue
from reslim.progress import Progress, progress_bar
from reslim.quantities import FORWARD_DEFAULTS, FUNCTIONALS, LayerRequest, resolve, select_layers
from reslim.simulation import memory, notice, pool, samplers
from reslim.simulation.layout import Layout
from reslim.simulation.records import Records
from reslim.simulation.samplers import Job, Sampler
from reslim.spec import ResNet

MOST_BATCH = 16_384  # networks
MOST_RECORDED = 2**20  # numbers of a batch: sums that are kept beside them stay small
LANE_NANOSECONDS = 5e6  # of a batch in lanes: much longer than it takes to begin one
NANOSECONDS = 2e9  # of a batch elsewhere: what its first network takes longer, to get memory, is spread over a few
LANES = 16  # networks that the matrix-free sampler advances at once
Plan = tuple[Sampler, Job, Layout]


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
    draws: bool = True,
    covariance: bool = False,
    functional: str = "generic",
) -> xr.Dataset:
    """Draw random networks exactly, without their matrices where that is possible.

    Exact at any width and depth: every method draws from the law of the network itself, to the rounding of the
    precision asked for. Replica k depends on (net, seed, k) and on the set of quantities (which chooses the sampler),
    never on the number of replicas, threads or recorded layers.

    With ``draws=False`` the memory does not depend on the number of replicas either: the draws go, block by block, into
    the summary that `summarize` would make of them. Means, variances and their errors agree with it to rounding; a
    quantile is that of a level off by less than 0.001, mostly by 0.0001: the first 4096 networks choose 1024 bins, about
    equally full; in a bin the draws count as evenly spread from its smallest to its largest, and where a value that
    many networks share has neighbours there, the width of the bin remains. Beyond 1024 numbers a network, blocks and
    bins are fewer (at least 256). Blocks are cut at the same networks and merged in the same order always: the bits do
    not depend on threads or batches.

    Parameters
    ----------
    replicas : number of networks.
    seed : integer of 64 bits.
    quantities : names from `reslim.QUANTITIES`; the forward ones by default.
    layers : "auto" (at most 33, evenly spread), "all", "last" or a list; each quantity takes the part in its domain.
    inputs : array (m, n_in), sent through the *same* network in every replica; None is one with |x|² = n_in.
    method : "auto", "matrix-free" (Gaussian entries), "radial" (O(1) a layer, some ReLU nets), "conditional" (forward, weights
        coupled across depth) or "explicit".
    precision : "single": normal numbers in float32, |g| ≤ 6.56, and without several inputs, displacements or tangents the
        states too, without drift (docs/engine.md); or "double": everything in float64. Sums and logarithms are float64 always.
    threads : number of threads; all cores by default.
    progress : whether to show, on a terminal's stderr, a progress bar after one second and a line when kernels compile.
    draws : False for the summary alone, of as many networks as you have time for.
    covariance : with ``draws=False``, whether to add ``active_*_covariance``, as `summarize` does.
    functional : the p_d of gradients: "generic", N(0, I) and independent of the network; "parallel", z_d itself (the
        gradient of |z_d|²/2); "orthogonal", N(0, I) across z_d. The direction t_0 of tangents is N(0, I) always, independent
        of the network, and one for all inputs.

    Returns
    -------
    xarray.Dataset
        One variable a quantity with the dims replica and those of the quantity; natural logarithms, no units.
        A layer that a quantity was not recorded at is NaN; its own layers are in ``attrs["layers"]``.
        With ``draws=False`` the dim statistic, as of `summarize`, stands in place of replica.

    Raises
    ------
    ValueError, TypeError
        For arguments out of range, and draws (or blocks of them) that would not fit into memory.
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
    >>> summary = simulate(ResNet(depth=10, width=10), 20_000, quantities=["log_growth"], layers="last", draws=False)
    >>> summary.log_growth.dims
    ('statistic', 'layer', 'input')
    """
    _check_result(draws, covariance)
    replicas, threads = _counts(replicas, threads)
    plan = _plan(net, seed, quantities, layers, inputs, method, precision, functional)
    return _run(plan, replicas, threads, progress, draws, covariance)


def simulate_together(
    nets: Sequence[ResNet],
    replicas: int,
    seed: int = 0,
    *,
    quantities: Iterable[str] | None = None,
    layers: LayerRequest = "last",
    inputs: ArrayLike | None = None,
    method: str = "auto",
    precision: str = "single",
    threads: int | None = None,
    progress: bool = False,
    draws: bool = True,
    functional: str = "generic",
) -> list[xr.Dataset]:
    """Draw networks that differ in skip and branch alone: what `simulate` draws of each, at the cost of one set of weights.

    Where the networks are drawn with their weights (method "explicit"), a replica has the same weights in all of them, and
    they go through these together; elsewhere they are drawn one after the other. To the last bit what `simulate` gives.
    """
    replicas, threads = _counts(replicas, threads)
    plans = [_plan(net, seed, quantities, layers, inputs, method, precision, functional) for net in nets]
    sampler, first, _ = plans[0]
    if sampler.name != "explicit" or not alike(nets):
        return [_run(plan, replicas, threads, progress, draws) for plan in plans]
    jobs, layouts = [job for _, job, _ in plans], [layout for _, _, layout in plans]
    samplers.check_weights(jobs, min(threads, replicas))
    with notice.compiling(progress), progress_bar("simulate explicit", replicas, shown=progress) as bar:
        run = partial(samplers.run_together, jobs)
        recs = _draws(run, _batches(sampler, first, layouts[0], 0, replicas), layouts, replicas, threads, bar)
    attributes = _attributes(sampler, first, replicas)
    if draws:
        return [_labelled(layout, rec, attributes) for layout, rec in zip(layouts, recs, strict=True)]
    from reslim.simulation import streaming

    return [streaming.of_records(layout, rec, attributes) for layout, rec in zip(layouts, recs, strict=True)]


def alike(nets: Sequence[ResNet]) -> bool:
    """Return whether networks differ in skip and branch alone, and so have the same weights."""
    return len({net.replace(skip=1.0, branch=1.0) for net in nets}) == 1


def _counts(replicas: int, threads: int | None) -> tuple[int, int]:
    return (
        checks.positive_int("simulate", "replicas", replicas),
        checks.positive_int("simulate", "threads", os.cpu_count() if threads is None else threads),
    )


def _plan(
    net: ResNet,
    seed: int,
    quantities: Iterable[str] | None,
    layers: LayerRequest,
    inputs: ArrayLike | None,
    method: str,
    precision: str,
    functional: str,
) -> Plan:
    """Check a request, and choose who draws it."""
    if not isinstance(net, ResNet):
        raise BadKind("simulate", "net", "must be a ResNet", net)
    seed = checks.seed64("simulate", seed)
    checks.one_of("simulate", "precision", precision, ("single", "double"))
    checks.one_of("simulate", "functional", functional, FUNCTIONALS)
    x = input_rules.resolve("simulate", inputs, net.n_in)
    wanted = resolve("simulate", quantities, FORWARD_DEFAULTS, len(x))
    selected = results.nonempty("simulate", select_layers("simulate", layers, wanted, net.depth), wanted, quantities)
    names = tuple(quantity.name for quantity in wanted if quantity.name in selected)
    job = Job(net, x, names, seed, precision == "double", functional)
    return samplers.choose(job, method), job, Layout(net, selected, len(x))


def _run(plan: Plan, replicas: int, threads: int, progress: bool, draws: bool, covariance: bool = False) -> xr.Dataset:
    """Draw what was planned."""
    sampler, job, layout = plan
    if sampler.name == "explicit":
        samplers.check_weights([job], min(threads, replicas))
    started = time.perf_counter()
    attributes = _attributes(sampler, job, replicas)
    with notice.compiling(progress), progress_bar(f"simulate {sampler.name}", replicas, shown=progress) as bar:
        if draws:

            def run(first: int, recs: list[Records]) -> None:
                sampler.run(job, first, recs[0])

            (rec,) = _draws(run, _batches(sampler, job, layout, 0, replicas), [layout], replicas, threads, bar)
            result = _labelled(layout, rec, attributes)
        else:
            from reslim.simulation import streaming  # here, because its kernels take time to load

            cut = partial(_batches, sampler, job, layout)
            result = streaming.run(sampler, job, layout, replicas, threads, bar, cut, covariance, attributes)
    result.attrs["elapsed_s"] = time.perf_counter() - started
    return result


def _attributes(sampler: Sampler, job: Job, replicas: int) -> dict[str, Any]:
    return {
        "method": sampler.name,
        "precision": sampler.precision(job.double),
        "seed": str(job.seed),
        "replicas": replicas,
        "inputs": input_rules.digest(job.inputs),
        "functional": job.functional,
    }


def _check_result(draws: bool, covariance: bool) -> None:
    draws, covariance = (checks.boolean("simulate", *pair) for pair in (("draws", draws), ("covariance", covariance)))
    if draws and covariance:
        hint = "Use summarize(sample, covariance=True) for draws."
        raise BadValue("simulate", "covariance", "needs draws=False", covariance, hint)


def _batches(sampler: Sampler, job: Job, layout: Layout, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield (first, last + 1) of the batches: short enough for a steady progress bar, and for all threads."""
    lanes = sampler.name == "matrix-free"
    size = int((LANE_NANOSECONDS if lanes else NANOSECONDS) / sampler.cost(job))
    size = max(1, min(size, MOST_BATCH, 8 * MOST_RECORDED // layout.size_in_bytes(1)))
    size = -(-size // LANES) * LANES if lanes else size  # no lane is left empty
    return ((first, min(first + size, end)) for first in range(start, end, size))


def _draws(
    run: Callable[[int, list[Records]], None],
    batches: Iterable[tuple[int, int]],
    layouts: Sequence[Layout],
    replicas: int,
    threads: int,
    bar: Progress,
) -> list[Records]:
    """Return all draws of networks that are drawn together: `run` fills their records from a first replica on."""
    memory.check_draws(replicas, sum(layout.size_in_bytes(replicas) for layout in layouts))
    recs = [layout.records(replicas) for layout in layouts]

    def draw(first: int, stop: int) -> None:
        run(first, [rec.rows(first, stop) for rec in recs])

    tasks = ((stop - first, partial(draw, first, stop)) for first, stop in batches)
    pool.run(tasks, threads, bar, lambda nothing: None)
    return recs


def _labelled(layout: Layout, rec: Records, attributes: dict[str, Any]) -> xr.Dataset:
    return layout.dataset(rec, attributes | {"died": float(1.0 - rec.alive.mean())})
