"""What is checked before anything is sent: keys on both sides, old versions, Regions, the manager."""

from __future__ import annotations

from typing import Any

import pytest
from fakes import HOME, IRELAND, WEST, World, kinds, only
from service.test_replication import prepare, replicate, request_for

from smrep.errors import CredentialsError, Outcome, Unanswered
from smrep.report import Action, Finding, RegionReport
from smrep.rules.plan import Consent

FORCE = Consent(force=True)


def key_in(world: World, region: str = WEST, alias: str | None = None, **params: Any) -> str:
    metadata = world.call("CreateKey", region, service="kms", **params)["KeyMetadata"]
    if alias:
        world.call("CreateAlias", region, service="kms", AliasName=alias, TargetKeyId=metadata["KeyId"])
    return str(metadata["Arn"])


def the(row: RegionReport, kind: str) -> Finding:
    (finding,) = [each for each in row.findings if each.kind == kind]
    return finding


def regions_sent(world: World) -> list[str]:
    return [each["Region"] for call in world.sent() for each in call["AddReplicaRegions"]]


BAD_KEYS = ["missing_alias", "missing_id", "Disabled", "PendingDeletion", "PendingImport", "Unavailable", "rsa", "hmac"]
KIND = {
    "missing_alias": "key_missing",
    "missing_id": "key_missing",
    "rsa": "key_unusable",
    "hmac": "key_unusable",
}


def bad_key(world: World, how: str, region: str = WEST) -> str:
    """Return a key of that Region that Secrets Manager can't use."""
    if how == "missing_alias":
        return "alias/nowhere"
    if how == "missing_id":
        return "11111111-2222-3333-4444-555555555555"
    if how == "rsa":
        return key_in(world, region, KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")
    if how == "hmac":
        return key_in(world, region, KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")
    key = key_in(world, region)
    world.simulator.set_key_state(key, region, how)
    return key


# the replica's key


@pytest.mark.parametrize("how", BAD_KEYS)
def test_a_key_that_can_not_be_used_stops_its_region_and_not_the_others(world: World, how: str) -> None:
    world.create()
    key = bad_key(world, how)
    (secret,) = replicate(world, f"{WEST}={key}", IRELAND)
    stopped, added = secret.replicas
    kind = KIND.get(how, "key_disabled")
    assert (stopped.outcome, stopped.status, stopped.arn, stopped.changed) == (Outcome.FAILED, None, None, False)
    assert kinds(stopped) == [kind]
    assert stopped.error is not None
    assert (stopped.error.code, stopped.error.message) == (kind, stopped.findings[0].message)
    assert key in stopped.error.message
    assert WEST in stopped.error.message
    assert stopped.error.hint
    assert (added.outcome, added.changed) == (Outcome.OK, True)
    assert secret.outcome is Outcome.FAILED
    assert regions_sent(world) == [IRELAND]


@pytest.mark.parametrize(("how", "cure"), [("missing_alias", "list-aliases"), ("Disabled", "aws kms enable-key")])
def test_the_hint_names_the_cure(world: World, how: str, cure: str) -> None:
    world.create()
    row = only(replicate(world, f"{WEST}={bad_key(world, how)}"))
    assert row.error is not None
    assert cure in (row.error.hint or "")
    assert f"--region {WEST}" in (row.error.hint or "")


def test_a_key_that_is_to_be_deleted_can_be_kept(world: World) -> None:
    world.create()
    row = only(replicate(world, f"{WEST}={bad_key(world, 'PendingDeletion')}"))
    assert row.error is not None
    assert "cancel-key-deletion" in (row.error.hint or "")


@pytest.mark.parametrize("how", BAD_KEYS)
def test_without_preflight_aws_says_it_and_the_region_is_failed(world: World, how: str) -> None:
    world.create()
    key = bad_key(world, how)
    (secret,) = replicate(world, f"{WEST}={key}", IRELAND, preflight=False)
    failed, added = secret.replicas
    assert (failed.outcome, failed.status, failed.changed) == (Outcome.FAILED, "Failed", True)
    assert key in (failed.status_message or "")
    assert failed.error is not None
    assert failed.error.code == "ReplicationFailed"
    assert (failed.status_message or "?") in failed.error.message
    assert "aws kms " in (failed.error.hint or "")
    assert "smrep retry prod/db --primary-region us-east-1 -r us-west-2" in (failed.error.hint or "")
    assert added.outcome is Outcome.OK


def test_a_good_key_passes_however_it_is_spelled(world: World) -> None:
    arn = key_in(world, alias="alias/dr")
    for number, spelled in enumerate(("alias/dr", arn, arn.split("/")[1])):
        world.create(f"s{number}")
        row = only(replicate(world, f"{WEST}={spelled}", names=(f"s{number}",)))
        assert (row.outcome, kinds(row)) == (Outcome.OK, [])


@pytest.mark.parametrize("key", ["", "=alias/aws/secretsmanager"])
def test_the_default_key_needs_no_look(world: World, key: str) -> None:
    world.create()
    row = only(replicate(world, f"{WEST}{key}"))
    assert row.outcome is Outcome.OK
    assert world.count("DescribeKey") == 0


def test_a_look_at_the_key_that_is_denied_is_unchecked_and_goes_on(world: World) -> None:
    world.create()
    key = key_in(world)
    world.faults(denied=frozenset({("DescribeKey", WEST)}))
    row = only(replicate(world, f"{WEST}={key}"))
    assert (row.outcome, row.status, kinds(row)) == (Outcome.OK, "InSync", ["unchecked"])
    assert "kms:DescribeKey" in (row.findings[0].hint or "")


def test_an_overwrite_whose_key_could_not_be_checked_is_not_made(world: World) -> None:
    world.create()
    victim = world.create(region=WEST)
    key = key_in(world)
    world.faults(denied=frozenset({("DescribeKey", WEST)}))
    row = only(replicate(world, f"{WEST}={key}", consent=FORCE))
    assert row.outcome is not Outcome.OK
    assert regions_sent(world) == []
    assert world.describe("prod/db", WEST).arn == victim


@pytest.mark.parametrize("how", BAD_KEYS)
def test_nothing_is_overwritten_for_a_replica_that_would_fail(world: World, how: str) -> None:
    world.create()
    victim = world.create(region=WEST)
    run = prepare(world, request_for(f"{WEST}={bad_key(world, how)}", consent=FORCE))
    assert run.victims == ()
    for _ in run.act():
        pass
    assert only(run.secrets()).outcome is Outcome.FAILED
    assert world.describe("prod/db", WEST).arn == victim


def test_a_kms_that_does_not_answer_is_unchecked_and_goes_on(world: World) -> None:
    world.create()
    key = key_in(world)
    world.lose["DescribeKey"] = ["before"] * 9
    row = only(replicate(world, f"{WEST}={key}"))
    assert (row.outcome, set(kinds(row))) == (Outcome.OK, {"unchecked"})


def test_credentials_that_expire_while_looking_end_the_run_with_nothing_sent(world: World) -> None:
    world.create()
    key = key_in(world)

    def expire(operation: str, _region: str) -> None:
        if operation == "DescribeKey":
            raise CredentialsError("expired", code="ExpiredTokenException")

    world.on_call = expire
    with pytest.raises(CredentialsError):
        prepare(world, request_for(f"{WEST}={key}"))
    assert world.sent() == []


def test_a_key_is_looked_at_once_for_all_the_secrets(world: World) -> None:
    key = key_in(world)
    names = ("a", "b", "c")
    for name in names:
        world.create(name)
    secrets = replicate(world, f"{WEST}={key}", names=names)
    assert {each.outcome for each in secrets} == {Outcome.OK}
    assert world.count("DescribeKey", WEST) <= len(names)  # side by side, so not always once
    again = replicate(world, f"{WEST}={key}", names=names)
    assert {each.outcome for each in again} == {Outcome.OK}
    assert world.count("DescribeKey") == 0


# the primary's key and its old versions


def primary_under(world: World, key: str) -> str:
    return world.create(KmsKeyId=key)


@pytest.mark.parametrize("state", ["Disabled", "PendingDeletion"])
def test_a_bad_key_of_the_primary_stops_every_region(world: World, state: str) -> None:
    key = key_in(world, HOME)
    primary_under(world, key)
    world.simulator.set_key_state(key, HOME, state)
    (secret,) = replicate(world, WEST, IRELAND)
    for row in secret.replicas:
        assert (row.outcome, row.status, kinds(row)) == (Outcome.FAILED, None, ["key_disabled"])
        assert row.error is not None
        assert (row.error.code, key in row.error.message, HOME in row.error.message) == ("key_disabled", True, True)
    assert world.sent() == []


def test_without_preflight_a_bad_key_of_the_primary_fails_every_region(world: World) -> None:
    key = key_in(world, HOME)
    primary_under(world, key)
    world.simulator.set_key_state(key, HOME, "Disabled")
    (secret,) = replicate(world, WEST, IRELAND, preflight=False)
    assert [(row.status, row.outcome) for row in secret.replicas] == [("Failed", Outcome.FAILED)] * 2
    assert all(row.error and "smrep retry prod/db" in (row.error.hint or "") for row in secret.replicas)


def test_without_preflight_a_bad_key_of_the_primary_is_not_blamed_on_the_replicas(world: World) -> None:
    key = key_in(world, HOME)
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
    world.call("UpdateSecret", SecretId="prod/db", KmsKeyId=key_in(world, HOME))
    return old


def test_an_old_labelled_version_under_a_disabled_key_stops_every_region(world: World) -> None:
    key = key_in(world, HOME)
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
    key = key_in(world, HOME)
    old_version_under(world, key)
    world.simulator.set_key_state(key, HOME, "Disabled")
    row = only(replicate(world, WEST, preflight=False))
    assert (row.status, key in (row.status_message or "")) == ("Failed", True)


def test_an_old_labelled_version_under_a_good_key_stops_nothing(world: World) -> None:
    old_version_under(world, key_in(world, HOME))
    row = only(replicate(world, WEST))
    assert (row.outcome, kinds(row)) == (Outcome.OK, [])


def test_an_old_version_without_a_label_stops_nothing(world: World) -> None:
    key = key_in(world, HOME)
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
    key = key_in(world, HOME)
    primary_under(world, key)
    world.simulator.set_key_state(key, HOME, "Disabled")
    world.faults(denied=frozenset({("ListSecretVersionIds", HOME)}))
    row = only(replicate(world, WEST))
    assert row.error is not None
    assert (row.error.code, set(kinds(row))) == ("key_disabled", {"key_disabled", "unchecked"})
    assert world.sent() == []


def test_a_denied_look_at_the_primarys_key_is_unchecked_and_goes_on(world: World) -> None:
    primary_under(world, key_in(world, HOME))
    world.faults(denied=frozenset({("DescribeKey", HOME)}))
    (secret,) = replicate(world, WEST, IRELAND)
    assert [(row.outcome, kinds(row)) for row in secret.replicas] == [(Outcome.OK, ["unchecked"])] * 2


# the manager


def test_a_managed_secret_is_warned_of_and_goes_on(world: World) -> None:
    world.create("rds!db-1")
    row = only(replicate(world, WEST, names=("rds!db-1",)))
    assert (row.outcome, kinds(row)) == (Outcome.OK, ["managed"])
    assert (row.findings[0].severity, "rds" in row.findings[0].message) == ("warning", True)


# the Region


def test_a_region_that_is_not_enabled_is_stopped_and_the_others_go_on(world: World) -> None:
    world.create()
    world.faults(disabled_regions=frozenset({WEST}))
    (secret,) = replicate(world, WEST, IRELAND)
    stopped, added = secret.replicas
    assert (stopped.outcome, stopped.status, stopped.changed) == (Outcome.FAILED, None, False)
    assert stopped.error is not None
    assert stopped.error.code == "region_disabled"
    assert "region_disabled" in kinds(stopped)
    assert stopped.error.hint == "aws account enable-region --region-name us-west-2"
    assert added.outcome is Outcome.OK
    assert regions_sent(world) == [IRELAND]


def test_without_preflight_a_region_that_is_not_enabled_fails(world: World) -> None:
    world.create()
    world.faults(disabled_regions=frozenset({WEST}))
    row = only(replicate(world, WEST, preflight=False))
    assert (row.status, row.outcome) == ("Failed", Outcome.FAILED)
    assert row.error is not None
    assert "aws account enable-region --region-name us-west-2" in (row.error.hint or "")


def test_where_nobody_may_tell_of_regions_it_is_unchecked_and_tried(world: World) -> None:
    world.create()
    world.faults(disabled_regions=frozenset({WEST}), denied=frozenset({("ListRegions", HOME)}))
    row = only(replicate(world, WEST))
    assert (row.status, row.changed, row.outcome) == ("Failed", True, Outcome.FAILED)
    assert kinds(row) == ["unchecked"]


def test_a_region_in_outage_is_no_disabled_region(world: World) -> None:
    world.create()
    world.faults(outages=frozenset({WEST}))
    row = only(replicate(world, WEST, timeout_s=5.0))
    assert (row.outcome, row.changed, kinds(row)) == (Outcome.PENDING, True, ["unchecked"])


def test_a_region_that_aws_does_not_list_is_unknown(world: World) -> None:
    world.create()

    def strange(operation: str, region: str) -> None:
        if (operation, region) == ("DescribeSecret", "us-west-9"):
            raise Unanswered("could not connect to the endpoint", "prod/db in us-west-9")

    world.on_call = strange
    row = only(replicate(world, "us-west-9"))
    assert row.error is not None
    assert (row.error.code, row.outcome, world.sent()) == ("region_unknown", Outcome.FAILED, [])


def test_the_regions_of_the_account_are_asked_for_once_and_only_where_a_look_failed(world: World) -> None:
    for name in ("a", "b"):
        world.create(name)
    replicate(world, WEST, IRELAND, names=("a", "b"))
    assert world.count("ListRegions") == 0
    world.faults(disabled_regions=frozenset({"af-south-1", "me-south-1"}))
    replicate(world, "af-south-1", "me-south-1", names=("a", "b"))
    assert world.count("ListRegions") == 1


# what is not looked at


def test_kept_regions_cause_no_looks_at_keys(world: World) -> None:
    primary_under(world, key_in(world, HOME))
    world.replicate_by_hand(WEST)
    row = only(replicate(world, WEST))
    assert row.action is Action.KEEP
    assert {operation for operation, _, _ in world.calls} == {"DescribeSecret"}


def test_a_kept_region_beside_a_new_one_is_not_stopped_by_what_stops_the_new_one(world: World) -> None:
    key = key_in(world, HOME)
    primary_under(world, key)
    world.replicate_by_hand(WEST)
    world.simulator.set_key_state(key, HOME, "Disabled")
    (secret,) = replicate(world, WEST, IRELAND)
    kept, stopped = secret.replicas
    assert (kept.outcome, kept.action, kinds(kept)) == (Outcome.OK, Action.KEEP, [])
    assert stopped.error is not None
    assert stopped.error.code == "key_disabled"


def test_no_preflight_makes_none_of_these_calls(world: World) -> None:
    primary_under(world, key_in(world, HOME))
    row = only(replicate(world, f"{WEST}={key_in(world)}", preflight=False))
    assert row.outcome is Outcome.OK
    assert {(operation, region) for operation, region, _ in world.calls} == {
        ("DescribeSecret", HOME),
        ("ReplicateSecretToRegions", HOME),
    }


def test_a_dry_run_finds_the_same(world: World) -> None:
    world.create()
    run = prepare(world, request_for(f"{WEST}=alias/nowhere", IRELAND))
    (secret,) = run.secrets(dry_run=True)
    assert [row.error and row.error.code for row in secret.replicas] == ["key_missing", None]
    assert world.sent() == []


def test_all_that_is_wrong_with_a_region_is_told_at_once(world: World) -> None:
    key = key_in(world, HOME)
    primary_under(world, key)
    world.simulator.set_key_state(key, HOME, "Disabled")
    row = only(replicate(world, f"{WEST}=alias/nowhere"))
    assert kinds(row) == ["key_missing", "key_disabled"]


def test_several_secrets_are_each_held_back_for_their_own_reasons(world: World) -> None:
    key = key_in(world, HOME)
    world.create("bad", KmsKeyId=key)
    world.create("good")
    world.simulator.set_key_state(key, HOME, "Disabled")
    secrets = replicate(world, WEST, names=("bad", "good"))
    assert [each.outcome for each in secrets] == [Outcome.FAILED, Outcome.OK]
