"""How long `apply` waits: from each secret's own request, and with --no-wait not at all."""

from __future__ import annotations

from itertools import pairwise

import pytest
from fakes import IRELAND, WEST, replicated
from service.apply_scene import PROD, AwsWithOutcomes, applied, by_name, drafted, prepared, raising, rows, writes
from use_case_run import UseCaseRun, quiet

from smrep.errors import Outcome, Throttled
from smrep.report import SecretReport

ADD = "ReplicateSecretToRegions"


@pytest.fixture
def aws() -> AwsWithOutcomes:
    aws = AwsWithOutcomes()
    for name in "abcdef":
        aws.create(f"prod/{name}")
    return aws


def outcomes(reports: list[SecretReport]) -> dict[str, Outcome]:
    return {name.removeprefix("prod/"): each.outcome for name, each in by_name(reports).items()}


def test_the_timeout_runs_from_each_secrets_own_request(aws: AwsWithOutcomes) -> None:
    """The last request goes out long after the first one's deadline, and has as much time as that one."""
    aws.faults(replication_delay_s=8.0)
    run = applied(aws, rate=0.1, timeout_s=15.0)
    sent = [call.ts for call in aws.simulator.log if call.operation == ADD]
    assert sent[-1] - sent[0] == pytest.approx(50.0, abs=1.0)
    assert set(outcomes(run.reports()).values()) == {Outcome.OK}


def test_what_is_open_at_its_deadline_is_named_and_what_is_settled_is_not(aws: AwsWithOutcomes) -> None:
    aws.faults(replication_delay_s=1000.0)
    replicated(aws, name="other/a")
    run = prepared(aws, drafted(aws, PROD, trusting=True), timeout_s=20.0)
    began = aws.clock.time
    run.carry_out(quiet(aws.clock))
    assert run.open_names == [f"prod/{name}" for name in "abcdef"]
    assert set(outcomes(run.reports()).values()) == {Outcome.PENDING}
    assert 20.0 <= aws.clock.time - began <= 21.0


def test_one_region_that_takes_longer_leaves_its_secret_open(aws: AwsWithOutcomes) -> None:
    aws.faults(replication_delay_by_region={IRELAND: 1000.0})
    run = applied(aws, PROD | {"regions": [WEST, IRELAND]}, timeout_s=20.0)
    found = rows(run.reports())
    assert {row.outcome for (_, region), row in found.items() if region == WEST} == {Outcome.OK}
    assert {row.outcome for (_, region), row in found.items() if region == IRELAND} == {Outcome.PENDING}
    assert len(run.open_names) == 6


def test_without_waiting_what_was_accepted_is_a_good_end(aws: AwsWithOutcomes) -> None:
    aws.faults(replication_delay_s=1000.0)
    run = applied(aws, wait=False)
    assert set(outcomes(run.reports()).values()) == {Outcome.ACCEPTED}
    assert Outcome.ACCEPTED.exit_code == 0
    assert len(writes(aws)) == 6


def test_what_is_throttled_for_ever_ends_at_its_timeout(aws: AwsWithOutcomes) -> None:
    aws.moods["prod/a"] = raising(Throttled("Rate exceeded", code="ThrottlingException"))
    began = aws.clock.time
    run = applied(aws, timeout_s=30.0, wait=False)
    found = outcomes(run.reports())
    assert found.pop("a") is Outcome.PENDING
    assert set(found.values()) == {Outcome.ACCEPTED}
    assert aws.clock.time - began < 40.0


def test_what_is_throttled_for_a_while_goes_through(aws: AwsWithOutcomes) -> None:
    aws.faults(write_quota=2)
    run = applied(aws, rate=50.0)
    assert set(outcomes(run.reports()).values()) == {Outcome.OK}
    refused = [call for call in aws.simulator.log if call.code == "ThrottlingException"]
    sent = [call for call in aws.simulator.log if call.operation == ADD and not call.code]
    assert (bool(refused), len(sent)) == (True, 6)


def test_a_timeout_of_nought_sends_and_looks_once(aws: AwsWithOutcomes) -> None:
    aws.faults(replication_delay_s=1000.0)
    run = applied(aws, timeout_s=0.0)
    assert len(writes(aws)) == 6
    assert set(outcomes(run.reports()).values()) == {Outcome.PENDING}


def test_looks_come_rarer_the_longer_it_takes(aws: AwsWithOutcomes) -> None:
    aws.faults(replication_delay_s=200.0)
    run = applied(aws, {"name": "a", "names": ["prod/a"], "regions": [WEST]})
    assert outcomes(run.reports()) == {"a": Outcome.OK}
    looks = [call.ts for call in aws.simulator.log if call.operation == "DescribeSecret"]
    gaps = [later - earlier for earlier, later in pairwise(looks[-20:])]
    assert all(4.9 <= gap <= 5.3 for gap in gaps)


def test_a_run_that_is_stopped_says_what_has_ended_what_is_open_and_what_was_not_begun(aws: AwsWithOutcomes) -> None:
    aws.faults(replication_delay_by_region={WEST: 1000.0})
    run = prepared(aws, drafted(aws, trusting=True))
    turns = UseCaseRun(run.carry_out, aws.clock, 0.0).act()
    for _ in range(2):
        next(turns)
    told = run.stopped("smrep apply -f dr.toml")
    assert told.message == (
        "stopped: 0 of 6 secrets are finished, 4 were not started; 2 are in progress, and AWS goes on with them"
    )
    assert told.hint == "to resume:\n  smrep apply -f dr.toml"
    assert told.outcome is Outcome.INTERRUPTED
    assert list(turns) == []
    assert len(writes(aws)) == 2
