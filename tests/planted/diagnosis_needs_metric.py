"""It expects that D was measured in every row."""

from ganzoo.plugin import Diagnosis, Verdict, hookimpl

CAUGHT_BY = ["diagnosis/planted/answers-for-any-run"]


@hookimpl
def ganzoo_diagnoses():
    yield Diagnosis(name="planted", summary="Planted.", factory="diagnosis_needs_metric:Planted")


class Planted:
    def __init__(self, options, data):
        self.calls = 0

    def __call__(self, rows, recipe):
        if rows[-1]["real"] > 10:
            return Verdict(code="d-wins", words="D wins.")
        return None
