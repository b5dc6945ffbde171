"""Synthetic points: their distributions in closed form, and the picture that is drawn of them."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import get_args, get_type_hints

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image
from torch import Tensor

from ganzoo import load
from ganzoo.cli import main
from ganzoo.data.opening import open_source
from ganzoo.data.source import EndlessSource
from ganzoo.plugin import DataInfo
from ganzoo_datasets import ganzoo_datasets
from ganzoo_datasets.points import LOST, MODES, SAMPLES, SIDE, Points, draw_scatter
from ganzoo_datasets.specs.included import PointsOptions, points_info

SHAPES = get_args(get_type_hints(PointsOptions)["shape"])
HUNDRED = ("grid-100", "rotated-100", "staggered-100")
MIXTURES = {"ring": 8, "pacgan-ring": 8, "grid": 25, **dict.fromkeys(HUNDRED, 100), "gaussian": 1}
NUM = 200_000


def points(shape: str) -> Points:
    return Points(PointsOptions(shape=shape))  # type: ignore[arg-type]


def draw(shape: str, num: int = NUM, seed: int = 0) -> tuple[Tensor, Tensor | None]:
    return points(shape).sample(torch.Generator().manual_seed(seed), num)


def centres(shape: str) -> Tensor:
    return torch.tensor(points(shape).info.meta["modes"])


def test_spec() -> None:
    (spec,) = [spec for spec in ganzoo_datasets() if spec.name == "points"]
    assert (spec.info, spec.default) == (points_info, False)
    assert issubclass(spec.options, PointsOptions)  # with the option `holdout` of all datasets
    assert "1712.04086" in spec.paper
    assert "1705.07761" in spec.paper


@pytest.mark.parametrize("shape", SHAPES)
def test_info(shape: str) -> None:
    info = points(shape).info
    assert (info.shape, info.modality, info.num_items) == ((2,), "points", None)
    assert info.num_classes == MIXTURES.get(shape, 0)
    assert set(info.meta) == ({"modes", "sigma"} if shape in MIXTURES else set())
    assert DataInfo.from_json(info.to_json()) == info


@pytest.mark.parametrize("shape", SHAPES)
def test_opens_as_an_endless_source(shape: str) -> None:
    source = open_source(points(shape), name="points", key="k", notify=print)
    assert isinstance(source, EndlessSource)
    data, labels = source.sample(torch.Generator(), 7)
    assert (data.shape, data.dtype) == ((7, 2), torch.float32)
    assert (labels is not None) == (shape in MIXTURES)


# ----------------------------------------------------------------------------
# Distributions.


@pytest.mark.parametrize("shape", SHAPES)
def test_the_rms_is_1_and_the_mean_0(shape: str) -> None:
    data, _ = draw(shape)
    assert data.square().mean().item() == pytest.approx(1, abs=0.006)  # 5 standard errors of the widest
    assert data.mean(0).abs().max().item() < 0.014


@pytest.mark.parametrize("shape", SHAPES)
def test_draws_depend_on_the_generator_alone(shape: str) -> None:
    torch.manual_seed(0)
    before = torch.get_rng_state()
    one, same, other = draw(shape, 64), draw(shape, 64), draw(shape, 64, seed=1)
    assert torch.equal(one[0], same[0])
    assert not torch.equal(one[0], other[0])
    assert torch.equal(torch.get_rng_state(), before)
    drawn, generator = points(shape), torch.Generator().manual_seed(0)
    assert torch.equal(drawn.sample(generator, 64)[0], one[0])
    assert not torch.equal(drawn.sample(generator, 64)[0], one[0])
    assert torch.equal(drawn.sample(generator.manual_seed(0), 64)[0], one[0])  # what was drawn is nobody else's


@pytest.mark.parametrize(("shape", "num"), MIXTURES.items())
def test_modes_are_round_gaussians_at_their_labels_centre(shape: str, num: int) -> None:
    data, labels = draw(shape)
    sigma = points(shape).info.meta["sigma"]
    assert labels is not None
    assert labels.dtype == torch.int64
    counts = torch.bincount(labels, minlength=num)
    assert len(counts) == num
    assert (counts / NUM - 1 / num).abs().max().item() < 5 * math.sqrt((1 / num) / NUM)
    for mode, centre in enumerate(centres(shape)):
        offsets = (data[labels == mode] - centre) / sigma
        assert offsets.mean(0).abs().max().item() < 5 / math.sqrt(len(offsets))
        torch.testing.assert_close(offsets.T.cov(), torch.eye(2), rtol=0, atol=8 / math.sqrt(len(offsets)))


@pytest.mark.parametrize("shape", MIXTURES)
def test_a_perfect_sampler_scores_98_889_percent(shape: str) -> None:
    data, _ = draw(shape)
    near = torch.cdist(data, centres(shape)).amin(1) < 3 * points(shape).info.meta["sigma"]
    assert near.float().mean().item() == pytest.approx(1 - math.exp(-4.5), abs=0.0012)


@pytest.mark.parametrize(("shape", "radius", "sigma"), [("ring", 2, 0.02), ("pacgan-ring", 1, 0.01)])
def test_eight_distinct_modes_on_a_circle(shape: str, radius: float, sigma: float) -> None:
    rms = math.sqrt(radius**2 / 2 + sigma**2)
    assert points(shape).info.meta["sigma"] == pytest.approx(sigma / rms)
    assert centres(shape).norm(dim=1) * rms == pytest.approx(torch.full((8,), float(radius)))
    assert torch.pdist(centres(shape)).min().item() == pytest.approx(2 * radius * math.sin(math.pi / 8) / rms)
    assert centres(shape)[0].tolist() == pytest.approx([radius / rms, 0])


def test_the_two_rings_are_one_problem_once_divided_by_their_rms() -> None:
    torch.testing.assert_close(draw("ring")[0], draw("pacgan-ring")[0])


def test_twenty_five_modes_on_a_grid() -> None:
    rms = math.sqrt(8 + 0.05**2)
    assert points("grid").info.meta["sigma"] == pytest.approx(0.05 / rms)
    whole = {(round(x * rms, 5), round(y * rms, 5)) for x, y in centres("grid").tolist()}
    assert whole == {(x, y) for x in (-4, -2, 0, 2, 4) for y in (-4, -2, 0, 2, 4)}


@pytest.mark.parametrize(
    ("shape", "gap", "corner"),
    [
        ("grid-100", 1.0, (-4.5, -4.5)),
        ("rotated-100", 1.0, (-4.5 * math.cos(math.radians(25)) + 4.5 * math.sin(math.radians(25)), -5.980165)),
        ("staggered-100", math.hypot(0.85, 0.5), (-3.825, -4.75)),
    ],
)
def test_a_hundred_modes_are_thirty_sigma_apart(shape: str, gap: float, corner: tuple[float, float]) -> None:
    sigma = points(shape).info.meta["sigma"]
    whole = centres(shape) * (0.03 / sigma)
    assert torch.pdist(whole).min().item() == pytest.approx(gap, abs=1e-4)
    assert tuple(whole[0].tolist()) == pytest.approx(corner, abs=1e-4)
    assert whole.mean(0).abs().max().item() < 1e-4


def test_the_spiral_has_two_arms_of_one_and_a_half_turns() -> None:
    data = draw("spiral")[0] * math.sqrt((3 * math.pi) ** 2 / 4 + 0.01)
    radius = data.norm(dim=1)
    angle = torch.atan2(data[:, 1], data[:, 0])
    off = (angle - radius + math.pi / 2).remainder(math.pi) - math.pi / 2  # from the nearer arm
    across = (off * radius / (1 + radius.square()).sqrt())[radius > 3]  # the curve's normal is nearly radial
    assert radius.max().item() == pytest.approx(3 * math.pi, abs=0.6)
    assert (radius < 1.5 * math.pi).float().mean().item() == pytest.approx(0.25, abs=0.01)
    assert across.square().mean().sqrt().item() == pytest.approx(0.1, rel=0.05)


def test_two_moons_are_half_circles_that_interlock() -> None:
    data = draw("two-moons", 20_000)[0] * math.sqrt(21 / 32 - 1 / math.tau + 0.0025) + torch.tensor([0.5, 0.25])
    turn = torch.linspace(0, math.pi, 500)
    upper = torch.stack([turn.cos(), turn.sin()], 1)
    far = torch.stack([torch.cdist(data, moon).amin(1) for moon in (upper, torch.tensor([1.0, 0.5]) - upper)])
    assert far.amin(0).square().mean().sqrt().item() == pytest.approx(0.05, rel=0.05)
    assert (far.argmin(0) == 0).float().mean().item() == pytest.approx(0.5, abs=0.02)


def test_the_checkerboard_fills_every_other_square() -> None:
    data = draw("checkerboard")[0] * math.sqrt(4 / 3)
    cells, counts = torch.unique(data.floor(), dim=0, return_counts=True)
    assert {tuple(cell) for cell in cells.tolist()} == {
        (x, y) for x in (-2, -1, 0, 1) for y in (-2, -1, 0, 1) if (x + y) % 2 == 0
    }
    assert (counts / NUM - 1 / 8).abs().max().item() < 0.005
    assert (data - data.floor()).mean(0).tolist() == pytest.approx([0.5, 0.5], abs=0.005)


# ----------------------------------------------------------------------------
# The picture.

Pixels = npt.NDArray[np.uint8]
INFO = points_info(PointsOptions(shape="grid"))


def picture(*points: tuple[float, float], info: DataInfo = INFO) -> Pixels:
    return draw_scatter(np.array(points, dtype=np.float32).reshape(-1, 2), info)


def like(image: Pixels, colour: tuple[int, int, int]) -> npt.NDArray[np.bool_]:
    """Where a picture has a mix of white and `colour`, and not nearly white."""
    ink = 255.0 - image
    way = 255.0 - np.array(colour)
    cosine = (ink @ way) / (np.linalg.norm(ink, axis=2) * np.linalg.norm(way) + 1e-9)
    return (cosine > 0.995) & (ink.max(2) > 20)


def middle(mask: npt.NDArray[np.bool_]) -> tuple[float, float]:
    rows, columns = np.nonzero(mask)
    return float(columns.mean()), float(rows.mean())


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("num", [64, 10_000])
def test_real_points_are_drawn_white_and_blue(shape: str, num: int) -> None:
    drawn = points(shape)
    image = draw_scatter(drawn.sample(torch.Generator().manual_seed(0), num)[0].numpy(), drawn.info)
    assert (image.shape, image.dtype) == ((SIDE, SIDE, 3), np.uint8)
    assert SIDE >= 512
    assert (image == 255).all(2).mean() > 0.4
    assert like(image, SAMPLES).any()
    assert like(image, MODES).any() == (shape in MIXTURES)


def test_a_dot_stands_where_its_point_is() -> None:
    reach = 1.2 * (4 + 0.15) / math.sqrt(8 + 0.0025)
    for x, y in ((0.5, 0.25), (-1.0, 0.1)):
        column, row = middle(like(picture((x, y)), SAMPLES))
        assert column == pytest.approx((1 + x / reach) * (SIDE - 1) / 2, abs=0.6)
        assert row == pytest.approx((1 - y / reach) * (SIDE - 1) / 2, abs=0.6)


def test_a_dot_between_pixels_is_smooth() -> None:
    whole = picture((0.5, 0.25)).astype(int)
    moved = picture((0.501, 0.25)).astype(int)
    assert 0 < np.abs(whole - moved).max() < 100
    assert len(np.unique(whole[like(whole.astype(np.uint8), SAMPLES)], axis=0)) > 3


def test_dots_that_overlap_are_darker() -> None:
    one, two = picture((0.5, 0.25)), picture((0.5, 0.25), (0.5, 0.25))
    assert two.min() < one.min()
    assert like(one, SAMPLES).sum() == pytest.approx(like(two, SAMPLES).sum(), rel=0.4)


def test_every_one_of_many_points_is_drawn() -> None:
    many = [(0.5, 0.25)] * 9000
    image = picture((-0.3, 0.7), *many, (-0.4, -0.5))
    away = np.s_[:, : SIDE // 2]
    assert like(image, SAMPLES)[away].sum() == 2 * like(picture((-0.3, 0.7), *many), SAMPLES)[away].sum() > 0


def test_a_ring_is_3_sigma_around_each_mode() -> None:
    image = picture()
    assert like(image, MODES).sum() > 0
    reach = 1.2 * (4 + 0.15) / math.sqrt(8 + 0.0025)
    rows, columns = np.nonzero(like(image, MODES))
    positions = np.stack([columns, SIDE - 1 - rows], 1) * 2 * reach / (SIDE - 1) - reach
    far = np.linalg.norm(positions[:, None] - np.array(INFO.meta["modes"]), axis=2)
    assert np.unique(far.argmin(1)).tolist() == list(range(25))
    pixel = 2 * reach / SIDE
    assert far.min(1) == pytest.approx(np.full(len(far), 3 * INFO.meta["sigma"]), abs=1.5 * pixel)


@pytest.mark.parametrize("info", [INFO, DataInfo(shape=(2,), modality="points")])
def test_the_frame_does_not_depend_on_samples(info: DataInfo) -> None:
    alone = picture((0.3, 0.25), info=info)
    among = picture((0.3, 0.25), (-0.7, -0.2), (50.0, 3.0), info=info)
    cut = np.s_[SIDE // 4 : SIDE // 2, SIDE // 2 :]
    np.testing.assert_array_equal(alone[cut], among[cut])


@pytest.mark.parametrize(
    ("point", "pixel"), [((9.0, 0.2), (None, SIDE - 1)), ((-9.0, 0.2), (None, 0)), ((0.2, 1e30), (0, None))]
)
def test_a_point_outside_is_drawn_on_the_edge_in_red(
    point: tuple[float, float], pixel: tuple[int | None, int | None]
) -> None:
    image = picture(point)
    rows, columns = np.nonzero(like(image, LOST))
    assert len(rows) > 5
    assert not like(image, SAMPLES).any()
    for found, wanted in ((rows, pixel[0]), (columns, pixel[1])):
        assert wanted is None or np.abs(found - wanted).max() <= 5
    assert not like(picture((0.3, 0.2)), LOST).any()


def test_points_that_are_not_finite_are_not_drawn() -> None:
    np.testing.assert_array_equal(picture((math.nan, 0.0), (0.3, math.inf), (0.3, -0.2)), picture((0.3, -0.2)))


# ----------------------------------------------------------------------------
# From the command line.


@pytest.fixture
def ganzoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    monkeypatch.chdir(tmp_path)

    def call(*args: str) -> str:
        with pytest.raises(SystemExit) as stop:
            main(list(args))
        out, err = capsys.readouterr()
        assert stop.value.code == 0, err
        return str(out)

    return call


@pytest.mark.parametrize("conditional", [False, True])
def test_train_and_sample_draw_scatters(ganzoo: Callable[..., str], tmp_path: Path, conditional: bool) -> None:
    tiny = ("--images", "64", "--batch", "16", "--loss", "bce", "--reg", "none", "arch.width=8", "dataset.shape=grid")
    ganzoo("train", "--arch", "mlp", "--dataset", "points", *tiny, *(["--conditional"] if conditional else []))
    run = tmp_path / "runs" / "0000-mlp-bce-points"
    generator = load(run, device="cpu")
    for name, samples in (("s.png", generator.sample(500, seed=3)), ("t.png", generator.sample(500, seed=4))):
        assert (
            ganzoo("sample", "0", "-n", "500", "--seed", "3" if name == "s.png" else "4", "--out", name) == f"{name}\n"
        )
        with Image.open(name) as drawn:
            np.testing.assert_array_equal(np.asarray(drawn), draw_scatter(samples, generator.data))
    with Image.open(run / "reals.png") as drawn:
        assert like(np.asarray(drawn), SAMPLES).any()
    assert generator.data.meta["modes"] == INFO.meta["modes"]
    assert generator.data.num_classes == (25 if conditional else 0)
