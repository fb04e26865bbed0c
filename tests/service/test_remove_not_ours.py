"""`remove` on the simulator: what bears the name in a Region and is not our replica is left alone."""

from __future__ import annotations

import pytest
from fakes import IRELAND, SYDNEY, WEST, World, is_there, kinds, only
from service.removing_scene import REMOVE, listed, prepare, removals, remove, replicated

from smrep.errors import CredentialsError, Outcome


def sparing(world: World, kind: str) -> None:
    """Check that the namesake in us-west-2 is refused as `kind`, and that eu-west-1 goes on."""
    before = world.call("DescribeSecret", WEST, SecretId="prod/db")["ARN"]
    (secret,) = remove(world, WEST, IRELAND)
    stopped, removed = secret.replicas
    assert kinds(stopped) == [kind]
    assert (stopped.outcome, stopped.changed, stopped.status, stopped.arn) == (Outcome.FAILED, False, None, None)
    assert stopped.error is not None
    assert stopped.error.code == kind
    assert before in stopped.error.message
    assert (removed.outcome, removed.changed) == (Outcome.OK, True)
    assert removals(world)[-1] == [IRELAND]
    world.clock.time += 1000
    assert world.call("DescribeSecret", WEST, SecretId="prod/db")["ARN"] == before


def test_a_namesake_is_left_alone_and_other_regions_go_on(world: World) -> None:
    world.create(region=WEST)
    replicated(world, WEST, IRELAND)
    assert listed(world) == [WEST, IRELAND]
    sparing(world, "name_clash")


def test_a_namesake_in_a_region_that_is_not_listed_is_refused_too(world: World) -> None:
    world.create(region=WEST)
    replicated(world, IRELAND)
    sparing(world, "name_clash")


def test_a_promoted_replica_is_left_alone(world: World) -> None:
    replicated(world, WEST, IRELAND)
    world.call("StopReplicationToReplica", WEST, SecretId="prod/db")
    assert WEST in listed(world)
    sparing(world, "promoted")


def test_a_replica_of_another_primary_is_left_alone(world: World) -> None:
    world.create(region=SYDNEY)
    answer = {"Region": WEST}
    world.call("ReplicateSecretToRegions", SYDNEY, SecretId="prod/db", AddReplicaRegions=[answer])
    world.clock.time += 10
    replicated(world, WEST, IRELAND)
    sparing(world, "orphan")


def test_a_replica_that_a_promoted_one_of_ours_has_made_is_left_alone(world: World) -> None:
    replicated(world, WEST)
    world.call("StopReplicationToReplica", WEST, SecretId="prod/db")
    world.call("ReplicateSecretToRegions", WEST, SecretId="prod/db", AddReplicaRegions=[{"Region": IRELAND}])
    world.clock.time += 10
    row = only(remove(world, IRELAND))
    assert (kinds(row), row.outcome, world.count(REMOVE)) == (["orphan"], Outcome.FAILED, 0)
    assert is_there(world, IRELAND)


def test_a_namesake_scheduled_for_deletion_is_left_alone(world: World) -> None:
    world.create(region=WEST)
    world.call("DeleteSecret", WEST, SecretId="prod/db")
    replicated(world, WEST, IRELAND)
    sparing(world, "pending_deletion")


def test_a_look_that_is_denied_is_a_no_and_other_regions_go_on(world: World) -> None:
    replicated(world, WEST, IRELAND, denied=frozenset({("DescribeSecret", WEST)}))
    (secret,) = remove(world, WEST, IRELAND)
    stopped, removed = secret.replicas
    assert (kinds(stopped), stopped.outcome, stopped.changed) == (["unchecked"], Outcome.ACCESS, False)
    assert stopped.error is not None
    assert "secretsmanager:DescribeSecret in us-west-2" in (stopped.error.hint or "")
    assert removed.outcome is Outcome.OK
    assert removals(world) == [[IRELAND]]


def test_a_region_in_outage_is_a_no_and_other_regions_go_on(world: World) -> None:
    replicated(world, WEST, IRELAND, outages=frozenset({WEST}))
    (secret,) = remove(world, WEST, IRELAND)
    stopped, removed = secret.replicas
    assert (kinds(stopped), stopped.outcome, stopped.changed) == (["unchecked"], Outcome.FAILED, False)
    assert removed.outcome is Outcome.OK
    assert removals(world) == [[IRELAND]]


def test_a_region_that_is_not_enabled_is_a_no_and_other_regions_go_on(world: World) -> None:
    replicated(world, WEST, IRELAND, disabled_regions=frozenset({WEST}))
    (secret,) = remove(world, WEST, IRELAND)
    assert [kinds(row) for row in secret.replicas] == [["unchecked"], []]
    assert removals(world) == [[IRELAND]]


def test_expired_credentials_in_the_look_end_the_run_before_anything_is_sent(world: World) -> None:
    replicated(world)

    def expire(operation: str, region: str) -> None:
        if region == WEST:
            raise CredentialsError("expired", code="ExpiredTokenException")

    world.on_call = expire
    with pytest.raises(CredentialsError):
        prepare(world, WEST)
    assert removals(world) == []


def test_a_replica_promoted_while_it_is_waited_for_is_told(world: World) -> None:
    replicated(world)
    run = prepare(world, WEST)
    acting = run.act()
    next(acting)
    world.call("StopReplicationToReplica", WEST, SecretId="prod/db")
    for _ in acting:
        pass
    row = only(run.secrets())
    assert (kinds(row), row.outcome, row.changed) == (["promoted"], Outcome.FAILED, True)
    assert is_there(world)
