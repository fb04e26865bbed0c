"""No credential is printed or written, wherever it comes from, however a call fails, whatever the output."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from botocore.config import Config
from botocore.credentials import SSOProvider
from fixtures import Done, Sandbox
from leaks.front import FAILURES, MARK, WRITES, Failure, Front, serving
from leaks.places import BROKEN, NAMED, SOUND, Make

from smrep.aws import session
from smrep.sandbox.server.request_handler import RequestHandler

MANIFEST = json.dumps({"schema": 1, "replicate": [{"name": "all", "prefix": "prod/", "regions": ["eu-west-1"]}]})
COMMANDS: dict[str, tuple[str, ...]] = {
    "status, table": ("status", "prod/db", "-o", "table", "--debug"),
    "status, text": ("status", "prod/db", "-o", "text"),
    "status, json": ("status", "prod/db", "--json"),
    "status, ndjson": ("status", "prod/db", "-o", "ndjson", "--debug"),
    "status, csv or query": ("status", "prod/db", "--query", "@", "-o", "text"),
    "verify, name": ("verify", "prod/db", "-o", "name", "--timeout", "0"),
    "doctor": ("doctor", "prod/db", "-r", "us-west-2", "--json", "--debug"),
    "list": ("list", "-o", "ndjson", "--debug"),
    "audit with its reports": (
        *("audit", "-r", "us-west-2", "--json", "--debug"),
        *(word for kind in ("html", "xml", "prom", "ocsf.json") for word in ("--report", f"FOLDER/report.{kind}")),
    ),
    "plan": ("plan", "-f", "-", "--out", "FOLDER/plan", "--debug"),
    "export": ("export", "--terraform"),
    "iam-policy": ("iam-policy", "prod/db", "-r", "us-west-2"),
}
"""Commands that read, so that together they have every output there is."""
WRITING: dict[str, tuple[str, ...]] = {
    "replicate": ("replicate", "prod/db", "-r", "eu-west-1", "--json", "--debug", "--timeout", "5s"),
    "rekey": ("rekey", "prod/db", "-r", "us-west-2=alias/aws/secretsmanager", "--timeout", "5s"),
    "remove": ("remove", "prod/db", "-r", "us-west-2", "--yes", "-o", "ndjson", "--timeout", "5s"),
    "promote": ("promote", "prod/db", "-r", "us-west-2", "--yes", "-o", "table", "--timeout", "5s"),
    "apply with its journal": (
        *("apply", "-f", "-", "--yes", "--journal", "FOLDER/journal", "-o", "ndjson", "--debug", "--timeout", "5s"),
    ),
    "failover with its record": (
        *("failover", "--from", "us-east-1", "--to", "us-west-2", "--all", "--yes", "--record", "FOLDER/record"),
        *("--json", "--debug", "--timeout", "5s"),
    ),
}
ALL = {**COMMANDS, **WRITING}

Scene = Callable[..., tuple[Done, Front]]


@pytest.fixture
def run(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """Return a function that runs a command with a credential of a place, and looks for it in all that came of it."""
    sandbox.create()
    sandbox.call("ReplicateSecretToRegions", SecretId="prod/db", AddReplicaRegions=[{"Region": "us-west-2"}])
    given, written = tmp_path / "given", tmp_path / "written"
    given.mkdir()
    written.mkdir()
    monkeypatch.setattr(SSOProvider, "_SSO_TOKEN_CACHE_DIR", str(given / "sso"))
    front = Front(RequestHandler(sandbox.simulator, log=None))

    def look(
        place: Make, words: tuple[str, ...], failure: Failure | None = None, fails_only: tuple[str, ...] = ()
    ) -> tuple[Done, Front]:
        front.failure, front.fails_only = failure, fails_only
        made = place(front, given)
        env = {"AWS_ENDPOINT_URL": front.url, "AWS_MAX_ATTEMPTS": "1", "GITHUB_ACTIONS": "true", **made.env}
        env["AWS_ENDPOINT_URL_STS"] = env["AWS_ENDPOINT_URL_SSO"] = front.url
        env["GITHUB_STEP_SUMMARY"] = str(written / "summary")
        words = tuple(word.replace("FOLDER", str(written)) for word in words)
        flags = () if words[0] == "iam-policy" else made.flags
        done = sandbox.smrep(*words, *flags, stdin=MANIFEST, **env)
        outputs = {"stdout": done.out, "stderr": done.err}
        outputs |= {each.name: each.read_text() for each in written.iterdir()}
        shown = {name: text for name, text in outputs.items() if MARK in text}
        assert shown == {}, words
        assert done.code != 70, done.err
        return done, front

    with serving(front):
        yield look


@pytest.mark.parametrize("place", SOUND)
def test_a_credential_of_each_place_gets_to_aws(run: Scene, place: str) -> None:
    """The places are what they are taken for: without a failure the marked credential signs the request."""
    done, front = run(SOUND[place], ("status", "prod/db", "--json"))
    assert done.code == 0, done.err
    assert place.startswith("endpoint") or any(MARK in text for text in front.seen)


PAIRS = list(itertools.product(SOUND, FAILURES))
SAMPLE = [
    (place, failure, list(COMMANDS)[number % len(COMMANDS)])
    for number, (place, failure) in enumerate(PAIRS)
    if number % len(FAILURES) in {number // len(FAILURES), (number // len(FAILURES) + 7) % len(FAILURES)}
]
"""Each place with two failures, each failure with a place."""


@pytest.mark.parametrize(("place", "failure", "command"), SAMPLE)
def test_a_call_that_fails_shows_no_credential(run: Scene, place: str, failure: str, command: str) -> None:
    done, _ = run(SOUND[place], COMMANDS[command], FAILURES[failure])
    assert command == "iam-policy" or done.code != 0


@pytest.mark.parametrize(("command", "failure"), list(zip(WRITING, itertools.cycle(FAILURES), strict=False)))
def test_a_write_that_fails_shows_no_credential(run: Scene, command: str, failure: str) -> None:
    run(SOUND["session token"], WRITING[command], FAILURES[failure], WRITES)


@pytest.mark.parametrize(("place", "command"), list(zip(BROKEN, itertools.cycle(ALL), strict=False)))
def test_a_place_that_is_broken_is_told_without_the_credential(run: Scene, place: str, command: str) -> None:
    run(BROKEN[place], ALL[command])


@pytest.mark.parametrize("place", NAMED)
def test_a_character_that_no_credential_has_is_told_by_its_place(run: Scene, place: str) -> None:
    done, front = run(BROKEN[place], ("status", "prod/db", "--json"))
    assert done.code == 4
    told = json.dumps(done.document)
    assert f"{NAMED[place]} contains a line end" in told
    assert front.seen == []


def test_a_call_that_times_out_shows_no_credential(run: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "_READS", Config(read_timeout=0.05))

    def wait(_text: str) -> None:
        front.ended.wait(60)

    front = run(SOUND["session token"], ("status", "prod/db"))[1]
    done, _ = run(SOUND["endpoint's password"], ("status", "prod/db", "--json", "--debug"), wait)
    assert "no answer came in time from http://127.0.0.1:" in done.out


@pytest.mark.exhaustive
@pytest.mark.parametrize(("number", "place", "failure"), [(number, *pair) for number, pair in enumerate(PAIRS)])
def test_each_place_and_failure_with_commands_in_turn(run: Scene, number: int, place: str, failure: str) -> None:
    for words in list(COMMANDS.values())[number % 6 :: 6]:
        run(SOUND[place], words, FAILURES[failure])
    run(SOUND[place], list(WRITING.values())[number % len(WRITING)], FAILURES[failure], WRITES)


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("place", "command"),
    [pair for number, pair in enumerate(itertools.product(BROKEN, ALL)) if number % 5 == number // len(ALL) % 5],
)
def test_each_place_that_is_broken_with_commands_in_turn(run: Scene, place: str, command: str) -> None:
    run(BROKEN[place], ALL[command])


def test_a_credential_that_is_shown_would_be_seen(run: Scene) -> None:
    with pytest.raises(AssertionError, match="stderr"):
        run(SOUND["session token"], ("status", "prod/db", f"--{MARK}"))
