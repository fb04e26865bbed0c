"""KMS's part in a failed replica, read from AWS's words: whose key it is, what is wrong with it, and the cure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from smrep.model import Replica, Secret, Target
from smrep.regions import Region
from smrep.rules.commands import aws, policy_for, spell_on
from smrep.rules.keys import DEFAULT

_SIDE = re.compile(r"can.?t (encrypt|decrypt)\b", re.IGNORECASE)
_CODE = re.compile(r"\bError Code: (\w+)")
_ARN = re.compile(r"\barn:aws[\w-]*:kms:[\w-]+:\d{12}:key/[\w-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class KmsFailure:
    """What a status message says of a key that Secrets Manager could not use. Source: aws-behavior.md 2.1, 10."""

    decrypting: bool
    """Whether a version could not be read at the primary; else the replica could not be written."""
    code: str
    """KMS's exception; empty where the message names none."""
    key: str | None
    """The key's ARN, where the message has one."""
    words: str


def read_failure(message: str | None) -> KmsFailure | None:
    """Return what a Failed entry's message says of a key, None where it speaks of something else."""
    side = _SIDE.search(message or "")
    if side is None or message is None:
        return None
    code, key = _CODE.search(message), _ARN.search(message)
    return KmsFailure(side[1].lower() == "decrypt", code[1] if code else "", key[0] if key else None, message.lower())


def whose(primary: Secret) -> str:
    """Return the words ahead of commands that may take the credentials of the secret's own account, else nothing.

    Whoever asked for a secret by its ARN may be of another account, whose keys and names are others.
    """
    return f"with credentials of account {primary.account}: " if primary.by_arn else ""


def cure(primary: Secret, entry: Replica, failure: KmsFailure) -> str:
    """Return what to type: what mends the key, or another key, and then the retry."""
    home, there, owner = primary.region, entry.region, whose(primary)
    again = f"then: {spell_on(primary, 'retry', [Target(there)])}"
    region = home if failure.decrypting else there
    known = (primary.kms_key_id or DEFAULT) if failure.decrypting else (entry.kms_key_id or DEFAULT)
    match failure.code:
        case "DisabledException" if failure.key:
            return f"{owner}enable the key: {_enable(failure.key, region)}; {again}"
        case "KMSInvalidStateException" if failure.key and "pending deletion" in failure.words:
            cancel = aws("kms cancel-key-deletion", key_id=failure.key, region=region)
            return f"{owner}keep the key: {cancel}; {_enable(failure.key, region)}; {again}"
        case "AccessDeniedException":
            return _allowed(primary, entry, failure, again)
        case "NotFoundException" | "InvalidKeyUsageException" if not failure.decrypting:
            other = spell_on(primary, "retry", [Target(there, "alias/NAME")])
            return f"{owner}list the keys there are: {aws('kms list-aliases', region=there)}; then name one: {other}"
        case "NotFoundException":
            return _moved_off(primary, there, again)
    which = "the primary's key, or that of an old version" if failure.decrypting else "the replica's key"
    return f"{owner}look at {which}: {aws('kms describe-key', key_id=failure.key or known, region=region)}; {again}"


def _enable(key: str, region: Region) -> str:
    return aws("kms enable-key", key_id=key, region=region)


def _allowed(primary: Secret, entry: Replica, failure: KmsFailure, again: str) -> str:
    """Return the cure where KMS denied: the whole policy, since the next right that is missing would be denied next."""
    replicas_key = entry.kms_key_id if entry.kms_key_id != DEFAULT else None
    policy = policy_for(primary, [Target(entry.region, replicas_key)])
    if failure.decrypting:
        rights = f"kms:Decrypt on the primary's key in {primary.region}"
    else:
        rights = f"kms:GenerateDataKey and kms:Encrypt on the replica's key in {entry.region}"
    return (
        f"allow whoever replicates or writes the secret {rights}, in IAM and in the key's policy: {policy}; KMS may "
        f"take five minutes to apply it; {again}"
    )


def _moved_off(primary: Secret, there: Region, again: str) -> str:
    """Return the cure where a version's key is gone for good: a new value under another key, and no label on the old.

    Under another key alone, the versions would stay where nobody can read them. Source: aws-behavior.md 1.8, 2.2.
    """
    doctor = spell_on(primary, "doctor", [Target(there)])
    value = ("--secret-string", "file://VALUE")
    secret = {"secret_id": primary.arn, "region": primary.region, "kms_key_id": "alias/NAME"}
    return (
        f"{whose(primary)}put a new value under another key: {aws('secretsmanager update-secret', *value, **secret)}; "
        f"see which old version is still under the key that is gone: {doctor}; {again}"
    )
