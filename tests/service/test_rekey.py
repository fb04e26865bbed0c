"""`rekey` on the simulator: in place and proved by reading back, or anew where that was asked for."""

from __future__ import annotations

from typing import Any

import pytest
from fakes import HOME, IRELAND, WEST, World, at_home, kinds, only
from service.test_replication import request_for

from smrep.errors import CredentialsError, Outcome, UsageError
from smrep.model import SecretId
from smrep.regions import Region
from smrep.report import Action, RegionReport, SecretReport
from smrep.rules.asked import Address
from smrep.rules.closing import go_on, stopped, timed_out
from smrep.sandbox.simulator import ApiError
from smrep.service.rekeying import Rekeying

READS = {
    "DescribeSecret",
    "ListSecretVersionIds",
    "DescribeKey",
    "ListRegions",
    "DescribeRegions",
}
DEFAULT = "alias/aws/secretsmanager"
REPLICATE = "smrep replicate prod/db --primary-region us-east-1 -r us-west-2=alias/new"


def new_key(world: World, alias: str | None = None, region: str = WEST, **params: Any) -> str:
    metadata = world.call("CreateKey", region, service="kms", **params)["KeyMetadata"]
    if alias:
        world.call("CreateAlias", region, service="kms", AliasName=alias, TargetKeyId=metadata["KeyId"])
    return str(metadata["Arn"])


def replicated(world: World, *regions: str, key: str | None = None, **params: Any) -> str:
    arn = world.create(**params)
    wanted = [{"Region": each, **({"KmsKeyId": key} if key else {})} for each in regions or (WEST,)]
    world.call("ReplicateSecretToRegions", SecretId="prod/db", AddReplicaRegions=wanted)
    world.clock.time += 10
    return arn


def prepare(
    world: World, *regions: str, name: str = "prod/db", home: str = HOME, timeout_s: float = 300.0, **more: Any
) -> Rekeying:
    world.calls.clear()
    world.simulator.log.clear()
    address = Address(SecretId(name), Region(home))
    deadline = world.clock.time + timeout_s
    run = Rekeying(world, world, world, world.clock, deadline, address, request_for(*regions).targets, **more)
    run.plan()
    assert writes(world) == []  # looking changes nothing
    return run


def rekey(world: World, *regions: str, **more: Any) -> tuple[SecretReport, ...]:
    run = prepare(world, *(regions or (f"{WEST}=alias/new",)), **more)
    for _ in run.act():
        pass
    assert "GetSecretValue" not in {call.operation for call in world.simulator.log}
    return run.secrets()


def writes(world: World) -> list[tuple[str, str, dict[str, Any]]]:
    """Return what arrived and is no look, in its order."""
    return [(each.operation, each.region, each.params) for each in world.simulator.log if each.operation not in READS]


def error_of(row: RegionReport) -> tuple[str, str, str]:
    assert row.error is not None
    return row.error.code, row.error.message, row.error.hint or ""


def key_of(world: World, region: str = WEST) -> str | None:
    return world.call("DescribeSecret", region, SecretId="prod/db").get("KmsKeyId")


def keys_of_versions(world: World, region: str = WEST) -> set[str]:
    rows = world.call("ListSecretVersionIds", region, SecretId="prod/db")["Versions"]
    return {key for row in rows for key in row["KmsKeyIds"]}


def is_there(world: World, region: str = WEST) -> bool:
    try:
        world.call("DescribeSecret", region, SecretId="prod/db")
    except ApiError as error:
        return error.code != "ResourceNotFoundException"
    return True


# in place


def test_the_key_changes_in_place_with_one_call_into_the_replicas_region(world: World) -> None:
    arn = replicated(world)
    new_key(world, "alias/new")
    (secret,) = rekey(world)
    row = only((secret,))
    assert (row.outcome, row.action, row.changed, row.verified) == (Outcome.OK, Action.REKEY, True, True)
    assert (row.status, row.error, kinds(row), row.kms_key_id) == ("InSync", None, [], "alias/new")
    there = arn.replace(HOME, WEST)
    assert (row.arn, secret.arn, secret.outcome) == (there, arn, Outcome.OK)
    assert writes(world) == [("UpdateSecret", WEST, {"SecretId": there, "KmsKeyId": "alias/new"})]
    assert (key_of(world), keys_of_versions(world)) == ("alias/new", {"alias/new"})
    assert world.call("GetSecretValue", WEST, SecretId="prod/db")["SecretString"] == "s3cret"


@pytest.mark.parametrize("follows", [True, False])
def test_it_is_proved_at_the_replica_whatever_the_primarys_list_shows(world: World, follows: bool) -> None:
    replicated(world)
    new_key(world, "alias/new")
    world.faults(primary_shows_rekey=follows)
    row = only(rekey(world))
    assert (row.outcome, row.changed, row.verified, row.kms_key_id) == (Outcome.OK, True, True, "alias/new")
    (entry,) = world.call("DescribeSecret", SecretId="prod/db")["ReplicationStatus"]
    assert entry["KmsKeyId"] == ("alias/new" if follows else DEFAULT)
    again = only(rekey(world))
    assert (again.outcome, again.action, again.changed, again.verified) == (Outcome.OK, Action.KEEP, False, True)
    assert writes(world) == []


@pytest.mark.parametrize("shown", ["alias", "id", "arn", "alias_arn"])
@pytest.mark.parametrize("asked", ["alias", "id", "arn", "alias_arn"])
def test_a_replica_under_that_key_already_is_kept_however_both_spell_it(world: World, asked: str, shown: str) -> None:
    arn = new_key(world, "alias/new")
    spelled = {
        "alias": "alias/new",
        "id": arn.split("/")[1],
        "arn": arn,
        "alias_arn": "arn:aws:kms:us-west-2:123456789012:alias/new",
    }
    replicated(world, key=spelled[shown])
    row = only(rekey(world, f"{WEST}={spelled[asked]}"))
    assert (row.outcome, row.action, row.changed, row.verified) == (Outcome.OK, Action.KEEP, False, True)
    assert (kinds(row), row.error, writes(world)) == ([], None, [])


def test_running_again_changes_nothing(world: World) -> None:
    replicated(world)
    new_key(world, "alias/new")
    rekey(world)
    row = only(rekey(world))
    assert (row.outcome, row.action, row.changed, row.verified) == (Outcome.OK, Action.KEEP, False, True)
    assert writes(world) == []


def test_old_versions_in_use_come_under_the_new_key_too(world: World) -> None:
    replicated(world, key=new_key(world))
    world.call("PutSecretValue", SecretId="prod/db", SecretString="newer")
    world.clock.time += 10
    new_key(world, "alias/new")
    row = only(rekey(world))
    assert (row.outcome, row.verified, keys_of_versions(world)) == (Outcome.OK, True, {"alias/new"})


def test_back_to_the_default_key(world: World) -> None:
    replicated(world, key=new_key(world, "alias/old"))
    row = only(rekey(world, f"{WEST}=alias/aws/secretsmanager"))
    assert (row.outcome, row.changed, row.verified) == (Outcome.OK, True, True)
    assert [params["KmsKeyId"] for _, _, params in writes(world)] == [DEFAULT]
    assert keys_of_versions(world) == {"DefaultEncryptionKey"}


def test_the_default_key_by_the_managed_keys_arn_is_no_change(world: World) -> None:
    replicated(world)
    managed = world.call("DescribeKey", WEST, service="kms", KeyId=DEFAULT)["KeyMetadata"]["Arn"]
    row = only(rekey(world, f"{WEST}={managed}"))
    assert (row.action, row.changed, row.verified, writes(world)) == (Action.KEEP, False, True, [])


def test_a_replica_whose_answer_lags_is_waited_for(world: World) -> None:
    replicated(world)
    new_key(world, "alias/new")
    lagging(world, 6.0)
    row = only(rekey(world))
    assert (row.outcome, row.changed, row.verified) == (Outcome.OK, True, True)
    assert world.count("UpdateSecret") == 1


def lagging(world: World, seconds: float) -> None:
    """Let the replica go on showing its old key, and its versions', for so long."""
    from dataclasses import replace

    until = world.clock.time + seconds
    describe, versions = world.describe, world.versions
    before = describe("prod/db", Region(WEST)), versions("prod/db", Region(WEST))

    def old(region: str) -> bool:
        return region == WEST and world.clock.time < until

    def described(secret_id: str, region: Region) -> Any:
        found = describe(secret_id, region)
        return replace(found, kms_key_id=before[0].kms_key_id) if old(region) else found

    def listed(secret_id: str, region: Region) -> Any:
        return before[1] if old(region) else versions(secret_id, region)

    world.describe = described  # type: ignore[method-assign]  # the simulator has no lag of a replica's own
    world.versions = listed  # type: ignore[method-assign]


def test_a_lag_that_outlasts_the_deadline_is_pending_and_no_failure(world: World) -> None:
    replicated(world)
    new_key(world, "alias/new")
    lagging(world, 6.0)
    (secret,) = rekey(world, timeout_s=2.0)
    row = only((secret,))
    assert row.changed is True
    assert (row.outcome, row.error) == (Outcome.PENDING, None)  # the answer may be older than the change
    assert go_on((secret,)) == "smrep rekey prod/db --primary-region us-east-1 -r us-west-2=alias/new"


def test_several_regions_and_one_that_fails_does_not_stop_the_others(world: World) -> None:
    replicated(world, WEST, IRELAND)
    new_key(world, "alias/new")
    new_key(world, "alias/new", IRELAND)
    world.faults(denied=frozenset({("UpdateSecret", IRELAND)}))
    (secret,) = rekey(world, f"{WEST}=alias/new", f"{IRELAND}=alias/new")
    west, ireland = secret.replicas
    assert (west.outcome, west.changed, west.verified) == (Outcome.OK, True, True)
    assert (ireland.outcome, ireland.changed, ireland.verified) == (Outcome.ACCESS, False, False)
    assert secret.outcome is Outcome.ACCESS
    assert {region for _, region, _ in writes(world)} == {WEST, IRELAND}


def test_a_region_that_is_stopped_does_not_stop_the_others(world: World) -> None:
    replicated(world, WEST)
    new_key(world, "alias/new")
    (secret,) = rekey(world, f"{WEST}=alias/new", f"{IRELAND}={DEFAULT}")
    west, ireland = secret.replicas
    assert (west.outcome, ireland.outcome, secret.outcome) == (Outcome.OK, Outcome.FAILED, Outcome.FAILED)
    assert [region for _, region, _ in writes(world)] == [WEST]


def test_a_denial_names_every_permission_that_is_needed(world: World) -> None:
    arn = replicated(world)
    new_key(world, "alias/new")
    world.faults(denied=frozenset({("UpdateSecret", WEST)}))
    row = only(rekey(world))
    code, message, hint = error_of(row)
    assert (row.outcome, row.action, row.changed, code) == (
        Outcome.ACCESS,
        Action.REKEY,
        False,
        "AccessDeniedException",
    )
    assert message.startswith("prod/db in us-west-2 to alias/new: ")
    assert f"secretsmanager:UpdateSecret on {arn.replace(HOME, WEST)}" in hint
    for action in ("kms:GenerateDataKey", "kms:Encrypt", "kms:Decrypt"):
        assert action in hint
    assert key_of(world) == DEFAULT


# the new key is looked at first

BAD = {
    "nowhere": "key_missing",
    "unknown_id": "key_missing",
    "Disabled": "key_disabled",
    "PendingDeletion": "key_disabled",
    "rsa": "key_unusable",
}


def bad_key(world: World, how: str) -> str:
    if how == "nowhere":
        return "alias/nowhere"
    if how == "unknown_id":
        return "11111111-2222-3333-4444-555555555555"
    if how == "rsa":
        return new_key(world, KeySpec="RSA_2048")
    key = new_key(world)
    world.simulator.set_key_state(key, WEST, how)
    return key


@pytest.mark.parametrize("recreate", [False, True])
@pytest.mark.parametrize("how", BAD)
def test_a_new_key_that_can_not_be_used_stops_it_before_anything_is_sent(
    world: World, how: str, recreate: bool
) -> None:
    replicated(world)
    key = bad_key(world, how)
    row = only(rekey(world, f"{WEST}={key}", recreate=recreate))
    code, message, hint = error_of(row)
    assert (row.outcome, row.changed, code, kinds(row)) == (Outcome.FAILED, False, BAD[how], [BAD[how]])
    assert key in message
    assert hint
    assert (writes(world), key_of(world)) == ([], DEFAULT)


def test_the_hint_for_a_missing_key_is_this_command_with_another_key(world: World) -> None:
    replicated(world)
    _, _, hint = error_of(only(rekey(world, f"{WEST}=alias/nowhere")))
    assert "aws kms list-aliases --region us-west-2" in hint
    assert "smrep rekey prod/db --primary-region us-east-1 -r us-west-2=alias/NAME" in hint


def test_without_preflight_a_bad_key_is_refused_by_aws_and_told(world: World) -> None:
    replicated(world)
    row = only(rekey(world, f"{WEST}=alias/nowhere", preflight=False))
    assert (row.outcome, row.changed, error_of(row)[0]) == (Outcome.FAILED, False, "EncryptionFailure")
    assert len(writes(world)) == 1
    assert key_of(world) == DEFAULT


def test_without_preflight_a_good_key_is_not_looked_at(world: World) -> None:
    replicated(world)
    new_key(world, "alias/new")
    row = only(rekey(world, preflight=False))
    assert (row.outcome, row.changed, row.verified) == (Outcome.OK, True, True)
    assert world.count("DescribeKey") == 0


def test_a_key_that_may_not_be_looked_at_is_unchecked_and_tried(world: World) -> None:
    replicated(world)
    new_key(world, "alias/new")
    world.faults(denied=frozenset({("DescribeKey", WEST)}))
    row = only(rekey(world))
    assert (row.changed, kinds(row)) == (True, ["unchecked"])
    assert (row.outcome, row.verified) == (Outcome.OK, True)  # the replica spells its key as it was asked for
    assert row.findings[0].hint == "allow kms:DescribeKey in us-west-2"


def test_where_the_replica_spells_its_key_otherwise_and_kms_is_mute_nothing_is_proved(world: World) -> None:
    replicated(world)
    arn = new_key(world, "alias/new")
    plain = world.rekey

    def spelled_by_aws(secret_id: str, region: Region, _key: str) -> None:
        plain(secret_id, region, arn)

    world.rekey = spelled_by_aws  # type: ignore[method-assign]  # how AWS spells it is not established
    world.faults(denied=frozenset({("DescribeKey", WEST)}))
    row = only(rekey(world))
    assert (row.changed, row.verified, row.outcome, row.error) == (True, None, Outcome.ACCESS, None)
    assert set(kinds(row)) == {"unchecked"}
    assert world.clock.time < 60


# old versions


def left_behind(world: World) -> str:
    """Replicate under a key that is then disabled, so that the version there can't be brought under another one."""
    old = new_key(world)
    replicated(world, key=old)
    world.simulator.set_key_state(old, WEST, "Disabled")
    return old


def test_a_version_that_stays_under_the_old_key_is_a_failure_with_the_reason(world: World) -> None:
    old = left_behind(world)
    new_key(world, "alias/new")
    row = only(rekey(world))
    code, message, hint = error_of(row)
    assert (row.outcome, row.action, row.changed, row.verified) == (Outcome.FAILED, Action.REKEY, True, False)
    assert (code, kinds(row)) == ("wrong_key", ["wrong_key"])
    assert old in message
    assert "version " in message
    assert "kms:Decrypt" in hint
    assert "disabled" in hint
    assert "smrep rekey prod/db --primary-region us-east-1 -r us-west-2=alias/new" in hint
    assert key_of(world) == "alias/new"


def test_once_the_old_key_is_mended_the_same_command_brings_the_version_along(world: World) -> None:
    old = left_behind(world)
    new_key(world, "alias/new")
    rekey(world)
    world.simulator.set_key_state(old, WEST, "Enabled")
    row = only(rekey(world))
    assert (row.outcome, row.action, row.changed, row.verified) == (Outcome.OK, Action.REKEY, True, True)
    assert keys_of_versions(world) == {"alias/new"}


def test_a_lost_request_for_an_old_version_alone_is_not_taken_for_carried_out(world: World) -> None:
    """The replica shows the new key before and after, so its key alone tells nothing of the request."""
    old = left_behind(world)
    new_key(world, "alias/new")
    rekey(world)
    world.simulator.set_key_state(old, WEST, "Enabled")
    world.lose["UpdateSecret"] = ["before"]
    row = only(rekey(world))
    assert world.count("UpdateSecret") == 2
    assert (row.outcome, row.changed, row.verified) == (Outcome.OK, True, True)


def test_a_request_for_an_old_version_that_never_arrives_has_changed_nothing(world: World) -> None:
    old = left_behind(world)
    new_key(world, "alias/new")
    rekey(world)
    world.simulator.set_key_state(old, WEST, "Enabled")
    world.lose["UpdateSecret"] = ["before"] * 9
    row = only(rekey(world))
    assert (writes(world), row.changed) == ([], False)


def test_a_version_with_a_label_of_its_own_stays_behind_and_the_hint_says_what_helps(world: World) -> None:
    """AWS brings only AWSCURRENT, AWSPENDING and AWSPREVIOUS along (aws-behaviour.md 1.8): no permission cures that."""
    replicated(world, key=new_key(world, "alias/old"))
    world.call("PutSecretValue", SecretId="prod/db", SecretString="kept", VersionStages=["v1"])
    world.clock.time += 10
    new_key(world, "alias/new")
    row = only(rekey(world))
    assert (row.outcome, row.changed, row.verified, error_of(row)[0]) == (Outcome.FAILED, True, False, "wrong_key")
    hint = error_of(row)[2]
    assert "--recreate" in hint or "label" in hint  # to type the same again can't help


# what could not be looked at


def test_versions_that_may_not_be_listed_leave_it_unproved(world: World) -> None:
    arn = replicated(world)
    new_key(world, "alias/new")
    world.faults(denied=frozenset({("ListSecretVersionIds", WEST)}))
    row = only(rekey(world))
    assert (row.changed, row.verified, row.outcome, row.error) == (True, None, Outcome.ACCESS, None)
    assert kinds(row) == ["unchecked"]
    assert row.findings[0].hint == f"allow secretsmanager:ListSecretVersionIds on {arn.replace(HOME, WEST)}"
    assert key_of(world) == "alias/new"


def test_a_key_that_is_right_already_is_unproved_too_where_versions_may_not_be_listed(world: World) -> None:
    replicated(world, key=new_key(world, "alias/new"))
    world.faults(denied=frozenset({("ListSecretVersionIds", WEST)}))
    key = "arn:aws:kms:us-west-2:123456789012:alias/new"
    row = only(rekey(world, f"{WEST}={key}"))
    assert (row.action, row.changed, row.verified, row.outcome) == (Action.KEEP, False, None, Outcome.ACCESS)
    assert writes(world) == []


@pytest.mark.parametrize("recreate", [False, True])
def test_a_target_that_may_not_be_looked_into_is_left_alone(world: World, recreate: bool) -> None:
    replicated(world)
    new_key(world, "alias/new")
    world.faults(denied=frozenset({("DescribeSecret", WEST)}))
    row = only(rekey(world, recreate=recreate))
    code, _, hint = error_of(row)
    assert (row.outcome, row.changed, row.verified, code) == (Outcome.ACCESS, False, None, "unchecked")
    assert "secretsmanager:DescribeSecret" in hint
    assert writes(world) == []


@pytest.mark.parametrize("recreate", [False, True])
def test_a_target_that_does_not_answer_is_left_alone(world: World, recreate: bool) -> None:
    replicated(world, WEST, IRELAND)
    new_key(world, "alias/new")
    new_key(world, "alias/new", IRELAND)
    world.faults(outages=frozenset({WEST}), removal_delay_s=0.0)
    (secret,) = rekey(world, f"{WEST}=alias/new", f"{IRELAND}=alias/new", recreate=recreate)
    west, ireland = secret.replicas
    assert (west.outcome, west.changed, error_of(west)[0]) == (Outcome.FAILED, False, "unchecked")
    assert (ireland.outcome, ireland.changed, ireland.verified) == (Outcome.OK, True, True)
    assert {str(params.get("RemoveReplicaRegions", region)) for _, region, params in writes(world)} & {WEST} == set()


# lost answers, throttling, credentials


def test_a_lost_answer_is_looked_for_and_not_sent_again(world: World) -> None:
    replicated(world)
    new_key(world, "alias/new")
    world.lose["UpdateSecret"] = ["after"]
    row = only(rekey(world))
    assert (row.outcome, row.changed, row.verified, row.error) == (Outcome.OK, True, True, None)
    assert world.count("UpdateSecret") == 1


def test_a_lost_request_is_sent_again_after_the_replica_had_its_time(world: World) -> None:
    replicated(world)
    new_key(world, "alias/new")
    world.lose["UpdateSecret"] = ["before"]
    began = world.clock.time
    row = only(rekey(world))
    assert (row.outcome, row.changed, row.verified) == (Outcome.OK, True, True)
    assert world.count("UpdateSecret") == 2
    assert world.clock.time - began >= 15.0


def test_a_request_that_is_never_answered_is_sent_twice_at_most_and_pending(world: World) -> None:
    replicated(world)
    new_key(world, "alias/new")
    world.lose["UpdateSecret"] = ["before"] * 9
    (secret,) = rekey(world, timeout_s=120.0)
    row = only((secret,))
    assert (row.outcome, row.changed, row.error) == (Outcome.PENDING, False, None)
    assert world.count("UpdateSecret") == 2
    assert go_on((secret,)) == "smrep rekey prod/db --primary-region us-east-1 -r us-west-2=alias/new"


def test_an_answer_lost_twice_is_found_at_the_second_look(world: World) -> None:
    replicated(world)
    new_key(world, "alias/new")
    world.lose["UpdateSecret"] = ["before", "after"]
    row = only(rekey(world))
    assert (row.outcome, row.changed, row.verified, world.count("UpdateSecret")) == (Outcome.OK, True, True, 2)


def test_what_can_not_be_looked_for_is_not_sent_again(world: World) -> None:
    replicated(world)
    new_key(world, "alias/new")
    world.lose["UpdateSecret"] = ["after"]
    run = prepare(world, f"{WEST}=alias/new", timeout_s=60.0)
    world.faults(denied=frozenset({("DescribeSecret", WEST)}))
    for _ in run.act():
        pass
    row = only(run.secrets())
    assert (world.count("UpdateSecret"), row.changed, row.outcome) == (1, False, Outcome.PENDING)


def test_throttling_for_ever_is_pending_with_this_command(world: World) -> None:
    replicated(world)
    new_key(world, "alias/new")
    world.faults(write_quota=0)
    (secret,) = rekey(world, timeout_s=20.0)
    row = only((secret,))
    assert (row.outcome, row.changed, error_of(row)[0]) == (Outcome.PENDING, False, "ThrottlingException")
    trouble = timed_out((secret,), 20.0, 20.0, "rekey")
    assert trouble is not None
    assert "prod/db us-west-2 (not known to be sent)" in trouble.message
    assert trouble.hint == "smrep rekey prod/db --primary-region us-east-1 -r us-west-2=alias/new --timeout 1m"
    assert key_of(world) == DEFAULT


def test_throttling_that_ends_is_outlasted(world: World) -> None:
    replicated(world)
    new_key(world, "alias/new")
    world.faults(write_quota=0)
    world.on_call = lambda operation, _: (
        world.faults() if operation == "UpdateSecret" and len(world.clock.sleeps) >= 3 else None
    )
    row = only(rekey(world))
    assert (row.outcome, row.changed, row.verified) == (Outcome.OK, True, True)


def test_credentials_that_expire_end_the_run_and_what_was_done_is_told(world: World) -> None:
    replicated(world)
    new_key(world, "alias/new")
    run = prepare(world, f"{WEST}=alias/new")

    def expire(operation: str, _region: str) -> None:
        if operation == "DescribeSecret":
            raise CredentialsError("no", code="ExpiredTokenException")

    world.on_call = expire
    with pytest.raises(CredentialsError):
        list(run.act())
    row = only(run.secrets())
    assert (row.changed, row.outcome, row.action) == (True, Outcome.PENDING, Action.REKEY)


def test_a_primary_that_may_not_be_looked_at_afterwards_is_told(world: World) -> None:
    replicated(world)
    new_key(world, "alias/new")
    run = prepare(world, f"{WEST}=alias/new")
    world.faults(denied=frozenset({("DescribeSecret", HOME)}))
    for _ in run.act():
        pass
    (secret,) = run.secrets()
    assert (secret.outcome, only((secret,)).changed) == (Outcome.ACCESS, True)
    assert secret.error is not None


# what is no replica in order


def stop(world: World, *, recreate: bool = False) -> tuple[str, str, str]:
    new_key(world, "alias/new")
    row = only(rekey(world, recreate=recreate))
    assert (row.outcome, row.changed, writes(world)) == (Outcome.FAILED, False, [])
    return error_of(row)


@pytest.mark.parametrize("recreate", [False, True])
def test_a_region_without_a_replica_is_missing(world: World, recreate: bool) -> None:
    replicated(world, IRELAND)
    code, _, hint = stop(world, recreate=recreate)
    assert (code, hint) == ("missing", REPLICATE)


def test_the_hint_for_what_is_listed_and_not_there_is_no_command_that_refuses_it_too(world: World) -> None:
    from service.test_replication import replicate

    world.create()
    world.simulator.set_replication_status("prod/db", HOME, WEST, "InSync", "Replication succeeded")
    code, _, hint = stop(world)
    refused = only(replicate(world, f"{WEST}=alias/new"))
    assert (code, refused.outcome, refused.changed) == ("missing", Outcome.FAILED, False)
    assert hint != REPLICATE


@pytest.mark.parametrize("recreate", [False, True])
def test_a_promoted_replica_is_left_alone(world: World, recreate: bool) -> None:
    replicated(world)
    world.call("StopReplicationToReplica", WEST, SecretId="prod/db")
    assert stop(world, recreate=recreate)[0] == "promoted"


@pytest.mark.parametrize("recreate", [False, True])
@pytest.mark.parametrize("listed", [False, True])
def test_a_namesake_is_left_alone(world: World, recreate: bool, listed: bool) -> None:
    world.create()
    world.create(region=WEST)
    if listed:
        world.replicate_by_hand(WEST)
    code, message, _ = stop(world, recreate=recreate)
    assert code in ("name_clash", "missing" if not listed else "failed")
    assert WEST in message


@pytest.mark.parametrize("recreate", [False, True])
def test_a_replica_of_another_primary_is_left_alone(world: World, recreate: bool) -> None:
    world.create(region=IRELAND)
    world.call("ReplicateSecretToRegions", IRELAND, SecretId="prod/db", AddReplicaRegions=[{"Region": WEST}])
    world.clock.time += 10
    world.create()
    world.simulator.set_replication_status("prod/db", HOME, WEST, "InSync", "Replication succeeded")
    assert stop(world, recreate=recreate)[0] == "orphan"


def test_a_failed_region_is_stopped_with_what_mends_it(world: World) -> None:
    world.create()
    world.faults(failures={WEST: "Replication failed: no luck"})
    world.replicate_by_hand(WEST)
    code, message, hint = stop(world)
    assert (code, "no luck" in message) == ("failed", True)
    assert "smrep retry prod/db --primary-region us-east-1 -r us-west-2" in hint


@pytest.mark.parametrize("recreate", [False, True])
def test_a_region_in_progress_is_pending(world: World, recreate: bool) -> None:
    world.faults(replication_delay_s=1000.0)
    replicated(world)
    new_key(world, "alias/new")
    row = only(rekey(world, recreate=recreate))
    code, _, hint = error_of(row)
    assert (row.outcome, row.changed, code) == (Outcome.PENDING, False, "in_progress")
    assert hint == "smrep wait prod/db --primary-region us-east-1 -r us-west-2"
    assert writes(world) == []


@pytest.mark.parametrize("recreate", [False, True])
def test_a_replica_that_is_being_removed_is_pending_with_the_command_for_later(world: World, recreate: bool) -> None:
    replicated(world)
    world.call("RemoveRegionsFromReplication", SecretId="prod/db", RemoveReplicaRegions=[WEST])
    new_key(world, "alias/new")
    row = only(rekey(world, recreate=recreate))
    assert (row.outcome, row.changed, error_of(row)[0]) == (Outcome.PENDING, False, "removing")
    assert error_of(row)[2] == REPLICATE
    assert writes(world) == []


@pytest.mark.parametrize("word", ["Pending", "Detached", "Paused"])
def test_an_unknown_status_is_not_in_order(world: World, word: str) -> None:
    replicated(world)
    new_key(world, "alias/new")
    world.simulator.set_replication_status("prod/db", HOME, WEST, word)
    row = only(rekey(world))
    assert (row.outcome, row.changed, row.status, writes(world)) == (Outcome.PENDING, False, word, [])


def test_a_replica_given_for_its_primary_is_refused_with_the_exact_command(world: World) -> None:
    replicated(world, WEST, IRELAND)
    (secret,) = rekey(world, f"{IRELAND}=alias/new", home=WEST)
    assert (secret.outcome, secret.replicas) == (Outcome.FAILED, ())
    assert secret.error is not None
    assert secret.error.code == "is_replica"
    assert secret.error.hint == "smrep rekey prod/db --primary-region us-east-1 -r eu-west-1=alias/new"


def test_the_exact_command_keeps_recreate(world: World) -> None:
    replicated(world, WEST, IRELAND)
    (secret,) = rekey(world, f"{IRELAND}=alias/new", home=WEST, recreate=True)
    assert secret.error is not None
    assert secret.error.hint == "smrep rekey prod/db --primary-region us-east-1 -r eu-west-1=alias/new --recreate"


def test_a_primary_marked_for_deletion_is_refused(world: World) -> None:
    world.create()
    world.call("DeleteSecret", SecretId="prod/db", RecoveryWindowInDays=7)
    (secret,) = rekey(world)
    assert secret.error is not None
    assert (secret.error.code, secret.outcome, writes(world)) == ("pending_deletion", Outcome.FAILED, [])


def test_a_missing_secret_is_one_trouble(world: World) -> None:
    (secret,) = rekey(world)
    assert secret.error is not None
    assert (secret.error.code, secret.outcome) == ("ResourceNotFoundException", Outcome.FAILED)


def test_a_secret_of_another_account_than_expected_is_a_usage_error(world: World) -> None:
    replicated(world)
    with pytest.raises(UsageError):
        prepare(world, f"{WEST}=alias/new", expect_account="999999999999")
    assert writes(world) == []


# a dry run


@pytest.mark.parametrize("recreate", [False, True])
def test_a_plan_is_all_that_a_dry_run_makes(world: World, recreate: bool) -> None:
    replicated(world)
    new_key(world, "alias/new")
    run = prepare(world, f"{WEST}=alias/new", recreate=recreate)
    row = only(run.secrets(dry_run=True))
    assert (row.outcome, row.action, row.changed, row.error) == (Outcome.OK, Action.REKEY, False, None)
    assert not run.was_sent


# anew


def test_recreate_removes_waits_until_it_is_gone_and_replicates_under_the_new_key(world: World) -> None:
    arn = replicated(world)
    new_key(world, "alias/new")
    world.faults(removal_delay_s=30.0)
    began = world.clock.time
    seen: list[tuple[str, bool]] = []
    world.on_call = lambda operation, _: (
        seen.append((operation, is_there(world)))
        if operation in ("RemoveRegionsFromReplication", "ReplicateSecretToRegions")
        else None
    )
    row = only(rekey(world, recreate=True))
    assert seen == [("RemoveRegionsFromReplication", True), ("ReplicateSecretToRegions", False)]
    assert (row.outcome, row.action, row.changed, row.verified) == (Outcome.OK, Action.REKEY, True, True)
    assert (row.status, row.kms_key_id, row.error) == ("InSync", "alias/new", None)
    assert row.arn == arn.replace(HOME, WEST)
    assert world.clock.time - began >= 30.0
    remove, replicate = writes(world)
    assert remove == ("RemoveRegionsFromReplication", HOME, {"SecretId": arn, "RemoveReplicaRegions": [WEST]})
    assert replicate[2]["AddReplicaRegions"] == [{"Region": WEST, "KmsKeyId": "alias/new"}]
    assert replicate[2]["ForceOverwriteReplicaSecret"] is False
    assert keys_of_versions(world) == {"alias/new"}
    assert world.call("GetSecretValue", WEST, SecretId="prod/db")["SecretString"] == "s3cret"


def test_recreate_cures_a_version_that_can_not_be_brought_along(world: World) -> None:
    left_behind(world)
    new_key(world, "alias/new")
    world.faults(removal_delay_s=0.0)
    row = only(rekey(world, recreate=True))
    assert (row.outcome, row.verified, keys_of_versions(world)) == (Outcome.OK, True, {"alias/new"})


def test_recreate_makes_a_failed_replica_anew(world: World) -> None:
    world.create()
    world.faults(failures={WEST: "Replication failed: no luck"})
    world.replicate_by_hand(WEST)
    world.faults(removal_delay_s=30.0)
    new_key(world, "alias/new")
    row = only(rekey(world, recreate=True))
    assert (row.outcome, row.action, row.changed, row.verified) == (Outcome.OK, Action.REKEY, True, True)
    assert (row.status, row.kms_key_id, row.error) == ("InSync", "alias/new", None)


def test_recreate_leaves_a_replica_alone_whose_key_is_right(world: World) -> None:
    replicated(world, key=new_key(world, "alias/new"))
    run = prepare(world, f"{WEST}=alias/new", recreate=True)
    assert run.stakes == ()
    for _ in run.act():
        pass
    row = only(run.secrets())
    assert (row.action, row.changed, row.verified, row.outcome) == (Action.KEEP, False, True, Outcome.OK)
    assert writes(world) == []


def test_recreate_of_several_regions_touches_only_those_under_another_key(world: World) -> None:
    replicated(world, WEST, IRELAND)
    new_key(world, "alias/new")
    world.faults(removal_delay_s=30.0)
    run = prepare(world, f"{WEST}=alias/new", f"{IRELAND}={DEFAULT}", recreate=True)
    ((name, danger),) = run.stakes
    assert (name, "will be missing in us-west-2" in danger) == ("prod/db", True)
    for _ in run.act():
        pass
    west, ireland = only_two(run.secrets())
    assert (west.action, west.outcome, west.verified) == (Action.REKEY, Outcome.OK, True)
    assert (ireland.action, ireland.outcome, ireland.changed) == (Action.KEEP, Outcome.OK, False)
    assert writes(world)[0][2]["RemoveReplicaRegions"] == [WEST]


def only_two(secrets: tuple[SecretReport, ...]) -> tuple[RegionReport, RegionReport]:
    (secret,) = secrets
    one, other = secret.replicas
    return one, other


@pytest.mark.parametrize("preflight", [True, False])
def test_recreate_refuses_a_key_that_may_not_be_looked_at(world: World, preflight: bool) -> None:
    replicated(world)
    new_key(world, "alias/new")
    world.faults(denied=frozenset({("DescribeKey", WEST)}))
    row = only(rekey(world, recreate=True, preflight=preflight))
    assert (row.outcome, row.changed, error_of(row)[0]) == (Outcome.ACCESS, False, "unchecked")
    assert error_of(row)[2] == "allow kms:DescribeKey in us-west-2"
    assert (writes(world), is_there(world)) == ([], True)


def test_recreate_takes_nothing_away_where_the_primarys_own_key_forbids_to_make_it_anew(world: World) -> None:
    """The primary's key is checked before a replication anyway: after the removal is too late."""
    own = new_key(world, region=HOME)
    replicated(world, KmsKeyId=own)
    new_key(world, "alias/new")
    world.simulator.set_key_state(own, HOME, "Disabled")
    row = only(rekey(world, recreate=True))
    assert (row.outcome, row.changed, error_of(row)[0]) == (Outcome.FAILED, False, "key_disabled")
    assert (writes(world), is_there(world)) == ([], True)


def test_recreate_takes_nothing_away_where_an_old_version_of_the_primarys_is_under_a_bad_key(world: World) -> None:
    bad = new_key(world, region=HOME)
    replicated(world, KmsKeyId=bad)
    world.call("PutSecretValue", SecretId="prod/db", SecretString="kept", VersionStages=["v1"])
    world.call("UpdateSecret", SecretId="prod/db", KmsKeyId=DEFAULT)
    world.clock.time += 10
    new_key(world, "alias/new")
    world.simulator.set_key_state(bad, HOME, "PendingDeletion")
    row = only(rekey(world, recreate=True))
    assert (row.outcome, row.changed, error_of(row)[0]) == (Outcome.FAILED, False, "key_disabled")
    assert (writes(world), is_there(world)) == ([], True)


def test_a_deadline_before_the_replica_is_gone_is_pending_and_names_replicate(world: World) -> None:
    replicated(world)
    new_key(world, "alias/new")
    world.faults(removal_delay_s=30.0)
    (secret,) = rekey(world, recreate=True, timeout_s=10.0)
    row = only((secret,))
    assert (row.outcome, row.action, row.changed, row.arn) == (Outcome.PENDING, Action.REKEY, True, None)
    assert [operation for operation, _, _ in writes(world)] == ["RemoveRegionsFromReplication"]
    assert go_on((secret,)) == REPLICATE
    trouble = timed_out((secret,), 10.0, 10.0, "rekey")
    assert trouble is not None
    assert (trouble.outcome, trouble.hint) == (Outcome.PENDING, f"{REPLICATE} --timeout 1m")


def test_the_command_of_that_hint_makes_the_replica_anew(world: World) -> None:
    from service.test_replication import replicate

    replicated(world)
    new_key(world, "alias/new")
    world.faults(removal_delay_s=30.0)
    rekey(world, recreate=True, timeout_s=10.0)
    row = only(replicate(world, f"{WEST}=alias/new", verify=True))
    assert (row.outcome, row.status, row.kms_key_id, row.verified) == (Outcome.OK, "InSync", "alias/new", True)


def test_a_deadline_after_it_is_gone_still_lets_the_replication_be_sent(world: World) -> None:
    """The Region has no secret now: a deadline is no reason to leave it so."""
    replicated(world)
    new_key(world, "alias/new")
    world.faults(removal_delay_s=30.0, replication_delay_s=60.0)
    (secret,) = rekey(world, recreate=True, timeout_s=30.5)
    row = only((secret,))
    assert [operation for operation, _, _ in writes(world)] == [
        "RemoveRegionsFromReplication",
        "ReplicateSecretToRegions",
    ]
    assert (row.outcome, row.status, row.changed) == (Outcome.PENDING, "InProgress", True)
    assert go_on((secret,)) == REPLICATE


@pytest.mark.parametrize("ticks", [1, 2, 3, 5])
def test_an_interrupt_while_it_is_being_removed_names_replicate(world: World, ticks: int) -> None:
    replicated(world)
    new_key(world, "alias/new")
    world.faults(removal_delay_s=30.0)
    run = prepare(world, f"{WEST}=alias/new", recreate=True)
    acting = run.act()
    for _ in range(ticks):
        next(acting)
    acting.close()
    trouble = stopped(run.secrets(), sent=run.was_sent, doing="changing the key")
    assert (trouble.outcome, trouble.hint) == (Outcome.INTERRUPTED, REPLICATE)
    assert [operation for operation, _, _ in writes(world)] == ["RemoveRegionsFromReplication"]


def test_an_interrupt_at_any_moment_names_what_brings_the_replica_back(world: World) -> None:
    """Wherever it is dropped: as long as the Region lacks a settled replica, the hint is to replicate."""
    moments = 0
    while True:
        moments += 1
        own = World()
        replicated(own)
        new_key(own, "alias/new")
        own.faults(removal_delay_s=6.0)
        run = prepare(own, f"{WEST}=alias/new", recreate=True)
        acting = run.act()
        if len([None for _, _ in zip(range(moments), acting, strict=False)]) < moments:
            break
        acting.close()
        trouble = stopped(run.secrets(), sent=run.was_sent, doing="changing the key")
        row = only(run.secrets())
        if row.outcome is not Outcome.OK:
            assert trouble.hint == REPLICATE
    assert moments > 5


def test_an_interrupt_before_the_removal_says_that_nothing_was_sent(world: World) -> None:
    replicated(world)
    new_key(world, "alias/new")
    run = prepare(world, f"{WEST}=alias/new", recreate=True)
    trouble = stopped(run.secrets(dry_run=True), sent=run.was_sent, doing="changing the key")
    assert (trouble.message, trouble.hint) == ("stopped; nothing was sent", None)


def test_an_interrupt_in_place_after_the_request_names_rekey(world: World) -> None:
    replicated(world)
    new_key(world, "alias/new")
    run = prepare(world, f"{WEST}=alias/new")
    acting = run.act()
    next(acting)
    acting.close()
    trouble = stopped(run.secrets(), sent=run.was_sent, doing="changing the key")
    assert trouble.hint == "smrep rekey prod/db --primary-region us-east-1 -r us-west-2=alias/new"
    assert only(run.secrets()).changed is True


def test_a_removal_that_is_denied_leaves_everything_as_it_was(world: World) -> None:
    replicated(world)
    new_key(world, "alias/new")
    world.faults(denied=frozenset({("RemoveRegionsFromReplication", HOME)}))
    (secret,) = rekey(world, recreate=True)
    row = only((secret,))
    assert (row.outcome, row.action, row.changed) == (Outcome.ACCESS, Action.REKEY, False)
    assert error_of(row)[2].startswith("allow secretsmanager:RemoveRegionsFromReplication")
    assert (is_there(world), key_of(world), world.count("ReplicateSecretToRegions")) == (True, DEFAULT, 0)


def test_a_removal_that_never_arrives_has_changed_nothing(world: World) -> None:
    replicated(world)
    new_key(world, "alias/new")
    world.lose["RemoveRegionsFromReplication"] = ["before"] * 9
    (secret,) = rekey(world, recreate=True, timeout_s=120.0)
    row = only((secret,))
    assert (is_there(world), key_of(world)) == (True, DEFAULT)
    assert row.changed is False
    assert row.outcome is not Outcome.OK


def test_the_notes_of_a_removal_that_was_never_answered_are_told(world: World) -> None:
    replicated(world)
    new_key(world, "alias/new")
    world.lose["RemoveRegionsFromReplication"] = ["before"] * 9
    (secret,) = rekey(world, recreate=True, timeout_s=120.0)
    assert any("no answer came to the removal" in note for note in secret.notes)


def test_an_answer_to_the_removal_that_is_lost_is_looked_for(world: World) -> None:
    replicated(world)
    new_key(world, "alias/new")
    world.faults(removal_delay_s=5.0)
    world.lose["RemoveRegionsFromReplication"] = ["after"]
    row = only(rekey(world, recreate=True))
    assert (row.outcome, row.changed, row.verified) == (Outcome.OK, True, True)
    assert world.count("RemoveRegionsFromReplication") == 1


@pytest.mark.parametrize("cause", ["denied", "refused"])
def test_a_replication_that_aws_refuses_after_the_removal_names_what_brings_the_replica_back(
    world: World, cause: str
) -> None:
    replicated(world)
    key = new_key(world, "alias/new")
    run = prepare(world, f"{WEST}=alias/new", recreate=True)
    if cause == "denied":
        world.faults(denied=frozenset({("ReplicateSecretToRegions", HOME)}), removal_delay_s=0.0)
    else:
        world.faults(removal_delay_s=0.0)
        world.simulator.set_key_state(key, WEST, "Disabled")
    for _ in run.act():
        pass
    row = only(run.secrets())
    assert row.outcome is (Outcome.ACCESS if cause == "denied" else Outcome.FAILED)
    assert (row.changed, row.arn, row.verified, is_there(world)) == (True, None, None, False)
    assert REPLICATE in error_of(row)[2]  # there is no secret in that Region now


def test_a_replication_that_fails_after_the_removal_is_told_with_awss_words(world: World) -> None:
    replicated(world)
    new_key(world, "alias/new")
    world.faults(removal_delay_s=0.0, failures={WEST: "Replication failed: no luck"})
    row = only(rekey(world, recreate=True))
    assert (row.outcome, row.status, row.changed, row.arn) == (Outcome.FAILED, "Failed", True, None)
    assert "no luck" in error_of(row)[1]


def test_credentials_that_expire_between_removal_and_replication_leave_the_command(world: World) -> None:
    replicated(world)
    new_key(world, "alias/new")
    world.faults(removal_delay_s=5.0)
    run = prepare(world, f"{WEST}=alias/new", recreate=True)

    def expire(operation: str, _region: str) -> None:
        if operation == "DescribeSecret" and not is_there(world):
            raise CredentialsError("no", code="ExpiredTokenException")

    world.on_call = expire
    with pytest.raises(CredentialsError):
        list(run.act())
    (secret,) = run.secrets()
    assert only((secret,)).outcome is Outcome.PENDING
    assert go_on((secret,)) == REPLICATE


def test_a_primary_that_does_not_answer_after_the_removal_leaves_the_command(world: World) -> None:
    replicated(world)
    new_key(world, "alias/new")
    world.faults(removal_delay_s=5.0)
    run = prepare(world, f"{WEST}=alias/new", recreate=True)

    def fail(operation: str, region: str) -> None:
        if operation == "DescribeSecret" and region == HOME and not is_there(world):
            world.lose["DescribeSecret"] = []
            world.faults(denied=frozenset({("DescribeSecret", HOME)}))

    world.on_call = fail
    for _ in run.act():
        pass
    (secret,) = run.secrets()
    assert secret.outcome is Outcome.ACCESS
    assert secret.error is not None
    assert go_on((secret,)) == REPLICATE


def test_the_command_of_a_run_is_what_was_typed(world: World) -> None:
    replicated(world)
    new_key(world, "alias/new")
    run = prepare(world, f"{WEST}=alias/new", recreate=True, flags=("--timeout", "2m"))
    words = "-r us-west-2=alias/new --timeout 2m --recreate --yes"
    assert run.command("--yes") == f"smrep rekey prod/db --primary-region us-east-1 {words}"
    assert run.address in at_home()
