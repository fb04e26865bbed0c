"""What doctor checked: a mark for each check, none for what was not looked at, and each cause once."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from smrep.errors import Denied, Outcome
from smrep.output.formats import as_table
from smrep.output.terminal import Terminal
from smrep.regions import Region
from smrep.report import Finding, Kind, RegionReport, RunReport, SecretReport, Severity
from smrep.rules.replication.findings import unchecked
from smrep.service.doctor import LATE

WEST, IRELAND = Region("us-west-2"), Region("eu-west-1")
SYNCED = RegionReport(WEST, Outcome.OK, status="InSync")
NEW = RegionReport(IRELAND, Outcome.OK)
DISABLED = Finding(Kind.REGION_DISABLED, Severity.ERROR, "not enabled")
KEY = Finding(Kind.KEY_MISSING, Severity.ERROR, "no such key", "list the keys")


def of(kind: Kind, severity: Severity = Severity.ERROR, message: str = "x", hint: str | None = "y") -> Finding:
    return Finding(kind, severity, message, hint)


def row(*findings: Finding, region: Region = WEST, status: str | None = None) -> RegionReport:
    return RegionReport(region, Outcome.FAILED, status=status, findings=findings)


def shown(*secrets: SecretReport, terminal: Terminal | None = None) -> str:
    began = datetime(2026, 11, 23, tzinfo=UTC)
    report = RunReport("doctor", Outcome.OK, 0, began, 1.0, secrets=secrets)
    return "".join(as_table(report, terminal or Terminal()))


def marks(*rows: RegionReport, name: str = "prod/db") -> dict[str, tuple[str, str]]:
    """Return the mark and the words of each check."""
    lines = [line for line in shown(SecretReport(name, Outcome.OK, replicas=rows)).splitlines() if line[2:3] in "✓✗?"]
    return {line[4:22].strip(): (line[2], line[23:].strip()) for line in lines if line.strip()}


def test_each_check_has_a_line_with_the_regions_in_which_it_passed() -> None:
    assert marks(SYNCED, NEW) == {
        "Region enabled": ("✓", "us-west-2, eu-west-1"),
        "Name free or ours": ("✓", "us-west-2, eu-west-1"),
        "Keys usable": ("✓", "us-west-2, eu-west-1"),
        "Replicas in sync": ("✓", "us-west-2"),
        "Read permissions": ("✓", "us-west-2, eu-west-1"),
    }


@pytest.mark.parametrize(
    ("kind", "check"),
    [
        (Kind.REGION_UNKNOWN, "Region enabled"),
        (Kind.NAME_CONFLICT, "Name free or ours"),
        (Kind.PROMOTED, "Name free or ours"),
        (Kind.KEY_DISABLED, "Keys usable"),
        (Kind.WRONG_KEY, "Keys usable"),
        (Kind.FAILED, "Replicas in sync"),
        (Kind.READER, "Reader allowed"),
    ],
)
def test_a_finding_ends_its_check(kind: Kind, check: str) -> None:
    told = marks(row(of(kind), status="Failed"), NEW)
    assert told.pop(check) == ("✗", f"{kind.replace('_', ' ')} in us-west-2")
    assert {mark for mark, _ in told.values()} <= ({"✓", "?"} if kind is Kind.REGION_UNKNOWN else {"✓"})


def test_a_disabled_region_leaves_its_other_checks_unmade() -> None:
    told = marks(row(DISABLED), NEW)
    assert told["Region enabled"] == ("✗", "region disabled in us-west-2")
    assert [told[check] for check in ("Name free or ours", "Keys usable", "Read permissions")] == [
        ("?", "not checked in us-west-2")
    ] * 3


@pytest.mark.parametrize(
    ("permission", "check"),
    [
        ("secretsmanager:DescribeSecret on arn", "Name free or ours"),
        ("kms:DescribeKey in us-west-2", "Keys usable"),
        ("account:ListRegions", "Region enabled"),
    ],
)
def test_a_denied_look_is_no_pass(permission: str, check: str) -> None:
    told = marks(row(unchecked("it", Denied("no"), permission)))
    assert told.pop(check) == ("?", "not checked in us-west-2")
    assert told.pop("Read permissions") == ("✗", "denied in us-west-2")
    assert {mark for mark, _ in told.values()} == {"✓"}


def test_a_look_that_names_no_check_is_a_pass_of_none() -> None:
    assert {mark for mark, _ in marks(row(LATE)).values()} == {"?"}


def test_without_a_secret_no_name_is_checked() -> None:
    assert list(marks(NEW, name="-")) == ["Region enabled", "Keys usable", "Read permissions"]


def test_of_many_secrets_a_cause_is_told_once() -> None:
    wrong = [
        of(Kind.WRONG_KEY, message=f"s{place} is under another key", hint=f"rekey s{place}") for place in range(40)
    ]
    secrets = [SecretReport(f"s{place}", Outcome.FAILED, replicas=(row(KEY, wrong[place]),)) for place in range(40)]
    text = shown(*secrets, SecretReport("lost", Outcome.FAILED))
    assert "key missing in us-west-2 (40 secrets), wrong key in us-west-2 (40 secrets)" in text
    assert text.count("no such key") == text.count("list the keys") == 1
    assert "  error   wrong_key in us-west-2 (40 secrets): s0, s1, s2 and 37 more\n" in text
    assert "          for example: s0 is under another key\n          for the first, rekey s0\n" in text
    assert [line.split()[0] for line in text.splitlines() if " - " in line] == ["lost"]
    assert len(text.splitlines()) < 24


def test_a_failure_that_another_finding_explains_is_not_told_twice() -> None:
    text = shown(SecretReport("s", Outcome.FAILED, replicas=(row(of(Kind.FAILED, message="no luck"), KEY),)))
    assert ("no luck" in text, "no such key" in text) == (False, True)
    assert "no luck" in shown(SecretReport("s", Outcome.FAILED, replicas=(row(of(Kind.FAILED, message="no luck")),)))


def test_in_ascii_the_marks_are_ascii() -> None:
    text = shown(SecretReport("s", Outcome.OK, replicas=(SYNCED, row(KEY))), terminal=Terminal(unicode=False))
    assert text.isascii()
    assert ("  + Region enabled" in text, "  x Keys usable" in text) == (True, True)
