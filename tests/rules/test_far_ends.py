"""What is wrong with replication between accounts, and the command that repairs it."""

from __future__ import annotations

import pytest
from fakes import HOME

from smrep.model import CrossAccount, FarEnd, Secret
from smrep.report import Finding, Kind, Severity
from smrep.rules.replication.findings import cross_account_findings

ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-a1b2c3"
FAR = "arn:aws:secretsmanager:us-east-1:999999999999:secret:prod/db-zzzzzz"
ROLE = "arn:aws:iam::123456789012:role/replicator"
REPAIR = "aws secretsmanager associate-cross-account-replica --secret-id {} --cross-account-replica-arn {}"


def secret(*replicas: FarEnd, primary: FarEnd | None = None) -> Secret:
    return Secret(ARN, "prod/db", HOME, cross_account=CrossAccount(primary, replicas))


def warning(kind: Kind, message: str, hint: str) -> Finding:
    return Finding(kind, Severity.WARNING, message, f"{hint} --region us-east-1")


@pytest.mark.parametrize(
    ("end", "kind", "words", "role"),
    [
        (FarEnd(FAR, "Failed", "no luck", ROLE), Kind.FAILED, "Failed: no luck", f" --replication-role-arn {ROLE}"),
        (FarEnd(FAR, "Detached"), Kind.DETACHED, "Detached", ""),
    ],
)
def test_a_replica_in_another_account_that_gets_no_values_is_associated_again(
    end: FarEnd, kind: Kind, words: str, role: str
) -> None:
    message = f"the cross-account replica {FAR} of prod/db in us-east-1 is {words}"
    assert cross_account_findings(secret(FarEnd(FAR, "InSync"), end)) == (
        warning(kind, message, f"repair the link:\n  {REPAIR.format(ARN, FAR)}{role}"),
    )


def test_a_primary_in_another_account_is_repaired_with_that_accounts_credentials() -> None:
    message = f"prod/db in us-east-1 is a cross-account replica of {FAR}, which is Detached: gone"
    hint = f"with credentials of account 999999999999, repair the link:\n  {REPAIR.format(FAR, ARN)}"
    assert cross_account_findings(secret(primary=FarEnd(FAR, "Detached", "gone", ROLE))) == (
        warning(Kind.DETACHED, message, hint),
    )


def test_what_aws_does_not_name_is_left_to_be_filled_in() -> None:
    replica, primary = cross_account_findings(secret(FarEnd(None, "Failed"), primary=FarEnd(None, "Failed")))
    assert replica.hint == f"repair the link:\n  {REPAIR.format(ARN, 'REPLICA_ARN')} --region us-east-1"
    assert primary.hint == (
        "with credentials of account ACCOUNT, repair the link:\n"
        f"  {REPAIR.format('PRIMARY_ARN', ARN)} --region us-east-1"
    )


def test_what_is_in_order_is_no_finding() -> None:
    assert cross_account_findings(Secret(ARN, "prod/db", HOME)) == ()
    assert (
        cross_account_findings(secret(FarEnd(FAR, "InSync"), FarEnd(FAR, None), primary=FarEnd(FAR, "InProgress")))
        == ()
    )
