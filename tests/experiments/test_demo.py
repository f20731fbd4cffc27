import io
import json

import matplotlib as mpl
import numpy as np
import pytest
from rich.console import Console

import reslim
from reslim.data import digits
from reslim.experiments import demo

mpl.use("Agg")
SMALL = demo.Settings(width=60, depths=(6, 15), replicas=3000, explicit=150, seed=5)
FIGURES = {"output.png", "variance.png", "hypoactivation.png", "interlayer.png", "overlap.png", "overview.png", "overview.svg"}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    out = tmp_path_factory.mktemp("demo") / "made"
    return demo.run(out, settings=SMALL), out


def test_every_figure_and_the_numbers_are_written(made):
    found, out = made
    assert {path.name for path in out.iterdir()} == FIGURES | {"demo.json"}
    assert set(found["figures"]) == FIGURES
    assert all((out / name).stat().st_size > 5000 for name in FIGURES)
    assert all((out / name).stat().st_size < 200_000 for name in ("overview.png", "overview.svg"))


def test_the_json_is_what_was_returned(made):
    found, out = made
    assert json.loads((out / "demo.json").read_text(encoding="utf-8")) == json.loads(json.dumps(found, allow_nan=False))


def test_the_json_says_how_it_was_made(made):
    found, _ = made
    assert found["settings"]["seed"] == 5
    assert found["inputs"]["labels"] == [0, 1, 2]
    assert "numpy" in found["versions"]
    assert found["elapsed_s"] > 0
    for covariance in found["runs"][1]["covariance"].values():
        assert set(covariance) == {"active_fraction_covariance", "active_energy_covariance"}
    assert [(entry["network"], entry["spec"]["depth"]) for entry in found["runs"]] == [
        ("vanilla", 6),
        ("vanilla", 15),
        ("Balanced", 6),
        ("Balanced", 15),
    ]


def test_law_and_both_methods_agree(made):
    found, _ = made
    assert found["verdict"] != "differ"
    for entry in found["runs"]:
        assert entry["verdicts"]["log_output_norm_verdict"][0] != "differ"
        assert entry["methods_ks_p"] > SMALL.level / 8


def test_the_numbers_are_those_of_simulate_and_predict(made):
    found, _ = made
    entry = found["runs"][-1]
    net = reslim.ResNet.from_dict(entry["spec"])
    images = digits(SMALL.digits)
    sample = reslim.simulate(
        net, SMALL.replicas, SMALL.seed, quantities=demo.QUANTITIES, layers="last", inputs=images, method="matrix-free"
    )
    stated = entry["simulated"]["quantities"]["log_output_norm"]
    np.testing.assert_allclose(stated["mean"], sample.log_output_norm.mean("replica"))
    law = reslim.predict(net, quantities=["log_output_norm"], inputs=images).log_output_norm
    for name in ("log-gaussian", "gaussian"):
        stated = entry["predicted"][name]["log_output_norm"]
        np.testing.assert_allclose(stated["variance"], law.sel(law=name, moment="variance"))


def test_the_table_fits_120_columns(made):
    found, _ = made
    console = Console(width=120, file=io.StringIO())
    with console.capture() as capture:
        console.print(demo.table(found))
    lines = capture.get().splitlines()
    assert sum("vanilla" in line for line in lines) == 2
    assert not any("…" in line for line in lines)


def test_the_notes_state_seed_and_verdict(made):
    found, _ = made
    notes = demo.notes(found)
    assert "Seeds 5 and 6" in notes
    assert f"Verdict: {found['verdict']}" in notes


@pytest.mark.parametrize(
    ("verdicts", "p", "overall"),
    [
        (["agree", "agree"], 0.5, "agree"),
        (["agree", "unresolved"], 0.5, "unresolved"),
        (["unresolved", "differ"], 0.5, "differ"),
        (["agree", "agree"], 1e-9, "differ"),
    ],
)
def test_one_difference_decides(verdicts, p, overall):
    assert demo.verdict(verdicts, [0.3, p], 0.001) == overall
