"""`verify` on the simulator: what may not be looked at proves nothing."""

from __future__ import annotations

import pytest
from fakes import HOME, IRELAND, WEST, FakeAws, kinds, new_key, only, replicated
from service.verify_scene import FOR_EVER, put, verification, verify

from smrep.errors import CredentialsError, Denied, Outcome, Unanswered, Unsupported


@pytest.mark.parametrize("region", [HOME, WEST])
def test_versions_that_may_not_be_listed_on_one_side_prove_nothing(aws: FakeAws, region: str) -> None:
    arn = replicated(aws)
    aws.faults(denied=frozenset({("ListSecretVersionIds", region)}))
    row = only(verify(aws))
    assert (row.outcome, row.verified, kinds(row)) == (Outcome.ACCESS, None, ["unchecked"])
    assert row.findings[0].hint == f"allow secretsmanager:ListSecretVersionIds on {arn.replace(HOME, region)}"
    assert aws.clock.sleeps == []


@pytest.mark.parametrize("region", [HOME, WEST])
def test_a_stale_version_is_seen_without_the_lists_too(aws: FakeAws, region: str) -> None:
    replicated(aws)
    aws.faults(value_delay_s=FOR_EVER, denied=frozenset({("ListSecretVersionIds", region)}))
    put(aws)
    row = only(verify(aws, timeout_s=5.0))
    assert (row.outcome, row.verified) == (Outcome.ACCESS, False)
    assert set(kinds(row)) == {"stale", "unchecked"}


def test_a_region_that_denies_a_look_is_unchecked(aws: FakeAws) -> None:
    replicated(aws)
    aws.faults(denied=frozenset({("DescribeSecret", WEST)}))
    row = only(verify(aws))
    assert (row.outcome, row.verified, kinds(row), row.arn) == (Outcome.ACCESS, None, ["unchecked"], None)
    assert row.status == "InSync"
    assert aws.clock.sleeps == []


def test_a_region_that_is_not_listed_and_denies_a_look_is_a_denied_look(aws: FakeAws) -> None:
    replicated(aws)
    aws.faults(denied=frozenset({("DescribeSecret", IRELAND)}))
    row = only(verify(aws, IRELAND, timeout_s=0.0))
    assert kinds(row) == ["missing", "unchecked"]
    assert (row.outcome, row.verified is True) == (Outcome.ACCESS, False)


def test_a_region_that_the_account_has_not_enabled_is_no_matter_of_waiting(aws: FakeAws) -> None:
    replicated(aws)
    aws.faults(disabled_regions=frozenset({WEST}))
    row = only(verify(aws, timeout_s=60.0))
    assert (row.outcome, row.verified, kinds(row)) == (Outcome.ACCESS, None, ["unchecked"])
    assert aws.clock.sleeps == []


def test_a_region_in_outage_is_pending_at_the_deadline(aws: FakeAws) -> None:
    replicated(aws, WEST, IRELAND)
    aws.faults(outages=frozenset({WEST}))
    (secret,) = verify(aws, timeout_s=30.0)
    assert [(row.outcome, row.verified) for row in secret.replicas] == [(Outcome.PENDING, None), (Outcome.OK, True)]
    assert sum(aws.clock.sleeps) == pytest.approx(30.0)
    assert aws.count("DescribeSecret", IRELAND) == 1  # what is proved is not looked at again


def test_an_outage_that_ends_is_waited_out(aws: FakeAws) -> None:
    replicated(aws)
    aws.faults(outages=frozenset({WEST}))

    def mend(_operation: str, _region: str) -> None:
        if len(aws.clock.sleeps) == 3:
            aws.faults()

    aws.on_call = mend
    assert only(verify(aws)).verified is True


def test_a_primary_that_is_asked_too_often_or_does_not_answer_is_a_tick_without_news(aws: FakeAws) -> None:
    replicated(aws)
    run = verification(aws)

    def disturb(operation: str, region: str) -> None:
        if (operation, region) == ("DescribeSecret", HOME) and 1 <= len(aws.clock.sleeps) <= 2:
            raise Unanswered("connection was closed", "prod/db in us-east-1")

    aws.faults(value_delay_s=10.0)
    put(aws)
    aws.on_call = disturb
    for _ in run.act():
        pass
    assert only(run.secrets()).verified is True


def test_a_primary_that_nobody_can_ask_after_the_first_look_is_pending_and_proves_nothing(aws: FakeAws) -> None:
    replicated(aws)
    run = verification(aws, timeout_s=10.0)
    acting = run.act()
    aws.lose["DescribeSecret"] = ["", *["before"] * 50]
    for _ in acting:
        pass
    row = only(run.secrets())
    assert (row.outcome, row.verified, row.arn) == (Outcome.PENDING, None, None)


def test_a_primary_that_may_not_be_described_any_more_is_told(aws: FakeAws) -> None:
    replicated(aws)
    aws.faults(value_delay_s=FOR_EVER)
    put(aws)

    def forbid(operation: str, region: str) -> None:
        if (operation, region) == ("DescribeSecret", HOME) and len(aws.clock.sleeps) == 2:
            raise Denied("no", code="AccessDeniedException")

    aws.on_call = forbid
    (secret,) = verify(aws)
    assert secret.error is not None
    assert (secret.error.code, secret.outcome) == ("AccessDeniedException", Outcome.ACCESS)


@pytest.mark.parametrize("operation", ["DescribeSecret", "ListSecretVersionIds", "DescribeKey"])
def test_credentials_that_expire_end_the_run_with_nothing_proved(aws: FakeAws, operation: str) -> None:
    replicated(aws, key=new_key(aws, alias="alias/dr"))

    def expire(called: str, region: str) -> None:
        if (called, region) == (operation, WEST):
            raise CredentialsError("expired", code="ExpiredTokenException")

    aws.on_call = expire
    run = verification(aws, f"{WEST}=alias/dr")
    with pytest.raises(CredentialsError):
        for _ in run.act():
            pass
    assert only(run.secrets()).verified is not True


@pytest.mark.parametrize("stale", [False, True])
def test_an_endpoint_that_can_not_list_versions_is_believed_what_it_describes(aws: FakeAws, *, stale: bool) -> None:
    replicated(aws)
    if stale:
        aws.faults(value_delay_s=FOR_EVER)
        put(aws)

    def unknown(operation: str, _region: str) -> None:
        if operation == "ListSecretVersionIds":
            raise Unsupported("The requested operation is not supported (UnknownOperationException)")

    aws.on_call = unknown
    row = only(verify(aws, WEST))
    assert (row.verified, row.outcome) == ((False, Outcome.DRIFT) if stale else (True, Outcome.OK))
    assert kinds(row) == (["stale"] if stale else [])
