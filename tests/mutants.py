"""Break the library on purpose and see the tests turn red: ``python tests/mutants.py [words …]``.

Each mutant is one exact replacement in a copy of src/; the tests it names must pass on the copy as it stands and fail
on the mutated one. With words, only the mutants whose description holds one of them are tried. Append to MUTANTS.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
SIM = "simulation/{}.py"
THEORY = "theory/{}.py"
SWEEP = "experiments/sweep/{}.py"
TORCH = "pytorch/{}.py"
THREE = "tests/test_three_interpreters.py::test_the_three_agree"
DATA = "training/data/{}.py"
REGULAR = "regularity/{}.py"
STACKED = ("tests/training/test_batched_stack.py",)
STACK, ENSEMBLE, GRID = "training/stack.py", "training/ensemble.py", "experiments/training.py"
GALLERY = "experiments/gallery/{}.py"
TRAIN = "training/{}.py"


class Mutant(NamedTuple):
    """A fault: `old` occurs exactly once in src/reslim/`file`; `tests` are pytest's own words for what must see it."""

    words: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


def law(case: str) -> tuple[str, ...]:
    return (f"tests/simulation/test_matrix_free_law.py::test_same_law_as_explicit_matrices[{case}]",)


def radial(case: str) -> tuple[str, ...]:
    return (f"tests/simulation/test_radial_law.py::test_same_law_as_the_matrix_free_sampler[{case}]",)


def test(file: str, name: str) -> tuple[str, ...]:
    return (f"tests/simulation/test_{file}.py::test_{name}",)


def against(case: str) -> tuple[str, ...]:
    return (f"tests/test_theory_against_simulation.py::test_law_and_networks_agree_at_every_layer[{case}]",)


def lanes(what: str, case: str) -> tuple[str, ...]:
    return (f"tests/simulation/test_in_lanes.py::test_{what}_on_the_same_noise[{case}]",)


def plain(case: str, inputs: str) -> tuple[str, ...]:
    return (f"tests/simulation/test_plain.py::test_states_in_double_precision[{case}-{inputs}-single]",)


def sweep(name: str) -> tuple[str, ...]:
    return (f"tests/experiments/test_sweep.py::test_{name}",)


def tasks(name: str) -> tuple[str, ...]:
    return (f"tests/experiments/test_sweep_tasks.py::test_{name}",)


def killed(name: str) -> tuple[str, ...]:
    return (f"tests/experiments/test_sweep_killed.py::test_{name}",)


def angle(name: str) -> tuple[str, ...]:
    return (f"tests/theory/test_angle.py::test_{name}",)


def adjoint(name: str) -> tuple[str, ...]:
    return (f"tests/theory/test_adjoint.py::test_{name}",)


def coupled(name: str) -> tuple[str, ...]:
    return (f"tests/theory/test_coupled.py::test_{name}",)


def built(case: str) -> tuple[str, ...]:
    return modules("build", "states_gradients_and_output_are_those_of_the_explicit_sampler" + case)


def modules(file: str, name: str) -> tuple[str, ...]:
    return (f"tests/pytorch/test_{file}.py::test_{name}",)


def fitted(file: str, name: str) -> tuple[str, ...]:
    return (f"tests/training/test_{file}.py::test_{name}",)


def grown(name: str) -> tuple[str, ...]:
    return (f"tests/experiments/test_training_grid.py::test_{name}",)


def regular(file: str, name: str) -> tuple[str, ...]:
    return (f"tests/regularity/test_{file}.py::test_{name}",)


def displaced(name: str) -> tuple[str, ...]:
    return (f"tests/theory/test_displacement_law.py::test_{name}",)


def regimes(name: str) -> tuple[str, ...]:
    return (f"tests/theory/test_regimes.py::test_{name}",)


def limits(name: str) -> tuple[str, ...]:
    return (f"tests/theory/test_limits.py::test_{name}",)


def images(file: str, name: str) -> tuple[str, ...]:
    return (f"tests/training/data/test_{file}.py::test_{name}",)


FINITE = "gradients_are_finite_differences"


def trained(name: str, file: str = "train") -> tuple[str, ...]:
    return (f"tests/training/test_{file}.py::test_{name}",)


def command(name: str) -> tuple[str, ...]:
    return (f"tests/cli/test_cli_train.py::test_{name}",)


MUTANTS = [
    # matrix-free
    Mutant("the variance is applied twice", SIM.format("joint"), "net.branches * math.sqrt(net.variances[1] / net.width)",
           "net.branches * net.variances[1] / math.sqrt(net.width)", plain("tanh, one-matrix", "one")),
    Mutant("the variance is applied twice, seen in the law alone", SIM.format("joint"),
           "net.branches * math.sqrt(net.variances[1] / net.width)", "net.branches * net.variances[1] / math.sqrt(net.width)",
           law("tanh")),
    Mutant("the inner variance is applied twice", SIM.format("joint"), "gain_in=math.sqrt(net.variances[0] / n)",
           "gain_in=net.variances[0] / math.sqrt(n)", plain("tanh, two-matrix", "one")),
    Mutant("z_0 has lost its √n_in", SIM.format("joint"), "gain_start=1.0 / math.sqrt(net.n_in)", "gain_start=1.0",
           plain("relu, one-matrix", "one")),
    Mutant("z_out has lost its √n", SIM.format("joint"), "gain_out=1.0 / math.sqrt(n)", "gain_out=1.0",
           plain("relu, one-matrix", "one")),
    Mutant("Wᵀp is not conditioned on Wx", SIM.format("lane_products"),
           "        given(w, matrix, p + a * rows, out + a * rows)\n", "", plain("relu, one-matrix", "one")),
    Mutant("Wᵀp is not conditioned on Wx, seen in the law alone", SIM.format("lane_products"),
           "        given(w, matrix, p + a * rows, out + a * rows)\n", "", law("relu, width 1")),
    Mutant("the conditioning forgets to project the fresh part", SIM.format("lane_products"),
           "weight = known - inner_product(w, basis, out, rows) / square", "weight = known", plain("gelu, two-matrix", "two")),
    Mutant("the conditioning has the wrong scale", SIM.format("lane_products"), "p, rows) / sqrt(square)", "p, rows) / square",
           plain("gelu, two-matrix", "two")),
    Mutant("the conditioning is on the first input alone", SIM.format("lane_products"),
           "    for c in range(matrix.inputs):\n        square, basis", "    for c in range(1):\n        square, basis",
           plain("gelu, one-matrix", "two")),
    Mutant("Gram and Schmidt forget a coefficient", SIM.format("lane_products"),
           "store(w, coefficients + c, load(w, coefficients + c) + weight)", "store(w, coefficients + c, weight)",
           plain("tanh, one-matrix", "two")),
    Mutant("opposite vectors are taken as equal", SIM.format("lane_products"), "lane] = sign * w[matrix.lower",
           "lane] = w[matrix.lower", test("lane_products", "equal_and_opposite_vectors_have_equal_and_opposite_products")),
    Mutant("equal vectors are equal to rounding only", SIM.format("lane_products"), "            liken(w, matrix, a, lane)\n", "",
           test("lane_products", "equal_and_opposite_vectors_have_equal_and_opposite_products")),
    Mutant("two matrices have one channel", SIM.format("generator"), "    backward: int = 2", "    backward: int = 0",
           test("generator", "channels_of_different_inputs_do_not_meet")),
    Mutant("forward and backward share their noise", SIM.format("joint_backward"), "layer, CHANNEL.backward,",
           "layer, CHANNEL.forward,", plain("relu, one-matrix", "one")),
    Mutant("two replicas share a stream", SIM.format("generator"), "network = np.uint64(first) + np.uint64(lane)",
           "network = (np.uint64(first) + np.uint64(lane)) >> np.uint64(1)",
           test("replicas", "neighbouring_replicas_and_layers_are_independent")),
    Mutant("the stream depends on the batch", SIM.format("generator"), "network = np.uint64(first) + np.uint64(lane)",
           "network = np.uint64(lane)", test("generator", "a_stream_does_not_depend_on_the_batch")),
    Mutant("two inputs share their noise", SIM.format("lane_products"), "channel + CHANNELS * c)", "channel)",
           plain("relu, one-matrix", "two")),
    Mutant("sign coins are shared between layers", SIM.format("joint_forward"), "max(layer - 1, 0)", "0",
           plain("relu, one-matrix, balanced", "one")),
    Mutant("sign coins are missing in the derivative", SIM.format("joint_forward"), "coin * slope * load", "slope * load",
           plain("relu, one-matrix, balanced", "one")),
    Mutant("tangents: every input has the slopes of the first", SIM.format("joint_forward"),
           "multiply_by_slopes(w, at, a - at.inputs, at.h", "multiply_by_slopes(w, at, 0, at.h",
           plain("tanh, one-matrix", "two")),
    Mutant("tangents: a matrix of their own", SIM.format("joint_forward"),
           "copy(w, at.z, w, at.inner.basis, at.vectors * at.rows)",
           "copy(w, at.z, w, at.inner.basis, at.inputs * at.rows)", plain("relu, two-matrix", "one")),
    Mutant("tangents: gradients do not know what the matrices did to them", SIM.format("lane_products"),
           "    for c in range(matrix.inputs):\n        square, basis",
           "    for c in range((matrix.inputs + 1) // 2):\n        square, basis", plain("tanh, one-matrix", "one")),
    Mutant("tangents: t_0 is p_d", SIM.format("generator"), "    tangent: int = 8", "    tangent: int = 6",
           test("generator", "channels_of_different_inputs_do_not_meet")),
    Mutant("a wrong coin for every second unit", SIM.format("generator"), "0.5 * np.float64(spare & U32(4))",
           "np.float64(spare & U32(2))", test("generator", "signs_are_fair_and_independent")),
    Mutant("gradients are recorded one layer too late", SIM.format("joint_backward"),
           "record_gradients(w, at, found, layers[layer].row)", "record_gradients(w, at, found, layers[layer + 1].row)",
           plain("relu, one-matrix", "one")),
    Mutant("p_d is not put across z_d", SIM.format("joint_backward"), "if at.functional == 2:", "if at.functional == 3:",
           ("tests/test_functional.py",)),
    Mutant("the inner weights' gradient is left out", SIM.format("joint_backward"), "weight + (at.gain_in * gain) ** 2",
           "weight + 0.0 * (at.gain_in * gain) ** 2", plain("relu, two-matrix", "one")),
    Mutant("a replayed segment is one layer off", SIM.format("joint_backward"), "restore(w, at, at.segment + index)",
           "restore(w, at, at.segment + max(index - 1, 0))", test("extremes", "replay_from_checkpoints_is_bit_for_bit")),
    Mutant("a rescaled state keeps its exponent", SIM.format("joint_forward"), "load(w, at.exponent + a) + shift)",
           "load(w, at.exponent + a))", lanes("forward", "far from 1")),
    Mutant("nearly equal inputs are merged", SIM.format("lane_products"), "NULL = 1e-26", "NULL = 1e-12",
           test("matrix_free_law", "nearly_equal_inputs_are_told_apart")),
    Mutant("a dead state keeps its exponent", SIM.format("joint_forward"),
           "e = where_greater(load(w, square), 0.0, load(w, exponent), f)", "e = load(w, exponent)",
           test("extremes", "a_net_that_dies_far_from_its_start_has_moved_by_its_start")),
    Mutant("a wrong digit in tanh, double precision", SIM.format("double_activations"), "0.1518030103388695",
           "0.1518030203388695", test("double_activations", "values_keep_their_digits[tanh-1]")),
    Mutant("a wrong digit in the sine, double precision", SIM.format("generator"), "8.33333333332248946124e-03",
           "8.33343333332248946124e-03", test("generator", "double_precision_is_the_box_muller_transform")),
    # in lanes
    Mutant("two layers share a stream", SIM.format("forward"), "block.key, layer, CHANNEL.forward)",
           "block.key, layer // 2, CHANNEL.forward)", lanes("forward", "relu")),
    Mutant("a lane is mixed up", SIM.format("lane_records"), "= rows[place, lane]", "= rows[place, lane ^ 1]",
           lanes("forward", "relu")),
    Mutant("a page is handed over without its last layer", SIM.format("lane_records"), "first : last + 1", "first : last",
           test("replicas", "recorded_layers_do_not_matter_beyond_a_page")),
    Mutant("a page forgets the factors of its layers", SIM.format("lane_records"), "page.scale[place] = scale",
           "page.scale[place] = 0.0", lanes("forward", "far from 1")),
    Mutant("a page is turned a layer late", SIM.format("lane_records"), "slot % LAYERS == LAYERS - 1", "slot % LAYERS == 0",
           test("replicas", "recorded_layers_do_not_matter_beyond_a_page")),
    Mutant("what was in the memory at the last state stays", "results.py", "np.flatnonzero(~np.isin(union, own)))] = np.nan",
           "np.flatnonzero(~np.isin(union, own)))] *= 1.0", test("replicas", "what_was_in_the_memory_does_not_matter")),
    Mutant("a sum of powers of two forgets one of them", SIM.format("lane_algebra"), "x * u * u + y * v * v", "x + y * v * v",
           lanes("gradients", "far from 1")),
    Mutant("the unit beyond an odd width has a coin", SIM.format("forward"), " if i + 1 < n else b", "",
           lanes("forward", "balanced, odd")),
    Mutant("a dead state has active units behind a matrix", SIM.format("forward"),
           "singles(where_greater(length, 0.0, doubles_of(1.0), 0.0))", "singles_of(F32(1.0))",
           lanes("forward", "two-matrix, no skip, some die")),
    Mutant("dead units count as active", SIM.format("forward"), "where_greater(square, 0.0, n - negative, 0.0)", "n - negative",
           lanes("forward", "no skip, some die")),
    Mutant("coins of the wrong bits", SIM.format("forward"), "shl(w2 & 4, 29)", "shl(w2 & 2, 30)",
           lanes("forward", "balanced, negative skip")),
    Mutant("a rescaled lane keeps its exponent", SIM.format("forward"), "load(block.state, 3) + shift", "load(block.state, 3)",
           lanes("forward", "towards 0")),
    Mutant("the scale of a smooth activation is a layer old", SIM.format("forward"),
           "scale_at(plan, layer + 1, ", "scale_at(plan, layer, ", lanes("forward", "silu, uneven")),
    Mutant("odd widths count the row beyond", SIM.format("forward"), "            if i + 1 == n:",
           "            if i + 1 == n + 1:",
           lanes("forward", "relu")),
    Mutant("the gradient forgets what W φ(z) says of W", SIM.format("backward"),
           "fma(w, load(tape.x, i), length * load(tape.t, i))", "length * load(tape.t, i)", lanes("gradients", "relu")),
    Mutant("the gradient forgets what W z says of W", SIM.format("backward"), "fma(w, load(z, i), narrow * load(tape.t, i))",
           "narrow * load(tape.t, i)", lanes("gradients", "two-matrix")),
    Mutant("a segment is replayed from the state after its first", SIM.format("backward"), "block.z[place], block.z[place + 1]",
           "block.z[place + 1], block.z[place + 1]", test("in_lanes", "replay_from_checkpoints_is_bit_for_bit")),
    Mutant("the last state is that of the segment", SIM.format("tape"), "if layer < depth else tape.segment", "if True else 0",
           lanes("gradients", "relu")),
    Mutant("the gradient has lost the derivative's sign", SIM.format("backward"), "coin * slope)", "slope)",
           lanes("gradients", "balanced, negative skip")),
    # polynomials, in the fifth digit
    Mutant("a wrong digit in tanh", SIM.format("lane_activations"), "0.1003085581", "0.1003185581",
           test("lane_activations", "relative_error[tanh-1]")),
    Mutant("a wrong digit in erf", SIM.format("lane_activations"), "0.06443399664", "0.06444399664",
           test("lane_activations", "relative_error[erf-1]")),
    Mutant("a wrong digit in the tail of gelu", SIM.format("lane_activations"), "1.193693851", "1.193793851",
           test("lane_activations", "relative_error[gelu--1]")),
    Mutant("tanh's slope without its square", SIM.format("lane_activations"), "(total * total), F32", "total, F32",
           test("lane_activations", "slopes[tanh]")),
    Mutant("silu's slope without its second term", SIM.format("lane_activations"), "(F32(1.0) + b / total)", "F32(1.0)",
           test("lane_activations", "slopes[silu]")),
    Mutant("a saturated activation at the steepest scale", SIM.format("forward"),
           "where_greater(1.0, share, share * share, 1.0)", "1.0",
           test("in_lanes", "gradients_on_the_same_noise[erf, growing]")),
    Mutant("a wrong digit in exp", SIM.format("lane_activations"), "0.166676364846", "0.166686364846",
           test("lane_activations", "relative_error[silu-1]")),
    Mutant("a wrong digit in the logarithm", SIM.format("generator"), "0.5000414868086528", "0.5000514868086528",
           test("lane_activations", "the_constants_of_the_normals_are_as_good_as_the_fits[LOG]")),
    Mutant("a wrong digit in the sine", SIM.format("generator"), "0.07968992687188088", "0.07969992687188088",
           test("lane_activations", "the_constants_of_the_normals_are_as_good_as_the_fits[SIN]")),
    # the generator and the scalars
    Mutant("a wrong rotation in the cipher", SIM.format("generator"), "23, 5)\n    a, b, c, d = four_rounds(a + k1",
           "23, 7)\n    a, b, c, d = four_rounds(a + k1",
           test("generator", "a_stream_is_xoshiro_from_the_cipher_of_seed_network_layer_and_channel")),
    Mutant("a wrong digit in the cosine", SIM.format("generator"), "-1.2337005343071767", "-1.2347005343071767",
           test("generator", "single_precision_is_the_box_muller_transform")),
    Mutant("the chi-square has one degree of freedom too many", SIM.format("scalars"), "d = 0.5 * k - 1.0 / 3.0",
           "d = 0.5 * k + 1.0 / 6.0", test("scalars", "chi_square")),
    Mutant("the binomial's mode is off", SIM.format("scalars"), "mode = (n + 1) // 2", "mode = (n + 1) // 2 + 40",
           test("scalars", "binomial_half")),
    Mutant("a long stream repeats itself", SIM.format("scalars"), "stream[2] + (stream[4] >> np.uint64(28) << np.uint64(1))",
           "stream[2]", test("scalars", "a_stream_never_repeats_however_long")),
    # explicit
    Mutant("columns: the inner matrix is not transposed", SIM.format("columns"), "apply(matrices.w[l].T, ",
           "apply(matrices.w[l], ",
           test("explicit", FINITE)),
    Mutant("columns: tangents have lost √v_in", SIM.format("columns"), "factors.gain_in if two_matrix else 1.0", "1.0",
           test("tangents", "along_its_state_a_homogeneous_network_grows_like_the_state")),
    Mutant("columns: the variance is applied twice", SIM.format("columns"),
           "net.branches * math.sqrt(v_out / net.width)",
           "net.branches * v_out / math.sqrt(net.width)", test("explicit", "forward_is_the_definition")),
    Mutant("seeds of the explicit sampler collide", SIM.format("explicit"),
           "[seed & low, seed >> 32, replica & low, replica >> 32]", "(seed, replica)",
           test("explicit", "weights_depend_on_seed_and_replica_alone")),
    # radial
    Mutant("the branch has one coordinate too many", SIM.format("radial"), "words, n - 2)\n        split",
           "words, n - 1)\n        split", radial("two-matrix")),
    Mutant("the known part of Vᵀp is drawn afresh", SIM.format("radial"), "known**2 + p**2 * chi_square(stream, words, k - 1)",
           "p**2 * chi_square(stream, words, k)", radial("two-matrix")),
    Mutant("the part of p' across z' is forgotten", SIM.format("radial"), "    if across > 0.0:",
           "    if across < 0.0:", radial("two-matrix")),
    Mutant("the chain without skips forgets what died", SIM.format("radial"), "k = 0 if dead else binomial_half(",
           "k = binomial_half(", radial("one-matrix, no skip: many die")),
    # theory
    Mutant("a factor 2 is dropped in the Balanced variance", THEORY.format("growth"),
           "net, 5.0 * r**2 + 4.0 * r * (1.0 - r), finite",
           "net, 5.0 * r**2 + 2.0 * r * (1.0 - r), finite", against("Balanced")),
    Mutant("κ is replaced by ρκ'", THEORY.format("growth"), "own + 2.0 * r * kappa[:-1]", "own + 2.0 * r * drift[:-1]",
           ("tests/theory/test_growth.py::test_worked_values",)),
    Mutant("the drift of the mean has lost its half", THEORY.format("growth"), "0.5 * cumulated(own + r * drift[:-1])",
           "0.5 * cumulated(own + 2.0 * r * drift[:-1])", against("vanilla")),
    Mutant("the two-matrix block has the one-matrix variance", THEORY.format("growth"), "7.0 * r**2", "5.0 * r**2",
           against("two matrices, uneven")),
    Mutant("the skip's sign is lost", THEORY.format("shares"), "net.skips / np.sqrt(total)", "np.abs(net.skips) / np.sqrt(total)",
           against("vanilla, negative skip")),
    Mutant("a schedule is read one layer late", THEORY.format("sums"), "weights[: depth - lag + 1] * f(rho)",
           "weights[lag - 1 :] * f(rho)", ("tests/theory/test_sums.py",)),
    Mutant("the branch's share ignores v_in", THEORY.format("shares"), "(1.0 + slope**2) * v_in * v_out",
           "(1.0 + slope**2) * v_out",
           against("two matrices, uneven")),
    Mutant("hypoactivation has lost a factor 2", THEORY.format("activity"),
           "half - 0.25 * earlier_sums", "half - 0.5 * earlier_sums",
           ("tests/test_agreement.py::test_hypoactivation_needs_networks_to_be_seen",)),
    Mutant("interlayer covariance of the wrong share", THEORY.format("activity"), "signs.kappa(rho) / (4.0 * net.width)",
           "signs.sign_sign(rho) / (4.0 * net.width)",
           ("tests/test_theory_against_simulation.py::test_interlayer_covariance[active_energy-vanilla]",)),
    Mutant("the gradient's law starts at the wrong end", THEORY.format("growth"), "(values[-1] - values for values in steps)",
           "(values for values in steps)", against("Balanced, schedule")),
    Mutant("the infinite-width limit of tanh forgets the variance", THEORY.format("mean_field"),
           "np.log(skip[layer] + branch[layer] * inner * shares[layer])",
           "np.log(skip[layer] + inner * shares[layer])", ("tests/theory/test_mean_field.py",)),
    Mutant("the output's law forgets the input layer", THEORY.format("forward_law"),
           "variance=law.variance + second, errors", "variance=law.variance, errors",
           against("Balanced, narrow")),
    # the summary without draws
    Mutant("blocks are merged without the difference of their means", SIM.format("moments"), "fourth += 6.0 * d**2",
           "fourth += 0.0 * d**2", test("moments", "merged_moments_are_those_of_the_whole")),
    Mutant("blocks are merged as they come", SIM.format("streaming"), "self.waiting[found.number] = found\n",
           "self.found = found if self.found is None else self.found.plus(found)\n",
           test("streaming", "threads_and_batches_do_not_matter")),
    Mutant("bins are equally wide, not equally full", SIM.format("bins"), "spare * counts", "0 * counts",
           test("bins", "a_quantile_is_that_of_a_level_off_by_less_than_one_thousandth")),
    # comparison
    Mutant("the law is allowed any variance", "theory/law.py", "np.nan_to_num(errors.variance_bound / variance, nan=0.0)",
           "0.4 + np.nan_to_num(errors.variance_bound / variance, nan=0.0)",
           ("tests/test_agreement.py::test_a_variance_that_is_3_percent_wrong_differs",)),
    Mutant("few networks are enough", "goodness.py", "return self.noise <= max(self.allowed, self.resolution)", "return True",
           ("tests/test_agreement.py::test_too_few_networks_are_unresolved_with_the_number_that_would_do",)),
    # the gradient of vanilla networks
    Mutant("gradient: the angle does not pull", "theory/angle_law.py", "rate.mean + rate.pull * self.square",
           "rate.mean + rate.pull + 0.0 * self.square", angle("moments_and_law_of_the_brownian_formula")),
    Mutant("gradient: the angle has a noise of its own", "theory/angle_law.py",
           "slide = (rate.covariance - rate.variance) / (2.0 * self.h)", "slide = 0.0",
           angle("moments_and_law_of_the_brownian_formula")),
    Mutant("gradient: later layers from the wrong end", "theory/sums.py", "np.append(steps[-2::-1], steps[0])", "steps[::-1]",
           angle("rates_keep_the_identities")),
    Mutant("gradient: no boundary term", "theory/angle_law.py", "return mean - boundary(net), variance",
           "return mean + boundary(net), variance", angle("law_against_networks")),
    Mutant("gradient: the pull has no memory", "theory/angle.py", "(pull + 0.5 * drift) / n", "pull / n",
           angle("rates_of_a_deep_network")),
    Mutant("gradient: a leaky unit forgets nothing", "theory/angle.py", "odd, n = asymmetry(net) ** 2", "odd, n = asymmetry(net)",
           adjoint("piecewise_linear_activations_keep_their_closed_forms")),
    # gradients, weights and active shares of every activation
    Mutant("adjoint: a unit does not feel the norm that it made", "theory/adjoint.py", "* variance_q[:-1] + tilt)",
           "* variance_q[:-1])", adjoint("worked_values")),
    Mutant("adjoint: a factor in κ_D", "theory/slopes.py", "slope = found[:, 2] / np.sqrt(2.0)", "slope = found[:, 2] / 2.0",
           adjoint("worked_values")),
    Mutant("adjoint: the pull halved", "theory/fast_angle.py", "2.0 * r / tau * meeting", "1.0 * r / tau * meeting",
           adjoint("worked_values")),
    Mutant("adjoint: the units forget the gradient", "theory/adjoint.py", "(1.0 - r_b) * turn.kept", "(1.0 - r_b) * 1.0",
           adjoint("worked_values")),
    Mutant("adjoint: the wrong sign of C", "theory/layer_sum.py", "* found.cross)\n        cross =",
           "* -found.cross)\n        cross =", adjoint("worked_values")),
    Mutant("adjoint: j = 0 left out", "theory/fast_angle.py", "alpha @ (a * powers * (turned - lower))",
           "alpha[1:] @ (a * powers * (turned - lower))[1:]", adjoint("worked_values")),
    Mutant("adjoint: the slow angle is not renewed", "theory/slow_rates.py", "fresh * 2.0 * safe", "fresh * 1.0 * safe",
           adjoint("at_a_fixed_depth_the_slow_angle_gives_the_fast_one_s_law")),
    Mutant("adjoint: the steady pull without the branch's energy", "theory/fast_angle.py", "pull[l] = energy + 2.0",
           "pull[l] = 2.0", adjoint("the_slow_angle_s_rates_are_those_of_homogeneous_networks")),
    Mutant("adjoint: two matrices keep the angle at 1", "theory/adjoint.py", "(angle[1:] - 1.0) * pull", "0.0 * pull",
           adjoint("worked_values")),
    Mutant("adjoint: Balanced units remember their side", "theory/memory.py", "kept[:, 1::2] = 0.0", "pass",
           adjoint("independent_layers_give_the_forward_law")),
    Mutant("adjoint: a block's own energy is lost", "theory/weights.py", "+ tilt - 0.5 * unit.spread", "+ tilt",
           adjoint("the_weights_of_one_layer_are_the_active_energy")),
    Mutant("adjoint: the two matrices of a block are alike", "theory/weights.py", "before = 1.0 - after", "before = after",
           adjoint("the_laws_are_those_of_the_networks")),
    Mutant("adjoint: active energy without ln q", "theory/activity_response.py", "moved, both = (kappa - 1.0) ** 2",
           "moved, both = 0.0", adjoint("the_laws_are_those_of_the_networks")),
    Mutant("sweep: a damaged chunk is believed", SWEEP.format("store"), 'if _checksum(content) == path.name.split(".")[1]:',
           "if content:", sweep("a_damaged_chunk_is_named_and_computed_again[-1]")),
    Mutant("sweep: the key of a chunk without its networks", SWEEP.format("plan"),
           "self.task.identity, [cell.to_json() for cell in cells]]", "self.task.identity]",
           sweep("what_is_finished_is_not_repeated")),
    Mutant("sweep: the key of a chunk without its settings", SWEEP.format("grid"), "[self.net.to_dict(), dict(self.settings)]",
           "[self.net.to_dict()]", tasks("the_settings_count_for_the_key_of_a_chunk")),
    Mutant("sweep: the key of a chunk without its task", SWEEP.format("plan"), "[self.fingerprint, self.task.name, ",
           "[self.fingerprint, ", tasks("tasks_never_share_a_chunk")),
    Mutant("sweep: settings are not checked", SWEEP.format("axes"), "return self.check(value)", "return value",
           tasks("bad_axes")),
    Mutant("sweep: the folder of another task is opened", SWEEP.format("store"), 'if values["task"] == self.task:', "if True:",
           tasks("no_task_goes_on_in_the_folder_of_another")),
    Mutant("sweep: the notes of the first cell are those of all", SWEEP.format("tables"), ".take(firsts)", ".take(0 * firsts)",
           tasks("what_is_finished_is_not_repeated")),
    Mutant("sweep: every cell has the seed after", SWEEP.format("simulation"), "(nets, **asked, threads=1,",
           '(nets, **asked | {"seed": (self.seed + 1) % 2**64}, threads=1,', sweep("a_cell_is_what_simulate_gives")),
    Mutant("sweep: what is finished is computed again", SWEEP.format("run"), "if chunk.key not in known]", "]",
           sweep("what_is_finished_is_not_repeated")),
    Mutant("sweep: a dead worker's chunk is forgotten", SWEEP.format("run"), "                    waiting.append(chunk)",
           "                    found = []", sweep("a_chunk_whose_worker_dies_is_tried_again_and_its_cell_named_in_the_end")),
    Mutant("sweep: a failure lets the rest begin", SWEEP.format("run"), "            future.cancel()", "            pass",
           sweep("what_has_not_begun_does_not_begin_after_a_failure")),
    Mutant("sweep: the samplers' sources do not count", SWEEP.format("kernels"), '"simulation/*.py", ', "",
           sweep("every_source_counts_for_the_fingerprint")),
    Mutant("sweep: workers with other code", SWEEP.format("task"), "if own != fingerprint:", "if False:",
           sweep("other_workers_are_refused")),
    Mutant("sweep: the plan is not looked at again", SWEEP.format("store"), "        self.compared(plan)\n        table",
           "        table", sweep("a_plan_that_was_replaced_meanwhile_keeps_its_folder")),
    Mutant("sweep: cells that share weights are split", SWEEP.format("simulation"), 'if sampler.name == "explicit":', "if False:",
           sweep("cells_that_share_their_weights_are_one_chunk")),
    Mutant("sweep: the grid's columns are those of the first axis", SWEEP.format("grid"), "self.shape)[axis]]", "self.shape)[0]]",
           sweep("the_table_is_tidy_and_the_same_as_the_dataset")),
    Mutant("sweep: living temporary files are removed", SWEEP.format("store"), "> STALE:", "> -1e9:",
           sweep("temporary_files_of_the_dead_are_removed_and_those_of_the_living_are_not")),
    Mutant("sweep: orphaned workers live on", SWEEP.format("workers"), "    Thread(target=end, daemon=True).start()", "    pass",
           killed("a_worker_and_then_the_command_are_killed")),
    Mutant("sweep: workers answer Ctrl-C", SWEEP.format("workers"), "    signal.signal(signal.SIGINT, signal.SIG_IGN)",
           "    signal.signal(signal.SIGINT, signal.default_int_handler)", killed("ctrl_c_is_the_parents_to_answer")),
    Mutant("sweep: a broken pool is not replaced", SWEEP.format("workers"), "except BrokenExecutor:", "except ZeroDivisionError:",
           killed("the_death_of_a_worker_costs_its_own_call_alone")),
    Mutant("sweep: the picture in natural logarithms", "plot/sweep.py", "(math.log(10.0) if _is_log(name) else 1.0)", "1.0",
           ("tests/plot/test_plot_sweep.py::test_a_map_shows_the_means_to_the_base_10",)),
    # many networks in one program
    Mutant("batched: signs stay out of the gradient", STACK, "q *= self.signs[:, l]\n", "pass\n", STACKED),
    Mutant("batched: skips stay out of the gradient", STACK, "p *= self.keep[:, l]\n", "pass\n", STACKED),
    Mutant("batched: a derivative at 0", "training/pointwise.py", "if kept[i] <= 0.0", "if kept[i] < 0.0", STACKED),
    Mutant("batched: subnormal numbers stay 0 afterwards", ENSEMBLE, "torch.set_flush_denormal(before)",
           "torch.set_flush_denormal(True)", ("tests/training/test_batched_stack.py",)),
    Mutant("batched: W without its transpose", STACK, "p.baddbmm_(w.mT, q)", "p.baddbmm_(w, q)", STACKED),
    Mutant("batched: gradients without the factors", STACK,
           "torch.mul(folded, _layers_first(self.factors[name]), out=_layers_first(self.grads[name]))",
           "_layers_first(self.grads[name]).copy_(folded)", STACKED),
    Mutant("batched: the networks that stay keep the others' signs", STACK, "self.signs[chosen]", "self.signs[: len(chosen)]",
           fitted("batched_stack", "the_networks_that_stay_are_not_changed")),
    Mutant("batched: all images in the first order", ENSEMBLE, "_order(member.seed, self.epoch,", "_order(member.seed, 0,",
           fitted("fit", "each_network_is_trained_as_if_alone")),
    Mutant("batched: one learning rate for all", ENSEMBLE,
           "self.epoch, self.members[member].lr)", "self.epoch, self.members[0].lr)",
           fitted("fit", "each_network_is_trained_as_if_alone")),
    Mutant("batched: weights of the first seed", ENSEMBLE, "explicit.draw_weights(net, seed, 0)",
           "explicit.draw_weights(net, 0, 0)",
           fitted("fit", "each_network_is_trained_as_if_alone")),
    Mutant("grid: the recipe's rate in every cell", GRID, 'cell.settings.get("lr", self.recipe.lr)', "self.recipe.lr",
           grown("every_cell_is_its_network_trained_alone")),
    Mutant("grid: diverged networks count", GRID,
           "if each.diverged is None]", "]", grown("statistics_are_over_the_seeds_that_did_not_diverge")),
    Mutant("grid: chunks without a bound", GRID, "max(1, min(MOST_NETWORKS, fit_in) // self.seeds)", "len(members)",
           grown("chunks_are_bounded_and_the_numbers_do_not_depend_on_them")),
    Mutant("grid: notes that are not there are read", "experiments/sweep/tables.py", " if named else [{}] * len(firsts)", "",
           grown("a_folder_is_gone_on_with_and_nothing_is_repeated")),
    # weights across depth
    Mutant("coupled: the ends of the spectrum count twice", SIM.format("across_depth"), "weight[0] = weight[-1] = 1.0", "",
           test("across_depth", "sample_covariances")),
    Mutant("coupled: a period too short", SIM.format("across_depth"), "for periods in (2, 4,", "for periods in (1, 2, 4,",
           test("across_depth", "the_covariance_is_that_of_the_coupling")),
    Mutant("coupled: negative eigenvalues are dropped", SIM.format("across_depth"), "> TOLERANCE * 2 * half:", "> 2 * half:",
           test("across_depth", "the_covariance_is_that_of_the_coupling")),
    Mutant("coupled: variances for deviations", SIM.format("across_depth"), "vectors[:, kept] * np.sqrt(values[kept])",
           "vectors[:, kept] * values[kept]", test("across_depth", "the_fallback_draws_the_same_law")),
    Mutant("coupled: lags cancel", "coupling.py", "np.expm1(power * np.log1p(-1.0 / lag))", "(1.0 - 1.0 / lag) ** power - 1.0",
           test("across_depth", "fractional_noise_keeps_its_digits_at_long_lags")),
    Mutant("coupled: V is W", SIM.format("explicit"), "series.draw(rng, matrices.reshape(net.depth, -1))",
           "series.draw(stream(1, 1), matrices.reshape(net.depth, -1))",
           test("coupled_networks", "drawn_weights_have_the_covariance")),
    Mutant("columns: the matrix is not transposed", SIM.format("columns"), "apply(matrices.v[l].T, after",
           "apply(matrices.v[l], after", test("explicit", "gradients_are_finite_differences")),
    Mutant("columns: signs stay out of the slope", SIM.format("columns"), "store(out, row, gain * signs[i] * slope",
           "store(out, row, gain * slope", test("explicit", "gradients_are_finite_differences")),
    Mutant("columns: W without its variance", SIM.format("columns"),
           "            scaled(paths.y, g, groups, factors.gain_in)", "            pass",
           test("explicit", "gradients_are_finite_differences")),
    Mutant("columns: all have the branch of the first", SIM.format("columns"), "gain[:, own] = (net.branches",
           "gain[:, own] = (nets[0].branches",
           test("coupled_networks", "an_axis_of_branch_factors_is_each_network_to_the_bit")),
    Mutant("columns: a power of two is lost", SIM.format("columns"), "exponents[g, lane] += shift", "exponents[g, lane] = shift",
           test("coupled_networks", "nothing_overflows")),
    Mutant("columns: a power of two is left to the next network", SIM.format("columns"), "    exponent[0] = 0.0\n", "",
           test("coupled_networks", "a_network_in_used_memory_is_the_same")),
    Mutant("conditional: the layers are a step apart", SIM.format("conditional"), "lag = time // inputs - earlier // inputs",
           "lag = time // inputs - earlier // inputs - 1", test("coupled_networks", "the_past_and_the_weights_give_one_law")),
    Mutant("conditional: the past is not taken out", SIM.format("conditional"), "new -= row[earlier] ** 2", "new -= 0.0",
           test("coupled_networks", "the_past_and_the_weights_give_one_law")),
    Mutant("conditional: W is V", SIM.format("conditional"),
           'inner = known_of(correlation, n, count, rng) if net.block == "two-matrix" else outer', "inner = outer",
           test("coupled_networks", "the_past_and_the_weights_give_one_law")),
    # scaling with depth
    Mutant("scaling: coupled branches forget the states", THEORY.format("coupled"), "2.0 * skips[l] * branches[l] * e[l] + ", "",
           coupled("networks_with_coupled_weights_follow_the_limit")),
    Mutant("scaling: W does not correlate", THEORY.format("coupled"), "lags * row if two else row", "row",
           displaced("the_first_order_of_the_limit")),
    Mutant("scaling: the gradient meets the layers in the other order", THEORY.format("coupled"),
           "lags = between[m::-1]", "lags = between[: m + 1]", coupled("networks_with_coupled_weights_follow_the_limit")),
    Mutant("scaling: signs leave the other parity", THEORY.format("kernels"), "sign = 1.0 if EVEN[kind] else -1.0",
           "sign = -1.0 if EVEN[kind] else 1.0", displaced("networks_that_hardly_move_at_any_width")),
    Mutant("scaling: the layer with itself has other signs", THEORY.format("coupled"),
           "        found[-1] = of(rho)[-1]  # the layer with itself has the same signs\n", "",
           coupled("independent_weights_give_the_ordinary_recursion")),
    Mutant("scaling: the direction of z_0 has a second ρ", THEORY.format("identity_side"),
           "(along - lags * slopes) / width", "0.0", displaced("networks_that_hardly_move_at_any_width")),
    Mutant("scaling: every pair of layers once", THEORY.format("identity_side"), "2.0 * weights * earlier", "weights * earlier",
           displaced("the_measured_ratios")),
    Mutant("scaling: dead networks have gradients", THEORY.format("growth"), "np.log1p(-(0.5**net.width))", "0.0",
           displaced("exact_root_mean_squares")),
    Mutant("scaling: no contraction", THEORY.format("displacement_law"), "& (np.abs(drift) <= DRIFT * ratio)", "",
           displaced("where_nothing_is_claimed")),
    Mutant("scaling: the gradient has the rank of the output", THEORY.format("regimes"), 'else 2 + _first_rank(net, "slope")',
           'else 1 + _first_rank(net, "slope")', regimes("the_table")),
    Mutant("scaling: the width plays no part", THEORY.format("regimes"), 'min(rank, 1 + _first_rank(net, "along"))', "rank",
           regimes("the_table")),
    Mutant("scaling: the exact line has another power", THEORY.format("regimes"), "/ (2.0 * np.log(depth))", "/ np.log(depth)",
           regimes("the_exact_line")),
    Mutant("scaling: coarse noise is not the sum", THEORY.format("diffusion"), "noise = noise[::2] + noise[1::2]",
           "noise = 2**0.5 * noise[::2]", limits("the_order_against_the_diffusion")),
    Mutant("scaling: signs are not averaged", THEORY.format("diffusion"), "(1.0, -1.0) if net.balanced else (1.0,)", "(1.0,)",
           limits("the_spread_by_hand")),
    Mutant("scaling: the flow has the process for its derivative", THEORY.format("flow"),
           'if self.coupling.kind == "process":\n            return found', "if True:\n            return found",
           limits("the_order_against_the_flow")),
    Mutant("scaling: no width in the normal law", THEORY.format("limits"), "(1.0 - 2.0 / net.width) * total", "total",
           limits("the_closed_forms_of_the_law")),
    Mutant("scaling: networks without an active unit grow", THEORY.format("lyapunov"), "np.append(none, density",
           "np.append(0.0, density", limits("the_exact_rate")),
    Mutant("pytorch: signs after the activation", TORCH.format("activations"), "self.phi(self.signs * h)",
           "self.signs * self.phi(h)", built("[one-matrix-gelu-balanced-independent-numbers]")),
    Mutant("pytorch: no v in the branch", TORCH.format("build"), "net.branches[l] * math.sqrt(v_out / net.width)",
           "net.branches[l] / math.sqrt(net.width)",
           (*built("[two-matrix-relu-vanilla-independent-numbers]"), THREE + "[two matrices]")),
    Mutant("pytorch: v_in and v_out exchanged", TORCH.format("build"), "(v_in, v_out), skip", "(v_out, v_in), skip",
           built("[two-matrix-tanh-vanilla-process-power]")),
    Mutant("pytorch: the skip of the first layer", TORCH.format("build"), "float(net.skips[l])", "float(net.skips[0])",
           built("[one-matrix-erf-vanilla-fractional-a layer]")),
    Mutant("pytorch: the next replica", TORCH.format("build"), "draw_weights(net, seed, 0)", "draw_weights(net, seed, 1)",
           built("[one-matrix-silu-vanilla-increments-numbers]")),
    Mutant("pytorch: no variance of coupled weights", TORCH.format("build"), "v_out / net.width", "1.0 / net.width",
           ("tests/test_three_interpreters.py::test_the_three_agree_where_weights_are_coupled_across_depth[fractional]",)),
    Mutant("pytorch: GELU by tanh", TORCH.format("activations"), "nn.GELU,", "lambda: nn.GELU('tanh'),",
           modules("build", "activations_and_their_derivatives[gelu]")),
    Mutant("pytorch: every leak 0.01", TORCH.format("activations"), "nn.LeakyReLU(phi.negative_slope)", "nn.LeakyReLU()",
           built("[one-matrix-leaky_relu:0.2-vanilla-independent-numbers]")),
    Mutant("pytorch: sizes left alone", TORCH.format("build"), "if size is not None", "if False",
           modules("build", "sizes_of_input_and_output_are_those_of_another_spec")),
    Mutant("pytorch: a batch folded into one", TORCH.format("blocks"), "return self.w_out(z)",
           "return self.w_out(z - z.mean(0, keepdim=z.ndim > 1))", modules("build", "a_batch_of_any_shape_is_its_inputs")),
    Mutant("pytorch: a factor folded and multiplied", TORCH.format("blocks"), "(c, 1.0) if", "(c, float(c)) if",
           (*modules("parametrisations", "both_are_the_same_function_until_they_are_trained[one-matrix]"),
            *modules("parametrisations", "parameters_are_the_drawn_weights_or_these_times_their_factors[one-matrix]"))),
    Mutant("pytorch: both parametrisations are one", TORCH.format("blocks"), 'if where == "init"', 'if where == "neither"',
           modules("parametrisations", "one_step_at_the_same_rate_makes_them_differ")),
    Mutant("pytorch: the other way round", TORCH.format("blocks"), 'if where == "init"', 'if where == "forward"',
           (*modules("parametrisations", "parameters_are_the_drawn_weights_or_these_times_their_factors[two-matrix]"),
            *modules("parametrisations", "the_rate_that_makes_training_the_same"))),
    Mutant("pytorch: signs are trained", TORCH.format("activations"),
           'self.register_buffer("signs", torch.tensor(signs, dtype=dtype))',
           "self.signs = nn.Parameter(torch.tensor(signs, dtype=dtype))", modules("module", "names_of_parameters_and_buffers")),
    Mutant("pytorch: signs are not saved", TORCH.format("activations"), "torch.tensor(signs, dtype=dtype))",
           "torch.tensor(signs, dtype=dtype), persistent=False)",
           modules("module", "saved_weights_make_the_same_function_of_another_seed")),
    Mutant("pytorch: the factor after the matrix", TORCH.format("blocks"), "F.linear(self.factor * x, self.weight)",
           "self.factor * F.linear(x, self.weight)", modules("module", "large_states_do_not_overflow_in_float16")),
    Mutant("pytorch: the factor is a buffer", TORCH.format("blocks"), "self.weight = nn.Parameter",
           'held = self.__dict__.pop("factor"); self.register_buffer("factor", torch.tensor(held)); self.weight = nn.Parameter',
           modules("module", "factors_keep_their_digits_in_half_precision")),
    Mutant("pytorch: half precision loses the skip", TORCH.format("blocks"), "self.skip * z + self.w(self.phi(z))",
           "(self.skip if z.element_size() > 2 else 1.0) * z + self.w(self.phi(z))",
           modules("module", "half_precision_is_near")),
    Mutant("pytorch: random numbers are drawn", TORCH.format("blocks"), ', device="meta")', ")",
           modules("module", "pytorchs_random_numbers_and_default_dtype_are_left_alone")),
    Mutant("pytorch: always float32", TORCH.format("build"), "torch.get_default_dtype()", "torch.float32",
           modules("module", "pytorchs_random_numbers_and_default_dtype_are_left_alone")),
    Mutant("pytorch: copies share their weights", TORCH.format("blocks"), "    def states(self",
           "    def __deepcopy__(self, memo):\n        blocks = list(self.blocks)\n"
           "        return Network(self.net, self.seed, self.where, self.w_in, blocks, self.w_out)\n\n    def states(self",
           modules("module", "a_copy_is_the_same_and_apart")),
    Mutant("pytorch: the spec is not shown", TORCH.format("blocks"), "net={self.net!r}, ", "",
           modules("module", "what_it_was_made_of_is_shown")),
    Mutant("pytorch: a graph break", TORCH.format("blocks"), "        for state in self._walk(x):",
           "        torch._dynamo.graph_break()\n        for state in self._walk(x):", modules("module", "compiled")),
    Mutant("pytorch: a missing package goes by its own words", TORCH.format("__init__"), 'error.name != "torch"', "True",
           modules("module", "without_pytorch_one_line_says_what_to_install")),
    Mutant("pytorch: memory of one matrix a block", TORCH.format("build"), '(2 if net.block == "two-matrix" else 1)', "1",
           modules("build", "a_network_that_does_not_fit_into_memory")),
    Mutant("pytorch: coupled entries of any law", TORCH.format("build"), 'net.entries != "gaussian"', "False",
           modules("build", "bad_arguments[entries]")),
    Mutant("pytorch: part of all names", "__init__.py", '    "predict",\n    "regularity",',
           '    "predict",\n    "pytorch",\n    "regularity",',
           ("tests/test_imports.py::test_pytorch_is_loaded_on_first_use_and_not_by_a_star",)),
    # data for training
    Mutant("data: pickles may import from NumPy", DATA.format("unpickling"), "if (module, name) not in ADMITTED",
           'if module.split(".")[0] not in ("numpy", "_codecs")', images("unpickling", "nothing_is_run")),
    Mutant("data: pickles call the real names", DATA.format("unpickling"), "return StandIn(name)",
           "return super().find_class(module, name)",
           images("unpickling", "admitted_names_are_not_the_real_ones_and_keep_no_state")),
    Mutant("data: arrays of any dtype are read as bytes", DATA.format("unpickling"), "if kind not in BYTE_TYPES or", "if",
           images("unpickling", "arrays_of_objects_are_refused")),
    Mutant("data: npz files are unpickled", DATA.format("npz"), "allow_pickle=False", "allow_pickle=True",
           images("npz", "arrays_of_objects_are_refused_and_nothing_is_run")),
    Mutant("data: a longer IDX file passes", DATA.format("idx"), "if len(raw) != expected", "if len(raw) < expected",
           images("idx", "damaged_files_are_refused")),
    Mutant("data: the fifth batch is forgotten", DATA.format("cifar"), "range(1, 6)", "range(1, 5)",
           images("cifar", "batches_follow_each_other_and_the_test_batch_is_the_test_part")),
    Mutant("data: torchvision may download", DATA.format("packages"), "download=False", "download=True",
           images("packages", "torchvision_is_asked_for_both_parts_and_never_downloads")),
    Mutant("data: NaN passes", DATA.format("checking"), "    _check_pixels(images, which)\n", "",
           images("checking", "pixels_that_are_not_finite_are_refused")),
    Mutant("data: a class may be missing", DATA.format("checking"), "if gap.size", "if False",
           images("checking", "other_labels_are_refused")),
    Mutant("data: the split forgets the classes", DATA.format("splitting"), "np.lexsort((words, labels))", "np.argsort(words)",
           images("splitting", "a_split_takes_the_same_share_of_every_class")),
    Mutant("data: the split forgets the seed", DATA.format("splitting"), "key=np.array([seed, stream]",
           "key=np.array([0, stream]", images("splitting", "a_seed_chooses_the_same_images_everywhere_and_another_seed_others")),
    Mutant("data: a limit forgets the proportions", DATA.format("splitting"), "place / np.bincount(labels)[labels]", "place",
           images("splitting", "a_limit_keeps_the_proportions")),
    Mutant("data: the test part has a say in the mean", DATA.format("loading"), "standardising.moments(train.images)",
           "standardising.moments(raw.train.images)", images("loading", "the_training_part_alone_is_standardised")),
    Mutant("data: single precision", DATA.format("standardising"), "np.subtract(images, mean, dtype=np.float64)", "images - mean",
           images("standardising", "moments_are_those_of_float64_over_all_blocks")),
    Mutant("regularity: the path without its start", REGULAR.format("variations"),
           "np.concatenate([np.zeros((1, block.shape[1])), block.cumsum(axis=0)])", "block.cumsum(axis=0)",
           regular("hurst", "mean_squares_are_those_of_the_definition")),
    Mutant("regularity: pairs at a distance counted once too few", REGULAR.format("variations"), "counts[b] + apart)",
           "counts[b] + apart - 1)", regular("hurst", "moments_of_the_mean_squares")),
    Mutant("regularity: the whole slope", REGULAR.format("index"), "(2.0 * centred @ centred)", "(centred @ centred)",
           regular("hurst", "the_index_of_fractional_noise[100-0.3-variation]")),
    Mutant("regularity: the formula's error of one series for all", REGULAR.format("index"),
           "alone / math.sqrt(entries) if entries", "alone if entries",
           regular("hurst", "two_errors_hold_the_truth[29-increments-0.9]")),
    Mutant("regularity: the deviation for the error of the mean", REGULAR.format("index"),
           "parts.std(ddof=1) / math.sqrt(parts.size)", "parts.std(ddof=1)",
           regular("hurst", "two_errors_hold_the_truth[30-variation-0.9]")),
    Mutant("regularity: constant entries kept", REGULAR.format("index"), "weights if varies.all() else weights[:, varies]",
           "weights", regular("hurst", "the_unit_of_weights_does_not_matter_nor_do_constant_entries")),
    Mutant("regularity: one direction for all projections", REGULAR.format("stack"), "seed >> 32, k]", "seed >> 32]",
           regular("stack", "projections_are_linear_and_each_of_its_own")),
    Mutant("regularity: projections grow with the entries", REGULAR.format("stack"),
           "projected / np.sqrt(weights.shape[1])", "projected",
           regular("stack", "projections_have_the_variance_of_an_entry_and_are_uncorrelated")),
    Mutant("regularity: the scatter over n - 1", REGULAR.format("powers"), "freedom = len(depth) - 2",
           "freedom = len(depth) - 1", regular("depth_exponent", "errors_follow_their_laws")),
    Mutant("regularity: points count as the inverse error", REGULAR.format("powers"), "errors, depths)) ** 2",
           "errors, depths))", regular("depth_exponent", "the_line_is_that_of_another_fit")),
    Mutant("regularity: cosines at the layers, not between", REGULAR.format("drift"), "np.arange(depth) + 0.5)",
           "np.arange(depth))", regular("drift", "the_share_is_that_of_the_transform")),
    Mutant("regularity: the deviation of white noise of half the depth", REGULAR.format("drift"),
           "0.5 * depth * entries", "0.25 * depth * entries", regular("drift", "white_noise_has_a_beta_law")),
    Mutant("regularity: the error of a share without the total", REGULAR.format("drift"), "smooth - share * total",
           "smooth - smooth.mean()", regular("drift", "the_error_is_that_of_independent_entries")),
    Mutant("regularity: unsigned weights wrap", REGULAR.format("sizes"),
           'np.diff(columns(stack("increments", "series", series, 2)), axis=0)', "np.diff(series, axis=0)",
           regular("sizes", "unsigned_weights_do_not_wrap")),
    Mutant("regularity: the trace norm", REGULAR.format("sizes"), "np.float64), 2)", "np.float64), 'nuc')",
           regular("sizes", "norms_of_matrices")),
    # the gallery
    Mutant("scaling: every contraction twice", "theory/identity_side.py", "return 0.5 * net.variances[1] / net.width",
           "return net.variances[1] / net.width", ("tests/experiments/test_gallery.py::test_the_numbers_come_out[contraction]",)),
    Mutant("correlations of weights count once in their sums", GALLERY.format("trained_nets"), "lag + 2.0 * sum(", "lag + sum(",
           ("tests/experiments/test_trained_weights.py::test_the_index_of_weights_with_a_flow",)),
    Mutant("every trained network has β = 1", GALLERY.format("trained_nets"), "DepthPower(kind.beta)", "DepthPower(1.0)",
           ("tests/experiments/test_gallery.py::test_the_numbers_come_out[weights-after-training]",)),
    Mutant("weights after training are those before", GALLERY.format("trained_nets"), "index_after=regularity.hurst(after)",
           "index_after=regularity.hurst(before)",
           ("tests/experiments/test_gallery.py::test_the_numbers_come_out[weights-after-training]",)),
    Mutant("figures take data that they do not use", GALLERY.format("make"), "data != DIGITS and not recipe.trains", "False",
           ("tests/cli/test_cli_gallery.py::test_bad_input",)),
    Mutant("bad data leave a folder", GALLERY.format("make"), "        load(data)\n", "        pass\n",
           ("tests/cli/test_cli_gallery.py::test_bad_input",)),
    # training
    Mutant("train: the normal law for Student's", TRAIN.format("report"), "stdtrit(count - 1, 0.5 + 0.5 * LEVEL)", "1.96",
           trained("an_interval_has_its_level")),
    Mutant("train: one tail", TRAIN.format("report"), "0.5 + 0.5 * LEVEL", "LEVEL", trained("the_numbers_are_those_of_fit")),
    Mutant("train: the first epoch for the last", TRAIN.format("report"), "each[name][-1]", "each[name][0]",
           trained("the_numbers_are_those_of_fit")),
    Mutant("train: the diverged are called the rest", TRAIN.format("report"), "len(networks) - len(ended)", "len(ended)",
           trained("those_that_diverge_are_counted")),
    Mutant("train: an epoch counted from 0", TRAIN.format("report"), "trained.diverged + 1", "trained.diverged",
           trained("those_that_diverge_are_counted")),
    Mutant("train: the first layers", TRAIN.format("report"), 'measured["branch_norms"][l] for l in layers',
           'measured["branch_norms"][l] for l in range(len(layers))', trained("norms_are_told_at_a_few_layers")),
    Mutant("train: the test's verdict is not heard", TRAIN.format("ensemble"),
           "        self._go_on_with(loss.isfinite().numpy())\n", "", trained("what_the_last_step_throws_out_has_diverged")),
    Mutant("train: weights that are constant", TRAIN.format("outcome"), "except BadValue:", "except ZeroDivisionError:",
           trained("weights_without_roughness_have_no_hurst_index")),
    Mutant("train: repeated", TRAIN.format("train"), '        if known["identity"] == identity:\n            return known\n',
           '        if known["identity"] == identity:\n            return None\n',
           trained("a_finished_training_is_read_and_not_repeated")),
    Mutant("train: any result will do", TRAIN.format("train"), 'known["identity"] == identity', "True",
           trained("a_result_of_something_else_is_not_overwritten")),
    Mutant("train: the sizes are not those of the data", TRAIN.format("train"), "if name not in keep", "if name in keep",
           command("data_decide_the_sizes_unless_they_are_given")),
    Mutant("train: measuring costs no memory", TRAIN.format("fit"), " + MEASURING * entries_of(net)", "",
           trained("memory_holds_what_is_measured_too")),
    Mutant("train: checksums are not looked at", TRAIN.format("checkpoint"), "archive.testzip() is not None", "False",
           trained("a_single_bit_is_enough", "fit")),
    Mutant("train: a damaged checkpoint takes the place of the whole", TRAIN.format("checkpoint"), "if self._whole:",
           "if latest.exists():", trained("a_damaged_checkpoint_does_not_take_the_place_of_the_whole_one", "fit")),
    Mutant("train: a young temporary file is removed", TRAIN.format("checkpoint"), "> STALE", "> -1.0",
           trained("what_kills_have_left_is_removed_in_time", "fit")),
    Mutant("train: resumed without the optimizer", TRAIN.format("ensemble"),
           '        self.optimizer.load_state_dict(state["optimizer"])\n', "",
           trained("killed_at_random_moments", "train_killed")),
    Mutant("train: torch goes by its own words", TRAIN.format("train"), 'error.name != "torch"', "True",
           command("without_pytorch")),
    Mutant("train: columns are clipped", "cli/trained.py", 'overflow="fold"', "no_wrap=True", command("nothing_is_clipped")),
    Mutant("train: the largest losses to the last digit", "cli/tables.py", " or error >= 1e6", "",
           command("nothing_is_clipped")),
    Mutant("train: Ctrl-C does not say how to go on", "cli/training.py",
           'raise Interruption(f"interrupted. {WAY_ON}") from None', "raise",
           trained("ctrl_c_says_how_to_go_on", "train_killed")),
    Mutant("train: a folder is made for what is refused", TRAIN.format("train"), "    with needing_torch():\n        from",
           "    folder = None if out is None else _folder(out)\n    with needing_torch():\n        from", command("bad_input")),
]  # fmt: skip


def run(src: Path, tests: tuple[str, ...], folder: Path) -> tuple[bool, str]:
    """Return whether these tests pass on that copy of src, and the line that says why not."""
    environment = os.environ | {
        "PYTHONPATH": str(src),
        "NUMBA_CACHE_DIR": str(folder / "numba"),
        "OMP_NUM_THREADS": "1",
        "COLUMNS": "250",
    }
    options = ["-q", "-x", "--no-header", "-p", "no:cacheprovider"]
    process = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *tests], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    if process.returncode not in (0, 1):  # nothing collected, or a usage error: no evidence either way
        raise SystemExit(process.stdout + process.stderr)
    lines = process.stdout.strip().splitlines()
    why = next((line.partition(" - ")[2] for line in lines if line.startswith("FAILED")), lines[-1])
    return process.returncode == 0, why[:150]


def copy_of_src(folder: Path) -> Path:
    src = folder / "src"
    shutil.copytree(ROOT / "src", src, ignore=shutil.ignore_patterns("__pycache__"))
    return src


def kill(mutant: Mutant) -> bool:
    """Return whether the tests see the fault."""
    with tempfile.TemporaryDirectory() as name:
        src = copy_of_src(Path(name))
        path = src / "reslim" / mutant.file
        text = path.read_text(encoding="utf-8")
        if text.count(mutant.old) != 1:
            raise SystemExit(f"{mutant.words}: the text stands {text.count(mutant.old)} times in {mutant.file}, not once")
        path.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
        passed, last = run(src, mutant.tests, Path(name))
    print(f"{'SURVIVED' if passed else 'red':9}{mutant.words}  [{last}]", flush=True)
    return not passed


def main(words: list[str]) -> int:
    chosen = [mutant for mutant in MUTANTS if not words or any(word in mutant.words for word in words)]
    with tempfile.TemporaryDirectory() as name:
        tests = tuple(dict.fromkeys(test for mutant in chosen for test in mutant.tests))
        green, last = run(copy_of_src(Path(name)), tests, Path(name))
    print(f"{'green' if green else 'NOT GREEN':9}the tests without a fault  [{last}]", flush=True)
    killed = sum(kill(mutant) for mutant in chosen)
    print(f"{killed} of {len(chosen)} mutants seen")
    return 0 if green and killed == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
