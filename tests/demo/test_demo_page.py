"""The page of ``ganzoo demo`` in a browser: it draws what `ganzoo sample` writes, from a disk and from a server."""

from __future__ import annotations

import base64
import io
import json
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

import browser
import ganzoo
from browser import Page
from ganzoo.compute.streams import derive_seed, draw_latents, seeded
from ganzoo.demo.make import write_demo
from ganzoo.demo.runtime import PACKAGE, VERSION, read_runtime
from ganzoo.package.generator import Generator

ROOT = Path(__file__).parents[2]
RUNTIME = ROOT / "node_modules" / PACKAGE
pytestmark = [pytest.mark.browser, pytest.mark.skipif(browser.PROGRAM is None, reason="needs chromium")]
needs_runtime = pytest.mark.skipif(not RUNTIME.is_dir(), reason=f"needs: npm install {PACKAGE}@{VERSION}")
LATENTS = [
    *(("normal", dim) for dim in (2, 7, 16, 32, 100)), ("uniform", 20), ("normal+onehot4", 40), ("normal+onehot3", 5),
]  # fmt: skip
SEEDS = (0, 1, 123456789012)


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with browser.browse() as opened:
        yield opened


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the page of the digits."""
    return ganzoo.demo("ganzoo:digits", tmp_path_factory.mktemp("demo") / "page", runtime=RUNTIME)


def open_page(page: Page, url: str, **how: object) -> None:
    page.open(url, **how)
    page.wait("['ready', 'failed'].includes(document.body.dataset.state)")
    assert page.run("document.body.dataset.state") == "ready", page.run("document.getElementById('status').textContent")


def move(page: Page, **values: float) -> None:
    """Set controls by their id, as a person does, and wait for the picture."""
    for name, value in values.items():
        page.run(f"document.getElementById('{name.replace('_', '-')}').value = {value}")
    page.run("document.getElementById('controls').dispatchEvent(new Event('input', {bubbles: true}))")
    page.wait("document.body.dataset.state === 'ready'")


def read_picture(page: Page) -> NDArray[np.int64]:
    """Return the picture on the page as numbers ``[H, W, 3]``."""
    data = page.run("document.getElementById('picture').toDataURL('image/png')")
    with Image.open(io.BytesIO(base64.b64decode(data.partition(",")[2]))) as picture:
        return np.asarray(picture.convert("RGB")).astype(int)


def differ(found: NDArray[np.int64], sample: NDArray[np.uint8]) -> int:
    """Return the largest difference from a sample ``[H, W, C]``, in grey levels."""
    return int(np.abs(found - sample.astype(int)).max())


def test_a_seed_gives_the_latents_of_torch(page: Page) -> None:
    page.open("about:blank")
    cases = [(kind, dim, str(seed)) for kind, dim in LATENTS for seed in SEEDS]
    code = (files("ganzoo.demo") / "page" / "latents.js").read_text()
    found = page.run(f"{code}; {json.dumps(cases)}.map((each) => [...drawLatent(...each)])")
    for (kind, dim, seed), latent in zip(cases, found, strict=True):
        generator = torch.Generator().manual_seed(derive_seed(int(seed), "z", 0))
        expected = draw_latents(kind, generator, 1, dim)[0]
        assert torch.allclose(torch.tensor(latent), expected, rtol=1e-6, atol=1e-6), (kind, dim, seed)


@needs_runtime
@pytest.mark.slow
def test_the_picture_is_that_of_ganzoo_sample(page: Page, digits: Path) -> None:
    generator = ganzoo.load("ganzoo:digits", "cpu")
    open_page(page, digits.as_uri())
    for seed, label in ((0, 0), (7, 3), (123456789, 9)):
        move(page, seed=seed, **{"class": label})
        assert differ(read_picture(page), generator.sample(1, label, seed)[0]) <= 2
    move(page, seed=0, other=7, mix=1, **{"class": 3})
    assert differ(read_picture(page), generator.sample(1, 3, 7)[0]) <= 2
    move(page, mix=0.5)
    assert differ(read_picture(page), generator.sample(1, 3, 7)[0]) > 20
    page.run("document.querySelector('button[type=reset]').click()")
    page.wait("document.getElementById('status').textContent === 'Seed 0, class 0'")
    assert differ(read_picture(page), generator.sample(1, 0, 0)[0]) <= 2
    page.run("document.getElementById('direction-0').focus()")
    for _ in range(40):
        page.press("ArrowRight")
    page.wait("document.body.dataset.state === 'ready' && document.querySelector('[for=direction-0]+input').value == 2")
    assert differ(read_picture(page), generator.sample(1, 0, 0)[0]) > 20
    assert page.errors == []
    assert {url.partition(":")[0] for url in page.requests} == {"file", "blob"}


@needs_runtime
@pytest.mark.slow
def test_a_plain_server_is_enough_and_a_phone_is_wide_enough(page: Page, digits: Path) -> None:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(digits.parent)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        open_page(page, f"http://127.0.0.1:{server.server_port}/", width=360, dark=True)
        assert page.run("document.documentElement.scrollWidth") <= 360
        assert all("127.0.0.1" in url for url in page.requests)
        assert page.errors == []
    finally:
        server.shutdown()
        server.server_close()


@needs_runtime
@pytest.mark.slow
def test_styles_have_truncation_and_colours(page: Page, tmp_path: Path) -> None:
    data = ganzoo.DataInfo(shape=(3, 16, 16))
    with seeded(0):
        networks = ganzoo.create("architecture", "stylegan2", data=data, z_dim=20, w_dim=16)
        networks.generator.mapping.mean += torch.randn(16)
    generator = Generator(networks, data, {"images": 0}, ("style", "truncation"))
    exporter = ganzoo.create("exporter", "onnx", data=data)
    write_demo(generator, exporter, read_runtime(RUNTIME), "<b>a&b</b>", tmp_path)
    open_page(page, (tmp_path / "index.html").as_uri())
    assert page.run("document.querySelector('h1').textContent") == "<b>a&b</b>"
    for truncation in (1, 0.3):
        move(page, seed=5, truncation=truncation)
        assert differ(read_picture(page), generator.sample(1, seed=5, truncation=truncation)[0]) <= 2
    before = read_picture(page)
    move(page, direction_0=3)
    assert np.abs(read_picture(page) - before).max() > 5
    assert page.errors == []
