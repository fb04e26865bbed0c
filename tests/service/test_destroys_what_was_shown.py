"""A write that destroys is not sent where others have changed, since it was shown, what it would destroy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fakes import HOME, IRELAND, WEST, FakeAws, is_there, new_key, only, replicated
from service import remove_scene as removing
from service.apply_scene import PROD, drafted, prepared, rows
from service.rekey_scene import prepare as prepare_rekey
from service.replicate_scene import prepare, request_for
from use_case_run import UseCaseRun, quiet

from smrep.errors import Outcome
from smrep.report import RegionReport
from smrep.rules.replication.region_step import Consent

REPLICATE, REMOVE = "ReplicateSecretToRegions", "RemoveRegionsFromReplication"
FORCE = Consent(force=True)


def ended(run: Any) -> Any:
    if isinstance(run, UseCaseRun):
        for _ in run.act():
            pass
    else:
        run.carry_out(quiet(run.scheduler.clock))
    return run


def skipped(row: RegionReport, *words: str) -> None:
    """Check that the row says that its Region was skipped, and why, with exit code 1."""
    assert row.error is not None
    assert (row.error.code, row.outcome, row.changed) == ("ChangedMeanwhile", Outcome.FAILED, False)
    assert row.outcome.exit_code == 1
    assert f"prod/db in {row.region} changed after it was shown, so it was skipped" in row.error.message
    assert all(word in row.error.message for word in words), row.error.message


def put(aws: FakeAws, region: str = WEST) -> None:
    aws.call("PutSecretValue", region, SecretId="prod/db", SecretString="newer")


def delete(aws: FakeAws, region: str = WEST) -> None:
    aws.call("DeleteSecret", region, SecretId="prod/db", ForceDeleteWithoutRecovery=True)
    aws.clock.time += 60


def make_anew(aws: FakeAws, region: str = WEST) -> None:
    delete(aws, region)
    aws.create(region=region)


def give_replica(aws: FakeAws) -> None:
    aws.call(REPLICATE, WEST, SecretId="prod/db", AddReplicaRegions=[{"Region": IRELAND}])
    aws.clock.time += 10


def schedule_deletion(aws: FakeAws) -> None:
    aws.call("DeleteSecret", WEST, SecretId="prod/db")


@pytest.mark.parametrize(
    ("deed", "words"),
    [
        (put, "its versions were changed"),
        (make_anew, "it is now arn:"),
        (delete, "no secret has that name now"),
        (give_replica, "it has replicas in eu-west-1"),
        (schedule_deletion, "its deletion was scheduled"),
    ],
)
def test_a_name_conflict_that_was_changed_during_the_prompt_is_not_overwritten(
    aws: FakeAws, deed: Callable[[FakeAws], None], words: str
) -> None:
    aws.create()
    aws.create(region=WEST)
    run = prepare(aws, request_for(WEST, consent=FORCE))
    deed(aws)
    row = only(ended(run).secrets())
    skipped(row, words)
    assert row.error is not None
    assert row.error.hint == (
        "try again:\n  smrep replicate prod/db --primary-region us-east-1 -r us-west-2 --force-overwrite"
    )
    assert aws.count(REPLICATE) == 0


def test_one_region_that_was_changed_stops_no_other(aws: FakeAws) -> None:
    aws.create()
    for region in (WEST, IRELAND):
        aws.create(region=region)
    run = prepare(aws, request_for(WEST, IRELAND, consent=FORCE))
    put(aws)
    west, ireland = ended(run).secrets()[0].replicas
    skipped(west)
    assert (ireland.outcome, ireland.changed) == (Outcome.OK, True)


def test_a_retry_overwrites_no_name_conflict_that_was_changed_since_it_was_shown(aws: FakeAws) -> None:
    aws.create()
    aws.create(region=WEST)
    aws.replicate_by_hand(WEST)
    run = prepare(aws, request_for(WEST, consent=FORCE, command="retry"))
    assert len(run.victims) == 1
    put(aws)
    skipped(only(ended(run).secrets()), "its versions were changed")
    assert aws.sent() == []


def test_a_victim_that_is_written_to_while_the_request_is_throttled_is_not_overwritten(aws: FakeAws) -> None:
    aws.create()
    aws.create(region=WEST)
    aws.create("busy")
    run = prepare(aws, request_for(WEST, consent=FORCE))

    def use_up(operation: str, _region: str) -> None:
        if operation == REPLICATE:
            aws.on_call = lambda _operation, _region: None
            aws.faults(write_quota=1)
            aws.call("PutSecretValue", SecretId="busy", SecretString="x")
            put(aws)

    aws.on_call = use_up
    skipped(only(ended(run).secrets()), "its versions were changed")


def test_the_arn_that_is_named_is_the_only_one_of_its_name_that_is_overwritten(aws: FakeAws) -> None:
    replicated(aws)
    aws.call("StopReplicationToReplica", WEST, SecretId="prod/db")
    named = str(aws.call("DescribeSecret", WEST, SecretId="prod/db")["ARN"])
    consent = Consent(force=True, arns=frozenset({named}))
    run = prepare(aws, request_for(WEST, consent=consent))
    assert [each.victim.arn for each in run.victims] == [named]
    make_anew(aws)
    skipped(only(ended(run).secrets()), named)
    again = prepare(aws, request_for(WEST, consent=consent))
    assert again.victims == ()
    error = only(ended(again).secrets()).error
    assert error is not None
    assert f"--overwrite-arn names {named}; it was not overwritten" in error.message
    assert aws.sent() == []


@pytest.mark.parametrize("command", ["replicate", "remove", "apply"])
def test_what_can_not_be_looked_at_again_is_not_destroyed(aws: FakeAws, command: str) -> None:
    if command == "replicate":
        aws.create()
        aws.create(region=WEST)
        run: Any = prepare(aws, request_for(WEST, consent=FORCE))
    else:
        replicated(aws)
        run = removing.prepare(aws, WEST) if command == "remove" else application(aws)
    aws.faults(denied=frozenset({("DescribeSecret", WEST)}))
    run = ended(run)
    row = next(each for each in found(run) if each.region == WEST)
    assert row.error is not None
    assert (row.error.code, row.outcome, row.changed) == ("unchecked", Outcome.ACCESS, False)
    assert not {REPLICATE, REMOVE} & {operation for operation, _, _ in aws.calls}


def application(aws: FakeAws) -> Any:
    aws.replicate_by_hand(IRELAND)
    return prepared(aws, drafted(aws, PROD | {"regions": [IRELAND], "remove_extra": True}))


def found(run: Any) -> list[RegionReport]:
    secrets = run.secrets() if hasattr(run, "secrets") else run.reports()
    return [row for secret in secrets for row in secret.replicas]


def promote(aws: FakeAws) -> None:
    aws.call("StopReplicationToReplica", WEST, SecretId="prod/db")
    put(aws)


def test_a_replica_that_was_promoted_and_written_to_during_the_prompt_is_not_removed(aws: FakeAws) -> None:
    replicated(aws, WEST, IRELAND)
    run = removing.prepare(aws, WEST, IRELAND)
    promote(aws)
    west, ireland = ended(run).secrets()[0].replicas
    skipped(west, "it was promoted")
    assert west.error is not None
    assert west.error.hint == "try again:\n  smrep remove prod/db --primary-region us-east-1 -r us-west-2"
    assert (ireland.outcome, ireland.note) == (Outcome.OK, "gone")
    assert removing.removals(aws) == [[IRELAND]]
    assert is_there(aws)


def test_what_came_where_nothing_was_shown_is_not_removed(aws: FakeAws) -> None:
    aws.create()
    aws.simulator.set_replication_status("prod/db", HOME, WEST, "Failed", "no luck")
    run = removing.prepare(aws, WEST)
    victim = aws.create(region=WEST)
    skipped(only(ended(run).secrets()), "no secret had that name", victim)
    assert removing.removals(aws) == []


@pytest.mark.parametrize("age_s", [0.0, 60.0])
def test_apply_removes_no_replica_that_was_promoted_since_the_plan(aws: FakeAws, age_s: float) -> None:
    replicated(aws)
    run = application(aws)
    promote(aws)
    aws.clock.time += age_s  # after so long apply looks again by itself, and finds what is there
    row = rows(ended(run).reports())["prod/db", WEST]
    assert row.error is not None
    assert row.error.code == ("promoted" if age_s else "ChangedMeanwhile")
    assert (row.outcome, removing.removals(aws), is_there(aws)) == (Outcome.FAILED, [], True)


def test_recreate_removes_no_replica_but_the_one_that_was_shown(aws: FakeAws) -> None:
    replicated(aws)
    new_key(aws, "alias/new")
    run = prepare_rekey(aws, f"{WEST}=alias/new", recreate=True)
    aws.call(REMOVE, SecretId="prod/db", RemoveReplicaRegions=[WEST])
    aws.clock.time += 60
    make_anew(aws, HOME)
    aws.replicate_by_hand(WEST)
    arn = aws.call("DescribeSecret", WEST, SecretId="prod/db")["ARN"]
    row = only(ended(run).secrets())
    skipped(row, str(arn))
    assert row.error is not None
    assert "smrep rekey prod/db" in (row.error.hint or "")
    assert removing.removals(aws) == [[WEST]]  # the other's own
