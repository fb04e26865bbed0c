"""Whether a secret is where it should be: what lists tell, what a look adds, and how it is counted."""

from __future__ import annotations

import shlex
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rules.proof_sides import DENIED, LOST, STRANGERS, by_name, primary_with, replica_with

from smrep.errors import AwsError, CredentialsError, Outcome, Throttled
from smrep.model import Listed, Replica, Secret, Target, in_region
from smrep.regions import Region
from smrep.report import Finding, Kind, Problem, RegionReport, SecretReport, Severity
from smrep.rules.fleet.coverage import (
    ALWAYS,
    covered_row,
    examined_row,
    extra_row,
    is_covered,
    listed_report,
    orphan,
    summary,
    unlisted_row,
)
from smrep.rules.replication.key_failures import DEFAULT
from smrep.rules.replication.name_owner import NameLookup, NoSecret, NotChecked

HOME, WEST, IRELAND = Region("us-east-1"), Region("us-west-2"), Region("eu-west-1")
ARN = f"arn:aws:secretsmanager:{HOME}:123456789012:secret:prod/db-a1b2c3"
PRIMARY = Listed(ARN, "prod/db", HOME, HOME, current="v2")
THERE = Listed(in_region(ARN, WEST), "prod/db", WEST, HOME, DEFAULT, "v2")
STATUSES = st.sampled_from(["InSync", "InProgress", "Failed", "Unheard", None])
ENTRIES = st.none() | st.builds(Replica, st.just(WEST), STATUSES, st.none(), st.sampled_from(["alias/a", DEFAULT]))
LOOKS: st.SearchStrategy[NameLookup] = st.one_of(
    st.just(replica_with()),
    st.just(replica_with(kms_key_id="alias/b")),
    st.just(replica_with(stages=(("AWSCURRENT", "v1"),))),
    st.sampled_from(list(STRANGERS.values())),
    st.just(NoSecret()),
    st.sampled_from([NotChecked(DENIED), NotChecked(LOST)]),
)


def anyhow(_target: Target, _shown: str, _account: str) -> bool:
    return True


# covered by listing


def test_a_replica_of_ours_that_is_current_is_covered() -> None:
    assert is_covered(PRIMARY, Target(WEST), THERE, anyhow)


@pytest.mark.parametrize(
    "changes",
    [
        {"arn": THERE.arn[:-6] + "zzzzzz"},
        {"arn": THERE.arn.replace("123456789012", "999999999999")},
        {"primary_region": None},
        {"primary_region": WEST},
        {"primary_region": IRELAND},
        {"current": "v1"},
        {"current": None},
        {"deleted": datetime(2026, 11, 23, tzinfo=UTC)},
    ],
)
def test_whatever_differs_in_what_is_listed_there_makes_a_doubt(changes: dict[str, Any]) -> None:
    assert not is_covered(PRIMARY, Target(WEST), THERE._replace(**changes), anyhow)


@pytest.mark.parametrize("changes", [{"primary_region": None}, {"primary_region": IRELAND}, {"current": "v3"}])
def test_so_does_what_is_listed_of_the_primary(changes: dict[str, Any]) -> None:
    assert not is_covered(PRIMARY._replace(**changes), Target(WEST), THERE, anyhow)


@given(shown=st.sampled_from([None, "", DEFAULT, "alias/a"]), verdict=st.booleans())
def test_it_is_covered_only_under_the_wanted_key_and_no_key_is_the_default_one(
    shown: str | None, verdict: bool
) -> None:
    asked: list[tuple[Target, str, str]] = []

    def same(target: Target, key: str, account: str) -> bool:
        asked.append((target, key, account))
        return verdict

    target = Target(WEST, "alias/dr")
    assert is_covered(PRIMARY, target, THERE._replace(kms_key_id=shown), same) is verdict
    assert asked == [(target, shown or DEFAULT, "123456789012")]


def test_a_listed_secret_has_no_rows() -> None:
    expected = SecretReport("prod/db", Outcome.OK, ARN, HOME, checked_by="list", role="primary")
    assert listed_report(PRIMARY) == expected
    assert listed_report(PRIMARY._replace(primary_region=None)) == replace(expected, role="standalone")


def test_what_is_covered_by_listing_claims_no_status_and_no_key() -> None:
    assert covered_row(PRIMARY, Target(WEST, "alias/dr")) == RegionReport(
        WEST, Outcome.OK, arn=THERE.arn, wanted_key="alias/dr", note="current by listing"
    )


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (DENIED, Outcome.ACCESS),
        (CredentialsError("no", code="UnrecognizedClientException"), Outcome.ACCESS),
        (LOST, Outcome.PENDING),
        (Throttled("too often"), Outcome.PENDING),
    ],
)
def test_a_region_that_was_not_listed_is_no_pass(error: AwsError, outcome: Outcome) -> None:
    row = unlisted_row(Target(WEST, "alias/dr"), error)
    (finding,) = row.findings
    assert row == RegionReport(WEST, outcome, wanted_key="alias/dr", findings=(finding,))
    assert (finding.kind, finding.severity) == (Kind.UNCHECKED, Severity.WARNING)
    assert finding.message == f"the secrets in us-west-2 could not be checked: {error.message}"


def test_what_was_denied_is_named_in_the_hint() -> None:
    (finding,) = unlisted_row(Target(WEST), DENIED).findings
    assert finding.hint == "allow secretsmanager:ListSecrets in us-west-2"


# after a look


@given(ENTRIES, LOOKS, st.sampled_from([None, "alias/a", DEFAULT]))
def test_a_look_ends_well_only_in_sync_and_with_nothing_found_and_says_why_else(
    entry: Replica | None, look: NameLookup, key: str | None
) -> None:
    row = examined_row(primary_with(entry), Target(WEST, key), look, by_name)
    if row.outcome is Outcome.OK:
        assert (row.findings, row.status, row.arn) == ((), "InSync", THERE.arn)
    else:
        assert row.findings
        assert row.outcome in (Outcome.FAILED, Outcome.ACCESS, Outcome.PENDING, Outcome.DRIFT)
    assert row.status == (entry.status if entry else None)
    assert (row.action, row.changed, row.error, row.note) == (None, False, None, None)


@given(ENTRIES, LOOKS)
def test_an_arn_is_given_only_where_a_look_backs_it(entry: Replica | None, look: NameLookup) -> None:
    row = examined_row(primary_with(entry), Target(WEST), look, by_name)
    seen = isinstance(look, Secret) and look not in STRANGERS.values()
    assert (row.arn is not None) == seen
    assert row.arn in (None, THERE.arn)


@given(ENTRIES, st.sampled_from(list(STRANGERS)))
def test_a_name_conflict_is_never_ignored(entry: Replica | None, stranger: str) -> None:
    row = examined_row(primary_with(entry), Target(WEST), STRANGERS[stranger], by_name)
    assert row.outcome is not Outcome.OK
    kinds = {each.kind.value for each in row.findings}
    assert kinds & {stranger, stranger.partition("_")[0]}


def test_a_row_has_all_that_the_list_and_the_look_show() -> None:
    moment = datetime(2026, 11, 23, tzinfo=UTC)
    entry = Replica(WEST, "InSync", "Replication succeeded", "alias/listed", moment)
    row = RegionReport(
        WEST,
        Outcome.OK,
        arn=THERE.arn,
        status="InSync",
        status_message="Replication succeeded",
        kms_key_id="alias/own",
        wanted_key="alias/own",
        last_accessed=moment,
    )
    target, there = Target(WEST, "alias/own"), replica_with(kms_key_id="alias/own")
    assert examined_row(primary_with(entry), target, there, by_name) == row
    other = examined_row(primary_with(entry), Target(WEST, "alias/x"), there, by_name)
    (finding,) = other.findings
    assert other == replace(row, outcome=Outcome.DRIFT, wanted_key="alias/x", findings=(finding,))
    assert finding.kind is Kind.WRONG_KEY


def test_the_key_is_the_one_that_the_replica_shows_where_it_was_looked_at() -> None:
    entry = Replica(WEST, "InSync", None, "alias/listed")
    own = examined_row(primary_with(entry), Target(WEST), replica_with(kms_key_id="alias/own"), by_name)
    assert own.kms_key_id == "alias/own"
    assert examined_row(primary_with(entry), Target(WEST), NotChecked(DENIED), by_name).kms_key_id == "alias/listed"
    assert examined_row(primary_with(None), Target(WEST), NoSecret(), by_name).kms_key_id is None


@pytest.mark.parametrize(("unwanted", "outcome"), [(True, Outcome.DRIFT), (False, Outcome.OK)])
def test_an_extra_region_is_a_difference_only_where_the_rules_say_so(unwanted: bool, outcome: Outcome) -> None:
    moment = datetime(2026, 11, 23, tzinfo=UTC)
    finding = Finding(
        Kind.EXTRA,
        Severity.ERROR if unwanted else Severity.INFO,
        "prod/db has a replica in us-west-2 that no rule asks for",
        ("remove it:\n  smrep remove prod/db --primary-region us-east-1 -r us-west-2"),
    )
    assert extra_row(primary_with(), Replica(WEST, "InSync", "m", "alias/a", moment), unwanted=unwanted) == (
        RegionReport(
            WEST,
            outcome,
            arn=THERE.arn,
            status="InSync",
            status_message="m",
            kms_key_id="alias/a",
            last_accessed=moment,
            findings=(finding,),
        )
    )
    assert extra_row(primary_with(), Replica(WEST, "InProgress"), unwanted=unwanted).arn is None


def test_an_orphan_has_a_row_for_each_region_and_no_arn_that_a_command_could_take() -> None:
    report = orphan([THERE, THERE._replace(region=IRELAND, arn=in_region(ARN, IRELAND))], HOME)
    assert (report.name, report.arn, report.primary_region) == ("prod/db", None, HOME)
    assert (report.outcome, report.checked_by) == (Outcome.DRIFT, "describe")
    for row, region in zip(report.replicas, (WEST, IRELAND), strict=True):
        arn = in_region(ARN, region)
        finding = Finding(
            Kind.ORPHAN,
            Severity.ERROR,
            f"prod/db in {region} is a replica whose primary in us-east-1 no longer exists",
            "it may be the last one; to keep it:\n"
            f"  smrep promote prod/db -r {region}\n"
            "if nobody needs it:\n"
            f"  aws secretsmanager stop-replication-to-replica --secret-id {arn} --region {region}\n"
            f"  aws secretsmanager delete-secret --secret-id {arn} --region {region} --force-delete-without-recovery",
        )
        assert row == RegionReport(region, Outcome.DRIFT, arn=arn, kms_key_id=DEFAULT, findings=(finding,))


def test_what_a_hint_for_an_orphan_takes_away_is_quoted_for_a_shell() -> None:
    hostile = THERE._replace(arn=THERE.arn.replace("prod/db", "a $(pwned) 'b"), name="a $(pwned) 'b")
    ((finding,),) = [row.findings for row in orphan([hostile], HOME).replicas]
    words = shlex.split("\n".join(line for line in str(finding.hint).split("\n") if line.startswith("  ")))
    assert words.count(hostile.arn) == 2  # it stops the replication, and deletes what is left


# counts

KINDS = st.lists(st.sampled_from([Kind.MISSING, Kind.FAILED, Kind.STALE, Kind.EXTRA, Kind.UNCHECKED]), max_size=3)
OUTCOMES = st.sampled_from([Outcome.OK, Outcome.DRIFT, Outcome.FAILED, Outcome.ACCESS, Outcome.PENDING])


def a_row(kinds: list[Kind]) -> RegionReport:
    return RegionReport(WEST, Outcome.OK, findings=tuple(Finding(kind, Severity.INFO, "m") for kind in kinds))


def a_report(outcome: Outcome, rows: list[list[Kind]], troubled: bool) -> SecretReport:
    error = Problem("c", "m", None, None, outcome) if troubled else None
    return SecretReport("n", outcome, replicas=tuple(map(a_row, rows)), error=error)


REPORTS = st.lists(st.builds(a_report, OUTCOMES, st.lists(KINDS, max_size=3), st.booleans()), max_size=6)


@given(REPORTS, st.integers(0, 9))
def test_a_summary_counts_secrets_and_each_kind_once_a_secret(reports: list[SecretReport], covered: int) -> None:
    counts = summary(reports, covered)
    assert list(counts)[: len(ALWAYS)] == list(ALWAYS)
    assert counts["secrets"] == covered + len(reports)
    assert counts["covered"] == covered + sum(each.outcome is Outcome.OK for each in reports)
    assert counts.get("in_trouble", 0) == sum(each.error is not None for each in reports)
    for kind in Kind:
        bearers = [each for each in reports if any(f.kind is kind for row in each.replicas for f in row.findings)]
        assert counts.get(kind.value, 0) == len(bearers)
    assert summary(reversed(reports), covered) == counts


def test_a_summary_of_nothing_has_all_its_keys() -> None:
    assert summary([], 0) == dict.fromkeys(ALWAYS, 0)


@pytest.mark.parametrize("look", [NoSecret(), NotChecked(DENIED)])
def test_nothing_listed_and_nothing_seen_there_is_missing(look: NameLookup) -> None:
    row = examined_row(primary_with(None), Target(WEST), look, by_name)
    assert row.findings[0].kind is Kind.MISSING
    assert row.outcome is not Outcome.OK
