"""A long run of the smallest networks, which shows small leaks of memory or files."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys

import pytest

UPDATES = 54_000  # of the discriminator and of the generator
SOAK = """
import ctypes, gc, json, os, sys
import torch
torch.set_num_threads(1)
import ganzoo
from ganzoo.engine import pace

pace.TICK_SECONDS = 1e9  # ticks at checkpoints alone, at the same updates on every machine

class Listener:
    def tick(self, event):
        gc.collect()
        ctypes.CDLL(None).malloc_trim(0)  # memory that is free is not in use
        with open("/proc/self/statm") as file:
            memory = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        print(json.dumps([event.images, memory, len(os.listdir("/proc/self/fd"))]))

images = 8 * int(sys.argv[1])
options = {"arch.width": 16, "arch.depth": 1, "train.execution": "eager", "train.ema_half_life": 1000,
           "train.checkpoint_every": images // 100, "train.grid_every": images // 40}
ganzoo.train(arch="mlp", dataset="points", loss="bce", reg="none", batch=16, images=images, options=options,
             listener=Listener())
assert "torch._dynamo" not in sys.modules, "eager training imports torch's compiler, which takes over a second"
"""


@pytest.mark.slow
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library has no malloc_trim")
def test_memory_and_open_files_do_not_grow_over_a_long_run(tmp_path, capsys):
    # large blocks, such as those of a picture, are returned to the system at once: growth is memory in use
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MALLOC_MMAP_THRESHOLD_": str(1 << 20)}
    command = [sys.executable, "-c", SOAK, str(UPDATES)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    warm = [row for row in rows if row[0] >= 0.2 * rows[-1][0]]
    assert len(warm) > 50  # a tick at each checkpoint
    images, memory, files = zip(*warm, strict=True)
    num = len(warm) // 4  # a single step, when Python or torch enlarges a table, is in a third of the differences
    slopes = [8 * (memory[at + num] - memory[at]) / (images[at + num] - images[at]) for at in range(len(warm) - num)]
    growth = statistics.median(slopes)
    with capsys.disabled():
        print(f"\n[{UPDATES:,} updates: {growth:+.1f} bytes in each, {files[0]} to {files[-1]} open files]")
    assert growth < 10  # a number that is kept takes 24
    assert max(files) <= files[0] + 2  # a file may be written and a directory synced at that moment
