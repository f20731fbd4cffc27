"""The raw words of our streams on standard output, for a battery of tests of randomness: 32 bits each, low byte first.

``python -m benchmarks.randomness --order networks --seed 1 | RNG_test stdin32`` is such a test, with PractRand.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator

import numpy as np

from reslim.simulation.generator import CHANNEL, U32, begin, fill_words, networks_of
from reslim.simulation.jit import allocating
from reslim.simulation.lanes import LANES

WORDS = 64  # of each stream, where there are many
LAYER = 1  # where there is one layer; the network is then 0
GROUPS, LONG = 256, 16_384  # the sizes of the blocks


@allocating
def fill_networks(seed, first, layer, channel, out):
    """Fill out (groups, count, LANES) with the beginnings of the streams of the networks first, first + 1, …. O(size)."""
    key, stream = np.empty((2, LANES), U32), np.empty((4, LANES), U32)
    for group in range(out.shape[0]):
        networks_of(np.uint64(first) + np.uint64(group * LANES), key)
        begin(stream, seed, key, layer, channel)
        fill_words(stream, out[group])


@allocating
def fill_layers(seed, first, channel, out):
    """Fill out (groups, count, LANES) with the beginnings of the streams of network 0's layers first, …. O(size)."""
    key, stream, beginning = np.empty((2, LANES), U32), np.empty((4, LANES), U32), np.empty((4, LANES), U32)
    networks_of(np.uint64(0), key)
    for group in range(out.shape[0]):
        for lane in range(LANES):
            begin(beginning, seed, key, first + group * LANES + lane, channel)
            stream[:, lane] = beginning[:, 0]
        fill_words(stream, out[group])


def blocks(order: str, seed: int) -> Iterator[np.ndarray]:
    """Yield words without end: of one stream, or of 16 networks or layers at a time, in turn, 64 from each."""
    many, long, key = np.empty((GROUPS, WORDS, LANES), U32), np.empty((LONG, LANES), U32), np.empty((2, LANES), U32)
    stream, seed_word, first = np.empty((4, LANES), U32), np.uint64(seed), 0
    networks_of(np.uint64(0), key)
    begin(stream, seed_word, key, LAYER, CHANNEL.forward)
    while True:
        if order == "stream":
            fill_words(stream, long)
            yield long[:, 0]
        elif order == "networks":
            fill_networks(seed_word, np.uint64(first), LAYER, CHANNEL.forward, many)
            yield many
        else:
            fill_layers(seed_word, first, CHANNEL.forward, many)
            yield many
        first += GROUPS * LANES


def main() -> None:
    """Write the words until enough are written, or nobody reads them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--order", choices=("stream", "networks", "layers"), default="stream", help="which words, in turn")
    parser.add_argument("--seed", type=int, default=0, help="below 2⁶⁴")
    parser.add_argument("--bytes", type=int, help="how many; without end if not given")
    options = parser.parse_args()
    if sys.stdout.isatty():
        parser.error("the words are bytes for a program, not for a terminal: pipe them")
    if not 0 <= options.seed < 2**64:
        parser.error(f"--seed must be a whole number from 0 to 2⁶⁴ - 1, got {options.seed}")
    left = sys.maxsize if options.bytes is None else options.bytes
    try:
        for block in blocks(options.order, options.seed):
            if left <= 0:
                break
            left -= sys.stdout.buffer.write(block.astype("<u4", copy=False).tobytes()[:left])
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
