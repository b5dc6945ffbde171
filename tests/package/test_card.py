"""The model card: front matter for the Hub, body for people, text by people, and attacks by strangers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from huggingface_hub import ModelCard
from test_config import GOOD, change_value

from ganzoo.package.body import Address, is_release
from ganzoo.package.card import BEGIN, END, make_card, split_card
from ganzoo.package.config import Config, parse_config
from ganzoo.package.markdown import escape
from ganzoo.registry import registry

FULL = {
    **GOOD,
    "recipe": {
        "format": 1, "ganzoo": "0.1.0", "arch": GOOD["recipe"]["arch"],
        "loss": {"name": "losses:bce", "schema": 1, "options": {}},
        "dataset": {"name": "datasets:digits", "schema": 1, "options": {"size": 32}},
        "reg": [{"name": "regularizers:r1", "schema": 1, "options": {"gamma": 0.1}}],
        "optim": {"g": {"name": "adam", "lr": 1e-4}, "d": {"name": "adam", "lr": 2e-4}},
        "train": {"batch": 64, "seed": 3},
    },
}  # fmt: skip


def read_card_config(stored: dict[str, Any] = FULL) -> Config:
    return parse_config(json.dumps(stored).encode(), "config.json")


def write_card(stored: dict[str, Any] = FULL, **given: Any) -> str:
    return make_card(
        read_card_config(stored), registry(), given.pop("files", ["model.safetensors", "samples.png"]), **given
    )


def test_the_front_matter_is_what_the_hub_reads() -> None:
    data = ModelCard(write_card(license="mit")).data.to_dict()
    assert data["library_name"] == "ganzoo"
    assert data["pipeline_tag"] == "unconditional-image-generation"
    assert data["license"] == "mit"
    assert data["tags"] == ["ganzoo", "gan", "dcgan", "digits"]
    assert data["metrics"] == ["fd"]
    (result,) = data["model-index"][0]["results"]
    assert result["dataset"] == {"type": "digits", "name": "digits"}
    (metric,) = result["metrics"]
    assert (metric["type"], metric["value"]) == ("fd/fd", 0.5)
    assert metric["args"] == {"num": 100, "seed": 0, "fingerprint": "0123456789abcdef"}


def test_a_named_recipe_is_shown_with_its_source() -> None:
    preset = {**FULL["recipe"], "preset": "r3gan:r3gan-cifar10"}
    text = write_card({**FULL, "recipe": preset})
    assert "| `recipe` | `r3gan:r3gan-cifar10` |" in text
    assert "| `recipe from` | `https://github.com/brownvc/R3GAN` |" in text
    assert "| `recipe` | `gone:one` |" in write_card({**FULL, "recipe": {**preset, "preset": "gone:one"}})
    assert "`recipe" not in write_card()


def test_the_name_of_a_folder_is_not_a_tag() -> None:
    stored = change_value("recipe.dataset", {"name": "datasets:folder", "schema": 1, "options": {"path": "photos"}})
    assert ModelCard(write_card(stored)).data.to_dict()["tags"] == ["ganzoo", "gan", "dcgan"]


def test_the_body_shows_use_and_origin() -> None:
    text = write_card(address=Address("alice/digits", "v1"))
    for line in (
        "# alice/digits",
        "![Samples of seed 0, none chosen](samples.png)",
        'generator = ganzoo.load("alice/digits", revision="v1")',
        "python -m pip install 'ganzoo>=0.1.0'",
        "| `loss` | `bce` |",
        "| `reg` | `r1 (gamma=0.1)` |",
        "| `optim.d` | `name=adam, lr=0.0002` |",
        "| `train.batch` | `64` |",
        "| `images seen` | `64` |",
        "| `fd/fd` | `0.5` | `num 100, seed 0, fingerprint 0123456789abcdef` |",
        "Licence: cc-by-4.0.",
        "in 10 classes",
    ):
        assert line in text, line
    assert text.count("\n```") == 2


def test_values_of_one_name_that_cannot_be_compared_are_marked() -> None:
    first = {"name": "fd/fd", "value": 0.5, "fingerprint": "0" * 16, "protocol": {"seed": 0, "reference": "<digits>"}}
    other = first | {"value": 0.25, "fingerprint": "1" * 16, "protocol": {"seed": 1, "reference": "<faces>"}}
    text = write_card(change_value("metrics", [first, other, {**first, "name": "fd/mean"}]))
    assert "| `fd/fd` | `0.5 (a)` |" in text
    assert "| `fd/fd` | `0.25 (b)` |" in text
    assert "| `fd/mean` | `0.5` |" in text
    assert "fd/fd: (a) and (b) cannot be compared: data \\<digits\\> and \\<faces\\>, seed 0 and 1" in text


def test_the_usage_of_the_card_runs(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import ganzoo

    monkeypatch.chdir(tmp_path)
    run = ganzoo.train(arch="dcgan", images=64, batch=16, size=16, options={"arch.width": 2, "arch.z_dim": 4})
    text = (run.package / "README.md").read_text(encoding="utf-8")
    code = text.partition("```python\n")[2].partition("```")[0].replace("path/to/this/directory", str(run.package))
    names: dict[str, Any] = {}
    exec(code, names)
    assert [image.size for image in names["images"]] == [(16, 16)] * 64


def test_unknown_facts_are_named_as_unknown() -> None:
    text = write_card(change_value("metrics", []), files=["model.safetensors"])
    assert "Its quality was not measured." in text
    assert "## Metrics" not in text
    assert "samples.png" not in text
    gone = write_card(change_value("recipe.dataset", {"name": "acme:table", "schema": 1, "options": {}}))
    assert "whose plugin was not installed" in gone
    assert "model-index" not in write_card(change_value("metrics", []))


# ----------------------------------------------------------------------------
# Text by people.


def test_text_by_people_is_kept_in_a_new_card() -> None:
    first = write_card(license="mit")
    edited = first.replace("license: mit", "license: mit\nlanguage: en").replace("- gan\n", "- gan\n- my-tag\n")
    edited = edited.replace(BEGIN, f"Read me first: *please*.\n\n{BEGIN}").rstrip() + "\n\n## Thanks\n\nTo Alice.\n"
    again = write_card({**FULL, "images": 128}, before=edited)
    data = ModelCard(again).data.to_dict()
    assert (data["license"], data["language"]) == ("mit", "en")
    assert data["tags"] == ["ganzoo", "gan", "dcgan", "digits", "my-tag"]
    assert again.index("Read me first: *please*.") < again.index(BEGIN) < again.index(END) < again.index("To Alice.")
    assert "| `images seen` | `128` |" in again
    assert "`images seen` | `64`" not in again
    assert write_card({**FULL, "images": 128}, before=again) == again


def test_a_card_without_marks_is_kept_after_the_generated_body() -> None:
    again = write_card(before="# My model\n\nIt is mine.\n")
    assert again.index(END) < again.index("# My model")
    again = write_card(before="---\nlicense: apache-2.0\ntags: [mine]\n---\n# My model\n")
    assert ModelCard(again).data.to_dict()["license"] == "apache-2.0"
    assert "mine" in ModelCard(again).data.to_dict()["tags"]
    assert again.count("# My model") == 1


@pytest.mark.parametrize(
    "front", ["---\n[\n---\n", "---\n- a\n---\n", "---\n---\n", "---\nx: !!python/object:os.a {}\n---\n"]
)
def test_front_matter_that_cannot_be_read_is_replaced(front: str) -> None:
    again = write_card(before=front + "Words.\n")
    assert ModelCard(again).data.to_dict()["library_name"] == "ganzoo"
    assert "Words." in again


def test_a_card_is_split_at_its_marks() -> None:
    assert split_card("") == ({}, "", "")
    assert split_card(f"---\na: 1\n---\nup\n{BEGIN}\nours\n{END}\ndown") == ({"a": 1}, "up\n", "\ndown")
    assert split_card(f"up {BEGIN} ours, unended") == ({}, "up ", " ours, unended")


# ----------------------------------------------------------------------------
# Attacks by strangers.

EVIL = "x`|<script>alert(1)</script>\n\n# Owned\n![a](http://evil)\x1b[2J[click](http://evil)"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("recipe.arch", {"name": f"a:{EVIL}", "schema": 1, "options": {"o": EVIL}}),
        ("recipe.dataset", {"name": EVIL, "schema": 1, "options": {EVIL: EVIL}}),
        ("metrics", [{"name": EVIL, "value": 1.0, EVIL: EVIL}]),
        ("requires", [{"distribution": EVIL, "version": EVIL}, {"distribution": "--index-url", "version": "1"}]),
        ("recipe.ganzoo", EVIL),
    ],
)
def test_text_of_a_config_stays_text(path: str, value: object) -> None:
    stored = json.loads(json.dumps(FULL))
    *parents, last = path.split(".")
    node = stored
    for part in parents:
        node = node[part]
    node[last] = value
    body = write_card(stored).partition(BEGIN)[2]
    assert "<script" not in body
    assert "\n# Owned" not in body
    assert "](http://evil)" not in body.replace("\\", "") or "`" in body
    assert "\x1b" not in body
    assert "--index-url" not in body
    for line in body.splitlines():
        if line.startswith("|"):
            assert line.count("|") in (3, 4), line


def test_escaped_text_is_one_line_and_shown_unchanged() -> None:
    assert escape("a|b`c<d>\n# e") == r"a\|b\`c\<d\> \# e"
    assert escape("\x1b[2J\u202ex") == r"\[2J x"


@pytest.mark.parametrize(
    ("name", "version", "fits"),
    [
        ("acme-gans", "1.0", True), ("a", "1.0.dev3+local", True), ("A.b_c", "2!1", True), ("-e", "1", False),
        ("a b", "1", False), ("a;rm", "1", False), ("", "1", False), ("a@http://x", "1", False), ("../a", "1", False),
        ("a\n", "1", False), ("ä", "1", False), ("a", "", False), ("a", "1' && rm -rf ~ '", False), ("a", "1\n", False),
        ("a", "1,<2", False),
    ],
)  # fmt: skip
def test_only_names_and_versions_are_put_into_a_command(name: str, version: str, fits: bool) -> None:
    assert is_release(name, version) == fits
    text = write_card(change_value("requires", [{"distribution": name, "version": version}]))
    assert ("python -m pip install" in text) == fits


def test_tags_of_the_old_model_are_dropped() -> None:
    before = write_card().replace("- gan\n", "- gan\n- cats\n")
    after = write_card(
        change_value("recipe.dataset", {"name": "datasets:points", "schema": 1, "options": {}}), before=before
    )
    assert ModelCard(after).data.to_dict()["tags"] == ["ganzoo", "gan", "dcgan", "points", "cats"]
