"""Denoisers of diffusers as generators of one step: their predictions, their folders, and a training."""

from __future__ import annotations

import json
import shutil
import subprocess
from importlib.util import find_spec

import pytest
import torch

import ganzoo
from ganzoo.errors import GanzooError, UsageError
from ganzoo.plugin import DataInfo
from ganzoo.testing import collect_checks

needs_diffusers = pytest.mark.skipif(find_spec("diffusers") is None, reason="diffusers is not installed")
UNET = {
    "sample_size": 8, "in_channels": 3, "out_channels": 3, "block_out_channels": (8, 16), "layers_per_block": 1,
    "down_block_types": ("DownBlock2D", "AttnDownBlock2D"), "up_block_types": ("AttnUpBlock2D", "UpBlock2D"),
    "norm_num_groups": 4,
}  # fmt: skip
COLOURS = DataInfo(shape=(3, 8, 8))


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def store(folder, scheduler=(), **unet):
    """Store a pipeline with random weights, and return its U-Net and its scheduler."""
    import diffusers

    torch.manual_seed(0)
    network = diffusers.UNet2DModel(**{**UNET, **unet}).eval()
    schedule = diffusers.DDPMScheduler(clip_sample=False, **dict(scheduler))
    diffusers.DDPMPipeline(network, schedule).save_pretrained(folder)
    return network, schedule


def draw(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


def build(data=COLOURS, **values):
    return ganzoo.create("architecture", "one-step-diffusers", data=data, width_d=4, **values)


@needs_diffusers
@pytest.mark.parametrize(
    "scheduler",
    [
        {"prediction_type": "epsilon"},
        {"prediction_type": "v_prediction", "beta_schedule": "scaled_linear", "beta_start": 1e-3},
        {"prediction_type": "sample", "beta_schedule": "squaredcos_cap_v2"},
    ],
)
def test_predictions_are_those_of_diffusers(folder, scheduler):
    network, schedule = store("pipe", scheduler, num_class_embeds=3)
    data = DataInfo(shape=(3, 8, 8), num_classes=3)
    generator = build(data, denoiser="pipe").generator.eval()
    x, labels = draw(2, 3, 8, 8), torch.tensor([0, 2])
    for t in (0, 1, 250, 700, 990):
        share = schedule.alphas_cumprod[t]
        with torch.no_grad():
            output = network(x, t, labels).sample
            expected = schedule.step(output, t, x).pred_original_sample
            found = generator.denoise(x / share.sqrt(), ((1 - share) / share).sqrt().expand(2), labels)
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))
    highest = ((1 - schedule.alphas_cumprod[-1]) / schedule.alphas_cumprod[-1]).sqrt()
    z = draw(2, 192)
    with torch.no_grad():
        last = generator.denoise(highest * z.view(2, 3, 8, 8), highest.expand(2), labels)
        assert torch.equal(generator(z, labels), last)


@needs_diffusers
def test_a_folder_in_one_level_is_read_too(folder):
    network, _ = store("pipe")
    for file in ("unet/config.json", "unet/diffusion_pytorch_model.safetensors", "scheduler/scheduler_config.json"):
        (folder / "flat").mkdir(exist_ok=True)
        shutil.copy(folder / "pipe" / file, folder / "flat")
    generator = build(denoiser="flat").generator
    generator(torch.zeros(1, 192))
    stored = generator.denoiser.unet.state_dict()
    assert all(torch.equal(tensor, stored[name]) for name, tensor in network.state_dict().items())


@needs_diffusers
def test_a_published_generator_needs_no_folder(folder):
    store("pipe", in_channels=1, out_channels=1)
    given = {"train.batch": 4, "dataset.size": 8, "arch.denoiser": "pipe", "arch.width_d": 4}
    run = ganzoo.train(
        arch="one-step-diffusers", dataset="digits", images=8, reg="distillation", options=given, device="cpu",
        progress=False,
    )  # fmt: skip
    assert run.recipe()["frozen"]["discriminator.backbone"]["name"] == "denoiser pipe"
    shutil.rmtree(folder / "pipe")
    ganzoo.package(run.path, "model")
    assert ganzoo.load("./model").sample(2).shape == (2, 8, 8, 1)
    assert str(folder) not in (folder / "model" / "config.json").read_text()
    with pytest.raises(GanzooError, match=r"folder '.*' does not exist"):
        ganzoo.train(resume=run.path, images=16, progress=False)


@needs_diffusers
@pytest.mark.parametrize(
    ("spoil", "data", "text"),
    [
        (None, DataInfo(shape=(3, 16, 16)), r"images of 8x8 pixels, .* are 16x16: add dataset.size=8"),
        (None, DataInfo(shape=(1, 8, 8)), r"makes images of 3 channels, and those of the dataset have 1"),
        (None, DataInfo(shape=(3, 8, 8), num_classes=5), r"has 0 classes, and the run has 5: remove --conditional"),
        ("rm -r pipe", COLOURS, r"folder 'pipe' does not exist: give one that diffusers stored"),
        ("mv pipe/unet/*.safetensors pipe/unet/diffusion_pytorch_model.bin", COLOURS, r"pickle alone.*safe_serializ"),
        ("rm pipe/unet/*.safetensors", COLOURS, r"has no diffusion_pytorch_model.safetensors: download the whole"),
        ("echo 12345678 > pipe/unet/diffusion_pytorch_model.safetensors", COLOURS, r"is damaged, or does not fit"),
        ("echo { > pipe/unet/config.json", COLOURS, r"config.json is not a file of JSON"),
        ("rm pipe/unet/config.json", COLOURS, r"has no config.json of a UNet2DModel"),
        ("rm -r pipe/scheduler", COLOURS, r"has no scheduler, from which no noise levels follow"),
        ('sed -i \'s/"unet"/"vae"/\' pipe/model_index.json', COLOURS, r"makes latents of an autoencoder"),
        ("sed -i s/UNet2DModel/UNet2DConditionModel/ pipe/unet/config.json", COLOURS, r"or needs text: give a folder"),
    ],
)
def test_a_folder_that_cannot_be_used_is_one_sentence(folder, spoil, data, text):
    store("pipe")
    if spoil:
        subprocess.run(spoil, shell=True, check=True)
    with pytest.raises(GanzooError, match=text) as caught:
        build(data, denoiser="pipe").generator(torch.zeros(1, 192))
    assert "\n" not in str(caught.value)


CONFIG = json.dumps(
    {"unet": {**UNET, "num_class_embeds": None}, "scheduler": {"beta_schedule": "linear", "prediction_type": "sample"}}
)
CHECKS = (
    collect_checks("diffusion:one-step-diffusers", options={"config": CONFIG, "width_d": 4}, data=[COLOURS])
    if find_spec("diffusers")
    else []
)


@pytest.mark.parametrize("check", [pytest.param(each, id=each.name) for each in CHECKS])
def test_contract(check):
    result = check.run()
    if result.status == "SKIP":
        pytest.skip(result.message)
    assert result.status == "PASS", result.message


@needs_diffusers
def test_without_a_denoiser_there_is_nothing_to_wrap():
    with pytest.raises(UsageError, match=r"needs a denoiser: add arch.denoiser=FOLDER, or train one with --arch one-s"):
        build()
