"""The terms that are not penalties on D's gradient: what their exact cases do not show. The kit checks the cases."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch import nn

import ganzoo
from ganzoo.compute.streams import Streams
from ganzoo.data.opening import open_source
from ganzoo.engine.assemble import assemble
from ganzoo.engine.batches import Batches
from ganzoo.engine.update import update_discriminator, update_generator
from ganzoo.errors import UsageError
from ganzoo.layers import spectral_norm
from ganzoo.plugin import DataInfo, DiscriminatorOutput
from ganzoo.recipe.resolve import resolve
from ganzoo.registry import registry
from ganzoo_regularizers.consistency import move
from ganzoo_regularizers.orthogonal import list_matrices, sum_products

DATA = DataInfo(shape=(1, 8, 8))


@pytest.fixture
def gan_of(toys, tmp_path):
    """Return ``gan_of(settings) -> (gan, batches)`` of the toys, in eager float32 unless they say otherwise."""

    def assembled(settings):
        recipe = resolve(
            registry(), pairs={"arch": "toy", "dataset": "toy-array", "train.precision": "fp32", **settings}
        )
        source = open_source(recipe.dataset.build(), name="toy", key="toy", notify=print, cache=tmp_path)
        gan = assemble(recipe, source.info, torch.device("cpu"))
        return gan, Batches(source, Streams(recipe.train.seed, gan.device), gan)

    return assembled


def test_lecam_follows_the_means_of_all_processes_and_weights_them_by_age():
    term, asked = ganzoo.create("regularizer", "lecam", data=DATA, weight=1.0, decay=0.5), []

    def mean(tensor):
        asked.append(tensor.tolist())
        return tensor + 1  # another process has larger logits

    values = []
    for r, f in ((1.0, -1.0), (3.0, 0.0)):
        real, fake = (torch.tensor([x], requires_grad=True) for x in (r, f))
        outputs = {"real_output": DiscriminatorOutput(real), "fake_output": DiscriminatorOutput(fake)}
        value = term.discriminator(SimpleNamespace(mean=mean, **outputs))
        values.append([value.item(), *(x.item() for x in torch.autograd.grad(value, (real, fake)))])
    assert asked == [[1, -1], [3, 0]]
    of_real, of_fake = (2 + 2 * 4) / 3, (0 + 2 * 1) / 3  # 2 and 0 first, then 4 and 1, which count twice
    assert values[0] == pytest.approx([1 + 9, 2 * 1, 2 * -3])
    second = [(3 - of_fake) ** 2 + of_real**2, 2 * (3 - of_fake), -2 * of_real]
    assert values[1] == pytest.approx(second)


def test_weight_clip_bounds_all_parameters_of_d_and_none_of_g(gan_of):
    gan, batches = gan_of({"reg": "weight-clip", "reg.weight-clip.limit": 0.003})
    g = [parameter.clone() for parameter in gan.generator.parameters()]
    update_discriminator(gan, batches, 0)
    sizes = [parameter.abs().max().item() for parameter in gan.discriminator.parameters()]
    assert max(sizes) == pytest.approx(0.003)
    assert all(torch.equal(was, now) for was, now in zip(g, gan.generator.parameters(), strict=True))


def test_spectral_norm_bounds_the_layers_of_any_d(gan_of):
    gan, batches = gan_of({"reg": "spectral-norm"})
    for update in range(3):
        update_discriminator(gan, batches, update * batches.batch)
    layers = [m for m in gan.discriminator.modules() if isinstance(m, (nn.Linear, nn.Conv2d))]
    tops = [torch.linalg.matrix_norm(m.weight.flatten(1), 2).item() for m in layers]
    assert tops == pytest.approx([1] * len(layers), abs=0.2)  # as exact as a few steps of the power iteration
    assert not any("parametrizations" in name for name in gan.generator.state_dict())


@pytest.mark.parametrize(
    ("network", "words"),
    [(spectral_norm(nn.Linear(2, 1)), "normalised already"), (nn.Identity(), "no linear layer and no convolution")],
)
def test_spectral_norm_without_effect_is_an_error(network, words):
    with pytest.raises(UsageError, match=f"{words}.*remove --reg spectral-norm"):
        ganzoo.create("regularizer", "spectral-norm", data=DATA).prepare(SimpleNamespace(discriminator=network))


def test_orthogonal_reads_the_outputs_of_each_kind_of_layer():
    network = nn.Sequential(
        nn.Embedding(5, 4), nn.Linear(3, 2), nn.Conv2d(2, 6, 3), nn.ConvTranspose2d(2, 7, 3), nn.BatchNorm2d(7)
    )
    network.append(spectral_norm(nn.ConvTranspose2d(7, 8, 3)))
    assert [list(each.shape) for each in list_matrices(network)] == [[2, 3], [6, 18], [7, 18], [8, 63]]
    layer = spectral_norm(nn.Linear(2, 2))
    with torch.no_grad():
        layer.parametrizations.weight.original.copy_(torch.tensor([[1.0, 1.0], [0.0, 1.0]]))
    assert sum_products(layer).item() == 2
    assert [list(each.shape) for each in list_matrices(layer)] == [[2, 2]]
    with pytest.raises(UsageError, match="no matrix of weights"):
        sum_products(nn.BatchNorm2d(3))


def test_images_are_shifted_and_mirrored_each_on_its_own():
    torch.manual_seed(0)
    images = torch.randn(64, 2, 5, 7)
    assert torch.equal(move(images, 0, 0.0), images)
    assert torch.equal(move(images, 0, 1.0), images.flip(-1))
    mirrored = move(images, 0, 0.5)
    which = [torch.equal(one, other) for one, other in zip(mirrored, images, strict=True)]
    assert 16 < sum(which) < 48
    moved, found = move(images, 1, 0.0), set()
    padded = nn.functional.pad(images, (1, 1, 1, 1), mode="replicate")
    for index, image in enumerate(moved):
        for down in range(3):
            for right in range(3):
                if torch.equal(image, padded[index, :, down : down + 5, right : right + 7]):
                    found.add((down, right))
                    break
    assert len(found) == 9


@pytest.mark.parametrize("name", ["cr", "bcr"])
def test_labels_that_are_images_cannot_move_along(name):
    with pytest.raises(UsageError, match=f"'{name}' moves samples, but not the images that are their labels"):
        ganzoo.create("regularizer", name, data=DataInfo(shape=(1, 8, 8), label_shape=(1, 8, 8)))


def test_path_lengths_of_several_layers_are_their_root_mean_square():
    """G adds the numbers of all layers' w, so each has the slope y; the mean square is |y|^2 = E of each layer."""

    class Layered(nn.Module):
        def mapping(self, z, labels=None):
            return z[:, None].repeat(1, 3, 1).requires_grad_()

        def synthesis(self, w):
            return w.sum(1)[:, None, None]

    term, w = ganzoo.create("regularizer", "path-length", data=DATA, weight=1.0, shrink=1, decay=1e-6), torch.ones(4, 6)
    torch.manual_seed(0)
    value = term.generator(SimpleNamespace(z=w, labels=None, generator=Layered(), mean=lambda tensor: tensor))
    torch.manual_seed(0)
    y = torch.randn(4, 1, 1, 6) / 6**0.5
    assert value.item() == pytest.approx(y.square().flatten(1).sum(1).mean().item(), rel=1e-4)


def test_feature_matching_moves_fakes_alone():
    real, fake = (torch.tensor([[1.0], [x]], requires_grad=True) for x in (3.0, 0.0))
    outputs = [DiscriminatorOutput(x.sum(1), features=[x]) for x in (real, fake)]
    term = ganzoo.create("regularizer", "feature-matching", data=DATA)
    term.generator(SimpleNamespace(real_output=outputs[0], fake_output=outputs[1])).backward()
    assert (real.grad, fake.grad.flatten().tolist()) == (None, [-1.5, -1.5])


ALL = "logan,drift,logit-centring,lecam,weight-clip,spectral-norm,orthogonal,cr,bcr,zcr,max-gp,dragan,zero-centred-gp"


@pytest.mark.parametrize("settings", [{}, {"train.conditional": True}])
def test_all_terms_train_together(gan_of, settings):
    gan, batches = gan_of({"reg": ALL, "reg.orthogonal.network": "both", **settings})
    stats = update_discriminator(gan, batches, 0) | update_generator(gan, batches, batches.batch, 0)
    terms = {name: value for name, value in stats.items() if name.startswith("reg.")}
    assert len(terms) == 14
    assert all(value.isfinite() for value in terms.values())
