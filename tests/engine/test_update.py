"""The algorithm compared with plain scripts of a few lines, and what it must never do."""

from __future__ import annotations

import copy
from collections import Counter
from dataclasses import fields

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from counting import Counting
from ganzoo.compute.device import precision as computed_in
from ganzoo.engine.forward import discriminate_float32
from ganzoo.engine.further import discriminate
from ganzoo.engine.gan import Gan
from ganzoo.engine.update import update_discriminator, update_generator, update_together
from ganzoo.errors import GanzooError, UsageError
from ganzoo.layers import input_gradients, logits, spectral_norm
from ganzoo.plugin import DiscriminatorOutput, Step


def weights(module: nn.Module) -> list[Tensor]:
    return [tensor.detach().clone() for tensor in module.state_dict().values()]


def same(left: list[Tensor], right: list[Tensor], atol: float = 0.0) -> bool:
    return all(torch.allclose(a, b, rtol=0, atol=atol) for a, b in zip(left, right, strict=True))


def round_of(gan: Gan, batches, images: int) -> int:
    """Make one round as the trainer does; return the images seen."""
    train = gan.recipe.train
    for _ in range(train.d_steps):
        update_discriminator(gan, batches, images)
        images += train.batch
    for step in range(train.g_steps):
        update_generator(gan, batches, images, step)
    return images


# ----------------------------------------------------------------------------
# Compared with a plain script.


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"train.d_steps": 2},
        {"train.g_steps": 2},
        {"train.g_batch": 24},
        {"train.d_steps": 3, "train.g_steps": 2},
    ],
)
def test_alternating_equals_the_plain_script(make, settings):
    gan, batches = make(settings)
    G, D = copy.deepcopy(gan.generator), copy.deepcopy(gan.discriminator)
    average = copy.deepcopy(G)
    adam_g = torch.optim.Adam(G.parameters(), 1e-2, betas=(0.9, 0.999))
    adam_d = torch.optim.Adam(D.parameters(), 1e-2, betas=(0.9, 0.999))
    train, images, mine = gan.recipe.train, 0, 0
    for _ in range(3):
        images = round_of(gan, batches, images)

        for _ in range(train.d_steps):
            (part,) = map(batches.finish, batches.discriminator(mine))
            loss = softplus(-D(part.real)).mean() + softplus(D(G(part.z).detach())).mean()
            adam_d.zero_grad()
            loss.backward()
            adam_d.step()
            mine += train.batch
        for step in range(train.g_steps):
            (part,) = map(batches.finish, batches.generator(mine, step))
            assert len(part.z) == (train.g_batch or train.batch)
            adam_g.zero_grad()
            softplus(-D(G(part.z))).mean().backward()
            adam_g.step()
            half_life = min(10_000, 0.05 * mine)
            beta = 0.5 ** (train.batch * train.d_steps / train.g_steps / half_life)
            with torch.no_grad():
                for held, now in zip(average.parameters(), G.parameters(), strict=True):
                    held.copy_(beta * held + (1 - beta) * now)
    assert images == mine
    assert same(weights(gan.generator), weights(G), 1e-7)
    assert same(weights(gan.discriminator), weights(D), 1e-7)
    assert same(weights(gan.ema.network), weights(average), 1e-6)


def average_of(average: nn.Module, now: nn.Module, images: int) -> None:
    """Move the average as an update of 16 images does with the default settings."""
    beta = 0.5 ** (16 / min(10_000, 0.05 * images))
    with torch.no_grad():
        for held, value in zip(average.parameters(), now.parameters(), strict=True):
            held.copy_(beta * held + (1 - beta) * value)


@pytest.mark.parametrize("pairs", [False, True])
def test_shared_equals_the_plain_script(make, pairs):
    """As in many public loops: one batch of fakes, detached for D's step; G's step goes through the updated D."""
    gan, batches = make({"train.update": "shared", "loss": "toy-pairs" if pairs else "toy-bce"})
    G, D = copy.deepcopy(gan.generator), copy.deepcopy(gan.discriminator)
    average = copy.deepcopy(G)
    adam_g, adam_d = torch.optim.Adam(G.parameters(), 1e-2), torch.optim.Adam(D.parameters(), 1e-2)
    for images in (0, 16, 32):
        update_together(gan, batches, images)

        (part,) = map(batches.finish, batches.discriminator(images))
        fake = G(part.z)
        r, f = D(part.real), D(fake.detach())
        adam_d.zero_grad()
        (softplus(f - r).mean() if pairs else softplus(-r).mean() + softplus(f).mean()).backward()
        adam_d.step()
        adam_g.zero_grad()
        f = D(fake)
        (softplus(D(part.real) - f).mean() if pairs else softplus(-f).mean()).backward()
        adam_g.step()
        average_of(average, G, images + 16)
    assert same(weights(gan.generator), weights(G), 1e-7)
    assert same(weights(gan.discriminator), weights(D), 1e-7)
    assert same(weights(gan.ema.network), weights(average), 1e-6)


@pytest.mark.parametrize("pairs", [False, True])
def test_simultaneous_equals_the_plain_script(make, pairs):
    """As in TensorFlow's tutorial: both gradients from one forward of D, then both steps."""
    gan, batches = make({"train.update": "simultaneous", "loss": "toy-pairs" if pairs else "toy-bce"})
    G, D = copy.deepcopy(gan.generator), copy.deepcopy(gan.discriminator)
    average = copy.deepcopy(G)
    adam_g, adam_d = torch.optim.Adam(G.parameters(), 1e-2), torch.optim.Adam(D.parameters(), 1e-2)
    for images in (0, 16, 32):
        update_together(gan, batches, images)

        (part,) = map(batches.finish, batches.discriminator(images))
        r, f = D(part.real), D(G(part.z))
        loss_d = softplus(f - r).mean() if pairs else softplus(-r).mean() + softplus(f).mean()
        loss_g = softplus(r - f).mean() if pairs else softplus(-f).mean()
        gradients_d = torch.autograd.grad(loss_d, list(D.parameters()), retain_graph=True)
        gradients_g = torch.autograd.grad(loss_g, list(G.parameters()))
        for adam, network, gradients in ((adam_d, D, gradients_d), (adam_g, G, gradients_g)):
            for parameter, gradient in zip(network.parameters(), gradients, strict=True):
                parameter.grad = gradient
            adam.step()
        average_of(average, G, images + 16)
    assert same(weights(gan.generator), weights(G), 1e-7)
    assert same(weights(gan.discriminator), weights(D), 1e-7)
    assert same(weights(gan.ema.network), weights(average), 1e-6)


def test_the_orders_differ(make):
    ends = []
    for order in ("alternating", "shared", "simultaneous"):
        gan, batches = make({"train.update": order})
        for images in (0, 16, 32):
            round_of(gan, batches, images) if order == "alternating" else update_together(gan, batches, images)
        ends.append(weights(gan.generator))
    assert not any(same(a, b, 1e-5) for a, b in ((ends[0], ends[1]), (ends[0], ends[2]), (ends[1], ends[2])))


@pytest.mark.parametrize("order", ["shared", "simultaneous"])
def test_lazy_regularizers_follow_both_steps_on_the_same_batch(make, order):
    settings = {"train.update": order, "reg": "toy-means,toy-r1", "train.d_reg_interval": 2, "train.g_reg_interval": 3}
    gan, batches = make(settings)
    average, seen = copy.deepcopy(gan.generator), []
    for images in range(0, 112, 16):
        seen.append(sorted(key for key in update_together(gan, batches, images) if "reg.toy" in key))
        average_of(average, gan.generator, images + 16)  # once an update, after G's last step
    assert same(weights(gan.ema.network), weights(average), 1e-6)
    d, g = ["reg.toy-means/d", "reg.toy-r1/d"], ["reg.toy-means/g"]
    both = sorted([*d, *g])
    assert seen == [both, [], d, g, d, [], both]
    (part,) = map(batches.finish, batches.discriminator(96))
    assert torch.equal(gan.regularizers["toy-means"].steps[-1].z, part.z)
    assert torch.equal(gan.regularizers["toy-r1"].steps[-1].real, part.real)


@pytest.mark.parametrize("order", ["shared", "simultaneous"])
@pytest.mark.parametrize("setting", ["d_steps=2", "g_steps=2", "g_batch=8", "micro_batch=4"])
def test_orders_on_one_batch_refuse_settings_that_need_several(make, order, setting):
    name, _, value = setting.partition("=")
    with pytest.raises(UsageError, match=f"remove train.{name}, or use train.update=alternating"):
        make({"train.update": order, f"train.{name}": value})


def test_the_script_detects_another_order(make):
    """If the generator is updated first, the weights differ."""
    gan, batches = make()
    other, others = make()
    round_of(gan, batches, 0)
    update_generator(other, others, 16, 0)
    update_discriminator(other, others, 0)
    assert not same(weights(gan.generator), weights(other.generator), 1e-5)


# ----------------------------------------------------------------------------
# Step isolation.


def test_the_generators_update_does_not_change_the_discriminator(make):
    gan, batches = make()
    update_discriminator(gan, batches, 0)
    before = weights(gan.discriminator)
    update_generator(gan, batches, 16, 0)
    assert same(before, weights(gan.discriminator))
    assert all(parameter.grad is None for parameter in gan.discriminator.parameters())


def test_the_discriminators_update_does_not_change_the_generator_and_has_no_graph_through_it(make):
    gan, batches = make({"reg": "toy-r1"})
    before = weights(gan.generator)
    update_discriminator(gan, batches, 0)
    assert same(before, weights(gan.generator))
    assert all(parameter.grad is None for parameter in gan.generator.parameters())
    (step,) = gan.regularizers["toy-r1"].steps
    assert step.fake.grad_fn is None


# ----------------------------------------------------------------------------
# Accumulation.


@pytest.mark.parametrize(
    "settings", [{}, {"reg": "toy-r1"}, {"reg": "toy-r1", "train.d_reg_interval": 2}, {"loss": "toy-pairs"}]
)
def test_micro_batches_add_up_to_the_whole(make, settings):
    settings = {**settings, "optim.g.name": "sgd", "optim.d.name": "sgd"}  # Adam would hide a gradient of another scale
    whole, whole_batches = make(settings)
    parts, parts_batches = make({**settings, "train.micro_batch": 4})
    assert len(list(parts_batches.discriminator(0))) == 4
    images = 0
    for _ in range(3):
        round_of(parts, parts_batches, images)
        images = round_of(whole, whole_batches, images)
    assert same(weights(whole.discriminator), weights(parts.discriminator), 1e-5)
    assert same(weights(whole.generator), weights(parts.generator), 1e-5)


# ----------------------------------------------------------------------------
# The arguments of losses.


def test_only_a_pairing_loss_sees_real_logits_in_the_generators_update(make):
    gan, batches = make({"loss": "toy-pairs"})
    update_generator(gan, batches, 16, 0)
    (part,) = map(batches.finish, batches.generator(16, 0))
    (real,) = gan.loss.reals
    assert real.shape == (16, 1)
    assert torch.equal(real[:, 0], gan.discriminator(part.real))
    (fresh,) = map(batches.finish, batches.discriminator(0))
    assert not torch.equal(part.real, fresh.real)

    gan, batches = make()
    (part,) = map(batches.finish, batches.generator(16, 0))
    assert part.real is None
    assert part.labels is None


def test_the_losses_of_a_list_of_outputs_are_summed(make):
    gan, batches = make({"arch.answer": "list"})
    (part,) = map(batches.finish, batches.discriminator(0))
    real, fake = gan.discriminator(part.real), gan.discriminator(gan.generator(part.z))
    wanted = sum(softplus(-r).mean() + softplus(f).mean() for r, f in zip(real, fake, strict=True))
    stats = update_discriminator(gan, batches, 0)
    assert stats["loss_d"].item() == pytest.approx(wanted.item(), abs=1e-6)
    assert [tuple(member.shape) for member in logits(gan.discriminate(part.real, None))] == [(16, 1), (16, 3)]
    update_generator(gan, batches, 16, 0)


def test_an_output_with_features_trains_like_bare_logits(make):
    plain, rich = make(), make({"arch.answer": "output"})
    for gan, batches in (plain, rich):
        round_of(gan, batches, 0)
    assert same(weights(plain[0].discriminator), weights(rich[0].discriminator))


def test_fakes_have_the_labels_of_the_real_batch(make):
    gan, batches = make({"train.conditional": "true", "reg": "toy-r1"})
    update_discriminator(gan, batches, 0)
    (step,) = gan.regularizers["toy-r1"].steps
    values = ((step.real[:, 0, 0, 0] + 1) * 127.5).round().long()
    assert torch.equal(step.labels, values % 2)
    assert torch.equal(step.fake, gan.generator(step.z, step.labels))
    (part,) = map(batches.finish, batches.generator(16, 0))
    assert part.labels.shape == (16,)
    assert part.real is None
    update_generator(gan, batches, 16, 0)


def test_an_unconditional_run_has_no_labels(make):
    gan, batches = make()
    assert gan.data.num_classes == 0
    assert all(part.labels is None for part in batches.discriminator(0))


# ----------------------------------------------------------------------------
# Regularizers.


def test_a_regularizer_sees_the_whole_step(make):
    gan, batches = make({"reg": "toy-r1,toy-means", "aug": "toy-noise"})
    r1, means = gan.regularizers.values()
    assert r1.prepared == 1
    update_discriminator(gan, batches, 0)
    (step,) = r1.steps
    assert {field.name for field in fields(Step)} >= {"real_seen", "fake_output"}
    missing = {field.name for field in fields(Step) if getattr(step, field.name) is None}
    assert missing == {"labels", "real_labels", "fake_labels", "drawn_z"}  # there are no labels, and nothing moves z
    assert step.real.is_leaf
    assert step.fake.is_leaf
    assert step.real.requires_grad
    assert step.fake.requires_grad
    assert not torch.equal(step.real, step.real_seen)
    assert r1.after == 1
    update_generator(gan, batches, 16, 0)
    (step,) = means.steps
    assert step.real is None
    assert step.real_output is None
    assert step.fake.grad_fn is not None


def test_input_gradients_exist_only_where_a_spec_asks_for_them(make):
    gan, batches = make({"reg": "toy-means"})
    assert not gan.input_gradients
    (part,) = map(batches.finish, batches.discriminator(0))
    update_discriminator(gan, iter_of(batches, part), 0)
    assert not part.real.requires_grad


def iter_of(batches, part):
    """Make batches yield `part` for the discriminator, so that a test can read it afterwards."""
    fed = copy.copy(batches)
    fed.discriminator = lambda images: iter([part])
    return fed


def test_a_term_with_interval_1_is_added_to_the_loss(make):
    gan, batches = make({"reg": "toy-r1", "reg.toy-r1.gamma": 3.0, "optim.d.name": "sgd", "optim.d.lr": 0.1})
    D, G = copy.deepcopy(gan.discriminator), copy.deepcopy(gan.generator)
    (part,) = map(batches.finish, batches.discriminator(0))
    real = part.real.clone().requires_grad_()
    logits = D(real)
    (gradient,) = torch.autograd.grad(logits.sum(), real, create_graph=True)
    penalty = 1.5 * gradient.square().flatten(1).sum(1).mean()
    loss = softplus(-logits).mean() + softplus(D(G(part.z).detach())).mean() + penalty
    sgd = torch.optim.SGD(D.parameters(), 0.1)
    loss.backward()
    sgd.step()
    stats = update_discriminator(gan, batches, 0)
    assert stats["reg.toy-r1/d"].item() == pytest.approx(penalty.item(), rel=1e-6)
    assert same(weights(gan.discriminator), weights(D), 1e-7)


def test_terms_with_interval_k_have_a_step_of_their_own_times_k_on_the_same_batch(make):
    settings = {"reg": "toy-r1", "optim.d.name": "sgd", "optim.d.lr": 0.1, "train.d_reg_interval": 4}
    gan, batches = make(settings)
    D, G = copy.deepcopy(gan.discriminator), copy.deepcopy(gan.generator)
    sgd = torch.optim.SGD(D.parameters(), 0.1 * 4 / 5)
    for update in range(8):
        stats = update_discriminator(gan, batches, 16 * update)
        assert ("reg.toy-r1/d" in stats) == (update % 4 == 0)

        (part,) = map(batches.finish, batches.discriminator(16 * update))
        sgd.zero_grad()
        (softplus(-D(part.real)).mean() + softplus(D(G(part.z).detach())).mean()).backward()
        sgd.step()
        if update % 4 == 0:
            real = part.real.clone().requires_grad_()
            (gradient,) = torch.autograd.grad(D(real).sum(), real, create_graph=True)
            sgd.zero_grad()
            (4 * 0.5 * gradient.square().flatten(1).sum(1).mean()).backward()
            sgd.step()
            assert torch.equal(gan.regularizers["toy-r1"].steps[-1].real, part.real)
            assert torch.equal(gan.regularizers["toy-r1"].steps[-1].z, part.z)
    assert same(weights(gan.discriminator), weights(D), 1e-6)
    assert gan.regularizers["toy-r1"].calls == 2
    assert gan.regularizers["toy-r1"].after == 10


def test_a_lazy_term_has_the_same_effect_over_time_as_one_with_interval_1(make):
    """For a term that is linear in the generator the sum of SGD steps is the same, up to the correction of lr."""
    moved = {}
    for interval in (1, 4):
        gan, batches = make(
            {"reg": "toy-means", "reg.toy-means.gamma": 1e-3, "optim.g.name": "sgd", "optim.g.lr": 1.0,
             "train.g_reg_interval": interval, "loss": "wasserstein"}
        )  # fmt: skip
        with torch.no_grad():
            for parameter in gan.discriminator.parameters():
                parameter.zero_()  # the loss has no gradient
        before = gan.generator.net[-1].bias.detach().clone()
        for update in range(8):
            update_generator(gan, batches, 16 * (update + 1), 0)
        correction = 1.0 if interval == 1 else interval / (interval + 1)
        moved[interval] = (gan.generator.net[-1].bias.detach() - before) / correction
    assert moved[1].abs().max() > 1e-5
    assert moved[4].mean() == pytest.approx(moved[1].mean().item(), rel=0.1)  # the batches differ, the weight does not


def test_generators_lazy_terms_come_every_kth_of_its_updates(make):
    gan, batches = make({"reg": "toy-means", "train.g_reg_interval": 3, "train.g_steps": 2})
    seen = []
    images = 0
    for _ in range(6):
        images += 16
        seen += ["reg.toy-means/g" in update_generator(gan, batches, images, step) for step in range(2)]
    assert seen == [True, False, False] * 4


def test_without_terms_of_a_network_its_optimizer_is_not_corrected(make):
    gan, _ = make({})  # an interval that is typed is refused
    assert gan.optimizers["discriminator"].torch.param_groups[0]["lr"] == 1e-2
    gan, _ = make({"reg": "toy-r1", "train.d_reg_interval": 16, "optim.d.lr": 0.0025, "optim.d.betas": "0,0.99"})
    group = gan.optimizers["discriminator"].torch.param_groups[0]
    assert group["lr"] == pytest.approx(0.0023529412, abs=1e-10)
    assert group["betas"] == pytest.approx((0.0, 0.9905854573), abs=1e-10)


# ----------------------------------------------------------------------------
# Augmentation and schedules.


def test_augmentation_applies_to_real_and_fake_in_both_updates_and_gets_the_real_logits(make):
    gan, batches = make({"aug": "toy-noise", "loss": "toy-pairs", "train.micro_batch": 8})
    noise = gan.augmentations["toy-noise"]
    update_discriminator(gan, batches, 0)
    assert [len(batch) for batch in noise.samples] == [8, 8, 8, 8]
    (logits,) = noise.logits
    assert logits.shape == (16, 1)
    assert not logits.requires_grad
    update_generator(gan, batches, 16, 0)
    assert len(noise.samples) == 8
    assert len(noise.logits) == 1


def test_d_takes_other_fakes_for_real_where_an_augmentation_mixes_them_in(make):
    gan, batches = make({"aug": "toy-mix,toy-noise", "reg": "toy-r1,toy-means", "loss": "toy-pairs"})
    (part,) = map(batches.finish, batches.discriminator(0))
    update_discriminator(gan, batches, 0)
    (step,), ((real, fake),) = gan.regularizers["toy-r1"].steps, gan.augmentations["toy-mix"].calls
    assert torch.equal(real, part.real)
    assert torch.equal(fake, step.fake.roll(1, 0))
    assert not fake.requires_grad
    rows = torch.arange(16)[:, None, None, None]
    assert torch.equal(step.real, torch.where(rows % 2 == 1, fake, real))
    assert step.real.requires_grad
    assert gan.augmentations["toy-noise"].samples[0] is step.real  # other augmentations change all samples after it
    update_generator(gan, batches, 16, 0)
    assert len(gan.augmentations["toy-mix"].calls) == 1


def test_fakes_that_d_takes_for_real_have_the_labels_of_their_rows(make):
    gan, batches = make({"aug": "toy-mix", "train.conditional": True})
    (part,) = map(batches.finish, batches.discriminator(0))
    with torch.no_grad():
        others = gan.generator(part.z.roll(1, 0), part.labels)
    update_discriminator(gan, batches, 0)
    assert torch.equal(gan.augmentations["toy-mix"].calls[0][1], others)


@pytest.mark.parametrize("parts", [{}, {"train.micro_batch": 8}])
def test_what_components_report_is_measured_under_their_names(make, parts):
    gan, batches = make({"aug": "toy-noise", "reg": "toy-means", **parts})
    gan.regularizers["toy-means"].report = lambda: {"gamma": torch.tensor(0.25)}
    stats = update_discriminator(gan, batches, 0) | update_generator(gan, batches, 16, 0)
    assert stats["aug.toy-noise/strength"] == gan.augmentations["toy-noise"].strength != 0.1
    assert stats["reg.toy-means/gamma"] == 0.25
    stats["aug.toy-noise/strength"] += 1  # it is not the state itself
    assert gan.augmentations["toy-noise"].strength < 1
    gan.regularizers["toy-means"].report = lambda: {"gamma": 0.25}
    with pytest.raises(GanzooError, match=r"reg\.toy-means: the value 'gamma' that it reports returned float, not a"):
        update_discriminator(gan, batches, 16)


def test_a_scheduled_option_is_a_tensor_that_follows_its_schedule(make):
    gan, batches = make({"reg": "toy-r1", "reg.toy-r1.gamma": "linear(2, 0, images=64)"})
    gamma = gan.regularizers["toy-r1"].gamma
    assert gamma.shape == ()
    assert gamma.dtype == torch.float32
    seen = []
    for update in range(5):
        update_discriminator(gan, batches, 16 * update)
        seen.append(gamma.item())
    assert seen == [2.0, 1.5, 1.0, 0.5, 0.0]


def test_learning_rates_and_betas_follow_their_schedules(make):
    gan, batches = make(
        {"optim.d.lr": "linear(1, 0, images=64)", "optim.d.betas": "0,cosine(0.9, 0.99, images=32)", "optim.g.lr": 0}
    )
    seen = []
    for update in range(3):
        update_discriminator(gan, batches, 16 * update)
        group = gan.optimizers["discriminator"].torch.param_groups[0]
        seen.append((group["lr"], group["betas"][1]))
    assert seen == [(1.0, pytest.approx(0.9)), (0.75, pytest.approx(0.945)), (0.5, pytest.approx(0.99))]


@pytest.mark.parametrize("normalise", [spectral_norm, nn.utils.parametrizations.spectral_norm])
def test_spectral_norms_are_constant_between_compared_outputs(make, normalise):
    """A step of the power iteration between two outputs would change them more than the samples do."""
    gan, batches = make()
    normalise(gan.discriminator.one)
    (part,) = map(batches.finish, batches.discriminator(0))
    known = [(part.real, None, DiscriminatorOutput(torch.zeros(16)))]
    first, second = (discriminate(gan, None, known, part.real, float32=True).logits for _ in range(2))
    assert torch.equal(first, second)
    assert not torch.equal(first, known[0][2].logits)
    assert gan.discriminator.one.parametrizations.weight[0].training


# ----------------------------------------------------------------------------
# Precision.


class Products(torch.autograd.Function):
    """The identity, which notes whether products are exact: in the forward, and in the backward."""

    seen: list[tuple[str, str]]

    @staticmethod
    def forward(ctx, x):
        Products.seen.append(("forward", torch.backends.cuda.matmul.fp32_precision))
        return x.clone()

    @staticmethod
    def backward(ctx, slope):
        Products.seen.append(("backward", torch.backends.cuda.matmul.fp32_precision))
        return slope


@pytest.mark.parametrize(
    ("penalty", "again", "forwards", "backwards"), [("r1", False, 2, 2), ("wgan-gp", False, 3, 3), ("r1", True, 4, 2)]
)
def test_finite_differences_and_their_gradients_are_exact_under_tf32(make, penalty, again, forwards, backwards):
    gan, batches = make(
        {"train.precision": "tf32", "train.execution": "eager", "reg": penalty, f"reg.{penalty}.mode": "fd",
         f"reg.{penalty}.interval": 2, "train.checkpoint_activations": again}
    )  # fmt: skip
    gan.discriminator.net[0].register_forward_hook(lambda module, args, out: Products.apply(out))
    Products.seen = []
    with computed_in("tf32"):
        update_discriminator(gan, batches, 0)
    counts = Counter(Products.seen)
    assert (counts["forward", "ieee"], counts["backward", "ieee"]) == (forwards, backwards)
    assert counts["backward", "tf32"] == 2  # of the loss, for real and fake samples


def test_float32_outputs_have_the_usual_gradients_of_every_order_under_tf32(make):
    gan, _ = make()
    found = []
    for name in ("fp32", "tf32"):
        x = torch.randn(3, 1, 4, 4, generator=torch.Generator().manual_seed(0)).requires_grad_()
        answer = discriminate_float32(gan.discriminator, x * 2, None, name).logits
        slope = input_gradients(answer, x)
        variables = [x, *gan.discriminator.parameters()]
        loss = answer.mean() + slope.square().sum()
        found.append(torch.autograd.grad(loss, variables, allow_unused=True, materialize_grads=True))
    assert all(map(torch.equal, *found))


@pytest.mark.parametrize(("precision", "dtype"), [("bf16", torch.bfloat16), ("fp16", torch.float16)])
def test_low_precision_runs_the_networks_in_it_and_the_losses_in_float32(make, precision, dtype):
    gan, batches = make({"train.precision": precision, "loss": "toy-pairs", "arch.answer": "output"})
    (part,) = map(batches.finish, batches.discriminator(0))
    computed = []
    gan.discriminator.one.register_forward_hook(lambda module, inputs, output: computed.append(output.dtype))
    answer = gan.discriminate(part.real, None)
    assert computed == [dtype]
    assert answer.logits.dtype == torch.float32
    assert answer.features[0].dtype == torch.float32
    assert gan.generate(part.z, None).samples.dtype == torch.float32
    update_generator(gan, batches, 16, 0)
    assert gan.loss.reals[0].dtype == torch.float32


@pytest.mark.parametrize("precision", ["tf32", "bf16", "fp16"])
def test_low_precision_trains_like_float32_up_to_rounding(make, precision):
    settings = {"reg": "toy-r1", "optim.d.name": "sgd", "optim.g.name": "sgd"}  # SGD: steps as large as gradients
    plain, batches = make({**settings, "train.precision": "fp32"})
    low, lows = make({**settings, "train.precision": precision})
    before = weights(plain.discriminator) + weights(plain.generator)
    for images in (0, 16, 32):
        round_of(plain, batches, images)
        round_of(low, lows, images)
    after = weights(plain.discriminator) + weights(plain.generator)
    got = weights(low.discriminator) + weights(low.generator)
    for start, wanted, value in zip(before, after, got, strict=True):
        assert (value - wanted).abs().max() <= 0.05 * (wanted - start).abs().max() + 1e-6


def test_exact_penalties_run_the_networks_in_bf16_but_in_float32_under_fp16(make):
    """Inner gradients are not scaled, so half precision would round them to 0."""
    for precision, dtype in (("bf16", torch.bfloat16), ("fp16", torch.float32)):
        gan, batches = make({"train.precision": precision, "reg": "toy-r1"})
        computed = []
        gan.discriminator.one.register_forward_hook(lambda m, i, output, seen=computed: seen.append(output.dtype))
        stats = update_discriminator(gan, batches, 0)
        assert set(computed) == {dtype}
        exact, others = make({"train.precision": "fp32", "reg": "toy-r1"})
        wanted = update_discriminator(exact, others, 0)["reg.toy-r1/d"]
        assert stats["reg.toy-r1/d"].dtype == torch.float32
        assert stats["reg.toy-r1/d"].item() == pytest.approx(wanted.item(), rel=0.03 if precision == "bf16" else 1e-6)


@pytest.mark.parametrize("clip", [None, 1.0])
def test_a_step_with_half_precision_infinities_is_skipped_and_the_scale_halved(make, clip):
    gan, batches = make({"train.precision": "fp16", "loss": "wasserstein", "reg": "none", "optim.d.clip": clip})
    before = weights(gan.discriminator)
    scale = gan.optimizers["discriminator"].scaler.get_scale()
    with torch.no_grad():
        gan.discriminator.one.weight.mul_(1e4)
    held = weights(gan.discriminator)
    stats = update_discriminator(gan, batches, 0)
    assert all(value.isfinite() for value in stats.values())  # only the scaled gradient is infinite
    assert same(held, weights(gan.discriminator))
    assert not same(before, held)
    assert gan.optimizers["discriminator"].scaler.get_scale() == scale / 2


# ----------------------------------------------------------------------------
# What an update costs.


def test_the_groups_of_a_convolution_do_not_add_kernels_to_an_exact_penalty(make):
    counts = []
    for group_width in (1, 8):
        arch = {"arch": "r3gan", "arch.widths": "8", "arch.group_width": group_width, "dataset.size": 8}
        gan, batches = make({**arch, "dataset": "digits", "train.batch": 2})
        with Counting() as counted:
            update_discriminator(gan, batches, 0)
        counts.append(counted.convolutions)
    assert counts[0] == counts[1]
