"""Runs with the verdicts that the rules must give, for `ganzoo check diagnoses`.

A run is a row for each tick: the values of a run that goes well, with what a case changes. Each rule has a run that it
reports, the same run while it warms up, and one that only comes near.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ganzoo.plugin import Case

TICKS = range(0, 120_000, 4_000)
WELL = {
    "loss_d": 1.2, "loss_g": 0.8, "real": 0.4, "fake": -0.4, "auc": 0.72, "sign_real": 0.3, "real_std": 0.8,
    "fake_std": 0.8, "gradient_d": 0.5, "gradient_g": 0.4, "auc_train": 0.75, "auc_val": 0.72, "train_logit": 0.4,
    "val_logit": 0.35, "fake_logit": -0.4, "pairwise": 0.95, "std_ratio": 1.0, "mean_shift": 0.05, "saturation": 0.0,
    "z_sensitivity": 0.9, "label_sensitivity": 0.6, "duplicates": 0.01, "high_band": 1.1, "input_gradient": 0.3,
    "norm_d": 20.0, "norm_g": 20.0, "travel_d": 0.3, "travel_g": 0.3, "average_gap": 0.1, "mode_gap": 0.05,
}  # fmt: skip


def d_too_strong() -> Iterator[Case]:
    """Yield runs of D that is sure of everything, with a loss with and without a scale."""
    sure = {"auc": 0.999, "loss_d": 0.01, "real": 5.0, "fake": -5.0}
    yield from _vary("d-too-strong", sure, near={"auc": 0.999, "loss_d": 0.2})
    gaps = [{"auc": 1.0, "real": 3.0**tick, "fake": 0.0} for tick in range(len(TICKS))]
    yield _case("d-too-strong", "the gap grows", gaps, loss="wasserstein")
    yield _case("nothing", "a gap that does not grow", [{"auc": 1.0, "real": 9.0}] * len(TICKS), loss="wasserstein")
    seen = [sure if images < 90_000 else {} for images in TICKS]
    yield _case("nothing", "D won before", seen)


def d_too_weak() -> Iterator[Case]:
    """Yield runs of D that cannot tell what differs, and of one that is far behind."""
    yield from _vary("d-too-weak", {"auc": 0.51, "mean_shift": 0.8}, near={"auc": 0.51})
    yield from _vary("d-too-weak", {"auc": 0.05}, near={"auc": 0.45})
    better = [{"auc": 0.51, "mean_shift": 3 * 0.9**tick} for tick in range(len(TICKS))]
    yield _case("nothing", "the fakes become better", better)


def overregularised() -> Iterator[Case]:
    """Yield runs of a D whose logits are all equal, with and without a penalty."""
    flat = {"auc": 0.53, "real_std": 1e-3, "fake_std": 1e-3, "real": 1e-3, "fake": 0.0}
    reg = [{"name": "regularizers:r1", "options": {"gamma": 1e4}}]
    yield _case("overregularised", "a penalty", [flat] * len(TICKS), reg=reg)
    yield _case("overregularised", "a large penalty", [{"reg.r1/d": 40.0}] * len(TICKS), reg=reg)
    yield _case("nothing", "a small penalty", [{"reg.r1/d": 0.3}] * len(TICKS), reg=reg)
    yield _case("nothing", "no penalty", [flat] * len(TICKS))
    yield _case("overregularised", "it tells, and may not say so", [{"auc": 0.99, "loss_d": 1.3}] * len(TICKS), reg=reg)
    yield _case("nothing", "it tells and says so", [{"auc": 0.95, "loss_d": 0.9}] * len(TICKS), reg=reg)


def d_overfit() -> Iterator[Case]:
    """Yield runs of D that takes held-out samples for fakes, or a little so."""
    yield from _vary("d-overfit", {"auc_train": 0.99, "auc_val": 0.6}, near={"auc_train": 0.9, "auc_val": 0.8})
    yield _case("d-overfit", "r_v", [{"auc_train": 0.9, "auc_val": 0.8, "val_logit": -0.3}] * len(TICKS))


def lipschitz() -> Iterator[Case]:
    """Yield runs without a limit of D, with one, and with one that misses its target."""
    grown = [{"real": 2.0**tick, "fake": 0.0} for tick in range(len(TICKS))]
    off = [{"name": "regularizers:wgan-gp", "options": {"weight": 0.0, "target": 1.0}}]
    on = [{"name": "regularizers:wgan-gp", "options": {"weight": 10.0, "target": 1.0}}]
    yield _case("lipschitz-violation", "no limit", grown, loss="wasserstein")
    yield _case("lipschitz-violation", "a limit of weight 0", grown, loss="wasserstein", reg=off)
    yield _case("nothing", "a loss with a bound", grown)
    yield _case("lipschitz-violation", "a slope", [{"input_gradient": 5.0}] * len(TICKS), loss="wasserstein")
    yield _case("nothing", "no growth", [{}] * len(TICKS), loss="wasserstein")
    missed = [{"reg.wgan-gp/d": 40.0, "input_gradient": 3.0}] * len(TICKS)
    yield _case("lipschitz-violation", "the target is missed", missed, loss="wasserstein", reg=on)
    kept = [{"reg.wgan-gp/d": 0.2, "input_gradient": 1.0}] * len(TICKS)
    yield _case("nothing", "the target is kept", kept, loss="wasserstein", reg=on)
    yield _case("lipschitz-violation", "a normalised batch", [{}], reg=on, arch={"norm_d": "batch"})


def oscillation() -> Iterator[Case]:
    """Yield runs whose path leads nowhere while the gap changes its sign, and one whose gap does not."""
    turns = [{"travel_d": 0.02, "real": (-1.0) ** tick, "fake": 0.0} for tick in range(len(TICKS))]
    yield _case("oscillation", "turns", turns)
    yield _case("nothing", "a long path with a gap", [{"travel_d": 0.02}] * len(TICKS))


def numeric_blowup() -> Iterator[Case]:
    """Yield runs whose numbers diverge, are large for a moment, or are as large as those of sound runs."""
    yield _case("numeric-blowup", "a huge loss", [{"loss_d": -1.7e15}] * len(TICKS))
    yield _case("numeric-blowup", "only logits are huge", [{"real": 5e4, "fake": 5e4}] * len(TICKS))
    yield _case("numeric-blowup", "not a number", [{}, {}, {"loss_d": float("nan")}])
    yield _case("numeric-blowup", "the run diverged", [{}, {}, {"diverged": 1.0}])
    jump = [{"gradient_g": 1.0 if images < 100_000 else 1e5} for images in TICKS]
    yield _case("numeric-blowup", "a gradient jumps", jump)
    yield _case("nothing", "one tick is huge", [{"loss_d": 1e9 if images == 60_000 else 1.0} for images in TICKS])
    yield _case("nothing", "large losses", [{"loss_d": -20.0, "loss_g": 100.0, "real": -80.0}] * len(TICKS))


def g_dead() -> Iterator[Case]:
    """Yield runs of G without a gradient, from the first tick on, and with a small one."""
    yield _case("g-dead", "no gradient", [{"gradient_g": 0.0}] * 3)
    yield _case("g-dead", "flat samples", [{"std_ratio": 1e-5}] * 3)
    resting = {"z_sensitivity": 0.0, "step_g": 1e-6, "step_d": 1e-3}
    yield _case("g-dead", "most weights rest", [resting])
    yield _case("nothing", "a small gradient", [{"gradient_g": 1e-4}] * len(TICKS))


def z_ignored() -> Iterator[Case]:
    """Yield runs whose samples do not depend on z, and one that collapsed."""
    yield _case("z-ignored", "no change", [{"z_sensitivity": 1e-6, "pairwise": 0.0}] * 4)
    yield _case("z-ignored", "hardly a difference", [{"z_sensitivity": 0.01, "pairwise": 0.02}] * len(TICKS))
    late = [{"pairwise": 0.9 if images < 60_000 else 0.02, "z_sensitivity": 0.02} for images in TICKS]
    yield _case("nothing", "it collapsed", late)


def labels_ignored() -> Iterator[Case]:
    """Yield conditional runs whose labels change nothing, or teach a classifier nothing."""
    deaf = {"label_sensitivity": 0.01}
    yield _case("labels-ignored", "no change", [deaf] * len(TICKS), conditional=True)
    yield _case("nothing", "a run without labels", [deaf] * len(TICKS))
    yield _case("nothing", "some change", [{"label_sensitivity": 0.2}] * len(TICKS), conditional=True)


def eval_mismatch() -> Iterator[Case]:
    """Yield runs whose modes differ, and one whose modes differ a little."""
    yield from _vary("eval-mismatch", {"mode_gap": 0.8}, near={"mode_gap": 0.3})


def ema_stale() -> Iterator[Case]:
    """Yield runs with a long half-life, and one with a short one."""
    long: dict[str, Any] = {"ema_half_life": 1e6, "ema_ramp": None}
    yield _case("ema-stale", "a long half-life", [{"average_gap": 0.9}] * len(TICKS), **long)
    yield _case("nothing", "a short half-life", [{"average_gap": 0.9}] * len(TICKS))
    yield _case("nothing", "an average that is near", [{"average_gap": 0.2}] * len(TICKS), **long)


def checkerboard() -> Iterator[Case]:
    """Yield runs with and without a pattern."""
    yield from _vary("checkerboard", {"high_band": 6.0}, near={"high_band": 2.0})


def aug_leak() -> Iterator[Case]:
    """Yield runs whose fakes differ although D is content, with augmentations that are always on, and that are not."""
    always, half = ([{"name": "augmentations:cutout", "options": {"p": p, "share": 0.5}}] for p in (1.0, 0.5))
    differ = [{"auc": 0.7, "mean_shift": 0.5}] * len(TICKS)
    yield _case("aug-leak", "always on", differ, aug=always)
    yield _case("nothing", "half of the time", differ, aug=half)
    yield _case("nothing", "no difference", [{}] * len(TICKS), aug=always)


def mode_collapse() -> Iterator[Case]:
    """Yield runs whose fakes are near each other, nearly equal, or reach few real samples."""
    yield from _vary("mode-collapse", {"pairwise": 0.3}, near={"pairwise": 0.7})
    yield from _vary("mode-collapse", {"duplicates": 0.8}, near={"duplicates": 0.3})
    grows = [{"pairwise": 0.2 * 1.03**tick} for tick in range(len(TICKS))]
    yield _case("nothing", "on its way", grows)
    narrow = [{"prdc/recall": 0.05, "prdc/precision": 0.9}] * len(TICKS)
    yield _case("mode-collapse", "low recall", narrow)


def mode_drop() -> Iterator[Case]:
    """Yield runs that lack a class, and one that lacks half of one."""
    yield _case("mode-drop", "a class is missing", [{"class-shares/least": 0.02}] * len(TICKS))
    yield _case("nothing", "a class is rare", [{"class-shares/least": 0.4}] * len(TICKS))
    yield _case("mode-drop", "the data lack a class", [{"data/samples": 90.0, "data/missing_classes": 1.0}, {}])


def memorising() -> Iterator[Case]:
    """Yield runs that copy, and one that does not."""
    yield _case("memorising", "few are authentic", [{"copying/ratio": 0.1, "copying/ct": -1.0}] * len(TICKS))
    yield _case("memorising", "C_T", [{"copying/ratio": 0.9, "copying/ct": -6.0}] * len(TICKS))
    yield _case("nothing", "no copies", [{"copying/ratio": 0.95, "copying/ct": -1.0}] * len(TICKS))


def score_regression() -> Iterator[Case]:
    """Yield runs that were better before: for two measurements, and for one."""
    metric = [{"name": "metrics:frechet", "options": {}}]

    def measure(*values: float) -> list[dict[str, float]]:
        return [{"images": 40_000.0 + 10_000 * place, "frechet/fd": value} for place, value in enumerate(values)]

    yield _case("score-regression", "worse twice", measure(9, 5, 4, 7, 8), metric=metric)
    yield _case("nothing", "worse once", measure(9, 5, 4, 4.2, 8), metric=metric)
    yield _case("nothing", "a little worse", measure(9, 5, 4, 5, 5), metric=metric)


# ----------------------------------------------------------------------------


def _vary(code: str, changes: Mapping[str, float], near: Mapping[str, float]) -> Iterator[Case]:
    """Yield a run that is reported, the same run while it warms up and for one tick, and one that comes near."""
    name = ", ".join(f"{key} {value:g}" for key, value in changes.items())
    yield _case(code, name, [changes] * len(TICKS))
    yield _case("nothing", f"{name} at the start", [changes] * 8)
    yield _case("nothing", f"{name} for a tick", [changes if images == 80_000 else {} for images in TICKS])
    yield _case("nothing", ", ".join(f"{key} {value:g}" for key, value in near.items()), [near] * len(TICKS))


def _case(code: str, name: str, changes: list[Any], loss: str = "bce", **recipe: Any) -> Case:
    """Return a case with a row for each tick, or with rows of measurements where these have their own ``images``."""
    rows = [
        change if "images" in change else {"images": images, **WELL, **change}
        for images, change in zip(TICKS, changes, strict=False)
    ]
    return Case(name=name, given={"rows": rows, "recipe": _make_recipe(loss, **recipe)}, expected={code: 1})


def _make_recipe(
    loss: str, reg: Any = (), aug: Any = (), metric: Any = (), arch: Mapping[str, Any] | None = None, **train: Any
) -> dict[str, Any]:
    """Return the parts of a frozen recipe that the rules read."""
    rate = {"name": "adam", "lr": 2e-4}
    usual = {
        "images": 1_000_000, "batch": 64, "d_steps": 1, "update": "alternating", "conditional": False, "flip": False,
        "precision": "fp32", "ema_half_life": 10_000.0, "ema_ramp": 0.05, "best": None, "d_start": 0,
        "adversarial_start": 0,
    }  # fmt: skip
    return {
        "arch": {"name": "check:arch", "options": arch or {}},
        "loss": {"name": f"losses:{loss}", "options": {}},
        "dataset": {"name": "check:data", "options": {}},
        "reg": list(reg), "aug": list(aug), "metric": list(metric), "tracker": [],
        "optim": {"g": rate, "d": rate},
        "train": usual | train,
    }  # fmt: skip
