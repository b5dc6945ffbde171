"""A component's citation, `Component.paper`, as BibTeX."""

from __future__ import annotations

import re
import unicodedata

FORM = "'AUTHORS YEAR, TITLE, arXiv:ID' or '..., doi:ID'"
CITATION = re.compile(
    r"(?P<authors>[^;]+?) (?P<year>\d{4}), (?P<title>.+?), (?P<archive>arXiv|doi):"
    r"(?P<id>[^\s;]*[^\s;,])(?:, [^;]+)?(?:; |$)"
)
SPECIAL = re.compile(r"([&%#$_])")  # characters that TeX reads as commands


def format_bibtex(paper: str) -> list[str]:
    """Return the BibTeX entry of each paper that a citation names.

    Args:
        paper: One citation, or several with ``; `` between them. A citation is ``AUTHORS YEAR, TITLE, arXiv:ID`` or
            ``AUTHORS YEAR, TITLE, doi:ID``; an equation or a section may stand behind the identifier. Authors are
            joined by commas and ``&``; ``et al.`` stands for the others.

    Raises:
        ValueError: The text is not of that form.
    """
    entries, start = [], 0
    while start < len(paper):
        found = CITATION.match(paper, start)
        if found is None:
            raise ValueError(f"{paper[start:]!r} is not a citation of the form {FORM}")
        entries.append(_entry(found))
        start = found.end()
    return entries


def _entry(found: re.Match[str]) -> str:
    """Return the BibTeX entry of one citation."""
    others = found["authors"].endswith(" et al.")
    title = SPECIAL.sub(r"\\\1", found["title"])
    authors = re.split(r", | & ", found["authors"].removesuffix(" et al.")) + ["others"] * others
    fields = {"author": " and ".join(authors), "title": f"{{{title}}}", "year": found["year"]}
    if found["archive"] == "arXiv":
        fields |= {"eprint": found["id"], "archivePrefix": "arXiv", "url": f"https://arxiv.org/abs/{found['id']}"}
    else:
        fields |= {"doi": found["id"], "url": f"https://doi.org/{found['id']}"}
    key = _letters(authors[0].split()[-1]) + found["year"] + _letters(found["title"].split()[0])
    width = max(map(len, fields))
    lines = [f"  {name.ljust(width)} = {{{value}}}," for name, value in fields.items()]
    return "\n".join([f"@misc{{{key},", *lines, "}"])


def _letters(word: str) -> str:
    """Return the letters of a word in lower case and without accents: a part of an entry's key."""
    plain = unicodedata.normalize("NFKD", word).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z]", "", plain.lower())
