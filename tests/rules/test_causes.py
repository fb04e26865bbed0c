"""From AWS's words on a Failed replica to what to type next; the words themselves stay as they are."""

from __future__ import annotations

import shlex
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smrep.errors import Outcome
from smrep.model import Replica, Secret
from smrep.regions import Region
from smrep.report import Problem
from smrep.rules.replication.key_failures import delete_commands, failure, not_replaced

HOME, WEST = Region("us-east-1"), Region("us-west-2")
ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-a1b2c3"
PRIMARY = Secret(ARN, "prod/db", HOME, HOME, "alias/main")
AGAIN = "smrep retry prod/db --primary-region us-east-1 -r us-west-2"
DESCRIBE = "aws secretsmanager describe-secret --secret-id prod/db --region us-west-2"
CHECK_KEY = (
    "check the key:\n"
    "  aws kms describe-key --key-id {} --region us-west-2\n"
    "allow kms:Decrypt on the primary's key, and kms:GenerateDataKey and kms:Encrypt on the replica's\n"
    "then:\n"
    f"  {AGAIN}"
)
PRIMARYS_KEY = (
    f"fix the primary's key:\n  aws kms describe-key --key-id alias/main --region us-east-1\nthen:\n  {AGAIN}"
)
ANOTHER_KEY = (
    "list the keys in us-west-2:\n"
    "  aws kms list-aliases --region us-west-2\n"
    "then use one of them:\n"
    f"  {AGAIN}=alias/NAME"
)
FOREIGN = (
    "us-west-2 has a replica of another primary with this name, which --force-overwrite cannot replace\n"
    "look at it:\n"
    f"  {DESCRIBE}\n"
    "if nobody needs it:\n"
    "  aws secretsmanager stop-replication-to-replica --secret-id prod/db --region us-west-2\n"
    "  aws secretsmanager delete-secret --secret-id prod/db --region us-west-2 --force-delete-without-recovery\n"
    "once it is gone:\n"
    f"  {AGAIN}"
)
NAME_CONFLICT = f"look at it:\n  {DESCRIBE}\nto replace it for good:\n  {AGAIN} --force-overwrite"
REGION = f"enable the Region:\n  aws account enable-region --region-name us-west-2\nthen:\n  {AGAIN}"
UNKNOWN = f"fix the cause, then:\n  {AGAIN}"


def failed(message: str | None, key: str | None = "alias/dr") -> Problem:
    return failure(PRIMARY, Replica(WEST, "Failed", message, key))


def test_another_primarys_replica_is_promoted_and_deleted_without_a_recovery_window() -> None:
    assert delete_commands("prod/db", WEST) == (
        "aws secretsmanager stop-replication-to-replica --secret-id prod/db --region us-west-2",
        "aws secretsmanager delete-secret --secret-id prod/db --region us-west-2 --force-delete-without-recovery",
    )


@pytest.mark.parametrize(
    ("message", "hint"),
    [
        ("Replication failed: Secret name simple already exists in region us-west-2 with a different ARN.", FOREIGN),
        ("Secret with this name already exists in this region", NAME_CONFLICT),
        ("ALREADY EXISTS", NAME_CONFLICT),
        ("Access to KMS key alias/main in us-east-1 is denied", PRIMARYS_KEY),
        ("Key in us-west-2 differs from that in us-east-1", CHECK_KEY.format("alias/dr")),
        ("Key alias/dr is not found", ANOTHER_KEY),
        ("The key does not exist", ANOTHER_KEY),
        ("A thing is not found", UNKNOWN),
        ("The role does not exist", UNKNOWN),
        ("us-east-1 does not answer", UNKNOWN),
        ("KMS is disabled", CHECK_KEY.format("alias/dr")),
        ("The key is disabled", CHECK_KEY.format("alias/dr")),
        ("The Region is not enabled", REGION),
        ("You must opt in", REGION),
        ("Internal failure", UNKNOWN),
        (None, UNKNOWN),
        ("", UNKNOWN),
    ],
)
def test_each_cause_has_its_way_on(message: str | None, hint: str) -> None:
    assert failed(message).hint == hint


def test_a_key_that_is_not_known_is_left_to_be_filled_in() -> None:
    assert failed("The key is disabled", None).hint == CHECK_KEY.format("KEY")
    nameless = failure(replace(PRIMARY, kms_key_id=None), Replica(WEST, "Failed", "bad key in us-east-1"))
    assert nameless.hint == PRIMARYS_KEY.replace("alias/main", "KEY")


@given(st.text(min_size=1))
def test_aws_words_reach_the_row_as_they_are(message: str) -> None:
    trouble = failed(message)
    assert trouble.message == f"prod/db in us-west-2: {message}"
    assert (trouble.code, trouble.request_id, trouble.outcome) == ("ReplicationFailed", None, Outcome.FAILED)
    assert AGAIN in (trouble.hint or "")


@pytest.mark.parametrize("message", [None, ""])
def test_a_failure_without_a_word_says_so(message: str | None) -> None:
    assert failed(message).message == "prod/db in us-west-2: AWS gave no reason"


MESSAGES = ["with a different ARN", "already exists", "key in us-east-1", "key not found", "kms", "opt in", "odd"]


@given(st.sampled_from(MESSAGES), st.text("ab '\"$;!", min_size=1, max_size=9))
def test_a_hint_can_be_pasted_whatever_the_names_are(message: str, odd: str) -> None:
    names = f"db {odd}", f"alias/primary {odd}", f"alias/replica {odd}"
    primary = replace(PRIMARY, name=names[0], kms_key_id=names[1])
    hint = failure(primary, Replica(WEST, "Failed", message, names[2])).hint or ""
    assert shlex.quote(names[0]) in hint
    for name in names:
        hint = hint.replace(shlex.quote(name), "")
        assert name not in hint


def test_a_secret_that_aws_did_not_replace_is_deleted_by_hand() -> None:
    there = ARN.replace("us-east-1", "us-west-2")
    assert not_replaced(PRIMARY, WEST, "it waits in vain") == Problem(
        code="NotReplaced",
        message=(
            "AWS did not replace prod/db in us-west-2 with a replica: it waits in vain; AWS does "
            "not document which secrets it replaces, and smrep tried nothing else"
        ),
        hint=(
            "if nobody needs the secret in us-west-2, delete it:\n"
            f"  aws secretsmanager delete-secret --secret-id {there} --region us-west-2 "
            "--force-delete-without-recovery\n"
            "repeat until it is gone:\n"
            f"  aws secretsmanager describe-secret --secret-id {there} --region us-west-2\n"
            "then:\n"
            "  smrep remove prod/db --primary-region us-east-1 -r us-west-2\n"
            "  smrep replicate prod/db --primary-region us-east-1 -r us-west-2"
        ),
        request_id=None,
        outcome=Outcome.FAILED,
    )


def test_a_secret_of_another_account_is_looked_for_by_name_where_it_was_asked_for_by_arn() -> None:
    hint = failure(replace(PRIMARY, by_arn=True), Replica(WEST, "Failed", "already exists")).hint or ""
    assert "aws secretsmanager list-secrets --filters Key=name,Values=prod/db --region us-west-2" in hint


def test_another_accounts_replica_is_deleted_with_its_credentials() -> None:
    hint = failure(replace(PRIMARY, by_arn=True), Replica(WEST, "Failed", "with a different ARN")).hint or ""
    stop, delete = delete_commands("ARN", WEST)
    assert f"\n  {stop}\n  {delete}\n" in hint
    assert "with credentials of account 123456789012" in hint
