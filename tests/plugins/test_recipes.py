"""The recipes of studies: what each has in common with the others, and what it adds."""

import pytest

import ganzoo
from ganzoo.recipe.resolve import resolve

STUDIOGAN = [  # name, architecture, loss, terms, updates of D for one of G, updates of G
    ("dcgan", "dcgan", "bce", [], 2, 200_000),
    ("lsgan", "dcgan", "lsgan", [], 2, 200_000),
    ("ggan", "dcgan", "hinge", [], 2, 200_000),
    ("wgan-wc", "sngan", "wasserstein", ["weight-clip"], 5, 100_000),
    ("wgan-dra", "sngan", "wasserstein", ["dragan"], 5, 100_000),
    ("sagan", "sngan", "hinge", [], 5, 100_000),
    ("logan", "sngan", "hinge", ["logan"], 5, 100_000),
    ("cr", "biggan", "hinge", ["cr"], 5, 100_000),
    ("bcr", "biggan", "hinge", ["bcr"], 5, 100_000),
    ("icr", "biggan", "hinge", ["bcr", "zcr"], 5, 100_000),
    ("tacgan", "sngan", "hinge", ["tac"], 5, 100_000),
    ("adcgan", "biggan", "hinge", ["adc"], 5, 100_000),
    ("biggan-deep", "biggan-deep", "hinge", [], 5, 100_000),
    ("biggan-lecam", "biggan", "hinge", ["lecam"], 5, 100_000),
    ("biggan-apa", "biggan", "bce", [], 5, 200_000),
    ("contragan", "biggan", "hinge", ["contra"], 5, 100_000),
    ("mhgan", "biggan", "hinge", ["multi-hinge", "feature-matching"], 5, 100_000),
]


@pytest.mark.parametrize(("name", "arch", "loss", "terms", "steps", "updates"), STUDIOGAN)
def test_studiogans_recipes_differ_in_what_their_gan_adds(name, arch, loss, terms, steps, updates):
    recipe = resolve(ganzoo.registry(), recipe=f"{name}-cifar10", pairs={"dataset": "digits"})
    assert (recipe.arch.name, recipe.loss.name, [term.name for term in recipe.reg]) == (arch, loss, terms)
    train = recipe.train
    assert (train.batch, train.d_steps, train.images, train.flip) == (64, steps, updates * steps * 64, True)
    for optim in (recipe.optim_g, recipe.optim_d):
        assert (optim.name, optim.options.lr, optim.options.betas) == ("adam", 2e-4, (0.5, 0.999))


def test_the_recipe_of_biggan_with_ada():
    recipe = resolve(ganzoo.registry(), recipe="biggan-ada-cifar10", pairs={"dataset": "digits"})
    assert (recipe.loss.name, [each.name for each in recipe.aug]) == ("bce", ["ada"])
    assert (recipe.train.images, recipe.train.flip, recipe.train.conditional) == (128_000_000, False, True)
    arch, ada = recipe.arch.options, recipe.aug[0].options
    assert (arch.width_g, arch.z_dim, arch.attention, arch.projection) == (96, 80, (16,), True)
    assert (ada.p, ada.target, ada.images, ada.interval) == (None, 0.6, 500_000, 4)


def test_the_recipe_of_reacgan_has_larger_batches():
    recipe = resolve(ganzoo.registry(), recipe="reacgan-cifar10", pairs={"dataset": "digits"})
    assert (recipe.train.batch, recipe.train.images, recipe.optim_g.options.lr) == (128, 64_000_000, 2.8284271e-4)
    assert (recipe.reg[0].name, recipe.reg[0].options.negative, recipe.arch.options.projection) == (
        "d2d-ce",
        0.02,
        False,
    )


@pytest.mark.parametrize(
    ("name", "lr", "beta", "images"), [("dcgan", 2e-4, 0.999, 1_013_120), ("lsgan", 1e-3, 0.99, 12_800_000)]
)
def test_the_recipes_for_faces(name, lr, beta, images):
    recipe = resolve(ganzoo.registry(), recipe=f"{name}-celeba-64", pairs={"dataset": "digits"})
    assert (recipe.optim_g.options.lr, recipe.optim_d.options.betas) == (lr, (0.5, beta))
    assert (recipe.train.images, recipe.train.batch, recipe.dataset.options.size) == (images, 128, 64)
