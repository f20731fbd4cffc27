"""The Typer application: the commands, their help, and what Typer itself refuses."""

from __future__ import annotations

from typing import Annotated

import typer

from reslim.cli import commands
from reslim.cli.answer import Answer
from reslim.cli.groups import with_groups
from reslim.cli.phrases import Refusal

# Typer may bring its own Click, so `import click` would give another class.
ClickException: type[Exception] = typer.BadParameter.__mro__[2]
INTERRUPTED = 130

INTRODUCTION = """
Deep residual networks at initialisation: predicted, simulated, compared.

A random ResNet of [bold]depth[/] d and [bold]width[/] n sends an input to an output of random size. When d and n grow \
at a fixed ratio, the logarithm of that size is [bold]Gaussian[/], with a mean and a variance that the usual \
infinite-width limit misses. reslim gives the law, draws exact networks by the thousand, and tests one against the other.
"""
START = """
[bold]Start here[/]
reslim demo --quick                      what the law explains, in a minute
reslim predict --depth 100 --width 100   the laws, and the infinite-width ones
reslim simulate --depth 100 --width 100  ten thousand networks, summarised
reslim compare --depth 100 --width 100   law against networks, with a verdict
reslim critical --hurst 0.7              which power of the depth the branches need
reslim sweep --depth 100 --vary width=50,100,200 --out widths   a grid of networks
reslim train --preset marion --depth 50 --width 32 --seeds 3   networks before and after training
reslim gallery list                      the papers' figures, and their numbers
reslim COMMAND --help                    what a command takes, with an example
"""

app = typer.Typer(
    name="reslim",
    help=INTRODUCTION,
    epilog=START,
    rich_markup_mode="rich",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"reslim {version('reslim')}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[bool, typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True)] = False,
) -> None:
    pass


for name, command in commands.COMMANDS.items():
    app.command(name, epilog=commands.EXAMPLES[name])(with_groups(command))


def run(argv: list[str]) -> Answer:
    """Run a command line and return its answer; help and version print themselves and answer nothing."""
    try:
        outcome = app(argv or ["--help"], prog_name="reslim", standalone_mode=False)
    except ClickException as error:
        raise Refusal(_usage(error, argv)) from None
    except typer.Abort:
        raise KeyboardInterrupt from None
    except SystemExit:  # Typer's answer to a closed stdout, which is no error
        return Answer([])
    if outcome == INTERRUPTED:
        raise KeyboardInterrupt
    return outcome if isinstance(outcome, Answer) else Answer([])


def _usage(error: Exception, argv: list[str]) -> str:
    """Return Typer's complaint about the command line, with the help that explains it."""
    command = next((word for word in argv if word in commands.COMMANDS), "")
    message = error.format_message()  # type: ignore[attr-defined]
    return f"{message[:1].lower()}{message[1:].rstrip('.')}. Try {f'reslim {command}'.strip()} --help."
