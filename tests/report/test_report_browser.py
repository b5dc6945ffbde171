"""The report in a real browser: it draws, its slider moves, and it asks nobody for anything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from test_watch import serve

import browser
import ganzoo
from browser import Page
from ganzoo.report import live
from run_files import SURE, make_picture, make_ticks, write_run

pytestmark = [pytest.mark.browser, pytest.mark.skipif(browser.PROGRAM is None, reason="needs chromium")]
EVIL = "</script><script>document.title='broken'</script><img src=x onerror=\"document.title='broken'\">"
COLOURS = """
[...document.querySelectorAll('canvas')].map((canvas) => {
  const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  const found = new Set();
  for (let place = 0; place < pixels.length; place += 4) if (pixels[place + 3] > 200)
    found.add(pixels.slice(place, place + 3).join());
  return found.size;
})"""
SHOWN = (
    "[...document.querySelectorAll('.frame')].filter((each) => each.offsetHeight).map((each) => +each.dataset.images)"
)


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with browser.browse() as opened:
        yield opened


def check_quiet(page: Page, *own: str) -> None:
    """Check that the page reported no error and asked for nothing but itself."""
    assert page.errors == []
    assert [each for each in page.requests if not each.startswith(("data:", "file:", *own))] == []


@pytest.mark.parametrize(("width", "dark"), [(390, False), (1100, True)])
def test_it_draws_and_its_slider_moves(page: Page, tmp_path: Path, width: int, dark: bool) -> None:
    run = write_run(tmp_path / "0000-run", make_ticks(), {20_000 * number: 40 * number for number in range(6)})
    page.open(ganzoo.report(run).as_uri(), width, dark=dark)
    assert min(page.run(COLOURS)) > 5
    assert page.run(SHOWN) == [100_000]
    page.run("document.querySelector('#step').focus()")
    page.press("ArrowLeft")
    assert page.run(SHOWN) == [80_000]
    page.press("Home")
    assert page.run(SHOWN) == [0]
    assert page.run("document.querySelector('#step').getAttribute('aria-valuetext')") == "0 images"
    assert page.run("document.documentElement.scrollWidth") == width  # nothing stands outside
    paper = "rgb(20, 23, 26)" if dark else "rgb(255, 255, 255)"
    assert page.run("getComputedStyle(document.body).backgroundColor") == paper
    assert page.run("[...document.images].every((each) => each.alt)")
    check_quiet(page)


def test_groups_of_curves_open(page: Page, tmp_path: Path) -> None:
    page.open(ganzoo.report(write_run(tmp_path / "0000-run", make_ticks(**SURE))).as_uri())
    before = page.run("document.querySelectorAll('canvas').length")
    page.run("document.querySelector('#charts details:not([open]) summary').click()")
    page.wait(f"document.querySelectorAll('canvas').length > {before}")
    label = page.run("document.querySelector('#charts [role=img]').ariaLabel")
    assert label.startswith("Curves by images seen: losses. loss_d from ")
    check_quiet(page)


def test_it_is_used_by_keyboard(page: Page, tmp_path: Path) -> None:
    page.open(ganzoo.report(write_run(tmp_path / "0000-run", make_ticks(), {0: 1, 9: 2})).as_uri())
    page.press("Tab")
    assert page.run("document.activeElement.textContent") == "Skip to the content"
    assert page.run("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    seen = []
    for _ in range(30):
        page.press("Tab")
        seen.append(page.run("document.activeElement.id || document.activeElement.tagName"))
    assert "step" in seen
    assert "SUMMARY" in seen
    for landmark in ("header", "nav[aria-label]", "main", "footer", "section[aria-labelledby]"):
        assert page.run(f"!!document.querySelector('{landmark}')")


def test_hostile_texts_do_nothing(page: Page, tmp_path: Path) -> None:
    runs = []
    for number in range(2):
        run = write_run(tmp_path / f"000{number}-{EVIL.replace('/', ':')}", make_ticks(**{EVIL: 3.0}), {0: 1}, log=EVIL)
        recipe = run.recipe()
        recipe["preset"] = recipe["train"]["init"] = EVIL
        run.write_recipe(recipe)
        runs.append(run)
    page.open(ganzoo.report(*runs, out=tmp_path / "both.html").as_uri())
    page.run("for (const each of document.querySelectorAll('details')) each.open = true")
    assert page.run("document.title") == "2 runs"
    assert page.run("document.images.length") == 4
    assert min(page.run(COLOURS)) > 5
    check_quiet(page)


def test_a_live_page_follows_the_run(page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "SOONEST", 0.1)
    rows = make_ticks()
    run = write_run(tmp_path / "0000-run", rows[:50], {0: 1, 50_000: 9})
    with serve(run) as server:
        page.open(server.url)
        page.wait("document.querySelector('#news').textContent === 'live'")
        page.run("document.querySelector('#log details, #settings details').open = true")
        for row in rows[50:]:
            run.add_stats(row)
        run.get_grid_path(100_000).write_bytes(make_picture(200))
        page.wait(f"({SHOWN})[0] === 100000")  # it stood at the last one
        assert "100,000 of 100,000" in page.run("document.querySelector('#overview').textContent")
        assert page.run("document.querySelector('#log details, #settings details').open")
        page.wait("[...document.images].every((each) => each.complete && each.naturalWidth)")
        check_quiet(page, server.url)
    page.wait("document.querySelector('#news').textContent.startsWith('ganzoo watch has ended')")
