"""The demonstration's measurements as JSON-able numbers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import xarray as xr

from reslim import results
from reslim.quantities import QUANTITIES
from reslim.summary import summarize

if TYPE_CHECKING:
    from reslim.experiments.demo import Measurement


def run_numbers(measurement: Measurement) -> dict[str, Any]:
    """Return spec, law, statistics of both samples, tests and times of one network."""
    prediction, agreement = measurement.prediction, measurement.agreement
    return {
        "network": "Balanced" if measurement.net.balanced else "vanilla",
        "spec": json.loads(measurement.sample.attrs["spec"]),
        "predicted": {law: _values(prediction.sel(law=law), "moment") for law in ("log-gaussian", "gaussian")},
        "validity": {str(name): prediction[name].attrs["validity"] for name in prediction if name in QUANTITIES},
        "covariance": {"predicted": _covariances(prediction), "simulated": _covariances(measurement.summary)},
        "simulated": _sample(measurement.sample, measurement.summary),
        "explicit": _sample(measurement.explicit, summarize(measurement.explicit)),
        "agreement": _values(agreement, "test"),
        "verdicts": {str(name): agreement[name].values.tolist() for name in agreement if str(name).endswith("_verdict")},
        "verdict": agreement.attrs["verdict"],
        "level": float(agreement.attrs["level"]),
        "methods_ks_p": measurement.methods_ks_p,
        "elapsed_s": measurement.elapsed_s,
    }


def _sample(sample: xr.Dataset, summary: xr.Dataset) -> dict[str, Any]:
    attrs = {key: sample.attrs[key] for key in ("method", "precision", "seed", "replicas", "died", "elapsed_s")}
    return attrs | {"quantities": _values(summary, "statistic")}


def _values(result: xr.Dataset, dim: str) -> dict[str, Any]:
    """Return, for every quantity, its layers and one nested list (layer, input, …) a label of `dim`."""
    return {str(name): _entry(result[name], dim) for name in result if name in QUANTITIES and dim in result[name].dims}


def _covariances(result: xr.Dataset) -> dict[str, Any]:
    """Return the covariances between layers that a figure shows: of the log-Gaussian law, or of the first input's draws."""
    found = {}
    for name in (f"{quantity}_covariance" for quantity in QUANTITIES):
        if name in result:
            values = result[name].sel(law="log-gaussian") if "law" in result[name].dims else result[name].sel(input=0)
            matrix = values.transpose("layer", "layer_2")
            found[name] = {"layers": matrix["layer"].values.tolist(), "values": results.finite(matrix.values)}
    return found


def _entry(values: xr.DataArray, dim: str) -> dict[str, Any]:
    layers = results.own_layers(values) if "layer" in values.dims else None
    if layers is not None:
        values = values.sel(layer=layers)
    return {"layers": layers} | {str(label): results.finite(values.sel({dim: label})) for label in values[dim].values}
