"""Hostile text from AWS, out of every field and error that AWS has, through every command and every format."""

from __future__ import annotations

import json
import re
from itertools import cycle
from pathlib import Path

import jmespath
import pytest
from fixtures import Done
from hostile.lying_sandbox import COMMANDS, lying, recorded_reports
from hostile.output_checks import (
    commands,
    document,
    harmless,
    harmless_in_every_format,
    hints,
    plain_markdown,
    quoted,
    shows,
    texts,
    true_json,
)
from hostile.payloads import BEGINNING, EVERYTHING, LONG, TEXTS, WIDE
from hostile.sources import SHOWN, SOURCES, Run, chosen_runs

from smrep.output.formats import FORMATS, as_query, compile_query

RUNS = chosen_runs()
SENSELESS = (
    *("name", "ARN", "listed ARN", "stranger over there", "primary Region", "Region", "answer's ARN", "bare caller"),
    "bare key ARN",
)
"""Sources whose text makes no sense in an answer, or makes it one about something else."""
EVENTS = {
    "listed name": ("list", "audit", "plan"),
    "message": ("apply", "export", "status"),
    "refusal of ListSecrets": ("audit",),
    "answer to replicate": ("replicate",),
}


def test_the_chosen_runs_cover_each_source_each_kind_of_text_each_command_and_each_format() -> None:
    assert {run.source for run in RUNS} == SOURCES.keys()
    assert {run.command for run in RUNS} == COMMANDS.keys()
    assert {run.output for run in RUNS} == FORMATS.keys() - {"ndjson"}  # which EVENTS has
    assert {(SOURCES[run.source].operation, run.command) for run in RUNS} == {
        (source.operation, command) for source in SOURCES.values() for command in source.commands
    }
    assert all(run.command in SHOWN[run.source] for run in RUNS[: len(SOURCES)] if run.source in SHOWN)
    assert all(text in EVERYTHING for text in TEXTS.values())
    assert len(repr(BEGINNING)) > 80 > len(BEGINNING)


@pytest.mark.parametrize("run", RUNS, ids=str)
def test_no_format_acts_on_a_text_from_aws_and_the_document_stays_true(run: Run, tmp_path: Path) -> None:
    summary = tmp_path / "summary"
    env = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)}
    with lying(SOURCES[run.source], EVERYTHING) as liar, recorded_reports() as reports:
        done = liar.run(*COMMANDS[run.command], "-o", run.output, "--color", "always", "--debug", **env)
        (report,) = reports
        told = harmless_in_every_format(report)
    assert told["exit_code"] == done.code
    if run.output == "json":
        assert true_json(done.out) == told
        done = Done(done.code, "", done.err)
    harmless(done, colored=True, runner=True)
    if run.command in SHOWN.get(run.source, ()):
        assert any(EVERYTHING in each for each in texts(told))
    for hint in hints(told):
        quoted(hint, EVERYTHING, "pwned")
    plain_markdown(summary.read_text(encoding="utf-8"))


@pytest.mark.parametrize(("name", "command"), [(name, each) for name, those in EVENTS.items() for each in those])
def test_events_tell_it_and_none_is_acted_on(name: str, command: str) -> None:
    with lying(SOURCES[name], EVERYTHING) as liar:
        done = liar.run(*COMMANDS[command], "-o", "ndjson")
    events = true_json(done.out)
    assert any(EVERYTHING in each for event in events for each in texts(event))
    assert len(events) == done.out.count("\n")
    document(done)


@pytest.mark.parametrize("name", SENSELESS)
def test_what_makes_no_sense_is_not_quoted(name: str) -> None:
    with lying(SOURCES[name], BEGINNING) as liar, recorded_reports() as reports:
        command = COMMANDS[SOURCES[name].commands[0]]
        done = liar.run(*command, "-o", "table", "--debug", GITHUB_ACTIONS="true")
        told = harmless_in_every_format(reports[0])
    harmless(done, runner=True)
    assert not shows(done, BEGINNING)
    assert not any("::error::x" in each for each in texts(told))


@pytest.mark.parametrize("name", ["key word", "message", "status", "cross-account"])
@pytest.mark.parametrize("text", [LONG, WIDE * 9], ids=["long", "wide"])
def test_long_and_wide_words_stay_whole(name: str, text: str) -> None:
    with lying(SOURCES[name], text) as liar, recorded_reports() as reports:
        done = liar.run(*COMMANDS[SHOWN[name][0]], "-o", "text")
        assert any(text in each for each in texts(harmless_in_every_format(reports[0])))
    assert name == "cross-account" or any(text in cell for row in done.rows for cell in row)
    assert {len(row) for row in done.rows} == {8}


QUERIES = ["secrets[].replicas[].status_message", "secrets[0].replicas[0]", "secrets[]", "@"]


def test_a_query_is_as_harmless_as_the_document() -> None:
    with lying(SOURCES["message"], EVERYTHING) as liar, recorded_reports() as reports:
        whole = document(liar.run(*COMMANDS["status"], "-o", "json"))
        for query in QUERIES:
            found = as_query(reports[0], compile_query(query), text=False)
            assert true_json(found) == jmespath.search(query, whole)
        words = [*COMMANDS["status"], "--query", QUERIES[-1]]
        found = liar.run(*words, "-o", "json", GITHUB_ACTIONS="true")
        told = liar.run(*words, "-o", "text", GITHUB_ACTIONS="true")
    assert _without_times(true_json(found.out)) == _without_times(whole)
    harmless(told, runner=True)


def _without_times(value: object) -> object:
    return json.loads(re.sub(r'"(elapsed_s|started_at)": [^,]*,', "", json.dumps(value)))


def test_progress_lines_are_harmless() -> None:
    with lying(SOURCES["status"], EVERYTHING) as liar:
        done = liar.run(*COMMANDS["wait"], "-o", "name", "--timeout", "70s", GITHUB_ACTIONS="true")
    harmless(done, runner=True)
    assert "still waiting after" in done.err
    assert (
        len([line for line in done.err.splitlines() if "five" in line and line.startswith("prod/db us-west-2 ")]) == 1
    )


PAGES = {
    "no JSON": (200, EVERYTHING),
    "refused without JSON": (403, EVERYTHING),
    "half of it": (200, '{"ARN": "arn:aws'),
    "a list": (200, json.dumps([EVERYTHING])),
    "a text": (200, json.dumps(EVERYTHING)),
    "other fields": (200, json.dumps({EVERYTHING: EVERYTHING})),
    "lists for texts": (200, json.dumps({"ARN": [EVERYTHING], "Name": {EVERYTHING: 1}})),
    "a deep type": (400, json.dumps({"__type": f"x#{EVERYTHING}", "message": EVERYTHING})),
    "a type that is none": (400, json.dumps({"__type": [EVERYTHING], "Message": EVERYTHING})),
    "a message that is none": (400, json.dumps({"__type": "X", "Message": {EVERYTHING: 1}})),
}


@pytest.mark.parametrize(("page", "command"), [*zip(PAGES, cycle(["status", "remove"]), strict=False)])
def test_whatever_answers_in_the_place_of_aws(page: str, command: str) -> None:
    status, body = PAGES[page]
    raw = body.encode("utf-8", "surrogateescape" if body != EVERYTHING else "replace")
    with lying(None, "", body=raw, status=status) as liar, recorded_reports() as reports:
        done = liar.run(*COMMANDS[command], "-o", "table", "--debug", GITHUB_ACTIONS="true")
        harmless(done, runner=True)
        assert done.code in {1, 3, 4}
        assert harmless_in_every_format(reports[0])["exit_code"] == done.code


def test_headers_are_harmless() -> None:
    request_id = "::error::x \x1b[2J\x9b2J\x85 ##[error]y"
    with lying(None, "", request_id=request_id) as liar:
        done = liar.run("status", "nowhere", "--debug", GITHUB_ACTIONS="true")
        harmless(done, runner=True)
        true_json(liar.run("status", "nowhere", "-o", "json").out)
    assert "request_id=" in done.err


def test_what_is_checked_here_would_be_seen() -> None:
    assert commands("x\n  ::error::y") != []
    assert commands("x ##[group]y") != []
    assert commands("::error title=smrep::no luck") == []
    with pytest.raises(AssertionError):
        quoted("then: smrep status a b; pwned", "a b; pwned", "pwned")
    with pytest.raises(AssertionError):
        quoted("aws kms describe-key --key-id $(pwned)", "$(pwned)", "pwned")
    quoted("then: smrep status 'a b; pwned' -r us-west-2; go on", "a b; pwned", "pwned")
    with pytest.raises(AssertionError):
        plain_markdown("| a |\n| --- |\n| http://evil.example |\n", columns=1)
