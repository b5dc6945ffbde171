"""Animations of samples: GIF and animated PNG by Pillow, MP4 and WebM by ffmpeg if it is installed."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ganzoo.errors import GanzooError, MissingPlugin, UsageError
from ganzoo.latents.picture import ARRAYS, check_suffix, encode_arrays, make_png_text
from ganzoo.plugin.files import DISK, write_atomic, write_errors_explained
from ganzoo.runs.display import make_html

PICTURES = (".gif", ".png", ".apng")
VIDEOS = {  # ffmpeg's arguments by suffix
    ".mp4": ("-c:v", "libx264", "-crf", "18", "-movflags", "+faststart"),
    ".webm": ("-c:v", "libvpx-vp9", "-crf", "24", "-b:v", "0"),
}
SUFFIXES = (*PICTURES, *VIDEOS)
FASTEST_GIF = 50  # frames in a second; most programs show a faster GIF at 10


@dataclass(frozen=True, eq=False)
class Animation:
    """Pictures that follow each other. A notebook shows them as an animation.

    Args:
        frames: The pictures, PIL images of one size.
        words: One line that says what they show and which seeds made them.
        seconds: The length of the animation.
        loop: Whether it starts again at its end.
        arrays: The numbers behind it by name, such as its latents.
    """

    frames: Sequence[Image.Image]
    words: str
    seconds: float
    loop: bool = True
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    def __repr__(self) -> str:
        width, height = self.frames[0].size
        return f"<Animation of {len(self.frames)} frames {width}x{height}, {self.seconds:g} s: {self.words}>"

    def _repr_html_(self) -> str:
        return make_html(lines=[self.words], files={"animation.png": self.encode(".png")})

    def encode(self, suffix: str) -> bytes:
        """Return the animation as the bytes of a ``.gif`` or an animated ``.png`` (``.apng``), with `words` in it.

        Frames that equal the frame before them are stored as a longer time of that frame.

        Raises:
            UsageError: A GIF has more than 50 frames in a second, which programs show at a slower speed.
        """
        frames, buffer = list(self.frames), io.BytesIO()
        repeat = {"loop": 0} if self.loop else {}
        if suffix == ".gif":
            if len(frames) > FASTEST_GIF * self.seconds:
                raise UsageError(
                    f"{len(frames)} frames in {self.seconds:g} s are too fast for a GIF, which has at most "
                    f"{FASTEST_GIF} in a second: take fewer frames, more seconds, or a .png"
                )
            colours = [frame.convert("RGB").quantize() if frame.mode != "L" else frame for frame in frames]
            times = [10 * each for each in self._divide_time(100)]
            colours[0].save(
                buffer, "GIF", save_all=True, append_images=colours[1:], duration=times, comment=self.words.encode(),
                disposal=1, **repeat,
            )  # fmt: skip
            return buffer.getvalue()
        repeat = {"loop": 0 if self.loop else 1}
        frames[0].save(
            buffer, "PNG", save_all=True, append_images=frames[1:], duration=self._divide_time(1000),
            pnginfo=make_png_text(self.words), **repeat,
        )  # fmt: skip
        return buffer.getvalue()

    def save(self, path: str | Path) -> Path:
        """Write the animation, or with ``.npz`` or ``.safetensors`` its arrays; return the path.

        Args:
            path: The file, which ends in ``.gif``, ``.png`` (animated), ``.mp4`` or ``.webm``.

        Raises:
            UsageError: The suffix is another one, or a GIF would be too fast.
            MissingPlugin: The file is a video, and ffmpeg is not installed.
            GanzooError: The file cannot be written, or ffmpeg failed.
        """
        path = Path(path)
        suffix = path.suffix.lower()
        check_suffix(path, (*SUFFIXES, *(ARRAYS if self.arrays else ())))
        if suffix in VIDEOS:
            write_video(path, self.frames, len(self.frames) / self.seconds, self.words)
        else:
            write_atomic(path, [encode_arrays(self.arrays, suffix) if suffix in ARRAYS else self.encode(suffix)])
        return path

    def _divide_time(self, ticks: int) -> list[int]:
        """Return the time of each frame in whole parts of a second, at least 1, whose sum is the whole time."""
        ends = np.rint(np.linspace(0, self.seconds * ticks, len(self.frames) + 1)).astype(int)
        return [max(1, int(each)) for each in np.diff(ends)]


def find_ffmpeg(path: Path) -> str:
    """Return the path of ffmpeg, which is needed for the file `path`; raise MissingPlugin if it is not installed."""
    if (found := shutil.which("ffmpeg")) is None:
        raise MissingPlugin(f"{path} needs ffmpeg, which is not installed: install it, or write a .gif or a .png")
    return found


def write_video(path: Path, frames: Sequence[Image.Image], speed: float, words: str) -> None:
    """Write a video of pictures; `speed` is in frames a second."""
    width, height = frames[0].size
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp{path.suffix.lower()}")
    command = [
        find_ffmpeg(path), "-hide_banner", "-loglevel", "error", "-nostdin", "-y", "-f", "rawvideo",
        "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", f"{speed:g}", "-i", "pipe:0",
        "-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2", "-pix_fmt", "yuv420p",
        "-metadata", f"comment={words}", *VIDEOS[path.suffix.lower()], str(temporary.absolute()),
    ]  # fmt: skip
    try:
        with write_errors_explained(path), tempfile.TemporaryFile() as said:
            with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=said) as process:
                assert process.stdin is not None
                with contextlib.suppress(BrokenPipeError):  # ffmpeg ended, and says why
                    for frame in frames:
                        process.stdin.write(frame.convert("RGB").tobytes())
                    process.stdin.close()
            if process.returncode:
                said.seek(0)
                lines = said.read().decode(errors="replace").strip().splitlines() or [f"exit code {process.returncode}"]
                raise GanzooError(f"ffmpeg could not write {path}: {lines[-1].strip()}")
            DISK.rename(temporary, path)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
