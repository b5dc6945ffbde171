"""Images and files of samples as a notebook asks them to show themselves."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from ganzoo.samples import grid
from ganzoo.samples.images import Images, SampleFiles


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_notebook_shows_images_as_their_grid(channels):
    pixels = np.random.default_rng(0).integers(0, 256, (6, 4, 5, channels), dtype=np.uint8)
    images = Images(map(grid.to_picture, pixels), columns=2)
    assert [np.asarray(image).tobytes() for image in images] == [each.tobytes() for each in pixels]
    assert repr(images) == "<6 images of 5x4 pixels>"
    with Image.open(io.BytesIO(images._repr_png_())) as picture:
        assert np.array_equal(np.asarray(picture), np.asarray(grid.tile(pixels, 2)))


def test_no_images_show_nothing():
    assert repr(Images([])) == "<0 images of 0x0 pixels>"
    assert Images([])._repr_png_() is None


def test_a_notebook_shows_each_kind_of_file():
    files = SampleFiles({"a.png": b"1", "b.txt": b"<i>two</i>" * 999, "c.wav": b"3", "d&.bin": b"4"})
    assert repr(files) == "<a.png (1 bytes), b.txt (9,990 bytes), c.wav (1 bytes), d&.bin (1 bytes)>"
    shown = files._repr_html_()
    assert 'src="data:image/png;base64,MQ=="' in shown
    assert "<pre>&lt;i&gt;two&lt;/i&gt;&lt;i&gt;" in shown
    assert len(shown) < 9_000  # a part of the text
    assert '<audio controls src="data:audio/wav;base64,Mw=="' in shown
    assert "<div>d&amp;.bin</div>" in shown
    assert repr(SampleFiles()) == "<no files>"
