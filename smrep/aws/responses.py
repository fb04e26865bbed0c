"""From AWS's answers to our values; every field that AWS may leave out may be absent.

An answer must be about what was asked. One that is not, or can't be AWS's, is a ValueError that names the field and
never quotes it: whoever answers in AWS's place may answer with the request, and with what it was signed with.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from sys import intern
from typing import Any, NoReturn

from smrep.model import CrossAccount, FarEnd, Key, Listed, Page, Replica, Secret, Version
from smrep.regions import Region

LONGEST_WORDS = 4096
"""So many characters a StatusMessage has at most. Source: aws-behavior.md 2.1."""


class BadField(ValueError):
    """A field is missing, can't be what AWS sends, or is not about what was asked; the text names it."""


def to_secret(answer: Mapping[str, Any], region: Region) -> Secret:
    """Return an answer to DescribeSecret as a value; every field but ARN and Name may be absent.

    Raises:
        ValueError: it can't be AWS's answer: a field that must be there is missing, or is of another kind.

    Source: API_DescribeSecret; aws-behavior.md 1.4.

    """
    primary = text(answer, "PrimaryRegion")
    return Secret(
        arn=_arn_in(answer, region),
        name=_name(answer),
        region=region,
        primary_region=_region(primary) if primary else None,
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
    """Return an answer to ListSecrets as a value; words that many entries share are held once.

    Raises:
        ValueError: it can't be AWS's answer.

    Source: API_ListSecrets, API_SecretListEntry.

    """
    return Page(tuple(_listed(each, region) for each in _list(answer, "SecretList")), text(answer, "NextToken") or None)


def _listed(entry: Mapping[str, Any], region: Region) -> Listed:
    primary, key = text(entry, "PrimaryRegion"), text(entry, "KmsKeyId")
    versions = entry.get("SecretVersionsToStages") or {}
    return Listed(
        arn=_arn_in(entry, region),
        name=_name(entry),
        region=region,
        primary_region=Region(intern(_region(primary))) if primary else None,
        kms_key_id=intern(key) if key else None,
        current=next((version for version, stages in versions.items() if "AWSCURRENT" in stages), None),
        deleted=_moment(entry.get("DeletedDate")),
        owning_service=text(entry, "OwningService"),
        tags=_tags(entry),
        rotation_enabled=bool(entry.get("RotationEnabled")),
    )


def _tags(answer: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple(
        (intern(required(each, "Key")), intern(text(each, "Value") or "")) for each in answer.get("Tags") or ()
    )


def to_replicas(answer: Mapping[str, Any]) -> tuple[Replica, ...]:
    """Return ReplicationStatus as values, each Region once.

    Where a Region stands twice (moto repeats it), the later entry counts.

    Raises:
        ValueError: it can't be AWS's answer.

    """
    entries: dict[str, Replica] = {}
    for each in answer.get("ReplicationStatus") or ():
        region = text(each, "Region")
        if not region:
            continue
        entries[region] = Replica(
            region=_region(region),
            status=text(each, "Status"),
            message=cut(text(each, "StatusMessage") or "") or None,
            kms_key_id=text(each, "KmsKeyId"),
            last_accessed=_moment(each.get("LastAccessedDate")),
        )
    return tuple(entries.values())


_SECRET_ARN = re.compile(
    r"arn:aws[a-z-]*:secretsmanager:([a-z0-9-]+):\d{12}:secret:(.+)-[A-Za-z0-9]{6}", re.ASCII | re.DOTALL
)


def secret_arn(answer: Mapping[str, Any], asked: str, region: Region) -> str:
    """Return the ARN that every answer about a secret has: that of the secret that was asked for, in that Region.

    `asked` is a name, an ARN, or an ARN without the six characters at its end.

    Raises:
        ValueError: there is none, or that of another secret.

    """
    arn = _arn_in(answer, region)
    if "Name" in answer:
        _name(answer)
    if arn != asked and re.sub(r"-[A-Za-z0-9]{6}$", "", arn) != asked and _name_in(arn) != asked:
        raise BadField("ARN is of another secret than the one asked for")
    return arn


def check_versions(answer: Mapping[str, Any], asked: str, region: Region) -> None:
    """Refuse a page of ListSecretVersionIds about another secret; moto puts the name where the ARN belongs.

    Raises:
        ValueError: it is one, or names no secret.

    """
    if str(answer.get("ARN")).startswith("arn:"):
        secret_arn(answer, asked, region)
    elif required(answer, "Name") not in (asked, _name_in(asked)):
        raise BadField("Name is of another secret than the one asked for")


def _arn_in(answer: Mapping[str, Any], region: Region) -> str:
    """Return the ARN of a secret of that Region."""
    found = _SECRET_ARN.fullmatch(required(answer, "ARN"))
    if found is None:
        raise BadField("ARN is no secret's ARN")
    if found[1] != region:
        raise BadField("ARN is of another Region than the one asked")
    return found[0]


def _name(answer: Mapping[str, Any]) -> str:
    """Return the name of the secret that the ARN beside it is of. Source: aws-behavior.md 3 'ARN'."""
    name = required(answer, "Name")
    if name != _name_in(required(answer, "ARN")):
        raise BadField("Name is of another secret than ARN")
    return name


def _name_in(arn: str) -> str | None:
    found = _SECRET_ARN.fullmatch(arn)
    return found[2] if found else None


def caller_arn(answer: Mapping[str, Any]) -> str:
    """Return the ARN in an answer to GetCallerIdentity. Source: API_GetCallerIdentity.

    Raises:
        ValueError: there is none, or none with an account.

    """
    arn = required(answer, "Arn")
    if not re.fullmatch(r"arn:aws[a-z-]*:(iam|sts)::\d{12}:.+", arn, re.ASCII | re.DOTALL):
        raise BadField("Arn is no caller's ARN")
    return arn


def to_policy(answer: Mapping[str, Any]) -> str | None:
    """Return the resource policy in an answer to GetResourcePolicy, None where the secret has none.

    Raises:
        ValueError: it can't be AWS's answer.

    Source: API_GetResourcePolicy.

    """
    return text(answer, "ResourcePolicy")


def to_key(answer: Mapping[str, Any], asked: str, region: Region) -> Key:
    """Return an answer to kms:DescribeKey as a value; `asked` is an ARN, a key's id or an alias.

    Raises:
        ValueError: it names no key, or another one than the one asked for, as far as an alias tells.

    Source: API_KeyMetadata.

    """
    metadata = answer.get("KeyMetadata") or {}
    arn = required(metadata, "Arn")
    found = re.fullmatch(r"(arn:aws[a-z-]*:kms:([a-z0-9-]+):\d{12}:)key/(.+)", arn, re.ASCII | re.DOTALL)
    if found is None:
        raise BadField("Arn is no key's ARN")
    if found[2] != region:
        raise BadField("Arn is of another Region than the one asked")
    account, by_alias, _ = asked.partition("alias/")
    if (by_alias and account not in ("", found[1])) or (not by_alias and asked not in (arn, found[3])):
        raise BadField("Arn is of another key than the one asked for")
    return Key(
        arn=arn,
        state=text(metadata, "KeyState"),
        usage=text(metadata, "KeyUsage"),
        spec=text(metadata, "KeySpec"),
    )


def to_aliases(pages: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the names of kms:ListAliases, but of aliases that lead to no key. Source: API_AliasListEntry.

    Raises:
        ValueError: it can't be AWS's answer.

    """
    listed = (each for page in pages for each in _list(page, "Aliases"))
    return tuple(required(each, "AliasName") for each in listed if text(each, "TargetKeyId"))


def to_versions(pages: Iterable[Mapping[str, Any]]) -> tuple[Version, ...]:
    """Return the pages of ListSecretVersionIds as values.

    Raises:
        ValueError: it can't be AWS's answer.

    """
    return tuple(
        Version(required(each, "VersionId"), _texts(each, "VersionStages"), _texts(each, "KmsKeyIds"))
        for page in pages
        for each in _list(page, "Versions")
    )


_ENABLED = frozenset({"ENABLED", "ENABLED_BY_DEFAULT", "opt-in-not-required", "opted-in"})


def to_region_states(pages: Iterable[Mapping[str, Any]], field: str) -> dict[str, bool]:
    """Return for each Region listed whether it is enabled; any word that is not known to mean so means no.

    Raises:
        ValueError: nothing is listed, or no word is given.

    Source: API_Region of Account Management and of EC2.

    """
    states = {
        required(each, "RegionName"): required(each, field) in _ENABLED
        for page in pages
        for each in page.get("Regions") or ()
    }
    return states or _missing("Regions")


def to_decision(answer: Mapping[str, Any], action: str, resource: str) -> str:
    """Return the decision on the one action and resource that were asked about.

    Source: API_EvaluationResult, API_ResourceSpecificResult.

    Raises:
        ValueError: there is none, or one on something else.

    """
    for result in answer.get("EvaluationResults") or ():
        if required(result, "EvalActionName").lower() != action.lower():
            raise BadField("EvalActionName is another action than the one asked about")
        for specific in result.get("ResourceSpecificResults") or ():
            if required(specific, "EvalResourceName") != resource:
                raise BadField("EvalResourceName is another resource than the one asked about")
            return required(specific, "EvalResourceDecision")
        return required(result, "EvalDecision")
    return _missing("EvaluationResults")


def _cross_account(answer: Mapping[str, Any]) -> CrossAccount | None:
    """Return the other ends of cross-account replications, None where there are none."""
    primary, replicas = answer.get("CrossAccountPrimary"), answer.get("CrossAccountReplicas") or ()
    if not primary and not replicas:
        return None
    return CrossAccount(
        _far_end(primary, "PrimarySecretARN") if primary else None,
        tuple(_far_end(each, "ReplicaSecretARN") for each in replicas),
    )


def _far_end(entry: Mapping[str, Any], field: str) -> FarEnd:
    words = (text(entry, each) for each in (field, "ReplicationStatus", "StatusMessage", "ReplicationRoleARN"))
    return FarEnd(*words)


def required(answer: Mapping[str, Any], field: str) -> str:
    """Return a text that must be there.

    Raises:
        ValueError: it is not.

    """
    return text(answer, field) or _missing(field)


def _texts(answer: Mapping[str, Any], field: str) -> tuple[str, ...]:
    """Return a list of texts, empty where there is none."""
    values = tuple(answer.get(field) or ())
    if not all(isinstance(each, str) for each in values):
        raise BadField(f"{field} is no list of texts")
    return values


def cut(words: str) -> str:
    """Return AWS's words, cut where they are longer than any of its own: something else put megabytes there."""
    more = len(words) - LONGEST_WORDS
    return words if more <= 0 else f"{words[:LONGEST_WORDS]}... (and {more} characters more)"


def text(answer: Mapping[str, Any], field: str) -> str | None:
    """Return a text that may be absent.

    Raises:
        ValueError: it is no text.

    """
    value = answer.get(field)
    if value is not None and not isinstance(value, str):
        raise BadField(f"{field} is no text")
    return value


def _region(text: str) -> Region:
    if not re.fullmatch(r"[a-z0-9-]{1,128}", text, re.ASCII):
        raise BadField("a Region is none")
    return Region(text)


def _list(answer: Mapping[str, Any], field: str) -> list[Any]:
    """Return what must be a list."""
    if not isinstance(found := answer.get(field), list):
        _missing(field)
    return found


def _missing(field: str) -> NoReturn:
    raise BadField(f"{field} is missing")


def _moment(value: object) -> datetime | None:
    """Return botocore's local datetime, or the wire's seconds since 1970, in UTC.

    Raises:
        ValueError: it is farther away than time goes.

    """
    try:
        if isinstance(value, datetime):
            return value.astimezone(UTC)
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
    except (OverflowError, OSError) as error:
        raise BadField("a time is none") from error
    return None
