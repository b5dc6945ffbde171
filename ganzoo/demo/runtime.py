"""ONNX Runtime Web, which runs networks in browsers. npm has it; it is not part of ganzoo, because it is large."""

from __future__ import annotations

import base64
import gzip
import json
import os
from pathlib import Path
from typing import NamedTuple

from ganzoo.errors import Corrupt, MissingPlugin, NotFound

PACKAGE = "onnxruntime-web"
VERSION = "1.30.0"  # that was tested
SCRIPT, BINARY = "dist/ort.wasm.bundle.min.mjs", "dist/ort-wasm-simd-threaded.wasm"
LICENSE = """ONNX Runtime Web {version}, MIT License, Copyright (c) Microsoft Corporation

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE."""


class Runtime(NamedTuple):
    """The parts of ONNX Runtime Web that a page needs.

    Args:
        version: The version of the package.
        script: The content of its JavaScript module.
        binary: The content of its WebAssembly file.
    """

    version: str
    script: str
    binary: bytes

    def make_script(self) -> str:
        """Return a classic script that has all parts. A browser reads it from a disk, which it refuses for modules."""
        parts = {"source": self.script, "wasm": encode(self.binary)}
        return f"/*\n{LICENSE.format(version=self.version)}\n*/\nwindow.GANZOO_RUNTIME = {json.dumps(parts)};\n"


def read_runtime(folder: str | os.PathLike[str] | None = None) -> Runtime:
    """Return the runtime in a folder of npm.

    Args:
        folder: The folder of the package; None for ``node_modules/onnxruntime-web`` here or in a folder above.

    Raises:
        MissingPlugin: No folder was named, and none is there. The text has the command that installs it.
        NotFound: The named folder has not the files of the package.
        Corrupt: The files of the package cannot be read.
    """
    found = Path(folder) if folder is not None else find_package()
    if found is None:
        raise MissingPlugin(
            f"the page needs {PACKAGE}, which is not in node_modules here: npm install {PACKAGE}@{VERSION}, or name "
            "its folder by --runtime PATH"
        )
    absent = next((name for name in ("package.json", SCRIPT, BINARY) if not (found / name).is_file()), None)
    if absent:
        raise NotFound(
            f"{found} has no {absent}, so it is not a folder of {PACKAGE} {VERSION}: npm install {PACKAGE}@{VERSION}"
        )
    try:
        version = str(json.loads((found / "package.json").read_bytes())["version"])
        script = (found / SCRIPT).read_text(encoding="utf-8")
    except (ValueError, KeyError, TypeError):
        raise Corrupt(f"{found} is damaged: npm install {PACKAGE}@{VERSION}") from None
    return Runtime(version, script, (found / BINARY).read_bytes())


def find_package() -> Path | None:
    """Return the folder of the package in the nearest ``node_modules``, as node finds it; None if there is none."""
    here = Path.cwd()
    paths = (folder / "node_modules" / PACKAGE for folder in (here, *here.parents))
    return next((path for path in paths if path.is_dir()), None)


def encode(content: bytes) -> str:
    """Return bytes as a text for a script: compressed, in base64."""
    return base64.b64encode(gzip.compress(content, mtime=0)).decode()
