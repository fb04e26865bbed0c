"""Turns that a run takes rarely, and that a random search came upon (test_stateful.py)."""

from __future__ import annotations

import pytest
from fakes import HOME, IRELAND, SYDNEY, WEST, FakeAws, new_key, only
from service import promote_scene as promoting
from service import rekey_scene as rekeying
from service import remove_scene as removing
from service import replicate_scene as replicating
from service.lagging_aws import once, run_out
from service.verify_scene import verify

from smrep.errors import Denied, Outcome, Throttled

REPLICATE, REMOVE = "ReplicateSecretToRegions", "RemoveRegionsFromReplication"
STOP, UPDATE = "StopReplicationToReplica", "UpdateSecret"


@pytest.mark.parametrize("timeout_s", [0.0, 3.0, 14.0])
def test_nothing_is_sent_again_where_the_deadline_cut_the_looking_short(aws: FakeAws, timeout_s: float) -> None:
    removing.replicated(aws)
    new_key(aws, "alias/new")
    aws.lose = {each: ["before"] for each in (REPLICATE, UPDATE, STOP, REMOVE)}
    times = []
    replicating.replicate(aws, SYDNEY, timeout_s=timeout_s)
    times.append(aws.count(REPLICATE))
    rekeying.rekey(aws, timeout_s=timeout_s)
    times.append(aws.count(UPDATE))
    promoting.promote(aws, timeout_s=timeout_s)
    times.append(aws.count(STOP))
    removing.remove(aws, WEST, timeout_s=timeout_s)
    times.append(aws.count(REMOVE))
    assert times == [1, 1, 1, 1]


@pytest.mark.parametrize("arrives", [False, True])
def test_a_failed_entry_with_nothing_there_is_removed_once_the_list_says_so(aws: FakeAws, arrives: bool) -> None:
    aws.create()
    aws.simulator.set_replication_status("prod/db", HOME, WEST, "Failed", "no luck")
    aws.lose[REMOVE] = ["after" if arrives else "before"] * 2
    row = only(removing.remove(aws, WEST, timeout_s=60.0))
    assert (row.outcome, row.changed) == ((Outcome.OK, True) if arrives else (Outcome.PENDING, False))


def test_a_removal_seen_in_the_list_only_late_is_done(aws: FakeAws) -> None:
    aws.create()
    aws.simulator.set_replication_status("prod/db", HOME, WEST, "Failed", "no luck")
    aws.lose[REMOVE] = ["after"]
    aws.lose["DescribeSecret"] = ["", "", "", *["before"] * 20]
    row = only(removing.remove(aws, WEST))
    assert (row.outcome, row.changed, aws.count(REMOVE)) == (Outcome.OK, True, 1)


def test_a_region_that_was_right_and_fails_before_the_others_are_is_not_called_right(aws: FakeAws) -> None:
    aws.create()
    aws.replicate_by_hand(WEST, IRELAND)
    aws.faults(value_delay_s=20.0)
    aws.simulator.set_replication_status("prod/db", HOME, IRELAND, "InProgress")

    def turn(operation: str, _region: str) -> None:
        if operation == "DescribeSecret" and aws.clock.time > 15.0:
            aws.simulator.set_replication_status("prod/db", HOME, WEST, "Failed", "no luck")

    aws.on_call = turn
    (secret,) = verify(aws, timeout_s=30.0)
    row = secret.replicas[0]
    assert (row.status, row.outcome, row.verified) == ("Failed", Outcome.FAILED, False)


def test_a_request_whose_answer_is_lost_is_told_as_done_when_the_list_shows_it_late(aws: FakeAws) -> None:
    aws.create()
    run = replicating.prepare(aws, replicating.request_for(WEST))
    aws.lose = {REPLICATE: ["after"], "DescribeSecret": ["before"] * 12}
    for _ in run.act():
        pass
    (secret,) = run.secrets()
    row = only((secret,))
    assert (row.outcome, row.changed, aws.count(REPLICATE)) == (Outcome.OK, True, 1)
    lost = "no answer came to the request for prod/db in us-west-2 (connection was closed)"
    assert secret.notes == (f"{lost}, and AWS's list could not be read",)


@pytest.mark.parametrize("blind", [False, True])
def test_a_removal_is_sent_again_only_after_another_look_at_what_is_there(aws: FakeAws, blind: bool) -> None:
    aws.create()
    aws.simulator.set_replication_status("prod/db", HOME, WEST, "Failed", "no luck")
    run = removing.prepare(aws, WEST, timeout_s=60.0)
    aws.lose[REMOVE] = ["before"]
    denied = once(Denied("no"), "DescribeSecret", WEST, times=99)

    def after_the_request(operation: str, region: str) -> None:
        if operation == REMOVE and not blind:
            aws.create(region=WEST)
        if blind and aws.count(REMOVE):
            denied(operation, region)

    aws.on_call = after_the_request
    for _ in run.act():
        pass
    row = only(run.secrets())
    assert (row.changed, aws.count(REMOVE), row.outcome) == (False, 1, Outcome.ACCESS if blind else Outcome.FAILED)
    assert row.error
    assert row.error.code == ("Denied" if blind else "name_conflict")


def test_a_replica_that_has_come_is_not_asked_for_again_though_the_list_lags(aws: FakeAws) -> None:
    aws.create()
    aws.faults(list_lag_s=25.0, replication_delay_s=1.0)
    run = replicating.prepare(aws, replicating.request_for(WEST))
    aws.lose = {REPLICATE: ["after"]}
    for _ in run.act():
        pass
    row = only(run.secrets())
    assert (row.outcome, row.changed, aws.count(REPLICATE)) == (Outcome.OK, True, 1)


def test_what_an_earlier_removal_has_not_taken_yet_is_no_answer_to_a_request_without_a_look_before(
    aws: FakeAws,
) -> None:
    removing.replicated(aws, removal_delay_s=400.0)
    aws.call(REMOVE, SecretId="prod/db", RemoveReplicaRegions=[WEST])
    run = replicating.prepare(aws, replicating.request_for(WEST, preflight=False, wait=False))
    aws.lose = {REPLICATE: ["before"] * 2}
    for _ in run.act():
        pass
    row = only(run.secrets())
    assert (row.outcome, row.changed, removing.listed(aws)) == (Outcome.PENDING, False, [])


@pytest.mark.parametrize(("times", "outcome", "after_s"), [(6, Outcome.OK, 20.0), (9999, Outcome.PENDING, 21.0)])
def test_a_first_look_that_aws_throttles_is_made_again(
    aws: FakeAws, times: int, outcome: Outcome, after_s: float
) -> None:
    aws.create()
    aws.on_call = once(Throttled("Rate exceeded"), "DescribeSecret", HOME, times=times)
    began = aws.clock.time
    run = replicating.prepare(aws, replicating.request_for(WEST))
    assert aws.clock.time - began <= after_s
    (secret,) = run_out(run)
    assert (secret.outcome, aws.count(REPLICATE)) == (outcome, 1 if outcome is Outcome.OK else 0)


def test_and_at_the_deadline_it_ends(aws: FakeAws) -> None:
    aws.create()
    aws.on_call = once(Throttled("Rate exceeded"), "DescribeSecret", HOME, times=9999)
    began = aws.clock.time
    (secret,) = run_out(replicating.prepare(aws, replicating.request_for(WEST), timeout_s=3.0))
    assert (secret.outcome, aws.clock.time - began <= 3.0) == (Outcome.PENDING, True)
