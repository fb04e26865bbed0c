"""The formats, over every report that a run can end with."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from awscli.text import format_text
from fixtures import VALIDATOR
from hypothesis import given
from hypothesis import strategies as st

from smrep.errors import Outcome, UsageError
from smrep.output.formats import COLUMNS, FORMATS, as_query, compile_query, lines
from smrep.output.json_document import document
from smrep.output.terminal import Terminal
from smrep.regions import Region
from smrep.report import Action, Finding, Kind, Problem, RegionReport, RunReport, SecretReport, Severity

ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-a1b2c3"
KEY = "arn:aws:kms:us-west-2:123456789012:key/0f0e0d0c-1111-4222-8333-444455556666"

hostile = st.one_of(st.text(max_size=30), st.sampled_from(["\x1b[2J", "a\tb\nc", "::error::x", "[/b]", ":secret:"]))
optional = st.one_of(st.none(), hostile)
outcomes = st.sampled_from(list(Outcome))
moments = st.one_of(st.none(), st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))
regions = st.sampled_from(["us-west-2", "eu-west-1"]).map(Region)
troubles = st.one_of(st.none(), st.builds(Problem, hostile, hostile, optional, optional, outcomes))
findings = st.builds(Finding, st.sampled_from(Kind), st.sampled_from(Severity), hostile, optional)
rows = st.builds(
    RegionReport,
    region=regions,
    outcome=outcomes,
    arn=st.none() | st.just(ARN),
    status=optional,
    status_message=optional,
    kms_key_id=optional,
    last_accessed=moments,
    action=st.one_of(st.none(), st.sampled_from(Action)),
    changed=st.booleans(),
    verified=st.one_of(st.none(), st.booleans()),
    findings=st.lists(findings, max_size=2).map(tuple),
    error=troubles,
)
secrets = st.builds(
    SecretReport,
    name=hostile,
    outcome=outcomes,
    arn=st.one_of(st.none(), st.just(ARN)),
    primary_region=st.one_of(st.none(), regions),
    replicas=st.lists(rows, max_size=3).map(tuple),
    error=troubles,
)
reports = st.builds(
    RunReport,
    command=st.one_of(st.none(), st.just("status")),
    outcome=outcomes,
    exit_code=outcomes.map(lambda outcome: outcome.exit_code),
    started_at=st.just(datetime(2026, 11, 23, 10, tzinfo=UTC)),
    elapsed_s=st.floats(0, 1e6),
    secrets=st.lists(secrets, max_size=3).map(tuple),
    error=troubles,
)


def written(name: str, report: RunReport, terminal: Terminal) -> str:
    """Return the whole of what a format writes."""
    return "".join(FORMATS[name](report, terminal))


@given(reports)
def test_every_report_fits_the_schema(report: RunReport) -> None:
    VALIDATOR.validate(document(report))
    assert json.loads(written("json", report, Terminal())) == document(report)


@given(reports, st.sampled_from(sorted(FORMATS)), st.booleans(), st.sampled_from([None, 20, 80]))
def test_no_format_lets_control_characters_through(
    report: RunReport, name: str, unicode: bool, width: int | None
) -> None:
    text = written(name, report, Terminal(width=width, unicode=unicode))
    assert re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u200b]", text) is None


@given(reports)
def test_text_is_eight_cells_a_row(report: RunReport) -> None:
    lines = written("text", report, Terminal()).splitlines()
    assert len(lines) == sum(
        len(secret.replicas) + bool(secret.error or not secret.replicas) for secret in report.secrets
    )
    assert all(len(line.split("\t")) == 8 and "" not in line.split("\t")[1:] for line in lines)


@given(reports)
def test_csv_has_the_rows_of_text_under_a_header(report: RunReport) -> None:
    header, *parsed = csv.reader(io.StringIO(written("csv", report, Terminal()), newline=""), strict=True)
    assert header == list(COLUMNS)
    assert parsed == [line.split("\t") for line in written("text", report, Terminal()).splitlines()]


def test_a_row_has_the_account_and_the_proof() -> None:
    west, ireland = Region("us-west-2"), Region("eu-west-1")
    proved = RegionReport(west, Outcome.OK, status="InSync", status_message='it "works", so far', verified=True)
    stale = RegionReport(ireland, Outcome.DRIFT, status="InSync", verified=False)
    assert written("csv", report_of(proved, stale), Terminal()) == (
        "secret,region,status,kms_key_id,action,message,account_id,verified\n"
        'prod/db,us-west-2,InSync,-,-,"it ""works"", so far",123456789012,true\n'
        "prod/db,eu-west-1,InSync,-,-,-,123456789012,false\n"
    )


def test_an_orphan_has_the_account_of_its_replica() -> None:
    row = RegionReport(Region("us-west-2"), Outcome.DRIFT, ARN.replace("us-east-1", "us-west-2"))
    orphan = replace(report_of(), secrets=(SecretReport("prod/db", Outcome.DRIFT, replicas=(row,)),))
    assert written("text", orphan, Terminal()).split("\t")[6] == "123456789012"


def report_of(*replicas: RegionReport, outcome: Outcome = Outcome.OK) -> RunReport:
    secret = SecretReport("prod/db", outcome, ARN, Region("us-east-1"), replicas)
    return RunReport(
        "status", outcome, outcome.exit_code, datetime(2026, 11, 23, 10, tzinfo=UTC), 4.2, secrets=(secret,)
    )


@pytest.mark.parametrize("width", [20, 60, 80, 120])
def test_the_table_stays_within_the_terminal_and_keeps_keys_whole(width: int) -> None:
    row = RegionReport(Region("us-west-2"), Outcome.FAILED, None, "Failed", "no luck " * 20, KEY, action=Action.ADD)
    text = written("table", report_of(row), Terminal(width=width))
    assert f"key in us-west-2: {KEY}" in text
    assert "us-west-2" in text.splitlines()[4]
    if width >= 60:
        assert all(len(line) <= width for line in text.splitlines() if KEY not in line)


def test_the_table_shows_arns_and_markup_as_they_are() -> None:
    row = RegionReport(Region("us-west-2"), Outcome.FAILED, None, "Failed", "[red]x[/red] :key: a:secret:b")
    assert "[red]x[/red] :key: a:secret:b" in written("table", report_of(row), Terminal())


def test_the_table_in_ascii_is_ascii() -> None:
    row = RegionReport(Region("us-west-2"), Outcome.OK, None, "InSync", "Replication succeeded")
    assert written("table", report_of(row), Terminal(unicode=False)).isascii()


scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.text("abc", max_size=3))


def objects(inner: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.dictionaries(st.text("xyz", min_size=1), inner, max_size=3)


json_values = st.recursive(  # lists of objects only or of none: the AWS CLI itself breaks on a mixture
    scalars,
    lambda inner: st.one_of(
        objects(inner),
        st.lists(objects(inner), max_size=3),
        st.lists(st.one_of(scalars, st.lists(scalars, max_size=3)), max_size=3),
    ),
    max_leaves=8,
)


@given(json_values)
def test_text_of_a_query_is_that_of_the_aws_cli(value: object) -> None:
    theirs = io.StringIO()
    format_text(value, theirs)
    assert "".join(f"{line}\n" for line in lines(value)) == theirs.getvalue()


def test_a_query_over_the_document() -> None:
    row = RegionReport(Region("us-west-2"), Outcome.OK, None, "InSync")
    search = compile_query("secrets[0].replicas[?status=='InSync'].region | [0]")
    assert as_query(report_of(row), search, text=False) == '"us-west-2"\n'
    assert as_query(report_of(row), search, text=True) == "us-west-2\n"


def test_a_query_that_is_none_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="not JMESPath"):
        compile_query("a[")
