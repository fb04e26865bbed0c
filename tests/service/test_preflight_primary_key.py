"""What is checked before anything is sent: the primary's key and its old versions."""

from __future__ import annotations

import pytest
from fakes import HOME, IRELAND, WEST, World, kinds, new_key, only, the
from service.preflight_scene import primary_under
from service.replicating_scene import replicate

from smrep.errors import Outcome
from smrep.report import Action


@pytest.mark.parametrize("state", ["Disabled", "PendingDeletion"])
def test_a_bad_key_of_the_primary_stops_every_region(world: World, state: str) -> None:
    key = new_key(world, region=HOME)
    primary_under(world, key)
    world.simulator.set_key_state(key, HOME, state)
    (secret,) = replicate(world, WEST, IRELAND)
    for row in secret.replicas:
        assert (row.outcome, row.status, kinds(row)) == (Outcome.FAILED, None, ["key_disabled"])
        assert row.error is not None
        assert (row.error.code, key in row.error.message, HOME in row.error.message) == ("key_disabled", True, True)
    assert world.sent() == []


def test_without_preflight_a_bad_key_of_the_primary_fails_every_region(world: World) -> None:
    key = new_key(world, region=HOME)
    primary_under(world, key)
    world.simulator.set_key_state(key, HOME, "Disabled")
    (secret,) = replicate(world, WEST, IRELAND, preflight=False)
    assert [(row.status, row.outcome) for row in secret.replicas] == [("Failed", Outcome.FAILED)] * 2
    assert all(row.error and "smrep retry prod/db" in (row.error.hint or "") for row in secret.replicas)


def test_without_preflight_a_bad_key_of_the_primary_is_not_blamed_on_the_replicas(world: World) -> None:
    key = new_key(world, region=HOME)
    primary_under(world, key)
    world.simulator.set_key_state(key, HOME, "Disabled")
    row = only(replicate(world, WEST, preflight=False))
    assert f"key {key} in region us-east-1" in (row.status_message or "")
    assert row.error is not None
    assert "--region us-east-1" in (row.error.hint or "")
    assert "--key-id alias/aws/secretsmanager" not in (row.error.hint or "")


def old_version_under(world: World, key: str) -> str:
    """Make a secret with a labelled version under `key`, while the secret itself has another by now."""
    primary_under(world, key)
    old = str(world.call("PutSecretValue", SecretId="prod/db", SecretString="old", VersionStages=["OLD"])["VersionId"])
    world.call("UpdateSecret", SecretId="prod/db", KmsKeyId=new_key(world, region=HOME))
    return old


def test_an_old_labelled_version_under_a_disabled_key_stops_every_region(world: World) -> None:
    key = new_key(world, region=HOME)
    version = old_version_under(world, key)
    world.simulator.set_key_state(key, HOME, "Disabled")
    (secret,) = replicate(world, WEST, IRELAND)
    for row in secret.replicas:
        assert (row.outcome, row.status, kinds(row)) == (Outcome.FAILED, None, ["key_disabled"])
        finding = the(row, "key_disabled")
        assert version in finding.message
        assert "OLD" in finding.message
        assert f"aws kms enable-key --key-id {key} --region us-east-1" in (finding.hint or "")
    assert world.sent() == []


def test_without_preflight_the_old_version_fails_them_all(world: World) -> None:
    key = new_key(world, region=HOME)
    old_version_under(world, key)
    world.simulator.set_key_state(key, HOME, "Disabled")
    row = only(replicate(world, WEST, preflight=False))
    assert (row.status, key in (row.status_message or "")) == ("Failed", True)


def test_an_old_labelled_version_under_a_good_key_stops_nothing(world: World) -> None:
    old_version_under(world, new_key(world, region=HOME))
    row = only(replicate(world, WEST))
    assert (row.outcome, kinds(row)) == (Outcome.OK, [])


def test_an_old_version_without_a_label_stops_nothing(world: World) -> None:
    key = new_key(world, region=HOME)
    primary_under(world, key)
    world.call("UpdateSecret", SecretId="prod/db", KmsKeyId="")
    for _ in range(2):
        world.call("PutSecretValue", SecretId="prod/db", SecretString="newer")
    world.simulator.set_key_state(key, HOME, "Disabled")
    row = only(replicate(world, WEST))
    assert (row.outcome, kinds(row)) == (Outcome.OK, [])


def test_versions_that_may_not_be_listed_are_unchecked_and_nothing_more(world: World) -> None:
    arn = world.create()
    world.faults(denied=frozenset({("ListSecretVersionIds", HOME)}))
    row = only(replicate(world, WEST))
    assert (row.outcome, row.status, kinds(row)) == (Outcome.OK, "InSync", ["unchecked"])
    assert row.findings[0].hint == f"allow secretsmanager:ListSecretVersionIds on {arn}"


def test_the_primarys_key_is_looked_at_where_the_versions_may_not_be_listed(world: World) -> None:
    key = new_key(world, region=HOME)
    primary_under(world, key)
    world.simulator.set_key_state(key, HOME, "Disabled")
    world.faults(denied=frozenset({("ListSecretVersionIds", HOME)}))
    row = only(replicate(world, WEST))
    assert row.error is not None
    assert (row.error.code, set(kinds(row))) == ("key_disabled", {"key_disabled", "unchecked"})
    assert world.sent() == []


def test_a_denied_look_at_the_primarys_key_is_unchecked_and_goes_on(world: World) -> None:
    primary_under(world, new_key(world, region=HOME))
    world.faults(denied=frozenset({("DescribeKey", HOME)}))
    (secret,) = replicate(world, WEST, IRELAND)
    assert [(row.outcome, kinds(row)) for row in secret.replicas] == [(Outcome.OK, ["unchecked"])] * 2


# what is not looked at


def test_kept_regions_cause_no_looks_at_keys(world: World) -> None:
    primary_under(world, new_key(world, region=HOME))
    world.replicate_by_hand(WEST)
    row = only(replicate(world, WEST))
    assert row.action is Action.KEEP
    assert {operation for operation, _, _ in world.calls} == {"DescribeSecret"}


def test_a_kept_region_beside_a_new_one_is_not_stopped_by_what_stops_the_new_one(world: World) -> None:
    key = new_key(world, region=HOME)
    primary_under(world, key)
    world.replicate_by_hand(WEST)
    world.simulator.set_key_state(key, HOME, "Disabled")
    (secret,) = replicate(world, WEST, IRELAND)
    kept, stopped = secret.replicas
    assert (kept.outcome, kept.action, kinds(kept)) == (Outcome.OK, Action.KEEP, [])
    assert stopped.error is not None
    assert stopped.error.code == "key_disabled"


def test_no_preflight_makes_none_of_these_calls(world: World) -> None:
    primary_under(world, new_key(world, region=HOME))
    row = only(replicate(world, f"{WEST}={new_key(world)}", preflight=False))
    assert row.outcome is Outcome.OK
    assert {(operation, region) for operation, region, _ in world.calls} == {
        ("DescribeSecret", HOME),
        ("ReplicateSecretToRegions", HOME),
    }


def test_several_secrets_are_each_held_back_for_their_own_reasons(world: World) -> None:
    key = new_key(world, region=HOME)
    world.create("bad", KmsKeyId=key)
    world.create("good")
    world.simulator.set_key_state(key, HOME, "Disabled")
    secrets = replicate(world, WEST, names=("bad", "good"))
    assert [each.outcome for each in secrets] == [Outcome.FAILED, Outcome.OK]
