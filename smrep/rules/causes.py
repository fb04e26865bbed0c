"""Why AWS may have failed a replica, and what to type next, from the words that it gives."""

from __future__ import annotations

import shlex

from smrep.errors import Outcome
from smrep.model import Replica, Secret, Target, in_region
from smrep.regions import Region
from smrep.report import Trouble
from smrep.rules.commands import anew, spell


def cut_off(secret: str, region: Region) -> str:
    """Return the commands that take a foreign replica out of the way; `secret` is quoted for a shell.

    A recovery window would keep the name. Source: aws-behaviour.md 3.2, 8.
    """
    return (
        f"aws secretsmanager stop-replication-to-replica --secret-id {secret} --region {region}; "
        f"aws secretsmanager delete-secret --secret-id {secret} --region {region} --force-delete-without-recovery"
    )


def not_replaced(primary: Secret, region: Region, why: str) -> Trouble:
    """Return the trouble of a secret that AWS left where it was. Source: aws-behaviour.md 3.1, 10."""
    message = (
        f"AWS did not put a replica in place of {primary.name} in {region}: {why}; what it replaces and what not its "
        "documents leave open, and nothing else was tried"
    )
    it = f"--secret-id {shlex.quote(in_region(primary.arn, region))} --region {region}"
    hint = (
        f"by hand, once nobody needs what is there: aws secretsmanager delete-secret {it} "
        f"--force-delete-without-recovery; look until it is gone: aws secretsmanager "
        f"describe-secret {it}; then: {anew(primary.name, primary.region, [Target(region)])}"
    )
    return Trouble("NotReplaced", message, hint, None, Outcome.FAILED)


def failure(primary: Secret, entry: Replica) -> Trouble:
    """Return a Failed entry as the row's error: AWS's message verbatim, and a hint.

    The message is matched loosely and for the hint alone: its texts are not established.
    Source: aws-behaviour.md 2.1, 2.2.
    """
    there, name = entry.region, shlex.quote(primary.name)
    text = (entry.message or "").lower()
    describe = f"aws secretsmanager describe-secret --secret-id {name} --region {there}"
    again = spell("retry", [primary.name], primary_region=primary.region, targets=[Target(there)])
    if "different arn" in text:
        hint = (
            f"a replica of another primary bears the name there, and force does not cure that; look: {describe}; "
            f"if it is not needed: {cut_off(name, there)}; once it is gone: {again}"
        )
    elif "already exists" in text:
        hint = f"look at it: {describe}; to replace it for good: {again} --force-overwrite"
    elif "key" in text and primary.region in text and there not in text:
        key = shlex.quote(primary.kms_key_id or "KEY")
        hint = f"mend the primary's key (aws kms describe-key --key-id {key} --region {primary.region}), then: {again}"
    elif "key" in text and ("not found" in text or "not exist" in text):
        here = spell("retry", [primary.name], primary_region=primary.region, targets=[Target(there, "alias/NAME")])
        hint = f"list the keys there are: aws kms list-aliases --region {there}; then name one: {here}"
    elif "kms" in text or "key" in text:
        hint = (
            f"mend the key (aws kms describe-key --key-id {shlex.quote(entry.kms_key_id or 'KEY')} --region {there}; "
            f"kms:Decrypt at the primary, kms:GenerateDataKey and kms:Encrypt at the replica), then: {again}"
        )
    elif "enabled" in text or "opt" in text:
        hint = f"enable the Region (aws account enable-region --region-name {there}), then: {again}"
    else:
        hint = f"mend the cause and try again: {again}"
    message = f"{primary.name} in {there}: {entry.message or 'AWS gave no reason'}"
    return Trouble("ReplicationFailed", message, hint, None, Outcome.FAILED)
