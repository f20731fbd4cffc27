"""The options, each written once: groups of options that commands take as one parameter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import typer

from reslim.quantities import QUANTITIES


def _option(panel: str, metavar: str | None, text: str, *names: str, **more: Any) -> Any:
    return typer.Option(*names, metavar=metavar or " ", help=text, rich_help_panel=panel, show_default=False, **more)


def _network(metavar: str | None, text: str, *names: str) -> Any:
    return _option("Network", metavar, text, *names)


def _request(metavar: str | None, text: str, *names: str) -> Any:
    return _option("What to compute", metavar, text, *names)


def _sampling(metavar: str | None, text: str, *names: str) -> Any:
    return _option("Sampling", metavar, text, *names)


def _training(metavar: str, text: str, default: str | None = None) -> Any:
    shown = "" if default is None else f" [dim]\\[default: {default}][/dim]"
    return _option("Training", metavar, text + shown)


@dataclass(frozen=True, kw_only=True)
class NetworkOptions:
    """The network. All are text: `reslim.cli.network` reads them, and the library checks their values."""

    depth: Annotated[str | None, _network("D", "Number of residual blocks. Needed.")] = None
    width: Annotated[str | None, _network("N", "Dimension of the hidden state. Needed.")] = None
    preset: Annotated[
        str | None,
        _network(
            "NAME",
            "Start from a paper's network: li-nica-roy (the default: one ReLU matrix a block, skip = branch = √½, variance 2) "
            "or marion (two matrices a block, skip 1, branch L^-0.5, variance 1).",
        ),
    ] = None
    spec: Annotated[str | None, _network("FILE.json", "Start from a network's JSON. Other options override its fields.")] = None
    skip: Annotated[str | None, _network("A|A,B,…", "Factor of the identity path: one number, or one a layer.")] = None
    branch: Annotated[str | None, _network("B|A,B,…|L^-0.5", "Factor of the branch; L is the depth: L^-0.5, 2*L^-0.5.")] = None
    beta: Annotated[str | None, _network("BETA", "Short for --branch L^-BETA.")] = None
    variance: Annotated[
        str | None, _network("V|V,V", "Variance of the weights times the fan-in; two numbers for two-matrix blocks.")
    ] = None
    activation: Annotated[str | None, _network("NAME", "relu, leaky_relu:SLOPE, tanh, erf, gelu, silu or identity.")] = None
    balanced: Annotated[
        bool | None,
        _network(None, "Give every unit's activation a fair random sign: no hypoactivation.", "--balanced/--no-balanced"),
    ] = None
    block: Annotated[str | None, _network("KIND", "one-matrix or two-matrix.")] = None
    entries: Annotated[str | None, _network("LAW", "Law of the weights: gaussian, uniform or rademacher.")] = None
    coupling: Annotated[
        str | None,
        _network("KIND", "Weights across depth: independent, smooth:0.1, smooth-increments:0.1, matern:0.1:1.5, fractional:0.7."),
    ] = None
    hurst: Annotated[str | None, _network("H", "Short for --coupling fractional:H.")] = None
    n_in: Annotated[str | None, _network("N", "Dimension of the input.")] = None
    n_out: Annotated[str | None, _network("N", "Dimension of the output.")] = None


@dataclass(frozen=True, kw_only=True)
class RequestOptions:
    """What is asked of the network."""

    quantities: Annotated[
        str | None,
        _request("A,B,…", f"{', '.join(QUANTITIES)}."),
    ] = None
    layers: Annotated[
        str | None,
        _request("WHICH", "auto (at most 33, evenly spread), all, last, or a list: 0,5,10. compare: last unless given."),
    ] = None
    inputs: Annotated[
        str | None,
        _request(
            "FILE.npy|digits:0,1",
            "Inputs, one a row, through the same networks; or handwritten digits by index. Default: one generic input.",
        ),
    ] = None
    functional: Annotated[
        str,
        _request("KIND", "The p_d of gradients: generic (independent of the network), parallel (z_d), or orthogonal to z_d."),
    ] = "generic"
    covariance: Annotated[
        bool, _request(None, "Also the covariance of active_fraction and active_energy between layers.", "--covariance")
    ] = False


@dataclass(frozen=True, kw_only=True)
class LawOptions:
    """Which law is predicted."""

    correction: Annotated[
        str | None, _request("fitted", "Correct the law for finite width by a formula that was fitted to simulations.")
    ] = None


@dataclass(frozen=True, kw_only=True)
class SampleOptions:
    """How networks are drawn."""

    replicas: Annotated[str, _sampling("N", "Number of random networks. [dim]\\[default: 10000][/dim]")] = "10000"
    seed: Annotated[str, _sampling("S", "The same seed gives the same networks. [dim]\\[default: 0][/dim]")] = "0"
    method: Annotated[
        str, _sampling("NAME", "auto (the fastest exact one), matrix-free, radial, conditional, or explicit (with the matrices).")
    ] = "auto"
    precision: Annotated[str, _sampling("KIND", "Of the random numbers: single or double.")] = "single"
    threads: Annotated[str | None, _sampling("N", "Number of threads; all cores unless given.")] = None


@dataclass(frozen=True, kw_only=True)
class SummaryOptions:
    """What is kept of the networks."""

    summary: Annotated[
        bool,
        _sampling(None, "Keep no draws: any number of networks in the same memory. --out then writes the summary.", "--summary"),
    ] = False


@dataclass(frozen=True, kw_only=True)
class TestOptions:
    """How strictly law and sample are compared."""

    __test__ = False  # for pytest: this is not a test

    level: Annotated[
        str, _option("Test", "P", "Chance of a false alarm, of all tests together. [dim]\\[default: 0.001][/dim]")
    ] = "0.001"
    plot: Annotated[str | None, _option("Output", "FILE.png", "Draw histograms with the laws, one panel a quantity.")] = None


@dataclass(frozen=True, kw_only=True)
class OutputOptions:
    """Where the result goes."""

    out: Annotated[str | None, _option("Output", "FILE.nc", "Also write the result as a NetCDF file (xarray).")] = None
    as_json: Annotated[bool, _option("Output", None, "Print one JSON object instead of tables.", "--json")] = False


@dataclass(frozen=True, kw_only=True)
class CriticalOptions:
    """Whose critical scaling is asked for."""

    block: Annotated[str, _network("KIND", "one-matrix or two-matrix. [dim]\\[default: two-matrix][/dim]")] = "two-matrix"
    activation: Annotated[
        str, _network("NAME", "relu, leaky_relu:SLOPE, tanh, erf, gelu, silu or identity. [dim]\\[default: relu][/dim]")
    ] = "relu"
    coupling: Annotated[
        str | None,
        _network(
            "KIND",
            "Weights across depth: independent, smooth:0.1, smooth-increments:0.1, matern:0.1:1.5 or fractional:0.7. "
            "[dim]\\[default: independent][/dim]",
        ),
    ] = None
    hurst: Annotated[str | None, _network("H", "Short for --coupling fractional:H.")] = None
    depth: Annotated[str | None, _request("L", "Also the β at this depth where the relative displacement is --ratio.")] = None
    ratio: Annotated[str, _request("C", "Root mean square of |z_L − z_0|/|z_0|, from 0.01 to 100. [dim]\\[default: 1][/dim]")] = (
        "1"
    )
    as_json: Annotated[bool, _option("Output", None, "Print one JSON object instead of the table.", "--json")] = False


@dataclass(frozen=True, kw_only=True)
class DemoOptions:
    """What `reslim demo` takes."""

    out: Annotated[str, _option("Output", "DIR", "Folder for the figures and demo.json. [dim]\\[default: demo][/dim]")] = "demo"
    quick: Annotated[bool, _option("Output", None, "Fewer networks: rougher figures, in less time.", "--quick")] = False
    as_json: Annotated[bool, _option("Output", None, "Print demo.json instead of the table.", "--json")] = False


@dataclass(frozen=True, kw_only=True)
class GalleryOptions:
    """What `reslim gallery` takes."""

    action: Annotated[str, typer.Argument(metavar="list|make", help="What to do.", show_default=False)]
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME…", help="Figures, or all.", show_default=False)] = None
    out: Annotated[str, _option("Output", "DIR", "Folder for the figures. [dim]\\[default: gallery][/dim]")] = "gallery"
    data: Annotated[
        str,
        _option(
            "Data",
            "WORD",
            "Images that networks are trained on: digits, mnist-5k, fashion-mnist, idx:DIR, cifar10:DIR, "
            "npz:FILE or torchvision:NAME. [dim]\\[default: digits][/dim]",
        ),
    ] = "digits"
    quick: Annotated[bool, _option("Output", None, "Fewer networks: rougher figures, in less time.", "--quick")] = False
    as_json: Annotated[bool, _option("Output", None, "Print one JSON object instead of tables.", "--json")] = False


@dataclass(frozen=True, kw_only=True)
class SweepOptions:
    """What is varied, and what is asked of every cell; without defaults, so that --resume can refuse what is given."""

    vary: Annotated[
        list[str] | None,
        _request(
            "FIELD=VALUES",
            "A field of the network, beta or hurst, and its values: a:b:n evenly spread, log:a:b:n, or a list v,v,… "
            "Give it once a field.",
        ),
    ] = None
    quantities: Annotated[str | None, _request("A,B,…", f"{', '.join(QUANTITIES)}.")] = None
    layers: Annotated[str | None, _request("WHICH", "last, a list: 0,5,10, auto or all. [dim]\\[default: last][/dim]")] = None
    functional: Annotated[str | None, _request("KIND", "The p_d of gradients: generic, parallel or orthogonal.")] = None
    replicas: Annotated[str | None, _sampling("N", "Number of networks a cell. [dim]\\[default: 1000][/dim]")] = None
    seed: Annotated[str | None, _sampling("S", "Of every cell. [dim]\\[default: 0][/dim]")] = None
    method: Annotated[str | None, _sampling("NAME", "auto, matrix-free, radial or explicit.")] = None
    precision: Annotated[str | None, _sampling("KIND", "Of the random numbers: single or double.")] = None


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """Where a sweep runs, and where it lies."""

    jobs: Annotated[str | None, _sampling("N", "Number of worker processes; one a core unless given.")] = None
    executor: Annotated[
        str, _sampling("KIND", "processes, dask (on this machine) or dask:ADDRESS. [dim]\\[default: processes][/dim]")
    ] = "processes"
    out: Annotated[str | None, _option("Output", "DIR", "Folder for the plan, the chunks and the results. Needed.")] = None
    resume: Annotated[str | None, _option("Output", "DIR", "Go on with the sweep in a folder; nothing else is needed.")] = None
    plot: Annotated[
        str | None,
        _option("Output", "FILE.png", "Draw the first quantity: a map of two varied fields, or a line over one."),
    ] = None
    mark: Annotated[str | None, _option("Output", "FIELD=X,…", "A point in the picture: beta=0.5,hurst=0.5.")] = None
    as_json: Annotated[bool, _option("Output", None, "Print one JSON object instead of a table.", "--json")] = False


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """What is trained on, and how; the defaults are those of `reslim.train`."""

    data: Annotated[
        str | None,
        _training("WORD", "digits, mnist-5k, fashion-mnist, idx:DIR, cifar10:DIR, npz:FILE or torchvision:NAME.", "digits"),
    ] = None
    limit: Annotated[str | None, _training("N", "The most training images, and test images; all unless given.")] = None
    test_share: Annotated[str | None, _training("P", "Of the images, where the data have no split of their own.", "0.2")] = None
    epochs: Annotated[str | None, _training("N", "Times that all images are seen.", "10")] = None
    lr: Annotated[str | None, _training("X", "Learning rate.", "0.001")] = None
    optimizer: Annotated[str | None, _training("NAME", "adam or sgd.", "adam")] = None
    batch: Annotated[str | None, _training("N", "Images a step.", "128")] = None
    schedule: Annotated[
        str | None, _training("NAME", "Of the learning rate: constant, step (a tenth every 5 epochs) or cosine.", "constant")
    ] = None
    where: Annotated[
        str | None,
        _training("PLACE", "Where the factors of the matrices are: forward, or init (folded into the weights).", "forward"),
    ] = None
    seed: Annotated[str | None, _training("S", "Of the first network: its weights, and the order of its images.", "0")] = None
    seeds: Annotated[str | None, _training("N", "Number of networks, with the seeds S, S + 1, …", "1")] = None


@dataclass(frozen=True, kw_only=True)
class GridOptions:
    """A grid of networks to train."""

    vary: Annotated[
        list[str] | None,
        _request(
            "FIELD=VALUES",
            "Train a grid: lr, a field of the network, beta or hurst, and its values: a:b:n evenly spread, log:a:b:n, or a list "
            "v,v,… Give it once a field.",
        ),
    ] = None
    jobs: Annotated[str | None, _sampling("N", "Worker processes of a grid; one a core unless given.")] = None
    executor: Annotated[
        str | None,
        _sampling("KIND", "Of a grid: processes (the default), dask (on this machine) or dask:ADDRESS."),
    ] = None
    resume: Annotated[str | None, _option("Output", "DIR", "Go on with the grid in a folder; nothing else is needed.")] = None


@dataclass(frozen=True, kw_only=True)
class FolderOptions:
    """Where a training lies, and how it is printed."""

    out: Annotated[
        str | None,
        _option("Output", "DIR", "Folder for checkpoints and train.json; the same command goes on with what is there."),
    ] = None
    as_json: Annotated[bool, _option("Output", None, "Print one JSON object instead of tables.", "--json")] = False
