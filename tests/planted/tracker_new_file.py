"""It fails if its file exists, as it does in a resumed run."""

from ganzoo.plugin import Tracker, hookimpl

CAUGHT_BY = ["tracker/planted/follows-an-interrupted-run", "tracker/planted/follows-a-killed-run"]


@hookimpl
def ganzoo_trackers():
    yield Tracker(name="planted", summary="Planted.", factory="tracker_new_file:Planted")


class Planted:
    def __init__(self, options):
        pass

    def start(self, run):
        self.file = (run.path / "log.csv").open("x")

    def log(self, images, scalars):
        print(images, dict(scalars), file=self.file, flush=True)

    def grid(self, images, path):
        pass

    def finish(self, status):
        self.file.close()
