"""The published trainings of StyleGAN2. This module is imported by every command, so it imports nothing heavy.

The learning rates and betas are those before the correction for lazy regularization, which the engine makes. Other than
in the authors' code, the precision is that of the machine, not fp16 for the four highest resolutions; all samples have
the same noise, not each its own; and gradients that are not finite are not replaced.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ganzoo.plugin import DataInfo, Recipe

STYLEGAN2 = (
    "Tero Karras, Samuli Laine, Miika Aittala, Janne Hellsten, Jaakko Lehtinen & Timo Aila 2020, Analyzing and "
    "Improving the Image Quality of StyleGAN, arXiv:1912.04958"
)
ADA = (
    "Tero Karras, Miika Aittala, Janne Hellsten, Samuli Laine, Jaakko Lehtinen & Timo Aila 2020, Training Generative "
    "Adversarial Networks with Limited Data, arXiv:2006.06676"
)
SOURCE = "https://github.com/NVlabs/stylegan2-ada-pytorch"
STUDY = (
    "Minguk Kang, Joonghyuk Shin & Jaesik Park 2023, StudioGAN: A Taxonomy and Benchmark of GANs for Image Synthesis, "
    "arXiv:2206.09479"
)
STUDIOGAN = "https://github.com/POSTECH-CVLab/PyTorch-StudioGAN/tree/master/src/configs"

STUDIED = {  # the augmentations of StudioGAN's trainings: in the name of a recipe, and in its summary
    "none": ("", ""),
    "ada": ("-ada", " with ADA"),
    "apa": ("-apa", " with APA"),
    "diffaugment": ("-diffaug", " with DiffAugment"),
}

SIZES = (16, 32, 64, 128, 256, 512, 1024)
LEAST = 1000  # images of which ADA can make a good training (Karras et al. 2020, figure 7)


def list_recipes() -> Iterator[Recipe]:
    """Yield all recipes: those of CIFAR-10, that which follows from the data, and those of larger images."""
    yield from _list_cifar10_recipes()
    yield from _list_studiogan_recipes()
    yield Recipe(
        name="stylegan2-ada-auto",
        summary="StyleGAN2-ADA for one's own images: batch, rates and penalty follow from their size, for one GPU.",
        paper=ADA,
        source=f"{SOURCE} (--cfg=auto --gpus=1)",
        similar_to={"stylegan2-ada": "--recipe stylegan2-ada-auto"},
        published="none for these settings",
        cost="25 million images",
        settings="ganzoo_stylegan2.recipes:choose_settings",
        suits="ganzoo_stylegan2.recipes:explain_suitability",
    )
    for size, fid in ((256, "3.78"), (1024, "2.84")):
        yield Recipe(
            name=f"stylegan2-ffhq-{size}",
            summary=f"StyleGAN2's training on FFHQ {size}x{size} without augmentation.",
            paper=STYLEGAN2,
            source=f"{SOURCE} (--cfg={'stylegan2' if size == 1024 else 'paper256'} --aug=noaug)",
            dataset=f"ffhq-{size}",
            published=f"FID {fid} (50,000 samples against all training images)",
            similar_to={"stylegan2": f"--recipe stylegan2-ffhq-{size}"} if size == 1024 else {},
            cost=f"25 million images in batches of {64 if size == 256 else 32}",
            settings={**(PAPER[256] if size == 256 else CONFIG_F), "aug": "none", "train.flip": True},
        )
    for name, size, title, fid in (
        ("ffhq-256", 256, "FFHQ 256x256", "none for these settings"),
        ("afhq-cat-512", 512, "the cats of AFHQ 512x512", "FID 3.55 (50,000 samples against all training images)"),
        ("metfaces-1024", 1024, "MetFaces 1024x1024 from new weights", "none for these settings"),
    ):
        yield Recipe(
            name=f"stylegan2-ada-{name}",
            summary=f"StyleGAN2-ADA's training on {title}.",
            paper=ADA,
            source=f"{SOURCE} (--cfg=paper{size} --mirror=1)",
            dataset=name,
            published=fid,
            cost=f"25 million images in batches of {PAPER[size]['train.batch']}",
            settings={**PAPER[size], "aug": "ada", "train.flip": True},
        )


def _list_cifar10_recipes() -> Iterator[Recipe]:
    """Yield the paper's training on CIFAR-10 with classes, and StudioGAN's shorter ones, which mirror images."""
    yield Recipe(
        name="stylegan2-ada-cifar10",
        summary="StyleGAN2-ADA's training on CIFAR-10 with classes.",
        paper=ADA,
        source=f"{SOURCE} (--cfg=cifar --cond=1)",
        dataset="cifar10",
        published="FID 2.42 (50,000 samples against all training images)",
        cost="100 million images in batches of 64",
        settings={**CIFAR10, "aug": "ada"},
    )
    lecam = {"reg": ("r1", "lecam"), "reg.lecam.weight": 0.3, "reg.lecam.decay": 0.99}
    for name, what, fid, settings in (
        ("stylegan2", "StyleGAN2", 3.81, {"aug": "none"}),
        ("stylegan2-diffaug", "StyleGAN2 with DiffAugment", 2.39, {"aug": "diffaugment"}),
        ("stylegan2-apa", "StyleGAN2 with APA", None, {"aug": "apa"}),
        ("stylegan2-lecam", "StyleGAN2 with LeCam from the first update", 4.65, {**lecam, "aug": "none"}),
        (
            "stylegan2-diffaug-lecam",
            "StyleGAN2 with DiffAugment, and with LeCam from the first update",
            None,
            {**lecam, "aug": "diffaugment"},
        ),
    ):
        yield Recipe(
            name=f"{name}-cifar10",
            summary=f"StudioGAN's training of {what}, with classes.",
            similar_to={name: f"--recipe {name}-cifar10"} if "-" in name else {},
            paper=f"{STYLEGAN2}; {STUDY}",
            source=f"{STUDIOGAN}/CIFAR10",
            dataset="cifar10",
            published=f"FID {fid} (10,000 samples against the 10,000 test images)"
            if fid
            else "none for these settings",
            cost="64 million images in batches of 64",
            settings={**CIFAR10, "train.images": 64_000_000, "train.flip": True, **settings},
        )


def _list_studiogan_recipes() -> Iterator[Recipe]:
    """Yield StudioGAN's trainings of larger images, all with classes."""
    for data, folder, size, batch, updates, gamma, mapping, augmentations in (
        ("imagenet-128", "ImageNet", 128, 256, 200_000, 0.2048, 2, ("none",)),
        ("cub200-128", "CUB200", 128, 64, 100_000, 0.2048, 2, ("none", "ada")),
        ("afhqv2-256", "AFHQv2", 256, 64, 200_000, 1.0, 8, ("none", "ada", "apa", "diffaugment")),
        ("afhq-512", "AFHQ", 512, 64, 200_000, 0.5, 8, ("ada",)),
    ):
        settings = make_settings(
            size,
            batch=batch,
            group=8,
            base=32768 if size >= 512 else 16384,
            lr=2.5e-3,
            gamma=gamma,
            half_life=20_000,
            mapping=mapping,
            images=batch * updates,
        )
        for augmentation in augmentations:
            name, title = STUDIED[augmentation]
            yield Recipe(
                name=f"stylegan2{name}-{data}",
                summary=f"StudioGAN's training of StyleGAN2{title}, with classes.",
                paper=f"{STYLEGAN2}; {STUDY}",
                source=f"{STUDIOGAN}/{folder}",
                dataset=data,
                published="FID 4.992, Inception score 12.907 (14,630 samples against all training images)"
                if data == "afhq-512"
                else "none",
                cost=f"{batch * updates / 1e6:g} million images in batches of {batch}",
                settings={**settings, "aug": augmentation, "train.conditional": True, "train.flip": True},
            )


def explain_suitability(data: DataInfo, device: str) -> str:
    """Return why ``auto`` suits data on a device; empty if it does not: without a GPU it would take weeks."""
    channels, *sides = data.shape
    square = data.modality == "image" and channels in (1, 3) and len(set(sides)) == 1 and sides[0] in SIZES
    if device != "cuda" or not square or (data.num_items or 0) < LEAST:
        return ""
    return f"ADA keeps D from learning {data.num_items:,} images by heart, and this machine has a GPU"


def choose_settings(data: DataInfo, device: str) -> dict[str, Any]:
    """Return the settings of ``auto`` for square images of `data`, on one device."""
    size = data.shape[-1]
    batch = max(1, min(4096 // size, 32))
    settings = make_settings(
        size,
        batch=batch,
        group=min(batch, 4),
        base=32768 if size >= 512 else 16384,
        lr=2e-3 if size >= 1024 else 2.5e-3,
        gamma=2e-4 * size**2 / batch,
        half_life=batch * 10_000 // 32,
        ramp=0.05,
        mapping=2,
    )
    del settings["dataset.size"]  # the size is given
    return {**settings, "aug": "ada"}


def make_settings(
    size: int,
    *,
    batch: int,
    group: int,
    base: int,
    lr: float,
    gamma: float,
    half_life: int,
    ramp: float | None = None,
    mapping: int = 8,
    images: int = 25_000_000,
) -> dict[str, Any]:
    """Return the settings of a training, except for its augmentation.

    Args:
        size: Height and width of the images, in pixels.
        batch: The number of images in a batch.
        group: The number of samples whose standard deviation D sees.
        base: Channels at resolution R, times R.
        lr: The learning rate of both networks.
        gamma: Twice the weight of R1.
        half_life: The half-life of the average, in images.
        ramp: The half-life is at most this share of the images seen; None for no limit.
        mapping: Layers of the mapping network.
        images: The length of the training, in images.
    """
    optim = {"name": "adam", "lr": lr, "betas": (0.0, 0.99)}
    return {
        "arch": "stylegan2",
        "arch.channel_base": base,
        "arch.channel_max": 512,
        "arch.z_dim": 512,
        "arch.w_dim": 512,
        "arch.mapping": mapping,
        "arch.mapping_d": 8,  # if there are classes
        "arch.group": group,
        "loss": "bce",
        "reg": ("r1", "path-length"),
        "reg.r1.gamma": gamma,
        "reg.r1.interval": 16,
        "reg.path-length.interval": 4,
        **{f"optim.{network}.{key}": value for network in ("g", "d") for key, value in optim.items()},
        "train.batch": batch,
        "train.images": images,
        "train.ema_half_life": half_life,
        "train.ema_ramp": ramp,
        "dataset.size": size,
    }


CONFIG_F = make_settings(1024, batch=32, group=4, base=32768, lr=2e-3, gamma=10.0, half_life=10_000)
PAPER = {
    256: make_settings(256, batch=64, group=8, base=16384, lr=2.5e-3, gamma=1.0, half_life=20_000),
    512: make_settings(512, batch=64, group=8, base=32768, lr=2.5e-3, gamma=0.5, half_life=20_000),
    1024: make_settings(1024, batch=32, group=4, base=32768, lr=2e-3, gamma=2.0, half_life=10_000),
}
CIFAR10: dict[str, Any] = {
    **make_settings(
        32,
        batch=64,
        group=32,
        base=32768,
        lr=2.5e-3,
        gamma=0.01,
        half_life=500_000,
        ramp=0.05,
        mapping=2,
        images=100_000_000,
    ),
    "arch.mixing": 0.0,
    "arch.residual": False,
    "reg": "r1",
    # The authors correct G's rates for regularization in every fourth update, though G has no term here.
    "optim.g.lr": 2.5e-3 * 4 / 5,
    "optim.g.betas": (0.0, 0.99 ** (4 / 5)),
    "train.conditional": True,
}
del CIFAR10["reg.path-length.interval"]
