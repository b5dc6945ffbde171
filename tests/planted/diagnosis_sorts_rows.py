"""It removes rows that other diagnoses read too."""

from ganzoo.plugin import Diagnosis, hookimpl

CAUGHT_BY = ["diagnosis/planted/follows-from-its-arguments"]


@hookimpl
def ganzoo_diagnoses():
    yield Diagnosis(name="planted", summary="Planted.", factory="diagnosis_sorts_rows:Planted")


class Planted:
    def __init__(self, options, data):
        self.calls = 0

    def __call__(self, rows, recipe):
        while len(rows) > 50:
            rows.pop(0)
        return None
