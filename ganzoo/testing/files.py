"""Open the files that a component made, as a user would."""

from __future__ import annotations

import io
import wave
from pathlib import Path

from PIL import Image

from ganzoo.registry.failures import describe_error
from ganzoo.runs.display import PICTURES, TEXTS


def find_file_defect(name: str, content: bytes) -> str:
    """Return what is wrong with a file, or an empty string; only files of known types are opened."""
    suffix = Path(name).suffix
    try:
        if suffix in PICTURES:
            with Image.open(io.BytesIO(content)) as picture:
                picture.load()
        elif suffix == ".wav":
            with wave.open(io.BytesIO(content)) as sound:
                return "" if sound.getnframes() else "a sound without length"
        elif suffix in TEXTS:
            return "" if content.decode().strip() else "a text without words"
        return "" if content else "an empty file"
    except (OSError, ValueError, EOFError, wave.Error) as error:
        return f"a file that does not open: {describe_error(error)}"
