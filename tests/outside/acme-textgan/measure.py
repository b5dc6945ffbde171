"""Compare a trained run with a sampler of single characters: ``python measure.py RUN``, in a clone of this plugin.

Prints the Jensen-Shannon divergences of both to the held-out text, as JSON. The sampler draws as many characters, each
by itself, with the frequencies of the training text.
"""

from __future__ import annotations

import json
import sys

import torch

import ganzoo

NUM = 2048  # samples

generator = ganzoo.load(sys.argv[1], device="cpu")
options = generator.config["recipe"]["dataset"]["options"]
size, length = generator.data.shape
trained = ganzoo.create("dataset", "text", **options)
held_out = ganzoo.create("dataset", "text", **{**options, "split": "held-out"})
frequencies = torch.bincount(trained.codes, minlength=size).float()
draws = torch.multinomial(frequencies, NUM * length, True, generator=torch.Generator().manual_seed(0))
given = {
    "char-gan": generator.sample_raw(NUM),
    "single characters": torch.eye(size)[draws.view(NUM, length)].transpose(1, 2),
}
found = {}
for name, samples in given.items():
    metric = ganzoo.create("metric", "ngram-js")
    metric.real(held_out.sample(torch.Generator().manual_seed(0), NUM)[0])
    metric.fake(samples)
    found[name] = {key: round(value, 4) for key, value in metric.compute().items()}
sys.stdout.write(json.dumps(found) + "\n")
