"""Why AWS may have failed a replica, and what to type next, from the words that it gives."""

from __future__ import annotations

from smrep.errors import Outcome
from smrep.model import Replica, Secret, Target, in_region
from smrep.regions import Region
from smrep.report import Trouble
from smrep.rules.commands import anew, aws, spell_on
from smrep.rules.kms import cure, read_failure, whose


def cut_off(secret: str, region: Region) -> str:
    """Return the commands that take a foreign replica out of the way; `secret` is its name or ARN.

    A recovery window would keep the name. Source: aws-behavior.md 3.2, 8.
    """
    stop = aws("secretsmanager stop-replication-to-replica", secret_id=secret, region=region)
    return f"{stop}; {_delete(secret, region)}"


def with_the_name(primary: Secret, region: Region) -> str:
    """Return the command that shows what has the primary's name in a Region.

    Whoever asked for a secret by its ARN may be of another account, to which the name means nothing.
    """
    if primary.by_arn:
        return aws("secretsmanager list-secrets", filters=f"Key=name,Values={primary.name}", region=region)
    return aws("secretsmanager describe-secret", secret_id=primary.name, region=region)


def not_replaced(primary: Secret, region: Region, why: str) -> Trouble:
    """Return the trouble of a secret that AWS left where it was. Source: aws-behavior.md 3.1, 11.5."""
    message = (
        f"AWS did not put a replica in place of {primary.name} in {region}: {why}; what it replaces and what not its "
        "documents leave open, and nothing else was tried"
    )
    arn = in_region(primary.arn, region)
    hint = (
        f"by hand, once nobody needs what is there: {_delete(arn, region)}; look until it is gone: "
        f"{aws('secretsmanager describe-secret', secret_id=arn, region=region)}; "
        f"then: {anew(primary, [Target(region)])}"
    )
    return Trouble("NotReplaced", message, hint, None, Outcome.FAILED)


def _delete(secret: str, region: Region) -> str:
    flag = "--force-delete-without-recovery"
    return aws("secretsmanager delete-secret", flag, secret_id=secret, region=region)


def failure(primary: Secret, entry: Replica) -> Trouble:
    """Return a Failed entry as the row's error: AWS's message verbatim, and a hint.

    The message is matched loosely and for the hint alone: but for KMS's, its texts are not established.
    Source: aws-behavior.md 2.1, 2.2.
    """
    there = entry.region
    text = (entry.message or "").lower()
    describe = with_the_name(primary, there)
    owner = whose(primary)
    again = spell_on(primary, "retry", [Target(there)])
    of_kms = read_failure(entry.message)
    if of_kms:
        hint = cure(primary, entry, of_kms)
    elif "different arn" in text:
        hint = (
            "a replica of another primary bears the name there, and force does not cure that; "
            f"{owner}look: {describe}; "
            f"if it is not needed: {cut_off('ARN' if primary.by_arn else primary.name, there)}; "
            f"once it is gone: {again}"
        )
    elif "already exists" in text:
        force = spell_on(primary, "retry", [Target(there)], ["--force-overwrite"])
        hint = f"{owner}look at it: {describe}; to replace it for good: {force}"
    elif "key" in text and primary.region in text and there not in text:
        key = aws("kms describe-key", key_id=primary.kms_key_id or "KEY", region=primary.region)
        hint = f"{owner}mend the primary's key ({key}), then: {again}"
    elif "key" in text and ("not found" in text or "not exist" in text):
        here = spell_on(primary, "retry", [Target(there, "alias/NAME")])
        hint = f"{owner}list the keys there are: {aws('kms list-aliases', region=there)}; then name one: {here}"
    elif "kms" in text or "key" in text:
        hint = (
            f"{owner}mend the key ({aws('kms describe-key', key_id=entry.kms_key_id or 'KEY', region=there)}; "
            f"kms:Decrypt at the primary, kms:GenerateDataKey and kms:Encrypt at the replica), then: {again}"
        )
    elif "enabled" in text or "opt" in text:
        hint = f"{owner}enable the Region ({aws('account enable-region', region_name=there)}), then: {again}"
    else:
        hint = f"mend the cause and try again: {again}"
    message = f"{primary.name} in {there}: {entry.message or 'AWS gave no reason'}"
    return Trouble("ReplicationFailed", message, hint, None, Outcome.FAILED)
