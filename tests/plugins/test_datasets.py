import io
import os
import struct
import subprocess
import sys
import time
import warnings
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageCms, ImageDraw

from ganzoo.data.opening import open_source
from ganzoo.data.source import ArraySource, describe_skipped_items
from ganzoo.plugin import DataInfo, NotFound, UsageError, read_image
from ganzoo.plugin.images import flatten_image, quiet
from ganzoo_datasets import ganzoo_datasets
from ganzoo_datasets.digits import Digits
from ganzoo_datasets.folder import Folder, examples
from ganzoo_datasets.specs.folder import FolderOptions
from ganzoo_datasets.specs.included import DigitsOptions
from privileges import bound_by_modes

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def test_plugin_module_is_light() -> None:
    code = "import sys, ganzoo_datasets; print([m for m in ('torch', 'numpy', 'PIL') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"


def test_specs() -> None:
    digits, points, folder, *others = ganzoo_datasets()
    assert [spec.name for spec in (digits, points, folder)] == ["digits", "points", "folder"]
    assert [spec.default for spec in (digits, points, folder, *others)] == [True] + [False] * (2 + len(others))
    assert [spec.name for spec in (folder, *others) if spec.path_option and spec.opens_paths] == ["folder", "npz"]
    assert callable(digits.info)
    assert digits.info(DigitsOptions(size=64)) == DataInfo(shape=(1, 64, 64), num_classes=10, num_items=1797)
    assert "10.24432/C50P49" in digits.paper


# ----------------------------------------------------------------------------
# Digits.


def test_digits_match_the_original_data() -> None:
    digits = Digits(DigitsOptions(size=8))
    assert digits.data.shape == (1797, 1, 8, 8)
    assert digits.data.dtype == np.uint8
    assert np.bincount(digits.labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert digits.data[0, 0, 0].tolist() == [0, 0, 80, 207, 143, 16, 0, 0]  # 0 0 5 13 9 1 0 0 of 16
    assert digits.data.max() == 255


def test_digits_in_another_size_are_the_same_digits() -> None:
    small, large = (Digits(DigitsOptions(size=size)) for size in (8, 32))
    assert large.data.shape == (1797, 1, 32, 32)
    assert large.data.flags.c_contiguous
    assert len(np.unique(large.data)) > 200  # smooth: 17 in the original
    means = large.data.reshape(1797, 1, 8, 4, 8, 4).mean((3, 5))
    assert np.abs(means - small.data).mean() < 12


def test_digits_open_as_a_source() -> None:
    source = open_source(Digits(DigitsOptions()), name="digits", key="k", notify=print)
    assert isinstance(source, ArraySource)
    assert source.info == DataInfo(shape=(1, 32, 32), num_classes=10, num_items=1797)


# ----------------------------------------------------------------------------
# Folder: which files.


def save(path: Path, image: Image.Image | None = None, **how: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    (image or Image.new("RGB", (16, 16), RED)).save(path, **how)
    return path


def folder(path: Path, **options: Any) -> Folder:
    return Folder(FolderOptions(path=str(path), size=options.pop("size", 8), **options))


def names(of: Folder) -> list[str]:
    return [item.name for item in of.items()]


def test_lists_recursively_sorted_without_hidden_and_other_files(tmp_path: Path) -> None:
    for name in ("b.png", "a.JPG", "c/x.webp", "c/d/e/y.gif", ".hidden.png", ".git/z.png", "c/._b.png"):
        save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / "empty").mkdir()
    (tmp_path / "folder.png").mkdir()
    os.mkfifo(tmp_path / "pipe.png")
    of = folder(tmp_path)
    assert names(of) == ["a.JPG", "b.png", "c/d/e/y.gif", "c/x.webp"]
    assert of.info == DataInfo(shape=(3, 8, 8), num_items=4)
    assert all(item.label is None for item in of.items())


def test_sub_folders_are_classes(tmp_path: Path) -> None:
    for name in ("dog/deep/1.png", "cat/1.png", "cat/2.png", "eel/1.png"):
        save(tmp_path / name)
    (tmp_path / "empty").mkdir()
    of = folder(tmp_path)
    assert of.info.num_classes == 3
    assert of.info.meta == {"classes": ["cat", "dog", "eel"]}
    assert [(item.name, item.label) for item in of.items()] == [
        ("cat/1.png", 0), ("cat/2.png", 0), ("dog/deep/1.png", 1), ("eel/1.png", 2),
    ]  # fmt: skip


@pytest.mark.parametrize("listed", [["a/1.png", "a/2.png"], ["a/1.png", "b/1.png", "1.png"]])
def test_no_classes_in_one_sub_folder_or_with_images_outside(tmp_path: Path, listed: list[str]) -> None:
    for name in listed:
        save(tmp_path / name)
    assert folder(tmp_path).info.num_classes == 0
    assert {item.label for item in folder(tmp_path).items()} == {None}


def test_follows_links_without_looping(tmp_path: Path) -> None:
    save(tmp_path / "elsewhere" / "deep" / "1.png")
    root = tmp_path / "root"
    save(root / "a" / "2.png")
    (root / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "back").symlink_to(root)
    (root / "a" / "up").symlink_to(root / "a")
    (root / "file.png").symlink_to(root / "a" / "2.png")
    (root / "dead.png").symlink_to(root / "nothing.png")
    (root / "self.png").symlink_to(root / "self.png")
    of = folder(root)
    assert names(of) == ["a/2.png", "dead.png", "file.png", "linked/deep/1.png", "self.png"]
    source = open_source(of, name="folder", key="k", notify=print, cache=tmp_path / "cache")
    assert source.info.num_items == 3
    words = "dead.png (No such file or directory), self.png (Too many levels of symbolic links)"
    assert words in describe_skipped_items(source)


def test_runs_and_model_packages_inside_the_folder_are_ignored(tmp_path: Path) -> None:
    for name in ("1.png", "cats/2.png", "runs/0000-a/reals.png", "runs/0000-a/samples/3.png", "package/grid.png"):
        save(tmp_path / name)
    for name in ("runs/0000-a/recipe.json", "package/config.json", "package/model.safetensors", "cats/config.json"):
        (tmp_path / name).touch()
    assert names(folder(tmp_path)) == ["1.png", "cats/2.png"]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"path": ""}, UsageError, "needs a folder of images: add --dataset PATH"),
        ({"path": "{}/missing"}, NotFound, "missing' does not exist or may not be read: give a folder of images"),
        ({"path": "~nobody-of-this-name/x"}, NotFound, "'~nobody-of-this-name/x' does not exist"),
        ({"path": "{}/file.png"}, NotFound, "file.png' is a file: give a folder"),
        ({"path": "{}/empty"}, NotFound, "has no images: give a folder with .*.png"),
        ({"path": "{}/all.rar"}, NotFound, "all.rar' is an archive of a kind that is not read here: unpack it, and"),
        (
            {"path": "{}/packed/all.tar.gz"},
            NotFound,
            r"all.tar.gz' is compressed as a whole, so .*: make the .tar once with gunzip -k .*/packed/all.tar.gz, and "
            r"give that with --dataset .*/packed/all.tar$",
        ),
        ({"path": "{}/packed"}, NotFound, "packed' has no images: unpack all.tar.gz"),
        ({"path": "{}/zipped"}, NotFound, "zipped' has no images: add --dataset .*zipped/all.zip"),
        ({"path": "{}", "channels": 2}, UsageError, r"^dataset.channels: expected 1 \(grey\) or 3 \(colour\), got 2$"),
    ],
)
def test_a_folder_that_cannot_be_opened(
    tmp_path: Path, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    save(tmp_path / "file.png")
    (tmp_path / "empty").mkdir()
    for name in ("all.rar", "packed/all.tar.gz", "zipped/all.zip"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    with pytest.raises(error, match=message):
        Folder(FolderOptions(**{**options, "path": options["path"].format(tmp_path)}))


def test_a_folder_that_cannot_be_listed(tmp_path: Path) -> None:
    save(tmp_path / "shut" / "1.png")
    (tmp_path / "shut").chmod(0)
    with bound_by_modes(), pytest.raises(NotFound) as wrong:
        folder(tmp_path)
    (tmp_path / "shut").chmod(0o700)
    assert wrong.match(r"cannot list '.*shut' \(Permission denied\): make it readable")


def test_home_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    save(tmp_path / "mine" / "1.png")
    assert names(Folder(FolderOptions(path="~/mine"))) == ["1.png"]


def test_stamp_changes_with_the_file(tmp_path: Path) -> None:
    path = save(tmp_path / "1.png")
    stamps = [folder(tmp_path).items()[0].stamp]
    os.utime(path, ns=(0, 5))
    stamps.append(folder(tmp_path).items()[0].stamp)
    path.write_bytes(path.read_bytes() + b"x")
    os.utime(path, ns=(0, 5))
    stamps.append(folder(tmp_path).items()[0].stamp)
    assert len(set(stamps)) == 3


# ----------------------------------------------------------------------------
# Folder: what a file decodes to.


def decoded(path: Path, **options: Any) -> npt.NDArray[np.uint8]:
    (item,) = [item for item in folder(path.parent, **options).items() if item.name == path.name]
    return item.load()


def assert_colour(array: npt.NDArray[Any], colour: tuple[int, ...], within: int = 0) -> None:
    assert array.dtype == np.uint8
    assert array.flags.c_contiguous
    assert array.shape == (len(colour), 8, 8)
    assert np.abs(array.astype(int) - np.reshape(colour, (-1, 1, 1))).max() <= within


def palette(*, transparent: int | bytes | None = None) -> tuple[Image.Image, dict[str, Any]]:
    image = Image.new("P", (16, 16), 1)
    image.putpalette([0, 0, 0, *BLUE])
    return image, {} if transparent is None else {"transparency": transparent}


@pytest.mark.parametrize(
    ("name", "image", "how", "colour", "within"),
    [
        ("a.png", Image.new("1", (16, 16), 1), {}, WHITE, 0),
        ("a.png", Image.new("L", (16, 16), 90), {}, (90, 90, 90), 0),
        ("a.png", Image.new("L", (16, 16), 90), {"transparency": 90}, WHITE, 0),
        ("a.png", Image.new("RGB", (16, 16), RED), {}, RED, 0),
        ("a.png", Image.new("RGB", (16, 16), RED), {"transparency": RED}, WHITE, 0),
        ("a.png", Image.new("LA", (16, 16), (0, 0)), {}, WHITE, 0),
        ("a.png", Image.new("RGBA", (16, 16), (255, 0, 0, 128)), {}, (255, 127, 127), 1),
        ("a.png", Image.new("RGBA", (16, 16), (0, 0, 0, 0)), {}, WHITE, 0),
        ("a.png", *palette(), BLUE, 0),
        ("a.png", *palette(transparent=1), WHITE, 0),
        ("a.png", *palette(transparent=b"\xff\x00"), WHITE, 0),
        ("a.gif", *palette(transparent=1), WHITE, 0),
        ("a.jpg", Image.new("CMYK", (16, 16), (0, 255, 255, 0)), {}, RED, 3),
        ("a.jpg", Image.new("L", (16, 16), 90), {}, (90, 90, 90), 1),
        ("a.tif", Image.new("CMYK", (16, 16), (255, 255, 0, 0)), {}, BLUE, 0),
        ("a.tif", Image.new("YCbCr", (16, 16), (76, 85, 255)), {"compression": "jpeg"}, RED, 4),
        ("a.tif", Image.new("LAB", (16, 16), (255, 128, 128)), {}, WHITE, 2),
        ("a.png", Image.new("I;16", (16, 16), 257 * 90), {}, (90, 90, 90), 0),
        ("a.tif", Image.new("I;16B", (16, 16), 257 * 90), {}, (90, 90, 90), 0),
        ("a.tif", Image.new("I", (16, 16), 257 * 90), {}, (90, 90, 90), 0),
        ("a.tif", Image.new("I", (16, 16), 90), {}, (90, 90, 90), 0),
        ("a.tif", Image.new("F", (16, 16), 0.5), {}, (128, 128, 128), 0),
        ("a.tif", Image.new("F", (16, 16), 90.0), {}, (90, 90, 90), 0),
        ("a.webp", Image.new("RGBA", (16, 16), (0, 0, 0, 0)), {"lossless": True}, WHITE, 0),
        ("a.bmp", Image.new("RGB", (16, 16), GREEN), {}, GREEN, 0),
    ],
    ids=lambda value: value.mode if isinstance(value, Image.Image) else None,
)
def test_every_mode(
    tmp_path: Path, name: str, image: Image.Image, how: dict[str, Any], colour: tuple[int, int, int], within: int
) -> None:
    path = save(tmp_path / name, image, **how)
    assert_colour(decoded(path), colour, within)
    grey = round(float(np.dot(colour, (0.299, 0.587, 0.114))))
    assert_colour(decoded(path, channels=1), (grey,), within + 1)


@pytest.mark.parametrize("mode", ["La", "RGBa", "RGBX", "HSV", "YCbCr", "PA", "LAB", "CMYK"])
def test_rare_image_modes(mode: str) -> None:
    white = Image.new("RGB", (2, 2), WHITE)
    if mode == "LAB":
        lab, rgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        image = ImageCms.buildTransform(rgb, lab, "RGB", "LAB").apply(white)
    else:
        between = {"La": "LA", "RGBa": "RGBA", "PA": "P"}.get(mode)
        image = (white.convert(between) if between else white).convert(mode)
    assert image.mode == mode
    assert np.abs(np.asarray(flatten_image(image).convert("RGB")).astype(int) - WHITE).max() <= (mode == "LAB")


def test_integers_beyond_16_bits_are_scaled_by_their_range() -> None:
    image = Image.fromarray(np.array([[-100_000, 0], [50_000, 100_000]], np.int32))
    assert np.asarray(flatten_image(image)).tolist() == [[0, 128], [191, 255]]
    assert np.asarray(flatten_image(Image.new("F", (1, 1), -5.0))).tolist() == [[0]]


def test_values_that_are_not_finite_are_refused() -> None:
    with pytest.raises(ValueError, match="not finite"):
        flatten_image(Image.new("F", (2, 2), float("nan")))


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(tmp_path: Path, name: str, orientation: int) -> None:
    upright = Image.new("RGB", (32, 32), WHITE)
    ImageDraw.Draw(upright).rectangle((0, 0, 15, 15), RED)
    ImageDraw.Draw(upright).rectangle((16, 0, 31, 15), BLUE)
    stored = {2: [0], 3: [3], 4: [1], 5: [5], 6: [2], 7: [6], 8: [4]}.get(orientation, [])  # the inverse turn
    turned = upright
    for method in stored:
        turned = turned.transpose(Image.Transpose(method))
    exif = Image.Exif()
    exif[0x0112] = orientation
    array = decoded(save(tmp_path / name, turned, exif=exif, **({"quality": 95} if name != "a.png" else {})))
    corners = array[:, [1, 1, 6, 6], [1, 6, 1, 6]].T
    assert np.abs(corners.astype(int) - [RED, BLUE, WHITE, WHITE]).max() < 40


@pytest.mark.parametrize("exif", [b"II*\0\x08\0\0\0\xff\xff\x12\x01\x03", b"garbage", b"II*\0", b"II*\0\x08\0\0\0\1"])
def test_damaged_exif_is_ignored(tmp_path: Path, exif: bytes) -> None:
    for name in ("a.jpg", "a.png"):
        assert_colour(decoded(save(tmp_path / name, exif=b"Exif\0\0" + exif)), RED, 3)


def test_centre_is_cropped(tmp_path: Path) -> None:
    for size, box in (((48, 16), (16, 0, 31, 15)), ((16, 48), (0, 16, 15, 31))):
        image = Image.new("RGB", size, RED)
        ImageDraw.Draw(image).rectangle(box, GREEN)
        assert_colour(decoded(save(tmp_path / f"{size[0]}.png", image)), GREEN)


@pytest.mark.parametrize("size", [(60, 40), (60, 20), (20, 20), (20, 50)])
def test_images_may_be_wider_than_high_or_higher_than_wide(tmp_path: Path, size: tuple[int, int]) -> None:
    """Of a picture twice as wide as high whose columns rise, as much of the centre is taken as has the ratio."""
    pixels = np.broadcast_to(np.arange(0, 240, 2, dtype=np.uint8), (60, 120))
    path = save(tmp_path / "a.png", Image.fromarray(np.ascontiguousarray(pixels)))
    array = decoded(path, size=size[1], width=size[0], channels=1)
    assert array.shape == (1, size[1], size[0])
    kept = 60 * size[0] / size[1]  # columns of the picture
    first, last = 120 - min(kept, 120) + 1, 120 + min(kept, 120) - 1
    assert array[0, 5, 0] == pytest.approx(first, abs=4)
    assert array[0, 5, -1] == pytest.approx(last, abs=4)


def test_its_example_opens(tmp_path: Path) -> None:
    of = folder(**examples(tmp_path))
    assert (of.info.shape, of.info.num_classes, of.info.num_items) == ((3, 16, 16), 2, 12)
    assert all(item.load().shape == of.info.shape for item in of.items())


def test_resizing_is_antialiased(tmp_path: Path) -> None:
    fine = Image.fromarray(np.indices((64, 64)).sum(0).astype(np.uint8) % 2 * 255)
    assert_colour(decoded(save(tmp_path / "a.png", fine)), (128,) * 3, 2)


def test_small_images_are_enlarged(tmp_path: Path) -> None:
    assert_colour(decoded(save(tmp_path / "a.png", Image.new("RGB", (1, 3), BLUE))), BLUE)


def test_large_jpegs_decode_at_a_fraction_and_look_the_same(tmp_path: Path) -> None:
    ramp = np.indices((256, 256)).astype(float)
    image = np.stack([ramp[0], ramp[1], 128 + 100 * np.sin(ramp[0] / 9) * np.cos(ramp[1] / 7)], -1)
    path = save(tmp_path / "a.jpg", Image.fromarray(image.astype(np.uint8)), quality=95)
    with Image.open(path) as whole:
        expected = np.asarray(whole.resize((64, 64), Image.Resampling.LANCZOS)).transpose(2, 0, 1)
    difference = decoded(path, size=64).astype(int) - expected
    assert np.abs(difference).mean() < 1.5
    assert np.abs(difference).max() < 12


def png_header(width: int, height: int) -> bytes:
    """A small PNG that says it is large."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def cut(image_format: str) -> bytes:
    file = io.BytesIO()
    Image.effect_noise((64, 64), 50).save(file, image_format)
    return file.getvalue()[: len(file.getvalue()) // 2]


TOO_LARGE = "144 megapixels are too many: make it smaller, or convert it to a JPEG that is not progressive)"


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.png", b"", "not an image that Pillow can read"),
        ("a.jpg", b"<html>", "not an image that Pillow can read"),
        ("a.jpg", cut("jpeg"), "truncated"),
        ("a.png", cut("png"), "truncated"),
        ("a.png", png_header(12_000, 12_000), TOO_LARGE),  # Pillow warns
        ("a.png", png_header(20_000, 20_000), "400 megapixels are too many: make it smaller)"),  # Pillow raises
    ],
    ids=["empty", "html", "cut jpeg", "cut png", "large", "bomb"],
)
def test_broken_files_are_skipped_with_a_reason(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    save(tmp_path / "good.png")
    (tmp_path / name).write_bytes(content)
    source = open_source(folder(tmp_path), name="folder", key="k", notify=print, cache=tmp_path / ".cache")
    assert source.info.num_items == 1
    line = describe_skipped_items(source)
    assert line.startswith(f"skipped 1 of 2 files that could not be read: {name} (")
    assert reason in line


@pytest.mark.parametrize("size", [(12_000, 8_000), (12_000, 9_000), (16_320, 12_240)])  # 96, 108, 200 megapixels
def test_jpegs_as_large_as_phones_make_them_are_read(tmp_path: Path, size: tuple[int, int]) -> None:
    picture = Image.new("L", size, 40)
    picture.paste(200, (0, 0, size[0] // 2, size[1]))
    array = decoded(save(tmp_path / "a.jpg", picture, quality=30), channels=1)
    assert array[0, :, [0, 1, 6, 7]].ravel().tolist() == pytest.approx([200] * 16 + [40] * 16, abs=2)
    with pytest.raises(ValueError, match=r"megapixels are too many: make it smaller$"):
        read_image(tmp_path / "a.jpg")  # the whole picture would be in memory


def test_the_limit_stays_for_progressive_jpegs_and_for_larger_ones(tmp_path: Path) -> None:
    """Progressive ones are decoded as a whole; beyond 268 megapixels nobody's camera goes."""
    save(tmp_path / "a.jpg", Image.new("L", (12_000, 8_000)), progressive=True, quality=5)
    small = save(tmp_path / "b.jpg", Image.new("L", (8, 8))).read_bytes()
    at = small.index(b"\xff\xc0") + 5
    (tmp_path / "b.jpg").write_bytes(small[:at] + struct.pack(">HH", 20_000, 20_000) + small[at + 4 :])
    for name in ("a.jpg", "b.jpg"):
        with pytest.raises(ValueError, match="megapixels are too many"):
            decoded(tmp_path / name)


def test_heic_is_read_with_pillow_heif(tmp_path: Path) -> None:
    heif = pytest.importorskip("pillow_heif")
    for name in ("a.heic", "b.HEIF", "c.jpg"):  # a phone may give it the wrong suffix
        heif.from_pillow(Image.new("RGB", (64, 48), RED)).save(tmp_path / name, quality=90)
    for item in folder(tmp_path).items():
        assert_colour(item.load(), RED, 3)


def test_the_package_for_heic_is_asked_only_for_heic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for pillow-heif, which need not be installed: it gives Pillow a reader, as that does."""
    Image.init()
    monkeypatch.setattr(Image, "OPEN", dict(Image.OPEN))
    monkeypatch.setattr(Image, "ID", list(Image.ID))
    asked: list[str] = []

    def register_heif_opener() -> None:
        asked.append("HEIF")
        Image.register_open("HEIF", lambda file, name: Image.new("RGB", (16, 16), BLUE), lambda start: b"heic" in start)

    monkeypatch.setitem(sys.modules, "pillow_heif", SimpleNamespace(register_heif_opener=register_heif_opener))
    assert_colour(decoded(save(tmp_path / "a.png")), RED)
    assert asked == []
    (tmp_path / "b.heic").write_bytes(b"\0\0\0\x1cftypheic\0\0\0\0mif1heic")
    assert_colour(decoded(tmp_path / "b.heic"), BLUE)
    assert asked == ["HEIF"]


def test_images_that_cannot_be_read_here_are_counted_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)  # it is not installed
    save(tmp_path / "good.png")
    for name in ("IMG_1.HEIC", "IMG_2.HEIC", "IMG_3.heif"):
        (tmp_path / name).write_bytes(b"\0\0\0\x1cftypheic\0\0\0\0mif1heic")
    save(tmp_path / "thumbnail.tif").rename(tmp_path / "DSC_1.NEF")  # Pillow would read it
    (tmp_path / "logo.svg").write_text("<svg/>")
    source = open_source(folder(tmp_path), name="folder", key="k", notify=print, cache=tmp_path / ".cache")
    assert describe_skipped_items(source) == (
        "skipped 5 of 6 files that could not be read: DSC_1.NEF (a camera's raw file: convert it to JPEG), IMG_1.HEIC "
        "and 2 more (HEIC: python -m pip install pillow-heif), logo.svg (Pillow does not read this format: convert it "
        "to PNG)"
    )


def test_threads_take_turns_at_the_warning_filters() -> None:
    before = list(warnings.filters)

    def change(_: int) -> None:
        with quiet():
            time.sleep(0.001)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(change, range(40)))
    assert warnings.filters == before


def test_warning_filters_stay_as_they_were(tmp_path: Path) -> None:
    for index in range(40):
        (tmp_path / f"{index}.png").write_bytes(png_header(12_000, 12_000) if index % 2 else cut("png"))
    before = list(warnings.filters)

    def attempt(load: Callable[[], object]) -> str:
        try:
            return str(load())
        except Exception as error:
            return type(error).__name__

    with ThreadPoolExecutor(8) as pool:
        kinds = set(pool.map(attempt, [item.load for item in folder(tmp_path).items()]))
    assert kinds == {"ValueError", "OSError"}
    assert warnings.filters == before


def test_folder_as_a_source(tmp_path: Path) -> None:
    for index in range(12):
        save(tmp_path / "images" / "ab"[index % 2] / f"{index:02}.png", Image.new("RGB", (9, 9), (index, 0, 0)))
    source = open_source(folder(tmp_path / "images"), name="folder", key="k", notify=print, cache=tmp_path)
    assert isinstance(source, ArraySource)
    assert source.data[:, 0, 0, 0].tolist() == [0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11]
    assert source.labels is not None
    assert source.labels.tolist() == [0] * 6 + [1] * 6
    assert source.info.meta == {"classes": ["a", "b"]}
