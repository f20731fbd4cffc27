"""The program of docs/data.md prints what is shown."""

from __future__ import annotations

import readme_blocks as readme

TEXT = (readme.ROOT / "docs" / "data.md").read_text(encoding="utf-8")


def test_the_program_prints_what_is_shown(tmp_path):
    assert len(readme.blocks(TEXT, "python")) == len(readme.blocks(TEXT, "text")) == 1
    assert readme.differences(TEXT, readme.produced(TEXT, tmp_path)) == []
