"""The commands: each reads its options, computes, and returns an answer. Imports stand inside, for a fast --help."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reslim.cli import files
from reslim.cli.answer import Answer
from reslim.cli.options import (
    CriticalOptions,
    DemoOptions,
    FolderOptions,
    GalleryOptions,
    GridOptions,
    LawOptions,
    NetworkOptions,
    OutputOptions,
    RequestOptions,
    RunOptions,
    SampleOptions,
    SummaryOptions,
    SweepOptions,
    TestOptions,
    TrainOptions,
)
from reslim.cli.phrases import Interruption, Refusal

if TYPE_CHECKING:
    import xarray as xr

    from reslim.spec import ResNet


def predict(network: NetworkOptions, request: RequestOptions, law: LawOptions, output: OutputOptions) -> Answer:
    """Predict the law of every quantity of a random network, beside its infinite-width limit.

    Mean, variance and family, with what the law is valid for; a quantity without a law says why.
    """
    files.check_place(output.out, "out")
    net, asked = _read(network, request)
    laws = _predict(net, asked, request, law)
    from reslim.cli import payload, tables

    answer = Answer(payload.prediction(laws) if output.as_json else tables.prediction(laws, _lists_layers(asked)))
    files.save(laws, output.out)
    return answer


def simulate(
    network: NetworkOptions, request: RequestOptions, sample: SampleOptions, kept: SummaryOptions, output: OutputOptions
) -> Answer:
    """Draw random networks exactly, and summarise them: mean, variance, quantiles.

    Exact at any depth and width, without the weight matrices where that is possible. --out keeps every draw,
    with --summary the summary alone.
    """
    files.check_place(output.out, "out")
    net, asked = _read(network, request)
    drawn, summary = _simulate(net, asked, request, sample, kept.summary)
    from reslim.cli import payload, tables

    every_layer = _lists_layers(asked)
    answer = Answer(payload.draws(drawn, summary) if output.as_json else tables.draws(drawn, summary, every_layer))
    files.save(drawn, output.out)
    return answer


def compare(
    network: NetworkOptions,
    request: RequestOptions,
    law: LawOptions,
    sample: SampleOptions,
    test: TestOptions,
    output: OutputOptions,
) -> Answer:
    """Test the predicted law against simulated networks; exit status 1 where they differ.

    The verdict of a quantity is agree, differ, or unresolved: too few networks to tell, with the number that would.
    """
    files.check_place(output.out, "out")
    files.check_figure(test.plot, output.out)
    net, asked = _read(network, request)
    asked.setdefault("layers", "last")
    level = _level(test.level)
    laws = _predict(net, asked, request, law)
    drawn, summary = _simulate(net, asked, request, sample)
    import reslim
    from reslim.cli import payload, pictures, tables

    agreement = reslim.compare(laws, drawn, quantities=asked.get("quantities"), layers=asked["layers"], level=level)
    figure = None if test.plot is None else files.drawn(pictures.comparison(drawn, laws, agreement), test.plot)
    shown = payload.comparison if output.as_json else tables.comparison
    answer = Answer(shown(laws, drawn, summary, agreement), status=int(agreement.attrs["verdict"] == "differ"))
    files.save(agreement, output.out)
    if figure is not None and test.plot is not None:
        files.save_bytes(figure, test.plot)
    return answer


def sweep(network: NetworkOptions, asked: SweepOptions, how: RunOptions) -> Answer:
    """Simulate a grid of networks: every field may vary; killed at any moment, it goes on where it was.

    --out is the folder of the sweep: table.parquet has a row a cell, quantity and statistic, sweep.nc is the same as
    one xarray Dataset. All cells draw with the same seed.
    """
    files.check_figure(how.plot, None)
    from reslim.cli import payload, pictures, sweeping, tables

    prepared = sweeping.prepared(network, asked, how)
    mark = pictures.check_sweep(how.plot, how.mark, prepared.axes)
    with sweeping.resumable(prepared):
        found = prepared.run()
    figure = None if how.plot is None else files.drawn(pictures.sweep(found, mark), how.plot)
    answer = Answer(payload.sweep(found) if how.as_json else tables.sweep(found, prepared.folder))
    if figure is not None and how.plot is not None:
        files.save_bytes(figure, how.plot)
    return answer


def train(network: NetworkOptions, asked: TrainOptions, grid: GridOptions, how: FolderOptions) -> Answer:
    """Train a network with one seed or several, and say what it is before and after; or, with --vary, a grid of networks.

    --n-in and --n-out are those of the data. With --out, a training that is killed goes on where it was when the same
    command is given again, and one that is finished is not repeated. A network that diverges is an outcome: exit status 0.
    A grid is a sweep: its folder has table.parquet and sweep.nc, and --resume DIR goes on with it.
    """
    from reslim.cli import trained, training

    if training.is_grid(grid):
        from reslim.cli import sweeping

        spread = training.grid(network, asked, grid, how)
        with sweeping.resumable(spread):
            swept = spread.run()
        return Answer(trained.grid_payload(swept) if how.as_json else trained.grid(swept, spread.folder))
    prepared = training.prepared(network, asked, how)
    with training.resumable(how.out):
        found = prepared()
    return Answer(found if how.as_json else trained.tables(found, how.out))


def critical(options: CriticalOptions) -> Answer:
    """Say which power of the depth the branches need: the critical β of branches L^-β, for output and gradient.

    Above it a deep network is the identity, below it explodes (or collapses); it depends on the block, on the activation,
    and on how the weights of different layers depend on each other. Skip 1 and variance 1.
    """
    from reslim.cli.network import coupling_of

    coupling = coupling_of(options.coupling, options.hurst)
    import reslim
    from reslim.cli import parsing, payload, tables

    depth = None if options.depth is None else parsing.integer(options.depth)
    ratio = parsing.number(options.ratio)
    found = reslim.critical(options.block, options.activation, coupling, depth=depth, ratio=ratio)  # type: ignore[arg-type]
    return Answer((payload if options.as_json else tables).critical(found))


def demo(options: DemoOptions) -> Answer:
    """See what the log-Gaussian law explains and the infinite-width limit misses: figures, and a table of numbers."""
    folder = files.check_folder_to_make(options.out)
    from reslim.experiments import demo as experiment

    try:
        found = experiment.run(folder, options.quick)
    except KeyboardInterrupt:
        raise Interruption(f"interrupted; figures that were finished are in {folder}, each of them whole.") from None
    tables = [experiment.table(found), "", experiment.notes(found), f"Figures and demo.json: {folder}"]
    return Answer(found if options.as_json else tables)


def gallery(options: GalleryOptions) -> Answer:
    """Make the papers' figures, each with the numbers that must come out; exit status 1 where one does not.

    list names the figures; make NAME… (or all) writes NAME.png, NAME.svg and NAME.json into a folder.
    --data is for the figures that train networks; they need PyTorch (reslim[train]).
    """
    if options.action not in ("list", "make"):
        raise Refusal(f"gallery takes list or make, got {options.action!r}.")
    names = options.names or []
    if (options.action == "list") == bool(names):
        raise Refusal("gallery list takes no names." if names else "gallery make needs a NAME, or all; gallery list has them.")
    folder = files.check_folder_to_make(options.out) if names else None
    from reslim.experiments import gallery as experiment
    from reslim.experiments.gallery import text

    if folder is None:
        listed = [{key: getattr(recipe, key) for key in ("name", "title", "paper")} for recipe in experiment.RECIPES.values()]
        return Answer({"figures": listed} if options.as_json else [text.contents(experiment.RECIPES.values())])
    try:
        made = experiment.make(names, folder, options.quick, options.data)
    except KeyboardInterrupt:
        raise Interruption(f"interrupted; figures that were finished are in {folder}, each of them whole.") from None
    status = 1 if text.verdict(made) == "differ" else 0
    return Answer({"figures": made, "verdict": text.verdict(made)} if options.as_json else text.checks(made), status)


COMMANDS = {
    "predict": predict,
    "simulate": simulate,
    "compare": compare,
    "critical": critical,
    "sweep": sweep,
    "train": train,
    "gallery": gallery,
    "demo": demo,
}
EXAMPLES = {
    "predict": "[bold]Example:[/] reslim predict --depth 100 --width 100 --quantities log_growth,output",
    "simulate": "[bold]Example:[/] reslim simulate --depth 100 --width 100 --replicas 100000 --layers last --out draws.nc",
    "compare": "[bold]Example:[/] reslim compare --depth 50 --width 200 --balanced --quantities log_growth --plot growth.png",
    "critical": "[bold]Example:[/] reslim critical --block two-matrix --activation relu --hurst 0.8 --depth 1000",
    "sweep": "[bold]Example:[/] reslim sweep --preset marion --entries gaussian --depth 100 --width 40 --vary beta=0:1.3:14 "
    "--quantities log_displacement --out beta --plot beta.png",
    "train": "[bold]Example:[/] reslim train --preset marion --depth 50 --width 32 --seeds 3 --out trained",
    "demo": "[bold]Example:[/] reslim demo --quick --out demo",
    "gallery": "[bold]Example:[/] reslim gallery make mfbv-2 mfbv-7 --out gallery",
}


def _read(network: NetworkOptions, request: RequestOptions) -> tuple[ResNet, dict[str, Any]]:
    """Return the network, and the arguments that theory and simulation share, as far as they were given."""
    from reslim.cli import inputs, parsing
    from reslim.cli.network import build

    array = inputs.read(request.inputs)
    net = build(network, array.shape[1] if array is not None and array.ndim == 2 and array.size else None)
    asked: dict[str, Any] = {"inputs": array, "functional": request.functional}
    if request.quantities is not None:
        asked["quantities"] = parsing.words(request.quantities)
    if request.layers is not None:
        asked["layers"] = parsing.layers(request.layers)
    return net, asked


def _lists_layers(asked: dict[str, Any]) -> bool:
    return asked.get("layers") not in (None, "auto", "last")


def _level(text: str) -> float:
    """Return the level; checked here too, so that a bad one costs no simulation."""
    from reslim import checks
    from reslim.cli import parsing
    from reslim.errors import BadValue

    level = checks.real("compare", "level", parsing.number(text))
    if not 0.0 < level < 1.0:
        raise BadValue("compare", "level", "must lie strictly between 0 and 1", level)
    return level


def _predict(net: ResNet, asked: dict[str, Any], request: RequestOptions, law: LawOptions) -> xr.Dataset:
    import reslim

    return reslim.predict(net, covariance=request.covariance, correction=law.correction, **asked)


def _simulate(
    net: ResNet, asked: dict[str, Any], request: RequestOptions, sample: SampleOptions, summary_alone: bool = False
) -> tuple[xr.Dataset, xr.Dataset]:
    """Return the draws and their summary, or the summary in the place of both."""
    import reslim
    from reslim.cli import parsing

    threads = None if sample.threads is None else parsing.integer(sample.threads)
    replicas, seed = parsing.integer(sample.replicas), parsing.integer(sample.seed)
    how = {"method": sample.method, "precision": sample.precision, "threads": threads}
    if summary_alone:
        summary = reslim.simulate(net, replicas, seed, draws=False, covariance=request.covariance, **how, **asked)  # type: ignore[arg-type]
        return summary, summary
    drawn = reslim.simulate(net, replicas, seed, **how, **asked)  # type: ignore[arg-type]
    return drawn, reslim.summarize(drawn, covariance=request.covariance)
