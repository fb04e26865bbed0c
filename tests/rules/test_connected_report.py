"""Every command in a report's hints gets the flags of the connection, or those of the secret's own account."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from smrep.errors import Outcome
from smrep.regions import Region
from smrep.report import (
    Finding,
    Kind,
    LazyReports,
    Problem,
    RegionReport,
    RunReport,
    SecretReport,
    Severity,
    healthy,
)
from smrep.rules.hints import report_with_connection_flags, step, with_connection_flags

HINT = step("to see it", "smrep status prod/db")
FLAGS, OWN = ("--profile", "dev"), ("--role-arn", "arn:aws:iam::222222222222:role/ops")
SILENT = Finding(Kind.STALE, Severity.ERROR, "it is behind")
FINDING = replace(SILENT, hint=HINT)
MUTE = Problem("Refused", "no", None, None, Outcome.FAILED)
PROBLEM = replace(MUTE, hint=HINT)
ROW = RegionReport(Region("us-west-2"), Outcome.FAILED, findings=(FINDING, SILENT), error=PROBLEM)
ROWS = (ROW, RegionReport(Region("eu-west-1"), Outcome.FAILED, error=MUTE), RegionReport(Region("x"), Outcome.OK))
SECRET = SecretReport("prod/db", Outcome.FAILED, replicas=ROWS, error=PROBLEM, findings=(FINDING, SILENT))
PLAIN = SecretReport("prod/web", Outcome.FAILED, error=MUTE)
REPORT = RunReport("status", Outcome.FAILED, 1, datetime(2026, 11, 30, tzinfo=UTC), 1.0, secrets=(SECRET, PLAIN))


def with_flags(secret: SecretReport, flags: tuple[str, ...]) -> SecretReport:
    hint = with_connection_flags(HINT, flags)
    finding, problem = replace(FINDING, hint=hint), replace(PROBLEM, hint=hint)
    rows = (replace(ROW, findings=(finding, SILENT), error=problem), *ROWS[1:])
    return replace(secret, replicas=rows, error=problem, findings=(finding, SILENT))


def test_every_hint_gets_the_flags_and_nothing_else_changes() -> None:
    assert with_connection_flags(HINT, FLAGS) == step("to see it", "smrep status --profile dev prod/db")
    found = report_with_connection_flags(replace(REPORT, error=PROBLEM), FLAGS)
    assert (found.error, [*found.secrets]) == (
        replace(PROBLEM, hint=with_connection_flags(HINT, FLAGS)),
        [with_flags(SECRET, FLAGS), PLAIN],
    )
    assert replace(found, secrets=(), error=None) == replace(REPORT, secrets=())
    assert report_with_connection_flags(replace(REPORT, error=MUTE), FLAGS).error == MUTE
    assert report_with_connection_flags(REPORT, FLAGS).error is None


def test_a_secret_of_another_account_gets_the_flags_that_lead_there() -> None:
    there = replace(SECRET, account="222222222222")
    report = replace(REPORT, secrets=(SECRET, there), error=PROBLEM)
    found = report_with_connection_flags(report, FLAGS, {"222222222222": OWN})
    assert [*found.secrets] == [with_flags(SECRET, FLAGS), with_flags(there, OWN)]
    assert found.error == replace(PROBLEM, hint=with_connection_flags(HINT, FLAGS))
    assert [*report_with_connection_flags(report, (), {"222222222222": OWN}).secrets] == [
        SECRET,
        with_flags(there, OWN),
    ]


def test_the_secrets_that_nobody_has_get_them_too_and_where_none_were_looked_for_none_are_there() -> None:
    found = report_with_connection_flags(replace(REPORT, absent=(SECRET, PLAIN)), FLAGS)
    assert found.absent == (with_flags(SECRET, FLAGS), PLAIN)
    assert report_with_connection_flags(replace(REPORT, absent=()), FLAGS).absent == ()


def test_what_is_well_is_still_counted_without_being_read() -> None:
    counts = {(Region("us-west-2"),): 1}
    secrets = LazyReports((SECRET, SecretReport("prod/fine", Outcome.OK)), lambda secret: secret, counts)
    found = report_with_connection_flags(replace(REPORT, secrets=secrets), FLAGS)
    assert healthy(found.secrets) == counts


def test_without_flags_it_is_the_same_report() -> None:
    assert report_with_connection_flags(REPORT, ()) is REPORT
