"""What to type against a problem. Each advice is a setting that the recipe takes: a key that it has, or a flag."""

from __future__ import annotations

from ganzoo.plugin import DataInfo
from ganzoo_diagnoses.reading import LIMITS, Recipe, find_terms, get_norm_d, is_number

Advice = tuple[str, ...]
STRENGTHS = ("gamma", "weight")  # the options of penalties that are factors


def scale_penalties(recipe: Recipe, factor: float) -> Advice:
    """Return stronger or weaker penalties on D's slope, for those whose strength is a number above 0."""
    found = []
    for name, options in find_terms(recipe, "reg").items():
        for key in STRENGTHS if name in LIMITS else ():
            if is_number(options.get(key)) and options[key] > 0:
                found.append(f"reg.{name}.{key}={options[key] * factor:.3g}")
    return tuple(found)


def limit_d(recipe: Recipe) -> Advice:
    """Return a limit of D's slope: stronger penalties, a new one, or a normalisation without statistics of a batch."""
    if stronger := scale_penalties(recipe, 4):
        return stronger
    if get_norm_d(recipe) == "batch":  # mixes the samples of a batch, so that a penalty of each makes no sense
        return normalise_weights(recipe)
    return () if recipe["reg"] else ("--reg r1",)


def normalise_weights(recipe: Recipe) -> Advice:
    """Return the settings with which D normalises its weights and no batches."""
    apart = "spectral_d" in recipe["arch"]["options"]
    return ("arch.norm_d=none", "arch.spectral_d=true") if apart else ("arch.norm_d=spectral",)


def change_rate(recipe: Recipe, network: str, factor: float) -> Advice:
    """Return another learning rate of ``g`` or ``d``, if it is a number."""
    rate = recipe["optim"][network].get("lr")
    return (f"optim.{network}.lr={rate * factor:.3g}",) if is_number(rate) else ()


def augment(recipe: Recipe, data: DataInfo) -> Advice:
    """Return an augmentation of images, if there is none."""
    return ("--aug ada",) if data.modality == "image" and not recipe["aug"] else ()


def double(recipe: Recipe, key: str) -> Advice:
    """Return twice as large a number of ``train.``: ``train.batch=128``."""
    return (f"train.{key}={recipe['train'][key] * 2}",)


def pack(recipe: Recipe) -> Advice:
    """Return two samples that D judges together (PacGAN), if the architecture has that and nothing needs one sample."""
    packed = recipe["arch"]["options"].get("pack")
    return ("arch.pack=2",) if packed == 1 and not recipe["reg"] else ()


def choose_pairs(recipe: Recipe) -> Advice:
    """Return the loss on pairs, if the recipe has another one."""
    return () if recipe["loss"]["name"].endswith(":rpgan") else ("--loss rpgan",)
