"""CTGAN: its networks and terms against the paper's formulas, a small run, and rows of one category."""

from __future__ import annotations

import csv
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

import ganzoo
import ganzoo_tabular
from ganzoo.compute.streams import seeded
from ganzoo.errors import UsageError
from ganzoo.package.labels import find_condition
from ganzoo.plugin import DataInfo, DiscriminatorOutput, Step
from ganzoo.recipe.resolve import resolve
from ganzoo.samples.classes import spread_classes

networks, cases = import_module("ganzoo_tabular.ctgan"), import_module("ganzoo_tabular.cases")
EXAMPLE, OPTIONS = ganzoo_tabular.EXAMPLE, ganzoo_tabular.CTGANOptions
SECRET = "98765.4321"


def build(data=EXAMPLE, **values):
    with seeded(0):
        return networks.build(OPTIONS(**values), data)


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


# ----------------------------------------------------------------------------
# Networks.


@pytest.mark.parametrize("num_classes", [0, 3])
def test_the_networks_have_as_many_parameters_as_the_papers_layers(num_classes):
    data = replace(EXAMPLE, num_classes=num_classes)
    pair = build(data, pack=10)
    assert (count(pair.generator), count(pair.discriminator)) == cases.count_parameters(data, 128, 256, 10)
    if num_classes:  # by hand: 131 inputs of G, 10 rows of 7 + 3 numbers of D
        assert count(pair.generator) == 132 * 256 + 512 + 388 * 256 + 512 + 644 * 7
        assert count(pair.discriminator) == 101 * 256 + 257 * 256 + 257


def test_a_row_is_tanh_and_gumbel_softmax_block_by_block():
    generator = build().generator.double().eval()
    z, labels = torch.randn(5, 128, dtype=torch.float64), torch.tensor([0, 1, 2, 0, 1])
    with seeded(1):
        made = generator(z, labels)
    h = torch.cat([z, F.one_hot(labels, 3)], 1)
    h = torch.cat([h, F.relu(generator.norm1(generator.fc1(h)))], 1)
    h = torch.cat([h, F.relu(generator.norm2(generator.fc2(h)))], 1)
    scores = generator.last(h)
    with seeded(1):
        gumbel = networks.draw_gumbel(scores)
    mode, plan = ((scores + gumbel)[:, part] / 0.2 for part in (slice(1, 4), slice(4, 7)))
    torch.testing.assert_close(made.samples, torch.cat([scores[:, :1].tanh(), mode.softmax(1), plan.softmax(1)], 1))
    torch.testing.assert_close(made.losses["condition"], F.cross_entropy(plan, labels))
    assert build(condition_weight=0.0).generator(z.float(), labels).losses == {}


def test_gumbel_softmax_draws_each_category_with_its_probability_and_passes_gradients():
    scores = torch.tensor([0.0, 1.0, 2.0])
    with seeded(0):
        drawn = (scores + networks.draw_gumbel(torch.zeros(40_000, 3))).argmax(1)
    torch.testing.assert_close(torch.bincount(drawn) / 40_000, scores.softmax(0), atol=0.01, rtol=0)
    noise = torch.tensor([0.3, -0.2, 0.9], dtype=torch.float64)
    at = scores.double().requires_grad_()
    assert torch.autograd.gradcheck(lambda s: ((s + noise) / 0.2).softmax(0), at)
    y = ((at + noise) / 0.2).softmax(0)
    (gradient,) = torch.autograd.grad(y[1], at)
    torch.testing.assert_close(gradient, (y[1] * (torch.eye(3)[1].double() - y) / 0.2).detach())


def test_a_pack_is_judged_together_and_other_data_are_refused():
    pair = build(pack=10).discriminator.eval()
    x, labels = torch.randn(20, 7), torch.arange(20) % 3
    logits = pair(x, labels)
    wanted = pair.layers(torch.cat([x, F.one_hot(labels, 3)], 1).reshape(2, 100)).squeeze(1)
    torch.testing.assert_close(logits, wanted)
    with pytest.raises(UsageError, match="cannot be packed 10 at a time"):
        pair(x[:15], labels[:15])
    for data, words in (
        (replace(EXAMPLE, num_classes=2), "a class for each category of the columns"),
        (replace(EXAMPLE, meta={}), "has no 'columns'"),
        (replace(EXAMPLE, shape=(8,)), "columns of 7 numbers, but its shape is"),
        (replace(EXAMPLE, meta={"columns": [{"kind": "colour", "name": "a"}]}), "of another kind"),
    ):
        with pytest.raises(UsageError, match=words):
            build(data)


def test_the_penalty_of_a_packed_discriminator_is_that_of_packs():
    """wgan-gp of a D of 2 rows together equals the same penalty of a D whose samples are the 2 rows."""
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 1)).double()
    real, fake = torch.randn(2, 8, 3, dtype=torch.float64)
    values = {}
    for mode in ("exact", "fd"):
        term = ganzoo.create("regularizer", "wgan-gp", data=DataInfo(shape=(3,), modality="points"), mode=mode)
        for pack, shape in ((2, (8, 3)), (1, (4, 6))):

            def discriminate(samples, labels=None, float32=False, shape=shape):
                return DiscriminatorOutput(layers(samples.reshape(-1, 6)))

            one, other = real.reshape(shape), fake.reshape(shape)
            step = Step(
                generator=layers, discriminator=layers, average=layers, images=torch.zeros(()), z=one, labels=None,
                real=one, fake=other, real_seen=one, fake_seen=other, real_output=discriminate(one),
                fake_output=discriminate(other), generate=None, augment=None, discriminate=discriminate, mean=None,
                compute=None, adversarial_loss=None,
            )  # fmt: skip
            with seeded(3):
                values[mode, pack] = term.discriminator(step)
    torch.testing.assert_close(values["exact", 2], values["exact", 1])
    torch.testing.assert_close(values["fd", 2], values["fd", 1])
    torch.testing.assert_close(values["fd", 2], values["exact", 2], rtol=1e-4, atol=0)


# ----------------------------------------------------------------------------
# Classes of rows.


def test_rows_that_nobody_chose_have_the_natural_shares():
    info = replace(EXAMPLE, meta=EXAMPLE.meta | {"class_shares": [0.5, 0.0, 0.125]})
    classes = spread_classes(1000, info)
    assert torch.equal(classes[:10], spread_classes(10, info))
    assert (torch.bincount(classes, minlength=3) - torch.tensor([800, 0, 200])).abs().max() <= 3
    for shares in (None, [1, 2], [-1, 1, 1], [0, 0, 0], ["a", "b", "c"]):
        info = replace(EXAMPLE, meta=EXAMPLE.meta | {"class_shares": shares})
        assert spread_classes(4, info).tolist() == [0, 1, 2, 0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("plan", "'plan' is not COLUMN=CATEGORY: its columns are age, plan"),
        ("plam=pro", "no column 'plam': did you mean 'plan'"),
        ("zzz=pro", "no column 'zzz': it has age, plan"),
        ("plan=prro", "column 'plan' has no category 'prro': did you mean 'pro'"),
        ("plan=zzz", "column 'plan' has no category 'zzz': it has basic, plus, pro"),
        ("age=30", "takes conditions on plan, not on age"),
    ],
)
def test_a_wrong_condition_is_one_sentence(text, words):
    with pytest.raises(UsageError, match=words):
        find_condition(text, EXAMPLE)


def test_models_without_conditions_say_so():
    assert find_condition("plan=pro", EXAMPLE) == "plan=pro"
    with pytest.raises(UsageError, match="takes no conditions: train one with --conditional"):
        find_condition("plan=pro", replace(EXAMPLE, num_classes=0))
    with pytest.raises(UsageError, match="does not make the rows of a table"):
        find_condition("plan=pro", DataInfo(shape=(1, 8, 8)))


# ----------------------------------------------------------------------------
# Metrics.


def test_distances_have_their_values_in_closed_form():
    fidelity = import_module("ganzoo_tabular.fidelity")
    assert fidelity.compute_total_variation(np.array([0, 0, 1, 2]), np.array([0, 3])) == pytest.approx(0.5)
    assert fidelity.compute_total_variation(np.array([0, 1]), np.array([1, 0, 1, 0])) == 0
    assert fidelity.compute_kolmogorov_smirnov(np.array([1.0, 2, 3, 4]), np.array([3.0, 4, 5, 6])) == pytest.approx(0.5)
    assert fidelity.compute_kolmogorov_smirnov(np.array([-np.inf, 1]), np.array([1.0, 1])) == pytest.approx(0.5)
    one, other = np.array([1.0, 5, 5, 70]), np.array([3.0, 1, 2, 0])
    assert fidelity.correlate_ranks(one, one**3) == pytest.approx(1)
    assert fidelity.correlate_ranks(one, np.ones(4)) == 0
    ranks = np.array([1, 2.5, 2.5, 4]), np.array([4.0, 2, 3, 1])
    assert fidelity.correlate_ranks(one, other) == pytest.approx(np.corrcoef(*ranks)[0, 1])


def test_pairs_of_all_kinds_are_compared(tmp_path):
    rows = ["a,b,c,d"] + [f"{'xy'[i % 2]},{'uvw'[i % 3]},{i % 50},{(i % 50) ** 2 / 4}" for i in range(600)]
    (tmp_path / "t.csv").write_text("\n".join(rows))
    made = ganzoo.create("dataset", "table", path=str(tmp_path / "t.csv"))
    real, shuffled = torch.from_numpy(made.data), torch.from_numpy(made.data.copy())
    *_, (_, part) = import_module("ganzoo_tabular.columns").list_blocks(
        import_module("ganzoo_tabular.columns").read_columns(made.info)
    )
    shuffled[:, part] = shuffled[torch.randperm(600, generator=torch.Generator().manual_seed(0)), part]
    values = {}
    for name in ("marginals", "associations"):
        metric = ganzoo.create("metric", name, data=made.info)
        for fake in (real, shuffled):
            metric.reset()
            metric.real(real)
            metric.fake(fake)
            values[name, fake is real] = metric.compute()
    assert set(values["associations", True].values()) == set(values["marginals", True].values()) == {0.0}
    assert set(values["marginals", False].values()) == {0.0}
    assert values["associations", False]["correlation"] == pytest.approx(1, abs=0.15)
    assert values["associations", False]["contingency"] == 0


# ----------------------------------------------------------------------------
# Runs.


def write_table(path: Path) -> Path:
    draws = np.random.default_rng(0)
    rows = ["plan,age,paid"]
    for number in range(300):
        plan = ["basic", "plus"][number % 3 == 0]
        paid = SECRET if number == 77 else f"{draws.normal(80 if plan == 'plus' else 20, 3):.4f}"
        rows.append(f"{plan},{draws.integers(20, 70)},{paid}")
    path.write_text("\n".join(rows))
    return path


SMALL = {"train.batch": 50, "arch.width": 32, "arch.pack": 10, "train.execution": "eager"}


def train(images, resume=None, **more):
    if resume:
        return ganzoo.train(resume=resume, images=images)
    path = str(write_table(Path("people.csv")))
    return ganzoo.train(recipe="ctgan", dataset=path, images=images, options={**SMALL, **more})


def test_the_recipe_has_the_papers_settings(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    info = ganzoo.create("dataset", "table", path=str(write_table(tmp_path / "t.csv"))).info
    from ganzoo.recipe.named import Facts

    recipe = resolve(
        ganzoo.registry(), recipe="ctgan", facts=lambda _: Facts(info, "cpu", None),
        pairs={"dataset.path": str(tmp_path / "t.csv")},
    )  # fmt: skip
    optim = recipe.optim_g.options, recipe.optim_d.options
    assert [(each.lr, tuple(each.betas)) for each in optim] == [(2e-4, (0.5, 0.9))] * 2
    assert [each.weight_decay for each in optim] == [1e-6, 0.0]
    options = recipe.arch.options
    assert (recipe.train.batch, options.pack, options.tau, options.width, options.z_dim) == (500, 10, 0.2, 256, 128)
    assert (recipe.train.conditional, recipe.train.images, recipe.loss.name) == (True, 300 * 500, "wasserstein")


def test_a_resumed_run_has_the_same_weights_and_no_row_is_in_the_package(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    whole = ganzoo.load(train(400).path)
    parts = train(200)
    parts = ganzoo.load(train(400, parts.path).path)
    one, other = (each.network.state_dict() for each in (whole, parts))
    assert all(torch.equal(one[key], other[key]) for key in one)
    files = list(Path("runs").rglob("package/*"))
    assert {"config.json", "model.safetensors", "discriminator.safetensors"} <= {file.name for file in files}
    for file in files:
        content = file.read_bytes()
        for text in (SECRET, SECRET[:7], "98765"):
            assert text.encode() not in content, file
        if file.suffix == ".safetensors":
            numbers = np.frombuffer(content[len(content) % 4 :], np.float32)
            assert not np.isclose(numbers, float(SECRET), rtol=1e-4, atol=0).any()


def test_rows_of_one_category_from_a_command(tmp_path, monkeypatch, capsys):
    from ganzoo.__main__ import main

    monkeypatch.chdir(tmp_path)
    run = train(30_000, **{"optim.g.lr": 2e-3, "optim.d.lr": 2e-3})

    def sample(*words):
        monkeypatch.setattr("sys.argv", ["ganzoo", "sample", str(run.path), *words])
        try:
            main()
        except SystemExit as end:
            return end.code or 0, capsys.readouterr().err
        return 0, capsys.readouterr().err

    shares = {}
    for plan in ("basic", "plus"):
        assert sample("--where", f"plan={plan}", "-n", "300", "--out", f"{plan}.csv")[0] == 0
        header, *rows = csv.reader((tmp_path / f"{plan}.csv").read_text().splitlines())
        assert (header, len(rows)) == (["plan", "age", "paid"], 300)
        shares[plan] = np.mean([row[0] == plan for row in rows])
        assert all(row[1].isdigit() and len(row[2].partition(".")[2]) == 4 for row in rows)
    assert min(shares.values()) > 0.9, shares
    assert sample("--where", "plan=bsic") == (
        2,
        "ganzoo: column 'plan' has no category 'bsic': did you mean 'basic'?\n",
    )
    assert "remove one of them" in sample("--where", "plan=basic", "--label", "0")[1]
    assert "takes one condition" in sample("--where", "plan=basic", "--where", "age=3")[1]
    generator = ganzoo.load(run)
    shown = generator.show(generator.sample_raw(10, labels="plan=plus"))["rows.csv"].decode().splitlines()
    assert len(shown) == 11
    found = ganzoo.evaluate(run, ("marginals", "associations", "copying"), num=256).values
    assert {"marginals/tv/plan", "marginals/ks/paid", "marginals/worst", "associations/mixed"} <= found.keys()
    assert found["marginals/tv/plan"] < 0.1  # generated rows have the conditions of real ones, not those of training
    assert found["associations/correlation"] < 0.5
    assert found["copying/authpct"] > 20
    assert np.mean([row.startswith("plus") for row in shown[1:]]) > 0.5
