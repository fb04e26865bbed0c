"""A failover on the simulator: who is promoted, what is written down, and what is never asked."""

from __future__ import annotations

import json

from disaster.scene import ALIAS, Stage
from fakes import HOME, IRELAND, SYDNEY, WEST

from smrep.errors import Outcome
from smrep.report import Kind
from smrep.rules.record import Mark
from smrep.rules.selection import Selector


def lines(stage: Stage) -> list[tuple[str, str]]:
    """Return each line of the record: what it says and of which secret."""
    read = [json.loads(line) for line in stage.record.splitlines()[1:]]
    return [(each["result"], each["arn"].rsplit(":", 1)[1][:-7]) for each in read]


def is_replica(stage: Stage, name: str, region: str = WEST) -> bool:
    return stage.world.call("DescribeSecret", region, SecretId=name).get("PrimaryRegion") not in (None, region)


def test_the_lost_region_is_asked_for_nothing_and_each_secret_is_written_down_before_and_after() -> None:
    stage = Stage.set_up()
    for name in ("a", "b"):
        stage.secret(name, IRELAND, key=ALIAS)
    stage.outage(HOME)
    (run,) = stage.failover()
    assert {region for _, region, _ in run.calls} == {WEST}
    assert run.count("ListSecrets") == 1
    assert run.count("StopReplicationToReplica", WEST) == 2
    assert lines(stage) == [("promoting", "a"), ("promoted", "a"), ("promoting", "b"), ("promoted", "b")]
    assert [each.outcome for each in stage.reports] == [Outcome.OK] * 2
    assert not is_replica(stage, "a")
    entry = next(iter(stage.known.entries.values()))
    assert (entry.kms_key_id, dict(entry.stages)) == (ALIAS, {"AWSCURRENT": stage.current("a", WEST)})


def test_again_it_sends_nothing_and_says_so() -> None:
    stage = Stage.set_up()
    stage.secret("a")
    stage.failover()
    before = stage.record
    (run,) = stage.failover()
    assert run.count("StopReplicationToReplica") == 0
    assert stage.record == before
    (row,) = stage.by_name("a").replicas
    assert (row.outcome, row.changed, row.note) == (Outcome.OK, False, "stands alone")


def test_an_old_list_that_still_shows_a_replica_promotes_nothing_twice() -> None:
    stage = Stage.set_up(listing_lag_s=300.0)
    stage.world.faults()
    stage.secret("a")
    stage.world.faults(listing_lag_s=300.0)
    stage.failover()
    (run,) = stage.failover()
    assert run.count("ListSecrets") == 1
    assert run.count("StopReplicationToReplica") == 0


def test_the_filter_of_the_list_is_a_prefix_and_another_region_that_begins_so_is_left_alone() -> None:
    longer = f"{HOME}1"
    stage = Stage.set_up()
    stage.secret("ours")
    with stage.world.simulator.undisturbed():
        stage.world.create("theirs", longer)
        wanted = [{"Region": WEST}]
        stage.world.call("ReplicateSecretToRegions", longer, SecretId="theirs", AddReplicaRegions=wanted)
    listed = stage.world.call("ListSecrets", WEST, Filters=[{"Key": "primary-region", "Values": [HOME]}])
    assert {each["Name"] for each in listed["SecretList"]} == {"ours", "theirs"}
    stage.failover()
    assert [each.name for each in stage.reports] == ["ours"]
    assert is_replica(stage, "theirs")


def test_only_what_was_chosen_is_promoted() -> None:
    stage = Stage.set_up()
    for name in ("prod/a", "prod/b", "test/a"):
        stage.secret(name)
    stage.failover(chosen=Selector(prefixes=("prod/",)))
    stage.failover(chosen=Selector(names=frozenset({"prod/a"})))
    assert [is_replica(stage, name) for name in ("prod/a", "prod/b", "test/a")] == [False, False, True]


def test_a_name_that_the_list_does_not_show_yet_is_looked_at() -> None:
    stage = Stage.set_up(listing_lag_s=300.0)
    stage.secret("new")
    names = Selector(names=frozenset({"new", "nobody"}))
    arn = stage.world.call("DescribeSecret", SecretId="new")["ARN"]
    (run,) = stage.failover(chosen=names)
    assert run.count("StopReplicationToReplica") == 1
    assert not is_replica(stage, "new")
    stage = Stage.set_up(listing_lag_s=300.0)
    stage.secret("new")
    stage.failover(chosen=Selector(names=frozenset({arn})))
    assert not is_replica(stage, "new")


def test_a_secret_that_stands_alone_and_is_not_in_the_record_is_not_put_there() -> None:
    stage = Stage.set_up()
    stage.world.create("apart", WEST)
    stage.failover(chosen=Selector(names=frozenset({"apart"})))
    assert stage.by_name("apart").outcome is Outcome.OK
    assert "will not lead it home" in stage.by_name("apart").notes[0]
    assert stage.known.entries == {}


def test_one_that_is_gone_or_refused_does_not_stop_the_others() -> None:
    stage = Stage.set_up()
    for name in ("a", "b", "c"):
        stage.secret(name)
    with stage.world.simulator.undisturbed():
        stage.world.call("RemoveRegionsFromReplication", SecretId="b", RemoveReplicaRegions=[WEST])
        stage.world.call("DescribeSecret", WEST, SecretId="a")
    stage.failover(chosen=Selector(names=frozenset({"a", "b", "c"})))
    assert [each.name for each in stage.refused] == ["b"]
    stage = Stage.set_up()
    for name in ("a", "b"):
        stage.secret(name)
    stage.lose("DescribeSecret", "before")
    stage.failover()
    assert [each.outcome for each in stage.reports] == [Outcome.FAILED, Outcome.OK]
    assert [is_replica(stage, name) for name in ("a", "b")] == [True, False]


def test_a_run_that_is_killed_after_the_request_is_gone_on_with_by_the_record() -> None:
    stage = Stage.set_up()
    stage.secret("a")
    stage.failover()
    stage.record = "\n".join(stage.record.splitlines()[:-1]) + "\n"  # it could not say that it was promoted
    assert next(iter(stage.known.entries.values())).mark is Mark.PROMOTING
    (run,) = stage.failover()
    assert run.count("StopReplicationToReplica") == 0
    assert lines(stage)[-1] == ("promoted", "a")


def test_a_lost_answer_is_looked_for_and_not_sent_again_where_it_was_taken() -> None:
    for fate, sent in (("after", 1), ("before", 2)):
        stage = Stage.set_up()
        stage.secret("a")
        stage.lose("StopReplicationToReplica", fate)
        (run,) = stage.failover()
        assert run.count("StopReplicationToReplica") == sent
        assert lines(stage)[-1] == ("promoted", "a")
        assert stage.by_name("a").outcome is Outcome.OK


def test_a_denied_promotion_is_written_down_as_failed_and_left_for_another_day() -> None:
    stage = Stage.set_up(denied=frozenset({("StopReplicationToReplica", WEST)}))
    stage.secret("a")
    stage.failover()
    assert lines(stage) == [("promoting", "a"), ("failed", "a")]
    assert stage.by_name("a").outcome is Outcome.ACCESS
    stage.world.faults()
    stage.failover()
    assert lines(stage)[-1] == ("promoted", "a")


def test_a_policy_that_a_replica_does_not_show_is_left_out_of_the_record() -> None:
    stage = Stage.set_up(denied=frozenset({("GetResourcePolicy", WEST)}))
    stage.secret("a")
    stage.failover()
    assert [each.policy_sha256 for each in stage.known.entries.values()] == [None]
    stage = Stage.set_up()
    stage.secret("a", SYDNEY)
    policy = '{"Version": "2012-10-17", "Statement": []}'
    stage.world.call("PutResourcePolicy", SecretId="a", ResourcePolicy=policy)
    stage.world.clock.time += 30
    stage.failover()
    assert [each.policy_sha256 is None for each in stage.known.entries.values()] == [False]


def test_a_replica_again_that_nobody_was_asked_about_is_left_alone() -> None:
    stage = Stage.set_up()
    stage.secret("a")
    stage.failover()
    arn = next(iter(stage.known.entries))
    stage.world.call("DeleteSecret", WEST, SecretId="a", ForceDeleteWithoutRecovery=True)
    stage.world.clock.time += 30
    home = stage.world.simulator._world.held(HOME, "a")
    assert home is not None
    home.entries.clear()
    stage.world.faults(listing_lag_s=300.0)
    stage.world.call("ReplicateSecretToRegions", SecretId="a", AddReplicaRegions=[{"Region": WEST}])
    stage.world.clock.time += 30
    assert is_replica(stage, "a")
    (run,) = stage.failover(chosen=Selector(names=frozenset({arn})))
    assert run.count("StopReplicationToReplica") == 0
    error = stage.by_name("a").error
    assert error is not None
    assert (error.code, error.outcome) == ("ChangedMeanwhile", Outcome.PENDING)


def test_rotation_and_keys_are_told_before_anybody_says_go() -> None:
    stage = Stage.set_up()
    stage.secret("a", key=ALIAS)
    key = stage.world.call("DescribeKey", WEST, service="kms", KeyId=ALIAS)["KeyMetadata"]["KeyId"]
    stage.world.call("DisableKey", WEST, service="kms", KeyId=key)
    findings = stage.mustered().findings
    assert [[each.kind for each in found] for found in findings.values()] == [[Kind.KEY_DISABLED]]
