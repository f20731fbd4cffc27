from __future__ import annotations

import re

import pytest
import readme_blocks as readme

TEXT = readme.README.read_text(encoding="utf-8")
TICKS = "```"
EXAMPLE = f"""{TICKS}sh
echo one
echo took 1.5 s > file
cat file
{TICKS}

<!-- output: cat file -->
{TICKS}text
took 0.2 s
{TICKS}

{TICKS}python
print(open("file").read(), 6 * 7)
{TICKS}

<!-- output: python -->
{TICKS}text
took 0.1 s
 42
{TICKS}
"""


def test_every_command_runs_and_prints_what_is_shown(tmp_path):
    assert readme.differences(TEXT, readme.produced(TEXT, tmp_path)) == []


def test_every_output_names_its_command():
    known = {*readme.commands(TEXT), readme.PROGRAM}
    shown = [found[1] for found in readme.OUTPUT.finditer(TEXT)]
    assert len(shown) == len(readme.blocks(TEXT, "text")) >= 2
    assert set(shown) <= known


def test_nothing_fenced_is_left_unchecked():
    assert {found[1] for found in readme.BLOCK.finditer(TEXT)} == {"sh", "python", "text"}
    assert len(re.findall(f"^{TICKS}", TEXT, re.MULTILINE)) == 2 * len(readme.BLOCK.findall(TEXT))
    assert len(readme.blocks(TEXT, "python")) == 1  # their outputs would run into each other


def test_every_file_that_is_linked_is_there():
    links = re.findall(r"\]\(([^)#:]+)\)", TEXT)
    assert links
    assert [link for link in links if not (readme.ROOT / link).exists()] == []


# ---- the checker itself


def test_times_may_differ_and_outputs_are_renewed(tmp_path):
    outputs = readme.produced(EXAMPLE, tmp_path)
    assert readme.differences(EXAMPLE, outputs) == []
    assert readme.renewed(EXAMPLE, outputs) == EXAMPLE.replace("0.2 s", "1.5 s").replace("0.1 s", "1.5 s")


@pytest.mark.parametrize(("right", "wrong", "command"), [(" 42", " 43", "python"), ("took 0.2", "takes 0.2", "cat file")])
def test_a_wrong_output_is_found(tmp_path, right, wrong, command):
    markdown = EXAMPLE.replace(right, wrong)
    assert readme.differences(markdown, readme.produced(markdown, tmp_path)) == [command]


@pytest.mark.parametrize(("right", "wrong"), [("echo one", "false"), ("6 * 7", "1 / 0"), ("cat file\n", "make no-such-target\n")])
def test_a_failure_is_found(tmp_path, right, wrong):
    with pytest.raises(AssertionError, match="ended with exit status"):
        readme.produced(EXAMPLE.replace(right, wrong, 1), tmp_path)
