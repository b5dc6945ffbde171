"""The recipes of studies: what each has in common with the others, what it adds, and how large its networks are."""

from importlib import import_module

import pytest
import torch

import ganzoo
from ganzoo.plugin import DataInfo
from ganzoo.recipe.resolve import resolve
from ganzoo_recipes.studiogan import list_recipes

CIFAR10 = [  # name, architecture, loss, terms, updates of D for one of G, updates of G
    ("dcgan", "dcgan", "bce", [], 2, 200_000),
    ("infogan", "dcgan", "bce", ["infogan"], 2, 200_000),
    ("lsgan", "dcgan", "lsgan", [], 2, 200_000),
    ("ggan", "dcgan", "hinge", [], 2, 200_000),
    ("wgan-wc", "sngan", "wasserstein", ["weight-clip"], 5, 100_000),
    ("wgan-dra", "sngan", "wasserstein", ["dragan"], 5, 100_000),
    ("sagan", "sngan", "hinge", [], 5, 100_000),
    ("logan", "sngan", "hinge", ["logan"], 5, 100_000),
    ("cr", "biggan", "hinge", ["cr"], 5, 100_000),
    ("bcr", "biggan", "hinge", ["bcr"], 5, 100_000),
    ("icr", "biggan", "hinge", ["bcr", "zcr"], 5, 100_000),
    ("tacgan", "biggan", "hinge", ["tac"], 5, 100_000),
    ("adcgan", "biggan", "hinge", ["adc"], 5, 100_000),
    ("biggan-deep", "biggan-deep", "hinge", [], 2, 100_000),
    ("biggan-lecam", "biggan", "hinge", ["lecam"], 5, 200_000),
    ("biggan-apa", "biggan", "bce", [], 5, 200_000),
    ("contragan", "biggan", "hinge", ["contra"], 5, 100_000),
    ("mhgan", "biggan", "hinge", ["multi-hinge", "embedding-matching"], 5, 100_000),
]
LARGER = [  # name, batch, updates of D for one of G, updates of G, rate of G, update at which the average starts
    ("dcgan-tiny-imagenet", 256, 1, 100_000, 1e-4, None),
    ("biggan-tiny-imagenet", 1024, 1, 100_000, 1e-4, 20_000),
    ("biggan-ada-tiny-imagenet", 1024, 1, 200_000, 1e-4, 20_000),
    ("sngan-imagenet-128", 256, 2, 500_000, 5e-5, None),
    ("studiogan-sagan-imagenet-128", 256, 1, 1_000_000, 1e-4, None),
    ("studiogan-biggan-imagenet-128", 256, 2, 200_000, 5e-5, 20_000),
    ("reacgan-batch-2048-imagenet-128", 2048, 2, 200_000, 5e-5, 20_000),
    ("cgan-pd-cub200-128", 256, 2, 40_000, 5e-5, None),
    ("sagan-cub200-128", 256, 1, 40_000, 1e-4, None),
    ("biggan-cub200-128", 256, 2, 40_000, 5e-5, 4000),
    ("biggan-afhqv2-256", 64, 2, 200_000, 5e-5, 20_000),
]
PARAMETERS = [  # name, classes, generator, discriminator: as StudioGAN's logs print them, without the heads
    ("cr-cifar10", 10, 9_416_196, 2_415_170),
    ("dcgan-tiny-imagenet", 200, 12_220_675, 19_550_535),
    ("reacgan-tiny-imagenet", 200, 17_335_204, 30_540_722),
    ("sngan-imagenet-128", 1000, 41_996_931, 39_443_137),
    ("studiogan-sagan-imagenet-128", 1000, 42_017_412, 39_448_258),
    ("reacgan-imagenet-128", 1000, 70_433_988, 86_446_370),
]


def read(name):
    return resolve(ganzoo.registry(), recipe=name, pairs={"dataset": "digits"})


@pytest.mark.parametrize(("name", "arch", "loss", "terms", "steps", "updates"), CIFAR10)
def test_studiogans_recipes_differ_in_what_their_gan_adds(name, arch, loss, terms, steps, updates):
    recipe = read(f"{name}-cifar10")
    assert (recipe.arch.name, recipe.loss.name, [term.name for term in recipe.reg]) == (arch, loss, terms)
    train = recipe.train
    assert (train.batch, train.d_steps, train.images, train.flip) == (64, steps, updates * steps * 64, True)
    for optim in (recipe.optim_g, recipe.optim_d):
        assert (optim.name, optim.options.lr, optim.options.betas) == ("adam", 2e-4, (0.5, 0.999))


@pytest.mark.parametrize(("name", "batch", "steps", "updates", "rate", "start"), LARGER)
def test_studiogans_recipes_for_larger_images(name, batch, steps, updates, rate, start):
    recipe = read(name)
    train, optim_g, optim_d = recipe.train, recipe.optim_g.options, recipe.optim_d.options
    assert (train.batch, train.d_steps, train.images, train.flip) == (batch, steps, updates * steps * batch, True)
    assert (optim_g.lr, optim_d.lr, optim_g.betas, optim_d.betas) == (rate, 4 * rate, (0.0, 0.999), (0.0, 0.999))
    if start is None:
        assert train.ema_half_life == 0
    else:
        assert 0.5 ** (batch * steps / train.ema_half_life) == pytest.approx(0.9999, abs=1e-8)
        assert train.ema_ramp * start * batch * steps == pytest.approx(train.ema_half_life)


@pytest.mark.parametrize(("name", "classes", "generator", "discriminator"), PARAMETERS)
def test_studiogans_networks_have_their_parameter_counts(name, classes, generator, discriminator):
    recipe = read(name)
    size, classes = recipe.dataset.options.size, classes if recipe.train.conditional else 0
    module = import_module(f"ganzoo_{recipe.arch.name}." + ("networks" if recipe.arch.name == "sngan" else "biggan"))
    with torch.device("meta"):
        pair = module.build(recipe.arch.options, DataInfo(shape=(3, size, size), num_classes=classes))
    counts = [sum(each.numel() for each in network.parameters()) for network in (pair.generator, pair.discriminator)]
    assert counts == [generator, discriminator]


def test_a_score_is_said_with_its_protocol():
    published = {recipe.name: recipe.published for recipe in list_recipes()}
    assert published["reacgan-diffaug-tiny-imagenet"] == (
        "FID 14.348, Inception score 20.479 (10,000 samples against the 10,000 validation images)"
    )
    assert published["mhgan-cub200-128"] == "none"


@pytest.mark.parametrize(("name", "shape"), [("digits", (1, 32, 32)), ("stacked-digits", (3, 8, 8))])
def test_the_schedules_of_our_trainings_end_with_them(name, shape):
    recipe = resolve(ganzoo.registry(), recipe=name)
    rates = [str(optim.options.lr) for optim in (recipe.optim_g, recipe.optim_d)]
    gammas = [str(term.options.gamma) for term in recipe.reg if "images" in str(term.options.gamma)]
    assert all(text.endswith(f"images={recipe.train.images})") for text in rates + gammas)
    assert ganzoo.create("dataset", recipe.dataset.name, **vars(recipe.dataset.options)).info.shape == shape


@pytest.mark.parametrize(
    ("name", "loss", "terms", "steps", "updates", "falls"),
    [
        ("ssgan-cifar10", "hinge", ["ssgan"], 5, 100_000, True),
        ("wgan-gp-stl10", "wasserstein", ["wgan-gp"], 5, 100_000, True),
        ("cgan-pd-imagenet-32", "hinge", [], 5, 100_000, True),
        ("sngan-imagenet-128", "hinge", [], 5, 450_000, False),
        ("sngan-celeba-128", "hinge", [], 2, 100_000, False),
        ("ssgan-lsun-bedroom-128", "hinge", ["ssgan"], 2, 100_000, True),
    ],
)
def test_the_recipes_of_mimicry(name, loss, terms, steps, updates, falls):
    recipe = read(f"mimicry-{name}")
    train, images = recipe.train, updates * steps * 64
    assert (recipe.loss.name, [term.name for term in recipe.reg]) == (loss, terms)
    assert (train.batch, train.d_steps, train.images, train.conditional) == (64, steps, images, "cgan" in name)
    for optim in (recipe.optim_g.options, recipe.optim_d.options):
        assert optim.betas == (0.0, 0.9)
        assert str(optim.lr) == (f"linear(0.0002, 0, images={images})" if falls else "0.0002")
    arch = recipe.arch.options
    assert (arch.width_g, arch.width_d, arch.upsampling) == (64, 64, "bilinear")


def test_the_recipe_of_biggan_with_ada():
    recipe = read("biggan-ada-cifar10")
    assert (recipe.loss.name, [each.name for each in recipe.aug]) == ("bce", ["ada"])
    assert (recipe.train.images, recipe.train.flip, recipe.train.conditional) == (128_000_000, False, True)
    arch, ada = recipe.arch.options, recipe.aug[0].options
    assert (arch.width_g, arch.z_dim, arch.attention, arch.projection) == (96, 80, (16,), True)
    assert (ada.p, ada.target, ada.images, ada.interval) == (None, 0.6, 500_000, 4)


def test_the_penalty_of_logan_has_studiogans_weight_over_all_latents():
    (logan,) = read("logan-cifar10").reg
    assert logan.options.weight * logan.options.share == pytest.approx(0.1)  # latents that stay have no move


@pytest.mark.parametrize(
    ("name", "batch", "images", "values"),  # weight, temperature, dim, positive, negative
    [
        ("cifar10", 128, 64_000_000, (0.5, 0.5, 512, 0.98, 0.02)),
        ("tiny-imagenet", 1024, 102_400_000, (0.75, 0.75, 768, 1.0, 0.0)),
        ("imagenet-128", 256, 256_000_000, (1.0, 0.5, 2048, 0.98, 0.02)),
        ("batch-2048-imagenet-128", 2048, 819_200_000, (0.5, 0.25, 2048, 0.9, 0.1)),
        ("cub200-128", 256, 20_480_000, (0.25, 0.25, 1024, 0.95, 0.05)),
    ],
)
def test_the_recipes_of_reacgan(name, batch, images, values):
    recipe = read(f"reacgan-{name}")
    (term,) = recipe.reg
    found = tuple(getattr(term.options, key) for key in ("weight", "temperature", "dim", "positive", "negative"))
    assert (recipe.train.batch, recipe.train.images, found) == (batch, images, values)
    assert (recipe.arch.options.projection, term.options.spectral) == (False, True)


@pytest.mark.parametrize(
    ("name", "lr", "beta", "images"), [("dcgan", 2e-4, 0.999, 1_013_120), ("lsgan", 1e-3, 0.99, 12_800_000)]
)
def test_the_recipes_for_faces(name, lr, beta, images):
    recipe = read(f"{name}-celeba-64")
    assert (recipe.optim_g.options.lr, recipe.optim_d.options.betas) == (lr, (0.5, beta))
    assert (recipe.train.images, recipe.train.batch, recipe.dataset.options.size) == (images, 128, 64)
