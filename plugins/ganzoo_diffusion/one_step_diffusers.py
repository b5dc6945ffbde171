"""Denoisers that diffusers stores: a `UNet2DModel`, and the noise levels of its scheduler."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from diffusers import DDPMScheduler, UNet2DModel
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from ganzoo.plugin import Corrupt, DataInfo, Networks, NotFound, UsageError
from ganzoo_diffusion.denoisers import Denoised
from ganzoo_diffusion.one_step import pair_networks
from ganzoo_diffusion.options import DiffusersOptions
from ganzoo_diffusion.sources import DIFFUSERS, KEY, OWN, check_data

WEIGHTS = "diffusion_pytorch_model.safetensors"
PICKLE = "diffusion_pytorch_model.bin"
PREDICTIONS = ("epsilon", "v_prediction", "sample")
SCHEDULE = (  # what a scheduler's file says of the noise levels, by which DDPM's is built
    "num_train_timesteps", "beta_start", "beta_end", "beta_schedule", "trained_betas", "prediction_type",
    "rescale_betas_zero_snr",
)  # fmt: skip


def build(options: DiffusersOptions, data: DataInfo) -> Networks:
    """Build the networks of `one-step-diffusers`.

    Raises:
        UsageError: No denoiser is named, or it makes other images than those of the dataset.
        NotFound: There is no such folder, and the options have no `config`.
    """
    if not (options.denoiser or options.config):
        raise UsageError(f"arch '{DIFFUSERS}' needs a denoiser: add {KEY}=FOLDER, or train one with --arch {OWN}")
    config = json.loads(options.config or read_config(options.denoiser))
    unet, name = config["unet"], options.denoiser
    if not name:  # random weights, for whatever data
        channels = data.shape[0]
        unet |= {"in_channels": channels, "out_channels": channels, "num_class_embeds": data.num_classes or None}
        return pair_networks(options, data, partial(WrappedUNet, config), None)
    size = unet["sample_size"]
    sides = data.shape[1:] if size is None else (size, size) if isinstance(size, int) else tuple(size)
    check_data(name, (unet["in_channels"], *sides), unet.get("num_class_embeds") or 0, data)
    return pair_networks(options, data, partial(WrappedUNet, config), partial(load_weights, name))


def settle(options: DiffusersOptions) -> DiffusersOptions:
    """Return options with the absolute path of the denoiser, and with its networks, so that a package needs neither."""
    if not options.denoiser or (not Path(options.denoiser).expanduser().is_dir() and options.config):
        return options
    config = read_config(options.denoiser)
    return replace(options, denoiser=str(Path(options.denoiser).expanduser().resolve()), config=config)


class WrappedUNet(nn.Module):
    """A `UNet2DModel` as a `Denoiser`.

    It was trained on x_t = sqrt(a_t) x_0 + sqrt(1 - a_t) e, where a_t is ``alphas_cumprod`` (Ho et al. 2020,
    arXiv:2006.11239, eq. 4). That is (x_0 + sigma e) / sqrt(1 + sigma^2) with sigma^2 = (1 - a_t) / a_t, so a noise
    level becomes the nearest timestep, and x_0 follows from what is predicted: e, x_0 itself, or
    v = sqrt(a_t) e - sqrt(1 - a_t) x_0 (Salimans & Ho 2022, arXiv:2202.00512, appendix D).

    Args:
        config: The configurations ``unet`` and ``scheduler``, as `read_config` returns them.
    """

    levels: Tensor
    sigma_max: Tensor

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__()
        make_unet: Any = UNet2DModel.from_config  # it has no types
        make_scheduler: Any = DDPMScheduler.from_config
        self.unet = make_unet(config["unet"])
        self.prediction = config["scheduler"].get("prediction_type", "epsilon")
        wide = config["unet"]["block_out_channels"]
        self.widths = (wide[-1], *reversed(wide))
        shares = make_scheduler(config["scheduler"]).alphas_cumprod
        levels = ((1 - shares) / shares).sqrt()
        self.register_buffer("levels", levels, persistent=False)
        self.register_buffer("sigma_max", levels[-1].clone(), persistent=False)

    def forward(self, x: Tensor, sigma: Tensor, labels: Tensor | None = None) -> Denoised:
        """Return the predicted samples, and the maps of the middle block and of each block after it."""
        timesteps = (sigma[:, None].log() - self.levels.log()).abs().argmin(1)
        level = sigma.view(-1, 1, 1, 1)
        total = 1 + level.square()
        maps: list[Tensor] = []
        blocks = (self.unet.mid_block, *self.unet.up_blocks)
        hooks = [each.register_forward_hook(lambda _module, _given, found: maps.append(found)) for each in blocks]
        try:
            found = self.unet(x * total.rsqrt(), timesteps, labels, return_dict=False)[0]
        finally:
            for hook in hooks:
                hook.remove()
        found = found[:, : x.shape[1]]  # further channels are variances
        if self.prediction == "epsilon":
            found = x - level * found
        elif self.prediction == "v_prediction":
            found = x / total - level * total.rsqrt() * found
        return Denoised(found, maps)


def read_config(folder: str) -> str:
    """Return the configurations of a folder as JSON: ``unet``, and of ``scheduler`` what noise levels follow from.

    Raises:
        NotFound: There is no such folder.
        UsageError: The folder has no `UNet2DModel`, a latent one, or a scheduler without betas.
    """
    path = Path(folder).expanduser()
    if not path.is_dir():
        raise NotFound(
            f"{KEY}: folder {folder!r} does not exist: give one that diffusers stored, such as by `hf download`"
        )
    index = _read_json(path / "model_index.json")
    unet = _read_json(path / "unet" / "config.json") or _read_json(path / "config.json")
    kind = unet.get("_class_name", "")
    if {"vae", "vqvae", "text_encoder"} & index.keys() or kind == "UNet2DConditionModel":
        raise UsageError(
            f"{KEY}={folder} makes latents of an autoencoder, or needs text: give a folder whose UNet2DModel makes "
            "images from classes or from nothing, such as a DDPMPipeline"
        )
    if kind != "UNet2DModel":
        what = f"a {kind}, not" if kind else "no config.json of"
        raise UsageError(f"{KEY}={folder} has {what} a UNet2DModel: give the folder of a pipeline such as DDPMPipeline")
    scheduler = _read_json(path / "scheduler" / "scheduler_config.json") or _read_json(path / "scheduler_config.json")
    if "beta_schedule" not in scheduler or scheduler.get("prediction_type", "epsilon") not in PREDICTIONS:
        what = scheduler.get("_class_name") or "no scheduler"
        raise UsageError(
            f"{KEY}={folder} has {what}, from which no noise levels follow: give the folder of a whole pipeline with a "
            "scheduler such as DDPMScheduler"
        )
    kept = {
        "unet": {key: value for key, value in unet.items() if key != "_name_or_path"},
        "scheduler": {key: scheduler[key] for key in SCHEDULE if key in scheduler},
    }
    return json.dumps(kept, sort_keys=True)


def load_weights(folder: str, denoiser: WrappedUNet) -> None:
    """Give a denoiser the weights in a folder.

    Raises:
        NotFound: There is no such folder, or it has no weights.
        UsageError: The weights are in a pickle alone, or in several files.
        Corrupt: The file is damaged, or does not fit the configuration beside it.
    """
    path = Path(folder).expanduser()
    inner = path / "unet" if (path / "unet").is_dir() else path
    file = inner / WEIGHTS
    if not file.is_file():
        if not inner.is_dir():
            raise NotFound(f"{KEY}: folder {folder!r} does not exist: give the one that has the denoiser's weights")
        if (inner / PICKLE).exists():
            raise UsageError(
                f"{inner} has its weights in a pickle alone, which may run code: store it again with diffusers' "
                "save_pretrained(FOLDER, safe_serialization=True)"
            )
        raise NotFound(f"{inner} has no {WEIGHTS}: download the whole folder, in one file of weights")
    try:
        denoiser.unet.load_state_dict(load_file(file))
    except (SafetensorError, RuntimeError, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise Corrupt(f"{file} is damaged, or does not fit the config.json beside it: {reason}") from error


def _read_json(path: Path) -> dict[str, Any]:
    """Return a file of JSON; empty if there is none. Raise Corrupt if it is something else."""
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise Corrupt(f"{path} is not a file of JSON: download it again") from error
    return found if isinstance(found, dict) else {}
