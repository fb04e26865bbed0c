"""KMS keys: their spellings, and the causes of a failed replication."""

from __future__ import annotations

import re
from dataclasses import dataclass

from smrep.errors import Outcome, UsageError
from smrep.model import Replica, Secret, Target, in_region, parse_arn
from smrep.regions import Region, dns_suffix, partition_of
from smrep.report import Problem
from smrep.rules.hints import aws_command, format_command_on, policy_command, remove_then_replicate, step, steps

DEFAULT = "alias/aws/secretsmanager"
"""The AWS managed key: replicas show this alias, primaries no key at all. Source: aws-behavior.md 0.9."""

_DEFAULT_OF_A_VERSION = "DefaultEncryptionKey"
"""The same key in ListSecretVersionIds. Source: API_ListSecretVersionIds, its example."""

_ID = re.compile(r"(?:mrk-[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")


def normalized_key(key: str | None, region: Region, account: str) -> str:
    """Return the shortest spelling of a key in that Region and account: an id, an alias, or an ARN."""
    if key in (None, _DEFAULT_OF_A_VERSION):
        return DEFAULT
    for prefix, short in ((":key/", ""), (":alias/", "alias/")):
        head, separator, name = key.partition(prefix)
        if separator and head.split(":")[3:] == [region, account]:
            return short + name
    return key


def id_of_key(key: str, region: Region, account: str, *, by_arn: bool) -> str:
    """Return the KeyId for a KMS request: the id or alias itself, or its ARN if `by_arn`, for a key in another account.

    Source: API_DescribeKey, KeyId.
    """
    if not by_arn or key.startswith("arn:"):
        return key
    resource = key if key.startswith("alias/") else f"key/{key}"
    return f"arn:{partition_of(region)}:kms:{region}:{account}:{resource}"


def same_by_spelling(wanted: str, shown: str | None, region: Region, account: str) -> bool | None:
    """Return whether both name one key; None if only KMS knows, since an alias may point to any id.

    A customer's alias cannot point to the AWS managed key, so those two always differ.
    """
    one, other = normalized_key(wanted, region, account), normalized_key(shown, region, account)
    if one == other:
        return True
    if _ID.fullmatch(one) and _ID.fullmatch(other):
        return False
    if DEFAULT in (one, other) and one.startswith("alias/") and other.startswith("alias/"):
        return False
    return None


def via_service(region: Region) -> str:
    """Return the value of kms:ViaService for Secrets Manager in that Region. Source: aws-behavior.md 4."""
    return f"secretsmanager.{region}.{dns_suffix(region)}"


def check_key(key: str, region: Region) -> None:
    """Refuse a key that a replica in the Region cannot use, without asking AWS.

    Raises:
        UsageError: the key is an ARN of another Region, or not a key at all.

    """
    if key.startswith("arn:"):
        arn = parse_arn(key, "kms")
        if not arn.resource.startswith(("key/", "alias/")):
            raise UsageError(f"{key!r} is not the ARN of a KMS key", "it ends in key/ID or alias/NAME")
        if arn.region != region:
            raise UsageError(
                f"the key {key} is in {arn.region}; a replica in {region} needs a key in {region}",
                f"use a key in {region}, by ARN, id or alias: -r {region}=alias/NAME",
            )
    elif not (_ID.fullmatch(key) or re.fullmatch(r"alias/[\w/-]+", key, re.ASCII)):
        raise UsageError(
            f"{key!r} is not a KMS key",
            f"a key is an ARN, a key id or an alias: -r {region}=alias/NAME",
        )


_SIDE = re.compile(r"can.?t (encrypt|decrypt)\b", re.IGNORECASE)
_CODE = re.compile(r"\bError Code: (\w+)")
_ARN = re.compile(r"\barn:aws[\w-]*:kms:[\w-]+:\d{12}:key/[\w-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class KmsFailure:
    """A key problem, as a status message reports it. Source: aws-behavior.md 2.1, 10."""

    decrypting: bool
    """Whether reading a version of the primary failed, rather than writing the replica."""
    code: str
    """KMS's exception; empty if the message has none."""
    key: str | None
    """The key's ARN, if the message has one."""
    words: str


def read_failure(message: str | None) -> KmsFailure | None:
    """Return the key problem in a Failed entry's message, None for any other cause."""
    side = _SIDE.search(message or "")
    if side is None or message is None:
        return None
    code, key = _CODE.search(message), _ARN.search(message)
    return KmsFailure(side[1].lower() == "decrypt", code[1] if code else "", key[0] if key else None, message.lower())


def credentials_prefix(primary: Secret) -> str:
    """Return the beginning of a hint that needs credentials of the secret's account, or nothing.

    You can ask for a secret by ARN from another account, which has its own keys and names.
    """
    return f"with credentials of account {primary.account}, " if primary.by_arn else ""


def cure(primary: Secret, entry: Replica, failure: KmsFailure) -> str:
    """Return the commands that fix the key or use another one, and then retry."""
    home, target, owner = primary.region, entry.region, credentials_prefix(primary)
    retry = format_command_on(primary, "retry", [Target(target)])
    again = step("then", retry)
    region = home if failure.decrypting else target
    key = (primary.kms_key_id or DEFAULT) if failure.decrypting else (entry.kms_key_id or DEFAULT)
    match failure.code:
        case "DisabledException" if failure.key:
            return steps(step(f"{owner}enable the key", _enable(failure.key, region)), again)
        case "KMSInvalidStateException" if failure.key and "pending deletion" in failure.words:
            cancel = aws_command("kms cancel-key-deletion", key_id=failure.key, region=region)
            return steps(step(f"{owner}keep the key", cancel, _enable(failure.key, region)), again)
        case "AccessDeniedException":
            return _allow_key_use(primary, entry, failure, retry)
        case "NotFoundException" | "InvalidKeyUsageException" if not failure.decrypting:
            other = format_command_on(primary, "retry", [Target(target, "alias/NAME")])
            aliases = aws_command("kms list-aliases", region=target)
            return steps(step(f"{owner}list the keys in {target}", aliases), step("then use one of them", other))
        case "NotFoundException":
            return _replace_lost_key(primary, target, again)
    which = "the primary's key, or the key of an old version" if failure.decrypting else "the replica's key"
    describe = aws_command("kms describe-key", key_id=failure.key or key, region=region)
    return steps(step(f"{owner}check {which}", describe), again)


def _enable(key: str, region: Region) -> str:
    return aws_command("kms enable-key", key_id=key, region=region)


def _allow_key_use(primary: Secret, entry: Replica, failure: KmsFailure, retry: str) -> str:
    """Return the fix for a KMS denial: the whole policy, since KMS reports one missing permission at a time."""
    replicas_key = entry.kms_key_id if entry.kms_key_id != DEFAULT else None
    policy = policy_command(primary, [Target(entry.region, replicas_key)])
    if failure.decrypting:
        rights = f"kms:Decrypt on the primary's key in {primary.region}"
    else:
        rights = f"kms:GenerateDataKey and kms:Encrypt on the replica's key in {entry.region}"
    return steps(
        f"allow {rights}, in IAM and in the key's policy, for every role that replicates or writes the secret",
        step("the policy that smrep needs", policy),
        step("then, after up to five minutes for KMS to apply it", retry),
    )


def _replace_lost_key(primary: Secret, region: Region, again: str) -> str:
    """Return the fix for a version whose key is gone: a new value under another key, and no label on the old version.

    With another key alone, the versions stay unreadable. Source: aws-behavior.md 1.8, 2.2.
    """
    doctor = format_command_on(primary, "doctor", [Target(region)])
    value = ("--secret-string", "file://VALUE")
    secret = {"secret_id": primary.arn, "region": primary.region, "kms_key_id": "alias/NAME"}
    update = aws_command("secretsmanager update-secret", *value, **secret)
    return steps(
        step(f"{credentials_prefix(primary)}put a new value under another key", update),
        step("see which old versions still use the deleted key", doctor),
        again,
    )


def delete_commands(secret: str, region: Region) -> tuple[str, str]:
    """Return the commands that delete a replica of another primary; `secret` is its name or ARN.

    A recovery window would keep the name. Source: aws-behavior.md 3.2, 8.
    """
    stop = aws_command("secretsmanager stop-replication-to-replica", secret_id=secret, region=region)
    return stop, _delete(secret, region)


def show_name_owner(primary: Secret, region: Region) -> str:
    """Return the command that shows the owner of the primary's name in a Region.

    You can ask for a secret by ARN from another account, where the name means nothing.
    """
    if primary.by_arn:
        return aws_command("secretsmanager list-secrets", filters=f"Key=name,Values={primary.name}", region=region)
    return aws_command("secretsmanager describe-secret", secret_id=primary.name, region=region)


def not_replaced(primary: Secret, region: Region, why: str) -> Problem:
    """Return the problem for a secret that AWS did not overwrite. Source: aws-behavior.md 3.1, 11.5."""
    message = (
        f"AWS did not replace {primary.name} in {region} with a replica: {why.rstrip('.')}; AWS does not document "
        "which secrets it replaces, and smrep tried nothing else"
    )
    arn = in_region(primary.arn, region)
    hint = steps(
        step(f"if nobody needs the secret in {region}, delete it", _delete(arn, region)),
        step("repeat until it is gone", aws_command("secretsmanager describe-secret", secret_id=arn, region=region)),
        step("then", *remove_then_replicate(primary, [Target(region)])),
    )
    return Problem("NotReplaced", message, hint, None, Outcome.FAILED)


def _delete(secret: str, region: Region) -> str:
    flag = "--force-delete-without-recovery"
    return aws_command("secretsmanager delete-secret", flag, secret_id=secret, region=region)


def failure(primary: Secret, entry: Replica) -> Problem:
    """Return a Failed entry as the row's error: AWS's message verbatim, and a hint.

    Matches the message loosely, for the hint only: AWS documents no texts but KMS's.
    Source: aws-behavior.md 2.1, 2.2.
    """
    region = entry.region
    text = (entry.message or "").lower()
    describe = show_name_owner(primary, region)
    owner = credentials_prefix(primary)
    retry = format_command_on(primary, "retry", [Target(region)])
    again = step("then", retry)
    of_kms = read_failure(entry.message)
    if of_kms:
        hint = cure(primary, entry, of_kms)
    elif "different arn" in text:
        hint = steps(
            f"{region} has a replica of another primary with this name, which --force-overwrite cannot replace",
            step(f"{owner}look at it", describe),
            step("if nobody needs it", *delete_commands("ARN" if primary.by_arn else primary.name, region)),
            step("once it is gone", retry),
        )
    elif "already exists" in text:
        force = format_command_on(primary, "retry", [Target(region)], ["--force-overwrite"])
        hint = steps(step(f"{owner}look at it", describe), step("to replace it for good", force))
    elif "key" in text and primary.region in text and region not in text:
        key = aws_command("kms describe-key", key_id=primary.kms_key_id or "KEY", region=primary.region)
        hint = steps(step(f"{owner}fix the primary's key", key), again)
    elif "key" in text and ("not found" in text or "not exist" in text):
        aliases = aws_command("kms list-aliases", region=region)
        other = format_command_on(primary, "retry", [Target(region, "alias/NAME")])
        hint = steps(step(f"{owner}list the keys in {region}", aliases), step("then use one of them", other))
    elif "kms" in text or "key" in text:
        key = aws_command("kms describe-key", key_id=entry.kms_key_id or "KEY", region=region)
        hint = steps(
            step(f"{owner}check the key", key),
            "allow kms:Decrypt on the primary's key, and kms:GenerateDataKey and kms:Encrypt on the replica's",
            again,
        )
    elif "enabled" in text or "opt" in text:
        hint = steps(step(f"{owner}enable the Region", aws_command("account enable-region", region_name=region)), again)
    else:
        hint = step("fix the cause, then", retry)
    message = f"{primary.name} in {region}: {entry.message or 'AWS gave no reason'}"
    return Problem("ReplicationFailed", message, hint, None, Outcome.FAILED)
