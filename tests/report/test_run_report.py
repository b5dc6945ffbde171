"""The report of runs: what stands in the page, whatever the files of the runs contain."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import signal
import time
import wave
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import ganzoo
from ganzoo.errors import Corrupt, Interrupted, NotFound, UsageError
from ganzoo.report.curves import make_tables
from ganzoo.report.media import MOST_FRAMES, is_whole_png
from ganzoo.report.page import PLOTS
from ganzoo.runs.run import Run
from run_files import SURE, make_picture, make_ticks, write_run

EVIL = "</script><script>document.title='broken'</script><img src=x onerror=\"document.title='broken'\">"


class Seen(HTMLParser):
    """The tags, the texts and the data of a page."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.scripts: list[str] = []
        self.feed(page.read_text(encoding="utf-8"))
        self.data = json.loads(self.scripts[0])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] == "script" and data.strip():
            self.scripts.append(data)
        elif self.tags and self.tags[-1][0] != "style":
            self.text += data

    def find(self, tag: str, **attributes: str) -> list[dict[str, str | None]]:
        return [found for name, found in self.tags if name == tag and attributes.items() <= found.items()]


def read(run: Run, *more: Run, **keywords: Any) -> Seen:
    return Seen(ganzoo.report(run, *more, **keywords))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


# ----------------------------------------------------------------------------
# What the page shows.


def test_the_page_of_a_run_has_everything(tmp_path: Path) -> None:
    frames = {20_000 * number: 20 * number for number in range(6)}
    run = write_run(tmp_path / "0007-mine", make_ticks(**SURE), frames, "one\nlast line", **{"optim.g.lr": 1e-3})
    run.package.mkdir()
    (run.path / "neighbours.png").write_bytes(make_picture(9))
    seen = read(run)
    assert "generated, each beside the nearest real ones" in seen.text
    assert "finished, 100,000 of 100,000 images" in seen.text
    assert "d-too-strong (warning, since 16,000 images)" in seen.text
    assert seen.data["runs"][0]["marks"][0]["images"] == 16_000
    assert len(seen.find("div", **{"class": "frame"})) == 6
    assert "[0,20000,40000,60000,80000,100000]" in seen.find("input")[0].values()
    assert re.search(r"optim\.g\.lr\s*0\.001\s*KEY=VALUE", seen.text)
    assert re.search(r"arch\s*mlp\s*flag", seen.text)
    assert "600 MiB" in seen.text
    assert "last line" in seen.text
    for command in ("sample", "train --resume", "publish"):
        assert f"ganzoo {command} {run.path}" in seen.text
    charts = [chart["title"] for group in seen.data["groups"] for chart in group["charts"]]
    assert charts[0] == "losses"
    assert not (tmp_path / "0007-mine" / ".report.html.tmp").exists()


def test_nothing_in_the_page_comes_from_elsewhere(tmp_path: Path) -> None:
    seen = read(write_run(tmp_path / "0000-run", make_ticks(), {0: 1}))
    addresses = [found[key] for _, found in seen.tags for key in ("src", "href") if key in found]
    assert all(str(address).startswith(("data:", "#")) for address in addresses)
    (policy,) = (each["content"] for each in seen.find("meta") if "http-equiv" in each)
    assert str(policy).startswith("default-src 'none'; script-src 'sha256-")


def test_several_runs_are_compared(tmp_path: Path) -> None:
    first = write_run(tmp_path / "0000-a", make_ticks(), {0: 1, 50_000: 2})
    second = write_run(tmp_path / "0001-b", make_ticks(50), {0: 3}, **{"train.seed": 7, "reg": "none"})
    seen = read(first, second, first)
    assert [run["name"] for run in seen.data["runs"]] == ["0000-a", "0001-b"]
    assert re.search(r"train\.seed\s*0\s*7", seen.text)
    assert re.search(r"reg\s*r1,r2\s*none", seen.text)
    assert "arch.width" not in seen.text.partition("Settings in which the runs differ")[2].partition("all ")[0]
    assert (tmp_path / "report.html").is_file()  # beside neither run


def test_scores_have_floors_fingerprints_and_protocols(tmp_path: Path) -> None:
    run = write_run(tmp_path / "0000-run", make_ticks(), metric="pixel-moments")
    score = {
        "name": "fid/fd",
        "value": 41.2,
        "ratio": 1.9,
        "fingerprint": "00ff" * 4,
        "protocol": {"fake": 64, "seed": 3},
    }
    other = score | {"fingerprint": "11ff" * 4, "protocol": {"fake": 99, "seed": 3}}
    damaged = [3, {"name": "x"}, score | {"ratio": "high"}, score | {"protocol": "?"}, {"value": 3.0}]
    lines = [{"images": 500, "package": "package", "scores": [score, other, *damaged]}, {"images": 3, "scores": 4}]
    run.evaluations_file.write_text("".join(f"{json.dumps(line)}\n" for line in lines) + "{")
    with run.stats_file.open("a") as file:
        file.write(json.dumps({"images": 1_000, "pixel-moments/mean": 0.25}) + "\n")
    seen = read(run)
    assert "41.2 (1.9 x floor) (a)" in seen.text
    assert "00ff" * 4 in seen.text
    assert "64 generated ones as ?, seed 3" in seen.text
    assert "cannot be compared" in seen.text
    assert "pixel-moments/mean 0.25" in seen.text
    assert seen.data["groups"][0]["title"] == "Scores"
    assert (
        len(seen.find("th", scope="row"))
        - len(read(write_run(tmp_path / "b", make_ticks(), metric="pixel-moments")).find("th", scope="row"))
        == 2
    )


# ----------------------------------------------------------------------------
# Samples of every kind.


def test_a_timeline_has_some_dozens_of_frames(tmp_path: Path) -> None:
    seen = read(write_run(tmp_path / "0000-run", make_ticks(), {1_000 * number: 5 for number in range(101)}))
    images = [int(str(frame["data-images"])) for frame in seen.find("div", **{"class": "frame"})]
    assert (len(images), images[0], images[-1]) == (MOST_FRAMES, 0, 100_000)
    assert len(seen.find("img")) == MOST_FRAMES + 1  # and the real samples


def test_damaged_grids_are_named(tmp_path: Path) -> None:
    run = write_run(tmp_path / "0000-run", make_ticks(), {0: 1, 500: 2, 900: 3})
    grid = run.get_grid_path(500)
    grid.write_bytes(grid.read_bytes()[:-20])
    run.get_grid_path(900).write_bytes(b"")
    (run.path / "fakes-000000950.png").symlink_to("nowhere.png")
    (run.path / "reals.png").unlink()
    seen = read(run)
    assert "fakes-000000500.png is damaged" in seen.text
    assert "fakes-000000900.png is damaged" in seen.text
    assert "fakes-000000950.png cannot be read: no such file or directory" in seen.text
    assert len(seen.find("img")) == 1
    assert is_whole_png(make_picture(3))
    assert not is_whole_png(make_picture(3).replace(b"IDAT", b"IDAX"))


def test_large_grids_are_made_smaller(tmp_path: Path) -> None:
    run = write_run(tmp_path / "0000-run", make_ticks())
    buffer = io.BytesIO()
    Image.effect_noise((900, 900), 90).save(buffer, "PNG")
    for number in range(12):
        run.get_grid_path(number).write_bytes(buffer.getvalue())
    run.get_grid_path(12).write_bytes(buffer.getvalue()[:-400_000])
    page = ganzoo.report(run)
    seen = Seen(page)
    assert page.stat().st_size < 5_000_000
    assert sum("image/jpeg" in str(found["src"]) for found in seen.find("img")) == 12
    assert "fakes-000000012.png is damaged" in seen.text


def test_text_tables_and_sound_are_shown_as_what_they_are(tmp_path: Path) -> None:
    run = write_run(tmp_path / "0000-run", make_ticks())
    (run.path / "fakes-000000100.txt").write_text(f"first line\n{EVIL}\n" + "x" * 5_000)
    (run.path / "fakes-000000200.csv").write_text(f'name,size\n"one, two",3\n{EVIL},4\n')
    (run.path / "fakes-000000300.odd").write_text("?")
    with wave.open(str(run.path / "fakes-000000400.wav"), "wb") as sound:
        sound.setparams((1, 2, 8_000, 0, "NONE", ""))
        sound.writeframes(bytes(8_000))
    (run.path / "reals.csv").write_text("")
    seen = read(run)
    assert "first line\n</script>" in seen.text
    assert "the file goes on" in seen.text
    assert "one, two" in seen.text
    assert seen.find("th", scope="col")[0]
    assert "fakes-000000300.odd is not shown here" in seen.text
    assert str(seen.find("audio")[0]["src"]).startswith("data:audio/wav;base64,")
    assert seen.find("audio")[0]["aria-label"] == "samples of 0000-run after 400 images"


# ----------------------------------------------------------------------------
# Files that are not as they should be.


def test_texts_cannot_break_out(tmp_path: Path) -> None:
    name = "0000-" + EVIL.replace("/", ":")
    run = write_run(tmp_path / name, make_ticks(), {0: 1}, log=EVIL)
    recipe = run.recipe()
    recipe["arch"]["options"][EVIL], recipe["train"]["init"], recipe["preset"] = EVIL, EVIL, EVIL
    recipe["origins"]["train.init"] = EVIL
    run.write_recipe(recipe)
    with run.stats_file.open("a") as file:
        file.write(json.dumps({"images": 5, "seconds": 1, "images_per_second": 1, EVIL: 3.0}) + "\n")
    seen = read(run)
    assert len(seen.find("script")) == 3
    assert all("onerror" not in found for _, found in seen.tags)
    assert seen.text.count(EVIL) >= 4
    assert seen.data["runs"][0]["name"] == name


def test_a_run_without_statistics_has_a_page(tmp_path: Path) -> None:
    run = write_run(tmp_path / "0000-run")
    seen = read(run)
    assert "it has no statistics yet" in seen.text
    assert "no samples yet" in seen.text
    run.stats_file.unlink()
    (run.path / "reals.png").unlink()
    assert "There are no statistics yet." in read(run).text


def test_damaged_rows_are_left_out(tmp_path: Path) -> None:
    run = write_run(tmp_path / "0000-run", make_ticks(20))
    lines = ["{", "[]", "\0", '{"images": 1e999, "seconds": 1}', '{"images": 3000, "loss_d": NaN, "seconds": 6}']
    lines += [f'{{"images": 5, "seconds": 1, "loss_d": 1{"0" * 400}}}', '{"images": 7, "seconds": 1, "loss_g": 1e300}']
    with run.stats_file.open("a") as file:
        file.write("\n".join(lines) + '\n{"images": 21')
    table = read(run).data["runs"][0]["tables"]["ticks"]
    assert table["x"] == sorted(table["x"])
    assert len(table["x"]) == 23
    assert max(value for value in table["columns"]["loss_g"] if value is not None) == 1e300


def test_a_damaged_recipe_or_package(tmp_path: Path) -> None:
    run = write_run(tmp_path / "0000-run", make_ticks())
    run.package.mkdir()
    (run.package / "config.json").write_text("{")
    recipe = run.recipe()
    run.write_recipe({**recipe, "optim": 3, "auto": 4, "metric": "x"})
    seen = read(run)
    assert "the recipe is damaged" in seen.text
    assert "config.json is damaged" in seen.text or "config.json is not" in seen.text
    run.recipe_file.write_text("{")
    with pytest.raises(Corrupt):
        ganzoo.report(run)


def test_a_long_run_has_a_small_page(tmp_path: Path) -> None:
    run = write_run(tmp_path / "0000-run", metric="pixel-moments")
    row = json.dumps(make_ticks(1)[0] | {f"reg.r{number}/d": 0.5 for number in range(9)})
    lines = (row.replace("1000", f"{5 * tick}", 1) for tick in range(100_000))  # 27 MB
    run.stats_file.write_text("\n".join(lines))
    begin = time.process_time()
    page = ganzoo.report(run)
    assert time.process_time() - begin < 5
    assert page.stat().st_size < 1_000_000
    assert len(Seen(page).data["runs"][0]["tables"]["ticks"]["x"]) == 1_200


def test_curves_of_few_points_keep_extremes() -> None:
    rows = [{"images": tick, "seconds": tick, "loss_d": 0.0, "rare": 1.0} for tick in range(10_000)]
    rows[5_432]["loss_d"], rows[5_433]["loss_d"] = 7.0, -7.0
    for row in rows[:9_000]:
        del row["rare"]
    table = make_tables(rows, num_runs=3)["ticks"]
    assert len(table["x"]) == len(table["columns"]["loss_d"]) == 400
    assert (max(table["columns"]["loss_d"]), min(table["columns"]["loss_d"])) == (7.0, -7.0)
    high, low = table["columns"]["loss_d"].index(7.0), table["columns"]["loss_d"].index(-7.0)
    assert high < low
    assert table["columns"]["rare"][0] is None
    assert table["columns"]["rare"][-2:] == [1.0, 1.0]


# ----------------------------------------------------------------------------
# Where the page is written.


def test_wrong_paths_are_refused(tmp_path: Path) -> None:
    run = write_run(tmp_path / "0000-run", make_ticks())
    with pytest.raises(UsageError, match=r"--out .*recipe.json: name a file that ends in .html"):
        ganzoo.report(run, out=run.recipe_file)
    with pytest.raises(NotFound, match=r"the folder nowhere does not exist"):
        ganzoo.report(run, out="nowhere/a.html")
    with pytest.raises(NotFound, match="no run '5'"):
        ganzoo.report(5)
    assert ganzoo.report(run.path, out="here.html") == Path("here.html")


def test_the_library_of_the_plots_is_the_one_that_its_note_names() -> None:
    head, *lines = (PLOTS / "VERSION").read_text().splitlines()
    assert head.startswith("uPlot 1.6.32, MIT licence")
    for line in lines:
        digest, name = line.split()
        assert hashlib.sha256((PLOTS / name).read_bytes()).hexdigest() == digest
    assert "MIT License" in (PLOTS / "LICENSE").read_text()


class Stop:
    """Stops the run that it listens to, as Ctrl-C does, at its first tick."""

    stopped = False

    def tick(self, event: object) -> None:
        if not self.stopped:
            self.stopped = True
            os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture
def settings(toys: object) -> dict[str, Any]:
    return {"arch": "toy", "dataset": "toy-array", "images": 32, "device": "cpu", "progress": False}


def test_a_training_writes_it_at_its_end(settings: dict[str, Any]) -> None:
    run = ganzoo.train(**settings)
    seen = Seen(run.path / "report.html")
    assert "finished, 32 of 32 images" in seen.text
    assert f"ganzoo sample {run.path}" in seen.text


def test_an_interrupted_training_writes_it_too(settings: dict[str, Any]) -> None:
    with pytest.raises(Interrupted):
        ganzoo.train(**{**settings, "images": 128}, listener=Stop())
    (run,) = ganzoo.list_runs()
    seen = Seen(run.path / "report.html")
    assert re.search(r"interrupted, \d+ of 128 images", seen.text)
    assert "Interrupted: stopped and saved at" in seen.text
    assert f"ganzoo train --resume {run.path}" in seen.text


def test_a_report_that_cannot_be_written_costs_a_line(settings: dict[str, Any]) -> None:
    class Obstacle:
        def start(self, event: Any) -> None:
            (event.run.path / "report.html").mkdir()

    run = ganzoo.train(**settings, listener=Obstacle())
    assert run.finished
    lines = [line for line in (run.path / "log.txt").read_text().splitlines() if "report" in line]
    assert len(lines) == 1
    assert lines[0].startswith(f"cannot write {run.path / 'report.html'}: ")
    assert lines[0].endswith("; going on without")
