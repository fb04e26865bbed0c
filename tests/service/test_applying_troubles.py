"""One bad secret never stops the rest; what is bad for all of them stops early and tells what was done."""

from __future__ import annotations

import pytest
from fakes import IRELAND, WEST, is_there, replicated
from service.apply_scene import (
    PROD,
    AwsWithOutcomes,
    applied,
    by_name,
    drafted,
    prepared,
    raising,
    rows,
    writes,
)
from use_case_run import quiet

from smrep.errors import (
    AllDenied,
    CredentialsError,
    Denied,
    NotFound,
    Outcome,
    OutputError,
    Refused,
    Throttled,
    Unanswered,
)

ADD, REMOVE = "ReplicateSecretToRegions", "RemoveRegionsFromReplication"
NAMES = [f"prod/{number:02}" for number in range(12)]
BAD = NAMES[3]


@pytest.fixture
def aws() -> AwsWithOutcomes:
    aws = AwsWithOutcomes()
    for name in NAMES:
        aws.create(name)
    return aws


@pytest.mark.parametrize(
    ("error", "outcome", "code"),
    [
        (Refused("You can't do that", code="InvalidRequestException"), Outcome.FAILED, "InvalidRequestException"),
        (NotFound("it is not there", code="ResourceNotFoundException"), Outcome.FAILED, "ResourceNotFoundException"),
        (Denied("you may not", code="AccessDeniedException"), Outcome.ACCESS, "AccessDeniedException"),
        (Throttled("Rate exceeded", code="ThrottlingException"), Outcome.PENDING, "ThrottlingException"),
    ],
)
def test_a_secret_whose_write_comes_to_nothing_is_the_only_one(
    aws: AwsWithOutcomes, error: Exception, outcome: Outcome, code: str
) -> None:
    aws.moods[BAD] = raising(error)
    run = applied(aws, timeout_s=30.0)
    found = by_name(run.reports())
    bad = found.pop(BAD).replicas[0]
    assert bad.error is not None
    assert (bad.outcome, bad.error.code, bad.changed) == (outcome, code, False)
    assert BAD in bad.error.message
    assert {each.outcome for each in found.values()} == {Outcome.OK}
    assert sorted(name for _, name, _ in writes(aws)) == [name for name in NAMES if name != BAD]


def test_one_that_was_deleted_since_it_was_listed_is_the_only_one(aws: AwsWithOutcomes) -> None:
    draft = drafted(aws, trusting=True)
    aws.call("DeleteSecret", SecretId=BAD, ForceDeleteWithoutRecovery=True)
    aws.clock.time += 20
    run = prepared(aws, draft)
    run.carry_out(quiet(aws.clock))
    found = by_name(run.reports())
    error = found.pop(BAD).error
    assert error is not None
    assert error.code == "ResourceNotFoundException"
    assert {each.outcome for each in found.values()} == {Outcome.OK}


def test_a_region_that_fails_is_a_row_beside_the_good_ones(aws: AwsWithOutcomes) -> None:
    aws.faults(failures={IRELAND: "Replication failed: of the weather"})
    run = applied(aws, PROD | {"regions": [WEST, IRELAND]})
    found = rows(run.reports())
    assert {row.outcome for (_, region), row in found.items() if region == WEST} == {Outcome.OK}
    assert {row.outcome for (_, region), row in found.items() if region == IRELAND} == {Outcome.FAILED}
    assert len(writes(aws)) == len(NAMES)


def test_a_region_that_is_refused_does_not_cost_the_secret_its_other_one(aws: AwsWithOutcomes) -> None:
    aws.create("prod/none", IRELAND)
    aws.create("prod/none")
    run = applied(aws, PROD | {"regions": [WEST, IRELAND]})
    found = rows(run.reports())
    assert found["prod/none", WEST].outcome is Outcome.OK
    assert found["prod/none", IRELAND].outcome is Outcome.FAILED


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_lost_answer_is_looked_for_and_sends_nothing_twice(aws: AwsWithOutcomes, when: str) -> None:
    aws.lose[ADD] = ["", when]
    run = applied(aws)
    assert {each.outcome for each in run.reports()} == {Outcome.OK}
    assert sorted(name for _, name, _ in writes(aws)) == NAMES


def test_a_secret_that_gives_no_answer_at_all_is_the_only_one(aws: AwsWithOutcomes) -> None:
    aws.moods[BAD] = raising(Unanswered("connection was closed"))
    run = applied(aws, timeout_s=60.0)
    found = by_name(run.reports())
    assert found.pop(BAD).outcome is Outcome.PENDING
    assert {each.outcome for each in found.values()} == {Outcome.OK}
    assert run.open_names == [BAD]


def test_a_removal_that_is_refused_is_the_only_one(aws: AwsWithOutcomes) -> None:
    for name in ("gone/a", "gone/b"):
        replicated(aws, WEST, IRELAND, name=name)
    aws.moods["gone/a"] = raising(Refused("no", code="InvalidRequestException"))
    run = applied(aws, {"name": "go", "prefix": "gone/", "regions": [WEST], "remove_extra": True})
    found = rows(run.reports())
    assert (found["gone/a", IRELAND].outcome, found["gone/b", IRELAND].outcome) == (Outcome.FAILED, Outcome.OK)
    assert (is_there(aws, IRELAND, "gone/a"), is_there(aws, IRELAND, "gone/b")) == (True, False)


# what is bad for all


@pytest.mark.parametrize("wait", [True, False])
def test_ten_denials_in_a_row_are_enough_and_the_rest_is_marked(aws: AwsWithOutcomes, wait: bool) -> None:
    for number in range(12, 30):
        aws.create(f"prod/{number:02}")
    for number in range(30):
        aws.moods[f"prod/{number:02}"] = raising(Denied("you may not", code="AccessDeniedException"))
    run = applied(aws, wait=wait)
    found = run.reports()
    assert isinstance(run.tasks[0].account_run.ended_by, AllDenied)
    assert {each.outcome for each in found} == {Outcome.ACCESS}
    errors = [each.error or each.replicas[0].error for each in found]
    untried = [each.message for each in errors if each and "not started" in each.message]
    assert len(untried) == 20
    assert untried[0] == "prod/10: not started, because AWS denied each of the first 10 secrets"
    assert aws.count("DescribeSecret") == 10


@pytest.mark.parametrize("lucky", [0, 5, 9])
def test_where_one_of_the_first_ten_is_allowed_it_goes_on(aws: AwsWithOutcomes, lucky: int) -> None:
    for number, name in enumerate(NAMES):
        if number != lucky:
            aws.moods[name] = raising(Denied("you may not", code="AccessDeniedException"))
    run = applied(aws)
    assert run.tasks[0].account_run.ended_by is None
    assert [each.outcome for each in run.reports()].count(Outcome.ACCESS) == 11
    assert all(each.replicas[0].error for each in run.reports() if each.outcome is Outcome.ACCESS)


@pytest.mark.parametrize("width", [1, 2])
def test_credentials_that_expire_in_the_middle_end_it_and_what_was_done_is_told(
    aws: AwsWithOutcomes, width: int
) -> None:
    aws.moods[NAMES[5]] = raising(CredentialsError("the token has expired", code="ExpiredTokenException"))
    run = prepared(aws, drafted(aws, trusting=True), wait=False, width=width)
    run.carry_out(quiet(aws.clock))
    with pytest.raises(CredentialsError):
        run.check()
    found = by_name(run.reports())
    sent = {name for _, name, _ in writes(aws)}
    assert {name for name, each in found.items() if each.replicas[0].changed} == sent
    assert set(NAMES[:4]) <= sent <= set(NAMES) - {NAMES[5]}
    assert len(sent) < 8
    rest = [each for name, each in found.items() if name not in sent]
    assert {each.outcome for each in rest} == {Outcome.ACCESS}


def test_a_journal_that_can_be_written_no_more_ends_it_before_the_write(aws: AwsWithOutcomes) -> None:
    aws.moods[NAMES[5]] = raising(OutputError("the disk is full", code="JournalNotWritten"))
    run = prepared(aws, drafted(aws, trusting=True))
    with pytest.raises(OutputError):
        run.carry_out(quiet(aws.clock))
    assert [name for _, name, _ in writes(aws)] == NAMES[:5]
    row = by_name(run.reports())[NAMES[5]].replicas[0]
    assert not row.changed
