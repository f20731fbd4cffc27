from __future__ import annotations

import json

import pytest

from reslim import DepthPower, Fractional, ResNet, Smooth
from reslim.cli.network import build
from reslim.cli.options import NetworkOptions
from reslim.cli.phrases import Refusal


def network(input_length=None, **options):
    return build(NetworkOptions(**options), input_length)


@pytest.fixture
def spec_file(tmp_path):
    def write(**fields):
        path = tmp_path / "net.json"
        path.write_text(json.dumps(fields))
        return str(path)

    return write


def test_defaults_are_those_of_python():
    assert network(depth="5", width="7") == ResNet(depth=5, width=7)
    assert network(depth="5", width="7", preset="li-nica-roy") == ResNet(depth=5, width=7)


def test_every_option_reaches_its_field():
    net = network(
        depth="2", width="3", skip="0.1,0.2", branch="2*L^-0.5", variance="1,2", activation="tanh", balanced=True,
        block="two-matrix", entries="uniform", coupling="smooth:0.2", n_in="4", n_out="5",
    )  # fmt: skip
    assert net == ResNet(
        depth=2, width=3, skip=(0.1, 0.2), branch=DepthPower(0.5, 2.0), variance=(1.0, 2.0), activation="tanh", balanced=True,
        block="two-matrix", entries="uniform", coupling=Smooth(0.2), n_in=4, n_out=5,
    )  # fmt: skip


def test_shorthands():
    net = network(depth="5", width="7", beta="0.5", hurst="0.7")
    assert net == ResNet(depth=5, width=7, branch=DepthPower(0.5), coupling=Fractional(0.7))


def test_preset_with_changes():
    net = network(depth="5", width="7", preset="marion", beta="1", hurst="0.7", n_out="3")
    assert net == ResNet.marion(depth=5, width=7, beta=1.0, coupling=Fractional(0.7), n_out=3)
    assert net.entries == "gaussian"


def test_options_override_the_file(spec_file):
    spec = spec_file(depth=3, width=4, branch=[1, 2, 3], balanced=True)
    assert network(spec=spec) == ResNet(depth=3, width=4, branch=(1, 2, 3), balanced=True)
    assert network(spec=spec, depth="9", beta="1", balanced=False) == ResNet(depth=9, width=4, branch=DepthPower(1.0))
    assert network(spec=spec, hurst="0.7").coupling == Fractional(0.7)


def test_file_of_a_network(spec_file):
    net = ResNet.marion(depth=3, width=4, beta=0.3)
    assert network(spec=spec_file(**net.to_dict())) == net


def test_inputs_set_n_in_unless_it_was_said(spec_file):
    assert network(64, depth="5", width="7").n_in == 64
    assert network(8, depth="5", width="7", preset="marion").n_in == 8
    assert network(64, depth="5", width="7", n_in="3").n_in == 3
    assert network(64, spec=spec_file(depth=3, width=4)).n_in == 64
    assert network(64, spec=spec_file(depth=3, width=4, n_in=5)).n_in == 5


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"beta": "1", "branch": "1"}, "--beta is short for a --branch"),
        ({"hurst": "0.7", "coupling": "independent"}, "--hurst is short for a --coupling"),
        ({"beta": "x"}, "--beta must be a number, got 'x'"),
        ({"branch": "L^-inf"}, "--branch must be finite"),
        ({"beta": "99"}, "--beta must be 0 or of magnitude"),
        ({"hurst": "2"}, "--hurst must lie strictly between 0 and 1, got 2.0"),
        ({"coupling": "fractional:2"}, "--coupling must lie strictly between 0 and 1, got 2.0"),
        ({"coupling": "smooth:-1"}, "--coupling must be between"),
        ({"variance": "1,2"}, "Or use --block two-matrix"),
        ({"preset": "resnet"}, "--preset must be one of li-nica-roy, marion"),
        ({"n_in": "0"}, "--n-in must be a positive integer, got 0"),
    ],
)
def test_refusals_name_the_option(options, line):
    with pytest.raises(Refusal) as error:
        network(depth="50", width="7", **options)
    assert line in str(error.value)


def test_refusals_name_the_file(spec_file):
    spec = spec_file(depth=3, width=4, skip="x")
    with pytest.raises(Refusal, match=r"^--spec .*net.json: skip must be a number, got 'x'"):
        network(spec=spec)
    assert network(spec=spec, skip="1").skip == 1.0
    with pytest.raises(Refusal, match=r"^--depth must be"):
        network(spec=spec, depth="0")
    with pytest.raises(Refusal, match="give one of the two"):
        network(spec=spec, preset="marion")
    with pytest.raises(Refusal, match=r"^--width is missing \(nor is it in"):
        network(spec=spec_file(depth=3))


def test_depth_and_width_are_asked_for_together():
    with pytest.raises(Refusal, match="--depth and --width are missing"):
        network()
