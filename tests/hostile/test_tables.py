"""Long and wide words in tables of every width: the columns stay in line, and no word is lost."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hostile.output_checks import OWN_COLOR, acts
from hostile.payloads import LONG as WHOLE_LONG
from hostile.payloads import MARKUP, WIDE
from rich.cells import cell_len

from smrep.errors import Outcome
from smrep.output.formats import as_table
from smrep.output.terminal import Terminal
from smrep.regions import Region
from smrep.report import Action, Finding, Kind, Problem, RegionReport, RunReport, SecretReport, Severity


def rendered(report: RunReport, terminal: Terminal) -> str:
    return "".join(as_table(report, terminal))


HOME = "arn:aws:secretsmanager:us-east-1:123456789012:secret:x-a1b2c3"
LONG = WHOLE_LONG[:1600]
"""Longer than a name can be, and folded to many lines; its pieces are still unlike each other."""
WIDTHS = [20, 80, None]
WIDEST = WIDE * 12
LONG_REGION = "us-" + "".join(chr(97 + number % 26) * (number % 3 + 1) for number in range(60)) + "-1"

ROW = {"region": "us-west-2", "status": "InSync", "message": "Replication succeeded", "key": None, "code": None}
PLACES = {
    "name": {"name": LONG},
    "wide name": {"name": WIDEST},
    "Region": {"region": LONG_REGION},
    "status": {"status": LONG},
    "wide status": {"status": WIDEST},
    "message": {"message": LONG},
    "wide message": {"message": WIDEST},
    "words": {"message": " ".join([WIDE] * 9)},
    "key": {"key": LONG},
    "code": {"code": LONG, "status": None},
    "everything": {"name": LONG, "region": LONG_REGION, "status": LONG, "message": LONG},
    "everything wide": {"name": WIDEST, "status": WIDEST, "message": WIDEST},
    "markup": {"name": MARKUP, "status": MARKUP, "message": MARKUP, "key": MARKUP},
    "markup as a code": {"code": MARKUP, "status": None},
    "nothing": {"name": "prod/db"},
}
CASES = [
    (place, width, 1 + (number + turn) % 2) for number, place in enumerate(PLACES) for turn, width in enumerate(WIDTHS)
]
"""Each place at each width, with one secret and two in turn."""


def report(command: str, secrets: int, **given: str | None) -> RunReport:
    words = {"name": "prod/db", **ROW, **given}
    error = Problem(words["code"], "no", None, None, Outcome.FAILED) if words["code"] else None
    rows = (
        RegionReport(
            Region(str(words["region"])),
            Outcome.FAILED,
            None,
            words["status"],
            words["message"],
            words["key"],
            action=Action.OVERWRITE,
            verified=False,
            error=error,
        ),
        RegionReport(Region("ap-southeast-2"), Outcome.OK, None, "InProgress", "x", action=Action.KEEP, verified=True),
    )
    each = [SecretReport(f"{words['name']}{place}", Outcome.OK, HOME, Region("us-east-1"), rows) for place in "ab"]
    started = datetime(2026, 11, 23, tzinfo=UTC)
    return RunReport(command, Outcome.FAILED, 1, started, 1.0, secrets=tuple(each[:secrets]))


def squeezed(text: str) -> str:
    """The text without what only lays it out."""
    return re.sub(r"[\s|+─-]", "", text)


def column(lines: list[str], left: int, right: int) -> str:
    """What stands between two places of the screen, measured in cells, line after line."""
    found = ""
    for line in lines:
        at = 0
        for character in line:
            if left <= at < right:
                found += character
            at += cell_len(character)
    return squeezed(found)


def table_lines(text: str) -> list[str]:
    """The lines between the head's rule and the empty line after the table."""
    lines = text.split("\n")
    start = next(place for place, line in enumerate(lines) if set(line.strip()) <= {"─", "+", "-"} and line.strip())
    return lines[start : next(place for place, line in enumerate(lines) if place > start and not line.strip())]


@pytest.mark.parametrize(("place", "width", "secrets"), CASES)
def test_the_edges_of_a_drawn_table_are_in_line(place: str, width: int | None, secrets: int) -> None:
    text = rendered(report("replicate", secrets, **PLACES[place]), Terminal(width=width, unicode=False))
    box = [line for line in text.split("\n") if line.startswith(("|", "+"))]
    (edge,) = {cell_len(line) for line in box}
    assert edge <= max(width or 500, 80)
    bars = [found.start() for found in re.finditer(r"\+", box[0])]
    for line in box:
        cells = "".join(each + "\0" * (cell_len(each) - 1) if cell_len(each) else "" for each in line)
        if "\ufe0f" not in line and "\U0001f3fd" not in line:  # these change the width of the one before
            assert all(cells[bar] in "+|" for bar in bars), line


@pytest.mark.parametrize(("place", "width", "secrets"), CASES)
def test_nothing_is_lost_and_nothing_stands_out(place: str, width: int | None, secrets: int) -> None:
    given = PLACES[place]
    text = rendered(report("verify", secrets, **given), Terminal(width=width))
    lines = table_lines(text)
    assert max(map(cell_len, lines)) <= max(width or 500, 80)
    assert "…" not in text
    found = squeezed(text if "key" in given else "\n".join(lines)) if secrets == 2 else squeezed(text)
    folded = {"name", "region", "status", "message", "code"} & set(given)
    if len(folded - {"name"} if secrets == 1 else folded) <= 1:
        for word in given.values():
            assert squeezed(word or "") in found or squeezed(word or "") in by_columns(lines)
    kept = ["overwrite", "yes", "no", *(["ap-southeast-2"] if "region" not in given else [])]
    for word in [*kept, *(["InProgress"] if "status" not in given else [])]:
        assert word in text


def by_columns(lines: list[str]) -> str:
    """Every column's text from top to bottom; the columns lie where only spaces are from top to bottom."""
    end = max(map(cell_len, lines))
    filled = set()
    for line in lines[1:]:
        at = 0
        for character in line:
            if character != " ":
                filled |= set(range(at, at + max(cell_len(character), 1)))
            at += cell_len(character)
    edges = [at for at in range(end + 1) if at not in filled]
    return "\n".join(column(lines[1:], left, right) for left, right in zip(edges, [*edges[1:], end + 1], strict=True))


@pytest.mark.parametrize("width", WIDTHS)
def test_a_table_in_color_is_the_table_without(width: int | None) -> None:
    given = {"name": WIDE, "status": MARKUP, "message": MARKUP + LONG}
    plain = rendered(report("verify", 2, **given), Terminal(width=width))
    colored = rendered(report("verify", 2, **given), Terminal(color=True, width=width))
    bare = "\n".join(line.rstrip() for line in OWN_COLOR.sub("", colored).split("\n"))
    assert bare == plain
    assert acts(colored, colored=True) == []


@pytest.mark.parametrize("width", [20, 80])
def test_findings_are_lines_of_words_that_are_not_folded(width: int) -> None:
    hint = f"smrep retry '{LONG}'"
    finding = Finding(Kind.STALE, Severity.ERROR, f"old: {LONG}", hint)
    row = RegionReport(Region("us-west-2"), Outcome.DRIFT, None, "InSync", findings=(finding,))
    secret = SecretReport("prod/db", Outcome.DRIFT, HOME, Region("us-east-1"), (row,))
    told = RunReport("verify", Outcome.DRIFT, 5, datetime(2026, 11, 23, tzinfo=UTC), 1.0, secrets=(secret,))
    lines = rendered(told, Terminal(width=width)).split("\n")
    assert f"          {hint}" in lines
    assert f"  error   stale: old: {LONG}" in lines
