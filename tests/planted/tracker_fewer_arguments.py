"""Its `log` takes scalars, but not the number of images."""

from ganzoo.plugin import Tracker, hookimpl

CAUGHT_BY = ["tracker/planted/returns-what-is-called"]


@hookimpl
def ganzoo_trackers():
    yield Tracker(name="planted", summary="Planted.", factory="tracker_fewer_arguments:Planted")


class Planted:
    def __init__(self, options):
        pass

    def start(self, run):
        pass

    def log(self, scalars):
        pass

    def grid(self, images, path):
        pass

    def finish(self, status):
        pass
