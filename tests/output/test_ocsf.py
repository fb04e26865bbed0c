"""An audit as OCSF findings: valid for OCSF's schema, what passes and what does not, and what a later one updates."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema
from output.any_report import ARN, BEGAN, reports

from smrep.errors import Outcome
from smrep.output.artifacts.ocsf import ocsf
from smrep.regions import Region
from smrep.report import Finding, Kind, Problem, RegionReport, RunReport, SecretReport, Severity

VALIDATOR = jsonschema.Draft202012Validator(
    OcsfJsonSchemaEmbedded(get_ocsf_schema("1.5.0")).get_class_schema("compliance_finding", ["cloud"])
)
HOME, WEST = Region("us-east-1"), Region("us-west-2")
THERE = ARN.replace(HOME, WEST)
UNKNOWN, PASS, WARNING, FAIL = 0, 1, 2, 3
INFORMATIONAL, LOW, MEDIUM, HIGH = 1, 2, 3, 4


def report(*secrets: SecretReport, outcome: Outcome = Outcome.DRIFT, error: Problem | None = None) -> RunReport:
    return RunReport("audit", outcome, outcome.exit_code, BEGAN, 4.25, secrets=secrets, error=error)


def secret(*rows: RegionReport, **fields: Any) -> SecretReport:
    outcome = fields.pop("outcome", rows[0].outcome if rows else Outcome.OK)
    return SecretReport("prod/db", outcome, **{"arn": ARN, "primary_region": HOME, "replicas": rows} | fields)


def finding(kind: Kind, severity: Severity = Severity.ERROR, hint: str | None = None) -> Finding:
    return Finding(kind, severity, f"it is {kind}", hint)


def events(run: RunReport) -> list[dict[str, Any]]:
    """Return the events, each valid and on a line of its own."""
    text = "".join(ocsf(run))
    found: list[dict[str, Any]] = json.loads(text)
    assert len(text.splitlines()) == (len(found) + 2 if found else 1)
    for event in found:
        VALIDATOR.validate(event)
        assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"]
    return found


def event(row: RegionReport) -> dict[str, Any]:
    """Return the event of a row."""
    (only,) = events(report(secret(row), outcome=row.outcome))
    return only


@given(reports)
def test_any_report_is_valid(run: RunReport) -> None:
    found = events(run)
    assert len(found) >= sum(len(each.replicas) for each in run.secrets)
    if not found:
        assert (run.secrets, run.error) == ((), None)


@pytest.mark.parametrize(
    ("outcome", "findings", "status", "severity"),
    [
        (Outcome.OK, (), PASS, INFORMATIONAL),
        (Outcome.DRIFT, (finding(Kind.MISSING),), FAIL, HIGH),
        (Outcome.FAILED, (finding(Kind.FAILED),), FAIL, HIGH),
        (Outcome.FAILED, (finding(Kind.FAILED), finding(Kind.UNCHECKED, Severity.WARNING)), FAIL, HIGH),
        (Outcome.DRIFT, (finding(Kind.STALE), finding(Kind.UNCHECKED, Severity.WARNING)), FAIL, HIGH),
        (Outcome.DRIFT, (finding(Kind.EXTRA),), FAIL, HIGH),
        (Outcome.OK, (finding(Kind.EXTRA, Severity.INFO),), WARNING, LOW),
        (Outcome.PENDING, (finding(Kind.IN_PROGRESS, Severity.WARNING),), WARNING, MEDIUM),
        (Outcome.PENDING, (), WARNING, MEDIUM),
        (Outcome.PENDING, (finding(Kind.UNCHECKED, Severity.WARNING),), UNKNOWN, MEDIUM),
        (Outcome.ACCESS, (finding(Kind.UNCHECKED, Severity.WARNING),), UNKNOWN, MEDIUM),
        (Outcome.OK, (finding(Kind.UNCHECKED, Severity.WARNING),), UNKNOWN, MEDIUM),
        (Outcome.DRIFT, (finding(Kind.UNCHECKED, Severity.WARNING),), UNKNOWN, MEDIUM),
        (Outcome.INTERRUPTED, (), UNKNOWN, MEDIUM),
    ],
)
def test_only_a_replica_that_was_checked_passes(
    outcome: Outcome, findings: tuple[Finding, ...], status: int, severity: int
) -> None:
    found = event(RegionReport(WEST, outcome, findings=findings))
    assert (found["compliance"]["status_id"], found["severity_id"]) == (status, severity)
    assert found["finding_info"]["types"] == [each.kind.value for each in findings]
    assert (found["activity_id"] == 3) is (status == PASS)


def test_what_is_wrong_what_to_do_and_where_is_said() -> None:
    hint = "add it:\n  smrep replicate prod/db -r us-west-2"
    row = RegionReport(WEST, Outcome.DRIFT, arn=THERE, findings=(finding(Kind.MISSING, hint=hint),))
    (found,) = events(report(secret(row, rules=("payments",))))
    assert found["message"] == "it is missing"
    assert found["remediation"]["desc"] == hint
    assert found["finding_info"]["title"] == "prod/db in us-west-2: missing"
    assert found["compliance"]["requirements"] == ["payments"]
    assert found["compliance"]["control"] == "a current replica in us-west-2"
    assert found["cloud"] == {"provider": "AWS", "region": WEST, "account": {"uid": "123456789012"}}
    assert [(each["uid"], each["region"]) for each in found["resources"]] == [(ARN, HOME), (THERE, WEST)]
    assert found["time"] == (BEGAN.timestamp() + 4.25) * 1000


def test_a_later_report_updates_the_finding_of_the_same_secret_and_region() -> None:
    missing = event(RegionReport(WEST, Outcome.DRIFT, findings=(finding(Kind.MISSING),)))
    covered = event(RegionReport(WEST, Outcome.OK, arn=THERE))
    extra = event(RegionReport(WEST, Outcome.OK, arn=THERE, findings=(finding(Kind.EXTRA, Severity.INFO),)))
    row = RegionReport(WEST, Outcome.DRIFT, arn=THERE, findings=(finding(Kind.ORPHAN),))
    (orphan,) = events(report(secret(row, arn=None)))
    assert {each["finding_info"]["uid"] for each in (missing, covered, extra, orphan)} == {f"{ARN}/us-west-2"}
    assert extra["compliance"]["control"] == orphan["compliance"]["control"] == "no unwanted replica in us-west-2"
    assert covered["message"] == "prod/db has a current replica in us-west-2"


def test_secrets_of_two_accounts_that_have_no_arn_are_two_findings() -> None:
    trouble = Problem("ResourceNotFoundException", "no such secret", None, None, Outcome.FAILED)
    one = secret(outcome=Outcome.FAILED, arn=None, error=trouble, account="111111111111")
    found = events(report(one, replace(one, account="222222222222")))
    assert [each["compliance"]["status_id"] for each in found] == [FAIL, FAIL]
    assert len({each["finding_info"]["uid"] for each in found}) == 2


def test_a_run_that_lost_accounts_does_not_pass() -> None:
    lost = Problem("SomeAccountsLost", "1 of 2 failed", None, None, Outcome.ACCESS, ("account[1]: denied",))
    covered = secret(RegionReport(WEST, Outcome.OK))
    passed, run = events(report(covered, outcome=Outcome.ACCESS, error=lost))
    assert passed["compliance"]["status_id"] == PASS
    assert (run["compliance"]["status_id"], run["severity_id"]) == (UNKNOWN, MEDIUM)
    assert run["message"] == "1 of 2 failed: account[1]: denied"
    assert [each["finding_info"]["uid"] for each in events(report(outcome=Outcome.PENDING))] == ["smrep/audit"]
    assert events(report(outcome=Outcome.OK)) == []
