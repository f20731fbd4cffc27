"""reslim (ResNet limits): deep residual networks at initialisation, predicted, simulated and compared."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reslim import plot, regularity
    from reslim import pytorch as pytorch
    from reslim.agreement import compare
    from reslim.coupling import Fractional, Independent, Matern, Smooth
    from reslim.experiments.sweep.run import sweep
    from reslim.experiments.training import train_grid as train_grid
    from reslim.quantities import QUANTITIES
    from reslim.results import load, save
    from reslim.simulation.simulate import simulate
    from reslim.spec import DepthPower, ResNet
    from reslim.summary import summarize
    from reslim.theory import limits
    from reslim.theory.predict import predict
    from reslim.theory.regimes import critical
    from reslim.training.train import train

# without pytorch and train_grid, which need PyTorch: `from reslim import *` must not
__all__ = [
    "QUANTITIES",
    "DepthPower",
    "Fractional",
    "Independent",
    "Matern",
    "ResNet",
    "Smooth",
    "compare",
    "critical",
    "limits",
    "load",
    "plot",
    "predict",
    "regularity",
    "save",
    "simulate",
    "summarize",
    "sweep",
    "train",
]

_MODULES = ("limits", "plot", "pytorch", "regularity")
_HOMES = {
    "QUANTITIES": "reslim.quantities",
    "DepthPower": "reslim.spec",
    "Fractional": "reslim.coupling",
    "Independent": "reslim.coupling",
    "Matern": "reslim.coupling",
    "ResNet": "reslim.spec",
    "Smooth": "reslim.coupling",
    "compare": "reslim.agreement",
    "critical": "reslim.theory.regimes",
    "limits": "reslim.theory.limits",
    "load": "reslim.results",
    "plot": "reslim.plot",
    "predict": "reslim.theory.predict",
    "pytorch": "reslim.pytorch",
    "regularity": "reslim.regularity",
    "save": "reslim.results",
    "simulate": "reslim.simulation.simulate",
    "summarize": "reslim.summary",
    "sweep": "reslim.experiments.sweep.run",
    "train": "reslim.training.train",
    "train_grid": "reslim.experiments.training",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that importing reslim stays cheap."""
    if name not in _HOMES:
        raise AttributeError(f"module 'reslim' has no attribute {name!r}")
    module = import_module(_HOMES[name])
    value = module if name in _MODULES else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
