"""Options and specs of datasets that are made here: `shapes` and `glyphs`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from ganzoo.plugin import DataInfo, Dataset, Nested, option

SHAPES = ("circle", "square", "triangle", "ring")
COLOURS = {"red": (230, 40, 40), "green": (40, 180, 60), "blue": (50, 80, 230), "yellow": (240, 200, 30)}
GROUNDS = {"white": (255, 255, 255), "grey": (128, 128, 128), "black": (0, 0, 0)}
PLACES = 2  # columns and rows in which the centre of a shape lies
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, kw_only=True)
class ShapesOptions:
    """Options of `shapes`."""

    size: int = option(32, help="Height and width in pixels.", low=16, high=1024)


@dataclass(frozen=True, kw_only=True)
class GlyphsOptions:
    """Options of `glyphs`."""

    characters: str = option(LETTERS, help="The characters, each of which is a class.")
    fonts: str = option(
        "included",
        help="Whose characters: included for Pillow's own font, installed for the system's too, or a folder.",
    )
    copies: int = option(
        20, help="Images of a character in a font; all but the first are turned, moved and scaled a little.", low=1
    )
    size: int = option(32, help="Height and width in pixels.", low=8, high=1024)


@dataclass(frozen=True, kw_only=True)
class StackedOptions:
    """Options of `stacked`."""

    of: str = option(
        "mnist",
        help="The dataset that is stacked: grey and with classes.",
        nested=Nested(kind="dataset", settings="settings"),
    )
    settings: tuple[str, ...] = option((), help="Options of that dataset: size=28,path=FOLDER.")


def shapes_info(options: ShapesOptions) -> DataInfo:
    """Return a description of `shapes`: each combination of shape, colour, ground and place is a class.

    ``meta["factors"]`` has the values of each factor. The class of values with indices i, j, k, l is their number in
    the order of the factors, the last of which changes fastest.
    """
    places = [f"{'top' if row == 0 else 'bottom'}-{'left' if column == 0 else 'right'}" for row, column in
              product(range(PLACES), repeat=2)]  # fmt: skip
    factors = {"shape": list(SHAPES), "colour": list(COLOURS), "ground": list(GROUNDS), "place": places}
    classes = [" ".join(values) for values in product(*factors.values())]
    meta = {"classes": classes, "factors": factors}
    return DataInfo(shape=(3, options.size, options.size), num_classes=len(classes), meta=meta)


def glyphs_shape(options: GlyphsOptions) -> tuple[int, int, int]:
    """Return the shape of the images: channels, height, width."""
    return 1, options.size, options.size


def list_made() -> Iterator[Dataset]:
    """Yield the datasets."""
    yield Dataset(
        name="shapes",
        summary="Scenes of one shape, drawn without end: 192 combinations of known factors, which can be counted.",
        factory="ganzoo_datasets.shapes:Shapes",
        options=ShapesOptions,
        similar_to=dict.fromkeys(("dsprites", "3dshapes", "clevr", "synthetic"), "--dataset shapes"),
        info=shapes_info,
        license="none needed, the scenes are drawn by a formula",
    )
    yield Dataset(
        name="glyphs",
        summary="Characters of fonts, one class each, in Pillow's own font or in all that are installed.",
        factory="ganzoo_datasets.glyphs:Glyphs",
        options=GlyphsOptions,
        similar_to=dict.fromkeys(("fonts", "letters", "notmnist", "characters"), "--dataset glyphs"),
        image_shape=glyphs_shape,
    )
    yield Dataset(
        name="stacked",
        aliases=("stacked-mnist",),
        summary="Three random images of a labelled set as red, green and blue: 1,000 modes of ten classes.",
        paper="Luke Metz, Ben Poole, David Pfau & Jascha Sohl-Dickstein 2016, Unrolled Generative Adversarial "
        "Networks, arXiv:1611.02163",
        factory="ganzoo_datasets.stacked:Stacked",
        options=StackedOptions,
        label_rule="they are the combinations of the stacked images' classes",
        examples="ganzoo_datasets.stacked:examples",
    )
