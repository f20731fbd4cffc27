"""Training is faster than a loop over modules that are the same networks."""

from __future__ import annotations

import dataclasses
import json

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("sklearn")

from test_report import results  # noqa: E402

from benchmarks import loop, page, training, training_ways  # noqa: E402
from reslim import DepthPower, ResNet  # noqa: E402
from reslim.pytorch import build  # noqa: E402

SIZE = training_ways.Size(depth=7, networks=3, width=5)


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def made_up(seconds: dict[tuple[str, int], float]) -> training.Training:
    described = {"processor": "a processor", "cores": 2, "load": 0.1, "versions": {"torch": "3"}}
    ways = [training.Way(name, count, wall, wall / 2, (wall, wall)) for (name, count), wall in seconds.items()]
    return training.Training(described, SIZE, 10, ways, "Adam, fused", {"Adam, fused": 0.01}, setup_s=0.6)


FOUND = made_up(
    {("ours", 1): 0.5, ("ours", 2): 0.6, (training.LOOP, 2): 3.0, (training.USUAL, 2): 3.6, (training_ways.FLOOR, 1): 0.25}
)


def test_ours_is_faster_than_the_loop():
    """By processor time, which other processes on the machine change little."""
    found = training.measure(quick=True, say=lambda line: None)
    assert found.ratio("cpu_s") > 2.0
    assert found.over_floor() > 1.0
    assert set(found.adams) == set(loop.ADAMS)
    assert all(len(way.rounds) == 3 for way in found.ways)


def test_the_loop_trains_our_networks():
    net = ResNet(depth=7, width=5, skip=1.0, branch=DepthPower(0.5), variance=1.0, n_in=64, n_out=10)
    module, rival = build(net, seed=3, where="init", dtype=torch.float32), loop.Network(64, 5, 7, 10, scale=7**-0.5)
    pairs = [(rival.first, module.w_in, 1.0), (rival.last, module.w_out, 1.0)]
    pairs += [(layer, block.w, 7**0.5) for layer, block in zip(rival.layers, module.blocks, strict=True)]
    with torch.no_grad():
        for theirs, mine, factor in pairs:
            theirs.weight.copy_(factor * mine.weight)
    x = torch.tensor(training_ways.digits().x_test)
    torch.testing.assert_close(rival(x), module(x), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("way", [training_ways.OURS, training_ways.FLOOR, "Adam, default"])
def test_every_way_is_timed_a_network(way):
    found = training_ways.lap(way, SIZE)
    assert found.wall_s > 0.0
    assert found.cpu_s > 0.0


def test_the_loop_learns():
    network = loop.Network(64, 30, 4, 10, scale=0.5)
    one = loop.Loop(network, training_ways.digits(), 32, "Adam, fused", lr=3e-3)
    assert [one.run_epoch() for _ in range(3)][-1] > 0.8


def test_members_are_cells_of_the_grid_with_their_own_seeds():
    found = training_ways.members(training_ways.Size(depth=4, networks=50))
    assert [member.seed for member in found] == list(range(50))
    assert len({(member.net, member.lr) for member in found}) == 40


def test_figures_follow_from_seconds():
    assert FOUND.ratio() == pytest.approx(5.0)
    assert FOUND.ratio(loop=training.USUAL) == pytest.approx(6.0)
    assert FOUND.over_floor() == pytest.approx(2.0)
    assert FOUND.way("ours", 2).per_minute == pytest.approx(200.0)
    assert FOUND.microseconds(0.7) == pytest.approx(0.7e6 / 70)
    assert FOUND.grid_minutes("ours") == pytest.approx(600 * (6.0 + 0.6) / 120)
    assert FOUND.grid_minutes("ours", "cpu_s") == pytest.approx(600 * (3.0 + 0.6) / 120)
    assert FOUND.grid_minutes(training.LOOP) == pytest.approx(600 * 30.0 / 120)


def test_a_round_takes_as_long_as_the_slower_process():
    laps = [
        [training_ways.Lap(wall, 0.1, 0.0), training_ways.Lap(0.2, cpu, 0.0)]
        for wall, cpu in ((0.5, 0.3), (0.7, 0.4), (0.1, 0.5))
    ]
    found = training.way("ours", 2, laps)
    assert found.rounds == (0.5, 0.7, 0.2)
    assert (found.wall_s, found.cpu_s) == (0.5, 0.4)


def test_the_section_alone_is_renewed(tmp_path):
    (tmp_path / "RESULTS.md").write_text("# Page\n\n## Missing\n\nNone.\n", encoding="utf-8")
    (tmp_path / "results.json").write_text('{"quick": false}', encoding="utf-8")
    for _ in range(2):
        training.renew(FOUND, tmp_path)
        text = (tmp_path / "RESULTS.md").read_text(encoding="utf-8")
        assert text == "# Page\n\n## Missing\n\nNone.\n\n" + training.section(FOUND)
    data = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert data["quick"] is False
    assert data["training"]["loop_over_ours"] == pytest.approx(5.0)
    assert "**6 times** as long as ours" in text
    assert "with its fastest optimizer **5 times**" in text
    assert "takes 33 or 18 minutes with ours" in text


def test_it_is_the_last_section_of_the_page_and_stands_in_the_json():
    found = dataclasses.replace(results([]), training=FOUND)
    assert page.page(found).endswith(f"\n\n{training.section(FOUND)}")
    assert json.loads(json.dumps(found.as_json()))["training"]["loop_over_ours"] == pytest.approx(5.0)


def test_what_is_missing_is_said(monkeypatch):
    def absent(quick, say):
        raise ModuleNotFoundError("No module named 'torch'")

    monkeypatch.setattr(training, "measure", absent)
    assert training.try_to_measure(True, print) == (None, {"training": "ModuleNotFoundError: No module named 'torch'"})
