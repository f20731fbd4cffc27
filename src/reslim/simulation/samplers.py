"""The samplers: which quantities of which networks each can give, exactly, and which is cheapest."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reslim import checks
from reslim.coupling import Independent
from reslim.errors import NotCovered, Verbatim
from reslim.quantities import FUNCTIONALS, QUANTITIES
from reslim.simulation.records import Records
from reslim.spec import ResNet

Array = NDArray[np.float64]


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
    def backward(self) -> bool:
        """Whether a backward pass is needed."""
        return any(QUANTITIES[name].backward for name in self.names)


@dataclass(frozen=True)
class Sampler:
    """A way to draw networks exactly.

    `refusal(net, names, inputs)` says why it cannot give these quantities of that network, or "". `run(job, first,
    records)` fills the records with the networks first, first + 1, …; replica k depends on (job, k) alone. `precision`
    says what it computes in when asked for single or double, `cost(net)` its time a network in rough nanoseconds.
    """

    name: str
    refusal: Callable[[ResNet, Collection[str], int], str]
    run: Callable[[Job, int, Records], None]
    precision: Callable[[bool], str]
    cost: Callable[[ResNet, int], float]


def _radial_refusal(net: ResNet, names: Collection[str], inputs: int) -> str:
    two_matrix = net.block == "two-matrix"
    if net.activation != "relu" or not (two_matrix or not net.skips.any()):
        return "holds for two-matrix ReLU blocks, and for one-matrix ReLU blocks with every skip 0"
    if net.entries != "gaussian":
        return "holds for Gaussian entries"
    if net.width < 2:
        return "needs a width of at least 2"
    if inputs > 1:
        return "follows one input"
    missing = {"log_grad_displacement", "overlap"} | (set() if two_matrix else {"log_displacement"})
    unable = [name for name in names if name in missing]
    return f"does not give {', '.join(unable)}" if unable else ""


def _run_radial(job: Job, first: int, rec: Records) -> None:
    from reslim.simulation import radial

    radial.run(job.net, job.inputs, job.backward, job.kind, job.seed, first, rec)


def _matrix_free_refusal(net: ResNet, names: Collection[str], inputs: int) -> str:
    return "" if net.entries == "gaussian" else "holds for Gaussian entries"


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


def needs_double(job: Job) -> bool:
    """Return whether states in single precision do not do.

    A displacement is a small difference of states, and so is what tells apart two inputs that are nearly equal.
    """
    displaced = {"log_displacement", "log_grad_displacement"} & set(job.names)
    return bool(job.double or displaced or len(job.inputs) > 1)


def _run_explicit(job: Job, first: int, rec: Records) -> None:
    from reslim.simulation import explicit

    explicit.run(job.net, job.inputs, job.backward, job.kind, job.seed, first, rec)


SAMPLERS = (
    Sampler("radial", _radial_refusal, _run_radial, lambda double: "double", lambda net, m: 300.0 * net.depth),
    Sampler(
        "matrix-free",
        _matrix_free_refusal,
        _run_matrix_free,
        lambda double: "double" if double else "single",
        lambda net, m: 3.0 * net.depth * net.width * m * m,
    ),
    Sampler(
        "explicit",
        lambda net, names, inputs: "",
        _run_explicit,
        lambda double: "double",
        lambda net, m: 10.0 * net.depth * net.width * (net.width + 1000.0),
    ),
)
METHODS = ("auto", *(sampler.name for sampler in SAMPLERS))


def choose(net: ResNet, names: Collection[str], inputs: int, method: str) -> Sampler:
    """Return the sampler of that name, or for "auto" the first (cheapest) one that gives everything asked for."""
    checks.one_of("simulate", "method", method, METHODS)
    if not isinstance(net.coupling, Independent):
        raise NotCovered("simulate", "net", "must have independent weights in this version", Verbatim(f"coupling={net.coupling}"))
    for sampler in SAMPLERS:
        reason = sampler.refusal(net, names, inputs)
        if method == sampler.name and reason:
            way_out = 'Use method="auto".'
            raise NotCovered("simulate", "method", f"{method!r} {reason}", None, way_out)
        if method in ("auto", sampler.name) and not reason:
            return sampler
    raise AssertionError("the explicit sampler refuses nothing")
