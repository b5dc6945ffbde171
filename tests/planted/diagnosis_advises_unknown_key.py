"""It advises a setting that does not exist."""

from ganzoo.plugin import Diagnosis, Verdict, hookimpl

CAUGHT_BY = ["diagnosis/planted/advises-what-can-be-typed"]


@hookimpl
def ganzoo_diagnoses():
    yield Diagnosis(name="planted", summary="Planted.", factory="diagnosis_advises_unknown_key:Planted")


class Planted:
    def __init__(self, options, data):
        self.calls = 0

    def __call__(self, rows, recipe):
        return Verdict(code="slow", words="It is slow.", advice=("optim.d.learning_rate=1e-4",))
