"""Hostile text from AWS, out of every field and error that AWS has, through every command that reads it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jmespath
import pytest
from fixtures import Done
from hostile.lying_sandbox import COMMANDS, HOLDS_THE_DOCUMENT, lying
from hostile.output_checks import (
    commands,
    document,
    harmless,
    hints,
    plain_markdown,
    quoted,
    rows,
    shows,
    texts,
    true_json,
)
from hostile.payloads import EVERYTHING, LONG, MARKUP, TEXTS, WIDE
from hostile.sources import SHOWN, SOURCES

PAIRS = [(name, command) for name, source in SOURCES.items() for command in source.commands]
QUOTED_IN_PART = ("ARN", "primary Region", "Region", "answer's ARN", "bare caller", "bare key ARN")
"""What makes no sense as an answer is told by its beginning."""


@pytest.mark.parametrize(("name", "command"), PAIRS)
def test_under_a_runner_nothing_gets_through_and_the_document_stays_true(
    name: str, command: str, tmp_path: Path
) -> None:
    summary = tmp_path / "summary"
    with lying(SOURCES[name], EVERYTHING) as liar:
        shown = HOLDS_THE_DOCUMENT.get(command, "json")
        done = liar.run(
            *COMMANDS[command], "-o", shown, "--debug", GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(summary)
        )
    harmless(Done(done.code, "", done.err), runner=True)
    for hint in hints(document(done)):
        quoted(hint, EVERYTHING, "pwned")
    plain_markdown(summary.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", SHOWN)
def test_every_format_tells_it_and_none_is_acted_on(name: str) -> None:
    words = COMMANDS[SHOWN[name]]
    for flags in (["-o", "table", "--color", "always"], ["-o", "text"], ["-o", "name"]):
        with lying(SOURCES[name], EVERYTHING) as liar:
            done = liar.run(*words, *flags)
        harmless(done, coloured="always" in flags)
        if "text" in flags:
            rows(done.out)
        if "name" in flags:
            assert len(done.out.splitlines()) == 1
    with lying(SOURCES[name], EVERYTHING) as liar:
        done = liar.run(*words, "-o", "ndjson")
    events = true_json(done.out)
    assert any(EVERYTHING in each for each in texts(events[-1]["document"]))
    assert len(events) == done.out.count("\n")


@pytest.mark.parametrize("name", [each for each in SHOWN if each not in ("ARN", "listed ARN", "version keys")])
def test_a_table_keeps_markup_and_emoji_codes_as_they_are(name: str) -> None:
    with lying(SOURCES[name], MARKUP) as liar:
        assert shows(liar.run(*COMMANDS[SHOWN[name]], "-o", "table", "--color", "always"), MARKUP)


@pytest.mark.parametrize("name", QUOTED_IN_PART)
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_what_makes_no_sense_is_quoted_harmlessly(name: str, text: str) -> None:
    command = SOURCES[name].commands[0]
    with lying(SOURCES[name], text) as liar:
        harmless(liar.run(*COMMANDS[command], "-o", "table", "--debug", GITHUB_ACTIONS="true"), runner=True)


@pytest.mark.parametrize("name", ["name", "message", "status", "cross-account"])
@pytest.mark.parametrize("text", [LONG, WIDE * 9], ids=["long", "wide"])
def test_long_and_wide_words_stay_whole(name: str, text: str) -> None:
    with lying(SOURCES[name], text) as liar:
        done = liar.run(*COMMANDS[SHOWN[name]], "-o", "text")
        assert name == "cross-account" or any(text in cell for row in done.rows for cell in row)
        assert {len(row) for row in done.rows} == {6}
        assert any(text in each for each in texts(document(liar.run(*COMMANDS[SHOWN[name]], "-o", "json"))))


QUERIES = ["secrets[].replicas[].status_message", "secrets[0].replicas[0]", "secrets[]", "@"]


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_is_as_harmless_as_the_document(query: str) -> None:
    words = [*COMMANDS["status"], "--query", query]
    with lying(SOURCES["message"], EVERYTHING) as liar:
        whole = document(liar.run(*COMMANDS["status"], "-o", "json"))
        found = liar.run(*words, "-o", "json", GITHUB_ACTIONS="true")
        told = liar.run(*words, "-o", "text", GITHUB_ACTIONS="true")
    assert _without_times(true_json(found.out)) == _without_times(jmespath.search(query, whole))
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


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("command", ["status", "remove"])
def test_whatever_answers_in_the_place_of_aws(page: str, command: str) -> None:
    status, body = PAGES[page]
    raw = body.encode("utf-8", "surrogateescape" if body != EVERYTHING else "replace")
    with lying(None, "", body=raw, status=status) as liar:
        for flags in (["-o", "table"], ["-o", "json"]):
            done = liar.run(*COMMANDS[command], *flags, "--debug", GITHUB_ACTIONS="true")
            harmless(Done(done.code, "" if "json" in flags else done.out, done.err), runner=True)
            assert done.code in {1, 3, 4}
            if "json" in flags:
                true_json(done.out)


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
