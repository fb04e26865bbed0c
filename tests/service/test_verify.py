"""`verify` on the simulator: what both sides show, what it proves, and what is worth waiting for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fakes import HOME, IRELAND, WEST, World, at_home, kinds, only
from service.test_replication import prepare, replicate, request_for

from smrep.errors import CredentialsError, Denied, NotFound, Outcome, Unanswered, UsageError
from smrep.model import SecretId, Target
from smrep.regions import Region
from smrep.report import SecretReport
from smrep.rules.asked import Address
from smrep.service.verifying import Verification

READS = {"DescribeSecret", "ListSecretVersionIds", "DescribeKey"}
FOR_EVER = 1e6


def verification(
    world: World, *regions: str, names: tuple[str, ...] = ("prod/db",), home: str = HOME, timeout_s: float = 300.0
) -> Verification:
    addresses = tuple(Address(SecretId(name), Region(home)) for name in names)
    world.begin()
    targets = request_for(*regions).targets
    return Verification(world, world, world.clock, world.clock.time + timeout_s, addresses, targets)


def verify(world: World, *regions: str, **more: Any) -> tuple[SecretReport, ...]:
    """Run it to its end; whatever it finds, it only ever reads, and never a value."""
    run = verification(world, *regions, **more)
    for _ in run.act():
        pass
    assert {operation for operation, _, _ in world.calls} <= READS
    return run.secrets()


def replicated(world: World, *regions: str, key: str | None = None, **params: Any) -> str:
    arn = world.create(**params)
    wanted = [{"Region": each, **({"KmsKeyId": key} if key else {})} for each in regions or (WEST,)]
    world.call("ReplicateSecretToRegions", SecretId="prod/db", AddReplicaRegions=wanted)
    world.clock.time += 10
    return arn


def put(world: World, value: str = "newer", **params: Any) -> str:
    return str(world.call("PutSecretValue", SecretId="prod/db", SecretString=value, **params)["VersionId"])


def new_key(world: World, region: str = WEST, alias: str | None = None) -> str:
    metadata = world.call("CreateKey", region, service="kms")["KeyMetadata"]
    if alias:
        world.call("CreateAlias", region, service="kms", AliasName=alias, TargetKeyId=metadata["KeyId"])
    return str(metadata["Arn"])


def no_entry_but(status: str, world: World) -> None:
    world.simulator.set_replication_status("prod/db", HOME, WEST, status, "Replication succeeded")


# all is right


def test_a_replica_that_holds_what_its_primary_holds_is_verified(world: World) -> None:
    arn = replicated(world)
    row = only(verify(world))
    assert (row.outcome, row.verified, kinds(row), row.status) == (Outcome.OK, True, [], "InSync")
    assert (row.action, row.changed, row.error) == (None, False, None)
    assert row.arn == arn.replace(HOME, WEST)
    assert world.clock.sleeps == []


def test_every_listed_region_is_verified_where_none_is_named(world: World) -> None:
    replicated(world, WEST, IRELAND)
    (secret,) = verify(world)
    assert [(row.region, row.verified) for row in secret.replicas] == [(WEST, True), (IRELAND, True)]


def test_only_the_regions_that_were_named_are_looked_into(world: World) -> None:
    replicated(world, WEST, IRELAND)
    row = only(verify(world, IRELAND))
    assert (row.region, row.verified) == (IRELAND, True)
    assert {region for _, region, _ in world.calls} == {HOME, IRELAND}


def test_several_secrets_stand_in_the_order_asked_and_one_in_trouble_does_not_stop_the_others(world: World) -> None:
    replicated(world)
    world.create("other")
    world.replicate_by_hand(WEST, name="other")
    secrets = verify(world, names=("other", "nowhere", "prod/db"))
    assert [(each.name, each.outcome) for each in secrets] == [
        ("other", Outcome.OK),
        ("nowhere", Outcome.FAILED),
        ("prod/db", Outcome.OK),
    ]


def test_a_round_is_one_describe_and_one_list_per_side(world: World) -> None:
    replicated(world, WEST, IRELAND)
    world.faults(value_delay_s=20.0)
    put(world)
    (secret,) = verify(world)
    assert secret.outcome is Outcome.OK
    rounds = len(world.clock.sleeps) + 1
    assert rounds > 3
    assert world.count("DescribeSecret", HOME) == rounds + 1  # the first look finds the secret
    for region in (WEST, IRELAND):
        assert world.count("DescribeSecret", region) == rounds
        assert world.count("ListSecretVersionIds", region) == rounds
    assert world.count("ListSecretVersionIds", HOME) == rounds
    assert world.count("DescribeKey") == 0


def test_the_default_key_has_a_different_name_at_every_place_and_is_one(world: World) -> None:
    replicated(world)
    row = only(verify(world, f"{WEST}=alias/aws/secretsmanager"))
    assert (row.outcome, row.verified, row.kms_key_id) == (Outcome.OK, True, "alias/aws/secretsmanager")
    assert world.count("DescribeKey") == 0


@pytest.mark.parametrize("asked", ["alias", "id", "arn", "alias_arn"])
@pytest.mark.parametrize("shown", ["alias", "id", "arn", "alias_arn"])
def test_an_alias_an_id_and_an_arn_of_one_key_are_equal(world: World, asked: str, shown: str) -> None:
    arn = new_key(world, alias="alias/dr")
    spelled = {
        "alias": "alias/dr",
        "id": arn.split("/")[1],
        "arn": arn,
        "alias_arn": f"arn:aws:kms:{WEST}:123456789012:alias/dr",
    }
    replicated(world, key=spelled[shown])
    row = only(verify(world, f"{WEST}={spelled[asked]}"))
    assert (row.outcome, row.verified, kinds(row)) == (Outcome.OK, True, [])


def test_the_managed_key_by_its_arn_is_the_default_key(world: World) -> None:
    replicated(world)
    managed = world.call("DescribeKey", WEST, service="kms", KeyId="alias/aws/secretsmanager")["KeyMetadata"]["Arn"]
    assert only(verify(world, f"{WEST}={managed}")).verified is True


# versions


def test_in_sync_and_yet_the_previous_version_is_stale_at_the_deadline(world: World) -> None:
    replicated(world)
    world.faults(value_delay_s=FOR_EVER)
    newer = put(world)
    row = only(verify(world, timeout_s=60.0))
    assert (row.outcome, row.verified, row.status) == (Outcome.DRIFT, False, "InSync")
    assert kinds(row) == ["stale"]
    assert newer in row.findings[0].message
    assert "AWSCURRENT" in row.findings[0].message
    assert "smrep verify prod/db --primary-region us-east-1 -r us-west-2" in (row.findings[0].hint or "")
    assert sum(world.clock.sleeps) == pytest.approx(60.0)


def test_timeout_0_looks_once(world: World) -> None:
    replicated(world)
    world.faults(value_delay_s=FOR_EVER)
    put(world)
    row = only(verify(world, timeout_s=0.0))
    assert (row.outcome, row.verified, kinds(row)) == (Outcome.DRIFT, False, ["stale"])
    assert world.clock.sleeps == []


def test_a_version_that_lags_is_waited_for(world: World) -> None:
    replicated(world)
    world.faults(value_delay_s=20.0)
    put(world)
    row = only(verify(world))
    assert (row.outcome, row.verified, kinds(row)) == (Outcome.OK, True, [])
    assert 20.0 <= sum(world.clock.sleeps) <= 26.0


def test_a_region_that_is_still_made_is_waited_for_and_then_verified(world: World) -> None:
    world.create()
    world.faults(replication_delay_s=30.0)
    world.replicate_by_hand(WEST, settle_s=1.0)
    row = only(verify(world))
    assert (row.outcome, row.verified, row.status, kinds(row)) == (Outcome.OK, True, "InSync", [])


def test_a_region_that_is_still_made_at_the_deadline_is_pending(world: World) -> None:
    world.create()
    world.faults(replication_delay_s=FOR_EVER)
    world.replicate_by_hand(WEST, settle_s=1.0)
    row = only(verify(world, timeout_s=30.0))
    assert (row.outcome, row.verified, row.status, kinds(row)) == (
        Outcome.PENDING,
        False,
        "InProgress",
        ["in_progress"],
    )


def test_a_rotation_under_way_at_the_primary_alone_does_not_matter(world: World) -> None:
    replicated(world)
    world.faults(value_delay_s=FOR_EVER)
    put(world, VersionStages=["AWSPENDING"])
    row = only(verify(world, timeout_s=0.0))
    assert (row.outcome, row.verified, kinds(row)) == (Outcome.OK, True, [])


def test_a_new_version_while_waiting_for_another_region_is_not_reported_as_verified(world: World) -> None:
    replicated(world, WEST, IRELAND)
    world.faults(value_delay_s=FOR_EVER)
    rotated: list[str] = []

    def rotate(operation: str, region: str) -> None:
        if (operation, region) != ("DescribeSecret", IRELAND):
            return
        if len(world.clock.sleeps) == 2 and not rotated:
            rotated.append(put(world))  # at no replica yet, and WEST was found equal before
        if len(world.clock.sleeps) < 4:
            raise Unanswered("connection was closed", "prod/db in eu-west-1")

    world.on_call = rotate
    (secret,) = verify(world, timeout_s=30.0)
    assert rotated
    assert [row.verified for row in secret.replicas] == [False, False]


# keys


def test_another_key_than_the_one_asked_for_is_wrong_and_not_waited_for(world: World) -> None:
    replicated(world, key=new_key(world))
    asked = new_key(world)
    row = only(verify(world, f"{WEST}={asked}"))
    assert (row.outcome, row.verified) == (Outcome.DRIFT, False)
    assert set(kinds(row)) == {"wrong_key"}
    assert f"smrep rekey prod/db --primary-region us-east-1 -r us-west-2={asked}" in (row.findings[0].hint or "")
    assert world.clock.sleeps == []


@pytest.mark.parametrize("asked", ["alias/dr", "alias/aws/secretsmanager"])
def test_the_default_key_and_a_customers_are_told_apart(world: World, asked: str) -> None:
    key = new_key(world, alias="alias/dr")
    replicated(world, key=None if asked == "alias/dr" else key)
    row = only(verify(world, f"{WEST}={asked}"))
    assert (row.outcome, row.verified, set(kinds(row))) == (Outcome.DRIFT, False, {"wrong_key"})


def test_a_key_that_does_not_exist_is_not_the_replicas(world: World) -> None:
    replicated(world, key=new_key(world))
    row = only(verify(world, f"{WEST}=alias/nowhere", timeout_s=30.0))
    assert (row.outcome, row.verified, set(kinds(row))) == (Outcome.DRIFT, False, {"wrong_key"})
    assert world.clock.sleeps == []


@pytest.mark.parametrize("shown_by_primary", [True, False])
def test_a_version_left_under_the_old_key_is_wrong_though_no_key_was_asked_for(
    world: World, shown_by_primary: bool
) -> None:
    old, new = new_key(world), new_key(world)
    replicated(world, key=old)
    world.simulator.set_key_state(old, WEST, "Disabled")
    world.faults(primary_shows_rekey=shown_by_primary)
    world.call("UpdateSecret", WEST, SecretId="prod/db", KmsKeyId=new)  # cannot read what is there, and says nothing
    row = only(verify(world, timeout_s=30.0))
    assert (row.outcome, row.verified, kinds(row), row.kms_key_id) == (Outcome.DRIFT, False, ["wrong_key"], new)
    assert old in row.findings[0].message


def test_a_version_under_a_key_that_is_gone_is_under_another_key(world: World) -> None:
    old = new_key(world)
    new_key(world, alias="alias/new")
    replicated(world, key=old)
    world.simulator.set_key_state(old, WEST, "Disabled")
    world.call("UpdateSecret", WEST, SecretId="prod/db", KmsKeyId="alias/new")

    def gone(operation: str, _region: str) -> None:
        if operation == "DescribeKey" and old.endswith(world.calls[-1][2]):
            raise NotFound("no such key", old, code="NotFoundException")

    world.on_call = gone
    row = only(verify(world, timeout_s=30.0))
    assert (row.outcome, row.verified, kinds(row)) == (Outcome.DRIFT, False, ["wrong_key"])


def test_a_replica_that_was_given_another_key_with_all_its_versions_is_verified(world: World) -> None:
    old, new = new_key(world), new_key(world)
    replicated(world, key=old)
    world.faults(primary_shows_rekey=False)
    world.call("UpdateSecret", WEST, SecretId="prod/db", KmsKeyId=new)
    row = only(verify(world, f"{WEST}={new}"))
    assert (row.verified, row.kms_key_id) == (True, new)


def test_where_kms_may_not_be_asked_nothing_is_proved(world: World) -> None:
    replicated(world, key=new_key(world, alias="alias/dr"))
    world.faults(denied=frozenset({("DescribeKey", WEST)}))
    row = only(verify(world, f"{WEST}=alias/dr"))
    assert (row.outcome, row.verified, kinds(row)) == (Outcome.ACCESS, None, ["unchecked"])
    assert "kms:DescribeKey" in (row.findings[0].hint or "")
    assert world.clock.sleeps == []


def test_kms_is_asked_once_for_each_key_however_long_it_takes(world: World) -> None:
    key = new_key(world, alias="alias/dr")
    replicated(world, key=key)
    world.faults(value_delay_s=20.0)
    put(world)
    row = only(verify(world, f"{WEST}=alias/dr"))
    assert row.verified is True
    asked = [subject for operation, _, subject in world.calls if operation == "DescribeKey"]
    assert sorted(asked) == sorted(set(asked))


# what may not be looked at


@pytest.mark.parametrize("region", [HOME, WEST])
def test_versions_that_may_not_be_listed_on_one_side_prove_nothing(world: World, region: str) -> None:
    arn = replicated(world)
    world.faults(denied=frozenset({("ListSecretVersionIds", region)}))
    row = only(verify(world))
    assert (row.outcome, row.verified, kinds(row)) == (Outcome.ACCESS, None, ["unchecked"])
    assert row.findings[0].hint == f"allow secretsmanager:ListSecretVersionIds on {arn.replace(HOME, region)}"
    assert world.clock.sleeps == []


@pytest.mark.parametrize("region", [HOME, WEST])
def test_a_stale_version_is_seen_without_the_lists_too(world: World, region: str) -> None:
    replicated(world)
    world.faults(value_delay_s=FOR_EVER, denied=frozenset({("ListSecretVersionIds", region)}))
    put(world)
    row = only(verify(world, timeout_s=5.0))
    assert (row.outcome, row.verified) == (Outcome.ACCESS, False)
    assert set(kinds(row)) == {"stale", "unchecked"}


def test_a_region_that_may_not_be_looked_into_is_unchecked(world: World) -> None:
    replicated(world)
    world.faults(denied=frozenset({("DescribeSecret", WEST)}))
    row = only(verify(world))
    assert (row.outcome, row.verified, kinds(row), row.arn) == (Outcome.ACCESS, None, ["unchecked"], None)
    assert row.status == "InSync"
    assert world.clock.sleeps == []


def test_a_region_that_is_not_listed_and_may_not_be_looked_into_is_a_denied_look(world: World) -> None:
    replicated(world)
    world.faults(denied=frozenset({("DescribeSecret", IRELAND)}))
    row = only(verify(world, IRELAND, timeout_s=0.0))
    assert kinds(row) == ["missing", "unchecked"]
    assert (row.outcome, row.verified is True) == (Outcome.ACCESS, False)


def test_a_region_that_the_account_has_not_enabled_is_no_matter_of_waiting(world: World) -> None:
    replicated(world)
    world.faults(disabled_regions=frozenset({WEST}))
    row = only(verify(world, timeout_s=60.0))
    assert (row.outcome, row.verified, kinds(row)) == (Outcome.ACCESS, None, ["unchecked"])
    assert world.clock.sleeps == []


def test_a_region_in_outage_is_pending_at_the_deadline(world: World) -> None:
    replicated(world, WEST, IRELAND)
    world.faults(outages=frozenset({WEST}))
    (secret,) = verify(world, timeout_s=30.0)
    assert [(row.outcome, row.verified) for row in secret.replicas] == [(Outcome.PENDING, None), (Outcome.OK, True)]
    assert sum(world.clock.sleeps) == pytest.approx(30.0)
    assert world.count("DescribeSecret", IRELAND) == 1  # what is proved is not looked at again


def test_an_outage_that_ends_is_waited_out(world: World) -> None:
    replicated(world)
    world.faults(outages=frozenset({WEST}))

    def mend(_operation: str, _region: str) -> None:
        if len(world.clock.sleeps) == 3:
            world.faults()

    world.on_call = mend
    assert only(verify(world)).verified is True


def test_a_primary_that_is_asked_too_often_or_does_not_answer_is_a_tick_without_news(world: World) -> None:
    replicated(world)
    run = verification(world)

    def disturb(operation: str, region: str) -> None:
        if (operation, region) == ("DescribeSecret", HOME) and 1 <= len(world.clock.sleeps) <= 2:
            raise Unanswered("connection was closed", "prod/db in us-east-1")

    world.faults(value_delay_s=10.0)
    put(world)
    world.on_call = disturb
    for _ in run.act():
        pass
    assert only(run.secrets()).verified is True


def test_a_primary_that_nobody_can_ask_after_the_first_look_is_pending_and_proves_nothing(world: World) -> None:
    replicated(world)
    run = verification(world, timeout_s=10.0)
    acting = run.act()
    world.lose["DescribeSecret"] = ["", *["before"] * 50]
    for _ in acting:
        pass
    row = only(run.secrets())
    assert (row.outcome, row.verified, row.arn) == (Outcome.PENDING, None, None)


def test_a_primary_that_may_not_be_described_any_more_is_told(world: World) -> None:
    replicated(world)
    world.faults(value_delay_s=FOR_EVER)
    put(world)

    def forbid(operation: str, region: str) -> None:
        if (operation, region) == ("DescribeSecret", HOME) and len(world.clock.sleeps) == 2:
            raise Denied("no", code="AccessDeniedException")

    world.on_call = forbid
    (secret,) = verify(world)
    assert secret.error is not None
    assert (secret.error.code, secret.outcome) == ("AccessDeniedException", Outcome.ACCESS)


@pytest.mark.parametrize("operation", ["DescribeSecret", "ListSecretVersionIds", "DescribeKey"])
def test_credentials_that_expire_end_the_run_with_nothing_proved(world: World, operation: str) -> None:
    replicated(world, key=new_key(world, alias="alias/dr"))

    def expire(called: str, region: str) -> None:
        if (called, region) == (operation, WEST):
            raise CredentialsError("expired", code="ExpiredTokenException")

    world.on_call = expire
    run = verification(world, f"{WEST}=alias/dr")
    with pytest.raises(CredentialsError):
        for _ in run.act():
            pass
    assert only(run.secrets()).verified is not True


# what bears the name in the target


def foreign(world: World) -> None:
    world.create()
    world.create(region=IRELAND)
    world.call("ReplicateSecretToRegions", IRELAND, SecretId="prod/db", AddReplicaRegions=[{"Region": WEST}])
    world.clock.time += 10
    no_entry_but("InSync", world)


def promoted(world: World) -> None:
    replicated(world)
    world.call("StopReplicationToReplica", WEST, SecretId="prod/db")


def namesake(world: World) -> None:
    world.create()
    world.create(region=WEST)
    no_entry_but("InSync", world)


def marked(world: World) -> None:
    promoted(world)
    world.call("DeleteSecret", WEST, SecretId="prod/db")


def vanished(world: World) -> None:
    world.create()
    no_entry_but("InSync", world)


def unlisted(world: World) -> None:
    world.create()
    world.replicate_by_hand(IRELAND)


def leaving(world: World) -> None:
    replicated(world)
    world.faults(removal_delay_s=FOR_EVER)
    world.call("RemoveRegionsFromReplication", SecretId="prod/db", RemoveReplicaRegions=[WEST])


@pytest.mark.parametrize(
    ("scene", "kind"),
    [
        (foreign, "orphan"),
        (promoted, "promoted"),
        (namesake, "name_clash"),
        (marked, "pending_deletion"),
        (vanished, "missing"),
        (unlisted, "missing"),
        (leaving, "removing"),
    ],
)
def test_what_is_not_our_replica_is_a_difference(world: World, scene: Callable[[World], None], kind: str) -> None:
    scene(world)
    row = only(verify(world, WEST))
    assert (row.outcome, row.verified, kinds(row)) == (Outcome.DRIFT, False, [kind])
    assert row.error is None
    if kind in ("missing", "removing"):
        assert 15.0 <= sum(world.clock.sleeps) <= 21.0  # as long as a list may lag, and not to the deadline
    else:
        assert world.clock.sleeps == []  # what bears the name is seen, and no list says so


@pytest.mark.parametrize("scene", [foreign, promoted, namesake, marked, vanished, unlisted])
def test_what_is_not_our_replica_has_no_arn_of_ours(world: World, scene: Callable[[World], None]) -> None:
    scene(world)
    assert only(verify(world, WEST, timeout_s=0.0)).arn is None


def test_a_failed_region_is_failed_and_not_waited_for(world: World) -> None:
    world.create()
    world.faults(failures={WEST: "Replication failed: no luck"})
    world.replicate_by_hand(WEST)
    row = only(verify(world))
    assert (row.outcome, row.verified, row.status, kinds(row)) == (Outcome.FAILED, False, "Failed", ["failed"])
    assert row.error is not None
    assert "smrep retry prod/db" in (row.error.hint or "")
    assert world.clock.sleeps == []


def test_a_failed_region_is_failed_also_where_nobody_may_look(world: World) -> None:
    world.create()
    world.faults(failures={WEST: "Replication failed: no luck"})
    world.replicate_by_hand(WEST)
    world.faults(denied=frozenset({("DescribeSecret", WEST), ("ListSecretVersionIds", HOME)}))
    assert only(verify(world)).outcome is Outcome.FAILED


@pytest.mark.parametrize("word", ["Reticulating", "Pending", "Detached", "insync", "INSYNC", ""])
def test_an_unknown_word_is_never_verified(world: World, word: str) -> None:
    replicated(world)
    no_entry_but(word, world)
    row = only(verify(world, timeout_s=5.0))
    assert (row.outcome, row.verified, row.status or "") == (Outcome.PENDING, False, word)


# which secret


def test_a_secret_without_replicas_has_nothing_to_verify(world: World) -> None:
    world.create()
    (secret,) = verify(world)
    assert secret.error is not None
    assert (secret.error.code, secret.outcome, secret.replicas) == ("NoReplicas", Outcome.FAILED, ())


def test_a_replica_is_followed_to_its_primary(world: World) -> None:
    arn = replicated(world)
    (secret,) = verify(world, home=WEST)
    assert (secret.arn, secret.primary_region, only((secret,)).verified) == (arn, HOME, True)
    assert "is a replica; its primary in us-east-1" in secret.notes[0]


def test_a_replica_whose_primary_is_gone_is_an_orphan(world: World) -> None:
    replicated(world)
    world.call("RemoveRegionsFromReplication", SecretId="prod/db", RemoveReplicaRegions=[WEST])
    world.call("DeleteSecret", SecretId="prod/db", ForceDeleteWithoutRecovery=True)
    world.clock.time += 60
    row = only(verify(world, home=WEST))
    assert (row.outcome, row.verified, kinds(row)) == (Outcome.FAILED, None, ["orphan"])


def test_a_replica_whose_primarys_region_does_not_answer_proves_nothing(world: World) -> None:
    replicated(world)
    world.faults(outages=frozenset({HOME}))
    row = only(verify(world, home=WEST, timeout_s=10.0))
    assert (row.outcome, row.verified, kinds(row)) == (Outcome.PENDING, None, ["is_replica"])


def test_a_primary_marked_for_deletion_is_refused(world: World) -> None:
    world.create()
    world.call("DeleteSecret", SecretId="prod/db")
    (secret,) = verify(world, WEST)
    assert secret.error is not None
    assert (secret.error.code, secret.outcome) == ("pending_deletion", Outcome.FAILED)


def test_a_primary_that_may_not_be_described_is_access(world: World) -> None:
    replicated(world)
    world.faults(denied=frozenset({("DescribeSecret", HOME)}))
    (secret,) = verify(world)
    assert (secret.outcome, secret.replicas) == (Outcome.ACCESS, ())


def test_the_primarys_own_region_is_a_mistake(world: World) -> None:
    replicated(world)
    with pytest.raises(UsageError, match="own Region"):
        verify(world, HOME)


def test_another_account_than_expected_is_a_mistake(world: World) -> None:
    replicated(world)
    run = verification(world)
    run.expect_account = "999999999999"
    with pytest.raises(UsageError, match="999999999999"):
        next(run.act())


def test_a_failed_region_that_was_not_asked_for_is_a_note(world: World) -> None:
    world.create()
    world.faults(failures={IRELAND: "Replication failed: no luck"})
    world.replicate_by_hand(WEST, IRELAND)
    (secret,) = verify(world, WEST)
    assert (secret.outcome, len(secret.replicas)) == (Outcome.OK, 1)
    assert "has Failed in eu-west-1" in secret.notes[0]


# at the end of replicate


def test_replicate_verifies_what_it_made_and_what_it_kept(world: World) -> None:
    replicated(world)
    (secret,) = replicate(world, WEST, IRELAND, verify=True)
    assert [(row.action, row.verified, row.outcome) for row in secret.replicas] == [
        ("keep", True, Outcome.OK),
        ("add", True, Outcome.OK),
    ]


def test_replicate_without_verify_has_looked_at_nothing_of_the_kind(world: World) -> None:
    world.create()
    row = only(replicate(world, WEST))
    assert row.verified is None
    assert world.count("ListSecretVersionIds", WEST) == 0


def test_replicate_verify_waits_for_a_kept_replica_that_is_stale(world: World) -> None:
    replicated(world)
    world.faults(value_delay_s=20.0)
    put(world)
    row = only(replicate(world, WEST, verify=True))
    assert (row.verified, row.outcome, row.changed) == (True, Outcome.OK, False)


def test_replicate_verify_tells_a_kept_replica_that_stays_stale(world: World) -> None:
    replicated(world)
    world.faults(value_delay_s=FOR_EVER)
    put(world)
    row = only(replicate(world, WEST, verify=True, timeout_s=20.0))
    assert (row.verified, row.outcome, kinds(row), row.status) == (False, Outcome.DRIFT, ["stale"], "InSync")


def test_replicate_verify_does_not_prove_what_failed_or_was_stopped(world: World) -> None:
    world.create()
    world.create(region=IRELAND)
    world.faults(failures={WEST: "Replication failed: no luck"})
    (secret,) = replicate(world, WEST, IRELAND, "sa-east-1", verify=True)
    assert [(row.verified, row.outcome) for row in secret.replicas] == [
        (None, Outcome.FAILED),
        (None, Outcome.FAILED),
        (True, Outcome.OK),
    ]


@pytest.mark.parametrize("region", [HOME, WEST])
def test_replicate_verify_that_may_not_list_versions_is_access(world: World, region: str) -> None:
    world.create()
    world.faults(denied=frozenset({("ListSecretVersionIds", region)}))
    row = only(replicate(world, WEST, verify=True))
    assert (row.verified, row.outcome, row.status, row.changed) == (None, Outcome.ACCESS, "InSync", True)
    assert set(kinds(row)) == {"unchecked"}


def test_replicate_verify_tells_another_key_once(world: World) -> None:
    replicated(world)
    key = new_key(world, alias="alias/dr")
    row = only(replicate(world, f"{WEST}={key}", verify=True))
    assert (row.verified, row.outcome, set(kinds(row))) == (False, Outcome.DRIFT, {"wrong_key"})
    messages = [each.message for each in row.findings]
    assert len(messages) == len(set(messages))


def test_replicate_verify_finds_no_less_than_replicate_does(world: World) -> None:
    replicated(world, key=new_key(world))
    plain = only(replicate(world, f"{WEST}=alias/nowhere"))
    proved = only(replicate(world, f"{WEST}=alias/nowhere", verify=True, timeout_s=30.0))
    assert (plain.outcome, kinds(plain)) == (Outcome.DRIFT, ["wrong_key"])
    assert (proved.outcome, set(kinds(proved))) == (Outcome.DRIFT, {"wrong_key"})


def test_a_dry_run_verifies_nothing(world: World) -> None:
    replicated(world)
    row = only(prepare(world, request_for(WEST, verify=True)).secrets(dry_run=True))
    assert (row.verified, row.outcome) == (None, Outcome.OK)


def test_retry_verifies_what_it_mended(world: World) -> None:
    replicated(world)
    world.faults(failures={WEST: "Replication failed: no luck"})
    put(world)
    world.clock.time += 10
    world.faults()
    row = only(verify(world))
    assert row.status == "Failed"  # it holds the old value still
    row = only(replicate(world, retry=True, verify=True))
    assert (row.action, row.verified, row.outcome) == ("retry", True, Outcome.OK)


def test_secrets_are_proved_together(world: World) -> None:
    names = ("a", "b", "c")
    for name in names:
        world.create(name)
        world.replicate_by_hand(WEST, name=name)
    world.faults(value_delay_s=20.0)
    for name in names:
        world.call("PutSecretValue", SecretId=name, SecretString="newer")
    secrets = verify(world, names=names)
    assert [only((each,)).verified for each in secrets] == [True] * 3
    assert sum(world.clock.sleeps) <= 26.0


def test_addresses_that_lead_to_one_secret_are_one(world: World) -> None:
    arn = replicated(world)
    assert len(at_home("prod/db", arn)) == 2
    assert len(verify(world, names=("prod/db", arn))) == 1


def test_no_value_was_ever_read(world: World) -> None:
    replicated(world, key=new_key(world, alias="alias/dr"))
    world.faults(value_delay_s=5.0)
    put(world)
    verify(world, f"{WEST}=alias/dr")
    replicate(world, WEST, IRELAND, verify=True)
    assert {call.operation for call in world.simulator.log}.isdisjoint({"GetSecretValue", "BatchGetSecretValue"})


def test_targets_are_looked_at_as_they_were_asked_for(world: World) -> None:
    replicated(world, WEST, IRELAND)
    run = verification(world, IRELAND, WEST)
    assert run.targets == (Target(IRELAND), Target(WEST))
    for _ in run.act():
        pass
    assert [row.region for row in run.secrets()[0].replicas] == [IRELAND, WEST]
