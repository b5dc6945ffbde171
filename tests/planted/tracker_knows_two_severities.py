"""It knows no verdicts of the severity "info"."""

from ganzoo.plugin import Tracker, hookimpl

CAUGHT_BY = ["tracker/planted/follows-a-run"]
LEVELS = {"warn": "WARNING", "stop": "ERROR"}


@hookimpl
def ganzoo_trackers():
    yield Tracker(name="planted", summary="Planted.", factory="tracker_knows_two_severities:Planted")


class Planted:
    def __init__(self, options):
        pass

    def start(self, run):
        self.path = run.path / "verdicts.txt"

    def log(self, images, scalars):
        pass

    def grid(self, images, path):
        pass

    def verdict(self, images, verdict):
        with self.path.open("a") as file:
            file.write(f"{LEVELS[verdict.severity]} {verdict.words}\n")

    def finish(self, status):
        pass
