"""docs/aws-behavior.md: citations in code name its sections, and the page explains every mark and source it uses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from fixtures import ROOT
from live.questions import QUESTIONS

PAGE = (ROOT / "docs/aws-behavior.md").read_text()
FACTS, LIST_OF_SOURCES = PAGE.split("\n## Sources\n")
CITING = [
    path
    for folder in ("smrep", "tests", "bench", "docs")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in {".py", ".md"} and path != Path(__file__)
]
NUMBER = r"\d+(?:\.\d+)?"
ITEM = rf"{NUMBER}(?: '[^']+')?"
CITATION = re.compile(rf"aws-behavior\.md (?P<items>{ITEM}(?:(?:, | and ){ITEM})*)")


def read_sections(page: str) -> set[str]:
    """Return what a citation may name: `1.4`, `0.9` (a numbered fact) and `3 'ARN'` (a heading without a number)."""
    sections: set[str] = set()
    chapter = ""
    for line in page.splitlines():
        if numbered := re.match(rf"(?:##+ |- \*\*)({NUMBER})(?:\. |\*\* | )", line):
            assert numbered[1] not in sections, line
            sections.add(numbered[1])
        if line.startswith("## "):
            chapter = numbered[1] if numbered else ""
        elif line.startswith("### ") and not numbered:
            sections.add(f"{chapter} '{line.removeprefix('### ')}'")
    return sections


SECTIONS = read_sections(FACTS)


def citations(text: str) -> Iterator[str]:
    """Yield each section that a text cites, also where a citation goes on in the next line."""
    for citation in CITATION.finditer(re.sub(r"\s+", " ", text)):
        yield from re.findall(ITEM, citation["items"])


def test_a_citation_may_name_several_sections_and_a_heading() -> None:
    text = """Source: aws-behavior.md 1.4, 3 'ARN',
    3.2; API_KeyMetadata, 7. See aws-behavior.md 0.10 and 11 (and 12), aws-behavior.md."""
    assert list(citations(text)) == ["1.4", "3 'ARN'", "3.2", "0.10", "11"]


def test_the_page_has_its_sections() -> None:
    page = "# Facts\n## 0. Design\n- **0.1** One.\n- **Two**\n## 1. Calls\n### 1.1 Replicate\n### Time zones\n"
    assert read_sections(page) == {"0", "0.1", "1", "1.1", "1 'Time zones'"}
    assert {str(chapter) for chapter in range(12)} == {section for section in SECTIONS if section.isdecimal()}
    assert {f"| [{chapter}](#" for chapter in range(12)} == {*re.findall(r"^\| \[\d+\]\(#", FACTS, re.MULTILINE)}


def test_every_citation_names_a_section() -> None:
    for path in CITING:
        unknown = [section for section in citations(path.read_text()) if section not in SECTIONS]
        assert not unknown, f"{path} cites sections that docs/aws-behavior.md does not have: {unknown}"


def test_every_citation_in_smrep_names_a_number() -> None:
    for path in CITING:
        if path.is_relative_to(ROOT / "smrep"):
            text = re.sub(r"\s+", " ", path.read_text())
            assert text.count("aws-behavior.md") == len(CITATION.findall(text)), path


def test_no_citation_names_a_document_that_is_not_here() -> None:
    elsewhere = re.compile(r"house-(?:style|plan)|\bcontract(?:\.md)? \d|aws-behaviour\.md")
    assert [str(path) for path in CITING if path.suffix == ".py" and elsewhere.search(path.read_text())] == []


def test_every_cross_reference_leads_to_a_section() -> None:
    text = re.sub(r"\s+", " ", PAGE)
    named = set(re.findall(r"\b(?:see|of|in|and) (\d+\.\d+)(?!\.?\d)", text))
    assert {"0.3", "1.1", "2.3", "10.2"} < named <= SECTIONS


def test_the_page_explains_every_mark() -> None:
    explained = set(re.findall(r"^\| \[([A-Z]+)\] \|", FACTS, re.MULTILINE))
    assert explained == set(re.findall(r"\[([A-Z]{3,})\b", FACTS.partition("\n## ")[2]))


def test_the_page_lists_every_source_that_it_names() -> None:
    listed = re.findall(r"^- \*\*(S\d+b?)\*\* ", LIST_OF_SOURCES, re.MULTILINE)
    assert len(listed) == len(set(listed))
    assert set(listed) == set(re.findall(r"\bS\d+b?\b", FACTS))


def test_every_question_about_aws_names_the_section_that_it_settles() -> None:
    for question in QUESTIONS:
        section, _, _ = question.settles.partition(": ")
        assert "." in section, question
        assert section in SECTIONS, question
