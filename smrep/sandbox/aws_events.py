"""The events that AWS sends to EventBridge about calls to Secrets Manager."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, Any
from uuid import uuid4

from smrep.sandbox.simulator.account_calls import Call
from smrep.sandbox.simulator.api_errors import ApiError

_READS = ("Describe", "List", "Get", "BatchGet", "Validate")
_NO_ANSWER = frozenset({"TagResource", "UntagResource"})
"""Operations whose answer is empty."""
_UNTOLD = frozenset({"AWSPENDING", "AWSPREVIOUS"})


def events_of(call: Call, caller: str, result: dict[str, Any] | ApiError) -> Iterator[dict[str, Any]]:
    """Yield the event of CloudTrail, and those of labels that moved to a version; none for a read.

    Choice: the label events of a new secret's first version are sent too, and replicas send none.
    Source: aws-behavior.md 6, and for CloudTrail's fields its record contents page.
    """
    if call.service != "secretsmanager" or call.operation.startswith(_READS):
        return
    yield _event(call, "AWS API Call via CloudTrail", [], _record(call, caller, result))
    if isinstance(result, ApiError):
        return
    for label, version in _moved_labels(call, result):
        detail = {"name": result["Name"], "labelUpdated": label, "versionId": version}
        yield _event(call, "Secret Label Updated", [result["ARN"]], detail)


@dataclass(frozen=True, slots=True)
class EventLog:
    """Writes a JSON line for each event."""

    file: IO[str]

    def write(self, call: Call, caller: str, result: dict[str, Any] | ApiError) -> None:
        """Write the events of one call."""
        self.file.writelines(json.dumps(event) + "\n" for event in events_of(call, caller, result))
        self.file.flush()


def _moved_labels(call: Call, answer: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (label, version) of each label that now is on another version."""
    if call.operation == "UpdateSecretVersionStage":
        labels, version = [str(call.params["VersionStage"])], call.params.get("MoveToVersionId")
    elif call.operation in ("CreateSecret", "PutSecretValue", "UpdateSecret"):
        labels, version = answer.get("VersionStages", ["AWSCURRENT"]), answer.get("VersionId")
    else:
        return
    yield from ((label, version) for label in labels if version and label not in _UNTOLD)


def _event(call: Call, kind: str, resources: list[str], detail: dict[str, Any]) -> dict[str, Any]:
    return {
        "version": "0",
        "id": str(uuid4()),
        "detail-type": kind,
        "source": "aws.secretsmanager",
        "account": call.account,
        "time": _time(call.ts),
        "region": call.region,
        "resources": resources,
        "detail": detail,
    }


def _record(call: Call, caller: str, result: dict[str, Any] | ApiError) -> dict[str, Any]:
    """Return CloudTrail's record of a call, which has no secret value."""
    refused = isinstance(result, ApiError)
    return {
        "eventVersion": "1.11",
        "userIdentity": _identity(caller),
        "eventTime": _time(call.ts),
        "eventSource": "secretsmanager.amazonaws.com",
        "eventName": call.operation,
        "awsRegion": call.region,
        "sourceIPAddress": "127.0.0.1",
        "userAgent": "smrep-sandbox",
        **({"errorCode": result.code, "errorMessage": result.message} if isinstance(result, ApiError) else {}),
        "requestParameters": _camel_case(call.params) or None,
        "responseElements": None if refused or call.operation in _NO_ANSWER else _camel_case(result),
        "requestID": str(uuid4()),
        "eventID": str(uuid4()),
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": call.account,
        "eventCategory": "Management",
    }


def _identity(caller: str) -> dict[str, Any]:
    account, resource = caller.split(":")[4:6]
    kind, _, name = resource.partition("/")
    if kind != "assumed-role":
        return {"type": "IAMUser", "arn": caller, "accountId": account, "userName": name}
    role = {
        "type": "Role",
        "arn": f"arn:aws:iam::{account}:role/{name.partition('/')[0]}",
        "accountId": account,
        "userName": name.partition("/")[0],
    }
    return {"type": "AssumedRole", "arn": caller, "accountId": account, "sessionContext": {"sessionIssuer": role}}


def _camel_case(value: Any) -> Any:
    """Return the value with CloudTrail's spelling of its keys: `secretId`, `arn`."""
    if isinstance(value, dict):
        return {
            key.lower() if key.isupper() else key[:1].lower() + key[1:]: _camel_case(item)
            for key, item in value.items()
        }
    return [_camel_case(item) for item in value] if isinstance(value, list) else value


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
