"""`status` and `wait` on the simulator."""

from __future__ import annotations

from functools import partial
from itertools import islice

import pytest
from fakes import HOME, IRELAND, WEST, FakeAws, addresses_of, kinds
from service.lagging_aws import once
from use_case_run import UseCaseRun, quiet

from smrep.errors import NotFound, Outcome, UsageError
from smrep.regions import Region
from smrep.report import SecretReport
from smrep.rules.primary_region import SecretAddress
from smrep.service.status import StatusRequest, status, watch
from smrep.service.wait import WaitRequest
from smrep.service.wait import wait as wait_for


def look(aws: FakeAws, *regions: Region, names: tuple[str, ...] = ("prod/db",), home: Region = HOME) -> SecretReport:
    aws.begin()
    addresses = tuple(SecretAddress(each.secret_id, home) for each in addresses_of(*names))
    (secret,) = status(aws, StatusRequest(addresses, regions)).secrets
    return secret


def wait(aws: FakeAws, *regions: Region, timeout_s: float = 300.0, home: Region = HOME) -> SecretReport:
    aws.begin()
    addresses = tuple(SecretAddress(each.secret_id, home) for each in addresses_of())
    run = quiet(aws.clock, aws.clock.time + timeout_s)
    (secret,) = wait_for(aws, WaitRequest(addresses, regions), run).secrets
    return secret


@pytest.fixture
def replicated(aws: FakeAws) -> FakeAws:
    aws.create()
    aws.replicate_by_hand(WEST, IRELAND)
    return aws


def test_status_is_one_describe_whatever_the_number_of_regions(replicated: FakeAws) -> None:
    secret = look(replicated)
    assert [(row.region, row.status, row.action) for row in secret.replicas] == [
        (WEST, "InSync", None),
        (IRELAND, "InSync", None),
    ]
    assert secret.outcome is Outcome.OK
    assert replicated.calls == [("DescribeSecret", HOME, "prod/db")]


def test_status_of_a_secret_without_replicas_is_fine(aws: FakeAws) -> None:
    aws.create()
    secret = look(aws)
    assert (secret.outcome, secret.replicas) == (Outcome.OK, ())


def test_status_of_a_region_without_a_replica_is_missing(aws: FakeAws) -> None:
    aws.create()
    secret = look(aws, WEST)
    assert (secret.outcome, secret.replicas[0].status) == (Outcome.FAILED, None)
    assert [each.kind for each in secret.replicas[0].findings] == ["missing"]


def test_status_speaks_of_the_regions_asked_for(replicated: FakeAws) -> None:
    replicated.simulator.set_replication_status("prod/db", HOME, IRELAND, "Failed", "no luck")
    secret = look(replicated, WEST)
    assert secret.outcome is Outcome.OK
    assert [row.region for row in secret.replicas] == [WEST]
    assert "eu-west-1" in secret.notes[0]


@pytest.mark.parametrize(
    ("word", "outcome", "kind"),
    [
        ("Failed", Outcome.FAILED, "failed"),
        ("InProgress", Outcome.PENDING, "in_progress"),
        ("Pending", Outcome.PENDING, "in_progress"),
        ("Detached", Outcome.PENDING, "in_progress"),
        ("Unheard", Outcome.PENDING, "in_progress"),
    ],
)
def test_status_reports_the_state_it_finds(replicated: FakeAws, word: str, outcome: Outcome, kind: str) -> None:
    replicated.simulator.set_replication_status("prod/db", HOME, WEST, word, "words")
    row = look(replicated).replicas[0]
    assert (row.status, row.outcome, [each.kind for each in row.findings]) == (word, outcome, [kind])


def test_status_of_a_replica_follows_to_its_primary(replicated: FakeAws) -> None:
    secret = look(replicated, home=WEST)
    assert (secret.primary_region, len(secret.replicas), secret.outcome) == (HOME, 2, Outcome.OK)
    assert "is a replica; smrep reports its primary in us-east-1" in secret.notes[0]


def test_status_of_a_replica_whose_primary_does_not_answer_shows_the_replica(replicated: FakeAws) -> None:
    replicated.faults(outages=frozenset({HOME}))
    secret = look(replicated, home=WEST)
    assert secret.outcome is Outcome.PENDING
    (row,) = secret.replicas
    assert (row.region, row.status, [each.kind for each in row.findings]) == (WEST, None, ["is_replica"])
    assert row.arn is not None
    assert ":us-west-2:" in row.arn
    assert ":us-east-1:" in (secret.arn or "")


def test_status_of_a_replica_whose_primary_is_gone_is_an_orphan(replicated: FakeAws) -> None:
    replicated.call("RemoveRegionsFromReplication", SecretId="prod/db", RemoveReplicaRegions=[WEST, IRELAND])
    replicated.call("DeleteSecret", SecretId="prod/db", ForceDeleteWithoutRecovery=True)
    replicated.clock.time += 200
    secret = look(replicated, home=WEST)
    assert secret.outcome is Outcome.FAILED
    assert [each.kind for each in secret.replicas[0].findings] == ["orphan"]


def test_status_of_a_secret_marked_for_deletion_says_so(aws: FakeAws) -> None:
    aws.create()
    aws.call("DeleteSecret", SecretId="prod/db")
    secret = look(aws)
    assert secret.error is not None
    assert (secret.error.code, secret.outcome) == ("pending_deletion", Outcome.FAILED)


def test_the_primarys_own_region_is_no_replica_region(replicated: FakeAws) -> None:
    with pytest.raises(UsageError, match="own Region"):
        look(replicated, HOME, home=WEST)


def test_watch_goes_on_and_shows_changes(replicated: FakeAws) -> None:
    replicated.simulator.set_replication_status("prod/db", HOME, WEST, "InProgress", None)
    run = UseCaseRun(partial(watch, replicated, StatusRequest(addresses_of())), replicated.clock, 0.0)
    looks = run.act()
    next(looks)
    (first,) = run.secrets()
    replicated.simulator.set_replication_status("prod/db", HOME, WEST, "InSync", None)
    for _ in islice(looks, 50):
        (later,) = run.secrets()
    assert first.replicas[0].status == "InProgress"
    assert later.replicas[0].status == "InSync"
    assert set(replicated.clock.sleeps) == {2.0}


def test_watch_of_nothing_ends(aws: FakeAws) -> None:
    report = watch(aws, StatusRequest(addresses_of("nowhere")), quiet(aws.clock))
    assert [secret.arn for secret in report.secrets] == [None]
    assert aws.clock.sleeps == []


def test_wait_waits_for_all_listed_regions_and_sends_nothing(aws: FakeAws) -> None:
    aws.create()
    aws.faults(replication_delay_s=8.0)
    aws.replicate_by_hand(WEST, IRELAND, settle_s=0.0)
    secret = wait(aws)
    assert secret.outcome is Outcome.OK
    assert aws.sent() == []
    assert aws.count("DescribeSecret", HOME) == len(aws.clock.sleeps) + 2
    assert aws.count("DescribeSecret", WEST) == aws.count("DescribeSecret", IRELAND) == 1


def test_wait_reports_failed_at_once(replicated: FakeAws) -> None:
    replicated.simulator.set_replication_status("prod/db", HOME, WEST, "Failed", "no luck")
    secret = wait(replicated)
    assert secret.outcome is Outcome.FAILED
    assert replicated.clock.sleeps == []


def test_wait_for_a_secret_without_replicas_fails_at_once(aws: FakeAws) -> None:
    aws.create()
    secret = wait(aws)
    assert secret.error is not None
    assert (secret.outcome, secret.error.code) == (Outcome.FAILED, "NoReplicas")
    assert aws.clock.sleeps == []


def test_wait_gives_a_region_that_is_not_listed_the_time_of_a_lagging_list(replicated: FakeAws) -> None:
    secret = wait(replicated, Region("sa-east-1"))
    assert secret.outcome is Outcome.FAILED
    assert [each.kind for each in secret.replicas[0].findings] == ["missing"]
    assert 15 <= sum(replicated.clock.sleeps) < 21


def test_wait_sees_a_region_that_appears_late(aws: FakeAws) -> None:
    aws.create()
    aws.faults(list_lag_s=6.0)
    aws.replicate_by_hand(WEST, settle_s=0.0)
    assert wait(aws, WEST).outcome is Outcome.OK


def test_wait_for_a_replica_waits_at_its_primary(replicated: FakeAws) -> None:
    assert wait(replicated, WEST, home=WEST).outcome is Outcome.OK


def test_wait_with_timeout_zero_looks_once(replicated: FakeAws) -> None:
    replicated.simulator.set_replication_status("prod/db", HOME, WEST, "InProgress", None)
    secret = wait(replicated, timeout_s=0)
    assert secret.outcome is Outcome.PENDING
    assert replicated.clock.sleeps == []


def test_wait_with_timeout_zero_asks_once(replicated: FakeAws) -> None:
    replicated.simulator.set_replication_status("prod/db", HOME, WEST, "InProgress", None)
    wait(replicated, timeout_s=0)
    assert [region for _, region, _ in replicated.calls] == [HOME, IRELAND]


def test_wait_gives_a_replica_that_is_not_found_yet_the_time_of_a_lagging_answer(replicated: FakeAws) -> None:
    replicated.on_call = once(NotFound("not yet", code="ResourceNotFoundException"), "DescribeSecret", WEST, times=3)
    secret = wait(replicated)
    assert (secret.outcome, secret.replicas[0].findings) == (Outcome.OK, ())
    assert replicated.count("DescribeSecret", WEST) == 4


def test_a_region_in_sync_where_nothing_is_stays_missing_after_the_time_of_a_lagging_answer(
    replicated: FakeAws,
) -> None:
    gone = NotFound("gone", code="ResourceNotFoundException")
    replicated.on_call = once(gone, "DescribeSecret", WEST, times=1000)
    secret = wait(replicated)
    assert (secret.outcome, kinds(secret.replicas[0])) == (Outcome.DRIFT, ["missing"])
    assert sum(replicated.clock.sleeps) == pytest.approx(15.0)


def test_wait_notes_trouble_in_a_region_that_was_not_asked_for(replicated: FakeAws) -> None:
    replicated.simulator.set_replication_status("prod/db", HOME, IRELAND, "Failed", "no luck")
    secret = wait(replicated, WEST)
    assert secret.outcome is Outcome.OK
    assert "also Failed in eu-west-1" in secret.notes[0]
