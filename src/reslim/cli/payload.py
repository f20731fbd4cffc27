"""Results as JSON: the keys are a contract with the programs that read them."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from reslim import coupling as couplings
from reslim import results
from reslim.cli.cells import Cell, cells, layers, names, nested
from reslim.quantities import QUANTITIES

if TYPE_CHECKING:
    import xarray as xr

    from reslim.theory.regimes import Critical

QUANTILES = ("0.05", "0.25", "0.5", "0.75", "0.95")


def prediction(laws: xr.Dataset) -> dict[str, Any]:
    """Return the object that `reslim predict --json` prints."""
    return {
        "spec": _spec(laws),
        "quantities": {name: _law(laws, name) for name in names(laws)},
        "unavailable": results.unavailable(laws),
    }


def _spec(result: xr.Dataset) -> dict[str, Any]:
    return json.loads(result.attrs["spec"])


def _law(laws: xr.Dataset, name: str) -> dict[str, Any]:
    variable = laws[name]
    own = layers(variable)
    entry: dict[str, Any] = {
        "layers": own,
        **_moments(variable.sel(law="log-gaussian"), own),
        "family": variable.attrs["family"] or None,
        **_parameters(laws, name),
        "gaussian": _moments(variable.sel(law="gaussian"), own),
        "validity": variable.attrs["validity"],
        "source": variable.attrs["law_source"],
    }
    if f"{name}_covariance" in laws:
        covariance = laws[f"{name}_covariance"]
        entry["covariance"] = nested(covariance.sel(law="log-gaussian"), own)
        entry["gaussian"]["covariance"] = nested(covariance.sel(law="gaussian"), own)
    if f"{name}_second_moment" in laws:
        moment = laws[f"{name}_second_moment"]
        entry["log_second_moment"] = {"value": nested(moment, own), "exact": moment.attrs["exact"] == "true"}
    return entry


def _moments(law: xr.DataArray, own: list[int] | None) -> dict[str, Any]:
    return {moment: nested(law.sel(moment=moment), own) for moment in ("mean", "variance")}


def _parameters(laws: xr.Dataset, name: str) -> dict[str, Any]:
    """Return the parameters of a family that mean and variance do not determine: those of G, and of χ²."""
    if f"{name}_scale" not in laws:
        return {}
    scale = laws[f"{name}_scale"].sel(law="log-gaussian")
    parameters = {f"G_{moment}": values for moment, values in _moments(scale, None).items()}
    if laws[name].attrs["family"] == "normal+log-chi2":
        parameters["degrees_of_freedom"] = results.spec_of(laws).n_out
    return {"parameters": parameters}


def draws(sample: xr.Dataset, summary: xr.Dataset) -> dict[str, Any]:
    """Return the object that `reslim simulate --json` prints."""
    attrs = sample.attrs
    return {
        "spec": _spec(sample),
        "method": attrs["method"],
        "precision": attrs["precision"],
        "seed": int(attrs["seed"]),
        "replicas": int(attrs["replicas"]),
        "died": float(attrs["died"]),
        "elapsed_s": float(attrs["elapsed_s"]),
        "quantities": {name: _statistics(summary, name) for name in names(summary)},
    }


def _statistics(summary: xr.Dataset, name: str) -> dict[str, Any]:
    variable = summary[name]
    own = layers(variable)

    def of(statistic: str) -> list[Any]:
        return nested(variable.sel(statistic=statistic), own)

    entry: dict[str, Any] = {"layers": own} | {key: of(key) for key in ("mean", "mean_se", "variance", "variance_se", "finite")}
    entry["quantiles"] = {level: of(level) for level in QUANTILES}
    if f"{name}_covariance" in summary:
        entry["covariance"] = nested(summary[f"{name}_covariance"], own)
    return entry


def critical(found: Critical) -> dict[str, Any]:
    """Return the object that `reslim critical --json` prints."""
    return asdict(found) | {"coupling": couplings.to_dict(found.coupling)}


def comparison(laws: xr.Dataset, sample: xr.Dataset, summary: xr.Dataset, agreement: xr.Dataset) -> dict[str, Any]:
    """Return the object that `reslim compare --json` prints."""
    return {
        "predicted": prediction(laws),
        "simulated": draws(sample, summary),
        "agreement": {name: _tests(agreement, name) for name in names(agreement)},
        "level": float(agreement.attrs["level"]),
        "verdict": agreement.attrs["verdict"],
    }


def _tests(agreement: xr.Dataset, name: str) -> dict[str, Any] | list[dict[str, Any]]:
    """Return one dict a layer and input: the dict itself where there is one."""
    tests = [_test(agreement, cell) for cell in cells(agreement, name, every_layer=True)]
    if len(tests) == 1:
        del tests[0]["input"]
        return tests[0]
    return tests


def _test(agreement: xr.Dataset, cell: Cell) -> dict[str, Any]:
    values = cell.of(agreement[cell.name])

    def of(test: str) -> float | None:
        return results.finite(values.sel(test=test))

    return {
        "layer": cell.layer,
        "input": [cell.where["input"], cell.where["input_2"]] if "input_2" in cell.where else cell.where["input"],
        **{test: of(test) for test in ("mean_z", "variance_z", "ks", "ks_p")},
        "allowed": {error: of(f"allowed_{error}") for error in ("mean", "variance_ratio", "ks")},
        "gaussian_ks": of("gaussian_ks"),
        "replicas_needed": of("replicas_needed"),
        "verdict": str(cell.of(agreement[f"{cell.name}_verdict"]).item()),
    }


def sweep(found: xr.Dataset) -> dict[str, Any]:
    """Return the object that `reslim sweep --json` prints."""
    vary = json.loads(found.attrs["vary"])
    return {
        "spec": _spec(found),
        "vary": vary,
        "seed": int(found.attrs["seed"]),
        "replicas": int(found.attrs["replicas"]),
        "quantities": {name: _over_grid(found[name], list(vary)) for name in found if name in QUANTITIES},
    }


def _over_grid(variable: xr.DataArray, fields: list[str]) -> dict[str, Any]:
    """Return the statistics as nested lists over the varied fields, then over layers and coordinates where there are any."""
    own = layers(variable)
    chosen = variable.sel(layer=own) if "layer" in variable.dims else variable
    dims = [*fields, *(dim for dim in ("layer", "output_unit") if dim in chosen.dims)]

    def of(statistic: str) -> list[Any]:
        return results.finite(chosen.sel(statistic=statistic).isel(input=0).transpose(*dims).values)

    keys = ("mean", "mean_se", "variance", "variance_se", "finite")
    where = "last" if own is None and QUANTITIES[str(variable.name)].domain != "none" else own
    return {"layers": where, **{key: of(key) for key in keys}, "quantiles": {level: of(level) for level in QUANTILES}}
