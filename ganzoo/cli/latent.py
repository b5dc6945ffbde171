"""``ganzoo latent``."""

from __future__ import annotations

from pathlib import Path

import click

from ganzoo.cli.common import Count, common_options, complete_components, note
from ganzoo.cli.drawing import ANIMATIONS, Numbers, Seeds, choose_files, model_options
from ganzoo.errors import NotFound
from ganzoo.runs.display import PICTURES
from ganzoo.runs.heavy import heavy_imports

seed_option = click.option("--seed", metavar="N", type=Count(), default=0, show_default=True, help="Seed.")
label_option = click.option("--label", metavar="CLASS", help="Class, by name or number. Default: the first one.")
labels_option = click.option(
    "--label", metavar="CLASS", multiple=True, help="Class, by name or number; several, as cat,dog, take turns."
)


@click.group("latent", no_args_is_help=True)
@common_options
def command() -> None:
    """Move through the latents of MODEL: a run's path, name or number, a model package's directory, or a model on the
    Hub. Each command prints what its picture shows, with the seeds, and the paths of the files that it wrote. A PNG
    contains the same line.

    \b
    ganzoo latent interpolate 3                 an animation from seed to seed
    ganzoo latent mix 3                         coarse styles of one seed, fine styles of another
    ganzoo latent directions 3                  the directions in which samples change most
    ganzoo latent project 3 face.jpg            the latent whose sample is most like an image
    ganzoo latent neighbours 3                  the training images that are nearest to samples
    ganzoo latent truncate 3                    samples from the mean to the whole variety
    """


@command.command("interpolate")
@model_options(ANIMATIONS)
@click.option("--seeds", type=Seeds(), default="0-3", show_default=True, help="Seeds on the way, as 0,5,9 or 0-7.")
@click.option("--frames", metavar="N", type=Count(), default=60, show_default=True, help="Number of frames.")
@click.option("--seconds", metavar="X", type=float, default=4.0, show_default=True, help="Length of the animation.")
@click.option("--loop/--once", default=True, show_default=True, help="Go back to the first seed and start again.")
@click.option("--space", type=click.Choice(["z", "w"]), default="z", show_default=True, help="w: the styles.")
@click.option("-n", "--num", metavar="N", type=Count(), help="Samples in each frame. Default: 1, or 2500 points.")
@labels_option
@click.option("--truncation", metavar="X", type=float, help="Move latents towards their mean, if the architecture can.")
def interpolate(
    what: str, out: str | None, arrays: str | None, device: str, offline: bool, seeds: tuple[int, ...], frames: int,
    seconds: float, loop: bool, space: str, num: int | None, label: tuple[str, ...], truncation: float | None,
) -> None:  # fmt: skip
    """Write an animation that goes from the sample of each seed to the next one; --out chooses the format.

    \b
    ganzoo latent interpolate 3 --seeds 0-7 --seconds 8
    ganzoo latent interpolate 3 --seeds 0,5 --once --out way.mp4    (by ffmpeg)
    ganzoo latent interpolate ganzoo:digits -n 100 --out grid.png   (an animated PNG)

    Normal latents move on a sphere, uniform ones straight, and one-hot codes are blended.
    """
    files = choose_files(what, "interpolate", out, arrays, ANIMATIONS, offline)
    if files.picture.suffix.lower() in (".mp4", ".webm"):
        with heavy_imports():
            from ganzoo.latents.animation import find_ffmpeg
        find_ffmpeg(files.picture)  # before minutes of work
    from ganzoo import exploring

    files.write(
        exploring.interpolate(
            files.load(device), seeds, frames=frames, seconds=seconds, loop=loop, space=space, num=num,
            labels=files.split_labels(label), truncation=truncation,
        )
    )  # fmt: skip


@command.command("mix")
@model_options(tuple(PICTURES))
@click.option("--rows", type=Seeds(), default="0-3", show_default=True, help="Seeds of the coarse styles.")
@click.option("--columns", type=Seeds(), default="4-7", show_default=True, help="Seeds of the fine styles.")
@click.option("--coarse", metavar="N", type=Count(), help="Layers whose style is the row's. Default: half of them.")
@label_option
def mix(
    what: str, out: str | None, arrays: str | None, device: str, offline: bool, rows: tuple[int, ...],
    columns: tuple[int, ...], coarse: int | None, label: str | None,
) -> None:  # fmt: skip
    """Write a grid of mixed styles: coarse ones of the row's seed, fine ones of the column's (StyleGAN, figure 3).

    The architecture must have a style for each layer, as stylegan2 and stylegan3 have.
    """
    from ganzoo import exploring

    files = choose_files(what, "mix", out, arrays, PICTURES, offline)
    files.write(exploring.mix_styles(files.load(device), rows, columns, coarse=coarse, labels=label))


@command.command("directions")
@model_options(tuple(PICTURES))
@click.option("--method", type=click.Choice(["sefa", "pca"]), default="sefa", show_default=True, help="The method.")
@click.option("-n", "--num", metavar="N", type=Count(), default=8, show_default=True, help="Number of directions.")
@click.option("--space", type=click.Choice(["z", "w"]), help="Default: w if the model has styles, else z.")
@seed_option
@click.option("--strength", metavar="X", type=float, default=3.0, show_default=True, help="Farthest, in deviations.")
@click.option("--steps", metavar="N", type=Count(), default=7, show_default=True, help="Samples in a row.")
@label_option
def directions(
    what: str, out: str | None, arrays: str | None, device: str, offline: bool, method: str, num: int,
    space: str | None, seed: int, strength: float, steps: int, label: str | None,
) -> None:  # fmt: skip
    """Find the directions in which samples change most; write a picture with a row for each, and the directions.

    sefa: eigenvectors of the weights that meet the latents first (Shen & Zhou 2021). pca: principal components of
    styles (GANSpace, Härkönen et al. 2020). The file of the directions is MODEL-directions.npz, unless --arrays names
    another: vectors [num, dim], their eigenvalues, and scales, the deviation of random latents along them.
    """
    from ganzoo import exploring

    files = choose_files(what, "directions", out, arrays, PICTURES, offline, with_arrays=True)
    found = exploring.find_directions(files.load(device), method, num=num, space=space, labels=label)
    files.write(found.draw(seed, strength, steps))


@command.command("project")
@model_options(tuple(PICTURES))
@click.argument("image", type=click.Path())
@click.option("--space", type=click.Choice(["z", "w"]), help="Default: w if the model has styles, else z.")
@click.option("--steps", metavar="N", type=Count(), default=300, show_default=True, help="Steps of Adam.")
@click.option("--rate", metavar="X", type=float, default=0.05, show_default=True, help="Learning rate at the start.")
@click.option("--starts", metavar="N", type=Count(), default=256, show_default=True, help="Number of random latents.")
@click.option(
    "--restarts", metavar="N", type=Count(), default=4, show_default=True, help="Number of latents that are improved."
)
@click.option(
    "--extractor", metavar="NAME", default="", shell_complete=complete_components("extractor"),
    help="Compare features of this extractor too, such as squeezenet.",
)  # fmt: skip
@click.option("--features", metavar="X", type=float, default=1.0, show_default=True, help="Weight of the features.")
@click.option("--prior", metavar="X", type=float, default=1e-3, show_default=True, help="Weight of staying usual.")
@seed_option
@labels_option
def project(
    what: str, image: str, out: str | None, arrays: str | None, device: str, offline: bool, space: str | None,
    steps: int, rate: float, starts: int, restarts: int, extractor: str, features: float, prior: float, seed: int,
    label: tuple[str, ...],
) -> None:  # fmt: skip
    """Find the latent whose sample is most like IMAGE; write a picture of both, and the latent.

    \b
    ganzoo latent project 3 face.jpg
    ganzoo latent project 3 face.jpg --extractor squeezenet --steps 1000

    The image is cropped and resized to the size of the samples. The best of many random latents are improved by Adam.
    Ctrl-C writes the best one so far. The latent is in MODEL-project.npz, unless --arrays names another file.
    """
    from ganzoo import exploring

    if not Path(image).is_file():
        raise NotFound(f"image {image} does not exist: name the file of a picture")
    files = choose_files(what, "project", out, arrays, PICTURES, offline, with_arrays=True)
    found = exploring.project_image(
        files.load(device), image, labels=files.split_labels(label), extractor=extractor, offline=offline, notify=note,
        space=space, steps=steps, rate=rate, starts=starts, restarts=restarts, feature_weight=features,
        prior_weight=prior, seed=seed,
    )  # fmt: skip
    files.write(found)
    if found.interrupted:
        note("ganzoo: interrupted; this is the best latent so far")
        click.get_current_context().exit(130)


@command.command("neighbours")
@model_options(tuple(PICTURES))
@click.option("-n", "--num", metavar="N", type=Count(), default=8, show_default=True, help="Number of samples.")
@click.option("-k", metavar="N", type=Count(), default=5, show_default=True, help="Training images beside each.")
@seed_option
@labels_option
@click.option("--truncation", metavar="X", type=float, help="Move latents towards their mean, if the architecture can.")
@click.option(
    "--against", metavar="NAME", default="", shell_complete=complete_components("dataset"),
    help="Training images: a dataset, a folder or a file of arrays. Default: what the model was trained on.",
)  # fmt: skip
@click.option(
    "--extractor", metavar="NAME", default="", shell_complete=complete_components("extractor"),
    help="Compare features of this extractor instead of pixels.",
)  # fmt: skip
def neighbours(
    what: str, out: str | None, arrays: str | None, device: str, offline: bool, num: int, k: int, seed: int,
    label: tuple[str, ...], truncation: float | None, against: str, extractor: str,
) -> None:  # fmt: skip
    """Write rows of a sample and the training images that are nearest to it, with their distances.

    A model that copies its training images has neighbours that look the same. The distance of pixels is the root of
    their mean square difference, with black at -1 and white at 1.
    """
    from ganzoo import exploring

    files = choose_files(what, "neighbours", out, arrays, PICTURES, offline)
    files.write(
        exploring.find_neighbours(
            files.package, num=num, k=k, seed=seed, labels=files.split_labels(label),
            truncation=truncation, against=against, extractor=extractor, device=device, offline=offline, notify=note,
        )
    )  # fmt: skip


@command.command("truncate")
@model_options(tuple(PICTURES))
@click.option("--seeds", type=Seeds(), default="0-3", show_default=True, help="Seed of each row, as 0,5,9 or 0-7.")
@click.option("--steps", type=Numbers(), default="0,0.25,0.5,0.75,1", show_default=True, help="Truncations.")
@label_option
def truncate(
    what: str, out: str | None, arrays: str | None, device: str, offline: bool, seeds: tuple[int, ...],
    steps: tuple[float, ...], label: str | None,
) -> None:  # fmt: skip
    """Write rows of one latent at several truncations: 0 is the mean of all, 1 the latent as it is drawn.

    The architecture must take a truncation, as stylegan2, stylegan3 and biggan do.
    """
    from ganzoo import exploring

    files = choose_files(what, "truncate", out, arrays, PICTURES, offline)
    files.write(exploring.show_truncation(files.load(device), seeds, steps, labels=label))
