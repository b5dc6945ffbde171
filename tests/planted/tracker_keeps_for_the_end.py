"""It writes only when a run ends."""

from ganzoo.plugin import Tracker, hookimpl

CAUGHT_BY = ["tracker/planted/follows-an-interrupted-run"]


@hookimpl
def ganzoo_trackers():
    yield Tracker(name="planted", summary="Planted.", factory="tracker_keeps_for_the_end:Planted")


class Planted:
    def __init__(self, options):
        pass

    def start(self, run):
        self.path, self.lines = run.path / "log.csv", []

    def log(self, images, scalars):
        self.lines.append(f"{images} {dict(scalars)}\n")

    def grid(self, images, path):
        pass

    def finish(self, status):
        if status == "finished":
            self.path.write_text("".join(self.lines))
