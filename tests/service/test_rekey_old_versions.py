"""`rekey` on the simulator: versions that stay under the old key."""

from __future__ import annotations

from fakes import WEST, FakeAws, kinds, new_key, only, replicated
from service.rekey_scene import error_of, key_of, keys_of_versions, rekey, writes

from smrep.errors import Outcome
from smrep.report import Action


def left_behind(aws: FakeAws) -> str:
    """Replicate under a key that is then disabled, so that the version there can't be brought under another one."""
    old = new_key(aws)
    replicated(aws, key=old)
    aws.simulator.set_key_state(old, WEST, "Disabled")
    return old


def test_a_version_that_stays_under_the_old_key_is_a_failure_with_the_reason(aws: FakeAws) -> None:
    old = left_behind(aws)
    new_key(aws, "alias/new")
    row = only(rekey(aws))
    code, message, hint = error_of(row)
    assert (row.outcome, row.action, row.changed, row.verified) == (Outcome.FAILED, Action.REKEY, True, False)
    assert (code, kinds(row)) == ("wrong_key", ["wrong_key"])
    assert old in message
    assert "version " in message
    assert "kms:Decrypt" in hint
    assert "disabled" in hint
    assert "smrep rekey prod/db --primary-region us-east-1 -r us-west-2=alias/new" in hint
    assert key_of(aws) == "alias/new"


def test_once_the_old_key_is_fixed_the_same_command_brings_the_version_along(aws: FakeAws) -> None:
    old = left_behind(aws)
    new_key(aws, "alias/new")
    rekey(aws)
    aws.simulator.set_key_state(old, WEST, "Enabled")
    row = only(rekey(aws))
    assert (row.outcome, row.action, row.changed, row.verified) == (Outcome.OK, Action.REKEY, True, True)
    assert keys_of_versions(aws) == {"alias/new"}


def test_a_lost_request_for_an_old_version_alone_is_not_taken_for_carried_out(aws: FakeAws) -> None:
    """The replica shows the new key before and after, so its key alone tells nothing of the request."""
    old = left_behind(aws)
    new_key(aws, "alias/new")
    rekey(aws)
    aws.simulator.set_key_state(old, WEST, "Enabled")
    aws.lose["UpdateSecret"] = ["before"]
    row = only(rekey(aws))
    assert aws.count("UpdateSecret") == 2
    assert (row.outcome, row.changed, row.verified) == (Outcome.OK, True, True)


def test_a_request_for_an_old_version_that_never_arrives_has_changed_nothing(aws: FakeAws) -> None:
    old = left_behind(aws)
    new_key(aws, "alias/new")
    rekey(aws)
    aws.simulator.set_key_state(old, WEST, "Enabled")
    aws.lose["UpdateSecret"] = ["before"] * 9
    row = only(rekey(aws))
    assert (writes(aws), row.changed) == ([], False)


def test_a_version_with_a_label_of_its_own_stays_behind_and_the_hint_says_what_helps(aws: FakeAws) -> None:
    """AWS brings only AWSCURRENT, AWSPENDING and AWSPREVIOUS along (aws-behavior.md 1.8): no permission cures that."""
    replicated(aws, key=new_key(aws, "alias/old"))
    aws.call("PutSecretValue", SecretId="prod/db", SecretString="kept", VersionStages=["v1"])
    aws.clock.time += 10
    new_key(aws, "alias/new")
    row = only(rekey(aws))
    assert (row.outcome, row.changed, row.verified, error_of(row)[0]) == (Outcome.FAILED, True, False, "wrong_key")
    hint = error_of(row)[2]
    assert "--recreate" in hint or "label" in hint  # to type the same again can't help


def test_recreate_cures_a_version_that_can_not_be_brought_along(aws: FakeAws) -> None:
    left_behind(aws)
    new_key(aws, "alias/new")
    aws.faults(removal_delay_s=0.0)
    row = only(rekey(aws, recreate=True))
    assert (row.outcome, row.verified, keys_of_versions(aws)) == (Outcome.OK, True, {"alias/new"})
