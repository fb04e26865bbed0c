"""`replicate` on the simulator: which secrets it takes, and which it leaves alone."""

from __future__ import annotations

from typing import Any

import pytest
from fakes import HOME, IRELAND, WEST, World, at_home, only
from service.replicating_scene import prepare, replicate, request_for

from smrep.errors import Outcome, UsageError
from smrep.model import Target
from smrep.regions import Region
from smrep.report import Action
from smrep.rules.plan import Consent
from smrep.service.replication import Request


def test_a_replica_is_refused_with_the_command_to_run(world: World) -> None:
    world.create()
    world.replicate_by_hand(WEST)
    request = Request(tuple(a.__class__(a.secret_id, WEST) for a in at_home()), (Target(IRELAND, "alias/dr"),))
    (secret,) = prepare(world, request).secrets()
    assert secret.error is not None
    assert secret.error.code == "is_replica"
    assert secret.error.hint == "smrep replicate prod/db --primary-region us-east-1 -r eu-west-1=alias/dr"
    assert secret.outcome is Outcome.FAILED
    assert secret.replicas == ()


def test_a_missing_secret_and_one_marked_for_deletion_do_not_stop_the_others(world: World) -> None:
    world.create()
    world.create("doomed")
    world.call("DeleteSecret", SecretId="doomed")
    secrets = replicate(world, WEST, names=("prod/db", "nowhere", "doomed"))
    assert [secret.outcome for secret in secrets] == [Outcome.OK, Outcome.FAILED, Outcome.FAILED]
    assert [secret.error and secret.error.code for secret in secrets] == [
        None,
        "ResourceNotFoundException",
        "pending_deletion",
    ]
    assert len(world.sent()) == 1


def test_a_secret_named_by_name_and_by_arn_is_one(world: World) -> None:
    arn = world.create()
    secrets = replicate(world, WEST, names=("prod/db", arn))
    assert len(secrets) == 1
    assert len(world.sent()) == 1


def test_all_secrets_are_sent_first_and_then_waited_for_together(world: World) -> None:
    names = ("a", "b", "c")
    for name in names:
        world.create(name)
    world.faults(replication_delay_s=10.0)
    secrets = replicate(world, WEST, names=names)
    assert [secret.outcome for secret in secrets] == [Outcome.OK] * 3
    assert world.clock.time < 17


def test_access_denied_is_an_access_outcome(world: World) -> None:
    world.create()
    world.faults(denied=frozenset({("ReplicateSecretToRegions", HOME)}))
    (secret,) = replicate(world, WEST, IRELAND)
    assert [row.outcome for row in secret.replicas] == [Outcome.ACCESS] * 2
    assert all(row.error and "AccessDeniedException" in row.error.message for row in secret.replicas)
    assert world.count("ReplicateSecretToRegions") == 3  # together, then each by itself


def test_another_account_stops_before_any_write(world: World) -> None:
    world.create()
    with pytest.raises(UsageError, match="123456789012"):
        prepare(world, request_for(WEST, expect_account="999999999999"))
    assert world.sent() == []


def test_a_region_in_trouble_that_was_not_asked_for_is_a_note(world: World) -> None:
    world.create()
    world.faults(failures={IRELAND: "Replication failed: no luck"})
    world.replicate_by_hand(IRELAND)
    (secret,) = replicate(world, WEST)
    assert [row.region for row in secret.replicas] == [WEST]
    assert secret.outcome is Outcome.OK
    assert secret.notes == ("prod/db has Failed in eu-west-1, which was not asked for: Replication failed: no luck",)


def test_dry_run_decides_and_sends_nothing(world: World) -> None:
    world.create()
    run = prepare(world, request_for(WEST))
    row = only(run.secrets(dry_run=True))
    assert (row.outcome, row.action, row.changed, row.status) == (Outcome.OK, Action.ADD, False, None)
    assert world.sent() == []


def test_a_primary_that_vanishes_while_waiting_is_told(world: World) -> None:
    world.create()
    world.faults(denied=frozenset({("DescribeSecret", HOME)}))
    run = prepare(world, request_for(WEST))
    assert run.secrets()[0].outcome is Outcome.ACCESS
    assert world.sent() == []


def test_a_secret_of_the_same_name_in_another_account_is_not_taken_for_a_namesake(world: World) -> None:
    from dataclasses import replace

    world.create()
    ours = world.describe

    def describe(secret_id: str, region: Region) -> Any:
        secret = ours(secret_id if region == HOME else "prod/db", HOME)
        return secret if region == HOME else replace(secret, region=region, arn=secret.arn.replace("1234", "9999"))

    world.describe = describe  # type: ignore[method-assign]  # another account's view can't be simulated
    row = only(replicate(world, WEST, consent=Consent(force=True)))
    assert [each.kind for each in row.findings] == ["unchecked"]
    assert world.sent() == []
