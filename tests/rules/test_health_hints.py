"""What a person is told of keys, Regions and managed secrets before anything is sent, word for word."""

from __future__ import annotations

from dataclasses import replace

import pytest

from smrep.errors import AwsError, Denied, NotFound, Outcome
from smrep.model import Key, Replica, Secret, Target, Version
from smrep.regions import Region
from smrep.report import Finding, Kind, Severity
from smrep.rules.replication.blockers import (
    RequiredKey,
    key_health,
    managed_warning,
    region_state,
    required_keys,
    with_blockers,
)
from smrep.rules.replication.findings import unchecked
from smrep.rules.replication.region_step import Add, Overwrite, RegionStep, Retry, Skip, had_failed, skip

HOME, WEST = Region("us-east-1"), Region("us-west-2")
ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-a1b2c3"
KEY_ARN = "arn:aws:kms:us-west-2:123456789012:key/k"
SECRET = Secret(ARN, "prod/db", HOME, HOME)
DENIED = Denied("no")
INSTEAD = "use another key in us-west-2:\n  smrep rekey prod/db -r us-west-2=alias/NAME"
GOOD = Key(KEY_ARN, "Enabled", "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT")
DESCRIBE = f"check the key:\n  aws kms describe-key --key-id {KEY_ARN} --region us-west-2"


@pytest.mark.parametrize(
    ("known", "finding"),
    [
        (
            NotFound("no such alias"),
            Finding(
                Kind.KEY_MISSING,
                Severity.ERROR,
                "the new key alias/dr in us-west-2 does not exist: no such alias",
                (f"list the keys in us-west-2:\n  aws kms list-aliases --region us-west-2\n{INSTEAD}"),
            ),
        ),
        (DENIED, unchecked("the new key alias/dr in us-west-2", DENIED, "kms:DescribeKey in us-west-2")),
        (
            replace(GOOD, state=None),
            Finding(
                Kind.UNCHECKED,
                Severity.WARNING,
                "KMS does not return the state of the new key alias/dr in us-west-2",
                ("check the key:\n  aws kms describe-key --key-id alias/dr --region us-west-2"),
            ),
        ),
        (
            replace(GOOD, state="Disabled"),
            Finding(
                Kind.KEY_DISABLED,
                Severity.ERROR,
                "the new key alias/dr in us-west-2 is not enabled: its state is Disabled",
                (f"enable the key:\n  aws kms enable-key --key-id {KEY_ARN} --region us-west-2"),
            ),
        ),
        (
            replace(GOOD, state="PendingDeletion"),
            Finding(
                Kind.KEY_DISABLED,
                Severity.ERROR,
                "the new key alias/dr in us-west-2 is not enabled: its state is PendingDeletion",
                (
                    "cancel the deletion and enable the key:\n"
                    f"  aws kms cancel-key-deletion --key-id {KEY_ARN} --region us-west-2\n"
                    f"  aws kms enable-key --key-id {KEY_ARN} --region us-west-2"
                ),
            ),
        ),
        (
            replace(GOOD, state="Unavailable"),
            Finding(
                Kind.KEY_DISABLED,
                Severity.ERROR,
                "the new key alias/dr in us-west-2 is not enabled: its state is Unavailable",
                DESCRIBE,
            ),
        ),
        (
            replace(GOOD, usage="SIGN_VERIFY", spec="RSA_2048"),
            Finding(
                Kind.KEY_UNUSABLE,
                Severity.ERROR,
                "the new key alias/dr in us-west-2 is not a symmetric encryption key: it is RSA_2048, SIGN_VERIFY",
                INSTEAD,
            ),
        ),
    ],
)
def test_why_a_key_cannot_be_used_and_what_to_do_about_it(known: Key | AwsError, finding: Finding) -> None:
    assert key_health("alias/dr", "the new key", WEST, known, INSTEAD) == (finding,)


@pytest.mark.parametrize(
    "known", [NotFound("no"), *(replace(GOOD, state=state) for state in ("Disabled", "PendingDeletion", "Odd", None))]
)
def test_a_key_of_another_account_is_fixed_with_its_credentials(known: Key | AwsError) -> None:
    (of_ours,) = key_health("alias/dr", "the new key", WEST, known, INSTEAD)
    (of_theirs,) = key_health("alias/dr", "the new key", WEST, known, INSTEAD, owner="with credentials of account 2, ")
    assert of_theirs == replace(of_ours, hint=f"with credentials of account 2, {of_ours.hint}")


def test_a_key_that_kms_says_little_of_passes() -> None:
    assert key_health("alias/dr", "the new key", WEST, Key(KEY_ARN, "Enabled"), INSTEAD) == ()


# what the primary needs

OLD = Version("v3", ("mine", "it's"), ("alias/old", "alias/older"))
STAGE = f"aws secretsmanager update-secret-version-stage --secret-id {ARN} --region us-east-1 --version-stage"


def test_a_key_of_the_primary_is_told_with_its_cure() -> None:
    own = RequiredKey("alias/own")
    assert (own.subject, own.cure(SECRET)) == (
        "the primary's own key",
        (
            "put a new value under another key:\n"
            f"  aws secretsmanager update-secret --secret-id {ARN} --region us-east-1 "
            "--kms-key-id alias/NAME --secret-string file://VALUE"
        ),
    )


def test_the_current_label_stays_until_there_is_a_new_value() -> None:
    """AWS refuses to take AWSCURRENT off a version. Source: aws-behavior.md 10."""
    current = Version("v4", ("AWSCURRENT", "mine"), ("alias/old",))
    assert RequiredKey("alias/old", current).cure(SECRET) == (
        "put a new value, since AWS does not let you take AWSCURRENT off a version:\n"
        f"  aws secretsmanager put-secret-value --secret-id {ARN} --region us-east-1 "
        "--secret-string file://VALUE"
    )


def test_each_label_of_an_old_version_is_taken_off_by_itself() -> None:
    old = RequiredKey("alias/old", OLD)
    assert old.subject == "the key of version v3 (mine, it's) of the primary,"
    assert old.cure(SECRET) == (
        "fix that key, or take the label off the old version:\n"
        f"  {STAGE} mine --remove-from-version-id v3\n"
        f"  {STAGE} 'it'\"'\"'s' --remove-from-version-id v3"
    )


def test_a_version_is_under_the_first_of_the_keys_that_aws_lists() -> None:
    assert list(required_keys(SECRET, (OLD,))) == [RequiredKey("alias/old", OLD)]


# Regions and managers


@pytest.mark.parametrize(
    ("states", "finding"),
    [
        (
            None,
            Finding(
                Kind.UNCHECKED,
                Severity.WARNING,
                "smrep could not check whether us-west-2 is enabled for this account",
                "allow account:ListRegions or ec2:DescribeRegions",
            ),
        ),
        (
            {HOME: True},
            Finding(
                Kind.REGION_UNKNOWN,
                Severity.ERROR,
                "AWS lists no Region us-west-2 for this account",
                ("check its name:\n  aws account list-regions"),
            ),
        ),
        (
            {WEST: False},
            Finding(
                Kind.REGION_DISABLED,
                Severity.ERROR,
                "us-west-2 is not enabled for this account",
                ("enable it:\n  aws account enable-region --region-name us-west-2"),
            ),
        ),
    ],
)
def test_why_a_region_cannot_be_used_and_what_to_do_about_it(states: dict[str, bool] | None, finding: Finding) -> None:
    assert region_state(WEST, states) == (finding,)


def test_a_managed_secret_is_left_to_its_service() -> None:
    assert managed_warning(replace(SECRET, name="rds!db-1")) == (
        Finding(
            Kind.MANAGED,
            Severity.WARNING,
            "rds!db-1 is managed by the AWS service rds, which may forbid or undo its replication",
            "use that service's own way to replicate it",
        ),
    )


# steps held back

TARGET = Target(WEST)
FAILED = Replica(WEST, "Failed", "no luck")
STRANGER = Finding(Kind.NAME_CONFLICT, Severity.WARNING, "a different secret")
UNSEEN = Finding(Kind.UNCHECKED, Severity.WARNING, "could not be looked at", "allow the look")
DOUBT = Finding(Kind.UNCHECKED, Severity.WARNING, "no word on the key", "allow it")
BEFORE = had_failed(FAILED, "; it is tried again")
KEYLESS = Finding(Kind.KEY_MISSING, Severity.ERROR, "no such key", "make one")
MANAGED = Finding(Kind.MANAGED, Severity.WARNING, "managed")


def test_what_is_not_tried_again_is_not_said_to_be() -> None:
    step = Retry(TARGET, FAILED, (BEFORE, UNSEEN))
    assert with_blockers(step, (MANAGED, KEYLESS)) == replace(
        skip(TARGET, KEYLESS), findings=(had_failed(FAILED), UNSEEN, MANAGED, KEYLESS)
    )


@pytest.mark.parametrize("kind", [Kind.REGION_DISABLED, Kind.REGION_UNKNOWN])
def test_a_region_that_cannot_be_used_is_why_it_could_not_be_looked_into(kind: Kind) -> None:
    closed = Finding(kind, Severity.ERROR, "not enabled", "enable it")
    assert with_blockers(Add(TARGET, (UNSEEN, STRANGER)), (closed,)) == replace(
        skip(TARGET, closed), findings=(STRANGER, closed)
    )


@pytest.mark.parametrize(
    ("doubt", "outcome", "hint"),
    [
        (DOUBT, Outcome.FAILED, ("allow it\nor skip the check: --no-preflight")),
        (replace(DOUBT, outcome=Outcome.PENDING), Outcome.FAILED, ("allow it\nor skip the check: --no-preflight")),
        (replace(DOUBT, outcome=Outcome.ACCESS), Outcome.ACCESS, ("allow it\nor skip the check: --no-preflight")),
        (replace(DOUBT, hint=None), Outcome.FAILED, "or skip the check: --no-preflight"),
    ],
)
def test_a_doubt_before_an_overwrite_is_a_no_that_can_be_waived(doubt: Finding, outcome: Outcome, hint: str) -> None:
    sure = replace(
        doubt,
        severity=Severity.ERROR,
        message="smrep overwrites only after a successful check, and no word on the key",
        hint=hint,
    )
    stopped = with_blockers(Overwrite(TARGET, SECRET, None, (STRANGER,)), (MANAGED, doubt))
    assert stopped == replace(skip(TARGET, sure, outcome), findings=(sure, STRANGER, MANAGED))


@pytest.mark.parametrize(
    "step", [Add(TARGET, (UNSEEN,)), Retry(TARGET, FAILED, (UNSEEN,)), Overwrite(TARGET, SECRET, FAILED, (UNSEEN,))]
)
def test_a_warning_goes_with_the_step(step: RegionStep) -> None:
    passed = with_blockers(step, (MANAGED,))
    assert not isinstance(passed, Skip)
    assert passed == replace(step, findings=(UNSEEN, MANAGED))
