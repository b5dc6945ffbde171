"""It cannot open the small dataset that its own `examples` writes."""

from dataclasses import dataclass
from pathlib import Path

from ganzoo.plugin import DataInfo, Dataset, NotFound, hookimpl, option

CAUGHT_BY = ["dataset/planted/opens-as-its-info-says"]


@dataclass(frozen=True, kw_only=True)
class Options:
    path: str = option("", help="The table.")


@hookimpl
def ganzoo_datasets():
    yield Dataset(
        name="planted",
        summary="Planted.",
        factory="dataset_examples_do_not_open:Planted",
        options=Options,
        path_option="path",
        examples="dataset_examples_do_not_open:examples",
    )


class Planted:
    def __init__(self, options):
        import numpy as np

        if not Path(options.path).is_file():
            raise NotFound(f"dataset.path: there is no file {options.path!r}: name a table of numbers")
        self.data = np.loadtxt(options.path, dtype=np.float32, delimiter=",")
        self.info = DataInfo(shape=self.data.shape[1:], dtype="float32", modality="tabular")


def examples(folder):
    (folder / "numbers.csv").write_text("1,2\n3,4\n", encoding="utf-8")
    return {"path": str(folder / "number.csv")}
