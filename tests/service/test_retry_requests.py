"""`retry` on the simulator: which key and which secret a request is sent for, and what AWS answers."""

from __future__ import annotations

import pytest
from fakes import IRELAND, WEST, World, kinds, new_key, only
from service.replicating_scene import prepare, replicate, request_for
from service.retrying_scene import NO_LUCK, failed, retry

from smrep.errors import Denied, Outcome, Refused
from smrep.model import SecretId
from smrep.regions import Region
from smrep.report import Action
from smrep.rules.asked import Address
from smrep.service.replication import Request


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
