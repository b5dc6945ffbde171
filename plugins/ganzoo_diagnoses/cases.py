"""Runs with the verdicts that the rules must give, for `ganzoo check diagnoses`."""

from __future__ import annotations

from collections.abc import Iterator

from ganzoo.plugin import Case

TICKS = range(0, 60_000, 1_000)


def winning_discriminator() -> Iterator[Case]:
    """Yield runs of D that wins, is undecided, wins for a short time only, or has a loss without a lower bound."""
    yield _case("d-wins", "D wins", [_row(images, 0.01, 5.0, 5.0, -5.0) for images in TICKS])
    yield _case(
        "d-wins", "D wins in a fast run", [_row(images, 0.01, 5, 5, -5) for images in range(0, 900_000, 90_000)]
    )
    yield _case("nothing", "D is undecided", [_row(images, 1.386, 0.693, 0.0, 0.0) for images in TICKS])
    yield _case(
        "nothing", "D wins at the start", [_row(images, 0.01 if images < 15_000 else 1, 1, 5, -5) for images in TICKS]
    )
    yield _case(
        "nothing", "D has just won", [_row(images, 0.01 if images > 50_000 else 1, 1, 5, -5) for images in TICKS]
    )
    yield _case("nothing", "a difference of means", [_row(images, -10.0, -3.0, 13.0, 3.0) for images in TICKS])
    yield _case("nothing", "no difference of means", [_row(images, 0.0, -3.0, 3.0, 3.0) for images in TICKS])


def huge_loss() -> Iterator[Case]:
    """Yield runs whose losses diverge, are large for a moment, or are as large as those of sound runs."""
    yield _case("huge-loss", "D's loss is huge", [_row(images, -1.7e15, 3.0, 1.0, 0.0) for images in TICKS])
    yield _case(
        "huge-loss", "D's loss grows", [_row(images, 1.2 ** (images / 1000), 3.0, 1.0, 0.0) for images in TICKS]
    )
    yield _case("huge-loss", "only logits are huge", [_row(images, -10.0, 3.0, 5e4, 5e4) for images in TICKS])
    yield _case(
        "nothing", "one tick is huge", [_row(images, 1e9 if images == 59_000 else 1, 1, 0, 0) for images in TICKS]
    )
    yield _case("nothing", "all is in order", [_row(images, -20.0, 100.0, -80.0, -100.0) for images in TICKS])
    yield _case("nothing", "D does not learn yet", [{"images": images} for images in TICKS])


def _case(code: str, name: str, rows: list[dict[str, float]]) -> Case:
    return Case(name=name, given={"rows": rows}, expected={code: 1})


def _row(images: int, loss_d: float, loss_g: float, real: float, fake: float) -> dict[str, float]:
    return {"images": images, "loss_d": loss_d, "loss_g": loss_g, "real": real, "fake": fake}
