"""Autoencoders: the normal bottleneck, the adaptive weight, exact resuming, what users type."""

from __future__ import annotations

import math
import signal
from importlib import import_module
from importlib.util import find_spec
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import ganzoo
from crashing import die, in_child
from ganzoo.engine import checkpoint, rounds
from ganzoo.errors import UsageError
from ganzoo.package.generator import Generator
from ganzoo.plugin import DataInfo
from ganzoo.recipe.resolve import resolve
from ganzoo.testing import collect_checks

quantisers, balance, options, cases, latents = (
    import_module(f"ganzoo_autoencoders.{name}")
    for name in ("quantisers", "adaptive_weight", "options", "cases", "latents")
)
IMAGES = DataInfo(shape=(1, 16, 16), label_shape=(1, 16, 16), label_dtype="uint8")
TINY = {"width": 4, "multipliers": (1, 2), "codes": 6, "latent_channels": 4, "layers_d": 1}


def draw(*shape, seed=1, dtype=torch.float64):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def build(data=IMAGES, **values):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return ganzoo.create("architecture", "vqgan", data=data, **{**TINY, **values})


# ----------------------------------------------------------------------------
# Bottlenecks.


def test_a_normal_bottleneck_draws_and_has_the_divergence_of_its_formula():
    mean, log = draw(3, 2, 2, 2), draw(3, 2, 2, 2, seed=2)
    normal = torch.distributions.Normal
    expected = torch.distributions.kl_divergence(normal(mean, (log / 2).exp()), normal(0.0, torch.ones_like(mean)))
    torch.testing.assert_close(quantisers.measure_divergence(mean, log), expected)
    bottleneck = quantisers.NormalBottleneck(weight=0.5, numbers_per_latent=10)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        found = bottleneck(torch.cat([torch.ones(500, 1, 4, 4), torch.full((500, 1, 4, 4), math.log(4))], 1))
    assert float(found.latents.mean()) == pytest.approx(1, abs=0.1)
    assert float(found.latents.std()) == pytest.approx(2, abs=0.1)
    # a sum over the 16 latents of (1 + 4 - 1 - log 4) / 2, for an image of 160 numbers
    assert found.losses["kl"].item() == pytest.approx(0.5 * 16 * (4 - math.log(4)) / 2 / 160)
    assert torch.equal(bottleneck.eval()(torch.cat([mean, log], 1)).latents, mean)


# ----------------------------------------------------------------------------
# Networks.


def test_the_counts_of_parameters_are_the_published_ones():
    kl = cases.count_encoder(3, 8, 128, (1, 2, 4, 4), 2, False), cases.count_decoder(4, 3, 128, (1, 2, 4, 4), 2, False)
    assert kl == (34_163_592, 49_490_179)  # the AutoencoderKL of Stable Diffusion
    found = [check.run() for check in collect_checks("vqgan") if "/case" in check.name]
    assert [result.status for result in found] == ["PASS", "PASS"]


@pytest.mark.parametrize("values", [{}, {"quantiser": "kl"}, {"normalise": True, "code_width": 2}])
def test_samples_are_encoded_and_decoded(values):
    generator, x = build(**values).generator.eval(), draw(2, 1, 16, 24, dtype=torch.float32)
    with torch.no_grad():
        found = generator.encode(x)
        assert found.shape == (2, values.get("code_width", 4), 8, 12)
        torch.testing.assert_close(generator.decode(found), generator(torch.zeros(2, 0), x))
    assert generator.last_layer.weight.shape == (1, 4, 3, 3)


def test_attention_is_that_of_torch():
    layer, x = import_module("ganzoo_autoencoders.vqgan").Attention(8), draw(2, 8, 3, 4, dtype=torch.float32)
    parts = [one(layer.norm(x)).flatten(2).transpose(1, 2) for one in (layer.query, layer.key, layer.value)]
    seen = nn.functional.scaled_dot_product_attention(*parts).transpose(1, 2).reshape(x.shape)
    torch.testing.assert_close(layer(x), x + layer.out(seen))


@pytest.mark.parametrize(
    ("data", "values", "words"),
    [
        (DataInfo(shape=(3, 32, 32), num_classes=3), {}, "use --dataset autoencoding dataset.of=NAME"),
        (DataInfo(shape=(3, 30, 32), label_shape=(3, 30, 32)), {"multipliers": (1, 1, 1)}, "must be multiples of 4"),
        (DataInfo(shape=(1, 8, 8), label_shape=(1, 8, 8)), {"layers_d": 2}, "needs images of at least 12 pixels"),
    ],
)  # fmt: skip
def test_data_that_do_not_fit_are_refused_in_a_sentence(data, values, words):
    with pytest.raises(UsageError, match=words):
        build(data, **values)


# ----------------------------------------------------------------------------
# The adaptive weight.


def test_the_factor_is_the_ratio_of_the_gradients_of_two_quadratic_losses():
    layer = nn.Linear(2, 1, bias=False).double()
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[3.0, 4.0]]))
    step = SimpleNamespace(generator=SimpleNamespace(last_layer=layer), mean=lambda x: x.detach())
    made, far = balance.AdaptiveWeight(options.AdaptiveWeightOptions(), IMAGES), layer.weight.square().sum()
    # the gradients of a |w|^2 and b |w|^2 have the lengths 2 a |w| and 2 b |w|, |w| being 5
    found = made.weigh_adversarial(0.1 * far, 0.7 * far, step)
    assert float(found) == pytest.approx(7 / (1 + 1e-4))
    assert not found.requires_grad
    assert float(made.weigh_adversarial(1e-9 * far, far, step)) == pytest.approx(1e4)  # and not 10 / 1e-4
    assert float(made.weigh_adversarial(far, layer.weight.sum() * 0, step)) == 0


# ----------------------------------------------------------------------------
# Trainings.

SMALL = {**{f"arch.{name}": value for name, value in TINY.items()}, "train.execution": "eager", "train.threads": 1}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def train(images, **more):
    settings = {**SMALL, "dataset.settings": ("size=16",), "train.batch": 4, "train.checkpoint_every": 8, **more}
    return ganzoo.train(
        arch="vqgan", dataset="autoencoding", images=images, options=settings, device="cpu", progress=False
    )


def load_state(run):
    return checkpoint.load(run.checkpoints[-1])[0]


def test_a_killed_run_goes_on_bit_for_bit_with_its_running_codebook(folder):
    settings = {"arch.codebook": "average", "train.d_start": 4, "train.adversarial_start": 8}
    whole, update = train(24, **settings), rounds.update_together

    def die_in_the_fifth_update():
        left = iter(range(4))
        rounds.update_together = lambda *given: die() if next(left, None) is None else update(*given)
        train(24, **settings)

    assert in_child(die_in_the_fifth_update) == -signal.SIGKILL
    one, two = load_state(whole), load_state(ganzoo.train(resume="1", progress=False))
    assert one.keys() == two.keys()
    assert [name for name in one if one[name].numpy().tobytes() != two[name].numpy().tobytes()] == []
    assert one["generator/bottleneck.counts"].std() > 0
    rows = whole.rows()
    assert {"generator/perplexity", "generator/usage", "reg.adaptive-weight/weight"} < rows[-1].keys()


def test_the_factor_multiplies_the_adversarial_gradient(folder):
    """Weighed by 0 at most, the adversarial loss changes nothing; otherwise it does."""
    never, off, on = (
        load_state(train(8, **{"train.update": "alternating", "reg.adaptive-weight.highest": highest, **more}))
        for highest, more in ((1e4, {"train.adversarial_weight": 0.0}), (0.0, {}), (1e4, {}))
    )
    name = "generator/decoder.last.weight"
    assert torch.equal(never[name], off[name])
    assert not torch.equal(on[name], off[name])


def test_files_are_reconstructed_by_apply(folder):
    run = train(8)
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (20, 24), np.uint8)).save("one.png")
    ganzoo.apply(run, "one.png", "out.png")
    with Image.open("out.png") as image:
        assert image.size == (24, 20)
    Image.fromarray(np.zeros((21, 23), np.uint8)).save("odd.png")
    with pytest.raises(UsageError, match="resize them to"):
        ganzoo.apply(run, "odd.png", "out.png")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (
            {"train.micro_batch": 2, "train.update": "alternating"},
            "remove train.micro_batch, or choose a smaller train.batch",
        ),
        ({"reg": "adaptive-weight"}, "none of G's other terms .* add one, such as --reg l1"),
        ({"train.precision": "fp16"}, "add train.precision=bf16"),
    ],
)
def test_a_factor_that_cannot_be_computed_is_refused(folder, settings, words):
    with pytest.raises(UsageError, match=words):
        train(8, **settings)


def test_networks_without_a_last_layer_are_refused():
    with pytest.raises(UsageError, match="regularizer 'adaptive-weight' needs 'last-layer'"):
        resolve(ganzoo.registry(), pairs={"arch": "dcgan", "reg": "adaptive-weight"})


@pytest.mark.parametrize("name", ["vqgan", "kl-autoencoder", "vqgan-digits"])
def test_d_starts_before_its_loss_joins(name):
    recipe = resolve(ganzoo.registry(), recipe=name)
    assert 0 < recipe.train.d_start < recipe.train.adversarial_start < recipe.train.images
    if name != "vqgan-digits":
        assert recipe.optim_g.options.lr == recipe.optim_d.options.lr == pytest.approx(4.5e-6 * recipe.train.batch)


# ----------------------------------------------------------------------------
# Latents as data.


def test_a_gan_of_latents_is_shown_as_images(folder):
    coder = train(8, **{"arch.quantiser": "kl", "arch.latent_channels": 3})
    options = {"dataset.model": "0", "dataset.settings": ("size=16",), "train.execution": "eager", "train.threads": 1}
    options |= {"arch.width": 4, "train.batch": 4, "train.conditional": True}
    run = ganzoo.train(
        arch="mlp", dataset="encoded", images=8, options={**options, "arch.width": 8}, device="cpu", progress=False
    )
    model, encoder = ganzoo.load(run), ganzoo.load(coder)
    assert model.data.shape == (3, 8, 8)
    assert (model.data.num_classes, model.data.meta["latents"]["model"]) == (10, str(coder.path.resolve()))
    with Image.open(next(run.path.glob("fakes-*.png"))) as grid:
        assert grid.size[0] >= 4 * 16
    made = ganzoo.create("dataset", "encoded", of="digits", settings=("size=16",), model="0")
    scale = made.info.meta["latents"]["scale"]
    assert made.data.abs().amax().item() == 1
    digits = torch.from_numpy(np.asarray(ganzoo.create("dataset", "digits", size=16).data[:2]))
    torch.testing.assert_close(made.data[:2] * scale, encoder.network.encode(digits / 127.5 - 1))
    shown = latents.show(made.data[:4].numpy(), made.info)
    assert shown == dict(encoder.show(encoder.network.decode(made.data[:4] * scale)))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "needs the autoencoder that encodes: add dataset.model=RUN"),
        ({"model": "ganzoo:digits", "settings": ("size=32",)}, "ganzoo:digits is not an autoencoder: name a run"),
        ({"model": "nowhere"}, "nowhere"),
    ],
)
def test_models_that_encode_nothing_are_refused(folder, given, words):
    with pytest.raises(ganzoo.GanzooError, match=words):
        ganzoo.create("dataset", "encoded", **given)


@pytest.mark.slow
@pytest.mark.skipif(find_spec("onnxscript") is None or find_spec("onnxruntime") is None, reason="onnx is not installed")
def test_onnx_runtime_decodes_latents_to_the_same_images(tmp_path):
    import onnxruntime

    recipe = {"images": 0, "recipe": {"arch": {"name": "test:vqgan"}}}
    generator = Generator(build(), IMAGES, recipe, provides=("autoencoder",))
    whole, decoder, _ = ganzoo.create("exporter", "onnx", data=IMAGES)(generator, tmp_path)
    assert whole.name == "model.onnx"
    latents = draw(3, 4, 8, 8, dtype=torch.float32)
    (found,) = onnxruntime.InferenceSession(decoder, providers=["CPUExecutionProvider"]).run(
        None, {"labels": latents.numpy()}
    )
    with torch.no_grad():
        assert np.abs(found - generator.network.decode(latents).numpy()).max() < 1e-4
