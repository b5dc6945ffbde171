"""A rule that drops the rows without losses from the list that all rules read."""

from ganzoo.plugin import Diagnosis, hookimpl

CAUGHT_BY = ["diagnosis/planted/rows-left-alone"]


@hookimpl
def ganzoo_diagnoses():
    yield Diagnosis(name="planted", summary="Planted.", factory="diagnosis_sorts:build")


def build(options, data):
    def rule(rows, recipe):
        rows[:] = [row for row in rows if "loss_d" in row]

    return rule
