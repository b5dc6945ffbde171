"""A diagnosis and a format that are right in every way."""

from ganzoo.plugin import Diagnosis, Exporter, UsageError, Verdict, hookimpl


@hookimpl
def ganzoo_diagnoses():
    yield Diagnosis(name="planted-wins", summary="Planted.", factory="sound_rules:diagnose")


@hookimpl
def ganzoo_exporters():
    yield Exporter(name="planted-names", summary="Planted.", factory="sound_rules:export", suffix=".txt")


def diagnose(options, data):
    def rule(rows, recipe):
        apart = rows[-1].get("real", 0) - rows[-1].get("fake", 0)
        words = f"D tells real from fake by {apart:.3g} logits."
        return Verdict(code="d-wins", words=words, since=rows[-1]["images"]) if apart > 20 else None

    return rule


def export(options, data):
    def write(generator, directory):
        if generator.data.modality != "image":
            raise UsageError(f"names are of images, not of {generator.data.modality}: choose another format")
        path = directory / "names.txt"
        path.write_text("\n".join(generator.network.state_dict()))
        return [path]

    return write
