"""The rules that keep the core light, ignorant of its plugins, and installed as one wheel."""

import ast
import inspect
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

import pytest

from ganzoo.plugin import KINDS, hookspecs
from ganzoo.plugin.contracts import Modality
from ganzoo.recipe.settings import TrainOptions
from ganzoo.registry import PLURALS, registry
from outside_dist import run_json

ROOT = Path(__file__).resolve().parents[1]
CORE = sorted((ROOT / "ganzoo").rglob("*.py"))
PLUGINS = sorted(path.parent for path in (ROOT / "plugins").glob("*/__init__.py"))
HEAVY = {"torch", "numpy", "safetensors", "huggingface_hub", "PIL", "rich"}


# The rooms of the core in their order: each imports from those before it and from none behind.
LIGHT_ROOMS = ("errors", "plugin", "registry", "recipe", "runs")
LOWER_ROOMS = ("compute", "layers", "data", "samples", "package")
HEAVY_ROOMS = (*LOWER_ROOMS, "evaluate", "health", "engine", "hub", "latents", "demo")
LATE_LIGHT_ROOMS = ("report",)
DOORS = ("models", "measuring", "exporting", "exploring", "sharing", "datasets", "comparing", "training", "sweeping")
ROOMS = (*LIGHT_ROOMS, *HEAVY_ROOMS, *LATE_LIGHT_ROOMS, *DOORS, "testing", "cli")
LIGHT_IN_HEAVY = (
    "ganzoo.engine.events",
    "ganzoo.evaluate.request",
    "ganzoo.evaluate.score",
    "ganzoo.health.diagnose",
    "ganzoo.package.config",
)


def light_modules() -> list[str]:
    """Return ganzoo's light rooms and commands, without `__main__`, which runs, and each plugin's top module."""
    files = [*(ROOT / "ganzoo").glob("*.py"), *(ROOT / "ganzoo" / "cli").rglob("*.py")]
    files += [path for room in (*LIGHT_ROOMS, *LATE_LIGHT_ROOMS) for path in (ROOT / "ganzoo" / room).rglob("*.py")]
    parts = [path.relative_to(ROOT).with_suffix("").parts for path in files if path.name != "__main__.py"]
    names = {".".join(part for part in each if part != "__init__") for each in parts}
    return [*sorted(names), *LIGHT_IN_HEAVY, *(folder.name for folder in PLUGINS)]


# ----------------------------------------------------------------------------
# Two layers.

IMPORT = """
import importlib, json, sys
heavy, seen, blame = set(sys.argv[1].split(",")), set(), {}
for name in sys.argv[2:]:
    importlib.import_module(name)
    for module in (heavy & sys.modules.keys()) - seen:
        seen.add(module)
        blame[module] = name
print(json.dumps(blame))
"""


def test_light_modules_import_nothing_heavy() -> None:
    names = light_modules()
    wanted = ("plugin.specs", "registry.discovery", "recipe.resolve", "runs.run", "training", "models")
    assert {"ganzoo", *(f"ganzoo.{name}" for name in wanted)} <= set(names)
    blame, stderr = run_json(IMPORT, ",".join(HEAVY), *names)
    assert blame == {}
    assert stderr == ""


def test_discovery_and_resolution_import_nothing_heavy() -> None:
    code = """
import json, sys
from ganzoo.recipe.resolve import resolve
from ganzoo.registry import registry
resolve(registry(), flags={"arch": "dcgan"})
print(json.dumps(sorted(set(sys.argv[1].split(",")) & sys.modules.keys())))
"""
    assert run_json(code, ",".join(HEAVY)) == ([], "")


SIDE_EFFECTS = """
import importlib, json, logging, sys, warnings
import torch

def state():
    logger = logging.getLogger("ganzoo")
    return repr([
        logging.root.handlers, logging.root.level, logging.root.disabled, logger.handlers, logger.level,
        logger.propagate, logging.raiseExceptions, warnings.filters, warnings.showwarning, sys.excepthook,
        torch.get_default_dtype(), torch.get_num_threads(), torch.is_grad_enabled(), torch.get_rng_state().tolist(),
        torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark,
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32,
        torch.get_float32_matmul_precision(), torch.get_default_device(),
    ])

before = state()
for name in sys.argv[1:]:
    importlib.import_module(name)
print(json.dumps(before == state()))
"""


def test_importing_has_no_side_effect() -> None:
    assert run_json(SIDE_EFFECTS, *light_modules()) == (True, "")


# ----------------------------------------------------------------------------
# One direction.


def imports(path: Path) -> Iterator[str]:
    """Yield the full names of all that a file imports, inside functions too."""
    package = path.relative_to(ROOT / "plugins" if "plugins" in path.relative_to(ROOT).parts else ROOT).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parent = ".".join(package[: len(package) - node.level + 1]) + "." if node.level else ""
            module = (parent + (node.module or "")).strip(".")
            yield from ([f"{module}.{alias.name}" for alias in node.names] if module == "ganzoo" else [module])


def room_of(name: str) -> str:
    """Return the room of a module of the core: what stands behind ``ganzoo.``; empty for the package itself."""
    return [*name.split("."), ""][1]


def core_imports(path: Path) -> set[str]:
    """Return the modules of the core that a file imports, inside functions too, but not for types alone."""
    name = module_name(path)
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    blocks = [node for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)]
    for_types = {id(node) for block in blocks for part in block.body for node in ast.walk(part)}
    found = set()
    for node in ast.walk(tree):
        if id(node) in for_types:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            parent = ".".join(package.split(".")[: len(package.split(".")) - node.level + 1]) if node.level else ""
            base = ".".join(filter(None, (parent, node.module)))
            found |= {full if (full := f"{base}.{alias.name}") in MODULES else base for alias in node.names}
    return {each for each in found if each in MODULES and each != name}


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module_name(path): path for path in CORE}


def test_a_room_imports_from_those_before_it_alone() -> None:
    assert {room_of(name) for name in MODULES} - {"", "__main__"} <= set(ROOMS)
    climbs = [
        f"{name} -> {other}"
        for name, path in MODULES.items()
        for other in core_imports(path)
        if room_of(name) in ROOMS and room_of(other) in ROOMS
        if ROOMS.index(room_of(name)) < ROOMS.index(room_of(other))
    ]
    assert climbs == []


def test_the_light_half_imports_the_heavy_one_in_one_way() -> None:
    """Inside `heavy_imports`, which sets what must be set before torch is loaded, and holds Ctrl-C back."""
    light = {name for name in light_modules() if name in MODULES}
    elsewhere = []
    for name in light:
        tree = ast.parse(MODULES[name].read_text(encoding="utf-8"))
        blocks = [node for node in ast.walk(tree) if isinstance(node, ast.With)]
        inside = [block for block in blocks if "heavy_imports()" in ast.unparse(block.items[0])]
        fine = {id(node) for block in inside for node in ast.walk(block)}
        for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
            found = [node for node in ast.walk(function) if isinstance(node, ast.ImportFrom) and id(node) not in fine]
            modules = {
                each for node in found for each in (node.module, *(f"{node.module}.{a.name}" for a in node.names))
            }
            elsewhere += [f"{name} -> {each}" for each in modules if room_of(str(each)) in (*HEAVY_ROOMS, "testing")]
    assert [each for each in elsewhere if each.partition(" -> ")[2] not in light] == []


def test_no_two_files_import_each_other() -> None:
    """Take away, again and again, the files that import none of those left: what stays is a circle."""
    left = {name: core_imports(path) for name, path in MODULES.items()}
    while free := [name for name, others in left.items() if not others & left.keys()]:
        for name in free:
            del left[name]
    assert sorted(left) == []


def literals(path: Path) -> Iterator[str]:
    """Yield the string literals of a file, docstrings apart."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    texts = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in texts:
            yield node.value


def first_party_names() -> set[str]:
    """Return the names and aliases of first-party components, bare and qualified."""
    entries = [entry for entry in registry().components() if entry.plugin.distribution == "ganzoo"]
    names = {name for entry in entries for name in (entry.spec.name, *entry.spec.aliases)}
    return names | {entry.qualified for entry in entries}


def test_the_checks_below_see_what_they_look_for() -> None:
    dcgan = ROOT / "plugins" / "ganzoo_dcgan" / "__init__.py"
    assert {"ganzoo.plugin", "dataclasses"} <= set(imports(dcgan))
    assert {"dcgan", "bce"} <= set(literals(dcgan)) & first_party_names()
    assert not [text for text in literals(dcgan) if text.startswith("Offer")]


SAME_WORDS = {  # names of components that are other things in a file of the core
    **{f"ganzoo/cli/{name}.py": {"pairs"} for name in ("check", "data", "import_", "train")},  # the arguments KEY=VALUE
    "ganzoo/cli/sample.py": {"folder", "npz"},  # formats of labelled sets
    "ganzoo/package/labelled.py": {"folder", "npz"},
    "ganzoo/cli/sweep.py": {"table"},  # of settings
    "ganzoo/engine/optim.py": {"clip"},  # of gradients
    "ganzoo/layers/spectra.py": {"mel"},  # the key of the data's spectrogram
    "ganzoo/plugin/images.py": {"random"},  # crops
}


@pytest.mark.parametrize("path", CORE, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_core_knows_no_plugin(path: Path) -> None:
    assert not [name for name in imports(path) if name.startswith("ganzoo_")]
    names = first_party_names() - set(get_args(Modality))  # a dataset may be called like its kind of data
    names -= {entry.name for entry in fields(TrainOptions)}  # and an augmentation like what the engine does with data
    names -= {"auto"}  # devices, precisions and executions that the machine chooses
    names -= {"numpy"}  # the library
    names -= SAME_WORDS.get(str(path.relative_to(ROOT)), set())
    assert not set(literals(path)) & names


@pytest.mark.parametrize(
    "path", [path for folder in PLUGINS for path in sorted(folder.rglob("*.py"))], ids=lambda path: path.parent.name
)
def test_a_plugin_imports_of_the_core_what_anybody_may(path: Path) -> None:
    package = path.relative_to(ROOT).parts[1]
    ours = {name for name in imports(path) if name.startswith("ganzoo") and name.split(".")[0] != package}
    heavy = (
        {"ganzoo", "ganzoo.layers", "ganzoo.evaluate.statistics", "ganzoo.data.nested"}
        if path.name != "__init__.py"
        else set()
    )
    assert ours <= {"ganzoo.plugin", *heavy}


# ----------------------------------------------------------------------------
# One path.


def project() -> Any:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_every_plugin_has_one_entry_point() -> None:
    points = project()["entry-points"]["ganzoo"]
    folders = [path.name for path in (ROOT / "plugins").iterdir() if path.is_dir() and path.name != "__pycache__"]
    assert sorted(points.values()) == sorted(folders) == [folder.name for folder in PLUGINS]
    named = {name: f"ganzoo_{name}" for name in points} | {"ganzoo": "ganzoo_models"}  # for ganzoo:digits
    assert points == named


def test_without_plugins_there_is_nothing() -> None:
    code = "import json; from ganzoo.registry import registry; print(json.dumps([*map(str, registry().components())]))"
    assert run_json(code, GANZOO_DISABLE_PLUGINS="all") == ([], "")
    assert run_json(code)[0] != []


@pytest.mark.slow
def test_the_wheel_holds_the_core_and_the_plugins(tmp_path: Path) -> None:
    source = tmp_path / "source"
    for folder in ("ganzoo", "plugins"):
        shutil.copytree(ROOT / folder, source / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", project()["readme"], *project()["license-files"]):
        shutil.copy(ROOT / name, source)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    done = subprocess.run([*command, "-w", tmp_path, source], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    packages = {"ganzoo", *(folder.name for folder in PLUGINS)}
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == packages
    assert "ganzoo_datasets/digits.npz" in names
    assert {f"{package}/py.typed" for package in packages} <= set(names)
    models = ROOT / "plugins" / "ganzoo_models"
    weights = {path.relative_to(models.parent).as_posix() for path in models.glob("*/*.*") if path.suffix != ".pyc"}
    assert {"ganzoo_models/digits/model.safetensors", "ganzoo_models/ring/README.md"} <= weights <= set(names)
    templates = {path.relative_to(ROOT).as_posix() for path in (ROOT / "ganzoo" / "templates").rglob("*.*")}
    assert {"ganzoo/templates/kinds.toml", "ganzoo/templates/loss/loss.py.tmpl"} <= templates <= set(names)
    static = {path.relative_to(ROOT).as_posix() for path in (ROOT / "ganzoo" / "report" / "static").rglob("*.*")}
    assert {"ganzoo/report/static/uplot/LICENSE", "ganzoo/report/static/page.js"} <= set(names)
    assert static <= set(names)
    ours = {path.relative_to(ROOT).as_posix().removeprefix("plugins/") for path in (*CORE, *plugin_files())}
    assert {name for name in names if name.endswith(".py")} == ours


def plugin_files() -> list[Path]:
    return [path for folder in PLUGINS for path in folder.rglob("*.py")]


# ----------------------------------------------------------------------------
# Words.


def short_entries(path: Path) -> Iterator[str]:
    """Yield the entries of ``Args:`` and ``Attributes:`` in a file that have three words or fewer."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            for section in re.findall(r"^(?:Args|Attributes):\n((?: .*\n?)+)", ast.get_docstring(node) or "", re.M):
                entries = re.split(r"\n(?=    \S)", section)
                yield from (entry.strip() for entry in entries if len(entry.partition(": ")[2].split()) < 4)


def test_every_entry_of_args_can_be_read_alone(tmp_path: Path) -> None:
    (tmp_path / "it.py").write_text(
        'def f():\n    """Do.\n\n    Args:\n        a: The one.\n        b: A long\n            line of it.\n    """'
    )
    assert list(short_entries(tmp_path / "it.py")) == ["a: The one."]
    assert [entry for path in (*CORE, *plugin_files()) for entry in short_entries(path)] == []


def test_no_two_files_of_tests_have_one_name() -> None:
    names = [path.name for path in Path(__file__).parent.rglob("test_*.py")]
    assert sorted(names) == sorted(set(names))  # pytest would refuse to run the second one


# ----------------------------------------------------------------------------
# Hooks.


def test_every_kind_has_a_documented_hook_and_no_hook_is_without_a_kind() -> None:
    hooks = {name: hook for name, hook in vars(hookspecs).items() if name.startswith("ganzoo_")}
    assert list(hooks) == [f"ganzoo_{PLURALS[kind]}" for kind in KINDS]
    for name, hook in hooks.items():
        assert inspect.getdoc(hook), f"{name} has no docstring"
        assert vars(hook)["ganzoo_spec"], f"{name} is no hook specification"
        assert not inspect.signature(hook).parameters
