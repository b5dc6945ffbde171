"""Assembling a GAN: contracts are checked, weights depend on the seed, frozen and scheduled parts stay so."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

import pytest
import torch
from torch import nn

import ganzoo
from ganzoo.engine.update import update_discriminator, update_generator
from ganzoo.errors import GanzooError, UsageError
from ganzoo.plugin import (
    Architecture,
    DataInfo,
    Dataset,
    DiscriminatorOutput,
    Loss,
    Metric,
    Networks,
    Regularizer,
    Tracker,
    hookimpl,
    option,
)
from ganzoo.registry import register
from toys import ToyDiscriminator, ToyGenerator, ToyOptions

TOY = ToyOptions()
DATA = DataInfo(shape=(1, 4, 4))


def plugin(monkeypatch, **hooks) -> ModuleType:
    """Register a module with hooks that yield the given specs, and with the given factories."""
    module = ModuleType("strange")
    for name, value in hooks.items():
        if name.startswith("ganzoo_"):
            value = hookimpl(lambda value=value: value, specname=name)
        setattr(module, name, value)
    monkeypatch.setitem(__import__("sys").modules, "strange", module)
    assert register(module).error == ""
    return module


def architecture(**fields) -> list[Architecture]:
    fields = {"recommended": {"loss": "toy-bce", "train.batch": 16}, "conditional": "optional"} | fields
    return [Architecture(name="strange", summary="Strange.", factory="strange:build", **fields)]


# ----------------------------------------------------------------------------
# The contract.


@pytest.mark.parametrize(
    ("generator", "discriminator", "words"),
    [
        (lambda z, y: z, None, r"its generator returned \[2, 4\] for 2 latents, not \[2, 1, 4, 4\]"),
        (None, lambda x, y: x.mean(), r"its discriminator returned \[\] for 2 samples"),
        (None, lambda x, y: [x.mean((1, 2, 3)), x[:1]], r"its discriminator returned \[1, 1, 4, 4\] for 2 samples"),
        (
            None,
            lambda x, y: 1 / 0,
            r"failed in its first forward: ZeroDivisionError: division by zero \(.*test_gan.py:\d+",
        ),
        (lambda z, y: None, None, "its generator returned NoneType for 2 latents"),
        (None, lambda x, y: None, "its discriminator returned NoneType for 2 samples"),
        (None, lambda x, y: [], "its discriminator returned list for 2 samples"),
        (
            None,
            lambda x, y: DiscriminatorOutput([x.mean((1, 2, 3)), x.mean((1, 2, 3))], weights=(1.0, 0.5, 0.25)),
            "its discriminator returned 3 weights for 2 tensors of logits, not one for each",
        ),
    ],
)
def test_networks_that_break_the_contract_are_refused(make, monkeypatch, generator, discriminator, words):
    class Wrapped(nn.Module):
        def __init__(self, call):
            super().__init__()
            self.call, self.weight = call, nn.Parameter(torch.zeros(1))

        def forward(self, x, labels=None):
            return self.call(x, labels)

    def build(options, data):
        g = Wrapped(generator) if generator else ToyGenerator(TOY, data)
        d = Wrapped(discriminator) if discriminator else ToyDiscriminator(TOY, data)
        return Networks(g, d, 4)

    plugin(monkeypatch, ganzoo_architectures=architecture(), build=build)
    with pytest.raises(GanzooError, match=f"arch 'strange' of plugin 'strange'.*{words}"):
        make({"arch": "strange"})


def test_networks_that_share_parameters_are_refused(make, monkeypatch):
    def build(options, data):
        g, d = ToyGenerator(TOY, data), ToyDiscriminator(TOY, data)
        d.same = next(g.parameters())
        return Networks(g, d, 4)

    plugin(monkeypatch, ganzoo_architectures=architecture(), build=build)
    with pytest.raises(
        GanzooError, match=r"its networks share parameters \(1\): give each network its own, since one is frozen"
    ):
        make({"arch": "strange"})


def test_a_forward_without_labels_is_refused_with_its_line(make, monkeypatch):
    class Unlabelled(ToyGenerator):
        def forward(self, z):
            return super().forward(z)

    made = Networks(Unlabelled(TOY, DATA), ToyDiscriminator(TOY, DATA), 4)
    plugin(monkeypatch, ganzoo_architectures=architecture(), build=lambda options, data: made)
    with pytest.raises(GanzooError, match=r"forward is defined with \(z\) and called with .* \(.*test_gan.py:\d+\)"):
        make({"arch": "strange"})


def test_another_type_than_networks_is_refused(make, monkeypatch):
    plugin(monkeypatch, ganzoo_architectures=architecture(), build=lambda options, data: nn.Linear(1, 1))
    with pytest.raises(GanzooError, match=r"built Linear, not ganzoo.plugin.Networks"):
        make({"arch": "strange"})


def test_the_first_forward_changes_no_state(make):
    gan, _ = make({"arch.norm": True})
    assert gan.generator.training
    assert gan.discriminator.training
    counts = [buffer for name, buffer in gan.generator.named_buffers() if "num_batches" in name]
    assert counts == [0]


# ----------------------------------------------------------------------------
# Weights.


def test_weights_depend_on_the_seed_alone(make):
    one, _ = make()
    torch.rand(7)
    two, _ = make()
    other, _ = make({"train.seed": 1})
    weight = [gan.generator.net[0].weight for gan in (one, two, other)]
    assert torch.equal(weight[0], weight[1])
    assert not torch.equal(weight[0], weight[2])


def test_draws_of_prepare_depend_on_the_seed_too(make, monkeypatch):
    class Spectral:
        def __init__(self, options, data):
            pass

        def prepare(self, networks):
            nn.utils.parametrizations.spectral_norm(networks.discriminator.net[0])

    spec = Regularizer(name="spectral", summary="SN.", factory="strange:Spectral")
    plugin(monkeypatch, ganzoo_regularizers=[spec], Spectral=Spectral)
    states = []
    for _ in range(2):
        gan, batches = make({"reg": "spectral"})
        update_discriminator(gan, batches, 0)
        states.append(gan.discriminator.state_dict())
        torch.rand(5)
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_parameters_that_an_architecture_froze_stay_frozen(make, monkeypatch):
    def build(options, data):
        networks = Networks(ToyGenerator(TOY, data), ToyDiscriminator(TOY, data), 4)
        networks.discriminator.net.requires_grad_(False)
        networks.generator.net[0].requires_grad_(False)
        return networks

    plugin(monkeypatch, ganzoo_architectures=architecture(), build=build)
    gan, batches = make({"arch": "strange"})
    frozen = [*gan.discriminator.net.parameters(), *gan.generator.net[0].parameters()]
    free = [*gan.discriminator.one.parameters(), *gan.generator.net[2].parameters()]
    before = [[p.detach().clone() for p in group] for group in (frozen, free)]
    update_discriminator(gan, batches, 0)
    update_generator(gan, batches, 16, 0)
    assert all(torch.equal(a, b) for a, b in zip(before[0], frozen, strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(before[1], free, strict=True))


# ----------------------------------------------------------------------------
# Schedules.


@dataclass(frozen=True, kw_only=True)
class NoiseOptions:
    noise: float = option(1.0, help="A number.", schedulable=True)
    pair: tuple[float, float] = option((0.0, 1.0), help="Two numbers.", schedulable=True)


def test_a_scheduled_option_of_an_architecture_reaches_both_generators_and_a_loaded_one(make, monkeypatch):
    class Noisy(ToyGenerator):
        def __init__(self, options, data):
            super().__init__(TOY, data)
            self.noise, self.pair = options.noise, options.pair

        def forward(self, z, labels=None):
            return super().forward(z, labels) * self.noise * self.pair[1]

    def build(options, data):
        return Networks(Noisy(options, data), ToyDiscriminator(TOY, data), 4)

    plugin(monkeypatch, ganzoo_architectures=architecture(options=NoiseOptions), build=build)
    settings = {"arch.noise": "linear(1, 0.5, images=64)", "arch.pair": "0,linear(1, 0.5, images=64)"}
    gan, batches = make({"arch": "strange", **settings})
    update_discriminator(gan, batches, 32)
    assert gan.generator.noise.item() == gan.ema.network.noise.item() == 0.75
    assert gan.generator.pair[1].item() == gan.ema.network.pair[1].item() == 0.75
    assert gan.generator.pair[0] == 0.0
    run = ganzoo.train(arch="strange", dataset="toy-array", images=64, options=settings)
    assert (ganzoo.load(run).network.noise, ganzoo.load(run).network.pair) == (0.5, (0.0, 0.5))


def test_options_outside_training_cannot_be_scheduled():
    for kind in (Dataset, Metric):
        with pytest.raises(ValueError, match="option 'noise' cannot be schedulable"):
            kind(name="x", summary="X.", factory="a:b", options=NoiseOptions)
    Loss(name="x", summary="X.", factory="a:b", options=NoiseOptions)


# ----------------------------------------------------------------------------
# Around a run.


def test_training_and_loading_keep_the_callers_random_numbers_and_flags(toys):
    torch.manual_seed(3)
    state, flag = torch.get_rng_state(), torch.backends.cuda.matmul.allow_tf32
    run = ganzoo.train(arch="toy", dataset="toy-array", images=32, options={"train.precision": "bf16"})
    ganzoo.load(run).sample(2)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.backends.cuda.matmul.allow_tf32 == flag


def test_an_error_of_a_dataset_is_not_reported_as_the_runs(toys, monkeypatch):
    def update(*args):
        raise FileNotFoundError(2, "No such file or directory", "shard-0007.tar")

    monkeypatch.setattr("ganzoo.engine.rounds.update_generator", update)
    with pytest.raises(FileNotFoundError, match=r"shard-0007.tar"):
        ganzoo.train(arch="toy", dataset="toy-array", images=32)


def test_a_run_reports_that_its_data_changed(toys):
    run = ganzoo.train(arch="toy", dataset="toy-array", images=32)
    before = toys.ToyArray.__init__

    def fewer(self, options):
        before(self, toys.ArrayOptions(num=options.num - 1))

    def other(self, options):
        before(self, options)
        self.info = DataInfo(shape=(1, 8, 8), num_classes=2)
        self.data = self.data.repeat(2, 2).repeat(2, 3)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(toys.ToyArray, "__init__", fewer)
        ganzoo.train(resume=run, images=64)
        assert "the dataset changed: there were 40 samples and there are 39" in (run.path / "log.txt").read_text()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(toys.ToyArray, "__init__", other)
        with pytest.raises(UsageError, match=r"the dataset changed: shape was \[1, 4, 4\] and is \[1, 8, 8\]"):
            ganzoo.train(resume=run, images=96)


def test_a_tracker_that_cannot_be_built_leaves_no_empty_run(toys, tmp_path, monkeypatch):
    spec = Tracker(name="broken", summary="Fails.", factory="strange:Broken")
    plugin(monkeypatch, ganzoo_trackers=[spec], Broken=lambda options: 1 / 0)
    with pytest.raises(GanzooError, match="tracker 'broken' of plugin 'strange' failed"):
        ganzoo.train(arch="toy", dataset="toy-array", tracker="broken")
    assert not (tmp_path / "runs").exists()


def test_float_labels_come_from_a_dataset_in_python(make, monkeypatch):
    class Attributes:
        def __init__(self, options):
            self.info = DataInfo(shape=(1, 4, 4), label_shape=(3,))
            self.data, self.labels = torch.zeros(20, 1, 4, 4, dtype=torch.uint8), torch.rand(20, 3)

    class Net(nn.Module):
        def __init__(self, inputs, shape):
            super().__init__()
            self.net, self.shape = nn.Linear(inputs + 3, int(torch.Size(shape).numel())), shape

        def forward(self, x, labels=None):
            return self.net(torch.cat([x.flatten(1), labels], 1)).view(-1, *self.shape)

    plugin(
        monkeypatch,
        ganzoo_architectures=architecture(),
        ganzoo_datasets=[Dataset(name="attributes", summary="Floats.", factory="strange:Attributes")],
        build=lambda options, data: Networks(Net(4, data.shape), Net(16, (1,)), 4),
        Attributes=Attributes,
    )
    run = ganzoo.train(arch="strange", dataset="attributes", conditional=True, images=32)
    generator = ganzoo.load(run)
    assert generator.sample(2, labels=torch.rand(2, 3)).shape == (2, 4, 4, 1)
    with pytest.raises(UsageError, match=r"labels of this model are arrays \[2, 3\]: give them in Python"):
        generator.sample(2)


def test_an_unknown_latent_is_refused(make, monkeypatch):
    made = Networks(ToyGenerator(TOY, DATA), ToyDiscriminator(TOY, DATA), 4, "gaussian")
    plugin(monkeypatch, ganzoo_architectures=architecture(), build=lambda options, data: made)
    with pytest.raises(GanzooError, match=r"latent 'gaussian' is not one of 'normal', 'uniform', 'normal\+onehotK'"):
        make({"arch": "strange"})


class Strange:
    def __init__(self, options: object, data: DataInfo) -> None:
        pass


class Each(Strange):
    def discriminator(self, step):
        return step.real_output.logits


def regularizer(name: str) -> list[Regularizer]:
    return [Regularizer(name="strange", summary="Strange.", factory=f"strange:{name}")]


def test_a_term_that_is_not_a_scalar_is_refused(make, monkeypatch):
    plugin(monkeypatch, ganzoo_regularizers=regularizer("Each"), Each=Each)
    gan, batches = make({"reg": "strange"})
    with pytest.raises(GanzooError, match=r"regularizer 'strange' returned \[16\], not a scalar tensor: take the mean"):
        update_discriminator(gan, batches, 0)


class Vector(Strange):
    def discriminator(self, real, fake):
        return fake - real

    def generator(self, fake, real):
        return fake.mean().item()


class Misspelt(Strange):
    def discriminator(self, real, fake):
        return fake.mean()

    def generater(self, fake, real):
        return -fake.mean()


def test_a_loss_that_is_not_a_scalar_is_refused(make, monkeypatch):
    loss = [Loss(name="strange", summary="Strange.", factory="strange:Vector")]
    plugin(monkeypatch, ganzoo_losses=loss, Vector=Vector)
    gan, batches = make({"loss": "strange"})
    with pytest.raises(GanzooError, match=r"loss 'strange' returned \[16, 1\], not a scalar tensor: take the mean"):
        update_discriminator(gan, batches, 0)
    with pytest.raises(GanzooError, match=r"loss 'strange' returned float, not a scalar tensor"):
        update_generator(gan, batches, 0, 0)


def test_logits_of_unequal_shapes_are_refused_for_every_loss(make):
    gan, _ = make()
    with pytest.raises(GanzooError, match=r"D returned logits \[4, 1\] and \[4, 3\] for equal batches"):
        gan.member_loss("discriminator", torch.zeros(4, 1), torch.zeros(4, 3))
    with pytest.raises(GanzooError, match=r"D returned logits \[4, 1\] and \[1, 1\] for equal batches"):
        gan.member_loss("generator", torch.zeros(4, 1), torch.zeros(1, 1))


def test_a_loss_without_a_method_is_refused_before_training(make, monkeypatch):
    loss = [Loss(name="strange", summary="Strange.", factory="strange:Misspelt")]
    plugin(monkeypatch, ganzoo_losses=loss, Misspelt=Misspelt)
    with pytest.raises(GanzooError, match=r"Misspelt has no generator\(fake, real\): did you mean 'generater'"):
        make({"loss": "strange"})


def test_a_regularizer_without_any_method_is_refused(make, monkeypatch):
    plugin(monkeypatch, ganzoo_regularizers=regularizer("Strange"), Strange=Strange)
    with pytest.raises(
        GanzooError, match=r"'strange' has none of prepare, .*, replace_fakes, weigh_adversarial, after_step: it would"
    ):
        make({"reg": "strange"})
