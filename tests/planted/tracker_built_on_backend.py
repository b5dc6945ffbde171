"""It writes when it is built, so that no run starts if that fails."""

from ganzoo.plugin import Tracker, hookimpl

CAUGHT_BY = ["tracker/planted/backend-failure-is-harmless"]


@hookimpl
def ganzoo_trackers():
    yield Tracker(name="planted", summary="Planted.", factory="tracker_built_on_backend:Planted")


class Planted:
    def __init__(self, options):
        with open("tracker.lock", "w") as file:
            file.write("mine")

    def start(self, run):
        pass

    def log(self, images, scalars):
        pass

    def grid(self, images, path):
        pass

    def finish(self, status):
        pass
