"""The gallery: every figure in its quick form, with the numbers of the papers; its verdicts; its command."""

from __future__ import annotations

import json
import math

import pytest

from reslim.experiments import gallery
from reslim.experiments.gallery import phase, text
from reslim.experiments.gallery.recipe import Check


@pytest.mark.parametrize("name", gallery.RECIPES)
def test_the_numbers_come_out(name, tmp_path):
    (found,) = gallery.make([name], tmp_path, quick=True)
    assert [(check["what"], check["verdict"]) for check in found["checks"] if check["verdict"] != "agree"] == []
    assert found["checks"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{name}.json", f"{name}.png", f"{name}.svg"]
    assert json.loads((tmp_path / f"{name}.json").read_text()) == json.loads(json.dumps(found))


@pytest.mark.parametrize(
    ("found", "error", "verdict"),
    [(1.0, 0.0, "agree"), (1.09, 0.0, "agree"), (1.11, 0.0, "differ"), (1.2, 0.021, "agree"), (1.2, 0.019, "differ"),
     (1.0, 0.05, "unresolved"), (math.nan, 0.0, "differ")],
)  # fmt: skip
def test_verdicts(found, error, verdict):
    assert Check("x", 1.0, 0.1, found, error).verdict == verdict


def test_the_worst_verdict_counts():
    assert text.verdict([{"verdict": "agree"}, {"verdict": "unresolved"}]) == "unresolved"
    assert text.verdict([{"verdict": "differ"}, {"verdict": "unresolved"}]) == "differ"


def test_crossings():
    betas = phase.np.array([0.0, 0.5, 1.0])
    assert phase._crossing(betas, phase.np.array([3.0, 1.0, -1.0])) == pytest.approx(0.75)
    assert math.isnan(phase._crossing(betas, phase.np.array([3.0, 2.0, 1.0])))
    assert math.isnan(phase._crossing(betas, phase.np.array([-3.0, -2.0, -1.0])))


def test_names_are_checked(tmp_path):
    with pytest.raises(ValueError, match=r"^gallery\.make\(names=\.\.\.\) must be one of lnr-output, .*Did you mean 'mfbv-7'"):
        gallery.make(["mfbv7"], tmp_path)
    with pytest.raises(ValueError, match=r"must name a figure\. There are lnr-output"):
        gallery.make([], tmp_path)
