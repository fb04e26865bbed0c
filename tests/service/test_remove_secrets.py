"""`remove` on the simulator: which secrets and Regions are sent, and from which primary."""

from __future__ import annotations

import pytest
from fakes import HOME, IRELAND, SYDNEY, WEST, FakeAws, addresses_of, is_there
from service.remove_scene import REMOVE, listed, prepare, removals, remove, replicated

from smrep.errors import Outcome, UsageError
from smrep.rules.primary_region import SecretAddress


def test_several_regions_are_one_call(aws: FakeAws) -> None:
    regions = (WEST, IRELAND, SYDNEY, "eu-central-1", "sa-east-1")
    replicated(aws, *regions)
    (secret,) = remove(aws, *regions[:4])
    assert [row.region for row in secret.replicas] == list(regions[:4])
    assert {row.outcome for row in secret.replicas} == {Outcome.OK}
    assert removals(aws) == [list(regions[:4])]
    assert listed(aws) == ["sa-east-1"]
    assert is_there(aws, "sa-east-1")


def test_only_what_the_primary_lists_still_is_sent(aws: FakeAws) -> None:
    replicated(aws, WEST, IRELAND)
    aws.call(REMOVE, SecretId="prod/db", RemoveReplicaRegions=[WEST])
    (secret,) = remove(aws, WEST, IRELAND, SYDNEY)
    assert [(row.outcome, row.changed) for row in secret.replicas] == [
        (Outcome.OK, False),
        (Outcome.OK, True),
        (Outcome.OK, False),
    ]
    assert removals(aws)[1:] == [[IRELAND]]


def test_all_secrets_are_sent_first_and_then_waited_for_together(aws: FakeAws) -> None:
    names = [f"s{number}" for number in range(9)]
    for name in names:
        aws.create(name)
        aws.replicate_by_hand(WEST, name=name)
    aws.faults(removal_delay_s=30.0)
    started = aws.clock.time
    secrets = remove(aws, WEST, names=names)
    assert [secret.outcome for secret in secrets] == [Outcome.OK] * 9
    assert aws.clock.time - started <= 36.0
    assert not any(is_there(aws, WEST, name) for name in names)


def test_a_missing_secret_does_not_stop_the_others(aws: FakeAws) -> None:
    replicated(aws, removal_delay_s=1.0)
    secrets = remove(aws, WEST, names=("nowhere", "prod/db"))
    assert [secret.outcome for secret in secrets] == [Outcome.FAILED, Outcome.OK]
    assert secrets[0].error is not None
    assert secrets[0].error.code == "ResourceNotFoundException"


def test_a_secret_named_by_name_and_by_arn_is_removed_once(aws: FakeAws) -> None:
    arn = replicated(aws, removal_delay_s=1.0)
    (secret,) = remove(aws, WEST, names=("prod/db", arn))
    assert secret.outcome is Outcome.OK
    assert aws.count(REMOVE) == 1


def test_a_region_in_trouble_that_was_not_asked_for_is_a_note(aws: FakeAws) -> None:
    replicated(aws, removal_delay_s=1.0)
    aws.simulator.set_replication_status("prod/db", HOME, IRELAND, "Failed", "no luck")
    (secret,) = remove(aws, WEST)
    assert secret.outcome is Outcome.OK
    assert secret.notes == ("prod/db also Failed in eu-west-1, which you did not select: no luck",)
    assert listed(aws) == [IRELAND]


def test_nothing_more_is_sent_once_a_run_has_ended(aws: FakeAws) -> None:
    names = [f"s{number}" for number in range(9)]
    for name in names:
        aws.create(name)
        aws.replicate_by_hand(WEST, name=name)
    run = prepare(aws, WEST, names=names)
    acting = run.act()
    next(acting)
    acting.close()  # as an interrupt does
    assert aws.count(REMOVE) == 4
    assert sum(secret.replicas[0].changed for secret in run.secrets()) == 4
    assert run.was_sent


# the wrong primary


def test_a_replica_is_refused_with_the_command_to_run(aws: FakeAws) -> None:
    replicated(aws, WEST, IRELAND)
    (secret,) = remove(
        aws, IRELAND, addresses=(SecretAddress(addresses_of()[0].secret_id, WEST),), flags=("--timeout", "2m")
    )
    assert secret.error is not None
    assert (secret.outcome, secret.error.code, secret.replicas) == (Outcome.FAILED, "is_replica", ())
    assert secret.error.hint == (
        "use the primary:\n  smrep remove prod/db --primary-region us-east-1 -r eu-west-1 --timeout 2m"
    )
    assert aws.count(REMOVE) == 0


def test_a_replica_whose_primarys_region_was_to_be_cleared_is_sent_to_look_first(aws: FakeAws) -> None:
    replicated(aws)
    (secret,) = remove(aws, HOME, addresses=(SecretAddress(addresses_of()[0].secret_id, WEST),))
    assert secret.error is not None
    assert secret.error.hint == "use the primary:\n  smrep status prod/db --primary-region us-east-1"


def test_another_account_stops_before_any_write(aws: FakeAws) -> None:
    replicated(aws)
    with pytest.raises(UsageError, match="123456789012"):
        prepare(aws, WEST, expect_account="999999999999")
    assert removals(aws) == []


def test_a_primary_that_does_not_answer_is_told_and_nothing_is_sent(aws: FakeAws) -> None:
    replicated(aws, outages=frozenset({HOME}))
    (secret,) = remove(aws, WEST)
    assert secret.outcome is Outcome.FAILED
    assert aws.count(REMOVE) == 0


def test_nothing_but_describing_and_removing_is_asked_of_aws(aws: FakeAws) -> None:
    replicated(aws, WEST, IRELAND)
    aws.simulator.log.clear()
    aws.lose[REMOVE] = ["before"]
    remove(aws, WEST, IRELAND)
    assert {call.operation for call in aws.simulator.log} == {"DescribeSecret", REMOVE}
    assert {call.region for call in aws.simulator.log if call.operation == REMOVE} == {HOME}
