"""The findings that commands share: how heavy they are, what they say, what to type next."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from smrep.errors import AwsError, CredentialsError, Denied, Outcome, Refused, Throttled, Unanswered
from smrep.model import Replica, Secret
from smrep.regions import Region
from smrep.report import Finding, Kind, Severity
from smrep.rules.replication.findings import (
    failed,
    failed_check_outcome,
    in_progress,
    listed_but_missing,
    not_checked,
    not_listed,
    removing,
    unchecked,
)
from smrep.rules.replication.name_owner import NoSecret, NotChecked

HOME, WEST = Region("us-east-1"), Region("us-west-2")
SECRET = Secret("arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-a1b2c3", "prod/db", HOME, HOME)
THERE = "prod/db --primary-region us-east-1 -r us-west-2"
UNCHECKED_NAME = (
    "prod/db is listed as InSync in us-west-2, but us-west-2 has no secret with its ARN; smrep could not check whether "
    "another secret has the name"
)
NAME_CHECK = (
    "see whether a secret has the name:\n"
    "  aws secretsmanager describe-secret --secret-id prod/db --region us-west-2\n"
    "if none has, replicate again:\n"
    f"  smrep remove {THERE}\n"
    f"  smrep replicate {THERE}"
)


@pytest.mark.parametrize(
    ("finding", "kind", "severity", "message", "hint"),
    [
        (
            lambda: not_listed(SECRET, WEST),
            Kind.MISSING,
            Severity.ERROR,
            "prod/db has no replica in us-west-2",
            f"add it:\n  smrep replicate {THERE}",
        ),
        (
            lambda: not_listed(SECRET, WEST, "alias/dr"),
            Kind.MISSING,
            Severity.ERROR,
            "prod/db has no replica in us-west-2",
            f"add it:\n  smrep replicate {THERE}=alias/dr",
        ),
        (
            lambda: listed_but_missing(SECRET, WEST, NoSecret()),
            Kind.MISSING,
            Severity.ERROR,
            "prod/db is listed as InSync in us-west-2, but us-west-2 has no secret with this name",
            (
                "look again:\n"
                "  aws secretsmanager describe-secret --secret-id prod/db --region us-west-2\n"
                "if it is still missing, replicate again:\n"
                "  smrep remove prod/db --primary-region us-east-1 -r us-west-2\n"
                "  smrep replicate prod/db --primary-region us-east-1 -r us-west-2"
            ),
        ),
        (
            lambda: listed_but_missing(SECRET, WEST, NoSecret(only_by_arn=True)),
            Kind.MISSING,
            Severity.ERROR,
            f"{UNCHECKED_NAME}: only account 123456789012 can check that",
            NAME_CHECK,
        ),
        (
            lambda: listed_but_missing(SECRET, WEST, NoSecret(only_by_arn=True, unknown_caller=Denied("no"))),
            Kind.MISSING,
            Severity.ERROR,
            f"{UNCHECKED_NAME}: the account of the credentials is unknown: no",
            f"allow sts:GetCallerIdentity\n{NAME_CHECK}",
        ),
        (
            lambda: failed(SECRET, Replica(WEST, "Failed", "no luck")),
            Kind.FAILED,
            Severity.ERROR,
            "prod/db in us-west-2: no luck",
            (f"fix the cause, then:\n  smrep retry {THERE}"),
        ),
        (
            lambda: in_progress(SECRET, Replica(WEST, "InProgress")),
            Kind.IN_PROGRESS,
            Severity.WARNING,
            "prod/db in us-west-2 is neither in sync nor failed: InProgress",
            f"wait for it:\n  smrep wait {THERE}",
        ),
        (
            lambda: in_progress(SECRET, Replica(WEST, None)),
            Kind.IN_PROGRESS,
            Severity.WARNING,
            "prod/db in us-west-2 is neither in sync nor failed: AWS gives no status",
            f"wait for it:\n  smrep wait {THERE}",
        ),
        (
            lambda: removing(SECRET, WEST),
            Kind.REMOVING,
            Severity.INFO,
            "an old replica of prod/db is still being removed from us-west-2",
            (f"wait until it is gone:\n  smrep remove {THERE}"),
        ),
    ],
)
def test_a_state_is_told_with_the_command_for_it(
    finding: Callable[[], Finding], kind: Kind, severity: Severity, message: str, hint: str
) -> None:
    assert finding() == Finding(kind, severity, message, hint)


def test_a_name_is_quoted_where_it_goes_to_a_shell() -> None:
    odd = Secret(SECRET.arn, "prod db", HOME, HOME)
    assert "--secret-id 'prod db'" in (listed_but_missing(odd, WEST, NoSecret()).hint or "")


# looks that could not be made


@pytest.mark.parametrize(
    ("error", "hint", "outcome"),
    [
        (Denied("no"), "allow kms:DescribeKey", Outcome.ACCESS),
        (Denied("no", hint="log in"), "allow kms:DescribeKey", Outcome.ACCESS),
        (CredentialsError("no", hint="log in"), "log in", Outcome.ACCESS),
        (Throttled("no"), Throttled.default_hint, Outcome.PENDING),
        (Unanswered("no", hint="check the network"), "check the network", Outcome.PENDING),
        (Refused("no"), Unanswered.default_hint, Outcome.PENDING),
    ],
)
def test_what_could_not_be_checked_says_why_and_what_would_help(
    error: AwsError, hint: str | None, outcome: Outcome
) -> None:
    message = "the key could not be checked: no"
    assert unchecked("the key", error, "kms:DescribeKey") == Finding(
        Kind.UNCHECKED, Severity.WARNING, message, hint, outcome
    )
    assert failed_check_outcome(error) is outcome


UP = "check that us-west-2 is up, reachable from here, and enabled for the account"


@pytest.mark.parametrize(
    ("error", "hint", "outcome"),
    [
        (Denied("no"), "allow secretsmanager:DescribeSecret in us-west-2", Outcome.ACCESS),
        (CredentialsError("no"), UP, Outcome.ACCESS),
        (Unanswered("no"), UP, Outcome.PENDING),
        (Throttled("no"), UP, Outcome.PENDING),
    ],
)
def test_a_region_that_could_not_be_looked_into_is_one_finding(error: AwsError, hint: str, outcome: Outcome) -> None:
    (finding,) = not_checked(SECRET, WEST, NotChecked(error))
    assert finding == Finding(
        Kind.UNCHECKED,
        Severity.WARNING,
        "prod/db in us-west-2 could not be checked: no",
        hint,
        outcome,
    )


def test_a_hint_that_names_the_cause_is_kept() -> None:
    error = CredentialsError("no", hint="name the override")
    error.names_the_cause = True
    assert not_checked(SECRET, WEST, NotChecked(error))[0].hint == "name the override"


def test_a_look_that_nobody_wanted_is_not_missed() -> None:
    assert not_checked(SECRET, WEST, NotChecked()) == ()
