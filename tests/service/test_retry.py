"""`retry` on the simulator: the Failed Regions again, and only those."""

from __future__ import annotations

from typing import Any

import pytest
from fakes import HOME, IRELAND, SYDNEY, WEST, World, kinds, only
from service.test_replication import prepare, replicate, request_for

from smrep.errors import Denied, Outcome, Refused
from smrep.model import SecretId
from smrep.regions import Region
from smrep.report import Action, SecretReport
from smrep.rules.asked import Address
from smrep.rules.plan import Consent
from smrep.service.replication import Request

FORCE = Consent(force=True)
NO_LUCK = "Replication failed: no luck"


def retry(world: World, *regions: str, **more: Any) -> tuple[SecretReport, ...]:
    return replicate(world, *regions, retry=True, **more)


def failed(world: World, *regions: str, also: tuple[str, ...] = (), key: str | None = None) -> None:
    """Make a primary whose replicas Failed in these Regions, for a cause that is gone by now."""
    world.create()
    world.faults(failures=dict.fromkeys(regions, NO_LUCK))
    wanted = [{"Region": each, **({"KmsKeyId": key} if key else {})} for each in (*regions, *also)]
    world.call("ReplicateSecretToRegions", SecretId="prod/db", AddReplicaRegions=wanted)
    world.clock.time += 10
    world.faults()


def asked_for(world: World) -> list[list[str]]:
    """Return the Regions of each request that was sent."""
    return [[each["Region"] for each in call["AddReplicaRegions"]] for call in world.sent()]


def new_key(world: World, region: str = WEST, alias: str | None = None, **params: Any) -> str:
    metadata = world.call("CreateKey", region, service="kms", **params)["KeyMetadata"]
    if alias:
        world.call("CreateAlias", region, service="kms", AliasName=alias, TargetKeyId=metadata["KeyId"])
    return str(metadata["Arn"])


# what is tried again


def test_only_the_failed_regions_are_tried_again(world: World) -> None:
    failed(world, WEST, SYDNEY, also=(IRELAND,))
    (secret,) = retry(world)
    assert [(row.region, row.action, row.changed, row.status) for row in secret.replicas] == [
        (WEST, Action.RETRY, True, "InSync"),
        (SYDNEY, Action.RETRY, True, "InSync"),
    ]
    assert asked_for(world) == [[WEST, SYDNEY]]


def test_a_named_region_that_is_in_sync_is_left_alone(world: World) -> None:
    failed(world, WEST, also=(IRELAND,))
    (secret,) = retry(world, WEST, IRELAND)
    assert [(row.region, row.action, row.changed, row.outcome) for row in secret.replicas] == [
        (WEST, Action.RETRY, True, Outcome.OK),
        (IRELAND, Action.KEEP, False, Outcome.OK),
    ]
    assert asked_for(world) == [[WEST]]


def test_a_failed_region_that_was_not_named_is_left_alone_and_told(world: World) -> None:
    failed(world, WEST, IRELAND)
    (secret,) = retry(world, WEST)
    assert [row.region for row in secret.replicas] == [WEST]
    assert asked_for(world) == [[WEST]]
    assert "has Failed in eu-west-1, which was not asked for" in secret.notes[0]


def test_nothing_failed_is_well_and_nothing_is_sent(world: World) -> None:
    world.create()
    world.replicate_by_hand(WEST, IRELAND)
    (secret,) = retry(world)
    assert secret.outcome is Outcome.OK
    assert [(row.action, row.changed) for row in secret.replicas] == [(Action.KEEP, False)] * 2
    assert world.sent() == []


def test_a_secret_that_has_no_replicas_at_all_gets_none(world: World) -> None:
    world.create()
    (secret,) = retry(world)
    assert secret.replicas == ()
    assert world.sent() == []


def test_a_region_that_is_not_listed_is_missing_and_never_added(world: World) -> None:
    failed(world, WEST)
    (secret,) = retry(world, WEST, IRELAND)
    mended, missing = secret.replicas
    assert mended.outcome is Outcome.OK
    assert (missing.outcome, missing.status, missing.changed, kinds(missing)) == (
        Outcome.FAILED,
        None,
        False,
        ["missing"],
    )
    assert missing.error is not None
    assert missing.error.code == "missing"
    assert missing.error.hint == "smrep replicate prod/db --primary-region us-east-1 -r eu-west-1"
    assert asked_for(world) == [[WEST]]


@pytest.mark.parametrize("preflight", [True, False])
def test_force_adds_no_region_that_is_not_listed(world: World, preflight: bool) -> None:
    world.create()
    world.create(region=WEST)
    row = only(retry(world, WEST, consent=FORCE, preflight=preflight))
    assert (row.outcome, kinds(row)) == (Outcome.FAILED, ["missing"])
    assert world.sent() == []


def test_a_replica_that_is_being_removed_is_not_added_again(world: World) -> None:
    world.create()
    world.replicate_by_hand(WEST)
    world.call("RemoveRegionsFromReplication", SecretId="prod/db", RemoveReplicaRegions=[WEST])
    row = only(retry(world, WEST))
    assert (row.outcome, kinds(row)) == (Outcome.FAILED, ["missing"])
    assert world.sent() == []


def test_a_region_in_progress_is_waited_for_and_not_sent_again(world: World) -> None:
    world.create()
    world.faults(replication_delay_s=20.0)
    world.replicate_by_hand(WEST, settle_s=1.0)
    row = only(retry(world))
    assert (row.outcome, row.action, row.changed, row.status) == (Outcome.OK, Action.KEEP, False, "InSync")
    assert world.sent() == []


def test_an_unknown_word_is_not_failed_and_not_done(world: World) -> None:
    failed(world, WEST)
    world.simulator.set_replication_status("prod/db", HOME, WEST, "Detached", None)
    row = only(retry(world, timeout_s=10.0))
    assert (row.outcome, row.action, row.status) == (Outcome.PENDING, Action.KEEP, "Detached")
    assert world.sent() == []


def test_several_secrets_each_get_their_own_failed_regions(world: World) -> None:
    failed(world, WEST)
    world.create("other")
    world.faults(failures={IRELAND: NO_LUCK})
    world.replicate_by_hand(WEST, IRELAND, name="other")
    world.faults()
    world.create("well")
    world.replicate_by_hand(WEST, name="well")
    secrets = retry(world, names=("prod/db", "other", "well"))
    assert [[(row.region, row.action) for row in each.replicas] for each in secrets] == [
        [(WEST, Action.RETRY)],
        [(IRELAND, Action.RETRY)],
        [(WEST, Action.KEEP)],
    ]
    assert {each.outcome for each in secrets} == {Outcome.OK}


def test_a_replica_that_failed_later_gets_the_value_that_it_missed(world: World) -> None:
    world.create()
    world.replicate_by_hand(WEST)
    world.faults(failures={WEST: NO_LUCK})
    version = world.call("PutSecretValue", SecretId="prod/db", SecretString="newer")["VersionId"]
    world.clock.time += 10
    world.faults()
    row = only(retry(world))
    assert (row.outcome, row.action) == (Outcome.OK, Action.RETRY)
    assert "may be old" in row.findings[0].message
    assert world.describe("prod/db", WEST).version("AWSCURRENT") == version


# what it says


def test_it_says_why_a_region_had_failed_and_what_is_done(world: World) -> None:
    failed(world, WEST)
    row = only(retry(world))
    assert kinds(row) == ["failed"]
    assert "no luck" in row.findings[0].message
    assert "nothing bears the name there now" in row.findings[0].message
    assert row.action is Action.RETRY


def test_it_fails_again_with_aws_own_words(world: World) -> None:
    failed(world, WEST)
    world.faults(failures={WEST: "Replication failed: worse luck"})
    row = only(retry(world))
    assert (row.outcome, row.status, row.status_message, row.changed) == (
        Outcome.FAILED,
        "Failed",
        "Replication failed: worse luck",
        True,
    )
    assert row.error is not None
    assert "smrep retry prod/db --primary-region us-east-1 -r us-west-2" in (row.error.hint or "")


def test_a_failure_from_before_the_call_is_not_the_new_result(world: World) -> None:
    failed(world, WEST)
    world.faults(list_lag_s=8.0, replication_delay_s=12.0)
    world.lose["ReplicateSecretToRegions"] = ["after"]
    row = only(retry(world))
    assert (row.outcome, row.status, row.changed) == (Outcome.OK, "InSync", True)
    assert len(world.sent()) == 1


def test_the_same_failure_again_counts_once_another_status_was_seen(world: World) -> None:
    failed(world, WEST)
    world.faults(failures={WEST: NO_LUCK}, replication_delay_s=3.0)
    row = only(retry(world))
    assert (row.outcome, row.status_message) == (Outcome.FAILED, NO_LUCK)
    assert sum(world.clock.sleeps) < 9


def test_a_region_that_is_stopped_is_not_said_to_be_tried_again(world: World) -> None:
    key = new_key(world)
    failed(world, WEST, key=key)
    world.simulator.set_key_state(key, WEST, "Disabled")
    row = only(retry(world))
    assert (row.outcome, row.status, world.sent()) == (Outcome.FAILED, None, [])
    assert row.error is not None
    assert row.error.code == "key_disabled"
    assert not [each.message for each in row.findings if "is tried again" in each.message]


# who bears the name


def clash(world: World, key: str | None = None) -> str:
    """Make a primary whose replica Failed for a namesake, and return the namesake's ARN."""
    world.create()
    victim = world.create(region=WEST)
    wanted = {"Region": WEST, **({"KmsKeyId": key} if key else {})}
    world.call("ReplicateSecretToRegions", SecretId="prod/db", AddReplicaRegions=[wanted])
    world.clock.time += 10
    return victim


def test_a_namesake_is_shown_and_not_touched_unasked(world: World) -> None:
    victim = clash(world)
    row = only(retry(world))
    assert (row.outcome, row.status, row.changed) == (Outcome.FAILED, None, False)
    assert "name_clash" in kinds(row)
    assert row.error is not None
    assert row.error.code == "name_clash"
    assert victim in row.error.message
    assert "--force-overwrite" in (row.error.hint or "")
    assert world.sent() == []


def test_a_namesake_is_overwritten_with_force(world: World) -> None:
    victim = clash(world)
    run = prepare(world, request_for(retry=True, consent=FORCE))
    assert [step.victim.arn for step in run.victims] == [victim]
    for _ in run.act():
        pass
    row = only(run.secrets())
    assert (row.outcome, row.action, row.status) == (Outcome.OK, Action.OVERWRITE, "InSync")
    assert [call["ForceOverwriteReplicaSecret"] for call in world.sent()] == [True]


def test_an_overwrite_changes_no_key_that_was_not_named(world: World) -> None:
    key = new_key(world)
    clash(world, key)
    row = only(retry(world, consent=FORCE))
    assert (row.outcome, row.action, row.kms_key_id) == (Outcome.OK, Action.OVERWRITE, key)
    assert world.sent()[0]["AddReplicaRegions"] == [{"Region": WEST, "KmsKeyId": key}]


def test_force_is_sent_for_the_namesakes_region_alone(world: World) -> None:
    failed(world, WEST, IRELAND)
    world.create(region=WEST)
    (secret,) = retry(world, consent=FORCE)
    assert [(row.region, row.action, row.outcome) for row in secret.replicas] == [
        (WEST, Action.OVERWRITE, Outcome.OK),
        (IRELAND, Action.RETRY, Outcome.OK),
    ]
    forced = {
        tuple(each["Region"] for each in c["AddReplicaRegions"]): c["ForceOverwriteReplicaSecret"] for c in world.sent()
    }
    assert forced == {(IRELAND,): False, (WEST,): True}


@pytest.mark.parametrize("consent", [Consent(), FORCE])
def test_a_replica_of_another_primary_is_explained_and_never_touched(world: World, consent: Consent) -> None:
    world.create()
    other = world.create(region=IRELAND)
    world.call("ReplicateSecretToRegions", IRELAND, SecretId="prod/db", AddReplicaRegions=[{"Region": WEST}])
    world.clock.time += 10
    world.replicate_by_hand(WEST)
    assert "different arn" in (world.describe("prod/db", HOME).replicas[0].message or "")
    row = only(retry(world, consent=consent))
    there = other.replace(IRELAND, WEST)
    assert (row.outcome, row.status, row.changed) == (Outcome.FAILED, None, False)
    assert "orphan" in kinds(row)
    assert row.error is not None
    assert row.error.code == "orphan"
    for command in (
        f"aws secretsmanager stop-replication-to-replica --secret-id {there} --region us-west-2",
        f"aws secretsmanager delete-secret --secret-id {there} --region us-west-2 --force-delete-without-recovery",
    ):
        assert command in (row.error.hint or "")
    assert world.sent() == []


@pytest.mark.parametrize("named", [True, False])
def test_a_region_that_is_not_failed_is_never_overwritten_by_a_retry(world: World, named: bool) -> None:
    arn = world.create().replace(HOME, WEST)
    world.replicate_by_hand(WEST)
    world.call("StopReplicationToReplica", WEST, SecretId="prod/db")  # the list says InSync as before
    row = only(
        retry(world, *([WEST] if named else []), consent=Consent(force=True, arns=frozenset({arn})), timeout_s=40.0)
    )
    assert kinds(row) == ["promoted"]
    assert world.sent() == []


def test_force_with_a_denied_look_is_no_retry(world: World) -> None:
    failed(world, WEST)
    world.faults(denied=frozenset({("DescribeSecret", WEST)}))
    row = only(retry(world, consent=FORCE))
    assert (row.outcome, kinds(row)) == (Outcome.ACCESS, ["unchecked"])
    assert world.sent() == []


def test_a_denied_look_is_unchecked_and_the_region_is_tried_again(world: World) -> None:
    failed(world, WEST)
    world.faults(denied=frozenset({("DescribeSecret", WEST)}))
    row = only(retry(world))
    assert (row.outcome, row.status, kinds(row)) == (Outcome.OK, "InSync", ["failed", "unchecked"])


def test_without_preflight_nothing_is_looked_at_but_the_list(world: World) -> None:
    failed(world, WEST)
    row = only(retry(world, preflight=False))
    assert row.outcome is Outcome.OK
    assert {(operation, region) for operation, region, _ in world.calls} == {
        ("DescribeSecret", HOME),
        ("ReplicateSecretToRegions", HOME),
    }


# keys


def test_the_key_that_is_recorded_is_kept(world: World) -> None:
    key = new_key(world)
    failed(world, WEST, key=key)
    row = only(retry(world))
    assert (row.outcome, row.kms_key_id) == (Outcome.OK, key)
    assert world.sent()[0]["AddReplicaRegions"] == [{"Region": WEST, "KmsKeyId": key}]


def test_another_key_is_taken_where_one_is_named(world: World) -> None:
    failed(world, WEST, key=new_key(world))
    new_key(world, alias="alias/dr")
    row = only(retry(world, f"{WEST}=alias/dr"))
    assert (row.outcome, row.kms_key_id, kinds(row)) == (Outcome.OK, "alias/dr", ["failed"])
    assert world.sent()[0]["AddReplicaRegions"] == [{"Region": WEST, "KmsKeyId": "alias/dr"}]


def test_the_default_key_is_taken_where_it_is_named(world: World) -> None:
    failed(world, WEST, key=new_key(world))
    row = only(retry(world, f"{WEST}=alias/aws/secretsmanager"))
    assert (row.outcome, row.kms_key_id) == (Outcome.OK, "alias/aws/secretsmanager")


def test_a_recorded_key_that_is_still_missing_is_told_before_anything_is_sent(world: World) -> None:
    world.create()
    replicate(world, f"{WEST}=alias/late", preflight=False)
    row = only(retry(world))
    assert (row.outcome, row.status, world.sent()) == (Outcome.FAILED, None, [])
    assert row.error is not None
    assert row.error.code == "key_missing"
    assert "smrep retry prod/db --primary-region us-east-1 -r us-west-2=alias/NAME" in (row.error.hint or "")


def test_a_named_region_in_sync_under_another_key_is_told_and_left_alone(world: World) -> None:
    world.create()
    world.replicate_by_hand(WEST)
    new_key(world, alias="alias/dr")
    row = only(retry(world, f"{WEST}=alias/dr"))
    assert (row.outcome, row.changed, kinds(row)) == (Outcome.DRIFT, False, ["wrong_key"])
    assert world.sent() == []


# what AWS answers


def refuse(operation: str, _region: str) -> None:
    if operation == "ReplicateSecretToRegions":
        raise Refused("You can't do that.", "prod/db in us-east-1", code="InvalidRequestException")


def test_a_refused_repeat_names_the_way_around_it(world: World) -> None:
    key = new_key(world)
    failed(world, WEST, key=key)
    world.on_call = refuse
    row = only(retry(world))
    assert (row.outcome, row.changed) == (Outcome.FAILED, False)
    assert row.error is not None
    assert "You can't do that." in row.error.message
    assert row.error.hint == (
        "begin anew: smrep remove prod/db --primary-region us-east-1 -r us-west-2; "
        f"then: smrep replicate prod/db --primary-region us-east-1 -r us-west-2={key}"
    )


def test_a_refusal_of_one_region_does_not_stop_the_other(world: World) -> None:
    failed(world, WEST, IRELAND)
    count = iter(range(9))

    def refuse_twice(operation: str, region: str) -> None:
        if operation == "ReplicateSecretToRegions" and next(count) in (0, 1):
            refuse(operation, region)

    world.on_call = refuse_twice  # both together, then the first by itself
    (secret,) = retry(world)
    assert [(row.region, row.outcome) for row in secret.replicas] == [(WEST, Outcome.FAILED), (IRELAND, Outcome.OK)]


def test_a_denied_repeat_names_the_permission(world: World) -> None:
    failed(world, WEST)

    def deny(operation: str, _region: str) -> None:
        if operation == "ReplicateSecretToRegions":
            raise Denied("no", code="AccessDeniedException")

    world.on_call = deny
    row = only(retry(world))
    assert row.outcome is Outcome.ACCESS
    assert row.error is not None
    assert "secretsmanager:ReplicateSecretToRegions" in (row.error.hint or "")


def test_a_repeat_that_never_arrives_is_pending_and_not_taken_for_sent(world: World) -> None:
    failed(world, WEST)
    world.lose["ReplicateSecretToRegions"] = ["before"] * 9
    row = only(retry(world, timeout_s=120.0))
    assert (row.outcome, row.changed) == (Outcome.PENDING, False)
    assert world.count("ReplicateSecretToRegions") == 2


def test_no_wait_ends_with_what_aws_accepted(world: World) -> None:
    failed(world, WEST)
    row = only(retry(world, wait=False))
    assert (row.outcome, row.changed, row.status) == (Outcome.ACCEPTED, True, "InProgress")


def test_what_comes_too_late_is_told_with_retry(world: World) -> None:
    names = tuple(f"s{number}" for number in range(6))
    world.faults(failures={WEST: NO_LUCK})
    for name in names:
        world.create(name)
        world.replicate_by_hand(WEST, name=name)
    world.faults()
    world.on_call = lambda operation, _region: (
        world.clock.sleep(10.0) if operation == "ReplicateSecretToRegions" else None
    )
    secrets = retry(world, names=names, timeout_s=3.0)
    last = secrets[-1].replicas[0].error
    assert last is not None
    assert (last.code, last.hint) == ("NotSent", "smrep retry s5 --primary-region us-east-1 -r us-west-2")


# which secret


@pytest.mark.parametrize(
    ("regions", "words"),
    [((), ""), ((IRELAND,), " -r eu-west-1"), ((f"{IRELAND}=alias/dr",), " -r eu-west-1=alias/dr")],
)
def test_a_replica_is_refused_with_the_command_to_run(world: World, regions: tuple[str, ...], words: str) -> None:
    failed(world, IRELAND, also=(WEST,))
    request = Request((Address(SecretId("prod/db"), Region(WEST)),), request_for(*regions).targets, retry=True)
    (secret,) = prepare(world, request).secrets()
    assert secret.error is not None
    assert (secret.error.code, secret.outcome) == ("is_replica", Outcome.FAILED)
    assert secret.error.hint == f"smrep retry prod/db --primary-region us-east-1{words}"
    assert world.sent() == []


def test_a_missing_secret_does_not_stop_the_others(world: World) -> None:
    failed(world, WEST)
    secrets = retry(world, names=("nowhere", "prod/db"))
    assert [each.outcome for each in secrets] == [Outcome.FAILED, Outcome.OK]


def test_a_dry_run_shows_what_would_be_tried_again(world: World) -> None:
    key = new_key(world)
    failed(world, WEST, also=(IRELAND,), key=None)
    row = only(prepare(world, request_for(f"{WEST}={key}", retry=True)).secrets(dry_run=True))
    assert (row.action, row.changed, row.outcome, row.kms_key_id) == (Action.RETRY, False, Outcome.OK, key)
    assert world.sent() == []
