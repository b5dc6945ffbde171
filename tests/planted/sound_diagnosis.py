"""Two correct diagnoses: one of D's logits, and one that reads the recipe too."""

from ganzoo.plugin import Case, Diagnosis, Verdict, hookimpl


@hookimpl
def ganzoo_diagnoses():
    yield Diagnosis(name="far-apart", summary="D.", factory="sound_diagnosis:FarApart", cases="sound_diagnosis:cases")
    yield Diagnosis(name="at-first", summary="Short runs.", factory="sound_diagnosis:Short")


class FarApart:
    def __init__(self, options, data):
        pass

    def __call__(self, rows, recipe):
        seen = [row for row in rows if "real" in row]
        if not seen or not seen[-1]["real"] - seen[-1]["fake"] > 10:
            return None
        return Verdict(code="d-wins", words="D wins.", since=seen[-1]["images"], advice=("--reg r1", "optim.d.lr=1e-4"))


class Short(FarApart):
    def __call__(self, rows, recipe):
        if rows[-1]["images"] * 2 < recipe["train"]["images"]:
            return None
        return Verdict(code="half-way", severity="stop", words="Half of it is over.", advice=("train.images=20000",))


def cases():
    rows = [{"images": 10, "real": 20.0, "fake": -20.0}]
    yield Case(name="apart", given={"rows": rows}, expected={"d-wins": 1})
    yield Case(name="at the start", given={"rows": [{"images": 10}]}, expected={"nothing": 1})
