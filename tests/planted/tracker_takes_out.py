"""It removes the scalars that it logs from the mapping."""

from ganzoo.plugin import Tracker, hookimpl

CAUGHT_BY = ["tracker/planted/scalars-unchanged"]


@hookimpl
def ganzoo_trackers():
    yield Tracker(name="planted", summary="Planted.", factory="tracker_takes_out:Planted")


class Planted:
    def __init__(self, options):
        pass

    def start(self, run):
        self.losses = []

    def log(self, images, scalars):
        self.losses.append(scalars.pop("loss_d", None))

    def grid(self, images, path):
        pass

    def finish(self, status):
        pass
