"""The parts of the document are the document: the same JSON, to the last blank, and no secret is made too early."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from fixtures import VALIDATOR
from hostile.output_checks import true_json
from hostile.payloads import EVERYTHING, TEXTS
from hypothesis import example, given
from hypothesis import strategies as st

from smrep.errors import Outcome
from smrep.model import CrossAccount, FarEnd
from smrep.output.json_document import document, document_parts
from smrep.output.safe import to_json
from smrep.regions import Region
from smrep.report import Action, Finding, Kind, LazyReports, Problem, RegionReport, RunReport, SecretReport, Severity

BEGAN = datetime(2026, 11, 23, 10, tzinfo=UTC)
TRAPS = ['\n  "secrets": []', '"secrets": []', '"error": null', "\n    ", "[]", "##[group]", "##", "::error::x", "\\n"]
ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-a1b2c3"

words = st.text(st.characters(), max_size=20) | st.sampled_from([*TRAPS, *TEXTS.values()])
optional = st.none() | words
outcomes = st.sampled_from(list(Outcome))
regions = st.sampled_from(["us-west-2", "eu-west-1"]).map(Region)
details = st.lists(words, max_size=2).map(tuple)
troubles = st.none() | st.builds(Problem, words, words, optional, optional, outcomes, details)
findings = st.builds(Finding, st.sampled_from(Kind), st.sampled_from(Severity), words, optional)
ends = st.builds(FarEnd, optional, optional, optional)
links = st.none() | st.builds(CrossAccount, st.none() | ends, st.lists(ends, max_size=2).map(tuple))
rows = st.builds(
    RegionReport,
    region=regions,
    outcome=outcomes,
    arn=optional,
    status=optional,
    status_message=optional,
    kms_key_id=optional,
    last_accessed=st.none() | st.just(BEGAN),
    action=st.none() | st.sampled_from(Action),
    changed=st.booleans(),
    verified=st.none() | st.booleans(),
    findings=st.lists(findings, max_size=2).map(tuple),
    error=troubles,
)
secrets = st.builds(
    SecretReport,
    name=words,
    outcome=outcomes,
    arn=st.none() | st.just(ARN),
    primary_region=st.none() | regions,
    replicas=st.lists(rows, max_size=2).map(tuple),
    error=troubles,
    cross_account=links,
    checked_by=st.sampled_from([None, "list", "describe"]),
    role=st.sampled_from([None, "primary", "standalone"]),
)
counts = st.dictionaries(st.sampled_from(["secrets", "covered", "missing", "error"]), st.integers(0, 10**6))
reports = st.builds(
    RunReport,
    command=st.sampled_from([None, "status", "list", "audit", "apply"]),
    outcome=outcomes,
    exit_code=outcomes.map(lambda outcome: outcome.exit_code),
    started_at=st.just(BEGAN),
    elapsed_s=st.floats(0, 1e6),
    dry_run=st.booleans(),
    account_id=st.none() | st.just("123456789012"),
    primary_region=st.none() | regions,
    primary_region_source=st.none() | st.just("AWS_REGION"),
    endpoint_url=optional,
    secrets=st.lists(secrets, max_size=3).map(tuple),
    error=troubles,
    summary=st.none() | counts,
)


def report(*secrets: SecretReport, name: str | None = None) -> RunReport:
    return RunReport("audit", Outcome.OK, 0, BEGAN, 1.0, endpoint_url=name, secrets=secrets, summary={"secrets": 0})


@given(reports)
@example(report())
@example(report(SecretReport("a", Outcome.OK), name=TRAPS[0]))
@example(report(SecretReport(EVERYTHING.encode("utf-8", "replace").decode(), Outcome.OK)))
def test_the_parts_together_are_the_document(run: RunReport) -> None:
    text = "".join(document_parts(run))
    assert text == to_json(document(run)) + "\n"
    assert json.loads(text) == document(run)


@given(reports)
def test_no_word_in_it_moves_a_terminal_or_a_runner(run: RunReport) -> None:
    VALIDATOR.validate(true_json("".join(document_parts(run))))


@given(st.lists(secrets, max_size=4))
def test_how_many_secrets_there_are_changes_nothing_about_each(several: list[SecretReport]) -> None:
    singles = [json.loads("".join(document_parts(report(secret))))["secrets"] for secret in several]
    together = json.loads("".join(document_parts(report(*several))))["secrets"]
    assert together == [secret for single in singles for secret in single]


def test_a_secret_is_made_when_its_part_is_asked_for_and_only_then() -> None:
    made: list[int] = []

    def make(number: int) -> SecretReport:
        made.append(number)
        return SecretReport(f"s{number}", Outcome.OK)

    run = RunReport("list", Outcome.OK, 0, BEGAN, 1.0, secrets=LazyReports(range(10_000), make))
    running = document_parts(run)
    assert made == []
    written = longest = 0
    for part in running:
        written += part.count('"name"')
        longest = max(longest, len(part))
        assert len(made) - written <= 1
    assert made == [*range(10_000)]
    assert longest < 5000
