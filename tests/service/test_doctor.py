"""`doctor` on the simulator: every kind of thing that it can find, and that it only ever looks."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fakes import HOME, IRELAND, WEST, World, kinds, only
from service.test_health import key_in

from smrep.errors import CredentialsError, Denied, NotFound, Outcome, UsageError
from smrep.model import SecretId, Target
from smrep.regions import Region
from smrep.report import Finding, RegionReport, SecretReport
from smrep.rules.asked import Address
from smrep.rules.settle import worst
from smrep.service.doctor import Doctor

READS = {
    "DescribeSecret",
    "ListSecretVersionIds",
    "GetResourcePolicy",
    "DescribeKey",
    "GetCallerIdentity",
    "ListRegions",
    "SimulatePrincipalPolicy",
}
ROLE = "arn:aws:iam::123456789012:role/app"
DEFAULT = "alias/aws/secretsmanager"


def doctor(
    world: World,
    *regions: str,
    names: tuple[str, ...] = ("prod/db",),
    home: str = HOME,
    reader: str | None = None,
    **more: Any,
) -> tuple[SecretReport, ...]:
    """Examine; whatever it finds, it only ever looks, and never at a value."""
    world.calls.clear()
    world.simulator.log.clear()
    targets = tuple(Target(Region(region), key or None) for region, _, key in (each.partition("=") for each in regions))
    run = Doctor(world, world, world, Region(home), targets, reader, **more)
    found = run.examine([Address(SecretId(name), Region(home)) for name in names])
    assert {call.operation for call in world.simulator.log} <= READS
    return found


def the(row: RegionReport, kind: str) -> Finding:
    (finding,) = [each for each in row.findings if each.kind == kind]
    return finding


def end(secrets: tuple[SecretReport, ...]) -> int:
    return worst(each.outcome for each in secrets).exit_code


def replicated(world: World, *regions: str, key: str | None = None, name: str = "prod/db", **params: Any) -> str:
    arn = world.create(name, **params)
    wanted = [{"Region": each, **({"KmsKeyId": key} if key else {})} for each in regions or (WEST,)]
    world.call("ReplicateSecretToRegions", SecretId=name, AddReplicaRegions=wanted)
    world.clock.time += 10
    return arn


# all clear


def test_a_region_with_nothing_in_the_way_is_clear(world: World) -> None:
    world.create()
    found = doctor(world, WEST)
    row = only(found)
    assert (end(found), kinds(row), row.status, row.arn, row.error) == (0, [], None, None, None)
    assert row.note == "nothing bears the name"
    assert (row.action, row.changed, row.verified) == (None, False, None)


def test_a_replica_in_order_is_clear_and_shown(world: World) -> None:
    arn = replicated(world, key=key_in(world, alias="alias/dr"))
    found = doctor(world)
    row = only(found)
    assert (end(found), kinds(row), row.status, row.arn) == (0, [], "InSync", arn.replace(HOME, WEST))
    assert (row.note or "").startswith("our replica, last changed 20")


def test_without_regions_every_listed_one_is_looked_into(world: World) -> None:
    replicated(world, WEST, IRELAND)
    (secret,) = doctor(world)
    assert [row.region for row in secret.replicas] == [WEST, IRELAND]


def test_only_the_regions_that_were_named_are_looked_into(world: World) -> None:
    replicated(world, WEST, IRELAND)
    assert only(doctor(world, IRELAND)).region == IRELAND
    assert (WEST) not in {region for _, region, _ in world.calls}


# each kind


def test_a_namesake(world: World) -> None:
    world.create()
    victim = world.create(region=WEST)
    found = doctor(world, WEST)
    finding = the(only(found), "name_clash")
    assert (end(found), kinds(only(found))) == (1, ["name_clash"])
    assert victim in finding.message
    assert "--force-overwrite" in (finding.hint or "")


def test_a_replica_of_another_primary(world: World) -> None:
    replica_of_another(world)
    found = doctor(world, WEST)
    assert (end(found), kinds(only(found))) == (1, ["orphan"])
    assert "stop-replication-to-replica" in (the(only(found), "orphan").hint or "")


def replica_of_another(world: World) -> None:
    world.create(region=IRELAND)
    world.call("ReplicateSecretToRegions", IRELAND, SecretId="prod/db", AddReplicaRegions=[{"Region": WEST}])
    world.clock.time += 10
    world.create()


def test_a_replica_of_a_dead_primary(world: World) -> None:
    replicated(world)
    world.call("RemoveRegionsFromReplication", SecretId="prod/db", RemoveReplicaRegions=[WEST])
    world.call("DeleteSecret", SecretId="prod/db", ForceDeleteWithoutRecovery=True)
    world.clock.time += 100
    world.create()
    found = doctor(world, WEST)
    assert (end(found), kinds(only(found))) == (1, ["orphan"])


@pytest.mark.parametrize("entry", ["kept", "dropped"])
@pytest.mark.parametrize("regions", [(), (WEST,)])
def test_a_promoted_replica(world: World, entry: str, regions: tuple[str, ...]) -> None:
    replicated(world)
    world.faults(promoted_entry=entry)
    world.call("StopReplicationToReplica", WEST, SecretId="prod/db")
    found = doctor(world, *(regions or ((WEST,) if entry == "dropped" else ())))
    assert (end(found), kinds(only(found))) == (1, ["promoted"])


def test_a_replica_that_is_being_removed(world: World) -> None:
    replicated(world)
    world.call("RemoveRegionsFromReplication", SecretId="prod/db", RemoveReplicaRegions=[WEST])
    found = doctor(world, WEST)
    assert (end(found), kinds(only(found))) == (3, ["removing"])
    assert the(only(found), "removing").hint


def test_a_secret_that_is_scheduled_for_deletion_keeps_its_name(world: World) -> None:
    world.create()
    world.create(region=WEST)
    world.call("DeleteSecret", WEST, SecretId="prod/db", RecoveryWindowInDays=7)
    found = doctor(world, WEST)
    assert (end(found), kinds(only(found))) == (1, ["pending_deletion"])
    assert "restore-secret" in (the(only(found), "pending_deletion").hint or "")


def test_a_failed_region(world: World) -> None:
    world.create()
    world.faults(failures={WEST: "Replication failed: no luck"})
    world.replicate_by_hand(WEST)
    found = doctor(world)
    finding = the(only(found), "failed")
    assert (end(found), only(found).status, kinds(only(found))) == (1, "Failed", ["failed"])
    assert "no luck" in finding.message
    assert "smrep retry prod/db" in (finding.hint or "")


def test_a_failed_region_with_the_namesake_that_is_why(world: World) -> None:
    world.create()
    world.create(region=WEST)
    world.replicate_by_hand(WEST)
    assert kinds(only(doctor(world))) == ["failed", "name_clash"]


@pytest.mark.parametrize("word", ["InProgress", "Pending", "Detached", "Odd"])
def test_a_region_that_is_not_settled(world: World, word: str) -> None:
    replicated(world)
    world.simulator.set_replication_status("prod/db", HOME, WEST, word)
    found = doctor(world)
    assert (end(found), only(found).status, kinds(only(found))) == (3, word, ["in_progress"])


def test_a_region_listed_in_sync_where_nothing_is(world: World) -> None:
    world.create()
    world.simulator.set_replication_status("prod/db", HOME, WEST, "InSync", "Replication succeeded")
    found = doctor(world)
    assert (end(found), kinds(only(found))) == (1, ["missing"])


@pytest.mark.parametrize(
    ("how", "kind"),
    [
        ("nowhere", "key_missing"),
        ("Disabled", "key_disabled"),
        ("PendingDeletion", "key_disabled"),
        ("rsa", "key_unusable"),
    ],
)
def test_a_key_that_can_not_be_used(world: World, how: str, kind: str) -> None:
    world.create()
    key = "alias/nowhere" if how == "nowhere" else key_in(world, **({"KeySpec": "RSA_2048"} if how == "rsa" else {}))
    if kind == "key_disabled":
        world.simulator.set_key_state(key, WEST, how)
    found = doctor(world, f"{WEST}={key}")
    finding = the(only(found), kind)
    assert (end(found), kinds(only(found))) == (1, [kind])
    assert key in finding.message
    assert finding.hint


@pytest.mark.parametrize("regions", [(), (WEST,)])
def test_the_key_of_a_replica_that_was_disabled_since(world: World, regions: tuple[str, ...]) -> None:
    """Nobody can read that replica any more, whether its Region was named or not."""
    key = key_in(world, alias="alias/dr")
    replicated(world, key="alias/dr")
    world.simulator.set_key_state(key, WEST, "Disabled")
    found = doctor(world, *regions)
    assert (end(found), kinds(only(found))) == (1, ["key_disabled"])


def test_the_primarys_own_key_concerns_every_region(world: World) -> None:
    key = key_in(world, HOME)
    world.create(KmsKeyId=key)
    world.simulator.set_key_state(key, HOME, "Disabled")
    (secret,) = doctor(world, WEST, IRELAND)
    assert [kinds(row) for row in secret.replicas] == [["key_disabled"], ["key_disabled"]]
    assert end((secret,)) == 1


def test_an_old_version_of_the_primarys_under_a_bad_key(world: World) -> None:
    key = key_in(world, HOME)
    world.create(KmsKeyId=key)
    world.call("PutSecretValue", SecretId="prod/db", SecretString="kept", VersionStages=["v1"])
    world.call("UpdateSecret", SecretId="prod/db", KmsKeyId=DEFAULT)
    world.simulator.set_key_state(key, HOME, "Disabled")
    found = doctor(world, WEST)
    assert (end(found), kinds(only(found))) == (1, ["key_disabled"])
    assert "(v1)" in the(only(found), "key_disabled").message
    assert "aws kms enable-key" in (the(only(found), "key_disabled").hint or "")


def test_a_region_that_is_not_enabled_is_told_once_and_its_keys_are_not_asked(world: World) -> None:
    world.create()
    world.faults(disabled_regions=frozenset({WEST}))
    found = doctor(world, f"{WEST}=alias/dr", IRELAND)
    west, ireland = found[0].replicas
    assert (end(found), kinds(west), kinds(ireland)) == (1, ["region_disabled"], [])
    assert the(west, "region_disabled").hint == "aws account enable-region --region-name us-west-2"
    assert world.count("DescribeKey", WEST) == 0


def test_a_region_with_a_replica_that_was_disabled_since(world: World) -> None:
    replicated(world, key=key_in(world, alias="alias/dr"))
    world.faults(disabled_regions=frozenset({WEST}))
    found = doctor(world, f"{WEST}=alias/other")
    assert (end(found), kinds(only(found))) == (1, ["region_disabled"])


def test_a_region_that_aws_does_not_list(world: World) -> None:
    world.create()
    found = doctor(world, "us-west-9=alias/dr")
    assert (end(found), kinds(only(found))) == (1, ["region_unknown"])
    assert "us-west-9" in the(only(found), "region_unknown").message


def test_a_secret_that_a_service_manages_is_a_warning(world: World) -> None:
    world.create("rds!cluster-1")
    found = doctor(world, WEST, names=("rds!cluster-1",))
    assert (end(found), kinds(only(found))) == (0, ["managed"])
    assert the(only(found), "managed").severity == "warning"


def test_a_replica_under_another_key_is_drift(world: World) -> None:
    key_in(world, alias="alias/dr")
    key_in(world, alias="alias/other")
    replicated(world, key="alias/dr")
    found = doctor(world, f"{WEST}=alias/other")
    finding = the(only(found), "wrong_key")
    assert (end(found), kinds(only(found))) == (5, ["wrong_key"])
    assert "alias/dr" in finding.message
    assert finding.hint == "smrep rekey prod/db --primary-region us-east-1 -r us-west-2=alias/other"


def test_the_row_shows_the_key_that_the_replica_has_and_not_the_one_that_was_typed(world: World) -> None:
    key_in(world, alias="alias/dr")
    key_in(world, alias="alias/other")
    replicated(world, key="alias/dr")
    assert only(doctor(world, f"{WEST}=alias/other")).kms_key_id == "alias/dr"


def test_a_missing_key_outweighs_that_the_replica_is_under_another(world: World) -> None:
    replicated(world)
    found = doctor(world, f"{WEST}=alias/nowhere")
    assert (end(found), set(kinds(only(found)))) == (1, {"key_missing", "wrong_key"})


@pytest.mark.parametrize("spelled", ["alias", "id", "arn"])
def test_the_replicas_own_key_in_another_spelling_is_no_difference(world: World, spelled: str) -> None:
    arn = key_in(world, alias="alias/dr")
    replicated(world, key=arn)
    key = {"alias": "alias/dr", "id": arn.split("/")[1], "arn": arn}[spelled]
    found = doctor(world, f"{WEST}={key}")
    assert (end(found), kinds(only(found))) == (0, [])
    assert world.count("DescribeKey", WEST) <= 2


# what may not be looked at


@pytest.mark.parametrize(
    ("operation", "region", "hint"),
    [
        ("DescribeSecret", WEST, "allow secretsmanager:DescribeSecret in us-west-2"),
        ("DescribeKey", WEST, "allow kms:DescribeKey in us-west-2"),
        ("ListSecretVersionIds", HOME, "allow secretsmanager:ListSecretVersionIds on arn:"),
    ],
)
def test_a_look_that_is_denied_is_unchecked_with_its_permission(
    world: World, operation: str, region: str, hint: str
) -> None:
    key_in(world, alias="alias/dr")
    world.create()
    world.faults(denied=frozenset({(operation, region)}))
    found = doctor(world, f"{WEST}=alias/dr")
    assert (end(found), kinds(only(found))) == (4, ["unchecked"])
    assert (the(only(found), "unchecked").hint or "").startswith(hint)


def test_the_primarys_key_that_may_not_be_looked_at_is_unchecked(world: World) -> None:
    world.create(KmsKeyId=key_in(world, HOME))
    world.faults(denied=frozenset({("DescribeKey", HOME)}))
    found = doctor(world, WEST)
    assert (end(found), kinds(only(found))) == (4, ["unchecked"])


def test_a_definite_no_outweighs_a_doubt(world: World) -> None:
    world.create()
    world.create(region=WEST)
    world.faults(denied=frozenset({("ListSecretVersionIds", HOME)}))
    found = doctor(world, WEST)
    assert (end(found), kinds(only(found))) == (1, ["name_clash", "unchecked"])


def test_where_nobody_may_list_regions_a_region_that_answers_is_no_doubt(world: World) -> None:
    world.create()
    world.faults(denied=frozenset({("ListRegions", HOME), ("DescribeRegions", HOME)}))
    assert end(doctor(world, WEST)) == 0


def test_an_outage_in_one_region_leaves_the_others_examined(world: World) -> None:
    replicated(world, WEST, IRELAND)
    world.faults(outages=frozenset({WEST}))
    found = doctor(world)
    west, ireland = found[0].replicas
    assert (end(found), kinds(west), kinds(ireland)) == (3, ["unchecked"], [])
    assert (west.status, west.arn) == ("InSync", None)
    assert ireland.arn is not None


def test_credentials_that_a_region_does_not_know_are_unchecked_and_expired_ones_end_the_run(world: World) -> None:
    world.create()
    code = "UnrecognizedClientException"

    def refuse(operation: str, region: str) -> None:
        if operation == "DescribeSecret" and region == WEST:
            raise CredentialsError("no", code=code)

    world.on_call = refuse
    assert end(doctor(world, WEST)) == 4
    code = "ExpiredTokenException"
    with pytest.raises(CredentialsError):
        doctor(world, WEST)


def test_regions_are_listed_once_for_many_secrets_and_each_key_described_once(world: World) -> None:
    key_in(world, alias="alias/dr")
    names = tuple(f"s{number}" for number in range(5))
    for name in names:
        world.create(name)
    found = doctor(world, f"{WEST}=alias/dr", f"{IRELAND}={DEFAULT}", names=names)
    assert end(found) == 0
    assert (world.count("ListRegions"), world.count("DescribeKey")) == (1, 1)


# secrets


def test_a_replica_is_followed_to_its_primary(world: World) -> None:
    arn = replicated(world)
    found = doctor(world, home=WEST)
    assert (end(found), found[0].arn, found[0].primary_region) == (0, arn, HOME)
    assert any("is a replica; its primary in us-east-1" in note for note in found[0].notes)


def test_a_replica_whose_primary_is_gone_is_an_orphan(world: World) -> None:
    replicated(world)
    world.call("RemoveRegionsFromReplication", SecretId="prod/db", RemoveReplicaRegions=[WEST])
    world.call("DeleteSecret", SecretId="prod/db", ForceDeleteWithoutRecovery=True)
    world.clock.time += 100
    found = doctor(world, home=WEST)
    assert (end(found), kinds(only(found))) == (1, ["orphan"])


def test_the_primarys_own_region_behind_a_replica_is_a_usage_error(world: World) -> None:
    replicated(world)
    with pytest.raises(UsageError):
        doctor(world, HOME, home=WEST)


def test_one_missing_secret_does_not_hide_the_others(world: World) -> None:
    replicated(world)
    found = doctor(world, names=("nowhere", "prod/db"))
    assert [(each.name, each.outcome) for each in found] == [("nowhere", Outcome.FAILED), ("prod/db", Outcome.OK)]
    assert found[0].error is not None
    assert found[0].error.code == "ResourceNotFoundException"


def test_a_primary_that_is_scheduled_for_deletion_is_a_no(world: World) -> None:
    world.create()
    world.call("DeleteSecret", SecretId="prod/db", RecoveryWindowInDays=7)
    found = doctor(world, WEST)
    assert (end(found), found[0].error and found[0].error.code) == (1, "pending_deletion")


def test_another_account_than_expected_is_a_usage_error(world: World) -> None:
    world.create()
    with pytest.raises(UsageError):
        doctor(world, WEST, expect_account="999999999999")


def test_a_secret_without_replicas_and_no_region_named_is_examined_by_itself(world: World) -> None:
    key = key_in(world, HOME)
    world.create(KmsKeyId=key)
    assert end(doctor(world)) == 0
    world.simulator.set_key_state(key, HOME, "Disabled")
    (secret,) = doctor(world)
    assert (end((secret,)), secret.error and secret.error.code) == (1, "key_disabled")
    assert not [note for note in secret.notes if secret.error and note == secret.error.message]  # told once


def test_what_is_unchecked_of_a_secret_without_replicas_has_its_reason_in_the_report(world: World) -> None:
    world.create()
    world.faults(denied=frozenset({("ListSecretVersionIds", HOME)}))
    (secret,) = doctor(world)
    assert end((secret,)) == 4
    assert secret.error is not None
    assert secret.error.hint


# without a secret


def test_without_a_secret_regions_and_keys_are_examined(world: World) -> None:
    key_in(world, alias="alias/dr")
    found = doctor(world, f"{WEST}=alias/dr", f"{IRELAND}=alias/dr", "us-west-9", "eu-central-1", names=())
    rows = found[0].replicas
    assert [kinds(row) for row in rows] == [[], ["key_missing"], ["region_unknown"], []]
    assert (end(found), found[0].name, found[0].arn) == (1, "-", None)
    assert world.count("DescribeSecret") == 0


def test_without_a_secret_and_without_the_right_to_list_regions_they_are_unchecked(world: World) -> None:
    world.faults(denied=frozenset({("ListRegions", HOME), ("DescribeRegions", HOME)}))
    found = doctor(world, WEST, names=())
    assert (end(found), kinds(only(found))) == (4, ["unchecked"])
    assert the(only(found), "unchecked").hint == "allow account:ListRegions or ec2:DescribeRegions"


def test_without_a_secret_a_disabled_region_is_told_once(world: World) -> None:
    world.faults(disabled_regions=frozenset({WEST}))
    found = doctor(world, f"{WEST}=alias/dr", names=())
    assert (end(found), kinds(only(found))) == (1, ["region_disabled"])


def test_without_a_secret_and_a_region_there_is_nothing_but_the_caller(world: World) -> None:
    assert doctor(world, names=()) == ()


# the reader


def allow(world: World, *actions: str, effect: str = "Allow", **more: Any) -> None:
    statement = {"Effect": effect, "Action": list(actions), "Resource": "*", **more}
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    statements = [statement] if effect == "Allow" else [everything, statement]
    world.simulator.put_role(ROLE, {"Statement": statements})


READ, DECRYPT = "secretsmanager:GetSecretValue", "kms:Decrypt"


def test_a_reader_that_is_allowed_is_told_as_advice(world: World) -> None:
    replicated(world)
    allow(world, READ)
    found = doctor(world, reader=ROLE)
    finding = the(only(found), "reader")
    assert (end(found), finding.severity, kinds(only(found))) == (0, "info", ["reader"])
    assert "no value was read" in finding.message
    assert world.count("SimulatePrincipalPolicy") == 1  # the default key asks nothing of KMS


def test_the_simulation_is_asked_about_the_replicas_arn_in_its_region(world: World) -> None:
    arn = replicated(world)
    there = arn.replace(HOME, WEST)
    world.simulator.put_role(
        ROLE,
        {
            "Statement": {
                "Effect": "Allow",
                "Action": READ,
                "Resource": there,
                "Condition": {
                    "StringEquals": {
                        "aws:RequestedRegion": WEST,
                        "secretsmanager:VersionStage": "AWSCURRENT",
                        "secretsmanager:SecretId": there,
                    }
                },
            }
        },
    )
    assert the(only(doctor(world, reader=ROLE)), "reader").severity == "info"


def test_a_reader_that_nothing_allows_is_an_error(world: World) -> None:
    replicated(world)
    allow(world, "s3:*")
    found = doctor(world, reader=ROLE)
    assert (end(found), the(only(found), "reader").severity) == (1, "error")


def test_a_reader_that_the_secrets_own_policy_may_allow_is_a_warning(world: World) -> None:
    replicated(world)
    allow(world, "s3:*")
    world.call("PutResourcePolicy", SecretId="prod/db", ResourcePolicy=json.dumps({"Statement": []}))
    found = doctor(world, reader=ROLE)
    assert (end(found), the(only(found), "reader").severity) == (0, "warning")


@pytest.mark.parametrize("policy", [True, False])
def test_a_reader_that_is_forbidden_is_an_error_whatever_the_secrets_own_policy_says(
    world: World, policy: bool
) -> None:
    replicated(world)
    allow(world, READ, effect="Deny")
    if policy:
        world.call("PutResourcePolicy", SecretId="prod/db", ResourcePolicy=json.dumps({"Statement": []}))
    found = doctor(world, reader=ROLE)
    assert (end(found), the(only(found), "reader").severity) == (1, "error")


def test_a_policy_bound_to_the_primarys_region_is_a_warning(world: World) -> None:
    arn = replicated(world)
    allow(world, READ)
    policy = {"Statement": [{"Effect": "Allow", "Action": READ, "Resource": arn, "Principal": "*"}]}
    world.call("PutResourcePolicy", SecretId="prod/db", ResourcePolicy=json.dumps(policy))
    found = doctor(world, reader=ROLE)
    assert (end(found), kinds(only(found))) == (0, ["reader", "reader"])
    (warning,) = [each for each in only(found).findings if each.severity == "warning"]
    assert arn in warning.message


def test_a_policy_that_may_not_be_looked_at_is_unchecked(world: World) -> None:
    replicated(world)
    allow(world, READ)
    world.faults(denied=frozenset({("GetResourcePolicy", HOME)}))
    found = doctor(world, reader=ROLE)
    assert (end(found), kinds(only(found))) == (4, ["reader", "unchecked"])
    assert "secretsmanager:GetResourcePolicy" in (the(only(found), "unchecked").hint or "")


def test_a_customers_key_is_asked_about_as_secrets_manager_would_use_it(world: World) -> None:
    arn = replicated(world, key=key_in(world, alias="alias/dr"))
    conditions = {
        "kms:ViaService": "secretsmanager.us-west-2.amazonaws.com",
        "kms:EncryptionContext:SecretARN": arn.replace(HOME, WEST),
        "aws:RequestedRegion": WEST,
    }
    decrypt = {"Effect": "Allow", "Action": DECRYPT, "Resource": "*", "Condition": {"StringEquals": conditions}}
    world.simulator.put_role(ROLE, {"Statement": [{"Effect": "Allow", "Action": READ, "Resource": "*"}, decrypt]})
    found = doctor(world, reader=ROLE)
    assert (end(found), kinds(only(found))) == (0, ["reader"])
    asked = [call for call in world.simulator.log if call.params.get("ActionNames") == [DECRYPT]]
    assert len(asked) == 1
    assert asked[0].params["ResourceArns"][0].startswith("arn:aws:kms:us-west-2:123456789012:key/")


def test_a_customers_key_that_the_role_may_not_use_is_told(world: World) -> None:
    key_in(world, alias="alias/dr")
    replicated(world, key="alias/dr")
    allow(world, READ)
    found = doctor(world, reader=ROLE)
    (warning,) = [each for each in only(found).findings if each.severity == "warning"]
    assert end(found) == 0  # the key's own policy may allow it
    assert "to decrypt with alias/dr in us-west-2" in warning.message
    allow(world, DECRYPT, effect="Deny")
    found = doctor(world, reader=ROLE)
    assert (end(found), [each.severity for each in only(found).findings]) == (1, ["info", "error"])


def test_a_key_limited_to_another_regions_service_is_not_allowed(world: World) -> None:
    replicated(world, key=key_in(world, alias="alias/dr"))
    bound = {"StringEquals": {"kms:ViaService": "secretsmanager.us-east-1.amazonaws.com"}}
    read = {"Effect": "Allow", "Action": READ, "Resource": "*"}
    world.simulator.put_role(
        ROLE, {"Statement": [read, {"Effect": "Allow", "Action": DECRYPT, "Resource": "*", "Condition": bound}]}
    )
    severities = [each.severity for each in only(doctor(world, reader=ROLE)).findings]
    assert severities == ["info", "warning"]


def test_where_there_is_no_replica_yet_the_key_that_was_typed_is_asked_about(world: World) -> None:
    world.create()
    key_in(world, alias="alias/dr")
    allow(world, READ, DECRYPT)
    assert end(doctor(world, f"{WEST}=alias/dr", reader=ROLE)) == 0
    assert world.count("SimulatePrincipalPolicy") == 2


def test_the_key_of_the_replica_that_is_there_counts_and_not_the_one_that_was_typed(world: World) -> None:
    replicated(world)
    key_in(world, alias="alias/dr")
    allow(world, READ)
    found = doctor(world, f"{WEST}=alias/dr", reader=ROLE)
    assert (end(found), world.count("SimulatePrincipalPolicy")) == (5, 1)


def test_a_replica_that_may_not_be_looked_into_is_asked_about_with_the_key_that_the_primary_lists(world: World) -> None:
    key_in(world, alias="alias/dr")
    replicated(world, key="alias/dr")
    allow(world, READ)
    world.faults(denied=frozenset({("DescribeSecret", WEST)}))
    found = doctor(world, WEST, reader=ROLE)
    assert end(found) == 4
    assert any("to decrypt with alias/dr" in each.message for each in only(found).findings)


def test_a_role_that_is_not_there_is_unchecked(world: World) -> None:
    replicated(world)
    found = doctor(world, reader=ROLE)
    assert (end(found), kinds(only(found))) == (4, ["unchecked"])
    assert "aws iam get-role --role-name app" in (the(only(found), "unchecked").hint or "")


def test_a_simulation_that_is_denied_is_unchecked_with_its_permission(world: World) -> None:
    replicated(world)
    allow(world, READ)
    world.faults(denied=frozenset({("SimulatePrincipalPolicy", HOME)}))
    found = doctor(world, reader=ROLE)
    assert (end(found), kinds(only(found))) == (4, ["unchecked"])
    assert the(only(found), "unchecked").hint == f"allow iam:SimulatePrincipalPolicy on {ROLE}"


def test_a_key_that_may_not_be_described_names_that_permission_and_no_other(world: World) -> None:
    replicated(world, key=key_in(world, alias="alias/dr"))
    allow(world, READ, DECRYPT)
    world.faults(denied=frozenset({("DescribeKey", WEST)}))
    found = doctor(world, reader=ROLE)
    unchecked = [each.hint or "" for each in only(found).findings if each.kind == "unchecked"]
    assert end(found) == 4
    assert unchecked
    assert [hint for hint in unchecked if "kms:DescribeKey" not in hint] == []


def test_a_replica_whose_key_is_gone_does_not_send_the_reader_to_look_for_the_role(world: World) -> None:
    replicated(world, key=key_in(world, alias="alias/dr"))
    allow(world, READ, DECRYPT)

    def lost(operation: str, region: str) -> None:
        if operation == "DescribeKey" and region == WEST:
            raise NotFound("Alias alias/dr is not found. (NotFoundException)", "alias/dr in us-west-2")

    world.on_call = lost
    hints = [each.hint or "" for each in only(doctor(world, reader=ROLE)).findings if each.kind == "unchecked"]
    assert [hint for hint in hints if "get-role" in hint] == []


def test_iam_is_asked_once_per_region_and_action(world: World) -> None:
    replicated(world, WEST, IRELAND)
    allow(world, READ)
    found = doctor(world, reader=ROLE)
    assert (end(found), world.count("SimulatePrincipalPolicy"), world.count("GetResourcePolicy")) == (0, 2, 1)


def test_expired_credentials_in_the_simulation_end_the_run(world: World) -> None:
    replicated(world)

    def expire(operation: str, _region: str) -> None:
        if operation == "SimulatePrincipalPolicy":
            raise CredentialsError("no", code="ExpiredToken")

    world.on_call = expire
    with pytest.raises(CredentialsError):
        doctor(world, reader=ROLE)


# whose credentials these are


def test_the_caller_is_asked_for_at_home(world: World) -> None:
    caller = Doctor(world, world, world, Region(IRELAND)).caller()
    assert caller.account == "123456789012"
    assert world.calls == [("GetCallerIdentity", IRELAND, "caller")]


def test_credentials_that_are_refused_end_it(world: World) -> None:
    def refuse(_operation: str, _region: str) -> None:
        raise CredentialsError("no", code="InvalidClientTokenId")

    world.on_call = refuse
    with pytest.raises(CredentialsError):
        Doctor(world, world, world, Region(HOME)).caller()


def test_a_caller_that_may_not_be_told_is_no_account(world: World) -> None:
    def deny(_operation: str, _region: str) -> None:
        raise Denied("no", code="AccessDenied")

    world.on_call = deny
    caller = Doctor(world, world, world, Region(HOME)).caller()
    assert (caller.account, caller.arn) == (None, None)
    assert "is not told" in caller.sentence
