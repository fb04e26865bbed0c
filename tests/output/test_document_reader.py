"""A document is read back as it was written, and nothing but a document is read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from fixtures import SCHEMA, VALIDATOR
from hypothesis import given
from hypothesis import strategies as st
from output.any_report import BEGAN, reports

from smrep.errors import Outcome, UsageError
from smrep.output.document_reader import read_document
from smrep.output.json_document import document
from smrep.output.json_schema import KEYWORDS, first_mistake
from smrep.output.safe import to_json
from smrep.report import Problem, RunReport, SecretReport

ANNOTATIONS = {"$schema", "$id", "$defs", "title", "description"}


def possible(run: RunReport, shard: str | None) -> RunReport:
    """Return the report as a run could end: its error shows in the exit code, and its summary counts its secrets."""
    summary = None if run.summary is None else run.summary | {"secrets": len(run.secrets)}
    code = run.outcome.exit_code
    error = run.error if code else None
    return replace(run, exit_code=code, error=error, summary=summary, shard=shard, absent=run.secrets[:1] or None)


runs = st.builds(possible, reports, st.sampled_from([None, "2/4"]))
leaves = st.sampled_from([None, True, -1, 0, 1, 1.5, "", "ok", "smrep/1", "2026-11-23T10:00:00Z", "arn:a:b:c:d:e"])
values = leaves | st.builds(list) | st.builds(dict) | st.lists(leaves, max_size=2)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield (container, key) of every value inside."""
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        yield value, key
        if isinstance(item, dict | list):
            yield from places(item)


@given(runs)
def test_what_is_written_is_read(run: RunReport) -> None:
    written = document(run)
    assert document(read_document(to_json(written))) == written


@given(runs, st.data())
def test_it_finds_the_mistakes_that_json_schema_finds(run: RunReport, data: st.DataObject) -> None:
    raw = json.loads(to_json(document(run)))
    container, key = data.draw(st.sampled_from(list(places(raw))))
    how = data.draw(st.sampled_from(["replace", "delete", "add"]))
    if how == "delete":
        del container[key]
    elif how == "add" and isinstance(container, dict):
        container["another"] = data.draw(values)
    else:
        container[key] = data.draw(values)
    assert (first_mistake(raw, SCHEMA, SCHEMA) is None) == VALIDATOR.is_valid(raw)


def test_the_schema_has_no_other_keyword() -> None:
    def keywords(part: Any) -> Iterator[str]:
        for key, of in part.items():
            yield key
            if key in ("properties", "$defs"):
                for each in of.values():
                    yield from keywords(each)
            elif key == "anyOf":
                for each in of:
                    yield from keywords(each)
            elif isinstance(of, dict):
                yield from keywords(of)

    assert set(keywords(SCHEMA)) <= KEYWORDS | ANNOTATIONS


WRITTEN = document(RunReport("audit", Outcome.OK, 0, BEGAN, 1.0, secrets=(SecretReport("prod/db", Outcome.OK),)))


def text(**fields: Any) -> str:
    return json.dumps(WRITTEN | fields)


ERROR = document(replace(read_document(text()), error=Problem("Bug", "no", None, None, Outcome.OK)))["error"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        (" \n", "is empty"),
        (text()[:-1], "is truncated: its JSON ends too early"),
        (text()[:-1] + "\n\n", "is truncated: its JSON ends too early"),
        (text()[:40], "is truncated: its JSON ends too early"),
        (text()[: text().index("prod/") + 2], "is truncated: its JSON ends too early"),
        ("secret region status", "is not JSON: Expecting value at line 1, column 1"),
        (text() + "\n" + text(), "is not JSON: Extra data at line 2, column 1"),
        (text() + "}", "is not JSON: Extra data at line 1, column"),
        (text()[:-2], "is truncated: its JSON ends too early"),
        ("[]", "is JSON, but not a document of smrep"),
        ("1", "is JSON, but not a document of smrep"),
        ('{"Reservations": []}', "is JSON, but not a document of smrep"),
        ('{"schema": 1, "replicate": []}', "is JSON, but not a document of smrep"),
        ('{"schema": "other/1"}', "is JSON, but not a document of smrep"),
        ('{"schema": "smrep-plan/1"}', "is a file of the schema 'smrep-plan/1'; this version of smrep merges smrep/1"),
        (text(schema="smrep/2"), "is a file of the schema 'smrep/2'; this version of smrep merges smrep/1"),
        ("[" * 100_000, "is not a document of smrep: it is nested too deeply"),
        ('{"schema": "smrep/1", "schema": "smrep/1"}', "has 'schema' twice in one object"),
        (text(elapsed_s=float("nan")), "has the number 'NaN'"),
        (text().replace('"elapsed_s": 1.0', '"elapsed_s": 1e999'), "has the number '1e999'"),
        (text().replace('"elapsed_s": 1.0', f'"elapsed_s": {"9" * 5000}'), "has a number that is too long"),
        (text(elapsed_s=1e300), "contradicts itself: "),
        (text(started_at="2026-02-30T10:00:00Z"), "contradicts itself: "),
        (text(exit_code=4), "contradicts itself: exit_code 4 and the result ok"),
        (text(result="drift"), "contradicts itself: exit_code 0 and the result drift"),
        (text(error=ERROR), "contradicts itself: an error and exit_code 0"),
        (text(summary={"secrets": 2}), "contradicts itself: 1 secret, and its summary counts 2"),
        (text(shard="5/4"), "contradicts itself: '5/4' is not a shard"),
        (text(shard="1/0"), "contradicts itself: '1/0' has no shards"),
        (text(secrets=None), "does not fit the schema smrep/1: secrets: must be array, not None"),
        (text(secrets=[{}]), "does not fit the schema smrep/1: secrets[0].name: is missing"),
        (text(exit_code=True), "does not fit the schema smrep/1: exit_code: True is none of 0, 1, 2"),
        (text(novel=1), "does not fit the schema smrep/1: novel: is a field that this version does not know"),
        (
            text(novel=1, smrep_version="9.0"),
            "novel: is a field that this version does not know (smrep '9.0' wrote it, and this is ",
        ),
    ],
)
def test_nothing_else_is_read(text: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_document(text)
    assert words in caught.value.message
    assert len(caught.value.message) < 400


def test_a_later_kind_of_finding_is_not_dropped() -> None:
    finding = {"kind": "novel", "severity": "error", "message": "new", "hint": None}
    with pytest.raises(UsageError, match=r"secrets\[0\].findings\[0\].kind: 'novel' is none of missing, failed"):
        read_document(text(secrets=[WRITTEN["secrets"][0] | {"findings": [finding]}]))


@pytest.mark.parametrize("code", [129, 130, 143])
def test_an_interrupted_run_keeps_its_exit_code(code: int) -> None:
    run = read_document(text(result="interrupted", exit_code=code))
    assert (run.outcome, run.exit_code) == (Outcome.INTERRUPTED, code)


def test_what_is_pending_was_accepted_only_where_the_run_exits_with_0() -> None:
    pending = [WRITTEN["secrets"][0] | {"result": "pending"}]
    ends = ((0, "pending"), (3, "pending"), (1, "failed"))
    read = [read_document(text(result=word, exit_code=code, secrets=pending)) for code, word in ends]
    assert [run.secrets[0].outcome for run in read] == [Outcome.ACCEPTED, Outcome.PENDING, Outcome.PENDING]
    assert [run.outcome for run in read] == [Outcome.ACCEPTED, Outcome.PENDING, Outcome.FAILED]
