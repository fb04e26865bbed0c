"""`rekey --recreate` on the simulator: deadlines and interrupts between the removal and the replica anew."""

from __future__ import annotations

import pytest
from fakes import WEST, FakeAws, new_key, only, replicated
from service.rekey_scene import RESUME, prepare, rekey, writes

from smrep.errors import Outcome
from smrep.report import Action
from smrep.rules.run_outcome import interruption, resume_commands, timed_out


def test_a_deadline_before_the_replica_is_gone_is_pending_and_names_replicate(aws: FakeAws) -> None:
    replicated(aws)
    new_key(aws, "alias/new")
    aws.faults(removal_delay_s=30.0)
    (secret,) = rekey(aws, recreate=True, timeout_s=10.0)
    row = only((secret,))
    assert (row.outcome, row.action, row.changed, row.arn) == (Outcome.PENDING, Action.REKEY, True, None)
    assert [operation for operation, _, _ in writes(aws)] == ["RemoveRegionsFromReplication"]
    assert resume_commands((secret,)) == RESUME
    trouble = timed_out((secret,), 10.0, 10.0, "rekey")
    assert trouble is not None
    assert (trouble.outcome, trouble.hint) == (Outcome.PENDING, f"{RESUME} --timeout 1m")


def test_the_command_of_that_hint_makes_the_replica_anew(aws: FakeAws) -> None:
    from service.replicate_scene import replicate

    replicated(aws)
    new_key(aws, "alias/new")
    aws.faults(removal_delay_s=30.0)
    rekey(aws, recreate=True, timeout_s=10.0)
    row = only(replicate(aws, f"{WEST}=alias/new", verify=True))
    assert (row.outcome, row.status, row.kms_key_id, row.verified) == (Outcome.OK, "InSync", "alias/new", True)


def test_a_deadline_after_it_is_gone_still_lets_the_replication_be_sent(aws: FakeAws) -> None:
    """The Region has no secret now: a deadline is no reason to leave it so."""
    replicated(aws)
    new_key(aws, "alias/new")
    aws.faults(removal_delay_s=30.0, replication_delay_s=60.0)
    (secret,) = rekey(aws, recreate=True, timeout_s=30.5)
    row = only((secret,))
    assert [operation for operation, _, _ in writes(aws)] == [
        "RemoveRegionsFromReplication",
        "ReplicateSecretToRegions",
    ]
    assert (row.outcome, row.status, row.changed) == (Outcome.PENDING, "InProgress", True)
    assert resume_commands((secret,)) == RESUME


@pytest.mark.parametrize("ticks", [1, 2, 3, 5])
def test_an_interrupt_while_it_is_being_removed_names_replicate(aws: FakeAws, ticks: int) -> None:
    replicated(aws)
    new_key(aws, "alias/new")
    aws.faults(removal_delay_s=30.0)
    run = prepare(aws, f"{WEST}=alias/new", recreate=True)
    acting = run.act()
    for _ in range(ticks):
        next(acting)
    acting.close()
    trouble = interruption(run.secrets(), sent=run.was_sent, doing="changing the key")
    assert (trouble.outcome, trouble.hint) == (Outcome.INTERRUPTED, RESUME)
    assert [operation for operation, _, _ in writes(aws)] == ["RemoveRegionsFromReplication"]


def test_an_interrupt_at_any_moment_names_what_brings_the_replica_back(aws: FakeAws) -> None:
    """Wherever it is dropped: as long as the Region lacks a settled replica, the hint is to replicate."""
    moments = 0
    while True:
        moments += 1
        own = FakeAws()
        replicated(own)
        new_key(own, "alias/new")
        own.faults(removal_delay_s=6.0)
        run = prepare(own, f"{WEST}=alias/new", recreate=True)
        acting = run.act()
        if len([None for _, _ in zip(range(moments), acting, strict=False)]) < moments:
            break
        acting.close()
        trouble = interruption(run.secrets(), sent=run.was_sent, doing="changing the key")
        row = only(run.secrets())
        if row.outcome is not Outcome.OK:
            assert trouble.hint == RESUME
    assert moments > 5


def test_an_interrupt_before_the_removal_says_that_nothing_was_sent(aws: FakeAws) -> None:
    replicated(aws)
    new_key(aws, "alias/new")
    run = prepare(aws, f"{WEST}=alias/new", recreate=True)
    trouble = interruption(run.secrets(dry_run=True), sent=run.was_sent, doing="changing the key")
    assert (trouble.message, trouble.hint) == ("stopped; nothing was sent", None)
