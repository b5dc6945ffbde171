"""Its module imports torch, so that everyone who diagnoses a run must wait for torch."""

from ganzoo.plugin import Diagnosis, hookimpl

CAUGHT_BY = ["diagnosis/planted/light-import"]


@hookimpl
def ganzoo_diagnoses():
    yield Diagnosis(name="planted", summary="Planted.", factory="planted_diagnosis:Heavy")
