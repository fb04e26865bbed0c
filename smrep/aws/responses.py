"""Turn AWS's answers into values and check them; a field that AWS may omit may be absent.

An answer must be about the secret, key or action in the request. Any other raises a ValueError that names the field
and never quotes it: an impostor may echo the request with its credentials.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from sys import intern
from typing import Any, NoReturn

from smrep.model import CrossAccount, FarEnd, Key, Listed, OrganizationAccount, Page, Replica, Secret, Version
from smrep.regions import Region

MAX_WORDS = 4096
"""Longest StatusMessage, in characters. Source: aws-behavior.md 2.1."""


class BadField(ValueError):
    """A field is missing, malformed, or about something else than the request; the message names the field."""


def to_secret(answer: Mapping[str, Any], secret_id: str, region: Region) -> Secret:
    """Return an answer to DescribeSecret as a value; every field but ARN and Name may be absent.

    Raises:
        ValueError: a field is missing or malformed, or the answer is about another secret.

    Source: API_DescribeSecret; aws-behavior.md 1.4.

    """
    return Secret(
        arn=secret_arn(answer, region, secret_id),
        name=required(answer, "Name"),
        region=region,
        primary_region=_region(answer, "PrimaryRegion"),
        kms_key_id=text(answer, "KmsKeyId"),
        replicas=to_replicas(answer),
        deleted=_moment(answer.get("DeletedDate")),
        last_changed=_moment(answer.get("LastChangedDate")),
        last_accessed=_moment(answer.get("LastAccessedDate")),
        rotation_enabled=bool(answer.get("RotationEnabled")),
        owning_service=text(answer, "OwningService"),
        stages=tuple(
            (stage, version) for version, stages in (answer.get("VersionIdsToStages") or {}).items() for stage in stages
        ),
        cross_account=_cross_account(answer),
        tags=_tags(answer),
        description=text(answer, "Description"),
    )


def to_page(answer: Mapping[str, Any], region: Region) -> Page:
    """Return an answer to ListSecrets as a value; strings that many entries share are held once.

    Raises:
        ValueError: a field is missing or malformed.

    Source: API_ListSecrets, API_SecretListEntry.

    """
    entries = tuple(_listed(entry, region) for entry in _list(answer, "SecretList"))
    return Page(entries, text(answer, "NextToken") or None)


def _listed(entry: Mapping[str, Any], region: Region) -> Listed:
    key = text(entry, "KmsKeyId")
    versions = entry.get("SecretVersionsToStages") or {}
    return Listed(
        arn=secret_arn(entry, region),
        name=required(entry, "Name"),
        region=region,
        primary_region=_region(entry, "PrimaryRegion"),
        kms_key_id=intern(key) if key else None,
        current=next((version for version, stages in versions.items() if "AWSCURRENT" in stages), None),
        deleted=_moment(entry.get("DeletedDate")),
        owning_service=text(entry, "OwningService"),
        tags=_tags(entry),
        rotation_enabled=bool(entry.get("RotationEnabled")),
    )


def _tags(answer: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((intern(required(tag, "Key")), intern(text(tag, "Value") or "")) for tag in answer.get("Tags") or ())


def to_replicas(answer: Mapping[str, Any]) -> tuple[Replica, ...]:
    """Return ReplicationStatus as values, one per Region; of several for one Region, as moto sends, the last.

    Raises:
        ValueError: a field is malformed.

    """
    replicas: dict[Region, Replica] = {}
    for entry in answer.get("ReplicationStatus") or ():
        if region := _region(entry, "Region"):
            replicas[region] = Replica(
                region=region,
                status=text(entry, "Status"),
                message=cut(text(entry, "StatusMessage") or "") or None,
                kms_key_id=text(entry, "KmsKeyId"),
                last_accessed=_moment(entry.get("LastAccessedDate")),
            )
    return tuple(replicas.values())


_SECRET_ARN = re.compile(
    r"(?P<stem>arn:aws[a-z-]*:secretsmanager:(?P<region>[a-z0-9-]+):\d{12}:secret:(?P<name>.+))-[A-Za-z0-9]{6}",
    re.ASCII | re.DOTALL,
)


def secret_arn(answer: Mapping[str, Any], region: Region, secret_id: str | None = None) -> str:
    """Return the ARN in an answer about a secret of that Region.

    `secret_id` is the requested secret: a name, an ARN, or an ARN without the six characters at its end.

    Raises:
        ValueError: the ARN is missing, or belongs to another Region or secret; the name beside it is another one's.

    Source: aws-behavior.md 3 'ARN'.

    """
    arn = _SECRET_ARN.fullmatch(required(answer, "ARN"))
    if arn is None:
        raise BadField("ARN is not a secret's ARN")
    if arn["region"] != region:
        raise BadField("ARN is not of the requested Region")
    if "Name" in answer and required(answer, "Name") != arn["name"]:
        raise BadField("Name and ARN are of different secrets")
    if secret_id is not None and secret_id not in (arn[0], arn["stem"], arn["name"]):
        raise BadField("ARN is not of the requested secret")
    return arn[0]


def caller_arn(answer: Mapping[str, Any]) -> str:
    """Return the ARN in an answer to GetCallerIdentity. Source: API_GetCallerIdentity.

    Raises:
        ValueError: the ARN is missing or malformed.

    """
    arn = required(answer, "Arn")
    if not re.fullmatch(r"arn:aws[a-z-]*:(iam|sts)::\d{12}:.+", arn, re.ASCII | re.DOTALL):
        raise BadField("Arn is not a caller's ARN")
    return arn


def to_policy(answer: Mapping[str, Any], secret_id: str, region: Region) -> str | None:
    """Return the resource policy in an answer to GetResourcePolicy, None if the secret has none.

    Raises:
        ValueError: a field is malformed, or the answer is about another secret.

    Source: API_GetResourcePolicy.

    """
    secret_arn(answer, region, secret_id)
    return text(answer, "ResourcePolicy")


def to_key(answer: Mapping[str, Any], key_id: str, region: Region) -> Key:
    """Return an answer to kms:DescribeKey as a value; `key_id` is an ARN, a key id or an alias.

    Raises:
        ValueError: the ARN is missing or malformed, or of another key; of an alias, only account and Region are known.

    Source: API_KeyMetadata.

    """
    metadata = answer.get("KeyMetadata") or {}
    arn = required(metadata, "Arn")
    parts = re.fullmatch(r"(arn:aws[a-z-]*:kms:([a-z0-9-]+):\d{12}:)key/(.+)", arn, re.ASCII | re.DOTALL)
    if parts is None:
        raise BadField("Arn is not a key's ARN")
    if parts[2] != region:
        raise BadField("Arn is not of the requested Region")
    account, alias, _ = key_id.partition("alias/")
    if (alias and account not in ("", parts[1])) or (not alias and key_id not in (arn, parts[3])):
        raise BadField("Arn is not of the requested key")
    return Key(
        arn=arn,
        state=text(metadata, "KeyState"),
        usage=text(metadata, "KeyUsage"),
        spec=text(metadata, "KeySpec"),
    )


def to_aliases(pages: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the names in kms:ListAliases of aliases that lead to a key. Source: API_AliasListEntry.

    Raises:
        ValueError: a field is missing or malformed.

    """
    entries = (entry for page in pages for entry in _list(page, "Aliases"))
    return tuple(required(entry, "AliasName") for entry in entries if text(entry, "TargetKeyId"))


def to_versions(pages: Iterable[Mapping[str, Any]], secret_id: str, region: Region) -> tuple[Version, ...]:
    """Return the pages of ListSecretVersionIds as values; moto sends the name as the ARN.

    Raises:
        ValueError: a field is missing or malformed, or a page is about another secret.

    """
    asked = _SECRET_ARN.fullmatch(secret_id)
    name = asked["name"] if asked else secret_id
    versions: list[Version] = []
    for page in pages:
        if str(page.get("ARN")).startswith("arn:"):
            secret_arn(page, region, secret_id)
        elif required(page, "Name") != name:
            raise BadField("Name is not of the requested secret")
        versions += [
            Version(required(entry, "VersionId"), _texts(entry, "VersionStages"), _texts(entry, "KmsKeyIds"))
            for entry in _list(page, "Versions")
        ]
    return tuple(versions)


_ENABLED = frozenset({"ENABLED", "ENABLED_BY_DEFAULT", "opt-in-not-required", "opted-in"})


def to_region_states(pages: Iterable[Mapping[str, Any]], field: str) -> dict[str, bool]:
    """Return whether each listed Region is enabled; `field` holds its state, and an unknown state means disabled.

    Raises:
        ValueError: no Region is listed, or one has no state.

    Source: API_Region of Account Management and of EC2.

    """
    states = {
        required(entry, "RegionName"): required(entry, field) in _ENABLED
        for page in pages
        for entry in page.get("Regions") or ()
    }
    return states or _missing("Regions")


_ACCOUNT_ARN = re.compile(r"arn:(aws[a-z-]*):organizations::(\d{12}):account/o-[a-z0-9]{10,32}/(\d{12})", re.ASCII)
"""Source: Service Authorization Reference, AWS Organizations, resource types."""


def to_accounts(pages: Iterable[Mapping[str, Any]]) -> tuple[OrganizationAccount, ...]:
    """Return the accounts on these pages; of State and Status, which AWS retires, the one that is there.

    Raises:
        ValueError: a field is missing or malformed.

    Source: API_ListAccounts, API_Account.

    """
    return tuple(_account(entry) for page in pages for entry in _list(page, "Accounts"))


def _account(entry: Mapping[str, Any]) -> OrganizationAccount:
    arn = _ACCOUNT_ARN.fullmatch(required(entry, "Arn"))
    if arn is None or arn[3] != required(entry, "Id"):
        raise BadField("Arn is not of this account")
    state = text(entry, "State") or text(entry, "Status")
    return OrganizationAccount(arn[3], required(entry, "Name"), state, arn[1], arn[2])


def to_unit_ids(pages: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the IDs of the OUs on these pages.

    Raises:
        ValueError: a field is missing or malformed.

    Source: API_ListOrganizationalUnitsForParent.

    """
    return tuple(required(entry, "Id") for page in pages for entry in _list(page, "OrganizationalUnits"))


def to_decision(answer: Mapping[str, Any], action: str, resource: str) -> str:
    """Return IAM's decision on this action and resource.

    Source: API_EvaluationResult, API_ResourceSpecificResult.

    Raises:
        ValueError: no decision is given, or one on another action or resource.

    """
    for result in answer.get("EvaluationResults") or ():
        if required(result, "EvalActionName").lower() != action.lower():
            raise BadField("EvalActionName is not the requested action")
        for specific in result.get("ResourceSpecificResults") or ():
            if required(specific, "EvalResourceName") != resource:
                raise BadField("EvalResourceName is not the requested resource")
            return required(specific, "EvalResourceDecision")
        return required(result, "EvalDecision")
    return _missing("EvaluationResults")


def _cross_account(answer: Mapping[str, Any]) -> CrossAccount | None:
    """Return the other ends of cross-account replications, None if there are none."""
    primary, replicas = answer.get("CrossAccountPrimary"), answer.get("CrossAccountReplicas") or ()
    if not primary and not replicas:
        return None
    return CrossAccount(
        _far_end(primary, "PrimarySecretARN") if primary else None,
        tuple(_far_end(entry, "ReplicaSecretARN") for entry in replicas),
    )


def _far_end(entry: Mapping[str, Any], field: str) -> FarEnd:
    fields = (field, "ReplicationStatus", "StatusMessage", "ReplicationRoleARN")
    return FarEnd(*(text(entry, name) for name in fields))


def required(answer: Mapping[str, Any], field: str) -> str:
    """Return a text field.

    Raises:
        ValueError: it is missing, empty or no text.

    """
    return text(answer, field) or _missing(field)


def _texts(answer: Mapping[str, Any], field: str) -> tuple[str, ...]:
    """Return a list of texts that may be absent."""
    values = tuple(answer.get(field) or ())
    if not all(isinstance(value, str) for value in values):
        raise BadField(f"{field} is not a list of strings")
    return values


def cut(words: str) -> str:
    """Return AWS's words, cut to `MAX_WORDS`: an impostor may send megabytes."""
    excess = len(words) - MAX_WORDS
    return words if excess <= 0 else f"{words[:MAX_WORDS]}... (and {excess} more characters)"


def text(answer: Mapping[str, Any], field: str) -> str | None:
    """Return a text field that may be absent.

    Raises:
        ValueError: it is no text.

    """
    value = answer.get(field)
    if value is not None and not isinstance(value, str):
        raise BadField(f"{field} is not a string")
    return value


def _region(answer: Mapping[str, Any], field: str) -> Region | None:
    """Return a Region that may be absent; each is held once."""
    region = text(answer, field)
    return _valid_region(region) if region else None


@lru_cache(maxsize=256)
def _valid_region(region: str) -> Region:
    if not re.fullmatch(r"[a-z0-9-]{1,128}", region, re.ASCII):
        raise BadField("a Region has no valid name")
    return Region(intern(region))


def _list(answer: Mapping[str, Any], field: str) -> list[Any]:
    """Return a list that must be there."""
    entries = answer.get(field)
    return entries if isinstance(entries, list) else _missing(field)


def _missing(field: str) -> NoReturn:
    raise BadField(f"{field} is missing")


def _moment(value: object) -> datetime | None:
    """Return a time in UTC: botocore's local datetime, or the wire's seconds since 1970.

    Raises:
        ValueError: it is out of range.

    """
    try:
        if isinstance(value, datetime):
            return value.astimezone(UTC)
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
    except (OverflowError, OSError) as error:
        raise BadField("a time is out of range") from error
    return None
