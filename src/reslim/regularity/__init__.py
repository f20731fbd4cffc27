"""How regular the weights of a network are as functions of depth, before and after training. `reslim.regularity`.

A stack of weights is an array (depth, …): one series across depth for each entry. In the scale of `Fractional`, weights
are the increments of the path that they sum to: independent weights have the Hurst index ½, smooth functions of depth 1.
"""

from reslim.regularity.drift import Drift, drift_share
from reslim.regularity.index import Hurst, hurst
from reslim.regularity.powers import Exponent, depth_exponent
from reslim.regularity.sizes import Norms, increments, norms
from reslim.regularity.stack import project

__all__ = [
    "Drift",
    "Exponent",
    "Hurst",
    "Norms",
    "depth_exponent",
    "drift_share",
    "hurst",
    "increments",
    "norms",
    "project",
]
