"""From an event to what it asks for: every event that AWS sends, and anything else."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from sample_events import ACCOUNT, ARN, HOME, malformed, native, trail

from smrep.errors import UsageError
from smrep.regions import Region
from smrep.report import EventReport
from smrep.rules.manifest.schema import Home
from smrep.rules.trigger import Schedule, SecretEvent, read_trigger

WEST = "us-west-2"
FAILED = "the call failed:"


def secret_event(event: Any) -> SecretEvent:
    found = read_trigger(event)
    assert isinstance(found, SecretEvent), found
    return found


@pytest.mark.parametrize(
    "event",
    [
        native(),
        trail("CreateSecret", {"name": "prod/db"}, {"arn": ARN, "name": "prod/db"}),
        trail("ReplicateSecretToRegions", {"secretId": "prod/db"}, {"aRN": ARN}),
        trail("UpdateSecret", {"secretId": "prod/db"}, {"ARN": ARN}),
        trail("TagResource", {"secretId": ARN}),
        trail("TagResource", {"secretId": ARN}, region=WEST),
    ],
)
def test_the_arn_is_taken_from_wherever_the_event_has_it(event: dict[str, Any]) -> None:
    found = secret_event(event)
    assert (found.secret_id, found.region, found.account) == (ARN, HOME, ACCOUNT)


@pytest.mark.parametrize(
    "event",
    [
        trail("CreateSecret", {"name": "prod/db"}),
        trail("TagResource", {"secretId": "prod/db"}),
        native(resources=[]),
        native(resources=None),
        trail("CreateSecret", {"name": "prod/db"}, awsRegion=None),
    ],
)
def test_a_name_is_of_the_events_region_and_account(event: dict[str, Any]) -> None:
    found = secret_event(event)
    assert (found.secret_id, found.region, found.account) == ("prod/db", HOME, ACCOUNT)


@pytest.mark.parametrize(
    ("call", "adds"),
    [
        ("CreateSecret", True),
        ("TagResource", True),
        ("UpdateSecret", True),
        ("ReplicateSecretToRegions", True),
        ("UntagResource", False),
        ("RemoveRegionsFromReplication", False),
        ("StopReplicationToReplica", False),
    ],
)
def test_what_somebody_took_away_is_only_reported(call: str, *, adds: bool) -> None:
    assert secret_event(trail(call, {"secretId": "prod/db"})).adds is adds


def test_a_label_may_add_replicas_too() -> None:
    assert secret_event(native()).adds


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (trail("GetSecretValue", {"secretId": ARN}), "it changes no replication"),
        (trail("DeleteSecret", {"secretId": ARN}), "it changes no replication"),
        (
            trail("CreateSecret", {"name": "x"}, errorCode="ResourceExistsException"),
            f"{FAILED} ResourceExistsException",
        ),
        (trail("CreateSecret", {"name": "x"}, errorCode={"message": "text"}), "the call failed"),
        (trail("TagResource", {"secretId": ARN}, eventSource="kms.amazonaws.com"), "it is not about a secret"),
        (native(**{"detail-type": "AWS Service Event via CloudTrail"}), "it is not about a secret"),
        (native(**{"detail-type": "Scheduled Event"}), "it is not about a secret"),
    ],
)
def test_events_that_need_nothing_say_why(event: dict[str, Any], why: str) -> None:
    name = event["detail"].get("eventName", event["detail-type"])
    expected = event["detail-type"] if why == "it is not about a secret" else name
    assert read_trigger(event) == EventReport(expected, None, why)


def test_a_schedule_asks_for_a_command() -> None:
    assert read_trigger({"smrep": "apply"}) is Schedule.APPLY
    assert read_trigger({"smrep": "audit", "deep": True}) is Schedule.AUDIT


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (None, "the event is not a JSON object"),
        ([native()], "the event is not a JSON object"),
        ({}, "the event has no detail-type"),
        ({"smrep": "aplly"}, "the event's smrep is neither apply nor audit"),
        ({"smrep": ["apply"]}, "the event's smrep is neither apply nor audit"),
        (native(resources=[], detail=None), "Secret Label Updated names no secret"),
        (trail("CreateSecret"), "CreateSecret names no secret"),
        (trail("CreateSecret", "prod/db", ["x"]), "CreateSecret names no secret"),
        (trail("TagResource", {"secretId": "a b"}), "names have no space"),
        (trail("TagResource", {"secretId": "prod/db"}, awsRegion="moon-1"), "'moon-1' is not an AWS Region"),
        (native("arn:aws:kms:us-east-1:123456789012:key/1"), "is not the ARN of a secret"),
        (native("arn:aws-cn:secretsmanager:us-east-1:123456789012:secret:x-a1b2c3"), "has the partition aws-cn"),
        (trail("TagResource", {"secretId": "x" * 2049}), "names no secret"),
        (trail("TagResource", {"secretId": ""}), "names no secret"),
        (trail("TagResource", {"secretId": "prod/db"}, awsRegion=1), "a Region must not be empty"),
    ],
)
def test_an_event_that_cannot_be_read_is_an_error(event: Any, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_trigger(event)
    assert caught.value.message == message or f" {message}" in caught.value.message
    assert caught.value.code == "MalformedEvent"
    assert caught.value.hint == (
        'smrep takes EventBridge events of Secrets Manager, {"smrep": "apply"} and {"smrep": "audit"}'
    )


def test_the_longest_secret_id_is_one() -> None:
    longest = ARN + "x" * (2048 - len(ARN))
    assert secret_event(trail("TagResource", {"secretId": longest})).secret_id == longest


def test_an_account_or_caller_that_is_no_text_is_unknown() -> None:
    found = secret_event(trail("TagResource", {"secretId": "prod/db"}, userIdentity={"arn": 1}) | {"account": 123})
    assert (found.account, found.caller) == (None, None)


ROLE = f"arn:aws:sts::{ACCOUNT}:assumed-role/smrep"


@pytest.mark.parametrize(
    ("caller", "identity", "own"),
    [
        (f"{ROLE}/one", f"{ROLE}/two", True),
        (f"{ROLE}/one", f"{ROLE}-other/one", False),
        (f"{ROLE}/one", f"arn:aws:sts::{ACCOUNT[::-1]}:assumed-role/smrep/one", False),
        (f"arn:aws:iam::{ACCOUNT}:user/team/ann", f"arn:aws:iam::{ACCOUNT}:user/team/ann", True),
        (f"arn:aws:iam::{ACCOUNT}:user/team/ann", f"arn:aws:iam::{ACCOUNT}:user/team/bob", False),
    ],
)
def test_all_sessions_of_a_role_are_one_identity(caller: str, identity: str, *, own: bool) -> None:
    event = trail("ReplicateSecretToRegions", {"secretId": ARN}, userIdentity={"arn": caller})
    assert secret_event(event).may_be_own
    assert secret_event(event).is_by(identity) is own


def test_a_call_that_smrep_never_makes_is_not_its_own() -> None:
    event = secret_event(trail("CreateSecret", {"name": "x"}, userIdentity={"arn": f"{ROLE}/one"}))
    assert not event.may_be_own
    assert not secret_event(trail("ReplicateSecretToRegions", {"secretId": ARN}, userIdentity=None)).may_be_own


@pytest.mark.parametrize(
    ("home", "belongs"),
    [
        (Home(Region(HOME)), True),
        (Home(Region(HOME), ACCOUNT), True),
        (Home(Region(HOME), "210987654321"), False),
        (Home(Region(WEST), ACCOUNT), False),
    ],
)
def test_a_secret_belongs_to_its_account_and_region(home: Home, *, belongs: bool) -> None:
    assert secret_event(native()).belongs_to(home) is belongs


@given(malformed())
def test_anything_is_an_event_or_an_error_with_a_reason(event: Any) -> None:
    with suppress(UsageError):
        assert isinstance(read_trigger(event), SecretEvent | Schedule | EventReport)


def test_the_result_names_the_event_as_it_came_and_why_it_is_ignored() -> None:
    event = secret_event(trail("TagResource", {"secretId": "prod/db"}))
    assert event.report() == EventReport("TagResource", "prod/db", None)
    assert event.report("no rule wants it") == EventReport("TagResource", "prod/db", "no rule wants it")
