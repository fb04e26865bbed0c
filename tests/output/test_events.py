"""The events: one line each, status only on change, nothing after the result, and no line that a runner acts on."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smrep.errors import Outcome, OutputError
from smrep.output.events import Events
from smrep.output.json_document import document
from smrep.regions import Region
from smrep.report import Problem, RegionReport, RunReport, SecretReport

ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-a1b2c3"
HOME, WEST, EU = Region("us-east-1"), Region("us-west-2"), Region("eu-west-1")
NOON = datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=timezone(timedelta(hours=1)))


def secret(*states: tuple[Region, str | None, str | None], name: str = "prod/db", **fields: Any) -> SecretReport:
    replicas = tuple(RegionReport(region, Outcome.OK, None, status, message) for region, status, message in states)
    return SecretReport(name, Outcome.OK, ARN, HOME, replicas, **fields)


def report(*secrets: SecretReport) -> RunReport:
    return RunReport("status", Outcome.OK, 0, NOON, 4.2, secrets=secrets)


class EventLog(Events):
    """Events that are kept."""

    def __init__(self, *secrets: SecretReport) -> None:
        self.lines: list[str] = []
        super().__init__(self.lines.append, lambda: NOON, lambda: report(*secrets))

    @property
    def events(self) -> list[dict[str, Any]]:
        assert all(line.endswith("\n") and line.count("\n") == 1 and line.isascii() for line in self.lines)
        return [json.loads(line) for line in self.lines]

    @property
    def states(self) -> list[tuple[str, str | None]]:
        return [(event["region"], event["status"]) for event in self.events if event["type"] == "status"]


def test_version_comes_with_the_schema_and_a_time_in_utc() -> None:
    log = EventLog()
    log.version("status")
    (event,) = log.events
    assert list(event) == ["type", "ts", "schema", "smrep_version", "command"]
    assert (event["type"], event["ts"], event["schema"]) == ("version", "2026-11-23T11:00:00.123Z", "smrep/1")


def test_the_plan_is_the_secrets_of_the_document() -> None:
    planned = secret((WEST, None, None))
    log = EventLog(planned)
    log.plan()
    assert log.events[0]["secrets"] == document(report(planned))["secrets"]


def test_a_status_is_told_at_first_and_on_change_only() -> None:
    log = EventLog()
    for state in [(None, None), (None, None), ("InProgress", None), ("InProgress", None), ("InProgress", "a word")]:
        log.show([secret((WEST, *state), (EU, "InSync", "done"))])
    assert log.states == [(WEST, None), (EU, "InSync"), (WEST, "InProgress"), (WEST, "InProgress")]
    assert log.events[-1] == {
        "type": "status",
        "ts": "2026-11-23T11:00:00.123Z",
        "secret": "prod/db",
        "secret_arn": ARN,
        "result": "ok",
        "region": WEST,
        "status": "InProgress",
        "status_message": "a word",
    }


def test_the_same_trouble_under_another_request_id_is_no_change() -> None:
    log = EventLog()
    for request in ("a-1", "b-2"):
        log.show([secret((WEST, "Failed", f"can't encrypt (Service: AWSKMS; Request ID: {request}; Proxy: null)"))])
    assert log.states == [(WEST, "Failed")]


def test_a_region_that_is_listed_no_more_is_told_once() -> None:
    log = EventLog()
    for secrets in (secret((WEST, "InSync", None)), secret(), secret()):
        log.show([secrets])
    assert log.states == [(WEST, "InSync"), (WEST, None)]


def test_a_secret_that_could_not_be_seen_says_nothing_of_its_regions() -> None:
    log = EventLog()
    trouble = Problem("Unanswered", "no answer", None, None, Outcome.PENDING)
    for seen in (secret((WEST, "InSync", None)), secret(error=trouble), secret((WEST, "InSync", None))):
        log.show([seen])
    assert log.states == [(WEST, "InSync")]


def test_two_secrets_of_one_name_are_two() -> None:
    log = EventLog()
    log.show([SecretReport("x", Outcome.OK, arn, HOME, secret((WEST, "InSync", None)).replicas) for arn in "ab"])
    assert len(log.states) == 2


@pytest.mark.parametrize(
    ("operation", "params", "fields"),
    [
        (
            "ReplicateSecretToRegions",
            {"AddReplicaRegions": [{"Region": WEST, "KmsKeyId": "alias/dr"}, {"Region": EU}]},
            {"regions": [WEST, EU], "force": False, "kms_key_ids": {WEST: "alias/dr"}},
        ),
        (
            "ReplicateSecretToRegions",
            {"AddReplicaRegions": [{"Region": WEST}], "ForceOverwriteReplicaSecret": True},
            {"regions": [WEST], "force": True},
        ),
        ("RemoveRegionsFromReplication", {"RemoveReplicaRegions": [EU]}, {"regions": [EU], "force": False}),
        ("StopReplicationToReplica", {}, {"regions": [HOME], "force": False}),
        (
            "UpdateSecret",
            {"KmsKeyId": "alias/dr", "Description": "x"},
            {"regions": [HOME], "force": False, "kms_key_id": "alias/dr"},
        ),
    ],
)
def test_a_request_and_no_more_of_its_parameters(
    operation: str, params: dict[str, Any], fields: dict[str, Any]
) -> None:
    log = EventLog()
    log.request(operation, HOME, {"SecretId": ARN, **params})
    (event,) = log.events
    del event["type"], event["ts"]
    assert event == {"operation": operation, "region": HOME, "secret": ARN, **fields}


def test_the_result_is_last_and_what_it_shows_was_told() -> None:
    log = EventLog()
    ended = report(secret((WEST, "InSync", None)))
    log.result(ended)
    assert log.states == [(WEST, "InSync")]
    assert log.events[-1]["document"] == document(ended)
    with pytest.raises(OutputError):
        log.request("ReplicateSecretToRegions", HOME, {"SecretId": ARN})
    assert log.events[-1]["type"] == "result"


def test_threads_take_turns() -> None:
    inside = threading.Lock()

    def write(_line: str) -> None:
        assert inside.acquire(blocking=False)
        overlapping.wait(0.01)
        inside.release()
        written.append(_line)

    overlapping, written = threading.Event(), list[str]()
    events = Events(write, lambda: NOON, report)
    threads = [
        threading.Thread(target=events.request, args=("RemoveRegionsFromReplication", HOME, {"SecretId": str(number)}))
        for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(json.loads(line)["secret"] for line in written) == [str(number) for number in range(8)]


@given(st.text(), st.one_of(st.none(), st.text()))
def test_hostile_text_stays_true_on_one_line(name: str, message: str | None) -> None:
    log = EventLog()
    log.show([secret((WEST, f"::error::{name}", message), name=f"##[error]\x1b[2J\u202e,\n  {name}")])
    assert "##[" not in log.lines[0]
    assert all(" " <= char <= "~" for char in log.lines[0].rstrip("\n"))
    (event,) = log.events
    assert (event["status"], event["status_message"]) == (f"::error::{name}", message)
    assert event["secret"] == f"##[error]\x1b[2J\u202e,\n  {name}"


def test_times_are_utc() -> None:
    log = EventLog()
    log.version(None)
    assert datetime.fromisoformat(log.events[0]["ts"]) == NOON.astimezone(UTC).replace(microsecond=123000)
