"""A correct tracker: it appends a line to a file for each event."""

from ganzoo.plugin import Tracker, hookimpl


@hookimpl
def ganzoo_trackers():
    yield Tracker(name="lines", summary="Lines.", factory="sound_tracker:Lines")


class Lines:
    def __init__(self, options):
        pass

    def start(self, run):
        self.path = run.path / "lines.txt"
        self.add("start")

    def log(self, images, scalars):
        self.add(f"{images} {dict(scalars)}")

    def grid(self, images, path):
        self.add(f"{images} {path.name}")

    def verdict(self, images, verdict):
        self.add(f"{images} {verdict.severity} {verdict.code}: {verdict.words}")

    def finish(self, status):
        self.add(status)

    def add(self, line):
        with self.path.open("a") as file:
            file.write(line + "\n")
