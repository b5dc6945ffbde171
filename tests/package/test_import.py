"""Weights of other projects become packages that give the same samples; other contents of a file are refused."""

from __future__ import annotations

import json
import os
import pickle
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import jsonschema
import pytest
import safetensors.torch
import torch
from torch import Tensor, nn

import ganzoo
from ganzoo.errors import Corrupt, GanzooError, NotFound, UsageError
from ganzoo.package import foreign, pickles
from ganzoo.package.config import CARD, PICTURE, REFERENCE, read_config
from ganzoo.plugin import Architecture, DataInfo, ImportedGenerator, Networks, hookimpl
from ganzoo.registry import registry

Z = torch.randn(5, 7, generator=torch.Generator().manual_seed(1))
OTHERS = {"norm_d": "batch", "projection": True, "pack": 1, "codes": 0}  # options of dcgan that a file does not decide


@pytest.fixture(autouse=True)
def in_own_folder(toys: object) -> None:
    torch.set_num_threads(1)


# ----------------------------------------------------------------------------
# Networks of the other projects, by the names of their layers.


def make_up_layer(inputs: int, outputs: int, first: bool, bias: bool = False) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(inputs, outputs, 4, 1 if first else 2, 0 if first else 1, bias=bias)


def train_tensors(net: nn.Module) -> nn.Module:
    """Give every tensor of a network other numbers than at its initialisation."""
    torch.manual_seed(0)
    for name, tensor in net.state_dict().items():
        if tensor.is_floating_point():
            tensor.copy_(torch.rand_like(tensor) + 0.5 if "running_var" in name else torch.randn_like(tensor) * 0.3)
    return net.eval()


def examples(nz: int = 7, ngf: int = 2, nc: int = 3) -> nn.Module:
    """The generator of pytorch/examples' dcgan."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise([nz, 8 * ngf, 4 * ngf, 2 * ngf, ngf]):
        layers += [make_up_layer(inputs, outputs, first=not layers), nn.BatchNorm2d(outputs), nn.ReLU()]
    net = nn.Module()
    net.main = nn.Sequential(*layers, make_up_layer(ngf, nc, first=False), nn.Tanh())
    return train_tensors(net)


def examples_discriminator(ndf: int = 2, nc: int = 3) -> nn.Module:
    layers: list[nn.Module] = [nn.Conv2d(nc, ndf, 4, 2, 1, bias=False), nn.LeakyReLU(0.2)]
    for inputs, outputs in pairwise([ndf, 2 * ndf, 4 * ndf, 8 * ndf]):
        layers += [nn.Conv2d(inputs, outputs, 4, 2, 1, bias=False), nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2)]
    net = nn.Module()
    net.main = nn.Sequential(*layers, nn.Conv2d(8 * ndf, 1, 4, 1, 0, bias=False), nn.Sigmoid())
    return net


def torchgan(dims: int = 7, size: int = 32, channels: int = 1, step: int = 2, slope: float = 0.2) -> nn.Module:
    """The DCGANGenerator of torchgan."""
    width = step * size // 8
    blocks, sides = [], [dims, *(width // 2**level for level in range(size.bit_length() - 3))]
    for inputs, outputs in pairwise(sides):
        conv = make_up_layer(inputs, outputs, first=not blocks)
        blocks.append(nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.LeakyReLU(slope)))
    net = nn.Module()
    net.model = nn.Sequential(*blocks, nn.Sequential(make_up_layer(step, channels, first=False, bias=True), nn.Tanh()))
    return train_tensors(net)


def extract_samples(net: nn.Module, z: Tensor = Z) -> Tensor:
    layers = net.main if hasattr(net, "main") else net.model
    with torch.inference_mode():
        return layers(z[:, :, None, None])


def save(what: object, name: str = "weights.pth", **how: Any) -> Path:
    torch.save(what, name, **how)
    return Path(name)


def import_file(file: Path, format: str, **said: Any) -> Path:
    return ganzoo.import_weights(file, Path("made"), format=format, device="cpu", **said)


def gives_same_samples(package: Path, net: nn.Module, z: Tensor = Z) -> bool:
    return torch.allclose(ganzoo.load(package, "cpu")(z), extract_samples(net, z), rtol=0, atol=1e-6)


# ----------------------------------------------------------------------------
# Files that are read.


@pytest.mark.parametrize("nc", [1, 3])
def test_a_generator_of_pytorch_examples_gives_its_samples(nc: int) -> None:
    net = examples(nc=nc)
    package = import_file(save(net.state_dict(), "netG_epoch_24.pth"), "pytorch-examples", license="mit")
    assert gives_same_samples(package, net)
    config = read_config(package)
    assert config.recipe["arch"]["options"] == {
        "width": 2,
        "z_dim": 7,
        "slope": 0.0,
        "bias": False,
        "norm_d": "batch",
        **OTHERS,
    }
    assert config.data == DataInfo(shape=(nc, 64, 64))
    assert (config.latent, config.latent_dim, config.images, config.metrics) == ("normal", 7, 0, ())


@pytest.mark.parametrize("size", [16, 32, 64])
def test_a_generator_of_torchgan_gives_its_samples(size: int) -> None:
    net = torchgan(size=size)
    package = import_file(save(net.state_dict()), "torchgan")
    assert gives_same_samples(package, net)
    options = read_config(package).recipe["arch"]["options"]
    assert options == {"width": 2, "z_dim": 7, "slope": 0.2, "bias": True, **OTHERS}


def test_options_that_weights_do_not_imply_are_set_by_the_user() -> None:
    net = torchgan(slope=0.05)
    file = save(net.state_dict())
    assert not gives_same_samples(import_file(file, "torchgan"), net)
    assert gives_same_samples(import_file(file, "torchgan", options={"arch.slope": "0.05"}), net)


@pytest.mark.parametrize("how", ["old", "protocol-3", "half", "double", "no-counters", "parameters", "safetensors"])
def test_every_kind_of_file_is_read(how: str) -> None:
    net = examples()
    weights = net.state_dict()
    if how in ("half", "double"):
        net.to(torch.float16 if how == "half" else torch.float64)
        weights = {name: tensor.clone() for name, tensor in net.state_dict().items()}
        net.float()
    if how == "no-counters":
        weights = {name: tensor for name, tensor in weights.items() if not name.endswith("tracked")}
    if how == "parameters":
        weights = dict(weights) | dict(net.named_parameters())
    if how == "safetensors":
        safetensors.torch.save_file(weights, "weights.bin")
        file = Path("weights.bin")
    else:
        form = {"pickle_protocol": 3} if how == "protocol-3" else {"_use_new_zipfile_serialization": how != "old"}
        file = save(weights, **form)
    assert gives_same_samples(import_file(file, "pytorch-examples"), net)


@pytest.fixture
def losses(monkeypatch: pytest.MonkeyPatch) -> type:
    """A stand-in for a class of torchgan, under its full name."""
    made = type("MinimaxGeneratorLoss", (nn.Module,), {"__module__": "torchgan.losses.minimax"})
    for name in ("torchgan", "torchgan.losses", "torchgan.losses.minimax"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    sys.modules["torchgan.losses.minimax"].MinimaxGeneratorLoss = made
    return made


@pytest.mark.parametrize("prefix", ["", "module."])
def test_a_checkpoint_of_torchgans_trainer(losses: type, monkeypatch: pytest.MonkeyPatch, prefix: str) -> None:
    net = torchgan()
    weights = {prefix + name: tensor for name, tensor in net.state_dict().items()}
    optimizer = torch.optim.Adam(net.parameters())
    sum(parameter.sum() for parameter in net.parameters()).backward()
    optimizer.step()  # now the optimizer has a state, and the network other weights
    checkpoint = {
        "epoch": 3, "loss_information": {"generator_losses": 0.0}, "loss_objects": {"loss": losses()},
        "metric_objects": None, "loss_logs": {"loss": [1.0]}, "generator": weights,
        "discriminator": {"disc.0.weight": torch.ones(3)}, "optimizer_generator": optimizer.state_dict(),
    }  # fmt: skip
    file = save(checkpoint, "gan4.model")
    for name in ("torchgan", "torchgan.losses", "torchgan.losses.minimax"):
        monkeypatch.delitem(sys.modules, name)
    assert gives_same_samples(import_file(file, "torchgan"), net)


def test_an_imported_model_is_a_package_like_any_other(tmp_path: Path) -> None:
    net = examples()
    package = import_file(save(net.state_dict(), "net|G.pth"), "pytorch-examples", license="bsd-3-clause")
    assert sorted(path.name for path in package.iterdir()) == [
        CARD, "config.json", "model.safetensors", REFERENCE, PICTURE,
    ]  # fmt: skip
    assert ganzoo.verify(package, "cpu").samples == 8
    schema = json.loads(((Path(__file__).parents[2] / "ganzoo" / "package") / "config.schema.json").read_text())
    jsonschema.validate(json.loads((package / "config.json").read_text()), schema)
    card = (package / CARD).read_text()
    assert "license: bsd-3-clause" in card
    assert "It was trained elsewhere, with settings that are not known." in card
    assert "read the file `net G.pth` (format `dcgan:pytorch-examples`, SHA-256 `" in card
    assert "The training data and its licence are not known." in card
    assert "Its quality was not measured." in card
    assert "?" not in card.partition("## Use")[0]
    assert "images seen" not in card
    again = ganzoo.package(package, tmp_path / "again")
    assert read_config(again).imported == read_config(package).imported
    assert read_config(again).imported["file"] == "net|G.pth"


def test_an_imported_model_can_be_measured_against_given_data() -> None:
    package = import_file(save(torchgan().state_dict()), "torchgan")
    with pytest.raises(UsageError, match="does not say what it was trained on: add --against NAME"):
        ganzoo.evaluate(package, "toy-mean", device="cpu")
    done = ganzoo.evaluate(package, "pixel-moments", against="digits", num=20, device="cpu")
    assert done.values["pixel-moments/fd"] > 0


def test_training_can_start_from_an_imported_model() -> None:
    net = torchgan(size=16)
    package = import_file(save(net.state_dict()), "torchgan")
    run = ganzoo.train(
        init=package, dataset="digits", size=16, images=4, batch=4, options={"optim.g.lr": 0.0}, device="cpu"
    )
    assert run.recipe()["arch"]["options"] == {
        "width": 2,
        "z_dim": 7,
        "slope": 0.2,
        "bias": True,
        "norm_d": "batch",
        **OTHERS,
    }
    assert run.recipe()["optim"]["d"]["betas"] == [0.5, 0.999]  # what the architecture recommends
    assert torch.equal(ganzoo.load(run, "cpu").network.last.weight, net.model[-1][0].weight)


# ----------------------------------------------------------------------------
# Files that are refused.

STATE = {name: tensor.clone() for name, tensor in examples().state_dict().items()}
TORCHGAN = {name: tensor.clone() for name, tensor in torchgan().state_dict().items()}


def drop_tensor(name: str) -> dict[str, Tensor]:
    return {key: tensor for key, tensor in STATE.items() if key != name}


@pytest.mark.parametrize(
    ("weights", "format", "words"),
    [
        (drop_tensor("main.4.running_var"), "pytorch-examples", "tensor 'main.4.running_var' is missing"),
        (STATE | {"main.99.weight": Z}, "pytorch-examples", "tensor 'main.99.weight' does not belong to it"),
        (examples_discriminator().state_dict(), "pytorch-examples", "it is a discriminator: give the file of netG"),
        (TORCHGAN, "pytorch-examples", "tensor 'main.0.weight' is missing"),
        (STATE, "torchgan", "tensor 'model.0.0.bias' is missing"),
        (examples(nc=4).state_dict(), "pytorch-examples", "it makes images of 4 channels; dcgan takes 1 or 3"),
        (STATE | {"main.3.weight": Z}, "pytorch-examples", "its layers are not convolutions of 4x4"),
        (
            STATE | {"main.3.weight": torch.ones(16, 9, 4, 4)},
            "pytorch-examples",
            r"its layers are \[16, 9, 4, 2\] wide",
        ),
        ({"disc.0.weight": Z} | TORCHGAN, "torchgan", "it is a discriminator"),
        (torchgan(size=128).state_dict(), "torchgan", r"its layers are \[32, 16, 8, 4, 2\] wide; those of dcgan are"),
        (torchgan(size=512, step=1).state_dict(), "torchgan", "it makes images of 512x512; dcgan takes 16, 32"),
        ({"model.0.0.weight": Z}, "torchgan", "tensor 'model.0.0.bias' is missing"),
    ],
)
def test_other_weights_are_refused(weights: dict[str, Tensor], format: str, words: str) -> None:
    file = save(weights)
    with pytest.raises(UsageError, match=f"--format {format} does not read .*weights.pth: {words}"):
        import_file(file, format)
    assert not Path("made").exists()


def test_a_shape_that_does_not_fit_is_named() -> None:
    with pytest.raises(Corrupt, match=r"tensor 'blocks.0.1.bias' is float32 \[3\], not float32 \[8\]"):
        import_file(save(STATE | {"main.4.bias": torch.ones(3)}), "pytorch-examples")


def double(times: int) -> dict[str, object]:
    """Return mappings that each have the next one twice: few bytes, and 2^times values."""
    mapping: dict[str, object] = {}
    for _ in range(times):
        mapping = {"a": mapping, "b": mapping}
    return mapping


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda path: None, NotFound, "there is no file weights.pth"),
        (lambda path: path.mkdir(), UsageError, "is a directory: name the file with the weights in it"),
        (lambda path: path.touch(), Corrupt, "is empty"),
        (lambda path: path.write_text("<html>404</html>"), Corrupt, "is damaged, or was not written by torch.save or"),
        (lambda path: path.write_bytes(os.urandom(5000)), Corrupt, "is damaged, or was not written by torch.save or"),
        (lambda path: (save(STATE), truncate(path)), Corrupt, "is damaged, or was not written by torch.save or"),
        (lambda path: save(double(60)), Corrupt, "is damaged, or was not written by torch.save or"),
        (lambda path: path.write_bytes(pickle.dumps(double(60))), Corrupt, "is damaged, or was not written by"),
        (lambda path: save({"epoch": 3}), UsageError, "contains no tensors"),
        (lambda path: save("netG"), UsageError, "contains no tensors"),
        (lambda path: save(STATE | {"main.0.weight": torch.full((1,), torch.nan)}), Corrupt, "are not finite, in ten"),
        (lambda path: save({"main": torch.zeros(1).expand(1 << 40)}), Corrupt, "'main' has more numbers than"),
        (lambda path: save({"main": torch.ones(3).to_sparse()}), Corrupt, "'main' has more numbers than"),
        (lambda path: save({"main": torch.ones(3, device="meta")}), Corrupt, "'main' has more numbers than"),
        (lambda path: path.write_bytes(b"\xff" * 7 + b"\x00{}"), Corrupt, "not a safetensors file"),
    ],
)
@pytest.mark.filterwarnings("ignore:Sparse")
def test_a_file_that_is_not_a_weights_file_is_named(
    make: Callable[[Path], object], error: type[GanzooError], words: str
) -> None:
    make(Path("weights.pth"))
    with pytest.raises(error, match=f"weights.pth.*{words}|{words}") as caught:
        import_file(Path("weights.pth"), "pytorch-examples")
    assert "\n" not in str(caught.value)
    assert not Path("made").exists()


class Attack:
    """A pickle that touches a file when it is loaded."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("attacked",)


@pytest.mark.parametrize("how", ["new", "old", "bare"])
@pytest.mark.parametrize("format", ["pytorch-examples", "torchgan"])
def test_a_pickle_with_other_objects_is_refused_and_runs_nothing(how: str, format: str) -> None:
    what = STATE | {"main.1.weight": Attack()}
    if how == "bare":
        Path("weights.pth").write_bytes(pickle.dumps(what, protocol=2))
    else:
        save(what, _use_new_zipfile_serialization=how == "new")
    with pytest.raises(
        GanzooError, match=r"contains objects.* besides tensors. They could run code, so the file is not read"
    ):
        import_file(Path("weights.pth"), format)
    assert not Path("attacked").exists()
    torch.load("weights.pth", weights_only=False) if how != "bare" else pickle.loads(Path("weights.pth").read_bytes())
    assert Path("attacked").exists()  # the attack works without our protection


def test_classes_of_one_project_are_refused_for_another(losses: type) -> None:
    file = save({**STATE, "loss": losses()})
    with pytest.raises(GanzooError, match=r"contains objects of 'torchgan.losses.minimax.MinimaxGeneratorLoss'"):
        import_file(file, "pytorch-examples")


def test_an_ignored_object_is_never_the_real_one(losses: type) -> None:
    """Even where the project is installed, its class is not used: it may run any code when unpickled."""
    losses.__setstate__ = lambda self, state: os.mkdir("attacked")
    file = save({"generator": TORCHGAN, "loss": losses()})
    import_file(file, "torchgan")
    assert not Path("attacked").exists()
    assert isinstance(pickles.StandIn(1, two=2), pickles.StandIn)


def test_unknown_names_and_keys_are_refused(losses: type) -> None:
    file = save(STATE)
    with pytest.raises(
        UsageError, match=r"unknown format 'pytorch-example': did you mean 'pytorch-examples'\? \(installed: "
    ):
        import_file(file, "pytorch-example")
    with pytest.raises(UsageError, match=r"no format was chosen: add --format NAME \(installed: biggan-deep-pytorch, "):
        import_file(file, "")
    with pytest.raises(UsageError, match=r"unknown key 'arch.slop': did you mean 'arch.slope'"):
        import_file(file, "pytorch-examples", options={"arch.slop": 1})
    with pytest.raises(UsageError, match=r"arch.slope: expected a number from 0 to 1, got 2"):
        import_file(file, "pytorch-examples", options={"arch.slope": 2})
    with pytest.raises(Corrupt, match=r"weights.pth does not fit the architecture"):
        import_file(file, "pytorch-examples", options={"arch.width": 4})
    Path("made").mkdir()
    (Path("made") / "mine.jpg").touch()
    with pytest.raises(UsageError, match=r"made contains 'mine.jpg'"):
        import_file(file, "pytorch-examples")


# ----------------------------------------------------------------------------
# Formats of other plugins.


class Linear(nn.Linear):
    def forward(self, z: Tensor, labels: None = None) -> Tensor:
        return super().forward(z)


def build_linear(options: object, data: DataInfo) -> Networks:
    return Networks(Linear(3, 2, bias=False), nn.Linear(2, 1), latent_dim=3)


def read_linear(weights: dict[str, Tensor]) -> ImportedGenerator:
    return ImportedGenerator(options={}, data=DataInfo(shape=(2,), modality="points"), weights={"weight": weights["w"]})


def read_wrongly(weights: dict[str, Tensor]) -> Any:
    return weights if "w" in weights else weights["missing"]


@pytest.fixture
def other() -> Iterator[None]:
    module = ModuleType("acme_linear")
    here = Path(__file__).stem
    spec = Architecture(
        name="acme-linear", summary="Linear.", factory=f"{here}:build_linear", modalities=("points",),
        imports={"acme": f"{here}:read_linear", "wrong": f"{here}:read_wrongly", "torchgan": f"{here}:read_linear"},
    )  # fmt: skip
    module.ganzoo_architectures = hookimpl(lambda: [spec], specname="ganzoo_architectures")
    ganzoo.register(module)
    return


def test_another_architecture_has_formats_of_its_own(other: None) -> None:
    package = import_file(save({"w": torch.tensor([[1.0, 0.0, 0.0], [0.0, 2.0, 0.0]])}), "acme")
    made = ganzoo.load(package, "cpu")(torch.tensor([[3.0, 4.0, 5.0]]))
    assert made.tolist() == [[3.0, 8.0]]
    assert read_config(package).json["range"] is None
    assert sorted(path.name for path in package.iterdir()) == [CARD, "config.json", "model.safetensors", REFERENCE]


def test_the_page_lists_all_formats() -> None:
    page = (Path(__file__).parents[2] / "docs" / "share.md").read_text()
    formats = [each for each in foreign.list_formats(registry()) if each.architecture.plugin.distribution == "ganzoo"]
    assert len(formats) > 10
    for each in formats:
        row = next((line for line in page.splitlines() if line.startswith("|") and f"`{each.name}`" in line), "")
        assert f"`{each.architecture.spec.name}`" in row, each.name


def test_a_name_of_two_formats_must_be_qualified(other: None) -> None:
    file = save(TORCHGAN)
    words = "more than one architecture reads format 'torchgan': write --format dcgan:torchgan or --format acme"
    with pytest.raises(UsageError, match=words):
        import_file(file, "torchgan")
    assert gives_same_samples(import_file(file, "dcgan:torchgan"), torchgan())


def test_a_table_that_fails_is_reported_with_its_plugin(other: None) -> None:
    with pytest.raises(
        GanzooError, match=r"test_import:read_wrongly returned dict, not ganzoo.plugin.ImportedGenerator"
    ):
        import_file(save({"w": Z}), "wrong")
    with pytest.raises(GanzooError, match=r"'acme-linear' of plugin 'acme_linear' failed in .*KeyError: 'missing'"):
        import_file(save({"v": Z}), "wrong")


@pytest.mark.parametrize("imports", [{"torchgan": "no path"}, {"Torch GAN": "a.b:c"}])
def test_a_spec_names_formats_and_their_functions(imports: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="is not"):
        Architecture(name="x", summary="X.", factory="a.b:c", imports=imports)


def test_the_command_prints_the_directory(capsys: pytest.CaptureFixture[str]) -> None:
    from ganzoo.cli import main

    file = save(torchgan(slope=0.05).state_dict())

    def call(*words: str) -> tuple[Any, str, str]:
        with pytest.raises(SystemExit) as done:
            main(["import", *words])
        return done.value.code, *capsys.readouterr()

    said = ("--format", "torchgan", "arch.slope=0.05", "--license", "mit", "--device", "cpu")
    assert call(str(file), "made", *said) == (0, "made\n", "")
    assert gives_same_samples(Path("made"), torchgan(slope=0.05))
    code, out, err = call("nothing.pth", "other", "--format", "torchgan")
    assert (code, out, err) == (4, "", "ganzoo: there is no file nothing.pth\n")
    code, out, err = call(str(file), "other")
    assert (code, out) == (2, "")
    assert "add --format NAME (installed: biggan-deep-pytorch, " in err
