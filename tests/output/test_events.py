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
from smrep.report import RegionReport, Report, SecretReport, Trouble

ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-a1b2c3"
HOME, WEST, EU = Region("us-east-1"), Region("us-west-2"), Region("eu-west-1")
NOON = datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=timezone(timedelta(hours=1)))


def secret(*states: tuple[Region, str | None, str | None], name: str = "prod/db", **more: Any) -> SecretReport:
    replicas = tuple(RegionReport(region, Outcome.OK, None, status, message) for region, status, message in states)
    return SecretReport(name, Outcome.OK, ARN, HOME, replicas, **more)


def report(*secrets: SecretReport) -> Report:
    return Report("status", Outcome.OK, 0, NOON, 4.2, secrets=secrets)


class Told(Events):
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
        return [(each["region"], each["status"]) for each in self.events if each["type"] == "status"]


def test_version_comes_with_the_schema_and_a_time_in_utc() -> None:
    told = Told()
    told.version("status")
    (event,) = told.events
    assert list(event) == ["type", "ts", "schema", "smrep_version", "command"]
    assert (event["type"], event["ts"], event["schema"]) == ("version", "2026-11-23T11:00:00.123Z", "smrep/1")


def test_the_plan_is_the_secrets_of_the_document() -> None:
    planned = secret((WEST, None, None))
    told = Told(planned)
    told.plan()
    assert told.events[0]["secrets"] == document(report(planned))["secrets"]


def test_a_status_is_told_at_first_and_on_change_only() -> None:
    told = Told()
    for state in [(None, None), (None, None), ("InProgress", None), ("InProgress", None), ("InProgress", "a word")]:
        told.show([secret((WEST, *state), (EU, "InSync", "done"))])
    assert told.states == [(WEST, None), (EU, "InSync"), (WEST, "InProgress"), (WEST, "InProgress")]
    assert told.events[-1] == {
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
    told = Told()
    for request in ("a-1", "b-2"):
        told.show([secret((WEST, "Failed", f"can't encrypt (Service: AWSKMS; Request ID: {request}; Proxy: null)"))])
    assert told.states == [(WEST, "Failed")]


def test_a_region_that_is_listed_no_more_is_told_once() -> None:
    told = Told()
    for secrets in (secret((WEST, "InSync", None)), secret(), secret()):
        told.show([secrets])
    assert told.states == [(WEST, "InSync"), (WEST, None)]


def test_a_secret_that_could_not_be_seen_says_nothing_of_its_regions() -> None:
    told = Told()
    trouble = Trouble("Unanswered", "no answer", None, None, Outcome.PENDING)
    for seen in (secret((WEST, "InSync", None)), secret(error=trouble), secret((WEST, "InSync", None))):
        told.show([seen])
    assert told.states == [(WEST, "InSync")]


def test_two_secrets_of_one_name_are_two() -> None:
    told = Told()
    told.show([SecretReport("x", Outcome.OK, arn, HOME, secret((WEST, "InSync", None)).replicas) for arn in "ab"])
    assert len(told.states) == 2


@pytest.mark.parametrize(
    ("operation", "params", "more"),
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
def test_a_request_and_no_more_of_its_parameters(operation: str, params: dict[str, Any], more: dict[str, Any]) -> None:
    told = Told()
    told.request(operation, HOME, {"SecretId": ARN, **params})
    (event,) = told.events
    del event["type"], event["ts"]
    assert event == {"operation": operation, "region": HOME, "secret": ARN, **more}


def test_the_result_is_last_and_what_it_shows_was_told() -> None:
    told = Told()
    ended = report(secret((WEST, "InSync", None)))
    told.result(ended)
    assert told.states == [(WEST, "InSync")]
    assert told.events[-1]["document"] == document(ended)
    with pytest.raises(OutputError):
        told.request("ReplicateSecretToRegions", HOME, {"SecretId": ARN})
    assert told.events[-1]["type"] == "result"


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
    told = Told()
    told.show([secret((WEST, f"::error::{name}", message), name=f"##[error]\x1b[2J\u202e,\n  {name}")])
    assert "##[" not in told.lines[0]
    assert all(" " <= each <= "~" for each in told.lines[0].rstrip("\n"))
    (event,) = told.events
    assert (event["status"], event["status_message"]) == (f"::error::{name}", message)
    assert event["secret"] == f"##[error]\x1b[2J\u202e,\n  {name}"


def test_times_are_utc() -> None:
    told = Told()
    told.version(None)
    assert datetime.fromisoformat(told.events[0]["ts"]) == NOON.astimezone(UTC).replace(microsecond=123000)
