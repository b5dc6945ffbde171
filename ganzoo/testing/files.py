"""Opening files that a component made, as a person would."""

from __future__ import annotations

import io
import wave
from pathlib import Path

from PIL import Image

from ganzoo.registry.installed import describe_error
from ganzoo.samples.show import PICTURES, TEXTS


def find_file_defect(name: str, content: bytes) -> str:
    """Return what is wrong with a file; only kinds that are known are opened."""
    suffix = Path(name).suffix
    try:
        if suffix in PICTURES:
            with Image.open(io.BytesIO(content)) as picture:
                picture.load()
        elif suffix == ".wav":
            with wave.open(io.BytesIO(content)) as sound:
                return "" if sound.getnframes() else "a sound of no length"
        elif suffix in TEXTS:
            return "" if content.decode().strip() else "which says nothing"
        return "" if content else "which is empty"
    except (OSError, ValueError, EOFError, wave.Error) as error:
        return f"which does not open: {describe_error(error)}"
