"""Any report that a run could end with, for properties of what is written of it."""

from __future__ import annotations

from datetime import UTC, datetime

from hostile.payloads import TEXTS
from hypothesis import strategies as st

from smrep.errors import Outcome
from smrep.model import CrossAccount, FarEnd
from smrep.regions import Region
from smrep.report import Action, Finding, Kind, Problem, RegionReport, RunReport, SecretReport, Severity

BEGAN = datetime(2026, 11, 23, 10, tzinfo=UTC)
TRAPS = ['\n  "secrets": []', '"secrets": []', '"error": null', "\n    ", "[]", "##[group]", "##", "::error::x", "\\n"]
ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-a1b2c3"

words = st.text(st.characters(), max_size=20) | st.sampled_from([*TRAPS, *TEXTS.values()])
optional = st.none() | words
outcomes = st.sampled_from(list(Outcome))
arns = st.none() | st.builds((ARN + "{}").format, words)
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
    arn=arns,
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
    arn=arns,
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
