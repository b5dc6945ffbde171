"""Correct regularizers of the literature that are difficult for the contracts."""

from dataclasses import dataclass

from ganzoo.plugin import Regularizer, hookimpl, option


@dataclass(frozen=True, kw_only=True)
class Options:
    weight: float = option(1.0, low=0, schedulable=True, help="Weight.")


@hookimpl
def ganzoo_regularizers():
    def spec(name, factory, **more):
        return Regularizer(name=name, summary="A term.", factory=f"sound_terms:{factory}", options=Options, **more)

    yield spec("planted-lecam", "LeCam")
    yield spec("planted-clip", "Clip")
    yield spec("planted-spectral", "Spectral")
    yield spec("planted-orthogonal", "Orthogonal")
    yield spec("planted-path", "Path", needs=("style",))
    yield spec("planted-features", "Features", needs=("features",), reals=True)
    yield spec("planted-classes", "Classes", needs=("class-logits",))
    yield spec("planted-flips", "Flips")
    yield spec("planted-dragan", "Dragan", input_gradients=True)
    yield spec("planted-modes", "Modes")
    yield spec("planted-spectrum", "Spectrum", modalities=("audio",), reals=True)
    yield spec("planted-beside", "Beside")
    yield spec("planted-projected", "Projected")
