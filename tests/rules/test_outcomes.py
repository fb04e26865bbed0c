"""Which of many endings counts: the worst, in any order; and no word of AWS's that we do not know is a good one."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import example, given
from hypothesis import strategies as st

from smrep.errors import Outcome
from smrep.model import Replica, Secret, Target, Version
from smrep.regions import Region
from smrep.report import Problem, RegionReport, Severity
from smrep.rules.replication.key_change import decide_key_change
from smrep.rules.replication.replica_comparison import BothSides, compare_replica
from smrep.rules.replication.replica_state import (
    ReplicaState,
    after_check,
    outcome,
    region_report,
    secret_report,
    worst,
)
from smrep.rules.run_outcome import run_outcome

HOME, THERE = Region("us-east-1"), Region("us-west-2")
PRIMARY = Secret("arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-a1b2c3", "prod/db", HOME, HOME)
OURS = replace(PRIMARY, arn=PRIMARY.arn.replace(HOME, THERE), region=THERE)
ORDER = (1, 4, 3, 5, 0)
"""Of several exit codes the first wins. Source: docs/exit-codes.md."""

ended = st.sampled_from([each for each in Outcome if each.exit_code in ORDER])
rows = st.lists(ended, min_size=1, max_size=8)
troubles = st.none() | ended.map(lambda each: Problem("Odd", "it went wrong", None, None, each))
words = st.none() | st.text(max_size=20).filter(lambda word: word not in ("InSync", "Failed"))


def reported(outcomes: list[Outcome], trouble: Problem | None = None) -> Outcome:
    regions = [RegionReport(Region(f"us-west-{number}"), each) for number, each in enumerate(outcomes, 1)]
    return secret_report(PRIMARY, regions, trouble).outcome


@given(rows, st.randoms(), troubles)
def test_the_worst_row_or_trouble_is_how_a_secret_ended_in_whatever_order(
    outcomes: list[Outcome], chance: object, trouble: Problem | None
) -> None:
    codes = [each.exit_code for each in outcomes] + ([trouble.outcome.exit_code] if trouble else [])
    assert reported(outcomes, trouble).exit_code == min(codes, key=ORDER.index)
    mixed = sorted(outcomes, key=lambda _: chance.random())  # type: ignore[attr-defined]
    assert reported(mixed, trouble) is reported(outcomes, trouble)


@given(st.lists(rows, min_size=1, max_size=5), troubles)
def test_a_run_ends_as_its_worst_row_whichever_secret_it_is_in(
    every: list[list[Outcome]], trouble: Problem | None
) -> None:
    secrets = [secret_report(PRIMARY, [RegionReport(THERE, each) for each in outcomes]) for outcomes in every]
    flat = [each for outcomes in every for each in outcomes] + ([trouble.outcome] if trouble else [])
    assert run_outcome(secrets, trouble) is worst(flat)


@given(rows, ended)
def test_one_more_ending_never_makes_it_better(outcomes: list[Outcome], more: Outcome) -> None:
    codes = [reported(outcomes).exit_code, reported([*outcomes, more]).exit_code]
    assert codes == sorted(codes, key=ORDER.index, reverse=True)


@given(words)
@example("Detached")
@example("insync")
@example("InSync ")
@example("")
def test_a_status_that_is_not_known_is_never_a_good_end(word: str | None) -> None:
    entry = Replica(THERE, word)
    course = after_check(ReplicaState(THERE), entry, 0.0)
    assert outcome(course) is Outcome.PENDING
    assert course.is_open
    assert (region_report(course, PRIMARY).status, region_report(course, PRIMARY).arn) == (word, None)
    versions = (Version("v1", ("AWSCURRENT",)),)
    both = {"stages": (("AWSCURRENT", "v1"),)}
    sides = BothSides(replace(PRIMARY, replicas=(entry,), **both), THERE, replace(OURS, **both), versions, versions)
    proof = compare_replica(sides, lambda _one, _other: True)
    assert (proof.verified, proof.outcome, proof.patience_s) == (False, Outcome.PENDING, float("inf"))


@given(words, st.booleans())
def test_a_replica_in_a_state_that_is_not_known_gets_no_other_key(word: str | None, recreate: bool) -> None:
    primary = replace(PRIMARY, replicas=(Replica(THERE, word),))
    proof = compare_replica(BothSides(primary, THERE, OURS, (), ()), lambda _one, _other: True)
    known = decide_key_change(primary, Target(THERE, "alias/dr"), (OURS, proof), False, recreate=recreate)
    assert (known.wanted, [each.severity for each in known.findings]) == (False, [Severity.ERROR])
