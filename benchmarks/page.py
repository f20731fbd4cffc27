"""The page RESULTS.md: words around the tables."""

from __future__ import annotations

from benchmarks import growth, machine, ours, report, rivals, training
from benchmarks.report import Results


def page(results: Results) -> str:
    """Return the whole page."""
    measured, baseline = results.measured, report.forward_of(results.measured)
    versions = ", ".join(f"{name} {number}" for name, number in results.machine["versions"].items())
    quick = "A quick run, for development: short measurements, few rounds.\n\n" if results.quick else ""
    return f"""# What a sample costs

{quick}Written by `make bench` in one run of {results.elapsed_s / 60:.1f} minutes on {results.machine["processor"]}, \
{results.machine["cores"]} cores, {results.machine["system"]}; load average {results.machine["load"]:.1f} \
when it began: the figures want a quiet machine.
{versions}.

The unit, unless another is named, is a nanosecond per coordinate, layer and network. Every figure is the median of \
{results.rounds} rounds; a round times every candidate once, every second round backwards. All have been called before, all \
are held to one thread (ours on two threads aside), and each runs at the fastest batch that was tried. Ratios say more \
than nanoseconds: the processor sets those.

## Goals

{report.goal_table(results.goals)}

The last column is the factor by which the goal is met or missed. A library counts with its fastest way.

## Ours

`simulate` from the description of the network to the labelled Dataset, at depth {ours.DEPTH}, one-matrix ReLU where nothing \
else is said. Two inputs go through the same network, two-matrix blocks draw two numbers a coordinate: both count as one \
coordinate here.

{report.our_table(measured, list(ours.VARIANTS))}

The radial chains draw a few numbers a layer, whatever the width: ns per layer and network.

{report.our_table(measured, list(ours.RADIAL))}

## The same networks with their matrices, float32

Fresh matrices for every network and layer. Mean and spread of each rival's draws were compared with ours \
before it was timed.

{report.rival_table(measured, rivals.MATRICES, baseline)}

## The same networks without matrices, float32

{report.rival_table(measured, rivals.MATRIX_FREE, baseline)}

## Bare Gaussian fills: ns per number

The numbers alone, no network; the last column compares with our whole forward pass at n = 100. MKL chooses its code by the \
maker of the processor, and may run its plainer code on one that is not Intel's.

{report.rival_table(measured, "fill", baseline)}

## The floor: {report.figure(results.floor)} ns

An estimate, under one assumption: nothing but multiply-adds takes time. The transform of two words to two normal numbers \
needs {2 * machine.TRANSFORM:.0f} of them (products included), the network {machine.NETWORK} a coordinate; a small kernel \
reached {results.multiply_adds_per_s / 1e9:.1f} · 10⁹ float32 multiply-adds a second on one core. The generator's integer \
operations, the square root and memory come on top. Our forward pass at n = 100 takes \
{report.figure(_over_floor(results, baseline))} times the floor.

## How cost grows

{report.growth_table(results.growths)}

The fixed cost is that of one call for one network with n = d = 1. Each time is the least of its rounds. \
The fixed cost is taken off before the fit, and points under \
{growth.ABOVE_FIXED:.0f} times the fixed cost are not fitted. Linear means an exponent within {growth.TOLERANCE} of 1.

![Time of one call over width, depth and the number of networks](growth.png)

## Missing

{report.missing_text(results.missing)}
{"" if results.training is None else chr(10) + training.section(results.training)}"""


def _over_floor(results: Results, baseline: dict[int, float | None]) -> float | None:
    forward = baseline.get(100)
    return None if forward is None else forward / results.floor
