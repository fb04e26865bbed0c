"""What started a run without a person: an event of EventBridge, or a schedule. Source: aws-behavior.md 6."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from smrep.errors import UsageError
from smrep.model import MAX_SECRET_ID, SecretId, parse_arn
from smrep.regions import Region, parse_region
from smrep.report import EventReport
from smrep.rules.manifest.schema import Home
from smrep.rules.primary_region import check_name

LABEL_UPDATED = "Secret Label Updated"
CALL = "AWS API Call via CloudTrail"
_ADDING = frozenset({LABEL_UPDATED, "CreateSecret", "TagResource", "UpdateSecret", "ReplicateSecretToRegions"})
"""Events after which a secret may want replicas."""
_REPORTED = frozenset({"UntagResource", "RemoveRegionsFromReplication", "StopReplicationToReplica"})
"""Events after which smrep changes nothing, because a person may have meant it."""
_OWN = frozenset({"ReplicateSecretToRegions", "RemoveRegionsFromReplication", "StopReplicationToReplica"})
"""Calls that smrep makes too."""


class Schedule(StrEnum):
    """A run over the whole manifest."""

    APPLY = "apply"
    AUDIT = "audit"


@dataclass(frozen=True, slots=True)
class SecretEvent:
    """An event about one secret."""

    name: str
    """The API call, or `Secret Label Updated`."""
    secret_id: SecretId
    """Its ARN, or its name if the event has no ARN."""
    region: Region
    account: str | None = None
    caller: str | None = None
    """The ARN of the identity that made the call; None if the event has none."""

    @property
    def adds(self) -> bool:
        """Whether smrep may add replicas, rather than only report."""
        return self.name in _ADDING

    @property
    def may_retry(self) -> bool:
        """Whether smrep may retry Failed replicas: not after a request, or two functions answer each other's."""
        return self.adds and self.name not in _OWN

    @property
    def may_be_own(self) -> bool:
        """Whether smrep makes such calls too."""
        return self.name in _OWN and self.caller is not None

    def is_by(self, identity: str) -> bool:
        """Return whether this identity made the call; all sessions of a role are one identity."""
        return self.caller is not None and _without_session(self.caller) == _without_session(identity)

    def report(self, ignored: str | None = None) -> EventReport:
        """Return the event as the result shows it; `ignored` says why nothing was done."""
        return EventReport(self.name, self.secret_id, ignored)

    def belongs_to(self, home: Home) -> bool:
        """Return whether the secret is in this account, as far as known, and Region."""
        return self.region == home.region and (home.account is None or self.account in (None, home.account))


def read_trigger(event: object) -> SecretEvent | Schedule | EventReport:
    """Return what an event asks for; a report says why it needs nothing.

    Raises:
        UsageError: it is no event that smrep takes, or names no secret.

    """
    if not isinstance(event, Mapping):
        raise _malformed("the event is not a JSON object")
    if "smrep" in event:
        try:
            return Schedule(event["smrep"])
        except ValueError:
            raise _malformed("the event's smrep is neither apply nor audit") from None
    kind, detail = event.get("detail-type"), _object(event.get("detail"))
    if not isinstance(kind, str):
        raise _malformed("the event has no detail-type")
    if kind == LABEL_UPDATED:
        resources = event.get("resources")
        first = resources[0] if isinstance(resources, list) and resources else None
        return _secret_event(kind, event, detail, [first, detail.get("name")])
    name = detail.get("eventName")
    if kind != CALL or detail.get("eventSource") != "secretsmanager.amazonaws.com" or not isinstance(name, str):
        return EventReport(kind, None, "it is not about a secret")
    if name not in _ADDING | _REPORTED:
        return EventReport(name, None, "it changes no replication")
    if detail.get("errorCode") is not None:
        code = detail["errorCode"]
        return EventReport(name, None, f"the call failed: {code}" if isinstance(code, str) else "the call failed")
    answer, request = _object(detail.get("responseElements")), _object(detail.get("requestParameters"))
    ids = [answer.get("arn"), answer.get("aRN"), answer.get("ARN"), request.get("secretId"), request.get("name")]
    return _secret_event(name, event, detail, ids)


def _secret_event(
    name: str, event: Mapping[str, Any], detail: Mapping[str, Any], secret_ids: list[object]
) -> SecretEvent:
    """Return the event of the first of these secrets that is given.

    Raises:
        UsageError: none is, or no Region, or one that AWS cannot have.

    """
    texts = (text for text in secret_ids if isinstance(text, str))
    secret_id = next((text for text in texts if 0 < len(text) <= MAX_SECRET_ID), None)
    if secret_id is None:
        raise _malformed(f"the event {name} names no secret")
    caller = _object(detail.get("userIdentity")).get("arn")
    region, account = detail.get("awsRegion") or event.get("region"), event.get("account")
    try:
        if secret_id.startswith("arn:"):
            arn = parse_arn(secret_id, "secretsmanager")
            region, account = arn.region, arn.account
        else:
            check_name(secret_id)
        region = parse_region(region if isinstance(region, str) else "")
    except UsageError as error:
        raise _malformed(f"the event {name} cannot be used: {error.message}") from error
    return SecretEvent(
        name,
        SecretId(secret_id),
        region,
        account if isinstance(account, str) else None,
        caller if isinstance(caller, str) else None,
    )


def _object(value: object) -> Mapping[str, Any]:
    """Return a JSON object, an empty one for anything else: CloudTrail writes null."""
    return value if isinstance(value, Mapping) else {}


def _without_session(arn: str) -> str:
    head, slash, _ = arn.rpartition("/")
    return head if slash and ":assumed-role/" in arn else arn


def _malformed(message: str) -> UsageError:
    return UsageError(
        message,
        'smrep takes EventBridge events of Secrets Manager, {"smrep": "apply"} and {"smrep": "audit"}',
        code="MalformedEvent",
    )
