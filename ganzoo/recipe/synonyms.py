"""Words of other programs for settings of ganzoo, and what to type instead."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ganzoo.errors import suggest_names
from ganzoo.recipe.keys import MANY, list_keys
from ganzoo.registry import Registry
from ganzoo.registry.similar import TYPING_MISTAKE, fold, suggest_component

# What to type, and the words that people try for it. Hyphens, underscores and capital letters do not matter.
SYNONYMS = {
    "optim.g.lr=X optim.d.lr=X": "lr learning-rate base-lr",
    "optim.g.lr=X": "lr-g g-lr glr lr-gen generator-lr",
    "optim.d.lr=X": "lr-d d-lr dlr lr-disc lr-dis discriminator-lr lr-critic",
    "optim.g.betas=0.5,0.999 optim.d.betas=0.5,0.999": "beta1 beta2 beta-1 beta-2 b1 b2 betas adam-betas",
    "optim.g.name=NAME optim.d.name=NAME": "optimizer opt optim",
    "optim.g.weight_decay=X optim.d.weight_decay=X": "weight-decay wd",
    "optim.g.clip=X optim.d.clip=X": "grad-clip clip-grad clip gradient-clip-val max-grad-norm",
    "--images N, where N is the number of epochs times the number of pictures": "epochs epoch num-epochs n-epochs "
    "max-epochs nepochs",
    "--images N, where N is the number of steps times --batch": "steps iterations iters iter niter n-iter num-iter "
    "num-iters num-steps max-steps max-iter total-steps total-iters train-steps",
    "--images N, where 1M is 1000 kimg": "kimg total-kimg",
    "--batch N": "batch-size bs train-batch-size minibatch mbs batch-gpu",
    "--size N": "image-size img-size imsize resolution res crop-size input-size load-size",
    "--dataset PATH": "data data-dir datadir data-path data-root dataroot dataset-path train-dir root folder "
    "input path",
    "--arch NAME": "model generator network net backbone architecture",
    "--loss NAME": "criterion gan-mode gan-loss gan-type adv-loss adversarial-loss",
    "--reg NAME": "regularizer regularizers regularization penalty",
    "--aug NAME": "augmentation augmentations augment",
    "--metric NAME": "metrics",
    "--tracker NAME": "trackers logger",
    "--seed N": "random-seed manual-seed",
    "--threads N": "workers num-workers n-workers n-cpu num-threads jobs",
    "--conditional": "cond class-conditional use-labels labels label",
    "--device cuda, or for N of them torchrun --nproc-per-node N -m ganzoo train": "gpu gpus cuda num-gpus n-gpus ngpu "
    "gpu-ids",
    "--init WHAT to start from its weights, or --resume RUN to continue a run": "pretrained finetune fine-tune "
    "checkpoint ckpt weights load load-from resume-from transfer",
    "--name NAME (runs are in ./runs, or in $GANZOO_RUNS)": "out output outdir out-dir output-dir save-dir result-dir "
    "results logdir log-dir workdir work-dir run-dir experiment exp-name run-name project",
    "train.d_steps=N": "n-critic critic-iters critic-iterations critic-steps d-iters n-dis num-d-steps disc-iters",
    "train.micro_batch=N": "grad-accum gradient-accumulation gradient-accumulation-steps accumulate accum",
    "train.precision=bf16": "amp fp16 bf16 half mixed-precision use-amp",
    "train.execution=compile": "compile torch-compile",
    "train.ema_half_life=N, in images": "ema ema-decay ema-beta ema-kimg use-ema",
    "train.g_top_k=0.5, or a schedule from 1 to 0.5": "top-k topk k-top",
    "train.dequantise=true": "dequantize dequantization dequantisation dequant",
    "train.flip=true": "mirror flip hflip xflip horizontal-flip random-flip",
    "train.checkpoint_every=N, in images": "save-every save-interval save-freq checkpoint-interval ckpt-every snap "
    "snapshot-freq save-steps",
    "train.grid_every=N, in images": "sample-every sample-interval sample-freq image-snap log-every log-interval",
    "train.metric_every=N, in images": "eval-every eval-interval fid-every eval-steps",
}
MEANINGS = {fold(word): text for text, words in SYNONYMS.items() for word in words.split()}


def suggest_setting(registry: Registry, word: str, known: Iterable[str] | None = None) -> str:
    """Return what to type instead of a key or a flag that does not exist, as the end of a message.

    Args:
        registry: The registry of the components, whose options and names people also type (``gamma=1``, ``--wandb``).
        word: The key or the flag that a person typed.
        known: The valid keys; None for the options of all components.

    Returns:
        The text, such as ``": type --batch N"``; empty if nothing is known about the word.
    """
    last = _get_last_part(word)
    keys = [key for key in (list_keys(registry) if known is None else known) if _get_last_part(key) == last]
    if last in MEANINGS and not (keys and "." in word):  # optim.lr lacks a part
        return f": type {MEANINGS[last]}"
    head = word.partition(".")[0] if "." in word else ""
    if not keys and head in ("", *MANY):  # reg.gamma lacks the name of the regularizer
        keys = [key for key in list_keys(registry) if _get_last_part(key) == last and key.startswith(head)]
    if keys:
        return f": type {' or '.join(f'{key}=VALUE' for key in ([word] if word in keys else keys[:3]))}"
    return "" if "." in word else suggest_component(registry.components(), word, "setting")


def suggest_argument(registry: Registry, word: str, known: Iterable[str]) -> str:
    """Return what to write instead of an argument that `ganzoo.train` does not have, as the end of a message.

    Args:
        registry: The registry of the components, as in `suggest_setting`.
        word: The name of the argument.
        known: The names of the arguments that there are.
    """
    near = suggest_names(word, known, TYPING_MISTAKE)
    hint = near or suggest_setting(registry, word).replace(": type ", ": write ")
    hint = re.sub(r"--([a-z]+)(?![a-z-])(?: ([\w-]+(?:/[\w-]+)*))?", _to_argument, hint)
    return re.sub(r"[a-z]+\.[\w.]+=\S+( [a-z]+\.[\w.]+=\S+)*", lambda pairs: _to_options(pairs[0]), hint)


def _to_argument(flag: re.Match[str]) -> str:
    """Return a flag as an argument: ``--arch dcgan`` as ``arch="dcgan"``, and a flag without a value as its name."""
    name, value = flag.groups()
    if value is None:
        return "conditional=True" if name == "conditional" else f"{name}"
    return f"{name}={_to_literal(value)}"


def _to_options(pairs: str) -> str:
    """Return settings ``KEY=VALUE KEY=VALUE`` as the argument ``options`` of `ganzoo.train`."""
    parts = [pair.rstrip(",").partition("=") for pair in pairs.split()]
    comma = "," if pairs.endswith(",") else ""
    return "options={" + ", ".join(f'"{key}": {_to_literal(value)}' for key, _, value in parts) + "}" + comma


def _to_literal(text: str) -> str:
    """Return a value as it is written in Python; a placeholder, such as ``VALUE``, stays."""
    if text.isupper() or re.fullmatch(r"[\d.]+", text):
        return text
    return str(text == "true") if text in ("true", "false") else f"({text})" if "," in text else f'"{text}"'


def _get_last_part(key: str) -> str:
    return fold(key.rpartition(".")[2])
