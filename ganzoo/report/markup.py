"""Text and JSON inside HTML: whatever they contain, the page shows them as text."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Sequence

from ganzoo.runs.display import CONTROL


def quote(text: object) -> str:
    """Return text for HTML, also inside an attribute in double quotes; control characters are removed."""
    return html.escape(CONTROL.sub("", str(text)))


def dump_json(value: object) -> str:
    """Return JSON for a ``<script>`` that no text in it can end. A number that is not finite is an error."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def make_table(head: Sequence[str], rows: Iterable[Sequence[str]], caption: str) -> str:
    """Return a table whose first cells are the heads of its rows. All cells are HTML.

    Args:
        head: The heads of the columns.
        rows: The cells of each row.
        caption: What the table is, for people who hear the page.
    """
    columns = "".join(f'<th scope="col">{cell}</th>' for cell in head)
    filled = [(row[0], "".join(f"<td>{cell}</td>" for cell in row[1:])) for row in rows if row]
    body = "".join(f'<tr><th scope="row">{first}</th>{others}</tr>' for first, others in filled)
    table = f"<table><caption>{quote(caption)}</caption><thead><tr>{columns}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="wide" tabindex="0" role="region" aria-label="{quote(caption)}">{table}</div>'
