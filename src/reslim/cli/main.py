"""The entry of the command line: runs a command, prints its answer, and turns every error into one line on stderr.

Exit status: 0 done; 1 law and sample differ (`compare`); 2 bad input, with nothing on stdout; 130 interrupted.
"""

from __future__ import annotations

import gc
import io
import os
import sys

BAD, INTERRUPTED = 2, 130
OBJECTS = 10_000  # that make Python look for garbage; imports make hundreds of thousands, and none of it is


def process() -> int:
    """Be the command `reslim`: `main`, without what a short process would spend on garbage, half a second of two."""
    gc.set_threshold(OBJECTS)
    status = main()
    gc.freeze()  # or everything is looked through once more on the way out
    return status


def main(argv: list[str] | None = None) -> int:
    """Run a command line, that of the process by default, and return its exit status."""
    _accept_any_terminal()
    try:
        from reslim.cli import app  # here, so that Ctrl-C while it loads is met below

        answer = app.run(sys.argv[1:] if argv is None else argv)
        return _print(answer.text(), answer.status)
    except KeyboardInterrupt:
        return _complain("interrupted; no file is half-written.", INTERRUPTED)
    except Exception as error:
        return _explain(error)


def _accept_any_terminal() -> None:
    """Print ? for symbols that the terminal does not have."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def _print(text: str, status: int) -> int:
    """Write to stdout; a reader who has gone away (`| head`) is no error."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        _forget_stdout()
    return status


def _forget_stdout() -> None:
    """Send what Python still flushes at exit to nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _complain(line: str, status: int = BAD) -> int:
    from reslim.cli.phrases import one_line

    print(f"reslim: {one_line(line)}", file=sys.stderr)
    return status


def _explain(error: Exception) -> int:
    if os.environ.get("RESLIM_TRACEBACK") == "1":
        raise error
    from reslim.cli.phrases import phrase

    status = getattr(error, "status", BAD)
    bug = f"internal error: {type(error).__name__}: {error}; please report it (RESLIM_TRACEBACK=1 shows where)."
    return _complain(phrase(error) or bug, status)
