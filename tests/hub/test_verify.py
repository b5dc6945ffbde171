"""`ganzoo verify` prints the passed checks in numbers; a failed check is an error."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from onhub import edit, replace, rewrite

import ganzoo
from ganzoo.errors import Corrupt, MissingPlugin, NotFound


def test_a_package_a_run_and_a_model_on_the_hub_are_verified(hub, package, repo, new_cache):
    held = ganzoo.verify(package, "cpu")
    assert held.files == ("model.safetensors", "discriminator.safetensors", "reference.safetensors", "samples.png")
    assert (held.tensors, held.samples) == (9, 8)
    assert held.difference <= 1e-6
    run = ganzoo.train(arch="toy", dataset="toy-points", images=64, device="cpu")
    assert ganzoo.verify(run, "cpu").samples == 8
    ganzoo.publish(package, repo)
    new_cache()
    said: list[str] = []
    there = ganzoo.verify(repo, "cpu", notify=said.append)
    assert there.files == tuple(name for name in held.files if name != "discriminator.safetensors")
    assert (there.tensors, there.samples, there.difference) == (held.tensors, held.samples, held.difference)
    assert said[0].startswith(f"{repo} at ")


def test_a_conditional_model_is_verified_with_its_labels(toys):
    run = ganzoo.train(arch="toy", dataset="toy-array", images=64, conditional=True, device="cpu")
    assert ganzoo.verify(run, "cpu").samples == 8
    bad = Path(shutil.copytree(run.package, "bad"))
    rewrite(bad, "reference.safetensors", lambda held: held.update(labels=held["labels"].flip(0)))
    with pytest.raises(Corrupt, match="does not reproduce its reference samples: they differ by"):
        ganzoo.verify(bad, "cpu")
    for labels in (torch.full((8,), 2), torch.full((8,), -1)):
        rewrite(bad, "reference.safetensors", lambda held, labels=labels: held.update(labels=labels))
        with pytest.raises(Corrupt, match="contains labels that the model does not have"):
            ganzoo.verify(bad, "cpu")


@pytest.mark.parametrize("change", [1.05, 0.0])
def test_other_weights_are_noticed_though_all_hashes_are_right(package, change):
    rewrite(package, "model.safetensors", lambda w: w["net.3.weight"].mul_(change))
    ganzoo.load(package, "cpu")
    with pytest.raises(Corrupt, match=r"differ by .* of their range \(0.001 is allowed\), so the plugin or"):
        ganzoo.verify(package, "cpu")


def test_small_differences_of_another_machine_are_allowed(package):
    rewrite(package, "reference.safetensors", lambda held: held["samples"].add_(1e-3))
    assert 4e-4 < ganzoo.verify(package, "cpu").difference < 6e-4


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda held: held.pop("z"), "contains no reference samples"),
        (lambda held: held.pop("samples"), "'samples' is missing"),
        (lambda held: held.update(more=torch.zeros(1)), "'more' is extra"),
        (lambda held: held.update(labels=torch.zeros(8, dtype=torch.int64)), "'labels' is extra"),
        (lambda held: held.update(z=held["z"].double()), "'z' is float64"),
        (lambda held: held.update(z=held["z"][:, :3].contiguous()), r"'z' is float32 \[8, 3\], not float32 \[8, 4\]"),
        (lambda held: held.update(samples=held["samples"][:4].contiguous()), "'samples' is float32"),
        (
            lambda held: held.update(z=torch.zeros(0, 4), samples=torch.zeros(0, 1, 4, 4)),
            "contains no reference samples",
        ),
        (lambda held: held.update(z=torch.zeros(99, 4), samples=torch.zeros(99, 1, 4, 4)), "contains no reference"),
        (lambda held: held["z"].fill_(float("nan")), "not finite"),
        (lambda held: held["samples"].fill_(float("inf")), "not finite"),
    ],
)
def test_reference_samples_of_a_stranger_are_checked_before_use(package, change, says):
    rewrite(package, "reference.safetensors", change)
    with pytest.raises(Corrupt, match=says):
        ganzoo.verify(package, "cpu")


def test_no_or_too_many_reference_samples_are_refused(package):
    replace(package, "reference.safetensors", b"none")
    with pytest.raises(Corrupt, match="is not a safetensors file"):
        ganzoo.verify(package, "cpu")
    numbers, z = 1 * 4 * 4, 4
    most = 2 * (1 << 20) + 8 * numbers + 4 * 64 * z + 4096
    replace(package, "reference.safetensors", b"0" * most)
    with pytest.raises(Corrupt, match="is not a safetensors file"):
        ganzoo.verify(package, "cpu")
    replace(package, "reference.safetensors", b"0" * (most + 1))
    with pytest.raises(Corrupt, match="is larger than reference samples can be"):
        ganzoo.verify(package, "cpu")


@pytest.mark.parametrize("name", ["model.safetensors", "reference.safetensors", "samples.png"])
def test_one_byte_of_any_file_is_found(package, name):
    path = package / name
    data = bytearray(path.read_bytes())
    data[-5] ^= 1
    path.write_bytes(data)
    with pytest.raises(Corrupt, match=f"{name} is damaged: its bytes differ from what was saved"):
        ganzoo.verify(package, "cpu")
    path.unlink()
    with pytest.raises(Corrupt, match=f"has no {name}: the package is incomplete"):
        ganzoo.verify(package, "cpu")


def test_a_discriminator_is_checked_too(toys, tmp_path):
    run = ganzoo.train(arch="toy", dataset="toy-array", images=64, device="cpu")
    directory = ganzoo.package(run, tmp_path / "with-d", device="cpu")
    assert "discriminator.safetensors" in ganzoo.verify(directory, "cpu").files
    rewrite(directory, "discriminator.safetensors", lambda w: w.update(more=torch.zeros(1)))
    with pytest.raises(Corrupt, match="'more' is extra"):
        ganzoo.verify(directory, "cpu")


def test_without_the_discriminator_or_its_regularizer_the_rest_is_verified(toys, tmp_path, call):
    import toy_terms
    from ganzoo.registry import register, registry

    register(toy_terms)
    run = ganzoo.train(arch="toy", dataset="toy-array", reg="toy-spectral", images=64, device="cpu")
    directory = ganzoo.package(run, tmp_path / "p", device="cpu")
    assert ganzoo.verify(directory, "cpu").unchecked == ""
    registry.cache_clear()
    register(toys)
    held = ganzoo.verify(directory, "cpu")
    assert "discriminator.safetensors" in held.files
    assert held.unchecked.startswith(
        "the bytes of discriminator.safetensors are correct, but it was not compared with its network: "
    )
    assert "reg 'toy_terms:toy-spectral', which is not installed" in held.unchecked
    path = directory / "discriminator.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    with pytest.raises(Corrupt, match=r"discriminator\.safetensors is damaged"):
        ganzoo.verify(directory, "cpu")
    path.unlink()
    done = call("verify", directory, "--device", "cpu")
    assert (done.code, done.out.splitlines()[-1].split()[0]) == (0, "unchecked")


def test_a_package_without_references_says_how_to_get_them(package):
    edit(package, lambda config: config["files"].pop("reference.safetensors"))
    with pytest.raises(NotFound, match="has no reference samples to reproduce: wait until the run ends"):
        ganzoo.verify(package, "cpu")
    edit(package, lambda config: config["recipe"]["arch"].update(name="acme:blobs"))
    with pytest.raises(MissingPlugin):
        ganzoo.verify(package, "cpu")


def test_the_command_lists_the_checks_and_exits_6_where_one_fails(package, call):
    done = call("verify", package, "--device", "cpu")
    assert done.code == 0, done.err
    assert [line.split()[0] for line in done.out.splitlines()] == ["files", "weights", "samples"]
    assert "1e-03 is allowed" in done.out
    rewrite(package, "model.safetensors", lambda w: w["net.3.bias"].add_(1))
    done = call("verify", package, "--device", "cpu")
    assert (done.code, done.out) == (6, "")
    assert json.loads((package / "config.json").read_text())
