"""It ends the process if the disk is full."""

import sys

from ganzoo.plugin import Tracker, hookimpl

CAUGHT_BY = ["tracker/planted/survives-a-backend-outage"]


@hookimpl
def ganzoo_trackers():
    yield Tracker(name="planted", summary="Planted.", factory="tracker_exits:Planted")


class Planted:
    def __init__(self, options):
        pass

    def start(self, run):
        self.path = run.path / "log.csv"

    def log(self, images, scalars):
        try:
            with self.path.open("a") as file:
                print(images, dict(scalars), file=file)
        except OSError as error:
            sys.exit(f"cannot log: {error}")

    def grid(self, images, path):
        pass

    def finish(self, status):
        pass
