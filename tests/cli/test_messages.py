"""The texts of messages.toml: what is typed by mistake, and all that ganzoo says to it."""

import os
import re
import shlex
import tomllib
from pathlib import Path

import pytest
from PIL import Image

from cli_calls import Ganzoo

TABLE = tomllib.loads(Path(__file__).with_name("messages.toml").read_text())
ROWS = [
    pytest.param(situation, typed, text, id=typed)
    for situation, topics in TABLE.items()
    for lines in topics.values()
    for typed, text in lines.items()
]


def make_pictures(folder: Path) -> None:
    """Fill a folder with folders of pictures, and with two empty files.

    `photos` has two pictures, `mixed` some beside sub-folders, `broken` a file that is not a picture, `empty` nothing.
    """
    for name in ("broken", "empty"):
        (folder / name).mkdir()
    for name in ("photos/one.png", "photos/two.png", "mixed/one.png", "mixed/cats/two.png", "mixed/dogs/three.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.effect_noise((20, 20), 80).save(folder / name)
    (folder / "broken" / "one.png").write_bytes(b"not a picture")
    for name in ("picture.png", "photos.zip"):
        (folder / name).write_bytes(b"")


@pytest.fixture
def situation(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Make the situation of a row in the current folder."""
    if request.param == "runs":  # 0 is finished, 1 interrupted, 2 conditional
        request.getfixturevalue("runs")
    elif request.param == "pictures":
        make_pictures(tmp_path)
    else:
        assert request.param == "empty-folder"


@pytest.mark.parametrize(("situation", "typed", "text"), ROWS, indirect=["situation"])
def test_a_mistake_gets_its_message_and_changes_nothing(situation: None, ganzoo: Ganzoo, typed: str, text: str) -> None:
    before = sorted(os.listdir())
    command, *args = shlex.split(typed)
    answer = ganzoo(*args)
    assert command == "ganzoo"
    code, _, words = text.partition(": ")
    said = answer.err.replace(os.getcwd(), "HERE").replace("ganzoo: ", "", 1).replace("\nganzoo: ", "\n").strip()
    pattern = re.escape(words).replace(re.escape("..."), ".*")
    assert (answer.code, answer.out) == (int(code), "")
    assert re.fullmatch(pattern, said), said
    assert sorted(os.listdir()) == before
