"""Its case is wrong: another pixel is white."""

from ganzoo.plugin import Case, DataInfo, Dataset, hookimpl

CAUGHT_BY = ["dataset/planted/case[the white pixel]"]


@hookimpl
def ganzoo_datasets():
    yield Dataset(name="planted", summary="Planted.", factory="dataset_wrong_case:Planted", cases=f"{__name__}:cases")


class Planted:
    def __init__(self, options):
        import numpy as np

        self.info = DataInfo(shape=(1, 8, 8))
        self.data = np.zeros((4, 1, 8, 8), dtype=np.uint8)
        self.data[2, 0, 5, 3] = 255


def cases():
    yield Case(name="the white pixel", given={"index": 2, "indices": (0, 3, 5)}, expected={"value": 1})
