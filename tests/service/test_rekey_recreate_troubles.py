"""`rekey --recreate` on the simulator: calls that are denied, lost or refused on the way."""

from __future__ import annotations

import pytest
from fakes import HOME, WEST, FakeAws, is_there, new_key, only, replicated
from service.rekey_scene import DEFAULT, REPLICATE, RESUME, error_of, key_of, prepare, rekey

from smrep.errors import CredentialsError, Outcome
from smrep.report import Action
from smrep.rules.run_outcome import resume_commands


def test_a_removal_that_is_denied_leaves_everything_as_it_was(aws: FakeAws) -> None:
    replicated(aws)
    new_key(aws, "alias/new")
    aws.faults(denied=frozenset({("RemoveRegionsFromReplication", HOME)}))
    (secret,) = rekey(aws, recreate=True)
    row = only((secret,))
    assert (row.outcome, row.action, row.changed) == (Outcome.ACCESS, Action.REKEY, False)
    assert error_of(row)[2].startswith("allow secretsmanager:RemoveRegionsFromReplication")
    assert (is_there(aws), key_of(aws), aws.count("ReplicateSecretToRegions")) == (True, DEFAULT, 0)


def test_a_removal_that_never_arrives_has_changed_nothing(aws: FakeAws) -> None:
    replicated(aws)
    new_key(aws, "alias/new")
    aws.lose["RemoveRegionsFromReplication"] = ["before"] * 9
    (secret,) = rekey(aws, recreate=True, timeout_s=120.0)
    row = only((secret,))
    assert (is_there(aws), key_of(aws)) == (True, DEFAULT)
    assert row.changed is False
    assert row.outcome is not Outcome.OK


def test_the_notes_of_a_removal_that_was_never_answered_are_told(aws: FakeAws) -> None:
    replicated(aws)
    new_key(aws, "alias/new")
    aws.lose["RemoveRegionsFromReplication"] = ["before"] * 9
    (secret,) = rekey(aws, recreate=True, timeout_s=120.0)
    assert any("no answer came to the request for removal" in note for note in secret.notes)


def test_an_answer_to_the_removal_that_is_lost_is_looked_for(aws: FakeAws) -> None:
    replicated(aws)
    new_key(aws, "alias/new")
    aws.faults(removal_delay_s=5.0)
    aws.lose["RemoveRegionsFromReplication"] = ["after"]
    row = only(rekey(aws, recreate=True))
    assert (row.outcome, row.changed, row.verified) == (Outcome.OK, True, True)
    assert aws.count("RemoveRegionsFromReplication") == 1


@pytest.mark.parametrize("cause", ["denied", "refused"])
def test_a_replication_that_aws_refuses_after_the_removal_names_what_brings_the_replica_back(
    aws: FakeAws, cause: str
) -> None:
    replicated(aws)
    key = new_key(aws, "alias/new")
    run = prepare(aws, f"{WEST}=alias/new", recreate=True)
    if cause == "denied":
        aws.faults(denied=frozenset({("ReplicateSecretToRegions", HOME)}), removal_delay_s=0.0)
    else:
        aws.faults(removal_delay_s=0.0)
        aws.simulator.set_key_state(key, WEST, "Disabled")
    for _ in run.act():
        pass
    row = only(run.secrets())
    assert row.outcome is (Outcome.ACCESS if cause == "denied" else Outcome.FAILED)
    assert (row.changed, row.arn, row.verified, is_there(aws)) == (True, None, None, False)
    assert REPLICATE in error_of(row)[2]  # there is no secret in that Region now


def test_a_replication_that_fails_after_the_removal_is_told_with_awss_words(aws: FakeAws) -> None:
    replicated(aws)
    new_key(aws, "alias/new")
    aws.faults(removal_delay_s=0.0, failures={WEST: "Replication failed: no luck"})
    row = only(rekey(aws, recreate=True))
    assert (row.outcome, row.status, row.changed, row.arn) == (Outcome.FAILED, "Failed", True, None)
    assert "no luck" in error_of(row)[1]


def test_credentials_that_expire_between_removal_and_replication_leave_the_command(aws: FakeAws) -> None:
    replicated(aws)
    new_key(aws, "alias/new")
    aws.faults(removal_delay_s=5.0)
    run = prepare(aws, f"{WEST}=alias/new", recreate=True)

    def expire(operation: str, _region: str) -> None:
        if operation == "DescribeSecret" and not is_there(aws):
            raise CredentialsError("no", code="ExpiredTokenException")

    aws.on_call = expire
    with pytest.raises(CredentialsError):
        list(run.act())
    (secret,) = run.secrets()
    assert only((secret,)).outcome is Outcome.PENDING
    assert resume_commands((secret,)) == RESUME


def test_a_primary_that_does_not_answer_after_the_removal_leaves_the_command(aws: FakeAws) -> None:
    replicated(aws)
    new_key(aws, "alias/new")
    aws.faults(removal_delay_s=5.0)
    run = prepare(aws, f"{WEST}=alias/new", recreate=True)

    def fail(operation: str, region: str) -> None:
        if operation == "DescribeSecret" and region == HOME and not is_there(aws):
            aws.lose["DescribeSecret"] = []
            aws.faults(denied=frozenset({("DescribeSecret", HOME)}))

    aws.on_call = fail
    for _ in run.act():
        pass
    (secret,) = run.secrets()
    assert secret.outcome is Outcome.ACCESS
    assert secret.error is not None
    assert resume_commands((secret,)) == RESUME
