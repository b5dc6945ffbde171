"""Without a network it raises the error of the download, although its examples open."""

from dataclasses import dataclass
from urllib.request import urlopen

from ganzoo.plugin import DataInfo, Dataset, hookimpl, option

CAUGHT_BY = ["dataset/planted/clear-error-offline"]


@dataclass(frozen=True, kw_only=True)
class Options:
    path: str = option("", help="A table, instead of the table that is downloaded.")


@hookimpl
def ganzoo_datasets():
    name, factory, examples = "planted", f"{__name__}:Planted", f"{__name__}:examples"
    yield Dataset(name=name, summary="Planted.", factory=factory, options=Options, examples=examples)


class Planted:
    def __init__(self, options):
        import numpy as np

        self.info = DataInfo(shape=(2,), modality="points")
        with open(options.path) if options.path else urlopen("https://example.com/points.csv", timeout=5) as file:
            self.data = np.loadtxt(file, delimiter=",", dtype=np.float32)


def examples(folder):
    (folder / "points.csv").write_text("0.5,1\n2,0.25\n")
    return {"path": str(folder / "points.csv")}
