"""The words that are handed to batteries of tests are those that the samplers draw."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import randomness
from reslim.simulation.generator import CHANNEL, U32, begin, fill_words, networks_of
from reslim.simulation.lanes import LANES


def words_of(seed: int, network: int, layer: int, count: int) -> np.ndarray:
    """The first words of a stream."""
    key, stream, out = np.empty((2, LANES), U32), np.empty((4, LANES), U32), np.empty((count, LANES), U32)
    networks_of(np.uint64(network), key)
    begin(stream, np.uint64(seed), key, layer, CHANNEL.forward)
    fill_words(stream, out)
    return out[:, 0]


@pytest.mark.parametrize("seed", [0, 2**64 - 1])
def test_the_words_are_those_of_the_streams(seed):
    stream = next(randomness.blocks("stream", seed))
    np.testing.assert_array_equal(stream, words_of(seed, 0, randomness.LAYER, len(stream)))
    for order, place in (("networks", lambda k: (k, randomness.LAYER)), ("layers", lambda k: (0, k))):
        first, second = (block.copy() for block, _ in zip(randomness.blocks(order, seed), range(2), strict=False))
        for k in (0, 17, LANES * randomness.GROUPS + 35):
            group, lane = divmod(k % (LANES * randomness.GROUPS), LANES)
            found = (first if k < LANES * randomness.GROUPS else second)[group, :, lane]
            np.testing.assert_array_equal(found, words_of(seed, *place(k), randomness.WORDS))


def test_a_terminal_and_a_wrong_seed_are_refused(monkeypatch, capsys):
    for arguments, terminal, words in ((["--seed", "-1"], False, "--seed must be"), ([], True, "not for a terminal")):
        monkeypatch.setattr("sys.argv", ["randomness", *arguments])
        monkeypatch.setattr("sys.stdout.isatty", lambda terminal=terminal: terminal)
        with pytest.raises(SystemExit):
            randomness.main()
        assert words in capsys.readouterr().err
