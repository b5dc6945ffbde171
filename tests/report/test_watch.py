"""The live page: real requests, while a run grows."""

from __future__ import annotations

import http.client
import json
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cli_calls import end_processes, process
from ganzoo.cli import watch
from ganzoo.errors import Conflict, NotFound
from ganzoo.registry import registry
from ganzoo.report import live
from ganzoo.report.live import LivePage
from ganzoo.report.server import Server
from ganzoo.runs.run import Run
from run_files import make_picture, make_ticks, write_run


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(live, "SOONEST", 0.0)
    monkeypatch.setattr(live, "COST", 1e9)
    yield
    end_processes()


@contextmanager
def serve(*runs: Run) -> Iterator[Server]:
    page = LivePage(lambda: runs or watch.choose_runs(bool(page.runs)), registry())
    with Server(page, 0) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class Answer:
    def __init__(self, server: Server, path: str = "/state", method: str = "GET", **headers: str) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
        connection.request(method, path, headers=headers)
        found = connection.getresponse()
        self.status, self.headers, self.content = found.status, found.headers, found.read()
        connection.close()

    def read(self) -> dict[str, dict[str, str]]:
        assert self.status == 200
        found: dict[str, dict[str, str]] = json.loads(self.content)
        return found


def test_the_page_grows_with_the_run(tmp_path: Path) -> None:
    rows = make_ticks()
    run = write_run(tmp_path / "runs" / "0000-run", rows[:3], {0: 1})
    with serve(run) as server:
        page = Answer(server, "/")
        assert page.headers["Content-Type"] == "text/html; charset=utf-8"
        assert b'"live":true' in page.content
        first = Answer(server)
        assert "3,000 of 100,000 images" in first.read()["sections"]["overview"]
        assert Answer(server, **{"If-None-Match": first.headers["ETag"]}).status == 304
        with run.training():
            for row in rows[3:10]:
                run.add_stats(row)
            run.get_grid_path(10_000).write_bytes(make_picture(7))
            later = Answer(server, **{"If-None-Match": first.headers["ETag"]})
            sections = later.read()["sections"]
        assert "training, 10,000 of 100,000 images" in sections["overview"]
        assert "ganzoo watch" in sections["commands"]
        assert "file/0/fakes-000010000.png?" in sections["samples"]
        picture = Answer(server, "/file/0/fakes-000010000.png?123")
        assert (picture.content, picture.headers["Content-Type"]) == (make_picture(7), "image/png")


def test_only_get_and_head_are_answered(tmp_path: Path) -> None:
    with serve(write_run(tmp_path / "0000-run", make_ticks())) as server:
        head = Answer(server, "/", "HEAD")
        assert (head.status, head.content) == (200, b"")
        assert int(head.headers["Content-Length"]) > 10_000
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
            assert (Answer(server, "/", method).status, Answer(server, "/", method).content) == (405, b"")
        assert Answer(server, "/", "TRACE").status == 501


@pytest.mark.parametrize("path", ["/x", "/file/0/recipe.json", "/file/0/../recipe.json", "/file/0/%2e%2e%2frecipe.json",
                                  "/file/1/reals.png", "/file/-1/reals.png", "/file/0/fakes-000000005.png",
                                  "/file/²/reals.png", "/file/0/reals.odd", "//etc/passwd"])  # fmt: skip
def test_no_other_file_can_be_read(tmp_path: Path, path: str) -> None:
    run = write_run(tmp_path / "0000-run", make_ticks())
    (run.path / "reals.odd").write_text("?")
    with serve(run) as server:
        Answer(server, "/")
        found = Answer(server, path.replace("²", "%C2%B2"))
        assert (found.status, found.content) == (404, b"")


@pytest.mark.parametrize(
    "headers",
    [{"Host": "evil.example"}, {"Host": "evil.example:8711"}, {"Host": "127.0.0.1.evil.example"}, {"Host": ""},
     {"Host": "[::1"}, {"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": "http://127.0.0.1:1"}],
)  # fmt: skip
def test_other_sites_get_nothing(tmp_path: Path, headers: dict[str, str]) -> None:
    with serve(write_run(tmp_path / "0000-run", make_ticks())) as server:
        for path in ("/", "/state", "/file/0/reals.png", "/nowhere"):
            found = Answer(server, path, **headers)
            assert (found.status, found.content) == (403, b"")
        assert Answer(server, "/", "POST", **headers).status == 403
        own = f"localhost:{server.server_port}"
        assert Answer(server, Host=own, Origin=f"http://{own}").status == 200
        assert server.server_address[0] == "127.0.0.1"


def test_damaged_and_removed_runs_are_named(tmp_path: Path) -> None:
    one, two = (write_run(tmp_path / name, make_ticks()) for name in ("0000-one", "0001-two"))
    with serve(one, two) as server:
        assert len(Answer(server).read()["runs"]) == 2
        one.recipe_file.write_text("{")
        state = Answer(server).read()
        assert [run["name"] for run in state["runs"]] == ["0001-two"]  # type: ignore[index]
        assert "0000-one/recipe.json is damaged" in state["sections"]["overview"]
        assert "file/1/reals.png" in state["sections"]["samples"]  # numbers of runs do not change
        two.recipe_file.unlink()
        assert Answer(server).read()["runs"] == []


def test_without_a_name_running_runs_are_shown_also_later_ones(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no run in runs/: start one"):
        watch.choose_runs()
    old, new = (write_run(tmp_path / "runs" / name, make_ticks()) for name in ("0000-old", "0001-new"))
    os.utime(new.stats_file, (1, 1))
    assert watch.choose_runs() == [Run(Path("runs/0000-old"))]  # trained last
    with new.training(), serve() as server:
        assert Answer(server).read()["title"] == "0001-new"
        with old.training():
            assert Answer(server).read()["title"] == "2 runs"
        assert Answer(server).read()["title"] == "2 runs"  # an ended run stays


def test_looking_often_costs_little(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "SOONEST", 60.0)
    run = write_run(tmp_path / "0000-run", make_ticks())
    with serve(run) as server:
        first = Answer(server)
        run.add_stats(make_ticks()[-1])
        assert Answer(server).content == first.content
        assert float(first.headers["X-Wait"]) == 60


def test_a_taken_port_is_one_sentence(tmp_path: Path) -> None:
    with serve(write_run(tmp_path / "0000-run")) as server:
        port = server.server_port
        with pytest.raises(Conflict, match=f"--port {port} is taken by another program: use --port 0 for a free one"):
            Server(server.page, port)


def test_ctrl_c_ends_the_command(tmp_path: Path) -> None:
    write_run(tmp_path / "runs" / "0000-run", make_ticks())
    started = process("watch", "--port", "0")
    assert started.stdout is not None
    url = started.stdout.readline().strip()
    assert url.startswith("http://127.0.0.1:")
    connection = http.client.HTTPConnection(url.split("/")[2], timeout=20)
    connection.request("GET", "/")
    assert b"0000-run" in connection.getresponse().read()
    started.send_signal(signal.SIGINT)
    out, err = started.communicate(timeout=20)
    assert (started.returncode, out, err) == (0, "", "shows 0000-run; Ctrl-C ends it\n")
