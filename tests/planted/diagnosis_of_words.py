"""It returns a sentence instead of a verdict."""

from ganzoo.plugin import Diagnosis, hookimpl

CAUGHT_BY = ["diagnosis/planted/answers-for-any-run"]


@hookimpl
def ganzoo_diagnoses():
    yield Diagnosis(name="planted", summary="Planted.", factory="diagnosis_of_words:Planted")


class Planted:
    def __init__(self, options, data):
        self.calls = 0

    def __call__(self, rows, recipe):
        return "D wins." if rows[-1].get("real", 0) > 10 else None
