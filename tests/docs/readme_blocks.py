"""The README's commands, run, and the outputs that it prints; ``python tests/docs/readme_blocks.py`` renews the outputs.

An ```sh block has one command a line, a ```python block is a program. An output is a ```text block below the line
``<!-- output: COMMAND -->``, or ``<!-- output: python -->`` for the program above it.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PROGRAM = "python"
BLOCK = re.compile(r"^```(\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OUTPUT = re.compile(r"(?<=^<!-- output: )(.+?)( -->\n```text\n)(.*?)(?=^```$)", re.MULTILINE | re.DOTALL)
SECONDS = re.compile(r"\d+(\.\d+)? s\b")


def blocks(markdown: str, language: str) -> list[str]:
    """Return the texts of the fenced blocks in a language."""
    return [found[2] for found in BLOCK.finditer(markdown) if found[1] == language]


def commands(markdown: str) -> list[str]:
    """Return the shell commands."""
    return [line for block in blocks(markdown, "sh") for line in block.replace("\\\n", "").splitlines() if line.strip()]


def run(argv: list[str], folder: Path) -> str:
    """Return what a process prints on stdout; it must end with exit status 0."""
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "MPLBACKEND": "Agg"}
    ended = subprocess.run(argv, cwd=folder, env=environment, capture_output=True, text=True, encoding="utf-8", check=False)
    if ended.returncode != 0:
        raise AssertionError(f"{argv[-1]!r} ended with exit status {ended.returncode}:\n{ended.stderr}")
    return ended.stdout


def run_command(command: str, folder: Path) -> str:
    """Run a shell command; of `make`, which would call this again, only what it would do, in the repository."""
    if command.startswith("make "):
        return run(["bash", "-c", f"{command} --dry-run"], ROOT)
    return run(["bash", "-c", command], folder)


def produced(markdown: str, folder: Path) -> dict[str, str]:
    """Run everything, in order, in one folder; return the outputs by command."""
    outputs = {command: run_command(command, folder) for command in commands(markdown)}
    programs = [run([sys.executable, "-W", "error", "-c", program], folder) for program in blocks(markdown, "python")]
    return outputs | {PROGRAM: "".join(programs)}


def masked(text: str) -> str:
    """Return the text without elapsed times."""
    return SECONDS.sub("… s", text).strip()


def differences(markdown: str, outputs: dict[str, str]) -> list[str]:
    """Return the commands whose printed output is not what they print."""
    shown = {command: text for command, _, text in (found.groups() for found in OUTPUT.finditer(markdown))}
    return [command for command, text in shown.items() if masked(outputs.get(command, "no such command")) != masked(text)]


def renewed(markdown: str, outputs: dict[str, str]) -> str:
    """Return the README with its outputs replaced."""
    return OUTPUT.sub(lambda found: f"{found[1]}{found[2]}{outputs[found[1]].strip()}\n", markdown)


if __name__ == "__main__":
    text = README.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as temporary:
        README.write_text(renewed(text, produced(text, Path(temporary))), encoding="utf-8")
