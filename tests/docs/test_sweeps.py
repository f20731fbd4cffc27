"""The commands and programs of docs/sweeps.md run, but for the one that needs SLURM."""

from __future__ import annotations

import sys

import readme_blocks as readme

TEXT = (readme.ROOT / "docs" / "sweeps.md").read_text(encoding="utf-8")


def test_every_command_and_program_runs(tmp_path):
    commands, programs = readme.commands(TEXT), readme.blocks(TEXT, "python")
    assert (len(commands), len(programs)) == (2, 3)
    for command in commands:
        assert readme.run_command(command, tmp_path)
    for program in programs:
        if "SLURM" in program:
            compile(program, "docs/sweeps.md", "exec")
        else:
            assert readme.run([sys.executable, "-W", "error", "-c", program], tmp_path)
    assert (tmp_path / "grid.png").exists()
