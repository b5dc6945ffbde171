"""Settings that are made before torch is loaded."""

from __future__ import annotations

import pytest

from ganzoo.runs.heavy import CHOSEN_BY, PASSIVE
from outside_dist import run_json

SAMPLED = """
import json, os, sys
import ganzoo
assert "torch" not in sys.modules and not set(sys.argv[1].split(",")) & os.environ.keys()
ganzoo.load("ganzoo:digits")
print(json.dumps({name: value for name, value in os.environ.items() if name in sys.argv[1].split(",")}))
"""


@pytest.fixture(autouse=True)
def nobody_chose(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in CHOSEN_BY:
        monkeypatch.delenv(name, raising=False)


def test_threads_wait_passively_before_torch_is_loaded() -> None:
    said, stderr = run_json(SAMPLED, ",".join(CHOSEN_BY))
    assert said == PASSIVE
    assert "OMP_WAIT_POLICY = 'PASSIVE'" in run_json(SAMPLED, ",".join(CHOSEN_BY), OMP_DISPLAY_ENV="TRUE")[1]
    assert "'PASSIVE'" not in stderr


@pytest.mark.parametrize("name", CHOSEN_BY)
def test_settings_of_the_user_are_not_changed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from ganzoo.runs import heavy

    monkeypatch.setenv(name, "1")
    before = dict(heavy.os.environ)
    heavy.wait_passively()
    assert dict(heavy.os.environ) == before
