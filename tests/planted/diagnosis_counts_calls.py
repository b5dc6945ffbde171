"""It returns a verdict from its second call on, so that it depends on earlier calls."""

from ganzoo.plugin import Diagnosis, Verdict, hookimpl

CAUGHT_BY = ["diagnosis/planted/follows-from-its-arguments"]


@hookimpl
def ganzoo_diagnoses():
    yield Diagnosis(name="planted", summary="Planted.", factory="diagnosis_counts_calls:Planted")


class Planted:
    def __init__(self, options, data):
        self.calls = 0

    def __call__(self, rows, recipe):
        self.calls += 1
        return Verdict(code="again", words="Asked again.") if self.calls > 1 else None
