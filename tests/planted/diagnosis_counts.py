"""A rule that speaks when it was asked often enough."""

from ganzoo.plugin import Diagnosis, Verdict, hookimpl

CAUGHT_BY = ["diagnosis/planted/same-verdict-again"]


@hookimpl
def ganzoo_diagnoses():
    yield Diagnosis(name="planted", summary="Planted.", factory="diagnosis_counts:Planted")


class Planted:
    def __init__(self, options, data):
        self.asked = 0

    def __call__(self, rows, recipe):
        self.asked += 1
        return Verdict(code="too-late", words="That takes long.") if self.asked > 3 else None
