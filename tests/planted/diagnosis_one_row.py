"""A rule that looks at the last two rows of a run that has one."""

from ganzoo.plugin import Diagnosis, Verdict, hookimpl

CAUGHT_BY = ["diagnosis/planted/takes-any-run"]


@hookimpl
def ganzoo_diagnoses():
    yield Diagnosis(name="planted", summary="Planted.", factory="diagnosis_one_row:build")


def build(options, data):
    def rule(rows, recipe):
        if rows[-1].get("loss_d", 1) == rows[-2].get("loss_d", 2):
            return Verdict(code="stands-still", words="D's loss stands still.")
        return None

    return rule
