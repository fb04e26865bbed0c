"""A rehearsal as a table and as a JSON document."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import jsonschema
import pytest
from fixtures import ROOT
from rich.cells import cell_len

from smrep.output.drill_document import as_json, document
from smrep.output.tables.drill_table import MAX_SECRETS, render_drill
from smrep.output.terminal import Terminal
from smrep.regions import Region
from smrep.rules.recovery.drill_timeline import DrillResult, Readable, SecretTimeline, Span, StepResult, Track, steps
from smrep.rules.recovery.failover_record import RegionPair

SCHEMA = json.loads((ROOT / "smrep/output/drill.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
PAIR = RegionPair(Region("us-east-1"), Region("us-west-2"))
EVERY = steps(PAIR, "dr.jsonl")
CURRENT, STALE, NONE, DOWN = Readable
NO_ANSWER = "\N{BOX DRAWINGS LIGHT DIAGONAL CROSS}"
STATES = [(CURRENT, True), (DOWN, False), (DOWN, False), (STALE, True), (STALE, False), (CURRENT, False)]


def track(region, *states):
    return Track(region, tuple(Span(at * 2.0, at * 2.0 + 2.0, *state) for at, state in enumerate(states)))


def course(number=0):
    away = [(CURRENT, False), (CURRENT, False), *[(CURRENT, True)] * 4]
    far = [(CURRENT, False)] * 3 + [(STALE, False), (NONE, False), (CURRENT, False)]
    return SecretTimeline(
        f"prod/app-{number:02}/db",
        (track("us-east-1", *STATES), track("us-west-2", *away), track("eu-west-1", *far)),
    )


def rehearsal(count=1, *, taken=6, problems=(), interrupted=False):
    taken_steps = tuple(
        StepResult(step, 2.0 * at, 1.9, 0 if step.words else None) for at, step in enumerate(EVERY[:taken])
    )
    started_at = datetime(2026, 11, 26, 8, 0, 0, 250_000, UTC)
    return DrillResult(
        PAIR,
        Region("eu-west-1"),
        started_at,
        12.0,
        EVERY,
        taken_steps,
        tuple(map(course, range(count))),
        problems,
        interrupted=interrupted,
    )


def table(*args, width=80, unicode=True, color=False, **fields):
    return render_drill(rehearsal(*args, **fields), Terminal(color=color, width=width, unicode=unicode))


@pytest.mark.parametrize(
    ("whole", "code", "result"),
    [
        (rehearsal(3), 0, "ok"),
        (rehearsal(1, taken=5, problems=("a", "b")), 1, "failed"),
        (rehearsal(0, taken=0, interrupted=True), 130, "interrupted"),
        (rehearsal(2, taken=2, interrupted=True), 143, "interrupted"),
    ],
)
def test_the_document_fits_its_schema(whole, code, result):
    drill = json.loads(as_json(whole, code))
    VALIDATOR.validate(drill)
    assert (drill["result"], drill["exit_code"], drill["problems"]) == (result, code, list(whole.problems))
    assert len(drill["steps"]) == 6
    assert [item["at_s"] is not None for item in drill["steps"]] == [at < len(whole.taken) for at in range(6)]


def test_the_schema_is_one_and_refuses_what_it_does_not_know():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    drill = document(rehearsal(), 0)
    for place in (drill, drill["totals"], drill["steps"][0], drill["secrets"][0], drill["secrets"][0]["regions"][0]):
        place["more"] = 1
        assert not VALIDATOR.is_valid(drill)
        del place["more"]
    assert VALIDATOR.is_valid(drill)


def test_the_document_has_every_secret_and_every_moment():
    drill = document(rehearsal(9), 0)
    assert drill["started_at"] == "2026-11-26T08:00:00.250Z"
    assert [item["name"] for item in drill["secrets"]] == [f"prod/app-{number:02}/db" for number in range(9)]
    one = drill["secrets"][0]
    assert one["unreadable"] == []
    assert one["unwritable"] == [{"from_s": 2.0, "to_s": 4.0}]
    assert one["twice_writable"] == [{"from_s": 6.0, "to_s": 8.0}]
    east = one["regions"][0]
    assert (east["region"], east["without_current_s"]) == ("us-east-1", 8.0)
    assert east["spans"][3] == {"from_s": 6.0, "to_s": 8.0, "readable": "stale", "writable": True}
    assert drill["totals"] == {
        "secrets": 9,
        "longest_unreadable_s": 0.0,
        "longest_unwritable_s": 2.0,
        "none_writable_s": 2.0,
        "longest_twice_writable_s": 2.0,
    }


@pytest.mark.parametrize("unicode", [True, False])
@pytest.mark.parametrize("width", [80, 100, 120, 200])
@pytest.mark.parametrize("count", [1, 5, 30])
def test_no_line_is_longer_than_the_screen(width, count, unicode):
    lines = table(count, width=width, unicode=unicode).splitlines()
    assert max(map(cell_len, lines)) <= width
    assert "…" not in "".join(lines)


def axes(text):
    """Return the axis of each row: what follows the Region's or the secret's name."""
    row = rf"^\W*(all \d+ secrets|prod/\S+|[a-z]+-[a-z]+-\d)\s+\|?\s*([▆▂▒░·{NO_ANSWER}#=%.x-]+)\s"
    rows = re.findall(row, text, re.MULTILINE)
    return dict(reversed(rows))  # of a Region the first row counts


def test_the_axis_shows_what_was_so_long():
    text = table()
    east = axes(text)["us-east-1"]
    cells = len(east)
    assert re.fullmatch(rf"▆+{NO_ANSWER}+▒+░+▂+", east)
    assert abs(east.count(NO_ANSWER) - cells / 3) <= 1
    assert re.fullmatch(r"▂+▆+", axes(text)["us-west-2"])
    assert re.fullmatch(r"▂+░+·+▂+", axes(text)["eu-west-1"])
    assert re.fullmatch(r"▆+▂+▆+", axes(text)["prod/app-00/db"])


def test_ascii_says_the_same():
    text = table(unicode=False)
    assert text.isascii()
    assert re.fullmatch(r"#+x+%+-+=+", axes(text)["us-east-1"])
    assert re.fullmatch(r"=+-+\.+=+", axes(text)["eu-west-1"])


def test_the_steps_stand_over_their_beginning():
    text = table(width=120)
    ruler = next(line for line in text.splitlines() if line.startswith("   SECRET"))
    axis = axes(text)["us-east-1"]
    row = next(line for line in text.splitlines() if axis in line)
    assert ruler.index("2") - row.index(axis) == axis.index(NO_ANSWER)  # the outage's own mark is at the very start
    assert re.findall(r"\d", ruler) == list("123456")


@pytest.mark.parametrize(
    ("count", "shown"),
    [(1, 1), (MAX_SECRETS, MAX_SECRETS), (MAX_SECRETS + 1, MAX_SECRETS + 1), (MAX_SECRETS + 2, MAX_SECRETS)],
)
def test_of_many_secrets_the_first_are_shown_and_all_are_counted(count, shown):
    text = table(count)
    assert len(re.findall(r"^\s+prod/", text, re.MULTILINE)) == shown
    assert (f"all {count} secrets" in text) == (count > 1)
    assert (f"and {count - shown} more" in text) == (count > shown)


def test_color_only_where_it_is_wanted():
    assert "\x1b[" not in table()
    assert "\x1b[" in table(color=True)


def test_what_it_ends_with():
    assert table().rstrip().splitlines()[-1] == "all 1 back in sync, each readable throughout"
    assert table(problems=("a", "b")).rstrip().splitlines()[-1] == "2 problems"
    assert table(interrupted=True).rstrip().splitlines()[-1] == "interrupted"


def test_a_step_that_was_not_taken_is_told_so():
    text = table(taken=2, interrupted=True)
    assert re.search(r"2 failover\s+2\.0 s\s+1\.9 s\s+0 ", text)
    assert re.search(r"5 failback\s+-\s+-\s+smrep failback", text)


def test_nothing_at_all_can_be_drawn():
    assert "interrupted" in table(0, taken=0, interrupted=True)
