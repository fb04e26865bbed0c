"""The events that AWS would send to EventBridge: one of CloudTrail for each write, one for each label that moved."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fixtures import Sandbox

from smrep.sandbox.aws_events import events_of
from smrep.sandbox.simulator.api_errors import ApiError

HOME, WEST = "us-east-1", "us-west-2"
TRAIL, LABEL = "AWS API Call via CloudTrail", "Secret Label Updated"


@pytest.fixture
def events(sandbox: Sandbox) -> list[dict[str, Any]]:
    """The events of all calls from now on."""
    sent: list[dict[str, Any]] = []
    sandbox.simulator.listeners.append(lambda *call: sent.extend(events_of(*call)))
    return sent


def trail(events: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the detail of the only event of CloudTrail."""
    (event,) = (event for event in events if event["detail-type"] == TRAIL)
    detail: dict[str, Any] = event["detail"]
    return detail


def labels(events: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [
        (event["detail"]["labelUpdated"], event["detail"]["versionId"])
        for event in events
        if event["detail-type"] == LABEL
    ]


def test_a_new_secret_is_told_twice(sandbox: Sandbox, events: list[dict[str, Any]]) -> None:
    arn = sandbox.create("prod/db", Tags=[{"Key": "dr", "Value": "true"}])
    detail = trail(events)
    assert (detail["eventSource"], detail["eventName"]) == ("secretsmanager.amazonaws.com", "CreateSecret")
    assert detail["requestParameters"] == {"name": "prod/db", "tags": [{"key": "dr", "value": "true"}]}
    assert detail["responseElements"]["arn"] == arn
    native = events[1]
    version = sandbox.call("DescribeSecret", SecretId=arn)["VersionIdsToStages"]
    assert (native["source"], native["resources"]) == ("aws.secretsmanager", [arn])
    assert native["detail"] == {"name": "prod/db", "labelUpdated": "AWSCURRENT", "versionId": next(iter(version))}
    assert {(event["account"], event["region"]) for event in events} == {("123456789012", HOME)}
    assert len({event["id"] for event in events}) == 2


def test_no_event_has_a_value_and_no_read_has_an_event(sandbox: Sandbox, events: list[dict[str, Any]]) -> None:
    sandbox.create("prod/db")
    sandbox.call("PutSecretValue", SecretId="prod/db", SecretString="s3cret-two")
    count = len(events)
    sandbox.call("GetSecretValue", SecretId="prod/db")
    sandbox.call("ListSecrets")
    sandbox.key("alias/dr")
    assert len(events) == count == 4
    assert "s3cret" not in json.dumps(events)


def test_a_refused_call_has_its_code_and_null_for_an_answer(sandbox: Sandbox, events: list[dict[str, Any]]) -> None:
    with pytest.raises(ApiError):
        sandbox.call("TagResource", SecretId="gone", Tags=[{"Key": "dr", "Value": "true"}])
    detail = trail(events)
    assert (detail["errorCode"], detail["responseElements"]) == ("ResourceNotFoundException", None)
    assert detail["requestParameters"]["secretId"] == "gone"
    assert labels(events) == []


def test_tags_have_no_answer(sandbox: Sandbox, events: list[dict[str, Any]]) -> None:
    sandbox.create("prod/db")
    events.clear()
    sandbox.call("UntagResource", SecretId="prod/db", TagKeys=["dr"])
    assert trail(events)["responseElements"] is None


def test_only_labels_that_moved_are_told_and_not_the_pending_one(
    sandbox: Sandbox, events: list[dict[str, Any]]
) -> None:
    sandbox.create("prod/db")
    events.clear()
    answer = sandbox.call("PutSecretValue", SecretId="prod/db", SecretString="2", VersionStages=["AWSPENDING", "blue"])
    assert labels(events) == [("blue", answer["VersionId"])]
    events.clear()
    (current,) = (
        version
        for version, stages in sandbox.call("DescribeSecret", SecretId="prod/db")["VersionIdsToStages"].items()
        if "AWSCURRENT" in stages
    )
    sandbox.call(
        "UpdateSecretVersionStage",
        SecretId="prod/db",
        VersionStage="AWSCURRENT",
        MoveToVersionId=answer["VersionId"],
        RemoveFromVersionId=current,
    )
    assert labels(events) == [("AWSCURRENT", answer["VersionId"])]
    events.clear()
    sandbox.call("UpdateSecret", SecretId="prod/db", Description="new")
    assert (labels(events), trail(events)["eventName"]) == ([], "UpdateSecret")


def test_a_role_is_named_with_its_session(sandbox: Sandbox, events: list[dict[str, Any]]) -> None:
    sandbox.create("prod/db")
    answer = sandbox.call(
        "AssumeRole", service="sts", RoleArn="arn:aws:iam::123456789012:role/smrep", RoleSessionName="night"
    )
    events.clear()
    sandbox.simulator.call(
        "secretsmanager",
        "ReplicateSecretToRegions",
        HOME,
        {"SecretId": "prod/db", "AddReplicaRegions": [{"Region": WEST}]},
        access_key=answer["Credentials"]["AccessKeyId"],
    )
    identity = trail(events)["userIdentity"]
    assert identity["arn"] == "arn:aws:sts::123456789012:assumed-role/smrep/night"
    assert identity["sessionContext"]["sessionIssuer"]["arn"] == "arn:aws:iam::123456789012:role/smrep"


@pytest.mark.process
def test_the_sandbox_appends_a_line_for_each_event(sandbox: Sandbox, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    words = ["sandbox", "exec", "--seed", "--events", str(file), "--"]
    done = sandbox.process(*words, "smrep", "replicate", "prod/payments/db", "-r", WEST)
    assert done.code == 0, done.err
    (event,) = (json.loads(line) for line in file.read_text().splitlines())
    assert event["detail"]["eventName"] == "ReplicateSecretToRegions"
    assert event["detail"]["requestParameters"]["addReplicaRegions"] == [{"region": WEST}]
