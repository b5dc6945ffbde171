"""It advises an option of an architecture to runs of all architectures."""

from ganzoo.plugin import Diagnosis, Verdict, hookimpl

CAUGHT_BY = ["diagnosis/planted/advises-what-can-be-typed"]


@hookimpl
def ganzoo_diagnoses():
    yield Diagnosis(name="planted", summary="Planted.", factory="diagnosis_advises_what_does_not_fit:Planted")


class Planted:
    def __init__(self, options, data):
        self.calls = 0

    def __call__(self, rows, recipe):
        return Verdict(code="slow", words="It is slow.", advice=("arch.norm_d=spectral",))
