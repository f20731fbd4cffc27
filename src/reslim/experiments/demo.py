"""The demonstration: handwritten digits through the paper's networks, predicted, simulated and multiplied out.

`run` measures and draws; `table` and `notes` say what was found.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import stats

from reslim import data, provenance, results
from reslim.agreement import compare
from reslim.experiments import demo_figures
from reslim.experiments.demo_numbers import run_numbers
from reslim.experiments.demo_text import notes, table
from reslim.simulation.simulate import simulate
from reslim.spec import ResNet
from reslim.summary import summarize
from reslim.theory.predict import predict

__all__ = ["QUICK", "THOROUGH", "Measurement", "Settings", "notes", "run", "table", "verdict"]

TESTED = "log_output_norm"
QUANTITIES = ("log_growth", "active_fraction", "active_energy", "output", TESTED, "overlap")


@dataclass(frozen=True)
class Settings:
    """How much is done: the networks, the digits that go through them, and how many draws."""

    width: int = 100
    depths: tuple[int, ...] = (10, 25, 50, 100)
    digits: tuple[int, ...] = (0, 1, 2)  # images of scikit-learn's digits; the first ten show 0 to 9
    replicas: int = 40_000  # networks without matrices
    explicit: int = 300  # networks with matrices
    seed: int = 20_210_604
    level: float = 0.001  # probability of a false alarm anywhere in the table


THOROUGH = Settings()
QUICK = Settings(depths=(10, 25, 100), replicas=6_000, explicit=40)


@dataclass(frozen=True)
class Measurement:
    """One network: its laws, its draws by two methods (those of the output), their summary, and whether they agree."""

    prediction: xr.Dataset
    sample: xr.Dataset
    explicit: xr.Dataset
    summary: xr.Dataset
    agreement: xr.Dataset
    labels: tuple[int, ...]  # the digit that each input shows
    methods_ks_p: float  # two-sample Kolmogorov–Smirnov: explicit against matrix-free
    elapsed_s: float

    @property
    def net(self) -> ResNet:
        """The network."""
        return results.spec_of(self.sample)


def run(out: Path, quick: bool = False, settings: Settings | None = None) -> dict[str, Any]:
    """Measure, draw the figures into the folder `out`, and return every number (also in ``out/demo.json``).

    Vanilla and Balanced networks of several depths, all images through the same networks. The seed is fixed: two runs give
    the same draws.

    Parameters
    ----------
    out : folder, made if it does not exist.
    quick : fewer networks and depths.
    settings : overrides `quick`.
    """
    settings = settings or (QUICK if quick else THOROUGH)
    started = time.perf_counter()
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    images = data.digits(settings.digits)
    measured = [_measure(net, images, settings) for net in _networks(settings, images.shape[1])]
    _say("figures")
    figures = demo_figures.draw(measured, out)
    found = {
        "settings": asdict(settings) | {"quick": quick},
        "inputs": {
            "source": "scikit-learn load_digits, grey levels 0 to 16",
            "images": list(settings.digits),
            "labels": data.digit_labels(settings.digits).tolist(),
            "mean_squares": np.mean(images**2, axis=1).tolist(),
        },
        "runs": [run_numbers(measurement) for measurement in measured],
        "verdict": verdict(
            [measurement.agreement.attrs["verdict"] for measurement in measured],
            [measurement.methods_ks_p for measurement in measured],
            _share(settings),
        ),
        "figures": [path.name for path in figures],
        "versions": provenance.versions("numba", "scipy", "xarray", "matplotlib", "scikit-learn"),
        "elapsed_s": time.perf_counter() - started,
    }
    results.write_text(out / "demo.json", json.dumps(found, allow_nan=False, ensure_ascii=False) + "\n")
    return found


def _networks(settings: Settings, n_in: int) -> Iterator[ResNet]:
    for balanced in (False, True):
        for depth in settings.depths:
            yield ResNet.li_nica_roy(depth=depth, width=settings.width, n_in=n_in, balanced=balanced)


def _measure(net: ResNet, images: NDArray[np.float64], settings: Settings) -> Measurement:
    """Predict and simulate one network; all layers of it where a figure needs them, the last ones elsewhere."""
    name = f"{'Balanced' if net.balanced else 'vanilla'}, depth {net.depth}"
    drawn = net.depth in (max(settings.depths), demo_figures.interlayer_depth(settings.depths))
    last: dict[str, Any] = {"quantities": QUANTITIES, "layers": "last", "inputs": images}
    what: dict[str, Any] = last | {"layers": "auto" if drawn else "last"}
    started = time.perf_counter()
    _say(f"{name}: law, and {settings.replicas:,} networks without matrices")
    prediction = predict(net, covariance=drawn, **what)
    sample = simulate(net, settings.replicas, settings.seed, method="matrix-free", **what)
    _say(f"{name}: {settings.explicit:,} networks with matrices")
    # Another seed, so that the two samples are independent of each other.
    explicit = simulate(net, settings.explicit, settings.seed + 1, method="explicit", **last)
    agreement = compare(prediction, sample, quantities=[TESTED], level=_share(settings))
    return Measurement(
        prediction,
        sample[["output", TESTED]],  # the other draws, hundreds of megabytes, are in the summary
        explicit,
        summarize(sample, covariance=drawn),
        agreement,
        tuple(data.digit_labels(settings.digits).tolist()),
        _methods_ks_p(sample, explicit),
        time.perf_counter() - started,
    )


def _share(settings: Settings) -> float:
    """Return each test's part of the level: a law and a method comparison for every network (Bonferroni)."""
    return settings.level / (4 * len(settings.depths))


def _methods_ks_p(sample: xr.Dataset, explicit: xr.Dataset) -> float:
    pair = (draws[TESTED].isel(input=0).values for draws in (sample, explicit))
    return float(stats.ks_2samp(*pair).pvalue)  # type: ignore[union-attr]


def verdict(verdicts: Sequence[str], methods_ks_p: Sequence[float], level: float) -> str:
    """Return differ where one law or one pair of methods does, unresolved where a law is, and agree otherwise."""
    if "differ" in verdicts or min(methods_ks_p) < level:
        return "differ"
    return "unresolved" if "unresolved" in verdicts else "agree"


def _say(stage: str) -> None:
    """Name the stage on a terminal; the samplers' own bars say how far it is."""
    if sys.stderr.isatty():
        print(f"demo: {stage}", file=sys.stderr)
