"""The ndjson events of a process: all of them at its end, or one by one as they arrive."""

from __future__ import annotations

import json
from typing import Any

from fixtures import Done

Event = dict[str, Any]


def parsed(line: str) -> Event:
    event: Event = json.loads(line)
    assert {"type", "ts"} <= event.keys()
    return event


def events(done: Done) -> list[Event]:
    """The events on standard output, of which the first is `version` and the last a `result` that fits the schema."""
    assert done.out.endswith("\n")
    told = [parsed(line) for line in done.out.splitlines()]
    assert all(" " <= each <= "~" for each in done.out.replace("\n", ""))
    assert [each["type"] for each in told].count("version") == 1
    assert told[0]["type"] == "version"
    assert [each["type"] for each in told].count("result") == 1
    assert told[-1]["type"] == "result"
    assert document(done) == told[-1]["document"]
    assert [each["ts"] for each in told] == sorted(each["ts"] for each in told)
    return told


def document(done: Done) -> dict[str, Any]:
    last = json.loads(done.out.splitlines()[-1])
    return Done(done.code, json.dumps(last["document"]), done.err).document


def of(kind: str, told: list[Event]) -> list[Event]:
    return [each for each in told if each["type"] == kind]
