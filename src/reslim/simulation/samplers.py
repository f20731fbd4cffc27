"""The samplers: which quantities of which networks each can give, exactly, and which is cheapest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reslim import checks
from reslim.errors import NotCovered
from reslim.quantities import FUNCTIONALS, QUANTITIES
from reslim.simulation import memory
from reslim.simulation.records import Records
from reslim.spec import ResNet

Array = NDArray[np.float64]
ONE_BY_ONE = 1e5  # nanoseconds that a network takes at least where each is drawn by a call of its own
LANES_COST = {  # a layer, and a coordinate of it, of one matrix; forward, and with a backward pass
    ("single", False): (12.0, 0.25),
    ("single", True): (35.0, 0.95),
    ("double states", False): (10.0, 0.42),
    ("double states", True): (30.0, 1.85),
    ("double", False): (13.0, 0.95),
    ("double", True): (32.0, 3.3),
}
MOST_APPLICATIONS = 8192  # of a matrix in the conditional sampler, which holds their square


@dataclass(frozen=True)
class Job:
    """What is to be drawn."""

    net: ResNet
    inputs: Array  # (m, n_in)
    names: tuple[str, ...]
    seed: int
    double: bool
    functional: str = "generic"  # from FUNCTIONALS

    @property
    def kind(self) -> int:
        """The place of the functional in FUNCTIONALS."""
        return FUNCTIONALS.index(self.functional)

    @property
    def matrices(self) -> int:
        """The number of matrices in a layer."""
        return 2 if self.net.block == "two-matrix" else 1

    @property
    def backward(self) -> bool:
        """Whether a backward pass is needed."""
        return any(QUANTITIES[name].backward for name in self.names)


@dataclass(frozen=True)
class Sampler:
    """A way to draw networks exactly.

    `refusal(job)` says why it cannot give these quantities of that network, or "". `run(job, first, records)` fills
    the records with the networks first, first + 1, …; replica k depends on (job, k) alone. `precision`
    says what it computes in when asked for single or double, `cost(job)` its time a network in rough nanoseconds: as
    measured on one core, of the same processor for all.
    """

    name: str
    refusal: Callable[[Job], str]
    run: Callable[[Job, int, Records], None]
    precision: Callable[[bool], str]
    cost: Callable[[Job], float]


def _without_matrices(net: ResNet) -> str:
    if net.entries != "gaussian":
        return "holds for Gaussian entries"
    return "" if net.coupling.is_independent else "holds for weights that are independent from layer to layer"


def _radial_refusal(job: Job) -> str:
    net = job.net
    two_matrix = net.block == "two-matrix"
    if net.activation != "relu" or not (two_matrix or not net.skips.any()):
        return "holds for two-matrix ReLU blocks, and for one-matrix ReLU blocks with every skip 0"
    if reason := _without_matrices(net):
        return reason
    if net.width < 2:
        return "needs a width of at least 2"
    if len(job.inputs) > 1:
        return "follows one input"
    missing = {"log_tangent_growth", "log_grad_displacement", "overlap"} | (set() if two_matrix else {"log_displacement"})
    unable = [name for name in job.names if name in missing]
    return f"does not give {', '.join(unable)}" if unable else ""


def _run_radial(job: Job, first: int, rec: Records) -> None:
    from reslim.simulation import radial

    radial.run(job.net, job.inputs, job.backward, job.kind, job.seed, first, rec)


def _radial_cost(job: Job) -> float:
    return (570.0 if job.backward else 250.0) * job.net.depth


def _matrix_free_refusal(job: Job) -> str:
    return _without_matrices(job.net)


def _run_matrix_free(job: Job, first: int, rec: Records) -> None:
    if needs_double(job):
        from reslim.simulation import joint

        joint.run(job.net, job.inputs, job.backward, job.kind, job.double, job.seed, first, rec)
    elif job.backward:
        from reslim.simulation import backward

        backward.run(job.net, job.inputs, job.kind, job.seed, first, rec)
    else:
        from reslim.simulation import forward

        forward.run(job.net, job.inputs, job.seed, first, rec)


def _matrix_free_cost(job: Job) -> float:
    floats = "double" if job.double else "double states" if needs_double(job) else "single"
    a_layer, a_coordinate = LANES_COST[floats, job.backward]
    return job.matrices * job.net.depth * (a_layer + a_coordinate * job.net.width) * len(job.inputs) ** 2


def needs_double(job: Job) -> bool:
    """Return whether states in single precision do not do.

    A displacement is a small difference of states, and so is what tells apart two inputs that are nearly equal. A tangent
    is another vector beside a state.
    """
    beyond = {"log_displacement", "log_tangent_growth", "log_grad_displacement"} & set(job.names)
    return bool(job.double or beyond or len(job.inputs) > 1)


def _conditional_refusal(job: Job) -> str:
    if job.net.entries != "gaussian":
        return "holds for Gaussian entries"
    if job.net.depth * len(job.inputs) > MOST_APPLICATIONS:
        return f"takes at most {MOST_APPLICATIONS} layers times inputs"
    derivatives = [name for name in job.names if QUANTITIES[name].backward or name == "log_tangent_growth"]
    return f"does not give {', '.join(derivatives)}" if derivatives else ""


def _run_conditional(job: Job, first: int, rec: Records) -> None:
    from reslim.simulation import conditional

    conditional.run(job.net, job.inputs, job.seed, first, rec)


def _conditional_cost(job: Job) -> float:
    times = float(job.net.depth * len(job.inputs))
    return ONE_BY_ONE + job.matrices * (0.8 * times**2 * job.net.width + 0.3 * times**3)


def _explicit_refusal(job: Job) -> str:
    coupled = job.net.entries != "gaussian" and not job.net.coupling.is_independent
    return "draws Gaussian entries where the weights are coupled across depth" if coupled else ""


def _explicit_cost(job: Job) -> float:
    net, entry = job.net, (10.0 if job.net.coupling.is_independent else 30.0)
    return ONE_BY_ONE + job.matrices * net.depth * net.width * (entry * net.width + 3000.0)


def _run_explicit(job: Job, first: int, rec: Records) -> None:
    run_together([job], first, [rec])


def run_together(jobs: Sequence[Job], first: int, recs: Sequence[Records]) -> None:
    """Fill the records of networks that differ in skip and branch alone, with their weights."""
    from reslim.simulation import explicit

    job = jobs[0]
    functional = job.kind if job.backward else None
    explicit.run([each.net for each in jobs], job.inputs, functional, job.seed, first, recs)


def check_weights(jobs: Sequence[Job], threads: int) -> None:
    """Refuse networks whose matrices would not fit, one network on each thread."""
    from reslim.simulation import explicit

    net, columns = jobs[0].net, len(jobs) * len(jobs[0].inputs)
    way_out = "Use fewer threads, or make it narrower or less deep; Gaussian entries need no matrices with method='auto'."
    needed = explicit.size_in_bytes(net, columns, jobs[0].backward, "log_tangent_growth" in jobs[0].names)
    memory.check_weights("simulate", threads * needed, way_out)


SAMPLERS = (
    Sampler("radial", _radial_refusal, _run_radial, lambda double: "double", _radial_cost),
    Sampler(
        "matrix-free",
        _matrix_free_refusal,
        _run_matrix_free,
        lambda double: "double" if double else "single",
        _matrix_free_cost,
    ),
    Sampler("conditional", _conditional_refusal, _run_conditional, lambda double: "double", _conditional_cost),
    Sampler("explicit", _explicit_refusal, _run_explicit, lambda double: "double", _explicit_cost),
)
METHODS = ("auto", *(sampler.name for sampler in SAMPLERS))


def choose(job: Job, method: str) -> Sampler:
    """Return the sampler of that name, or for "auto" the cheapest one that gives everything asked for."""
    checks.one_of("simulate", "method", method, METHODS)
    refusals = {sampler.name: sampler.refusal(job) for sampler in SAMPLERS}
    if method != "auto" and refusals[method]:
        raise NotCovered("simulate", "method", f"{method!r} {refusals[method]}", None, 'Use method="auto".')
    able = [sampler for sampler in SAMPLERS if method in ("auto", sampler.name) and not refusals[sampler.name]]
    if not able:
        raise NotCovered("simulate", "entries", "must be gaussian where the weights are coupled across depth", job.net.entries)
    return min(able, key=lambda sampler: sampler.cost(job))
