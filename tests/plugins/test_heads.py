"""Heads on D's embedding: who trains them, what they refuse, and D without labels. The kit checks their exact cases."""

from __future__ import annotations

from importlib import import_module

import pytest
import torch

import ganzoo_heads
from ganzoo.compute.streams import Streams
from ganzoo.data.opening import open_source
from ganzoo.engine.assemble import assemble
from ganzoo.engine.batches import Batches
from ganzoo.engine.update import update_discriminator, update_generator
from ganzoo.errors import UsageError
from ganzoo.package import package
from ganzoo.package import plan as planning
from ganzoo.package.config import DISCRIMINATOR, read_config
from ganzoo.plugin import DataInfo
from ganzoo.recipe.resolve import resolve
from ganzoo.registry import registry
from outputs import compute

HEADS = [spec.name for spec in ganzoo_heads.ganzoo_regularizers()]
SETTINGS = {
    "arch": "mlp", "arch.width": 8, "arch.projection": False, "dataset": "digits", "dataset.size": 8, "reg": "none",
    "train.conditional": True, "train.precision": "fp32", "train.execution": "eager", "train.batch": 8,
}  # fmt: skip


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    dataset = resolve(registry(), pairs=SETTINGS).dataset
    return open_source(dataset.build(), name="digits", key="digits", notify=print, cache=tmp_path_factory.mktemp("c"))


def make(source, **settings):
    recipe = resolve(
        registry(), pairs={**SETTINGS, **{key.replace("__", "."): value for key, value in settings.items()}}
    )
    gan = assemble(recipe, source.info, torch.device("cpu"))
    return gan, Batches(source, Streams(recipe.train.seed, gan.device), gan)


@pytest.mark.parametrize("name", HEADS)
def test_d_trains_the_head_and_g_does_not(source, name):
    gan, batches = make(source, reg=name)
    owners = {"generator": gan.generator, "discriminator": gan.discriminator, "head": gan.regularizers[name]}

    def list_changed(update, *more):
        before = {key: [p.detach().clone() for p in owner.parameters()] for key, owner in owners.items()}
        stats = update(gan, batches, *more)
        assert (f"reg.{name}/{update.__name__[7]}" in stats) == hasattr(owners["head"], update.__name__[7:])
        return {
            key
            for key, owner in owners.items()
            if not all(torch.equal(was, now) for was, now in zip(before[key], owner.parameters(), strict=True))
        }

    assert list_changed(update_discriminator, 0) == {"discriminator", "head"}
    assert list_changed(update_generator, 8, 0) == {"generator"}


def test_a_discriminator_is_rebuilt_beside_its_head(source, tmp_path):
    gan, _ = make(source, reg="contra")
    contents = package.make_contents(gan.recipe, gan.data, gan.averaged_networks, 8, [])
    package.write(tmp_path / "model", contents)
    planned = planning.make_plan(read_config(tmp_path / "model"), registry(), "model")
    weights = package.read_weights(tmp_path / "model", planned, DISCRIMINATOR)
    assert weights.keys() == gan.discriminator.state_dict().keys()


def test_kd_predicts_what_an_extractor_sees_in_real_samples(source):
    gan, batches = make(source, reg="kd", reg__kd__extractor="random", reg__kd__width=16)
    head = gan.regularizers["kd"]
    features = head.look(torch.zeros(2, *gan.data.shape))["features"]
    assert head.predict[4].weight.shape == (features.shape[1], 16)
    assert all(name.startswith("predict.") for name in head.state_dict())  # the extractor is not stored
    terms = [float(update_discriminator(gan, batches, images)["reg.kd/d"]) for images in range(0, 8 * 60, 8)]
    assert sum(terms[-10:]) < 0.7 * sum(terms[:10])


def test_infogan_needs_codes_that_the_latent_has(source):
    with pytest.raises(UsageError, match=r"latent has no codes: set reg\.infogan\.continuous=2"):
        make(source, reg="infogan", reg__infogan__continuous=0)
    with pytest.raises(UsageError, match=r"continuous=99, but the latent has 32: use 32"):
        make(source, reg="infogan", reg__infogan__continuous=99)
    gan, _ = make(source, reg="infogan", arch__latent="mixed", arch__codes=5, reg__infogan__continuous=0)
    assert gan.regularizers["infogan"].predict.weight.shape == (5, 8)
    build, options = import_module("ganzoo_dcgan.networks").build, import_module("ganzoo_dcgan").DCGANOptions(codes=7)
    networks = build(options, DataInfo(shape=(1, 16, 16)))
    assert (networks.latent_dim, networks.latent) == (107, "normal+onehot7")
    assert networks.generator(torch.zeros(2, 107)).shape == (2, 1, 16, 16)


@pytest.mark.parametrize("name", ["dcgan", "mlp", "r3gan", "sngan"])
def test_without_projection_d_ignores_labels_and_g_does_not(name):
    (entry,) = [each for each in registry().components("architecture") if each.spec.name == name]
    factory = import_module(f"ganzoo_{name}.networks").build
    pair = factory(entry.spec.options(projection=False), DataInfo(shape=(1, 32, 32), num_classes=3))
    plain = factory(entry.spec.options(), DataInfo(shape=(1, 32, 32)))
    assert pair.discriminator.state_dict().keys() == plain.discriminator.state_dict().keys()
    x = torch.randn(2, 1, 32, 32)
    one, other = torch.tensor([0, 1]), torch.tensor([2, 2])
    pair.discriminator.eval()
    assert torch.equal(compute(pair.discriminator, x, one), compute(pair.discriminator, x, other))
    sizes = [sum(p.numel() for p in each.generator.parameters()) for each in (pair, plain)]
    assert sizes[0] > sizes[1]
    output = pair.discriminator(x, one)
    assert len(output.embedding) == 2
    assert output.embedding.dim() == 2


# ----------------------------------------------------------------------------
# Packing: a discriminator that judges several samples together.


@pytest.mark.parametrize("name", ["dcgan", "mlp"])
def test_a_packed_discriminator_judges_samples_together(name):
    (entry,) = [each for each in registry().components("architecture") if each.spec.name == name]
    options = entry.spec.options(pack=2, width=8)
    assert {"batch-coupled-d"} <= set(entry.spec.get_provided(options))
    assert not {"features", "embedding"} & set(entry.spec.get_provided(options))
    network = import_module(f"ganzoo_{name}.networks").build(options, DataInfo(shape=(1, 32, 32), num_classes=3))
    x, labels = torch.randn(4, 1, 32, 32), torch.tensor([0, 1, 2, 0])
    before = network.discriminator.eval()(x, labels).logits
    assert before.shape == (2,)
    for changed in ((x + torch.arange(4).eq(1)[:, None, None, None], labels), (x, torch.tensor([0, 2, 2, 0]))):
        moved = network.discriminator(*changed).logits != before  # the second sample is in the first pack
        assert moved.tolist() == [True, False]
    with pytest.raises(UsageError, match=r"3 samples cannot be packed 2 at a time: use a train\.batch that 2 divides"):
        network.discriminator(x[:3], labels[:3])


def test_a_packed_discriminator_trains_and_refuses_heads(source):
    gan, batches = make(source, arch__pack=4, reg="r1")
    assert {"loss_d", "reg.r1/d", "loss_g"} <= {
        *update_discriminator(gan, batches, 0), *update_generator(gan, batches, 8, 0)
    }  # fmt: skip
    with pytest.raises(
        UsageError, match=r"needs .embedding., which arch .mlp. does not provide with arch\.pack=4: add"
    ):
        make(source, arch__pack=4, reg="ssgan")
