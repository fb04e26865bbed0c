"""`rekey` on the simulator: a key is changed in place, and proved by reading back."""

from __future__ import annotations

from typing import Any

import pytest
from fakes import HOME, IRELAND, WEST, World, kinds, new_key, only, replicated
from service.rekeying_scene import DEFAULT, error_of, key_of, keys_of_versions, prepare, rekey, writes

from smrep.errors import Outcome
from smrep.regions import Region
from smrep.report import Action
from smrep.rules.closing import go_on


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


# a dry run


@pytest.mark.parametrize("recreate", [False, True])
def test_a_plan_is_all_that_a_dry_run_makes(world: World, recreate: bool) -> None:
    replicated(world)
    new_key(world, "alias/new")
    run = prepare(world, f"{WEST}=alias/new", recreate=recreate)
    row = only(run.secrets(dry_run=True))
    assert (row.outcome, row.action, row.changed, row.error) == (Outcome.OK, Action.REKEY, False, None)
    assert not run.was_sent
