"""`remove` on the simulator: which secrets and Regions are sent, and from which primary."""

from __future__ import annotations

import pytest
from fakes import HOME, IRELAND, SYDNEY, WEST, World, at_home, is_there
from service.removing_scene import REMOVE, listed, prepare, removals, remove, replicated

from smrep.errors import Outcome, UsageError
from smrep.rules.asked import Address


def test_several_regions_are_one_call(world: World) -> None:
    regions = (WEST, IRELAND, SYDNEY, "eu-central-1", "sa-east-1")
    replicated(world, *regions)
    (secret,) = remove(world, *regions[:4])
    assert [row.region for row in secret.replicas] == list(regions[:4])
    assert {row.outcome for row in secret.replicas} == {Outcome.OK}
    assert removals(world) == [list(regions[:4])]
    assert listed(world) == ["sa-east-1"]
    assert is_there(world, "sa-east-1")


def test_only_what_the_primary_lists_still_is_sent(world: World) -> None:
    replicated(world, WEST, IRELAND)
    world.call(REMOVE, SecretId="prod/db", RemoveReplicaRegions=[WEST])
    (secret,) = remove(world, WEST, IRELAND, SYDNEY)
    assert [(row.outcome, row.changed) for row in secret.replicas] == [
        (Outcome.OK, False),
        (Outcome.OK, True),
        (Outcome.OK, False),
    ]
    assert removals(world)[1:] == [[IRELAND]]


def test_all_secrets_are_sent_first_and_then_waited_for_together(world: World) -> None:
    names = [f"s{number}" for number in range(9)]
    for name in names:
        world.create(name)
        world.replicate_by_hand(WEST, name=name)
    world.faults(removal_delay_s=30.0)
    started = world.clock.time
    secrets = remove(world, WEST, names=names)
    assert [secret.outcome for secret in secrets] == [Outcome.OK] * 9
    assert world.clock.time - started <= 36.0
    assert not any(is_there(world, WEST, name) for name in names)


def test_a_missing_secret_does_not_stop_the_others(world: World) -> None:
    replicated(world, removal_delay_s=1.0)
    secrets = remove(world, WEST, names=("nowhere", "prod/db"))
    assert [secret.outcome for secret in secrets] == [Outcome.FAILED, Outcome.OK]
    assert secrets[0].error is not None
    assert secrets[0].error.code == "ResourceNotFoundException"


def test_a_secret_named_by_name_and_by_arn_is_removed_once(world: World) -> None:
    arn = replicated(world, removal_delay_s=1.0)
    (secret,) = remove(world, WEST, names=("prod/db", arn))
    assert secret.outcome is Outcome.OK
    assert world.count(REMOVE) == 1


def test_a_region_in_trouble_that_was_not_asked_for_is_a_note(world: World) -> None:
    replicated(world, removal_delay_s=1.0)
    world.simulator.set_replication_status("prod/db", HOME, IRELAND, "Failed", "no luck")
    (secret,) = remove(world, WEST)
    assert secret.outcome is Outcome.OK
    assert secret.notes == ("prod/db has Failed in eu-west-1, which was not asked for: no luck",)
    assert listed(world) == [IRELAND]


def test_nothing_more_is_sent_once_a_run_has_ended(world: World) -> None:
    names = [f"s{number}" for number in range(9)]
    for name in names:
        world.create(name)
        world.replicate_by_hand(WEST, name=name)
    run = prepare(world, WEST, names=names)
    acting = run.act()
    next(acting)
    acting.close()  # as an interrupt does
    assert world.count(REMOVE) == 4
    assert sum(secret.replicas[0].changed for secret in run.secrets()) == 4
    assert run.was_sent


# the wrong primary


def test_a_replica_is_refused_with_the_command_to_run(world: World) -> None:
    replicated(world, WEST, IRELAND)
    (secret,) = remove(world, IRELAND, addresses=(Address(at_home()[0].secret_id, WEST),), flags=("--timeout", "2m"))
    assert secret.error is not None
    assert (secret.outcome, secret.error.code, secret.replicas) == (Outcome.FAILED, "is_replica", ())
    assert secret.error.hint == "smrep remove prod/db --primary-region us-east-1 -r eu-west-1 --timeout 2m"
    assert world.count(REMOVE) == 0


def test_a_replica_whose_primarys_region_was_to_be_cleared_is_sent_to_look_first(world: World) -> None:
    replicated(world)
    (secret,) = remove(world, HOME, addresses=(Address(at_home()[0].secret_id, WEST),))
    assert secret.error is not None
    assert secret.error.hint == "smrep status prod/db --primary-region us-east-1"


def test_another_account_stops_before_any_write(world: World) -> None:
    replicated(world)
    with pytest.raises(UsageError, match="123456789012"):
        prepare(world, WEST, expect_account="999999999999")
    assert removals(world) == []


def test_a_primary_that_does_not_answer_is_told_and_nothing_is_sent(world: World) -> None:
    replicated(world, outages=frozenset({HOME}))
    (secret,) = remove(world, WEST)
    assert secret.outcome is Outcome.FAILED
    assert world.count(REMOVE) == 0


def test_nothing_but_describing_and_removing_is_asked_of_aws(world: World) -> None:
    replicated(world, WEST, IRELAND)
    world.simulator.log.clear()
    world.lose[REMOVE] = ["before"]
    remove(world, WEST, IRELAND)
    assert {call.operation for call in world.simulator.log} == {"DescribeSecret", REMOVE}
    assert {call.region for call in world.simulator.log if call.operation == REMOVE} == {HOME}
