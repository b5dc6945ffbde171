"""Every execution is compared with eager, update by update, from the same state."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest
import torch
from torch import Tensor, nn

from devices import CPU, cuda
from forks import start_python
from ganzoo.compute.device import CAPTURE_LOCK
from ganzoo.engine import execution, setup
from ganzoo.engine.batches import Part
from ganzoo.engine.distributed import ALONE
from ganzoo.engine.gan import Gan
from ganzoo.engine.optim import FORMS
from ganzoo.engine.update import update_discriminator, update_generator, update_together
from ganzoo.errors import UsageError
from ganzoo.recipe.resolve import resolve
from ganzoo.registry import registry

HERE = Path(__file__)

STEPS = {
    "alternating": [
        lambda gan, batches, images: update_discriminator(gan, batches, images),
        lambda gan, batches, images: update_generator(gan, batches, images + batches.batch, 0),
    ],
    "shared": [update_together],
    "simultaneous": [update_together],
}


def state(gan: Gan) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in gan.state()[0].items()}


def compute_in_float64(gan: Gan, batches) -> None:
    """Make a GAN and its batches compute in float64 from now on."""
    for module in gan.modules.values():
        module.double()
    finish = batches.finish

    def finish_in_float64(part: Part) -> Part:
        part = finish(part)
        return part._replace(z=part.z.double(), real=None if part.real is None else part.real.double())

    batches.finish = finish_in_float64


def distances(
    make: Callable,
    settings: dict,
    name: str,
    rounds: int = 4,
    in_double: bool = True,
    device: torch.device = CPU,
    change: Callable[[Gan], object] = id,
    notify: Callable[[str], object] = pytest.fail,
) -> list[float]:
    """Return the largest difference of each update from eager's, relative to each tensor's largest value.

    Before every update eager gets the other's state, so that differences do not grow. In float32, gradients (Adam's
    first moment) and statistics are compared, not weights after Adam, which magnifies values near 0. `change` is called
    with the other GAN before it is trained, `notify` with its lines.
    """
    plain, batches = make(settings, device)
    other, others = make(settings, device)
    if in_double:
        compute_in_float64(plain, batches)
        compute_in_float64(other, others)
    other.recipe = replace(other.recipe, train=replace(other.recipe.train, execution=name))
    execution.install(other, notify)
    change(other)
    worst, images = [], 0
    for _ in range(rounds):
        for update in STEPS[plain.recipe.train.update]:
            tensors, numbers = other.state()
            plain.load_state({key: tensor.clone() for key, tensor in tensors.items()}, numbers)
            stats, wanted_stats = update(other, others, images), update(plain, batches, images)
            assert stats.keys() == wanted_stats.keys()
            wanted = state(plain) | {name: value.clone() for name, value in wanted_stats.items()}
            got = state(other) | stats
            assert got.keys() == wanted.keys()
            compared = [key for key in wanted if in_double or key.endswith("exp_avg") or "/" not in key]
            worst.append(max(distance(got[key], wanted[key]) for key in compared))
        images += batches.batch
    return worst


def distance(got: Tensor, wanted: Tensor) -> float:
    if not wanted.is_floating_point():
        return float(not torch.equal(got, wanted))
    largest = wanted.abs().max().clamp_min(1e-6)  # a bias before BatchNorm has only rounding
    apart = float((got - wanted).abs().max() / largest)
    return apart if math.isfinite(apart) else math.inf


def read_back(gan: Gan, also: Callable[[], object] = int) -> None:
    """Make a regularizer's term in D's loss read a number back, and call `also`."""
    means = gan.regularizers["toy-means"]
    term = means.discriminator

    def discriminator(step):
        also()
        return term(step) * (1.0 if float(step.z.sum()) < 1e30 else 0.0)

    means.discriminator = discriminator


TOYS = [
    {},
    {"arch.norm": True},
    {"arch.answer": "list", "loss": "toy-pairs"},
    {"arch.answer": "output", "train.conditional": True},
    {"aug": "toy-noise", "reg": "toy-means"},
    {"train.micro_batch": 8, "aug": "toy-noise"},
    {"train.g_reg_interval": 2, "reg": "toy-means", "train.d_reg_interval": 3},
    {"reg": "toy-r1", "train.d_reg_interval": 2},  # whose own steps do not reach biases
    {"reg": "toy-r1", "train.d_reg_interval": 2, "optim.d.eps_hat": True, "optim.d.eps": 1e-3},
    {"optim.d.name": "sgd", "optim.d.momentum": 0.9, "optim.g.name": "rmsprop"},
    {
        "optim.d.lr": "linear(1e-2, 0, images=64)",
        "optim.g.betas": "0,cosine(0.9, 0.99, images=64)",
        "reg": "toy-means",
        "reg.toy-means.gamma": "linear(2, 0, images=64)",
        "train.ema_ramp": 0.5,
        "train.ema_half_life": 30,
        "train.ema_profiles": (0.05, 0.1),
    },
    {"train.update": "shared", "loss": "toy-pairs"},
    {"train.update": "simultaneous", "arch.norm": True, "train.g_reg_interval": 2, "reg": "toy-means"},
]


CAPTURED = 1e-6  # torch's captured Adam reads a float32 learning rate, whose rounding alone is 3e-8


@pytest.fixture
def same_products(monkeypatch):
    """Leave thin products as they are: a sum rounds otherwise, which Adam magnifies where a gradient is 0."""
    monkeypatch.setattr(execution, "list_thin_products", dict)


@pytest.fixture
def traced(monkeypatch, same_products):
    """Run recordings without the compiler, which takes long; compiled recordings are tested below."""
    monkeypatch.setattr(execution, "compile_graph", lambda graph, inputs: graph)


def named(settings: dict) -> str:
    return ",".join(f"{key}={value}" for key, value in settings.items())


@pytest.mark.parametrize("settings", TOYS, ids=named)
def test_recorded_updates_equal_eager_ones(make, traced, settings):
    assert max(distances(make, settings, "compile")) < 1e-9


# ----------------------------------------------------------------------------
# The zoo's own networks, smallest, with and without penalties.

NETS = {
    "dcgan": {"arch": "dcgan", "arch.width": 2, "arch.z_dim": 4, "dataset": "digits", "dataset.size": 16},
    "mlp": {"arch": "mlp", "arch.width": 8, "dataset": "points"},
    "r3gan": {
        "arch": "r3gan", "dataset": "digits", "dataset.size": 8, "arch.widths": "16,16", "arch.group_width": 8,
        "arch.blocks": 1, "arch.z_dim": 4,
    },
}  # fmt: skip
PENALTIES = {
    "plain": {"reg": "none"},
    "r1-exact": {"reg": "r1,r2"},
    "r1-fd": {"reg": "r1,r2", "reg.r1.mode": "fd", "reg.r2.mode": "fd"},
    "wgan-gp": {"reg": "wgan-gp"},
    "wgan-gp-fd": {"reg": "wgan-gp", "reg.wgan-gp.mode": "fd"},
    "terms": {
        "reg": "wgan-gp,lecam,orthogonal,weight-clip,bcr,zcr,sd,logan", "loss": "ragan",
        "reg.orthogonal.network": "both",
    },
}  # fmt: skip
ZOO = [(net, penalty) for net in NETS for penalty in list(PENALTIES)[:-1] if not (net == "dcgan" and "gp" in penalty)]
NETS |= {f"dcgan, {norm}": NETS["dcgan"] | {"arch.norm_d": norm} for norm in ("spectral", "layer")}
ZOO += [("dcgan, spectral", "r1-fd"), ("dcgan, layer", "terms")]
RISING = {"aug": "ada", "aug.ada.interval": 1, "aug.ada.images": 10, "aug.ada.target": -1}  # p rises at each update
NETS["r3gan, ada"] = NETS["r3gan"] | RISING | {"aug.ada.blit": 0, "aug.ada.colour": 0}
ZOO[ZOO.index(("r3gan", "r1-exact"))] = ("r3gan, ada", "r1-exact")  # differentiates the augmentation twice too


def of_zoo(net: str, penalty: str) -> dict:
    return {"train.batch": 4, "train.execution": "eager", **NETS[net], **PENALTIES[penalty]}


# Tracing takes long: each network and each penalty, but not all pairs. Compiled updates of mlp are compared below.
RECORDED = [
    ("dcgan", "r1-exact"), ("dcgan, spectral", "r1-fd"), ("dcgan, layer", "terms"),
    ("r3gan", "wgan-gp-fd"), ("r3gan, ada", "r1-exact"),
]  # fmt: skip


@pytest.mark.parametrize(("net", "penalty"), RECORDED)
def test_recorded_updates_of_the_zoo_equal_eager_ones(make, traced, net, penalty):
    assert max(distances(make, of_zoo(net, penalty), "compile", rounds=2)) < 1e-9


CHANGING = {  # over the two updates of each network that are compared
    "optim.d.lr": "linear(1e-2, 0, images=8)", "optim.g.betas": "0.5,cosine(0.9, 0.99, images=8)",
    "reg.r1.gamma": "linear(2, 0, images=8)", "train.ema_ramp": 0.5, "train.ema_half_life": 3,
}  # fmt: skip


@pytest.mark.slow
def test_compiled_updates_equal_eager_ones(make):
    assert max(distances(make, of_zoo("mlp", "plain"), "compile", rounds=3)) < 1e-9


@pytest.mark.slow
def test_compiled_updates_with_schedules_equal_eager_ones(make, same_products):
    assert max(distances(make, of_zoo("mlp", "r1-fd") | CHANGING, "compile", rounds=3)) < 1e-9


@pytest.mark.slow
@pytest.mark.parametrize("net", ["dcgan", "r3gan"])
def test_compiled_gradients_of_the_zoo_equal_eager_ones_in_float32(make, net):
    assert max(distances(make, of_zoo(net, "plain") | GRADIENTS, "compile", 2, in_double=False)) < 1e-4


GRADIENTS = {"optim.g.betas": "0,0.99", "optim.d.betas": "0,0.99"}  # with which Adam's first moment is the gradient


@pytest.mark.slow
def test_a_view_compiles_where_the_compiler_lays_out_its_input_otherwise():
    # the sum of two maps of one channel in channels-last order: eager addition makes it contiguous, the compiler not
    one, two, last = nn.Conv2d(3, 1, 1), nn.Conv2d(3, 1, 1), nn.Conv2d(1, 4, 3)
    x = torch.randn(2, 3, 8, 8).to(memory_format=torch.channels_last)
    with torch.no_grad():
        replay, result = execution.compile_piece(lambda x: last(one(x[0]) + two(x[0])).flatten(1), [], [x])
        torch.testing.assert_close(replay([x]), result)


@pytest.mark.slow
def test_compiled_double_backward_equals_eager(tmp_path):
    """It runs in a process of its own: at larger sizes the compiler has corrupted the heap."""
    words = ["-q", "-n", "0", "-p", "no:cacheprovider", str(HERE), "-k", "double_backward_here"]
    code = f"import pytest; raise SystemExit(pytest.main({words!r}))"
    with start_python("-c", code, folder=HERE.parents[2], environ={"GANZOO_DOUBLE_BACKWARD": "1"}) as fork:
        done = fork.finish()
    assert done.returncode == 0, done.stdout[-3000:]
    assert "1 passed" in done.stdout


@pytest.mark.skipif("GANZOO_DOUBLE_BACKWARD" not in os.environ, reason="runs in a process of its own")
def test_double_backward_here(make, monkeypatch):
    monkeypatch.setitem(STEPS, "alternating", STEPS["alternating"][:1])  # D's updates have it; compiling takes long
    assert max(distances(make, of_zoo("mlp", "r1-exact"), "compile", rounds=2)) < 1e-9


@pytest.mark.parametrize("precision", ["bf16"])
def test_recorded_updates_in_low_precision_equal_eager_ones(make, traced, precision):
    settings = of_zoo("mlp", "r1-exact") | GRADIENTS | {"train.precision": precision}
    assert max(distances(make, settings, "compile", 2, in_double=False)) < 1e-4


@pytest.mark.parametrize("settings", TOYS, ids=named)
def test_graphs_imitated_equal_eager_updates(make, imitated_graphs, settings):
    assert max(distances(make, settings, "cuda-graph", rounds=7)) < CAPTURED


CUDA = torch.device("cuda", 0)


@cuda
@pytest.mark.parametrize("settings", TOYS, ids=named)
def test_captured_updates_equal_eager_ones(make, settings):
    settings = {"train.execution": "eager", **settings}
    assert max(distances(make, settings, "cuda-graph", rounds=6, device=CUDA)) < CAPTURED


@cuda
@pytest.mark.parametrize(("net", "penalty"), ZOO)
def test_captured_updates_of_the_zoo_equal_eager_ones(make, net, penalty):
    assert max(distances(make, of_zoo(net, penalty), "cuda-graph", rounds=6, device=CUDA)) < CAPTURED


@cuda
def test_a_capture_that_fails_on_cuda_is_given_up(make):
    """Then random numbers, the current stream and the memory of the capture are as if there had been none."""
    lines, pools, stream = [], [], torch.cuda.current_stream()

    def note(gan: Gan) -> None:
        pools.append(gan.execute.pool)
        read_back(gan)

    settings = {"reg": "toy-means", "aug": "toy-noise", "train.execution": "eager"}
    worst = max(distances(make, settings, "cuda-graph", 5, device=CUDA, change=note, notify=lines.append))
    assert worst < CAPTURED
    assert len(lines) == 1
    assert torch.cuda.current_stream() == stream
    assert pools[0] not in {segment["segment_pool_id"] for segment in torch.cuda.memory_snapshot()}


@cuda
def test_auto_on_cuda_is_a_graph(make):
    gan, _ = make({}, CUDA)
    assert gan.recipe.train.execution == "cuda-graph"


def test_a_difference_from_eager_is_detected(make, traced, monkeypatch):
    numbers = FORMS["adam"].numbers
    monkeypatch.setattr(FORMS["adam"], "numbers", lambda *args: [number * 1.001 for number in numbers(*args)])
    assert max(distances(make, {}, "compile")) > 1e-6


# ----------------------------------------------------------------------------
# Updates that cannot be recorded.


def test_a_piece_that_cannot_be_traced_is_undone_and_run_eagerly_with_one_line(make, traced, monkeypatch):
    settings = {"reg": "toy-r1", "aug": "toy-noise", "train.execution": "eager"}
    plain, batches = make(settings)
    other, others = make(settings)
    other.recipe = replace(other.recipe, train=replace(other.recipe.train, execution="compile"))
    lines = []
    execution.install(other, lines.append)
    regularizer = other.regularizers["toy-r1"]
    term = regularizer.discriminator
    monkeypatch.setattr(
        regularizer, "discriminator", lambda step: term(step) * float(regularizer.gamma + step.z[0, 0] * 0)
    )
    for images in (0, 16):
        for gan, fed in ((plain, batches), (other, others)):
            update_discriminator(gan, fed, images)
            update_generator(gan, fed, images + 16, 0)
    (line,) = lines
    assert line.startswith("train.execution=compile is not possible here, going on with eager: RuntimeError: It")
    got, wanted = state(other), state(plain)
    assert max(distance(got[key], wanted[key]) for key in wanted) < 1e-5


def test_a_compiler_that_fails_costs_a_line(make, monkeypatch):
    gan, batches = make({"train.execution": "eager"})
    gan.recipe = replace(gan.recipe, train=replace(gan.recipe.train, execution="compile"))
    lines = []
    execution.install(gan, lines.append)
    monkeypatch.setattr(execution, "compile_graph", lambda graph, inputs: 1 / 0)
    update_discriminator(gan, batches, 0)
    update_discriminator(gan, batches, 16)
    assert lines == [
        "train.execution=compile is not possible here, going on with eager: ZeroDivisionError: division by zero"
    ]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"train.execution": "cuda-graph"}, "needs a CUDA device: use compile or eager here"),
        ({"train.execution": "compile", "optim.g.name": "nadam"}, "takes the optimizers adam, adamw, sgd, rmsprop"),
        ({"train.execution": "compile", "train.precision": "fp16"}, "no fp16"),
    ],
)
def test_an_impossible_execution_is_reported_in_one_sentence(make, settings, words):
    with pytest.raises(UsageError, match=words):
        make(settings)


@pytest.mark.parametrize("deterministic", [False, True])
def test_cudnn_times_algorithms_before_a_capture_unless_they_must_be_deterministic(
    make, imitated_graphs, deterministic
):
    flags, before = [], torch.backends.cudnn.benchmark

    def note(gan: Gan) -> None:
        means = gan.regularizers["toy-means"]
        term = means.discriminator
        means.discriminator = lambda step: (flags.append(torch.backends.cudnn.benchmark), term(step))[1]

    settings = {"reg": "toy-means", "train.deterministic": deterministic}
    distances(make, settings, "cuda-graph", rounds=4, change=note)
    assert flags == [not deterministic] * 3
    assert torch.backends.cudnn.benchmark == before


def test_a_capture_stands_another_thread_that_pins_memory_but_none_fetches(make, imitated_graphs):
    captures = []

    def pin_beside(gan: Gan) -> None:
        means = gan.regularizers["toy-means"]
        term = means.discriminator

        def discriminator(step):
            assert CAPTURE_LOCK.locked() == gan.recording
            if gan.recording:
                thread = Thread(target=torch.ones(1).pin_memory)
                thread.start()
                thread.join()
                captures.append(step)
            return term(step)

        means.discriminator = discriminator

    assert max(distances(make, {"reg": "toy-means"}, "cuda-graph", rounds=4, change=pin_beside)) < CAPTURED
    assert len(captures) == 1


BETAS = "0,cosine(0.9, 0.99, images=1000)"
ADAMS = {
    "torchs": {},
    "own": {"optim.d.betas": BETAS, "optim.g.betas": BETAS},
    "always own": {"optim.d.eps_hat": True, "optim.g.eps_hat": True},
}


@pytest.mark.parametrize("more", ADAMS.values(), ids=ADAMS)
def test_a_capture_that_fails_is_given_up_and_its_piece_run_eagerly(make, imitated_graphs, more):
    lines, alive, pools = [], [], set()

    def note(gan: Gan) -> None:
        pools.add(gan.execute.pool)
        read_back(gan, lambda: alive.append(len(imitated_graphs.graphs)))

    settings = {"reg": "toy-means", "aug": "toy-noise", "arch.norm": True, **more}
    stream = torch.cuda.current_stream()
    assert max(distances(make, settings, "cuda-graph", 5, change=note, notify=lines.append)) < CAPTURED
    (line,) = lines
    assert line.startswith("train.execution=cuda-graph is not possible here, going on with eager: RuntimeError: CUDA")
    assert torch.cuda.current_stream() is stream
    assert alive == [0, 0, 1, 0, 0, 0]  # two warm-ups, the capture, then eager without the memory of a graph
    assert [(pool.users, pool.in_use) for pool in pools] == [(0, False)]


def test_memory_that_runs_out_beside_graphs_is_freed_for_eager(make, imitated_graphs):
    """The first run of D's own lazy term after the other pieces were captured."""
    lines, alive = [], []

    def run_out(gan: Gan) -> None:
        term, means = gan.regularizers["toy-means"].discriminator, gan.regularizers["toy-means"]

        def discriminator(step):
            alive.append(len(imitated_graphs.graphs))
            if len(alive) == 2:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return term(step)

        means.discriminator = discriminator

    settings = {"reg": "toy-means", "arch.norm": True, "train.d_reg_interval": 3}
    assert max(distances(make, settings, "cuda-graph", 7, change=run_out, notify=lines.append)) < CAPTURED
    assert len(lines) == 1
    assert alive == [0, 2, 0, 0]


# ----------------------------------------------------------------------------
# The meaning of auto.

LONG = {"train.images": 10_000_000}


@pytest.mark.parametrize(
    ("settings", "meant"),
    [
        ({}, "eager"),
        (LONG, "compile"),
        ({**LONG, "reg": "r1"}, "eager"),
        ({**LONG, "reg": "r1", "reg.r1.mode": "fd"}, "compile"),
        ({**LONG, "optim.d.name": "adagrad"}, "eager"),
        ({**LONG, "train.precision": "fp16"}, "eager"),
        ({**LONG, "arch": "toy-conv"}, "eager"),
        ({**LONG, "arch.width": 100_000}, "eager"),
        ({**LONG, "train.execution": "eager"}, "eager"),
        ({"train.execution": "compile"}, "compile"),
    ],
)
def test_auto_is_a_fixed_rule_of_networks_and_length(make, monkeypatch, settings, meant):
    monkeypatch.setattr(setup.shutil, "which", lambda name: "/usr/bin/" + name)
    gan, _ = make(settings)
    assert gan.recipe.train.execution == meant
    assert ("execution" in gan.recipe.auto) == ("train.execution" not in settings)


def test_auto_never_compiles_without_a_compiler(make, monkeypatch):
    monkeypatch.setattr(setup.shutil, "which", lambda name: None)
    gan, _ = make(LONG)
    assert gan.recipe.train.execution == "eager"


def test_tiny_networks_use_one_thread(toys):
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        for settings, wanted in (({}, 1), ({"arch": "toy-conv"}, 2), ({"train.threads": 3}, 3)):
            pairs = {"arch": "toy", "dataset": "toy-array", **settings}
            assert setup.set_up(resolve(registry(), pairs=pairs), "cpu", ALONE, pytest.fail).threads == wanted
    finally:
        torch.set_num_threads(before)
