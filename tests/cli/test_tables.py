"""Tables and texts fit a terminal; elsewhere a row is one line."""

import contextlib
import os
import re
import struct
import subprocess
import sys

import pytest

from ganzoo.cli import tables

ROWS = [("name", "source", "what it does"), ("a-long-name", "ganzoo 0.1.0", "It does " + "one thing, " * 12)]


def show(capsys: pytest.CaptureFixture[str], *args: object, **more: object) -> list[str]:
    tables.print_table(*args, **more)  # type: ignore[arg-type]
    return capsys.readouterr().out.splitlines()


def test_elsewhere_a_row_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    lines = show(capsys, ROWS, indent="  ", optional=[1])
    assert len(lines) == 2
    assert lines[0] == "  name         source        what it does"


@pytest.mark.parametrize(("width", "columns"), [(200, 3), (80, 3), (60, 2), (30, 2)])
def test_on_a_terminal_the_widest_column_has_lines_and_others_may_be_left_out(
    width: int, columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "get_width", lambda: width)
    lines = show(capsys, ROWS, indent="  ", optional=[1])
    assert max(map(len, lines)) <= width
    assert len(re.split(r"  +", lines[0].strip())) == columns
    start = lines[0].index("what")
    words = " ".join(line[start:] for line in lines).split()
    assert words == " ".join(row[2] for row in ROWS).split()
    tables.print_text("many words " * 20, indent="  ")
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= width
    assert all(line.startswith("  many words") or line.startswith("  words") for line in lines)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no pty")
def test_lists_fit_a_terminal_of_eighty_columns() -> None:
    import fcntl
    import pty
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    with subprocess.Popen([sys.executable, "-m", "ganzoo", "info", "r1"], stdout=theirs, env=environment) as process:
        os.close(theirs)
        output = b""
        with contextlib.suppress(OSError):  # the process has ended
            while part := os.read(ours, 1 << 16):
                output += part
    os.close(ours)
    assert process.returncode == 0
    lines = output.decode().splitlines()
    assert "regularizer regularizers:r1" in lines[0]
    assert 70 < max(map(len, lines)) <= 80
