"""`rekey --recreate` on the simulator: away and made anew, and only where nothing stands against it."""

from __future__ import annotations

import pytest
from fakes import HOME, IRELAND, WEST, FakeAws, is_there, new_key, only, replicated
from service.rekey_scene import DEFAULT, error_of, keys_of_versions, prepare, rekey, writes

from smrep.errors import Outcome
from smrep.report import Action, RegionReport, SecretReport


def test_recreate_removes_waits_until_it_is_gone_and_replicates_under_the_new_key(aws: FakeAws) -> None:
    arn = replicated(aws)
    new_key(aws, "alias/new")
    aws.faults(removal_delay_s=30.0)
    began = aws.clock.time
    seen: list[tuple[str, bool]] = []
    aws.on_call = lambda operation, _: (
        seen.append((operation, is_there(aws)))
        if operation in ("RemoveRegionsFromReplication", "ReplicateSecretToRegions")
        else None
    )
    row = only(rekey(aws, recreate=True))
    assert seen == [("RemoveRegionsFromReplication", True), ("ReplicateSecretToRegions", False)]
    assert (row.outcome, row.action, row.changed, row.verified) == (Outcome.OK, Action.REKEY, True, True)
    assert (row.status, row.kms_key_id, row.error) == ("InSync", "alias/new", None)
    assert row.arn == arn.replace(HOME, WEST)
    assert aws.clock.time - began >= 30.0
    remove, replicate = writes(aws)
    assert remove == ("RemoveRegionsFromReplication", HOME, {"SecretId": arn, "RemoveReplicaRegions": [WEST]})
    assert replicate[2]["AddReplicaRegions"] == [{"Region": WEST, "KmsKeyId": "alias/new"}]
    assert replicate[2]["ForceOverwriteReplicaSecret"] is False
    assert keys_of_versions(aws) == {"alias/new"}
    assert aws.call("GetSecretValue", WEST, SecretId="prod/db")["SecretString"] == "s3cret"


def test_recreate_makes_a_failed_replica_anew(aws: FakeAws) -> None:
    aws.create()
    aws.faults(failures={WEST: "Replication failed: no luck"})
    aws.replicate_by_hand(WEST)
    aws.faults(removal_delay_s=30.0)
    new_key(aws, "alias/new")
    row = only(rekey(aws, recreate=True))
    assert (row.outcome, row.action, row.changed, row.verified) == (Outcome.OK, Action.REKEY, True, True)
    assert (row.status, row.kms_key_id, row.error) == ("InSync", "alias/new", None)


def test_recreate_leaves_a_replica_alone_whose_key_is_right(aws: FakeAws) -> None:
    replicated(aws, key=new_key(aws, "alias/new"))
    run = prepare(aws, f"{WEST}=alias/new", recreate=True)
    assert run.stakes == ()
    for _ in run.act():
        pass
    row = only(run.secrets())
    assert (row.action, row.changed, row.verified, row.outcome) == (Action.KEEP, False, True, Outcome.OK)
    assert writes(aws) == []


def test_recreate_of_several_regions_touches_only_those_under_another_key(aws: FakeAws) -> None:
    replicated(aws, WEST, IRELAND)
    new_key(aws, "alias/new")
    aws.faults(removal_delay_s=30.0)
    run = prepare(aws, f"{WEST}=alias/new", f"{IRELAND}={DEFAULT}", recreate=True)
    ((name, danger),) = run.stakes
    assert (name, "will be missing in us-west-2" in danger) == ("prod/db", True)
    for _ in run.act():
        pass
    west, ireland = only_two(run.secrets())
    assert (west.action, west.outcome, west.verified) == (Action.REKEY, Outcome.OK, True)
    assert (ireland.action, ireland.outcome, ireland.changed) == (Action.KEEP, Outcome.OK, False)
    assert writes(aws)[0][2]["RemoveReplicaRegions"] == [WEST]


def only_two(secrets: tuple[SecretReport, ...]) -> tuple[RegionReport, RegionReport]:
    (secret,) = secrets
    one, other = secret.replicas
    return one, other


@pytest.mark.parametrize("preflight", [True, False])
def test_recreate_refuses_a_key_that_may_not_be_looked_at(aws: FakeAws, preflight: bool) -> None:
    replicated(aws)
    new_key(aws, "alias/new")
    aws.faults(denied=frozenset({("DescribeKey", WEST)}))
    row = only(rekey(aws, recreate=True, preflight=preflight))
    assert (row.outcome, row.changed, error_of(row)[0]) == (Outcome.ACCESS, False, "unchecked")
    assert error_of(row)[2] == "allow kms:DescribeKey in us-west-2"
    assert (writes(aws), is_there(aws)) == ([], True)


def test_recreate_takes_nothing_away_where_the_primarys_own_key_forbids_to_make_it_anew(aws: FakeAws) -> None:
    """The primary's key is checked before a replication anyway: after the removal is too late."""
    own = new_key(aws, region=HOME)
    replicated(aws, KmsKeyId=own)
    new_key(aws, "alias/new")
    aws.simulator.set_key_state(own, HOME, "Disabled")
    row = only(rekey(aws, recreate=True))
    assert (row.outcome, row.changed, error_of(row)[0]) == (Outcome.FAILED, False, "key_disabled")
    assert (writes(aws), is_there(aws)) == ([], True)


def test_recreate_takes_nothing_away_where_an_old_version_of_the_primarys_is_under_a_bad_key(aws: FakeAws) -> None:
    bad = new_key(aws, region=HOME)
    replicated(aws, KmsKeyId=bad)
    aws.call("PutSecretValue", SecretId="prod/db", SecretString="kept", VersionStages=["v1"])
    aws.call("UpdateSecret", SecretId="prod/db", KmsKeyId=DEFAULT)
    aws.clock.time += 10
    new_key(aws, "alias/new")
    aws.simulator.set_key_state(bad, HOME, "PendingDeletion")
    row = only(rekey(aws, recreate=True))
    assert (row.outcome, row.changed, error_of(row)[0]) == (Outcome.FAILED, False, "key_disabled")
    assert (writes(aws), is_there(aws)) == ([], True)


def test_the_command_of_a_run_is_what_was_typed(aws: FakeAws) -> None:
    replicated(aws)
    new_key(aws, "alias/new")
    run = prepare(aws, f"{WEST}=alias/new", recreate=True, flags=("--timeout", "2m"))
    words = "-r us-west-2=alias/new --timeout 2m --recreate --yes"
    assert run.command("--yes") == f"smrep rekey prod/db --primary-region us-east-1 {words}"
