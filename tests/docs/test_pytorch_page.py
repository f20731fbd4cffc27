"""The programs of docs/pytorch.md run, the second after the first."""

from __future__ import annotations

import re
import sys

import readme_blocks as readme

from reslim import ResNet
from reslim.pytorch import build

TEXT = (readme.ROOT / "docs" / "pytorch.md").read_text(encoding="utf-8")


def test_every_program_runs(tmp_path):
    programs = readme.blocks(TEXT, "python")
    assert len(programs) == 2
    printed = readme.run([sys.executable, "-W", "error", "-c", "\n".join(programs)], tmp_path)
    assert printed == "torch.Size([2, 2]) 21 True 1\n"


def test_the_names_in_the_table_are_those_of_the_module():
    told = set(re.findall(r"`([\w.]+\.(?:weight|signs))`", TEXT))
    held = build(ResNet(depth=1, width=2, block="two-matrix", balanced=True)).state_dict()
    assert told == {name.replace(".0.", ".L.") for name in held}
