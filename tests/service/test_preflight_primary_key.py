"""What is checked before anything is sent: the primary's key and its old versions."""

from __future__ import annotations

import pytest
from fakes import HOME, IRELAND, WEST, FakeAws, kinds, new_key, only, the
from service.preflight_scene import primary_under
from service.replicate_scene import replicate

from smrep.errors import Outcome
from smrep.report import Action


@pytest.mark.parametrize("state", ["Disabled", "PendingDeletion"])
def test_a_bad_key_of_the_primary_stops_every_region(aws: FakeAws, state: str) -> None:
    key = new_key(aws, region=HOME)
    primary_under(aws, key)
    aws.simulator.set_key_state(key, HOME, state)
    (secret,) = replicate(aws, WEST, IRELAND)
    for row in secret.replicas:
        assert (row.outcome, row.status, kinds(row)) == (Outcome.FAILED, None, ["key_disabled"])
        assert row.error is not None
        assert (row.error.code, key in row.error.message, HOME in row.error.message) == ("key_disabled", True, True)
    assert aws.sent() == []


def test_without_preflight_a_bad_key_of_the_primary_fails_every_region(aws: FakeAws) -> None:
    key = new_key(aws, region=HOME)
    primary_under(aws, key)
    aws.simulator.set_key_state(key, HOME, "Disabled")
    (secret,) = replicate(aws, WEST, IRELAND, preflight=False)
    assert [(row.status, row.outcome) for row in secret.replicas] == [("Failed", Outcome.FAILED)] * 2
    assert all(row.error and "smrep retry prod/db" in (row.error.hint or "") for row in secret.replicas)


def test_without_preflight_a_bad_key_of_the_primary_is_not_blamed_on_the_replicas(aws: FakeAws) -> None:
    key = new_key(aws, region=HOME)
    primary_under(aws, key)
    aws.simulator.set_key_state(key, HOME, "Disabled")
    row = only(replicate(aws, WEST, preflight=False))
    assert f"can't decrypt the secret value: {key} is disabled." in (row.status_message or "")
    assert row.error is not None
    assert "--region us-east-1" in (row.error.hint or "")
    assert "--key-id alias/aws/secretsmanager" not in (row.error.hint or "")


def old_version_under(aws: FakeAws, key: str) -> str:
    """Make a secret with a labelled version under `key`, while the secret itself has another by now."""
    primary_under(aws, key)
    old = str(aws.call("PutSecretValue", SecretId="prod/db", SecretString="old", VersionStages=["OLD"])["VersionId"])
    aws.call("UpdateSecret", SecretId="prod/db", KmsKeyId=new_key(aws, region=HOME))
    return old


def test_an_old_labelled_version_under_a_disabled_key_stops_every_region(aws: FakeAws) -> None:
    key = new_key(aws, region=HOME)
    version = old_version_under(aws, key)
    aws.simulator.set_key_state(key, HOME, "Disabled")
    (secret,) = replicate(aws, WEST, IRELAND)
    for row in secret.replicas:
        assert (row.outcome, row.status, kinds(row)) == (Outcome.FAILED, None, ["key_disabled"])
        finding = the(row, "key_disabled")
        assert version in finding.message
        assert "OLD" in finding.message
        assert f"aws kms enable-key --key-id {key} --region us-east-1" in (finding.hint or "")
    assert aws.sent() == []


def test_without_preflight_the_old_version_fails_them_all(aws: FakeAws) -> None:
    key = new_key(aws, region=HOME)
    old_version_under(aws, key)
    aws.simulator.set_key_state(key, HOME, "Disabled")
    row = only(replicate(aws, WEST, preflight=False))
    assert (row.status, key in (row.status_message or "")) == ("Failed", True)


def test_an_old_labelled_version_under_a_good_key_stops_nothing(aws: FakeAws) -> None:
    old_version_under(aws, new_key(aws, region=HOME))
    row = only(replicate(aws, WEST))
    assert (row.outcome, kinds(row)) == (Outcome.OK, [])


def test_an_old_version_without_a_label_stops_nothing(aws: FakeAws) -> None:
    key = new_key(aws, region=HOME)
    primary_under(aws, key)
    aws.call("UpdateSecret", SecretId="prod/db", KmsKeyId="")
    for _ in range(2):
        aws.call("PutSecretValue", SecretId="prod/db", SecretString="newer")
    aws.simulator.set_key_state(key, HOME, "Disabled")
    row = only(replicate(aws, WEST))
    assert (row.outcome, kinds(row)) == (Outcome.OK, [])


def test_versions_that_may_not_be_listed_are_unchecked_and_nothing_more(aws: FakeAws) -> None:
    arn = aws.create()
    aws.faults(denied=frozenset({("ListSecretVersionIds", HOME)}))
    row = only(replicate(aws, WEST))
    assert (row.outcome, row.status, kinds(row)) == (Outcome.OK, "InSync", ["unchecked"])
    assert row.findings[0].hint == f"allow secretsmanager:ListSecretVersionIds on {arn}"


def test_the_primarys_key_is_looked_at_where_the_versions_may_not_be_listed(aws: FakeAws) -> None:
    key = new_key(aws, region=HOME)
    primary_under(aws, key)
    aws.simulator.set_key_state(key, HOME, "Disabled")
    aws.faults(denied=frozenset({("ListSecretVersionIds", HOME)}))
    row = only(replicate(aws, WEST))
    assert row.error is not None
    assert (row.error.code, set(kinds(row))) == ("key_disabled", {"key_disabled", "unchecked"})
    assert aws.sent() == []


def test_a_denied_look_at_the_primarys_key_is_unchecked_and_goes_on(aws: FakeAws) -> None:
    primary_under(aws, new_key(aws, region=HOME))
    aws.faults(denied=frozenset({("DescribeKey", HOME)}))
    (secret,) = replicate(aws, WEST, IRELAND)
    assert [(row.outcome, kinds(row)) for row in secret.replicas] == [(Outcome.OK, ["unchecked"])] * 2


# what is not looked at


def test_kept_regions_cause_no_looks_at_keys(aws: FakeAws) -> None:
    primary_under(aws, new_key(aws, region=HOME))
    aws.replicate_by_hand(WEST)
    row = only(replicate(aws, WEST))
    assert row.action is Action.KEEP
    assert {operation for operation, _, _ in aws.calls} == {"DescribeSecret"}


def test_a_kept_region_beside_a_new_one_is_not_stopped_by_what_stops_the_new_one(aws: FakeAws) -> None:
    key = new_key(aws, region=HOME)
    primary_under(aws, key)
    aws.replicate_by_hand(WEST)
    aws.simulator.set_key_state(key, HOME, "Disabled")
    (secret,) = replicate(aws, WEST, IRELAND)
    kept, stopped = secret.replicas
    assert (kept.outcome, kept.action, kinds(kept)) == (Outcome.OK, Action.KEEP, [])
    assert stopped.error is not None
    assert stopped.error.code == "key_disabled"


def test_no_preflight_makes_none_of_these_calls(aws: FakeAws) -> None:
    primary_under(aws, new_key(aws, region=HOME))
    row = only(replicate(aws, f"{WEST}={new_key(aws)}", preflight=False))
    assert row.outcome is Outcome.OK
    called = list(dict.fromkeys((operation, region) for operation, region, _ in aws.calls))
    at_the_end = ("DescribeSecret", WEST)
    assert called == [("DescribeSecret", HOME), ("ReplicateSecretToRegions", HOME), at_the_end]
    assert aws.count(*at_the_end) == 1


def test_several_secrets_are_each_held_back_for_their_own_reasons(aws: FakeAws) -> None:
    key = new_key(aws, region=HOME)
    aws.create("bad", KmsKeyId=key)
    aws.create("good")
    aws.simulator.set_key_state(key, HOME, "Disabled")
    secrets = replicate(aws, WEST, names=("bad", "good"))
    assert [each.outcome for each in secrets] == [Outcome.FAILED, Outcome.OK]
