"""From the law of the growth and of the norm to that of every quantity of the forward pass."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from reslim.spec import ResNet
from reslim.theory.families import log_chi2_moments
from reslim.theory.finite_width import Errors
from reslim.theory.growth import Growth
from reslim.theory.law import Allowed, QuantityLaw, allowed, each_input, ks_distance

Array = NDArray[np.float64]
NAMES = ("log_growth", "log_norm", "log_output_norm", "output")


@dataclass(frozen=True)
class Readout:
    """The laws of ln(|z_l|²/|z_0|²) and of ln(|z_l|²/n), normal both, with what is said of them.

    Arrays of the two have the shape (layers,) where all inputs share them, or (layers, inputs); the mean of the norm has
    the latter. `inputs` is the number of inputs.
    """

    net: ResNet
    inputs: int
    growth: Growth
    norm: Growth
    validity: str
    source: str

    def of(self, name: str) -> QuantityLaw:
        """Return the law of a quantity in `NAMES`."""
        if name == "log_growth":
            return self._normal(self.growth)
        if name == "log_norm":
            return replace(self._normal(self.norm), log_second_moment=None)
        mean, variance = (each_input(values, self.inputs)[-1] for values in (self.norm.mean, self.norm.variance))
        within = self.norm.errors.last()
        return (self._output_norm if name == "log_output_norm" else self._output)((mean, variance), within)

    def _normal(self, law: Growth) -> QuantityLaw:
        return QuantityLaw(
            each_input(law.mean, self.inputs),
            each_input(law.variance, self.inputs),
            "normal",
            self.validity,
            self.source,
            allowed(law.errors, law.variance, self.inputs),
            log_second_moment=law.log_second_moment,
            exact_second_moment=law.exact_second_moment,
        )

    def _output_norm(self, scale: tuple[Array, Array], last: Errors) -> QuantityLaw:
        """Return the law of ln(|z_out|²/n_out) = G + ln(χ²_k/k), k = n_out."""
        mean, variance = scale
        first, second = log_chi2_moments(self.net.n_out)
        bounds = (last.mean_bound, last.variance_bound / (variance + second), ks_distance(last, variance))
        within = Allowed(*(np.broadcast_to(bound, (1, self.inputs))[0] for bound in bounds))
        law = (mean + first, variance + second, "normal+log-chi2", self.validity, self.source, within)
        return QuantityLaw(*law, scale=scale)

    def _output(self, scale: tuple[Array, Array], last: Errors) -> QuantityLaw:
        """Return the law of a coordinate of z_out = e^{G/2} Z. Its heavy tails leave no test of the variance."""
        mean, variance = scale
        shape = (self.net.n_out, self.inputs)
        within = Allowed(np.zeros(shape), np.full(shape, np.nan), np.broadcast_to(ks_distance(last, variance), shape))
        second_moment = np.broadcast_to(np.exp(mean + 0.5 * variance), shape)
        law = (np.zeros(shape), second_moment, "normal-scale-mixture", self.validity, self.source, within)
        return QuantityLaw(*law, scale=scale)
