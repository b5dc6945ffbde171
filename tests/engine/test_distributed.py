"""Several processes compared with one process.

Most of them are forked and find each other as those of torchrun do; torchrun itself starts those that it must stop or
start again.
"""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import ganzoo
import ranked
import toy_terms
from devices import CPU
from forks import run_ranks
from ganzoo.engine import checkpoint
from ganzoo.engine.distributed import ALONE, World, hash_tensors
from ganzoo.engine.setup import is_recordable, settle
from ganzoo.errors import UsageError
from ganzoo.recipe.check_training import check_ranks
from ganzoo.recipe.resolve import resolve
from ganzoo.registry import register, registry
from ganzoo.runs.launch import make_mark, read_launch
from ganzoo.runs.run import Run

TESTS = Path(__file__).parents[1]
LONG = 300  # seconds after which processes count as hanging; on a busy machine some take a minute to start
SGD = {"optim.g.name": "sgd", "optim.d.name": "sgd", "optim.g.lr": 0.05, "optim.d.lr": 0.05}


@pytest.fixture(autouse=True)
def components(toys: object) -> None:
    register(ranked)
    register(toy_terms)
    torch.set_num_threads(1)


@contextmanager
def torchrun(num: int, *command: str, restarts: int = 0) -> Iterator[subprocess.Popen[str]]:
    """Start a command in several processes, which are ended with the block."""
    environment = {name: value for name, value in os.environ.items() if name not in ("RANK", "WORLD_SIZE")}
    environment |= {"PYTHONPATH": str(TESTS), "OMP_NUM_THREADS": "1"}
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(num)]
    with subprocess.Popen(
        [sys.executable, *launcher, "--max-restarts", str(restarts), *command],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.terminate()


def run_torchrun(num: int, *command: str, restarts: int = 0) -> tuple[int, str, str]:
    """Run a command in several processes by torchrun; return the exit code, stdout and stderr."""
    with torchrun(num, *command, restarts=restarts) as process:
        stdout, stderr = process.communicate(timeout=LONG)
        return process.returncode, stdout, stderr


def run_command(num: int, *command: str) -> list[subprocess.CompletedProcess[str]]:
    """Run a command in several processes, which end by themselves; return how each ended."""
    return run_ranks(num, *command, timeout=LONG, folder=Path.cwd(), path=[TESTS])


def run_job(num: int, name: str, given: dict[str, Any]) -> None:
    """Run a job of `ranked` in several processes."""
    ends = run_command(num, str(TESTS / "ranked.py"), name, json.dumps(given))
    assert [end.returncode for end in ends] == [0] * num, [end.stderr for end in ends]


def make_command(settings: dict[str, Any]) -> list[str]:
    """Return the command line that trains with settings."""
    plugins = [part for name in ("toys", "ranked") for part in ("--plugin", str(TESTS / f"{name}.py"))]
    return [
        "-m",
        "ganzoo",
        *plugins,
        "train",
        "--device",
        "cpu",
        *(f"{key}={value}" for key, value in settings.items()),
    ]


def read_ends(num: int) -> list[list[list[str]]]:
    """Return the ends of the runs of ``ranked.py train``, for each process."""
    return [json.loads(Path(f"ends-{rank}.json").read_text()) for rank in range(num)]


def state(run: Run) -> dict[str, torch.Tensor]:
    return checkpoint.load(run.checkpoints[-1])[0]


def distance(left: dict[str, torch.Tensor], right: dict[str, torch.Tensor]) -> float:
    """Return the largest difference of two states; 0 where they are the same, bit for bit."""
    assert left.keys() == right.keys()
    if all(left[name].numpy().tobytes() == right[name].numpy().tobytes() for name in left):
        return 0.0
    return max(float((left[name].double() - right[name].double()).abs().max()) for name in left) or 1e-300


# ----------------------------------------------------------------------------
# Updates.

MEETING = "recorded-means"  # a case whose term waits for the other processes, which a recording cannot do
CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "adam": {"optim.g.name": "adam", "optim.d.name": "adam", "optim.g.lr": 1e-2, "optim.d.lr": 1e-2},
    "channels-last": {"arch": "toy-conv", "optim.g.name": "adam", "optim.d.name": "adam"},
    "labelled": {"train.conditional": True, "train.flip": True},
    "unequal": {"train.g_batch": 12},
    "micro": {"train.micro_batch": 4},
    "micro-pairs": {"train.micro_batch": 4, "loss": "toy-pairs"},
    "pairs": {"loss": "toy-pairs", "train.g_top_k": 0.5, "train.dequantise": True},
    "coupled": {"loss": "coupled"},
    "coupled-lists": {"loss": "coupled", "arch.answer": "list"},
    "r1": {"reg": "r1"},
    "lazy-r1": {"reg": "r1", "train.d_reg_interval": 2},
    "lazy-g": {"reg": "toy-means", "train.g_reg_interval": 2},
    "adapting": {"aug": "adapting", "train.micro_batch": 4},
    "adapting-lists": {"aug": "adapting", "arch.answer": "list"},
    "shared": {"train.update": "shared", "loss": "toy-pairs"},
    "simultaneous": {"train.update": "simultaneous", "aug": "adapting", "reg": "r1", "loss": "toy-pairs"},
    "points": {"dataset": "toy-points"},
    "terms": {
        "reg": "toy-reals,toy-code,toy-rotation,toy-perceptual,toy-further",
        "optim.g.clip": 0.1,
        "optim.d.clip": 0.1,
    },
    "means": {"reg": "toy-lecam", "train.update": "shared"},
    "micro-terms": {
        "reg": "toy-reals,toy-code",
        "train.micro_batch": 4,
        "reg.toy-code.interval": 2,
        "optim.d.clip": 0.1,
    },
    "projected": {"arch": "toy-projected"},
    "saying": {"arch": "toy-saying", "arch.answer": "list", "reg": "toy-code", "train.d_start": 24},
    "recorded-terms": {"train.execution": "compile", "reg": "toy-reals,toy-code,toy-spectral", "train.micro_batch": 4},
    "recorded": {"train.execution": "compile", "aug": "adapting", "reg": "r1", "train.micro_batch": 4},
    MEETING: {"train.execution": "compile", "reg": "toy-lecam", "optim.d.name": "adam", "optim.d.lr": 1e-2},
}


@functools.cache
def run_alone(name: str) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor], dict[str, float]]:
    """Run a case in one process; return the first state, the last state and the statistics."""
    start, _, _ = ranked.train_rounds(ALONE, CASES[name], rounds=0)
    end, stats, said = ranked.train_rounds(ALONE, CASES[name])
    assert said == [], name
    return start.state()[0], end.state()[0], stats


@pytest.mark.slow
@pytest.mark.parametrize("num", [2, 3])
def test_several_processes_train_like_one(num):
    run_job(num, "update", {"cases": CASES})
    far = {}
    for name in CASES:
        start, alone, stats = run_alone(name)
        found = [torch.load(f"{name}-{num}-{rank}.pt") for rank in range(num)]
        assert distance(start | alone, alone | start) > 1e-3, name
        assert all(distance(found[0][0], other) == 0 for other, _, _ in found[1:]), name
        far[name] = distance(alone, found[0][0])
        assert all(found[0][1:] == others[1:] for others in found[1:]), name
        lines = ["train.execution=compile is not possible here, going on with eager"] if name == MEETING else []
        assert [line.partition(": ")[0] for line in found[0][2]] == lines, name
        assert found[0][1] == pytest.approx(stats, abs=1e-5), name
    assert max(far.values()) < 1e-5, far
    answers = [json.loads(Path(f"answer-{num}-{rank}.json").read_text()) for rank in range(num)]
    for answer in answers:
        assert answer["raised"][0] == "WeightMismatch"
        assert answer["raised"][1].startswith("the weights of process 1 differ from those of process 0: resume")
        assert answer["gathered"] == [number for rank in range(num) for number in (rank, 10)]
        assert answer["agreed"] == [7, True]
        assert answer["first"] == {"rank": 0}


def test_one_process_exchanges_nothing():
    logits = torch.ones(2, 1)
    assert ALONE.gather(logits) is logits
    assert ALONE.gather(logits) is logits
    assert ALONE.synchronise(5, True, [logits]) == (5, True)
    assert ALONE.synchronise(5, False, [logits]) == (5, False)
    assert ALONE.sum_stats({"a": 1.5}) == {"a": 1.5}
    assert ALONE.on_rank0(lambda: 3) == 3
    ALONE.broadcast([logits])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64, torch.uint8])
def test_the_hash_depends_on_every_bit_and_its_position(dtype):
    tensors = [torch.arange(1, 12).to(dtype), torch.arange(6).view(2, 3).to(dtype), torch.ones(()).to(dtype)]
    whole = hash_tensors(tensors)
    assert hash_tensors([tensor.clone() for tensor in tensors]) == whole
    seen = {whole, hash_tensors(reversed(tensors))}
    count = 2
    for tensor in tensors:
        flat = tensor.reshape(-1).view(torch.uint8)
        for index in range(flat.numel()):
            for bit in range(8):
                flat[index] ^= 1 << bit
                seen.add(hash_tensors(tensors))
                flat[index] ^= 1 << bit
                count += 1
    tensors[0][[1, 2]] = tensors[0][[2, 1]]
    seen.add(hash_tensors(tensors))
    assert len(seen) == count + 1
    assert hash_tensors([]) == 0


# ----------------------------------------------------------------------------
# Runs.

SETTINGS = {
    "arch": "toy", "dataset": "toy-array", "train.batch": 24, "train.images": 24 * 60,
    "train.checkpoint_every": 24 * 15, "train.execution": "eager", **SGD,
}  # fmt: skip
EVERYTHING = {
    **SETTINGS, "arch.norm": True, "loss": "toy-pairs", "reg": "toy-r1,remembering", "aug": "toy-noise",
    "train.conditional": True,
    "optim.d.name": "adam", "optim.d.lr": "linear(1e-2, 1e-3, images=1000)", "train.d_reg_interval": 3,
    "train.micro_batch": 6, "train.keep": 3, "train.d_steps": 1,
}  # fmt: skip


def trap(**options: Any) -> dict[str, Any]:
    """Return settings with the loss `ranked.Trap`, which acts once."""
    chosen = {"once": str(Path("trap").absolute()), **options}
    return {**SETTINGS, "loss": "trap", **{f"loss.{name}": value for name, value in chosen.items()}}


def remove_last_checkpoint(run: Run, name: str) -> Run:
    """Return a copy of a finished run without its last checkpoint."""
    copy = Run(run.path.with_name(name))
    shutil.copytree(run.path, copy.path)
    copy.checkpoints[-1].unlink()
    return copy


@pytest.mark.slow
def test_a_killed_process_ends_all_and_the_run_resumes_with_any_number_of_processes():
    begun = time.monotonic()
    code, stdout, stderr = run_torchrun(2, *make_command(trap(after=40)))
    assert code == 1
    assert time.monotonic() - begun < 30
    (path,) = Path("runs").iterdir()
    said = [line for line in stderr.splitlines() if line.startswith("ganzoo: ")]
    assert len(said) == 1, stderr
    assert re.fullmatch(
        rf"ganzoo: another process of the run died \(.*\); go on with torchrun \.\.\. -m ganzoo train --resume {path}",
        said[0],
    )
    assert "ganzoo/engine" not in stderr
    assert stdout == ""
    run = Run(path)
    assert run.images == 24 * 30
    copies = [path.with_name(f"000{num}-over") for num in (1, 2, 3)]
    for copy in copies:
        shutil.copytree(path, copy)
    whole = ganzoo.train(options=trap(), name="whole", device="cpu")
    trained = {"options": trap(), "name": "whole-of-two"}
    everything = {"options": EVERYTHING, "name": "everything"}
    uneven = {"options": {**SETTINGS, "train.batch": 25}}
    shown = {"options": {**SETTINGS, "train.sync_batchnorm": True}}
    longer = {"resume": str(copies[1])}
    unknown = {"arch": "toy", "dataset": "unknown"}
    different = {"arch": "toy", "dataset": "different"}
    run_job(2, "train", {"runs": [longer, trained, everything, uneven, shown, unknown, different]})
    (_, (_, two), (_, all_of_it), refused, unsynced, not_found, lost), others = read_ends(2)
    assert others[:6] == read_ends(2)[0][:6]
    assert others[6] == [
        "UsageError",
        "the data differ between process 1 and process 0: num_items is 41, not 40: give every machine the same data",
    ]
    assert lost[0] == "ProcessLost"
    assert lost[1].startswith("another process of the run died (")
    assert refused == ["UsageError", "train.batch=25 cannot be divided evenly among 2 processes: use train.batch=24"]
    assert not_found[0] == "UsageError"
    assert not_found[1].startswith("no dataset 'unknown' is installed")  # found by the first process alone
    assert unsynced[0] == "UsageError"
    assert unsynced[1].startswith("train.sync_batchnorm=true needs CUDA")
    assert distance(state(Run(Path(two))), state(Run(copies[1]))) == 0
    ganzoo.train(resume=Run(copies[0]), device="cpu")
    rest = remove_last_checkpoint(Run(Path(all_of_it)), "0009-torn")
    run_job(3, "train", {"runs": [{"resume": str(copies[2])}]})
    for copy in copies:
        assert Run(copy).finished
        assert distance(state(whole), state(Run(copy))) < 1e-5, copy
    assert rest.images < Run(Path(all_of_it)).images
    (Path("elsewhere-1") / rest.path / "checkpoints").mkdir(parents=True)  # where it could write
    run_job(2, "train", {"runs": [{"resume": str(rest.path)}]})
    assert distance(state(Run(Path(all_of_it))), state(rest)) == 0
    assert [path for rank in (1, 2) for path in Path(f"elsewhere-{rank}").rglob("*") if path.is_file()] == []


def list_said(ends: list[subprocess.CompletedProcess[str]]) -> list[str]:
    """Return the lines that ganzoo reported in all processes."""
    return [line for end in ends for line in end.stderr.splitlines() if line.startswith("ganzoo: ")]


@pytest.mark.slow
def test_an_error_on_one_process_ends_all():
    ends = run_command(2, *make_command(trap(after=20, what="error", rank=0)))
    assert [end.returncode for end in ends] == [1, 1]
    one, other = list_said(ends)
    assert "RuntimeError: out of order" in one
    assert "another process of the run died" in other


@pytest.mark.slow
@pytest.mark.parametrize("mistake", [{"train.batch": 25}, {"dataset": "unknown"}])
def test_a_mistake_is_reported_once(mistake):
    ends = run_command(2, *make_command({**SETTINGS, **mistake}))
    assert [end.returncode for end in ends] == [2, 2]
    (said,) = list_said(ends)
    assert str(*mistake.values()) in said


@pytest.mark.slow
def test_processes_adapt_the_strength_of_penalties_together():
    strong = {"reg": "r1", "reg.r1.gamma": 1e-3, "optim.d.lr": 0.05, "optim.g.lr": 1e-7}  # D soon tells all
    settings = {"arch": "toy", "dataset": "toy-array", "train.batch": 24, "train.images": 24 * 600, **strong}
    code, _, stderr = run_torchrun(2, *make_command(settings | {"train.auto_gamma": True}))
    assert code == 0, stderr  # weights are compared at each tick
    (path,) = Path("runs").iterdir()
    run = Run(path)
    factor = float(state(run)["strength/factor"])
    assert factor > 1
    assert [row for row in run.rows() if "auto_gamma" in row][-1]["auto_gamma"] > 0


@pytest.mark.slow
def test_all_processes_roll_back_to_the_same_weights_while_one_of_them_probes():
    lower = {
        "train.on_nan": "rollback",
        "train.rollback_factor": 0.001,
        "train.checkpoint_every": 48,
        "train.batch": 24,
    }
    rates = {**SGD, "optim.d.lr": 30.0, "train.images": 240, "arch": "toy", "dataset": "toy-array", "arch.norm": True}
    settings = {"loss": "fragile", "loss.probed": True, **rates, **lower}
    ends = run_command(2, *make_command(settings))
    assert [end.returncode for end in ends] == [0, 0], [end.stderr for end in ends]
    assert "".join(end.stderr for end in ends).count("rolled back to") == 1
    (path,) = Path("runs").iterdir()
    run = Run(path)
    assert run.finished
    assert len(checkpoint.load(run.checkpoints[-1])[1]["rollbacks"]) == 1
    assert [row for row in run.rows() if "auc_train" in row]
    last = {"train.on_nan": "rollback", "train.rollbacks": 1, "train.batch": 24, "arch": "toy", "dataset": "toy-array"}
    ends = run_command(2, *make_command({"loss": "toy-nan", **last}))
    assert [end.returncode for end in ends] == [1, 1]
    (said,) = list_said(ends)
    assert said.startswith("ganzoo: after 1 rollback (train.rollbacks=1) training diverged before ")


@pytest.mark.slow
def test_a_signal_to_one_process_stops_and_saves_all():
    settings = trap(after=100, what="SIGINT") | {"train.images": 10**8, "train.checkpoint_every": 10**7}
    ends = run_command(2, *make_command(settings))
    (path,) = Path("runs").iterdir()
    run = Run(path)
    assert [end.returncode for end in ends] == [130, 130]
    assert run.images > 100 * 24
    stopped = f"ganzoo: stopped and saved at {run.images:,} images; to go on: ganzoo train --resume {path}"
    assert list_said(ends) == [stopped]
    checkpoint.load(run.checkpoints[-1])


@pytest.mark.slow
def test_sigterm_to_torchrun_stops_and_saves():
    settings = {**SETTINGS, "train.images": 10**8, "train.checkpoint_every": 10**7}
    with torchrun(2, *make_command(settings)) as process:
        assert process.stderr is not None
        while " images/s" not in process.stderr.readline():
            pass
        process.send_signal(signal.SIGTERM)
        _, stderr = process.communicate(timeout=LONG)
    (path,) = Path("runs").iterdir()
    assert Run(path).images > 0
    assert f"ganzoo: stopped and saved at {Run(path).images:,} images" in stderr


@pytest.mark.slow
def test_a_restart_by_torchrun_resumes_the_run_that_it_started():
    older = ganzoo.train(options=trap(after=40) | {"train.seed": 1}, device="cpu")  # a run of another command
    Path("trap").unlink(missing_ok=True)
    code, stdout, stderr = run_torchrun(2, *make_command(trap(after=40)), restarts=1)
    assert code == 0, stderr
    (path,) = set(Path("runs").iterdir()) - {older.path}
    assert stdout == f"{path}\n"
    assert Run(path).finished
    assert "going on from 720 images" in (path / "log.txt").read_text()
    whole = ganzoo.train(options=trap(after=40), device="cpu")
    assert distance(state(whole), state(Run(path))) < 1e-5


# ----------------------------------------------------------------------------
# Checks before the start.


@pytest.mark.parametrize(
    ("settings", "size", "words"),
    [
        ({"train.batch": 16}, 2, None),
        ({"train.batch": 16}, 1, None),
        ({"train.batch": 17}, 1, None),
        ({"train.batch": 17}, 2, "train.batch=17 cannot be divided evenly among 2 processes: use train.batch=16"),
        ({"train.batch": 1}, 4, "train.batch=1 cannot be divided evenly among 4 processes: use train.batch=4"),
        ({"train.g_batch": 15}, 4, "train.g_batch=15 cannot be divided evenly among 4 processes: use train.g_batch=16"),
        ({"train.batch": 48, "train.micro_batch": 8}, 2, None),
        ({"train.batch": 48, "train.micro_batch": 16}, 2, None),
        (
            {"train.batch": 40, "train.micro_batch": 8},
            2,
            "train.batch=40 cannot be divided evenly among 2 processes with train.micro_batch=8: use train.batch=32",
        ),
        ({"train.batch": 24, "train.micro_batch": 24}, 3, None),
    ],
)
def test_a_batch_is_split_evenly(settings, size, words):
    recipe = resolve(registry(), pairs={"arch": "toy", "dataset": "toy-array", **settings})
    if words is None:
        check_ranks(recipe, size, "cuda")
        return
    with pytest.raises(UsageError) as error:
        check_ranks(recipe, size, "cuda")
    assert str(error.value) == words
    key, value = words.rpartition(" ")[2].split("=")
    check_ranks(
        resolve(registry(), pairs={"arch": "toy", "dataset": "toy-array", **settings, key: int(value)}), size, "cuda"
    )


@pytest.mark.parametrize(
    "setting", [{"loss": "coupled"}, {"train.update": "shared"}, {"train.sync_batchnorm": True}, {"train.g_top_k": 0.5}]
)
def test_a_piece_that_waits_for_other_processes_is_not_recorded(make, setting):
    gan, _ = make(setting)
    assert is_recordable(gan.recipe, gan.networks)
    recipe = replace(gan.recipe, train=replace(gan.recipe.train, execution="compile"))
    with pytest.raises(UsageError, match=r"train.execution=compile takes .* over several processes, train.update=alt"):
        settle(recipe, gan.networks, CPU, World(0, 2))


def test_batchnorm_over_all_processes_keeps_the_names_of_its_state(make):
    gan, _ = make({"arch.norm": True})
    keys = gan.generator.state_dict().keys()
    assert nn.SyncBatchNorm.convert_sync_batchnorm(gan.generator).state_dict().keys() == keys


def test_a_launch_is_read_from_torchruns_environment(monkeypatch):
    assert read_launch() is None
    assert make_mark({}) == ""
    given = {"RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1", "MASTER_ADDR": "here", "MASTER_PORT": "1"}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    launch = read_launch()
    assert launch is not None
    assert (launch.rank, launch.size, launch.local_rank, launch.restarts) == (3, 4, 1, 0)
    assert make_mark({}) == ""
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "one")
    marks = {make_mark({"a": 1, "b": 2}), make_mark({"b": 2, "a": 1}), make_mark({"a": 1})}
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "two")
    assert len(marks | {make_mark({"a": 1})}) == 3
