"""Scalars whose names appear later are an error."""

from ganzoo.plugin import Tracker, hookimpl

CAUGHT_BY = ["tracker/planted/follows-a-run"]


@hookimpl
def ganzoo_trackers():
    yield Tracker(name="planted", summary="Planted.", factory="tracker_fixed_columns:Planted")


class Planted:
    def __init__(self, options):
        pass

    def start(self, run):
        self.columns = None

    def log(self, images, scalars):
        self.columns = self.columns or set(scalars)
        if set(scalars) - self.columns:
            raise KeyError(sorted(set(scalars) - self.columns)[0])

    def grid(self, images, path):
        pass

    def finish(self, status):
        pass
