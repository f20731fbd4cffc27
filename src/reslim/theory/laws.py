"""The table of the finite-width laws: a new one is a module and an entry here."""

from __future__ import annotations

from reslim import checks
from reslim.errors import NotCovered
from reslim.spec import ResNet
from reslim.theory import activation_law, activity_law, adjoint_law, displacement_law, forward_law, gradient_law
from reslim.theory.law import QuantityLaw, Request, SecondMoment

# the first that covers a network counts
LAWS = (
    displacement_law.COUPLED,
    forward_law.LAW,
    activation_law.LAW,
    gradient_law.LAW,
    displacement_law.LAW,
    *adjoint_law.LAWS,
    *activity_law.LAWS,
)


def law_of(request: Request, name: str) -> QuantityLaw | SecondMoment | str:
    """Return the law of a quantity, or the reason why there is none and what gives the quantity instead."""
    for law in LAWS:
        if (name in law.gives or not law.gives) and law.covers(request.net):
            found = law.of(request, name)
            return f"{found}: reslim simulate --quantities {name}" if isinstance(found, str) else found
    return f"no finite-width law in this version: reslim simulate --quantities {name}"


def is_fitted(net: ResNet, correction: str | None) -> bool:
    """Return whether the fitted correction is asked for; refuse it for networks that it was not fitted to."""
    if correction is None:
        return False
    checks.one_of("predict", "correction", correction, ("fitted",))
    if net.activation != "relu" or not forward_law.is_vanilla(net):
        hint = "Leave it out: the errors of the other laws are small."
        raise NotCovered("predict", "correction", "is fitted to vanilla one-matrix ReLU networks with skips", None, hint)
    return True
