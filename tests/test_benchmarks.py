"""Every benchmark runs in its quick form, for correctness and not for time."""

from __future__ import annotations

import math
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from ganzoo.compute.processor import estimate_slowdown, list_instructions, read_name
from strangers import Outside

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
MODULES = "plants common workbench noise digit_scores sagan chart budget clips"
SHARED = {*MODULES.split()}  # modules that benchmarks use
ELSEWHERE = {"publish_zoo"}  # tested beside what it uses


def run_quick(name, *more):
    """Return the output of a benchmark in its quick form, which saves nothing."""
    before = set(BENCHMARKS.glob("results/*"))
    done = Outside(BENCHMARKS, BENCHMARKS).python(BENCHMARKS / f"{name}.py", "--quick", *more)
    assert done.returncode == 0, done.stderr + done.stdout
    assert set(BENCHMARKS.glob("results/*")) == before
    assert f"{read_name()}, " in done.stdout
    assert f"instructions: {' '.join(list_instructions())}" in done.stdout
    return done.stdout


def read_numbers(text, row):
    """Return the numbers in the first line that starts with `row`."""
    line = next(line for line in text.splitlines() if line.startswith(row + " "))
    return [float(word) for word in line.removeprefix(row).split() if word.replace(".", "").replace("-", "").isdigit()]


ROWS = {
    "startup": ["python -c pass", "ganzoo --help", "ganzoo list", "ganzoo info dcgan", "ganzoo plugins"],
    "costs": [
        *("images_per_second", "seconds_to_first_update", "peak_memory_mib"),
        *("checkpoint_ms_in_training", "checkpoint_ms_in_background", "checkpoint_mib", "package_mib"),
    ],
}
IN_BF16 = ["engine bf16 and plain"] if estimate_slowdown("bf16") == 1 else []
BESIDE = {  # pairs whose losses agree, since they compute the same
    "architectures": ["dcgan and plain", "sngan and plain"],
    "peers": ["engine fp32 and plain", *IN_BF16],
    "r3gan": ["engine fp32 and plain", *IN_BF16],
    "tiny": ["engine eager and plain", "numpy and plain"],
}


@pytest.mark.slow
@pytest.mark.parametrize("name", ROWS)
def test_minimum_median_and_maximum_of_each_figure(name):
    text = run_quick(name)
    for row in ROWS[name]:
        low, median, high = read_numbers(text, row)[-3:]
        assert 0 < low <= median <= high


@pytest.mark.slow
@pytest.mark.parametrize("name", BESIDE)
def test_programs_that_are_compared_compute_the_same(name):
    text = run_quick(name)
    for pair in BESIDE[name]:
        assert f"losses of {pair} agree" in text
    if name in ("peers", "r3gan") and not IN_BF16:
        assert "engine bf16 is not measured: this processor has no instructions for bf16" in text
    assert "DIFFER" not in text
    assert "target" in text


@pytest.mark.slow
def test_penalties():
    text = run_quick("penalties")
    convolutions, held = read_numbers(text, "ganzoo's formula")[:2]
    more, less = read_numbers(text, "and activations computed again")[:2]
    assert convolutions < more
    assert less < 0.25 * held


@pytest.mark.slow
def test_roofline():
    text = run_quick("roofline")
    parts = [float(line.split()[-1]) for line in text.partition("sum ")[0].splitlines()[2:]]
    assert math.isclose(sum(parts), read_numbers(text, "sum")[0], abs_tol=0.01)
    assert "aten::convolution_backward" in text
    assert "percent of the fp32 convolution peak" in text
    assert ("bf16, GFLOP/s" in text) == bool(IN_BF16)
    assert ("bf16 is not measured" in text) != bool(IN_BF16)


@pytest.mark.slow
def test_precision():
    text = run_quick("precision")
    assert "percent of the digits held out" in text
    assert all(any(line.startswith(row) for line in text.splitlines()) for row in ("held-out digits", "fp32", "bf16"))


@pytest.mark.slow
def test_a_loss_learns_something_from_few_images():
    text = run_quick("losses")
    width, images, num_seeds, distance, *_ = read_numbers(text.rpartition("\n\n")[2], "wasserstein")
    assert (width, images, num_seeds) == (16, 8192, 1)
    assert distance < 80, f"it has made noise, as without the loss's settings, where it is at 270: {distance}"


@pytest.mark.slow
def test_health():
    text = run_quick("health")
    for case in ("default run", "mlp eager"):
        assert read_numbers(text, case)[0] > 0
    assert read_numbers(text, "mlp eager")[-1] > 0  # looks of the probe


@pytest.mark.slow
def test_modes():
    assert run_quick("modes").splitlines()[-1].split()[:3] == ["rpgan", "r1,r2", "1"]


@pytest.mark.slow
def test_stacked():
    fewest, _, divergence, _ = read_numbers(run_quick("stacked").rpartition("\n\n")[2], "stacked-digits")[1:]
    assert fewest > 50
    assert divergence < 6


@pytest.mark.slow
def test_tables():
    text = run_quick("tables")
    near, far = read_numbers(text, "copula"), read_numbers(text, "independent")
    assert len(near) == 7
    assert near[3] < far[3]  # correlation
    assert near[5] < far[5]  # mixed
    assert near[6] > 0.8 > 0.1 > far[6]  # r2


@pytest.mark.slow
def test_texts():
    text = run_quick("texts")
    real, characters, pairs = (read_numbers(text, row) for row in ("real", "characters", "pairs"))
    assert max(real[0], characters[0], pairs[0]) < 0.01 < min(pairs[2], characters[1])  # each has the real n-grams
    assert real[1] < 1.5 * pairs[1] < characters[1]
    assert real[3] < pairs[3] < characters[3] < read_numbers(text, "char-gan-short")[3] <= 1


@pytest.mark.slow
def test_translation():
    text = run_quick("translation")
    assert read_numbers(text, "copy")[4] == 1  # sharpness: the same edges in other colours
    assert read_numbers(text, "pix2pix")[0] > 0
    assert read_numbers(text, "l1 alone")[0] > 0


@pytest.mark.slow
def test_upscaling():
    text = run_quick("upscaling")
    assert read_numbers(text, "photographs") == [100, 1, 0, 1, 0]
    assert read_numbers(text, "bicubic")[0] > max(25, read_numbers(text, "gan")[0])


@pytest.mark.slow
def test_curves_beside_public_code():
    text = run_quick("peer_curves")
    assert read_numbers(text, "plain 32  0")
    assert "time to 2 times the floor, plain / dcgan-bce" in text


@pytest.mark.slow
def test_mode_proof():
    assert run_quick("mode_proof").splitlines()[-1].split()[:3] == ["ring", "1", "32"]


@pytest.mark.slow
def test_grids():
    assert "ganzoo train --arch dcgan --dataset digits --size 32 --images" in run_quick("grids")


@pytest.mark.slow
def test_leaderboard():
    text = run_quick("leaderboard")
    distance, _, coverage, speed = read_numbers(text, "dcgan")
    floor, density, _ = read_numbers(text, "real images")
    assert distance > floor > 0
    assert 0 <= coverage <= 1
    assert density == pytest.approx(1, abs=0.3)
    assert speed > 0
    assert "curves of 1 recipes" in text


@pytest.mark.slow
def test_combinations():
    text = run_quick("combinations")
    assert read_numbers(text.rpartition("\n\n")[2], "mlp   eager") == [33, 10, 0]
    assert "FAILED" not in text


@pytest.mark.slow
def test_memory():
    text = run_quick("memory")
    (size, state, kept), of_mlp = (read_numbers(text, name) for name in ("dcgan", "mlp"))
    g, d = 370_624, 167_808  # parameters, each with two moments; G has an average as well, which has buffers
    assert size == 32
    assert state == pytest.approx(4 * (3 * (g + d) + g) / 2**20, rel=0.005)
    assert kept > of_mlp[2] > 0


@pytest.mark.slow
def test_scaling():
    text = run_quick("scaling")
    one, two = read_numbers(text, "1"), read_numbers(text, "2")
    assert one[-2:] == pytest.approx(two[-2:], abs=1.5e-3)  # the first losses, which are printed with three decimals


@pytest.mark.slow
def test_crowded():
    text = run_quick("crowded")
    passive, spinning, *ratios, waiting = read_numbers(text, "one busy process")
    assert min(passive, spinning, *ratios) > 0
    assert 0 <= waiting <= 1


@pytest.mark.slow
def test_gpu():
    text = run_quick("gpu", *([] if torch.cuda.is_available() else ["--device", "cpu", "--only", "dcgan,r3gan"]))
    assert "DIFFER" not in text
    assert "losses of eager fp32 and plain fp32 agree" in text


@pytest.mark.slow
def test_extractors():
    text = run_quick("extractors")
    assert read_numbers(text, "floor")[1] > 0
    assert read_numbers(text, "noise of 40/255")[-1] > 1.5  # the networks of random weights see noise


@pytest.mark.slow
def test_evaluation():
    text = run_quick("evaluation")
    assert all(read_numbers(text, row)[0] > 0 for row in ("nothing cached", "share of training"))
    assert text.count("target at most") == 2


@pytest.mark.slow
def test_data():
    text = run_quick("data")
    assert all(read_numbers(text, row)[0] > 0 for row in ("packed store", "Pillow, 2 workers", "times as fast"))
    assert "seconds to the first batch" in text


@pytest.mark.slow
def test_kit():
    text = run_quick("kit")
    assert "FAIL" not in text
    assert "seconds of 10 checks" in text


def test_every_benchmark_is_run_here():
    alone = {
        "combinations",
        "data",
        "evaluation",
        "extractors",
        "grids",
        "health",
        "roofline",
        "precision",
        "losses",
        "scaling",
        "crowded",
        "gpu",
        "kit",
        "leaderboard",
        "memory",
        "penalties",
        "modes",
        "mode_proof",
        "auto",
        "doctor",
        "failures",
        "stacked",
        "tables",
        "texts",
        "translation",
        "upscaling",
        "vocoders",
        "codec",
        "peer_curves",
    }
    assert {path.stem for path in BENCHMARKS.glob("*.py")} - SHARED - ELSEWHERE == {*ROWS, *BESIDE, *alone}


def test_no_benchmark_hides_a_module_that_others_import():
    for path in BENCHMARKS.glob("*.py"):
        done = subprocess.run([sys.executable, "-c", f"import {path.stem}"], capture_output=True, check=False)
        assert done.returncode, f"{path.name} hides an installed module of that name from other code"


# ----------------------------------------------------------------------------
# The basis of the figures.


@pytest.fixture
def benchmark(monkeypatch):
    """Return ``benchmark(name)``: a benchmark as a module."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))

    def import_benchmark(name):
        __import__(name)
        return sys.modules[name]

    yield import_benchmark
    for path in BENCHMARKS.glob("*.py"):
        sys.modules.pop(path.stem, None)


def test_every_variant_runs_in_every_round_and_another_one_comes_first(benchmark):
    order = []
    variants = {name: lambda name=name: order.append(name) for name in "abc"}
    times = benchmark("common").measure(variants, 3)
    assert {name: len(values) for name, values in times.items()} == dict.fromkeys("abc", 3)
    assert ["".join(order[i : i + 3]) for i in range(0, 12, 3)] == ["cab", "abc", "bca", "cab"]


def test_losses_that_are_not_numbers_agree_with_nothing(benchmark, capsys):
    common = benchmark("common")
    assert common.compare_losses({"a": [math.nan], "b": [1.0]}, [("a", "b", 0.1)]) == {"a": math.inf}
    assert "DIFFER" in capsys.readouterr().out


def test_a_budget_counts_the_processor_time_of_the_parts_of_a_training_alone(benchmark, tmp_path, monkeypatch):
    import time

    monkeypatch.setenv("GANZOO_RUNS", str(tmp_path))
    settings = {"arch": "mlp", "dataset": "points", "loss": "bce", "reg": "none", "options": {"arch.width": 8}}
    budget = benchmark("budget").Budget()
    first = budget.train_until(0.2, settings)
    images, spent = first.images, budget.seconds
    begun = time.process_time()
    while time.process_time() < begun + 0.5:  # between two parts
        pass
    assert budget.train_until(spent + 0.2, settings).path == first.path
    assert first.images - images > images / 10 > 0  # the second part was as long as the first, not a single tick
    assert spent + 0.2 <= budget.seconds <= spent + time.process_time() - begun - 0.5


def test_names_of_curves_do_not_cover_each_other(benchmark):
    chart = benchmark("chart")
    low = chart.HEIGHT - chart.BOTTOM
    for heights in ([100.0, 101.0, 50.0], [low, low - 1, low - 2], [float(low)] * 12):
        places = sorted(chart.space_out(heights))
        assert all(after - before >= chart.LINE for before, after in pairwise(places))
        assert places[-1] <= low
    assert chart.space_out([100.0, 101.0, 50.0]) == [100, 100 + chart.LINE, 50]
    assert chart.list_ticks(0.9, 30) == [1, 2, 5, 10, 20]


def test_a_chart_is_logarithmic(benchmark):
    chart = benchmark("chart")
    picture = chart.draw_curves({"only": [(0.0, 1.0), (1.0, 10.0), (2.0, 100.0)]}, "title", "seconds")
    width = chart.WIDTH - chart.LEFT - chart.RIGHT
    xs, steps = [chart.LEFT + width * part // 4 for part in (1, 2, 3)], []
    for x in xs:
        column = [picture.getpixel((x, y)) for y in range(chart.TOP, chart.HEIGHT - chart.BOTTOM)]
        steps.append(
            next(y for y, (red, green, blue) in enumerate(column) if max(red, green, blue) - min(red, green, blue) > 60)
        )
    assert steps[0] - steps[1] == pytest.approx(steps[1] - steps[2], abs=4)  # equal steps of the logarithm
    assert steps[0] > steps[2]


def test_what_is_kept_for_gradients_is_counted_once_and_as_long_as_it_is_kept(benchmark):
    weight = torch.ones(100, requires_grad=True)
    saved = benchmark("memory").SavedTensors([weight])
    with saved:
        once = weight.exp()  # keeps its result, 400 bytes
        total = once.sin() + once.cos() + (weight * weight)  # keep the same tensor, and the weight
        total.sum().backward()
        assert saved.now == 0
        weight.exp().exp()
    assert saved.most == 800
    assert saved.now == 0


def test_the_operations_equal_those_that_torch_counts(benchmark):
    from torch.utils.flop_counter import FlopCounterMode

    roofline, workbench = benchmark("roofline"), benchmark("workbench")
    settings = {"arch": "dcgan", "dataset": "noise", "dataset.size": 32, "arch.width": 8, "train.batch": 4}
    settings |= {"reg": "none", "train.update": "shared", "train.execution": "eager", "dataset.items": 8}
    settings |= {"arch.norm_d": "batch"}
    rounds = workbench.Rounds(*workbench.assemble_gan(settings))
    with FlopCounterMode(display=False) as counter:
        rounds(1)
    expected = sum(roofline.count_operations(32, 8, 100, 4).values())
    assert counter.get_total_flops() == expected


def test_adam_by_hand_equals_torchs(benchmark):
    import numpy as np

    network = torch.nn.Linear(3, 2)
    by_hand = benchmark("tiny").Net(network, 1e-3)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3, betas=(0.5, 0.999))
    for step in range(3):
        network.weight.grad = torch.full((2, 3), 0.5 - step)
        network.bias.grad = torch.full((2,), 1.0 + step)
        by_hand.gradients[0][0][:], by_hand.gradients[0][1][:] = 0.5 - step, 1.0 + step
        optimizer.step()
        by_hand.adam()
    np.testing.assert_allclose(by_hand.weights[0][0], network.weight.detach().numpy().T, atol=1e-6)
    np.testing.assert_allclose(by_hand.weights[0][1], network.bias.detach().numpy(), atol=1e-6)


def test_the_frechet_distance_is_0_to_itself_and_grows_with_the_mean(benchmark):
    precision = benchmark("precision")
    x = torch.randn(500, 4, generator=torch.Generator().manual_seed(0))
    assert precision.frechet(x, x) == pytest.approx(0, abs=1e-5)
    assert precision.frechet(x + 2, x) == pytest.approx(16, rel=1e-4)
    assert precision.frechet(2 * x - x.mean(0), x) == pytest.approx(float(x.var(0).sum()), rel=1e-3)


@pytest.mark.slow
def test_auto_is_compared_with_recipes_written_by_hand():
    text = run_quick("auto")
    for row in ("auto", "dcgan-bce"):
        assert read_numbers(text.partition("few\n")[2].partition("few\n")[2] or text, row)
    assert "random fd of auto / the best of the others" in text
    assert "the end of a run of auto / its best" in text


@pytest.mark.slow
def test_the_doctor_finds_planted_failures():
    assert "3 of 3 plants right first" in run_quick("doctor")


@pytest.mark.slow
def test_a_curve_is_drawn():
    assert "drew 300x128 pixels" in run_quick("failures")


@pytest.mark.slow
def test_vocoders():
    text = run_quick("vocoders")
    seconds, *distances = read_numbers(text, "vocos-small")
    assert seconds >= 0
    assert all(value > 0 for value in distances)
    assert "trained on 10 clips" in text
    assert "Griffin-Lim, 32 iterations" in text


@pytest.mark.slow
def test_the_codec():
    text = run_quick("codec")
    for row in ("dac-small", "half of its codebooks", "before its training", "resampled, 8 bits"):
        assert all(value > 0 for value in read_numbers(text, row))
    assert "trained on 10 clips" in text
