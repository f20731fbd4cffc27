"""The command and the program of docs/training.md run, and the keys in its table are those of the result."""

from __future__ import annotations

import json
import re
import sys

import readme_blocks as readme

TEXT = (readme.ROOT / "docs" / "training.md").read_text(encoding="utf-8")


def test_the_command_runs_and_prints_the_keys_of_the_table(tmp_path):
    command, grid = readme.commands(TEXT)
    assert "6 networks, 1 seed(s) each, on digits; 0 diverged." in readme.run_command(grid, tmp_path)
    assert "accuracy on the test images" in readme.run_command(command, tmp_path)
    found = json.loads((tmp_path / "trained" / "train.json").read_text(encoding="utf-8"))
    table = re.findall(r"^\| (`.*?) \|", TEXT, re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", " ".join(table))) == set(found)
    (network, *_) = found["networks"]
    for key in {*network["after"], *network["after"]["change"], *found["after"], *found["accuracy"]}:
        assert f"`{key}`" in TEXT


def test_the_program_runs(tmp_path):
    (program,) = readme.blocks(TEXT, "python")
    readme.run([sys.executable, "-W", "error", "-c", program], tmp_path)
