"""Reading a run: its ticks in order, the episode in which a condition holds, and what its recipe says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import log
from statistics import median
from typing import Any

Row = Mapping[str, Any]
Recipe = Mapping[str, Any]
Condition = Callable[[Row], bool]

TICKS = 3  # consecutive rows in which a condition must hold before it is reported, or fail before it is over
WARM_UP_UPDATES, WARM_UP_SHARE = 500, 0.02  # what the networks do before that is not judged
ADVERSARIAL = ("bce", "minimax", "lsgan", "hinge", "rpgan", "rphinge", "ragan", "ralsgan", "rahinge")
UNBOUNDED = ("wasserstein",)  # losses whose D must be limited by something else
LIMITS = (  # terms that limit the slope of D
    "r1", "r2", "wgan-gp", "zero-centred-gp", "max-gp", "dragan", "spectral-norm", "weight-clip", "ot",
)  # fmt: skip


def find_warm_up(recipe: Recipe) -> float:
    """Return the images after which a run is judged: 500 updates or 2 % of the run, after both networks started."""
    train = recipe["train"]
    started = max(train.get("d_start", 0), train.get("adversarial_start", 0))
    return float(started + max(WARM_UP_UPDATES * train["batch"], WARM_UP_SHARE * train["images"]))


def find_episode(
    rows: Sequence[Row],
    keys: Sequence[str],
    holds: Condition,
    *,
    ends: Condition | None = None,
    start: float = 0,
    ticks: int = TICKS,
) -> list[Row]:
    """Return the rows of the present episode of a condition, oldest first; empty if there is none.

    An episode begins where the condition holds in so many consecutive rows. It lasts until `ends` holds in as many, so
    that a value near its threshold does not make a verdict come and go.

    Args:
        rows: The rows of a run, oldest first.
        keys: The values that a row must have to be counted.
        holds: The condition on a row.
        ends: The condition that ends an episode; by default that `holds` does not hold.
        start: The number of images after which there is an episode; rows since half of them count.
        ticks: The number of consecutive rows that begin and end an episode.
    """
    wanted, kept, begin = frozenset(keys), list[Row](), 0
    bad = over = 0
    for row in reversed(rows) if rows and rows[-1]["images"] >= start else ():
        if row["images"] < start / 2:
            break
        if not wanted <= row.keys():
            continue
        kept.append(row)
        is_bad = holds(row)
        is_over = not is_bad if ends is None else ends(row)
        bad, over = bad + 1 if is_bad else 0, over + 1 if is_over else 0
        begin = len(kept) if bad >= ticks else begin
        if over >= ticks:
            break
    return kept[:begin][::-1]


def take_median(rows: Sequence[Row], key: str, last: int = TICKS) -> float:
    """Return the median of a value in the last rows that have it."""
    return float(median([row[key] for row in rows if key in row][-last:]))


def get_bare_name(entry: Mapping[str, Any]) -> str:
    """Return the name of a recipe's component without that of its plugin."""
    return str(entry["name"]).rpartition(":")[2]


def find_terms(recipe: Recipe, key: str) -> dict[str, Mapping[str, Any]]:
    """Return the options of the recipe's components of a kind (``reg``, ``aug``, ``metric``) by bare name."""
    return {get_bare_name(entry): entry["options"] for entry in recipe[key]}


def get_norm_d(recipe: Recipe) -> str:
    """Return the architecture's option ``norm_d``; empty if it has none."""
    return str(recipe["arch"]["options"].get("norm_d", ""))


def find_equilibrium(recipe: Recipe) -> float | None:
    """Return D's loss if D cannot tell real from fake; None if nobody knows, 0 for a difference of means.

    For 0 is where both logits are equal: 2 ln 2 for cross-entropy (Goodfellow et al. 2014, theorem 1), (b - a)^2 / 4
    for least squares, twice the margin for hinge; on pairs ln 2 and 1.
    """
    name, options = get_bare_name(recipe["loss"]), recipe["loss"]["options"]
    if name == "lsgan" and all(isinstance(options.get(key), int | float) for key in "ab"):
        return float((options["b"] - options["a"]) ** 2 / 4) or None
    return {
        "bce": 2 * log(2), "minimax": 2 * log(2), "hinge": 2.0, "rpgan": log(2), "rphinge": 1.0, "ragan": 2 * log(2),
        "ralsgan": 2.0, "rahinge": 2.0, "wasserstein": 0.0,
    }.get(name)  # fmt: skip


def is_number(value: object) -> bool:
    """Return whether a value is a number, not a schedule or a text."""
    return isinstance(value, int | float) and not isinstance(value, bool)
