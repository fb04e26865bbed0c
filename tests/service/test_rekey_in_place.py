"""`rekey` on the simulator: a key is changed in place, and proved by reading back."""

from __future__ import annotations

from typing import Any

import pytest
from fakes import HOME, IRELAND, WEST, FakeAws, kinds, new_key, only, replicated
from service.rekey_scene import DEFAULT, error_of, key_of, keys_of_versions, prepare, rekey, writes

from smrep.errors import Outcome
from smrep.regions import Region
from smrep.report import Action
from smrep.rules.run_outcome import resume_commands


def test_the_key_changes_in_place_with_one_call_into_the_replicas_region(aws: FakeAws) -> None:
    arn = replicated(aws)
    new_key(aws, "alias/new")
    (secret,) = rekey(aws)
    row = only((secret,))
    assert (row.outcome, row.action, row.changed, row.verified) == (Outcome.OK, Action.REKEY, True, True)
    assert (row.status, row.error, kinds(row), row.kms_key_id) == ("InSync", None, [], "alias/new")
    there = arn.replace(HOME, WEST)
    assert (row.arn, secret.arn, secret.outcome) == (there, arn, Outcome.OK)
    assert writes(aws) == [("UpdateSecret", WEST, {"SecretId": there, "KmsKeyId": "alias/new"})]
    assert (key_of(aws), keys_of_versions(aws)) == ("alias/new", {"alias/new"})
    assert aws.call("GetSecretValue", WEST, SecretId="prod/db")["SecretString"] == "s3cret"


@pytest.mark.parametrize("follows", [True, False])
def test_it_is_proved_at_the_replica_whatever_the_primarys_list_shows(aws: FakeAws, follows: bool) -> None:
    replicated(aws)
    new_key(aws, "alias/new")
    aws.faults(primary_shows_rekey=follows)
    row = only(rekey(aws))
    assert (row.outcome, row.changed, row.verified, row.kms_key_id) == (Outcome.OK, True, True, "alias/new")
    (entry,) = aws.call("DescribeSecret", SecretId="prod/db")["ReplicationStatus"]
    assert entry["KmsKeyId"] == ("alias/new" if follows else DEFAULT)
    again = only(rekey(aws))
    assert (again.outcome, again.action, again.changed, again.verified) == (Outcome.OK, Action.KEEP, False, True)
    assert writes(aws) == []


@pytest.mark.parametrize("shown", ["alias", "id", "arn", "alias_arn"])
@pytest.mark.parametrize("asked", ["alias", "id", "arn", "alias_arn"])
def test_a_replica_under_that_key_already_is_kept_however_both_spell_it(aws: FakeAws, asked: str, shown: str) -> None:
    arn = new_key(aws, "alias/new")
    spelled = {
        "alias": "alias/new",
        "id": arn.split("/")[1],
        "arn": arn,
        "alias_arn": "arn:aws:kms:us-west-2:123456789012:alias/new",
    }
    replicated(aws, key=spelled[shown])
    row = only(rekey(aws, f"{WEST}={spelled[asked]}"))
    assert (row.outcome, row.action, row.changed, row.verified) == (Outcome.OK, Action.KEEP, False, True)
    assert (kinds(row), row.error, writes(aws)) == ([], None, [])


def test_running_again_changes_nothing(aws: FakeAws) -> None:
    replicated(aws)
    new_key(aws, "alias/new")
    rekey(aws)
    row = only(rekey(aws))
    assert (row.outcome, row.action, row.changed, row.verified) == (Outcome.OK, Action.KEEP, False, True)
    assert writes(aws) == []


def test_old_versions_in_use_come_under_the_new_key_too(aws: FakeAws) -> None:
    replicated(aws, key=new_key(aws))
    aws.call("PutSecretValue", SecretId="prod/db", SecretString="newer")
    aws.clock.time += 10
    new_key(aws, "alias/new")
    row = only(rekey(aws))
    assert (row.outcome, row.verified, keys_of_versions(aws)) == (Outcome.OK, True, {"alias/new"})


def test_back_to_the_default_key(aws: FakeAws) -> None:
    replicated(aws, key=new_key(aws, "alias/old"))
    row = only(rekey(aws, f"{WEST}=alias/aws/secretsmanager"))
    assert (row.outcome, row.changed, row.verified) == (Outcome.OK, True, True)
    assert [params["KmsKeyId"] for _, _, params in writes(aws)] == [DEFAULT]
    assert keys_of_versions(aws) == {"DefaultEncryptionKey"}


def test_the_default_key_by_the_managed_keys_arn_is_no_change(aws: FakeAws) -> None:
    replicated(aws)
    managed = aws.call("DescribeKey", WEST, service="kms", KeyId=DEFAULT)["KeyMetadata"]["Arn"]
    row = only(rekey(aws, f"{WEST}={managed}"))
    assert (row.action, row.changed, row.verified, writes(aws)) == (Action.KEEP, False, True, [])


def test_a_replica_whose_answer_lags_is_waited_for(aws: FakeAws) -> None:
    replicated(aws)
    new_key(aws, "alias/new")
    lagging(aws, 6.0)
    row = only(rekey(aws))
    assert (row.outcome, row.changed, row.verified) == (Outcome.OK, True, True)
    assert aws.count("UpdateSecret") == 1


def lagging(aws: FakeAws, seconds: float) -> None:
    """Let the replica go on showing its old key, and its versions', for so long."""
    from dataclasses import replace

    until = aws.clock.time + seconds
    describe, versions = aws.describe, aws.versions
    before = describe("prod/db", Region(WEST)), versions("prod/db", Region(WEST))

    def old(region: str) -> bool:
        return region == WEST and aws.clock.time < until

    def described(secret_id: str, region: Region) -> Any:
        found = describe(secret_id, region)
        return replace(found, kms_key_id=before[0].kms_key_id) if old(region) else found

    def listed(secret_id: str, region: Region) -> Any:
        return before[1] if old(region) else versions(secret_id, region)

    aws.describe = described  # type: ignore[method-assign]  # the simulator has no lag of a replica's own
    aws.versions = listed  # type: ignore[method-assign]


def test_a_lag_that_outlasts_the_deadline_is_pending_and_no_failure(aws: FakeAws) -> None:
    replicated(aws)
    new_key(aws, "alias/new")
    lagging(aws, 6.0)
    (secret,) = rekey(aws, timeout_s=2.0)
    row = only((secret,))
    assert row.changed is True
    assert (row.outcome, row.error) == (Outcome.PENDING, None)  # the answer may be older than the change
    assert (
        resume_commands((secret,))
        == "to resume:\n  smrep rekey prod/db --primary-region us-east-1 -r us-west-2=alias/new"
    )


def test_several_regions_and_one_that_fails_does_not_stop_the_others(aws: FakeAws) -> None:
    replicated(aws, WEST, IRELAND)
    new_key(aws, "alias/new")
    new_key(aws, "alias/new", IRELAND)
    aws.faults(denied=frozenset({("UpdateSecret", IRELAND)}))
    (secret,) = rekey(aws, f"{WEST}=alias/new", f"{IRELAND}=alias/new")
    west, ireland = secret.replicas
    assert (west.outcome, west.changed, west.verified) == (Outcome.OK, True, True)
    assert (ireland.outcome, ireland.changed, ireland.verified) == (Outcome.ACCESS, False, False)
    assert secret.outcome is Outcome.ACCESS
    assert {region for _, region, _ in writes(aws)} == {WEST, IRELAND}


def test_a_region_that_is_stopped_does_not_stop_the_others(aws: FakeAws) -> None:
    replicated(aws, WEST)
    new_key(aws, "alias/new")
    (secret,) = rekey(aws, f"{WEST}=alias/new", f"{IRELAND}={DEFAULT}")
    west, ireland = secret.replicas
    assert (west.outcome, ireland.outcome, secret.outcome) == (Outcome.OK, Outcome.FAILED, Outcome.FAILED)
    assert [region for _, region, _ in writes(aws)] == [WEST]


def test_a_denial_names_every_permission_that_is_needed(aws: FakeAws) -> None:
    arn = replicated(aws)
    new_key(aws, "alias/new")
    aws.faults(denied=frozenset({("UpdateSecret", WEST)}))
    row = only(rekey(aws))
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
    assert key_of(aws) == DEFAULT


# a dry run


@pytest.mark.parametrize("recreate", [False, True])
def test_a_plan_is_all_that_a_dry_run_makes(aws: FakeAws, recreate: bool) -> None:
    replicated(aws)
    new_key(aws, "alias/new")
    run = prepare(aws, f"{WEST}=alias/new", recreate=recreate)
    row = only(run.secrets(dry_run=True))
    assert (row.outcome, row.action, row.changed, row.error) == (Outcome.OK, Action.REKEY, False, None)
    assert not run.was_sent
