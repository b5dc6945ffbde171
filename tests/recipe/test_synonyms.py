"""Words of other programs as arguments of `ganzoo.train`: each error says what to write instead."""

import pytest

import ganzoo
from ganzoo.errors import UsageError


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("epochs", "write images=N, where N is the number of epochs times the number of pictures"),
        ("lr", 'write options={"optim.g.lr": X, "optim.d.lr": X}'),
        ("betas", 'write options={"optim.g.betas": (0.5,0.999), "optim.d.betas": (0.5,0.999)}'),
        ("d_steps", 'write options={"train.d_steps": VALUE}'),
        ("mixed_precision", 'write options={"train.precision": "bf16"}'),
        ("flip", 'write options={"train.flip": True}'),
        ("batch_size", "write batch=N"),
        ("steps", "write images=N, where N is the number of steps times batch"),
        ("cond", "write conditional=True"),
        ("gpus", 'write device="cuda", or for N of them torchrun --nproc-per-node N -m ganzoo train'),
        ("augmentation", "write aug=NAME"),
        ("r1", "'r1' is a regularizer: write reg=\"r1\""),
        ("archi", "did you mean 'arch'?"),
        ("nonsense", "see help(ganzoo.train)"),
    ],
)
def test_an_argument_that_does_not_exist_says_what_to_write(word: str, text: str) -> None:
    with pytest.raises(UsageError) as caught:
        ganzoo.train(arch="dcgan", **{word: 3})  # type: ignore[arg-type]
    assert str(caught.value).startswith(f"ganzoo.train has no argument {word!r}")
    assert str(caught.value).endswith(text)
