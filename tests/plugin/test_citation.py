"""Citations as BibTeX: authors, titles that hold commas and semicolons, identifiers, several papers."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import pytest
import yaml

from ganzoo.plugin.citation import format_bibtex
from ganzoo.registry import registry

CITATION = Path(__file__).parents[2] / "CITATION.cff"


def test_a_citation_becomes_an_entry() -> None:
    assert format_bibtex("Léa Émile & Bo Tan 2020, One, two; & 3_4!, arXiv:2006.06676, eq. 3") == [
        "@misc{emile2020one,\n"
        "  author        = {Léa Émile and Bo Tan},\n"
        "  title         = {{One, two; \\& 3\\_4!}},\n"
        "  year          = {2020},\n"
        "  eprint        = {2006.06676},\n"
        "  archivePrefix = {arXiv},\n"
        "  url           = {https://arxiv.org/abs/2006.06676},\n"
        "}"
    ]


def test_each_of_several_papers_becomes_one() -> None:
    first, second = format_bibtex(
        "A. Old & B. Older 1982, Far, doi:10.1016/0047-259X(82)90077-X; New et al. 2017, Near, arXiv:1.2"
    )
    assert "  doi    = {10.1016/0047-259X(82)90077-X},\n" in first
    assert "author        = {New and others},\n" in second


def test_a_component_without_a_paper_has_no_entry() -> None:
    assert format_bibtex("") == []


@pytest.mark.parametrize("text", ["Kim, A title, arXiv:1.2", "Kim 2020, A title", "Kim 2020, A title, arXiv:1.2 eq. 3"])
def test_another_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a citation of the form"):
        format_bibtex(text)


def test_every_paper_of_the_zoo_has_an_arxiv_or_doi_entry() -> None:
    papers = [entry.spec.paper for entry in registry().components() if entry.spec.paper]
    assert len(papers) > 15
    assert all(format_bibtex(paper) for paper in papers)


def test_citation_cff_names_this_version() -> None:
    cited = yaml.safe_load(CITATION.read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= cited.keys()  # what the format asks for
    assert (cited["title"], cited["version"]) == ("ganzoo", metadata.version("ganzoo"))
