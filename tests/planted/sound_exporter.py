"""Two correct exporters: a file for any generator, and a folder for images alone."""

from ganzoo.plugin import Exporter, GanzooError, hookimpl


@hookimpl
def ganzoo_exporters():
    yield Exporter(name="one-file", summary="A file.", factory="sound_exporter:OneFile", suffix=".pt")
    yield Exporter(name="images-alone", summary="Images.", factory="sound_exporter:Images")


class OneFile:
    def __init__(self, options, data):
        self.data = data

    def __call__(self, generator, directory):
        import torch

        torch.save(generator.network.state_dict(), directory / "generator.pt")
        return [directory / "generator.pt"]


class Images(OneFile):
    def __call__(self, generator, directory):
        if self.data.modality != "image":
            raise GanzooError(f"the format holds images, and this generator makes {self.data.modality}")
        (directory / "weights").mkdir()
        files = [directory / "weights" / f"{name}.txt" for name in generator.network.state_dict()]
        for file in files:
            file.write_text("numbers")
        return files
