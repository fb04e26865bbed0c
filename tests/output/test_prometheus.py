"""An audit as Prometheus metrics, read back by a parser that takes nothing but the text exposition format."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from smrep.errors import Outcome
from smrep.output.artifacts.prometheus import prometheus
from smrep.output.safe import safe
from smrep.regions import Region
from smrep.report import LazyReports, Problem, RegionReport, RunReport, SecretReport

HOME, WEST, EU = Region("us-east-1"), Region("us-west-2"), Region("eu-west-1")
BEGAN = datetime(2026, 11, 23, 10, tzinfo=UTC)
SUMMARY = {"secrets": 3, "covered": 2, "missing": 1, "stale": 0}
SAMPLE = re.compile(r'([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\[\\"n])*",?)+)\})? (-?[0-9.e+-]+)')
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)')
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def parse(text: str) -> Samples:
    """Return the samples; each metric has its HELP, its TYPE, then all its own, and no sample comes twice."""
    text.encode()
    *lines, end = text.split("\n")
    assert end == ""
    samples: Samples = {}
    families: list[str] = []
    for number, line in enumerate(lines):
        if help_line := re.fullmatch(r"# HELP ([a-z_]+) [^\\]+", line):
            assert help_line[1] not in families
            families.append(help_line[1])
            assert lines[number + 1] == f"# TYPE {help_line[1]} gauge"
        elif not line.startswith("# TYPE "):
            sample = SAMPLE.fullmatch(line)
            assert sample, line
            assert sample[1] == families[-1]
            labels = [(label[1], unescaped(label[2])) for label in LABEL.finditer(sample[2] or "")]
            assert len(dict(labels)) == len(labels)
            key = (sample[1].removeprefix("smrep_audit_"), frozenset(labels))
            assert key not in samples
            samples[key] = float(sample[3])
    return samples


def unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda match: "\n" if match[1] == "n" else match[1], text)


def secret(*rows: RegionReport) -> SecretReport:
    return SecretReport("prod/db", Outcome.DRIFT, None, HOME, rows)


def test_the_whole_of_it() -> None:
    secrets = (
        secret(RegionReport(WEST, Outcome.OK), RegionReport(EU, Outcome.DRIFT)),
        secret(RegionReport(WEST, Outcome.OK), RegionReport(EU, Outcome.BUG)),
    )
    run = RunReport(
        "audit", Outcome.DRIFT, 5, BEGAN, 4.25, False, "123456789012", HOME, None, None, secrets, None, SUMMARY
    )
    text = prometheus(run)
    assert text.startswith(
        "# HELP smrep_audit_secrets_checked Secrets that were checked.\n"
        "# TYPE smrep_audit_secrets_checked gauge\n"
        'smrep_audit_secrets_checked{account_id="123456789012",primary_region="us-east-1"} 3\n'
    )
    common = {("account_id", "123456789012"), ("primary_region", "us-east-1")}
    samples: dict[tuple[str, ...], float] = {}
    for (name, labels), value in parse(text).items():
        assert common <= labels
        samples[name, *(value for _, value in sorted(labels - common))] = value
    west = dict.fromkeys(("drift", "failed", "pending", "access"), 0) | {"ok": 2}
    eu = dict.fromkeys(("ok", "failed", "pending", "access"), 0) | {"drift": 1, "bug": 1}
    expected: dict[tuple[str, ...], float] = {
        ("secrets_checked",): 3,
        ("secrets", "covered"): 2,
        ("secrets", "missing"): 1,
        ("secrets", "stale"): 0,
        ("exit_code",): 5,
        ("duration_seconds",): 4.25,
        ("completed_timestamp_seconds",): BEGAN.timestamp() + 4.25,
    }
    expected |= {("replicas", "us-west-2", state): count for state, count in west.items()}
    expected |= {("replicas", "eu-west-1", state): count for state, count in eu.items()}
    assert samples == expected
    assert "prod/db" not in text


def test_a_run_that_failed_tells_what_is_true() -> None:
    error = Problem("ExpiredToken", "expired", None, None, Outcome.ACCESS)
    none: frozenset[tuple[str, str]] = frozenset()
    nought = {"secrets": 0, "missing": 0}
    assert parse(prometheus(RunReport("audit", Outcome.ACCESS, 4, BEGAN, 0.00001, error=error, summary=nought))) == {
        ("exit_code", none): 4,
        ("duration_seconds", none): 0,
        ("completed_timestamp_seconds", none): BEGAN.timestamp(),
    }


def test_ten_thousand_secrets_are_read_once_and_leave_no_series_of_their_own() -> None:
    made: list[int] = []

    def make(number: int) -> SecretReport:
        made.append(number)
        return secret(RegionReport(WEST, Outcome.OK))

    text = prometheus(RunReport("audit", Outcome.OK, 0, BEGAN, 1.0, secrets=LazyReports(range(10_000), make)))
    assert parse(text)["replicas", frozenset({("region", "us-west-2"), ("state", "ok")})] == 10_000
    assert len(made) == 10_000
    assert len(text.splitlines()) < 20


words = st.text(st.characters()) | st.lists(st.sampled_from(['"', "\\", "\n", "}", "{", ",", "=", " ", "\ud800"])).map(
    "".join
)


@given(words, words, words, st.floats(0, 1e9), st.integers(0))
def test_any_word_stays_in_its_label(account: str, region: str, state: str, elapsed_s: float, count: int) -> None:
    run = RunReport(
        "audit",
        Outcome.OK,
        0,
        BEGAN,
        elapsed_s,
        account_id=account,
        secrets=[secret(RegionReport(Region(region), Outcome.OK))],
        summary={state: count},
    )
    samples = parse(prometheus(run))
    common = {("account_id", safe(account))} if account else set()
    name, labels = ("secrets_checked", set()) if state == "secrets" else ("secrets", {("state", safe(state))})
    assert samples[name, frozenset(common | labels)] == float(count)
    assert samples["replicas", frozenset({*common, ("region", safe(region)), ("state", "ok")})] == 1
