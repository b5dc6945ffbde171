"""Discovery, isolation of broken plugins, and names. Published distributions are tested in separate processes."""

import logging
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

import ganzoo
from ganzoo.errors import GanzooError, MissingPlugin, NotFound, UsageError
from ganzoo.plugin import (
    KINDS,
    Augmentation,
    Component,
    DataInfo,
    Dataset,
    Extractor,
    Loss,
    Metric,
    Model,
    Recipe,
    Regularizer,
    Tracker,
    hookimpl,
)
from ganzoo.registry import Registry, create, parse_kind, register, registry
from ganzoo.registry.failures import describe_error, locate_error
from ganzoo.registry.installed import Plugin, RegisteredComponent
from outside_dist import make_distribution, run_json

FIRST_PARTY = {"dcgan:dcgan", "losses:bce", "losses:lsgan", "datasets:digits", "datasets:folder"}


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give each test a registry of its own."""
    monkeypatch.delenv("GANZOO_DISABLE_PLUGINS", raising=False)
    monkeypatch.delenv("GANZOO_STRICT_PLUGINS", raising=False)
    registry.cache_clear()
    yield
    registry.cache_clear()


def module(name: str, **hooks: Any) -> ModuleType:
    """Return a plugin module whose hooks return these components."""
    made = ModuleType(name)
    for hook, offered in hooks.items():
        vars(made)[f"ganzoo_{hook}"] = hookimpl(lambda offered=offered: offered, specname=f"ganzoo_{hook}")
    return made


def loss(name: str, **fields: Any) -> Loss:
    return Loss(name=name, summary="A loss.", factory="test_registry:Built", **fields)


class Built:
    """The runtime object of the factories in this file; it has the methods of every kind."""

    def __init__(self, *args: object) -> None:
        self.args = args

    def method(self, *args: object) -> None:
        """Do nothing."""

    discriminator = generator = real = fake = reset = compute = start = log = grid = finish = __call__ = method


def qualified(kind: str | None = None) -> list[str]:
    return [entry.qualified for entry in registry().components(kind)]


# ----------------------------------------------------------------------------
# Installed plugins and names.


def test_first_party_plugins_are_discovered_with_provenance() -> None:
    assert set(qualified()) >= FIRST_PARTY
    (dcgan,) = [plugin for plugin in registry().plugins if plugin.name == "dcgan"]
    version = metadata.version("ganzoo")
    assert dcgan == Plugin("dcgan", "ganzoo_dcgan", "ganzoo", version)
    assert dcgan.source == f"ganzoo {version}"
    assert registry().resolve("architecture", "dcgan").plugin == dcgan
    assert not [plugin for plugin in registry().plugins if plugin.error or plugin.warning]
    assert registry() is registry()


def test_components_of_a_kind() -> None:
    assert set(qualified("loss")) <= set(qualified())
    assert {entry.spec.kind for entry in registry().components("loss")} == {"loss"}
    assert {entry.spec.kind for entry in registry().components()} <= set(KINDS)


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("loss", "lsgan", "losses:lsgan"),
        ("loss", "mse", "losses:lsgan"),
        ("loss", "losses:mse", "losses:lsgan"),
        ("architecture", "dcgan:dcgan", "dcgan:dcgan"),
    ],
)
def test_names_aliases_and_qualified_names(kind: str, text: str, expected: str) -> None:
    assert registry().resolve(kind, text).qualified == expected


@pytest.mark.parametrize(
    ("kind", "text", "error", "words"),
    [
        ("loss", "lsgam", UsageError, "no loss 'lsgam' is installed: did you mean 'lsgan'"),
        ("loss", "losses:lsgam", UsageError, "no loss 'losses:lsgam' is installed: did you mean 'lsgan'"),
        ("loss", "dcgan", UsageError, "no loss 'dcgan' is installed"),
        ("loss", "zzzzzz", UsageError, "no loss 'zzzzzz' is installed; `ganzoo list loss` shows what is"),
        ("loss", "dcgan:bce", UsageError, "no loss 'dcgan:bce' is installed"),
        ("loss", "acme:bce", MissingPlugin, "loss 'acme:bce' needs the plugin 'acme', which is not installed"),
    ],
)
def test_unknown_names_are_refused(kind: str, text: str, error: type[GanzooError], words: str) -> None:
    with pytest.raises(error) as caught:
        registry().resolve(kind, text)
    assert str(caught.value).startswith(words)


def test_a_wrong_name_mentions_plugins_that_failed() -> None:
    register(module("broken", losses=None))
    with pytest.raises(UsageError, match=r"plugins that failed to load: broken; see `ganzoo plugins`"):
        registry().resolve("loss", "blob")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        *((kind, kind) for kind in KINDS),
        ("losses", "loss"),
        ("architectures", "architecture"),
        ("arch", "architecture"),
    ],
)
def test_kinds_may_be_singular_or_plural(text: str, kind: str) -> None:
    assert parse_kind(text) == kind


def test_an_unknown_kind_names_the_nearest_or_all() -> None:
    with pytest.raises(UsageError, match="no kind 'lozs': did you mean 'loss'"):
        parse_kind("lozs")
    with pytest.raises(UsageError, match=r"the kinds are architecture, loss, .*, command"):
        parse_kind("zzz")


def test_the_default_dataset_is_the_one_whose_spec_says_default() -> None:
    assert registry().resolve_default_dataset().qualified == "datasets:digits"
    mine = Dataset(name="mine", summary="Data.", factory="a:b", default=True)
    register(module("acme", datasets=[mine]))
    with pytest.raises(UsageError, match="more than one installed dataset is the default: write --dataset NAME"):
        registry().resolve_default_dataset()


def test_the_dataset_that_opens_paths() -> None:
    alone = Registry()
    with pytest.raises(UsageError, match=r"no installed dataset opens 'some/rows\.csv': write --dataset NAME"):
        alone.resolve_path_dataset("some/rows.csv")
    mine = Dataset(name="mine", summary="Data.", factory="a:b", path_option="path")
    alone.add(Plugin("acme", "acme"), lambda: module("acme", datasets=[mine]))
    assert alone.resolve_path_dataset("some/rows.csv").spec == mine
    rows = Dataset(name="rows", summary="Data.", factory="a:b", path_option="file", path_suffixes=(".csv",))
    alone.add(Plugin("rows", "rows"), lambda: module("rows", datasets=[rows]))
    assert alone.resolve_path_dataset("some/rows.CSV").spec == rows
    assert alone.resolve_path_dataset("some/folder").spec == mine


# ----------------------------------------------------------------------------
# Building.


def test_create_builds_first_party_components() -> None:
    fakes = torch.zeros(1, 1)
    assert create("losses", "mse", c=2.0).generator(fakes, None) == 4 * create("loss", "lsgan").generator(fakes, None)
    assert create("dataset", "digits", size="16").info.shape == (1, 16, 16)
    networks = create("architectures", "dcgan", data=DataInfo(shape=(3, 16, 16)), width=4)
    assert networks.latent_dim == 100


@pytest.mark.parametrize("kind", [Regularizer, Augmentation, Metric, Extractor, Tracker])
def test_create_builds_every_kind_that_has_a_runtime_object(kind: Any) -> None:
    made = kind(name="mine", summary="Mine.", factory="test_registry:Built")
    plural = kind.kind + "s"
    register(module("acme", **{plural: [made]}))
    data = DataInfo(shape=(2,), modality="points")
    for args in (create(kind.kind, "acme:mine", data=data).args, create(plural, "mine", data=data).args):
        assert args == ((made.options(),) if kind is Tracker else (made.options(), data))


def test_create_refuses_kinds_without_runtime_object_and_unknown_options() -> None:
    recipe, model = Recipe(name="r", summary="A recipe."), Model(name="m", summary="A model.", path="a:b")
    register(module("acme", recipes=[recipe], models=[model]))
    for kind, name in (("recipe", "r"), ("model", "m")):
        with pytest.raises(UsageError, match=f"a {kind} has no runtime object"):
            create(kind, name)
    with pytest.raises(UsageError, match=r"an architecture needs the shape of the samples: add data="):
        create("architecture", "dcgan")
    with pytest.raises(UsageError, match="unknown key 'target'; loss 'lsgan' takes a, b, c"):
        create("loss", "lsgan", target=1)
    with pytest.raises(UsageError, match="b: expected a number, got 'x'"):
        create("loss", "lsgan", b="x")


@pytest.mark.parametrize(
    ("factory", "words"),
    [
        ("no_such_module:f", "failed in no_such_module:f: ModuleNotFoundError"),
        (
            "test_registry:complain",
            "AttributeError: test_registry has no 'complain': did you mean 'complains'",
        ),
        ("test_registry:FIRST_PARTY", "TypeError: test_registry:FIRST_PARTY is not a function or class, but set"),
        (
            "test_registry:needs_one",
            "test_registry:needs_one is defined with (a: object) -> None and called with (options, data)",
        ),
        ("test_registry:raises", f"failed in test_registry:raises: RuntimeError: no luck ({__file__}:"),
        ("test_registry:leaves", "failed in test_registry:leaves: SystemExit: 3"),
    ],
)
def test_a_factory_that_fails_names_its_plugin(factory: str, words: str) -> None:
    register(module("acme", losses=[Loss(name="blob", summary="A loss.", factory=factory)]))
    with pytest.raises(GanzooError, match="loss 'blob' of plugin 'acme' ") as caught:
        create("loss", "blob")
    assert words in str(caught.value)


def test_an_error_for_the_user_is_passed_on_unchanged() -> None:
    register(module("acme", losses=[Loss(name="blob", summary="A loss.", factory="test_registry:complains")]))
    with pytest.raises(UsageError, match=r"^choose another$"):
        create("loss", "blob")


def needs_one(a: object) -> None:
    pass


def raises(*_: object) -> None:
    raise RuntimeError("no luck")


def leaves(*_: object) -> None:
    sys.exit(3)


def complains(*_: object) -> None:
    raise UsageError("choose another")


@pytest.mark.parametrize(
    "requirement",
    [
        "pluggy",
        "pluggy>=1",
        "Pluggy[extra]>=1,<99",
        "no-such-thing; python_version < '3'",
        "pluggy>=999; sys_platform == 'nowhere'",
        "pluggy>=1; python_version > '3'",
    ],
)
def test_requirements_that_are_met_or_do_not_apply(requirement: str) -> None:
    register(module("acme", losses=[loss("blob", requires=("pluggy", requirement))]))
    assert create("loss", "blob").args


@pytest.mark.parametrize(
    ("requirement", "words"),
    [
        ("no-such-thing", "needs no-such-thing: python -m pip install 'no-such-thing'"),
        ("pluggy>=999", "needs pluggy>=999: python -m pip install 'pluggy>=999'"),
        ("no-such-thing>=2; python_version > '3'", "needs no-such-thing>=2: python -m pip install 'no-such-thing>=2'"),
    ],
)
def test_requirements_that_are_missing_give_the_command(requirement: str, words: str) -> None:
    register(module("acme", losses=[loss("blob", requires=("pluggy", requirement))]))
    with pytest.raises(MissingPlugin) as caught:
        create("loss", "blob")
    assert str(caught.value) == f"loss 'blob' {words}"


# ----------------------------------------------------------------------------
# Disabled plugins, and strict mode.


@pytest.mark.parametrize("value", ["dcgan", "datasets , dcgan", "dcgan,nonexistent"])
def test_blocked_plugins_are_disabled(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANZOO_DISABLE_PLUGINS", value)
    assert {"dcgan:dcgan"} <= FIRST_PARTY - set(qualified())
    assert ("datasets:digits" in qualified()) is ("datasets" not in value)
    assert "losses:bce" in qualified()


def test_all_plugins_may_be_disabled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANZOO_DISABLE_PLUGINS", "all")
    assert registry().plugins == ()
    assert qualified() == []


def test_strict_mode_raises_if_a_plugin_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANZOO_STRICT_PLUGINS", "1")
    assert set(qualified()) >= FIRST_PARTY
    with pytest.raises(GanzooError, match=r"plugin 'acme' \(registered\): hook ganzoo_losses: TypeError"):
        register(module("acme", losses=None))


# ----------------------------------------------------------------------------
# Plugins that are not packaged.


def test_register_adds_a_module() -> None:
    plugin = register(module("acme", losses=[loss("blob", aliases=("drop",))]))
    assert plugin == Plugin("acme", "acme")
    assert plugin.source == "registered"
    assert registry().resolve("loss", "drop").qualified == "acme:blob"
    assert ganzoo.register is register


class Namespace:
    """An object with hooks, which may be registered like a module."""

    @hookimpl
    def ganzoo_losses(self) -> list[Loss]:
        return [loss("blob")]


def test_register_adds_any_object_with_hooks() -> None:
    register(Namespace())
    assert registry().resolve("loss", "blob").qualified == "Namespace:blob"


def test_a_taken_name_is_an_error_and_shadows_no_plugin(caplog: pytest.LogCaptureFixture) -> None:
    plugin = register(module("dcgan", losses=[loss("blob")]))
    assert plugin.error == f"the name 'dcgan' is taken by ganzoo {metadata.version('ganzoo')}"
    assert caplog.messages == [f"plugin 'dcgan@registered' (registered): {plugin.error}"]
    assert registry().resolve("architecture", "dcgan").qualified == "dcgan:dcgan"
    assert "dcgan@registered:blob" not in qualified()


@pytest.mark.parametrize(
    ("offered", "words"),
    [
        ([loss("blob"), loss("blob")], "ValueError: offers the name 'blob' more than once"),
        ([loss("blob"), loss("drop", aliases=("blob",))], "ValueError: offers the name 'blob' more than once"),
        ([Component(name="blob", summary="A blob.")], "which is not a ganzoo.plugin.Loss"),
        (["blob"], "TypeError: offered 'blob', which is not a ganzoo.plugin.Loss"),
        (None, "TypeError: returned nothing: write `yield Loss(...)`"),
        (loss("blob"), "TypeError: returned one Loss: write `yield Loss(...)`"),
        (
            [Metric(name="blob", summary="Is one.", factory="a:b")],
            "offered Metric 'blob', which is not a ganzoo.plugin.Loss",
        ),
    ],
)
def test_a_wrong_component_costs_its_hook_alone(offered: Any, words: str, caplog: pytest.LogCaptureFixture) -> None:
    kept = Metric(name="count", summary="Counts.", factory="a:b")
    plugin = register(module("acme", losses=offered, metrics=[kept]))
    assert plugin.error.startswith("hook ganzoo_losses: ")
    assert words in plugin.error
    assert plugin.error.endswith(")")  # the hook's own line
    assert f"({__file__}:" in plugin.error
    assert [entry.spec for entry in registry().components() if entry.plugin.name == "acme"] == [kept]
    assert registry().resolve("metric", "count").plugin.error == plugin.error
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


PLUGIN = """
from ganzoo.plugin import Loss, hookimpl

class Blob:
    def discriminator(self, real, fake):
        return "blob"

    def generator(self, fake, real):
        return "blob"

@hookimpl
def ganzoo_losses():
    yield Loss(name="blob", summary="A blob.", factory=__name__ + ":" + "make")

def make(options, data):
    return Blob()
"""


@pytest.fixture
def plugin_file(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "my_gan.py"
    path.write_text(PLUGIN)
    yield path
    sys.modules.pop("my_gan", None)


def test_add_file_loads_a_plugin_from_a_file(plugin_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(plugin_file.parent)
    plugin = registry().add_file(Path("my_gan.py"))
    assert plugin == Plugin("my_gan", "my_gan", file=str(plugin_file))
    assert plugin.source == str(plugin_file)
    assert registry().add_file(plugin_file) == plugin
    assert qualified("loss").count("my_gan:blob") == 1
    assert create("loss", "blob").generator(None, None) == "blob"


def test_add_file_refuses_paths_that_are_not_plugin_files(plugin_file: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="this file does not exist"):
        registry().add_file(tmp_path / "other.py")
    with pytest.raises(NotFound, match="this file does not exist"):
        registry().add_file(tmp_path)
    with pytest.raises(UsageError, match=r"give a Python file, whose name ends in \.py"):
        registry().add_file(plugin_file.rename(tmp_path / "my_gan.txt"))


@pytest.mark.parametrize(("name", "what"), [("json", "module"), ("dcgan", "plugin")])
def test_add_file_refuses_a_taken_name(name: str, what: str, plugin_file: Path) -> None:
    plugin_file = plugin_file.rename(plugin_file.with_name(f"{name}.py"))
    before = registry().plugins
    with pytest.raises(UsageError, match=f"a {what} named '{name}' is .* already: rename the file"):
        registry().add_file(plugin_file)
    assert registry().plugins == before


def test_add_file_raises_each_time_if_the_file_is_broken(plugin_file: Path) -> None:
    plugin_file.write_text("raise RuntimeError('no luck')")
    for _ in range(2):
        with pytest.raises(GanzooError, match=r"my_gan\.py failed: RuntimeError: no luck"):
            registry().add_file(plugin_file)
    assert "my_gan" not in sys.modules


# ----------------------------------------------------------------------------
# Stored options of an older schema.


def double(options: dict[str, Any], from_version: int) -> dict[str, Any]:
    return {key: 2 * value + from_version for key, value in options.items()}


def test_migrate_goes_from_older_schemas_only() -> None:
    entry = RegisteredComponent(
        Plugin("acme", "acme", "acme-gans"), loss("blob", version=3, migrate="test_registry:double")
    )
    assert entry.migrate({"a": 5}, 1) == {"a": 11}
    assert entry.migrate({"a": 5}, 3) == {"a": 5}
    with pytest.raises(MissingPlugin, match=r"newer plugin \(schema 4, here 3\): upgrade acme-gans"):
        entry.migrate({"a": 5}, 4)
    assert RegisteredComponent(entry.plugin, loss("blob", version=3)).migrate({"a": 5}, 1) == {"a": 5}


# ----------------------------------------------------------------------------
# Published distributions.

PROBE = """
import json, sys
from ganzoo.errors import GanzooError
from ganzoo.registry import registry

def resolve_name(kind, name):
    try:
        return registry().resolve(kind, name).qualified
    except GanzooError as error:
        return f"{type(error).__name__}: {error}"

print(json.dumps({
    "plugins": {plugin.name: [plugin.distribution, plugin.version, plugin.error] for plugin in registry().plugins},
    "components": [entry.qualified for entry in registry().components()],
    "resolved": [resolve_name(*question.split("=")) for question in sys.argv[1:]],
}))
"""
BUILD = """
import json
from ganzoo.registry import create
print(json.dumps(create("loss", "acme:blob").generator(None, None)))
"""


def test_a_distribution_is_discovered_listed_and_built(tmp_path: Path) -> None:
    make_distribution(tmp_path, "acme-gans", "1.2.3", PLUGIN, entry_point="acme")
    found, stderr = run_json(PROBE, "loss=blob", "loss=acme:blob", path=tmp_path)
    assert stderr == ""
    assert found["plugins"]["acme"] == ["acme-gans", "1.2.3", ""]
    assert found["resolved"] == ["acme:blob", "acme:blob"]
    assert set(found["components"]) >= {*FIRST_PARTY, "acme:blob"}
    assert run_json(BUILD, path=tmp_path) == ("blob", "")


BROKEN = {
    "raises on import": ("raise RuntimeError('no luck')", "RuntimeError: no luck"),
    "exits on import": ("import sys; sys.exit(3)", "SystemExit: 3"),
    "no Python": ("def (", "SyntaxError: invalid syntax"),
    "a hook that takes arguments": (
        PLUGIN.replace("ganzoo_losses()", "ganzoo_losses(x)"),
        "takes no arguments, but this one does: ganzoo_losses(x) (/",
    ),
    "a hook without its decorator": (
        PLUGIN.replace("@hookimpl", ""),
        "ganzoo_losses is not a hook until @ganzoo.plugin.hookimpl decorates it",
    ),
    "a misspelt hook": (
        PLUGIN.replace("ganzoo_losses", "ganzoo_loses"),
        "hook ganzoo_loses is unknown to this version: did you mean 'ganzoo_losses'? If not, upgrade ganzoo",
    ),
    "a mistake in a line of its own": ("import json\n\njson.loads('{')", "acme_gans.py:3)"),
    "no Python, and where": ("\n\ndef (", "SyntaxError: invalid syntax (/"),
    "an unknown hook": (
        PLUGIN.replace("ganzoo_losses", "ganzoo_dreams"),
        "hook ganzoo_dreams is unknown to this version: upgrade ganzoo",
    ),
    "a bad name": (PLUGIN.replace('"blob", s', '"Blob!", s'), "loss name 'Blob!' is not lower-case words"),
    "a bad factory": (PLUGIN.replace('":" + "make"', '".make"'), "is not of the form 'package.module:callable'"),
    "a summary of two lines": (PLUGIN.replace("A blob.", r"A\nblob."), "needs a summary of one line"),
    "options that are not frozen": (
        PLUGIN.replace("summary=", "options=Blob, summary="),
        "Blob'> is not a frozen dataclass",
    ),
    "the wrong type": (PLUGIN.replace("yield Loss", "yield dict"), "which is not a ganzoo.plugin.Loss"),
    "a hook that raises half way": (
        PLUGIN.replace("def make", "    raise KeyError('half way')\n\ndef make"),
        "hook ganzoo_losses: KeyError: 'half way'",
    ),
    "a hook that exits half way": (
        PLUGIN.replace("def make", "    raise SystemExit\n\ndef make"),
        "hook ganzoo_losses: SystemExit",
    ),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_distribution_is_reported_once_and_stops_no_other(how: str, tmp_path: Path) -> None:
    source, words = BROKEN[how]
    make_distribution(tmp_path, "acme-gans", "1.2.3", source, entry_point="acme")
    make_distribution(tmp_path, "zebra", "2.0", PLUGIN)
    found, stderr = run_json(PROBE, "loss=zebra:blob", path=tmp_path)
    distribution, version, error = found["plugins"]["acme"]
    assert (distribution, version) == ("acme-gans", "1.2.3")
    assert words in error
    assert stderr == f"plugin 'acme' (acme-gans 1.2.3): {error}\n"
    assert set(found["components"]) >= {*FIRST_PARTY, "zebra:blob"}
    assert "acme:blob" not in found["components"]


def test_a_module_that_does_not_exist(tmp_path: Path) -> None:
    make_distribution(tmp_path, "acme-gans", "1.2.3", "", entry_point="acme", target="acme_gone")
    found, stderr = run_json(PROBE, path=tmp_path)
    assert "ModuleNotFoundError: No module named 'acme_gone'" in found["plugins"]["acme"][2]
    assert "(the entry point is acme = 'acme_gone')" in stderr
    assert stderr.count("\n") == 1
    assert set(found["components"]) >= FIRST_PARTY


def test_one_broken_hook_does_not_stop_the_other_hooks_of_its_plugin(tmp_path: Path) -> None:
    source = PLUGIN + "\n@hookimpl\ndef ganzoo_dreams():\n    return []\n"
    make_distribution(tmp_path, "acme-gans", "1.2.3", source, entry_point="acme")
    found, _ = run_json(PROBE, "loss=blob", path=tmp_path)
    assert found["plugins"]["acme"][2].endswith("upgrade ganzoo")
    assert found["resolved"] == ["acme:blob"]


def test_a_component_with_a_first_party_name_shadows_no_component(tmp_path: Path) -> None:
    source = (
        PLUGIN.replace("Loss", "Architecture").replace("losses", "architectures").replace('"blob", s', '"dcgan", s')
    )
    make_distribution(tmp_path, "acme-gans", "1.2.3", source, entry_point="acme")
    questions = ("architecture=dcgan", "architecture=acme:dcgan", "architecture=dcgan:dcgan")
    found, stderr = run_json(PROBE, *questions, path=tmp_path)
    assert stderr == ""
    assert set(found["components"]) >= {"acme:dcgan", "dcgan:dcgan"}
    bare, theirs, ours = found["resolved"]
    assert bare == (
        "UsageError: architecture 'dcgan' is offered by more than one plugin: write acme:dcgan or dcgan:dcgan"
    )
    assert (theirs, ours) == ("acme:dcgan", "dcgan:dcgan")


def test_one_entry_point_name_in_several_distributions(tmp_path: Path) -> None:
    """Distributions may use first-party names: all are listed, and names that recipes stored still resolve."""
    make_distribution(tmp_path, "acme-gans", "1.2.3", PLUGIN, entry_point="dcgan")
    make_distribution(tmp_path, "zebra", "2.0", PLUGIN, entry_point="losses")
    questions = ["architecture=dcgan", "architecture=dcgan:dcgan", "loss=losses:bce", "loss=zebra:blob"]
    questions += ["loss=blob", "loss=dcgan:blob", "loss=losses@zebra:blob"]
    found, stderr = run_json(PROBE, *questions, path=tmp_path)
    assert stderr == ""
    assert set(found["plugins"]) >= {"dcgan@acme-gans", "dcgan@ganzoo", "losses@ganzoo", "losses@zebra", "datasets"}
    assert found["plugins"]["dcgan@acme-gans"] == ["acme-gans", "1.2.3", ""]
    assert found["resolved"] == [
        "dcgan@ganzoo:dcgan",
        "dcgan@ganzoo:dcgan",
        "losses@ganzoo:bce",
        "MissingPlugin: loss 'zebra:blob' needs the plugin 'zebra', which is not installed",
        "UsageError: loss 'blob' is offered by more than one plugin: write dcgan@acme-gans:blob or losses@zebra:blob",
        "dcgan@acme-gans:blob",
        "losses@zebra:blob",
    ]
    only, _ = run_json(PROBE, path=tmp_path, GANZOO_DISABLE_PLUGINS="dcgan@acme-gans,losses")
    assert {"dcgan@ganzoo", "datasets"} <= set(only["plugins"])
    assert not {"dcgan@acme-gans", "losses@ganzoo", "losses@zebra"} & set(only["plugins"])


def test_a_heavy_import_gives_a_warning(tmp_path: Path) -> None:
    make_distribution(tmp_path, "acme-gans", "1.2.3", "import torch\n" + PLUGIN, entry_point="acme")
    make_distribution(tmp_path, "zebra", "2.0", "import torch\n" + PLUGIN)
    found, stderr = run_json(PROBE, path=tmp_path)
    assert stderr == (
        "plugin 'acme' (acme-gans 1.2.3): imports torch when it is imported, which makes every command slow\n"
    )
    assert set(found["components"]) >= {*FIRST_PARTY, "acme:blob", "zebra:blob"}
    assert found["plugins"]["acme"][2] == ""


# ----------------------------------------------------------------------------
# The line of an error.


def load_module(folder: Path, name: str, source: str) -> Any:
    """Write a module of this name and source to a folder, and return it."""
    file = folder / f"{name}.py"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(source, encoding="utf-8")
    made = ModuleType(name)
    exec(compile(source, str(file), "exec"), vars(made))
    return made


def locate_raised(call: Any, *args: object) -> str:
    """Return the line that the registry reports for the error of a call, without the frames of the test."""
    with pytest.raises((ZeroDivisionError, RuntimeError)) as caught:
        call(*args)
    assert caught.value.__traceback__ is not None
    return locate_error(caught.value.with_traceback(caught.value.__traceback__.tb_next))


def test_the_located_line_is_the_last_line_of_the_plugin_itself(tmp_path: Path) -> None:
    library = load_module(
        tmp_path / "site-packages", "einops", "def call(function):\n    return function()\n\ndef fail():\n    1 / 0\n"
    )
    source = "import torch\n\ndef direct(library):\n    library.fail()\n\ndef hook(library):\n    library.call(own)\n\n"
    source += "def own():\n    torch.zeros(2) @ torch.zeros(3)\n"
    for home in (tmp_path / "work", tmp_path / "site-packages"):  # where the author works, and once installed
        plugin = load_module(home, "acme", source)
        assert locate_raised(plugin.direct, library) == f"{home}/acme.py:4"
        assert locate_raised(plugin.hook, library) == f"{home}/acme.py:10"
    plugin = load_module(tmp_path / "work", "acme", source)
    assert locate_raised(library.call, plugin.own) == f"{tmp_path}/work/acme.py:10"
    assert locate_raised(torch.mv, torch.zeros(2, 2), torch.zeros(3)) == ""


def test_an_error_is_described_on_one_line_with_its_location_once() -> None:
    assert describe_error(ValueError("one\n  two")) == "ValueError: one two"
    assert describe_error(ValueError(), "acme.py:3") == "ValueError (acme.py:3)"
    inner = GanzooError("it failed (acme.py:3)")
    assert describe_error(inner, "acme.py:3") == "GanzooError: it failed (acme.py:3)"
    assert describe_error(SyntaxError("no Python", ("acme.py", 3, 1, "def ("))) == "SyntaxError: no Python (acme.py:3)"
