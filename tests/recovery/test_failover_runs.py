"""A failover on the simulator: who is promoted, what is written down, and what is never asked."""

from __future__ import annotations

import json

from fakes import HOME, IRELAND, SYDNEY, WEST
from recovery.recovery_scene import ALIAS, RecoveryScene

from smrep.errors import Outcome
from smrep.report import Kind
from smrep.rules.manifest.selector import Selector
from smrep.rules.recovery.failover_record import RecordMark


def lines(scene: RecoveryScene) -> list[tuple[str, str]]:
    """Return each line of the record: what it says and of which secret."""
    read = [json.loads(line) for line in scene.record.splitlines()[1:]]
    return [(each["result"], each["arn"].rsplit(":", 1)[1][:-7]) for each in read]


def is_replica(scene: RecoveryScene, name: str, region: str = WEST) -> bool:
    return scene.aws.call("DescribeSecret", region, SecretId=name).get("PrimaryRegion") not in (None, region)


def test_the_lost_region_is_asked_for_nothing_and_each_secret_is_written_down_before_and_after() -> None:
    scene = RecoveryScene.set_up()
    for name in ("a", "b"):
        scene.secret(name, IRELAND, key=ALIAS)
    scene.outage(HOME)
    (run,) = scene.failover()
    assert {region for _, region, _ in run.calls} == {WEST}
    assert run.count("ListSecrets") == 1
    assert run.count("StopReplicationToReplica", WEST) == 2
    assert lines(scene) == [("promoting", "a"), ("promoted", "a"), ("promoting", "b"), ("promoted", "b")]
    assert [each.outcome for each in scene.reports] == [Outcome.OK] * 2
    assert not is_replica(scene, "a")
    entry = next(iter(scene.known.entries.values()))
    assert (entry.kms_key_id, dict(entry.stages)) == (ALIAS, {"AWSCURRENT": scene.current("a", WEST)})


def test_again_it_sends_nothing_and_says_so() -> None:
    scene = RecoveryScene.set_up()
    scene.secret("a")
    scene.failover()
    before = scene.record
    (run,) = scene.failover()
    assert run.count("StopReplicationToReplica") == 0
    assert scene.record == before
    (row,) = scene.by_name("a").replicas
    assert (row.outcome, row.changed, row.note) == (Outcome.OK, False, "standalone")


def test_an_old_list_that_still_shows_a_replica_promotes_nothing_twice() -> None:
    scene = RecoveryScene.set_up(listing_lag_s=300.0)
    scene.aws.faults()
    scene.secret("a")
    scene.aws.faults(listing_lag_s=300.0)
    scene.failover()
    (run,) = scene.failover()
    assert run.count("ListSecrets") == 1
    assert run.count("StopReplicationToReplica") == 0


def test_the_filter_of_the_list_is_a_prefix_and_another_region_with_that_prefix_is_skipped() -> None:
    longer = f"{HOME}1"
    scene = RecoveryScene.set_up()
    scene.secret("ours")
    with scene.aws.simulator.undisturbed():
        scene.aws.create("theirs", longer)
        wanted = [{"Region": WEST}]
        scene.aws.call("ReplicateSecretToRegions", longer, SecretId="theirs", AddReplicaRegions=wanted)
    listed = scene.aws.call("ListSecrets", WEST, Filters=[{"Key": "primary-region", "Values": [HOME]}])
    assert {each["Name"] for each in listed["SecretList"]} == {"ours", "theirs"}
    scene.failover()
    assert [each.name for each in scene.reports] == ["ours"]
    assert is_replica(scene, "theirs")


def test_only_what_was_chosen_is_promoted() -> None:
    scene = RecoveryScene.set_up()
    for name in ("prod/a", "prod/b", "test/a"):
        scene.secret(name)
    scene.failover(chosen=Selector(prefixes=("prod/",)))
    scene.failover(chosen=Selector(names=frozenset({"prod/a"})))
    assert [is_replica(scene, name) for name in ("prod/a", "prod/b", "test/a")] == [False, False, True]


def test_a_name_that_the_list_does_not_show_yet_is_looked_at() -> None:
    scene = RecoveryScene.set_up(listing_lag_s=300.0)
    scene.secret("new")
    names = Selector(names=frozenset({"new", "nobody"}))
    arn = scene.aws.call("DescribeSecret", SecretId="new")["ARN"]
    (run,) = scene.failover(chosen=names)
    assert run.count("StopReplicationToReplica") == 1
    assert not is_replica(scene, "new")
    scene = RecoveryScene.set_up(listing_lag_s=300.0)
    scene.secret("new")
    scene.failover(chosen=Selector(names=frozenset({arn})))
    assert not is_replica(scene, "new")


def test_a_standalone_secret_that_is_not_in_the_record_is_not_put_there() -> None:
    scene = RecoveryScene.set_up()
    scene.aws.create("apart", WEST)
    scene.failover(chosen=Selector(names=frozenset({"apart"})))
    assert scene.by_name("apart").outcome is Outcome.OK
    assert "failback will not return it" in scene.by_name("apart").notes[0]
    assert scene.known.entries == {}


def test_one_that_is_gone_or_refused_does_not_stop_the_others() -> None:
    scene = RecoveryScene.set_up()
    for name in ("a", "b", "c"):
        scene.secret(name)
    with scene.aws.simulator.undisturbed():
        scene.aws.call("RemoveRegionsFromReplication", SecretId="b", RemoveReplicaRegions=[WEST])
        scene.aws.call("DescribeSecret", WEST, SecretId="a")
    scene.failover(chosen=Selector(names=frozenset({"a", "b", "c"})))
    assert [each.name for each in scene.refused] == ["b"]
    scene = RecoveryScene.set_up()
    for name in ("a", "b"):
        scene.secret(name)
    scene.lose("DescribeSecret", "before")
    scene.failover()
    assert [each.outcome for each in scene.reports] == [Outcome.FAILED, Outcome.OK]
    assert [is_replica(scene, name) for name in ("a", "b")] == [True, False]


def test_a_run_that_is_killed_after_the_request_is_resumed_from_the_record() -> None:
    scene = RecoveryScene.set_up()
    scene.secret("a")
    scene.failover()
    scene.record = "\n".join(scene.record.splitlines()[:-1]) + "\n"  # it could not say that it was promoted
    assert next(iter(scene.known.entries.values())).mark is RecordMark.PROMOTING
    (run,) = scene.failover()
    assert run.count("StopReplicationToReplica") == 0
    assert lines(scene)[-1] == ("promoted", "a")


def test_a_lost_answer_is_looked_for_and_not_sent_again_where_it_was_taken() -> None:
    for fate, sent in (("after", 1), ("before", 2)):
        scene = RecoveryScene.set_up()
        scene.secret("a")
        scene.lose("StopReplicationToReplica", fate)
        (run,) = scene.failover()
        assert run.count("StopReplicationToReplica") == sent
        assert lines(scene)[-1] == ("promoted", "a")
        assert scene.by_name("a").outcome is Outcome.OK


def test_a_denied_promotion_is_written_down_as_failed_and_left_for_another_day() -> None:
    scene = RecoveryScene.set_up(denied=frozenset({("StopReplicationToReplica", WEST)}))
    scene.secret("a")
    scene.failover()
    assert lines(scene) == [("promoting", "a"), ("failed", "a")]
    assert scene.by_name("a").outcome is Outcome.ACCESS
    scene.aws.faults()
    scene.failover()
    assert lines(scene)[-1] == ("promoted", "a")


def test_a_policy_that_a_replica_does_not_show_is_not_in_the_record() -> None:
    scene = RecoveryScene.set_up(denied=frozenset({("GetResourcePolicy", WEST)}))
    scene.secret("a")
    scene.failover()
    assert [each.policy_sha256 for each in scene.known.entries.values()] == [None]
    scene = RecoveryScene.set_up()
    scene.secret("a", SYDNEY)
    policy = '{"Version": "2012-10-17", "Statement": []}'
    scene.aws.call("PutResourcePolicy", SecretId="a", ResourcePolicy=policy)
    scene.aws.clock.time += 30
    scene.failover()
    assert [each.policy_sha256 is None for each in scene.known.entries.values()] == [False]


def test_a_replica_again_that_nobody_confirmed_is_skipped() -> None:
    scene = RecoveryScene.set_up()
    scene.secret("a")
    scene.failover()
    arn = next(iter(scene.known.entries))
    scene.aws.call("DeleteSecret", WEST, SecretId="a", ForceDeleteWithoutRecovery=True)
    scene.aws.clock.time += 30
    home = scene.aws.simulator._state.get_secret(HOME, "a")
    assert home is not None
    home.entries.clear()
    scene.aws.faults(listing_lag_s=300.0)
    scene.aws.call("ReplicateSecretToRegions", SecretId="a", AddReplicaRegions=[{"Region": WEST}])
    scene.aws.clock.time += 30
    assert is_replica(scene, "a")
    (run,) = scene.failover(chosen=Selector(names=frozenset({arn})))
    assert run.count("StopReplicationToReplica") == 0
    error = scene.by_name("a").error
    assert error is not None
    assert (error.code, error.outcome) == ("ChangedMeanwhile", Outcome.PENDING)


def test_a_replica_whose_tag_was_removed_after_the_list_is_not_promoted() -> None:
    scene = RecoveryScene.set_up()
    for name in ("a", "b"):
        scene.secret(name)
        scene.aws.call("TagResource", SecretId=name, Tags=[{"Key": "dr", "Value": "true"}])
    scene.aws.clock.time += 30

    looks: list[str] = []

    def untag(operation: str, _region: str) -> None:
        if operation == "DescribeSecret" and not looks:
            looks.append(operation)
            scene.aws.call("UntagResource", SecretId="a", TagKeys=["dr"])
            scene.aws.clock.time += 30

    scene.on_call = untag
    (run,) = scene.failover(chosen=Selector(tags=(("dr", "true"),)))
    assert run.count("StopReplicationToReplica") == 1
    assert [is_replica(scene, name) for name in ("a", "b")] == [True, False]
    error = scene.by_name("a").error
    assert error is not None
    assert (error.code, error.outcome) == ("ChangedMeanwhile", Outcome.FAILED)
    assert "a in us-west-2 no longer matches the selectors, so it was skipped" in error.message
    assert "a" not in [entry.name for entry in scene.known.newest]


def test_rotation_and_keys_are_told_before_anybody_says_go() -> None:
    scene = RecoveryScene.set_up()
    scene.secret("a", key=ALIAS)
    key = scene.aws.call("DescribeKey", WEST, service="kms", KeyId=ALIAS)["KeyMetadata"]["KeyId"]
    scene.aws.call("DisableKey", WEST, service="kms", KeyId=key)
    findings = scene.mustered().findings
    assert [[each.kind for each in found] for found in findings.values()] == [[Kind.KEY_DISABLED]]
