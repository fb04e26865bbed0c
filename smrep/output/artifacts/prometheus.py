"""Prometheus metrics for the textfile collector of node_exporter: counts, no names of secrets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from smrep.errors import Outcome
from smrep.output.safe import safe
from smrep.report import RunReport

_IN_LABEL = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
"""Source: prometheus.io/docs/instrumenting/exposition_formats, text-based format."""
_STATES = tuple(end.word for end in (Outcome.OK, Outcome.DRIFT, Outcome.FAILED, Outcome.PENDING, Outcome.ACCESS))
"""Written for every Region, so that no series ends when its count drops to 0."""
_TOTAL = "secrets"
"""The key of the total in a summary."""
Sample = tuple[dict[str, str], float]
"""Labels and a value."""


def prometheus(report: RunReport) -> str:
    """Return gauges in the text exposition format, without those that are unknown.

    No sample has a timestamp: the collector refuses them.
    """
    return "".join(_families(report))


def _families(report: RunReport) -> Iterator[str]:
    labels = {"account_id": report.account_id, "primary_region": report.primary_region}
    common = {name: value for name, value in labels.items() if value}
    summary = (report.summary or {}) if report.secrets or not report.error else {}
    checked: list[Sample] = [({}, summary[key]) for key in summary if key == _TOTAL]
    states = [({"state": key}, summary[key]) for key in summary if key != _TOTAL]
    ended = round(report.started_at.timestamp() + report.elapsed_s, 3)
    yield _family("secrets_checked", "Secrets that were checked.", common, checked)
    yield _family("secrets", "Secrets by finding; a secret can count in several states.", common, states)
    yield _family("replicas", "Replicas by Region and state.", common, _replicas(report))
    yield _family("exit_code", "Exit code of the last run; 0 is success.", common, [({}, report.exit_code)])
    yield _family("duration_seconds", "Duration of the last run.", common, [({}, round(report.elapsed_s, 3))])
    yield _family("completed_timestamp_seconds", "End of the last run.", common, [({}, ended)])


def _replicas(report: RunReport) -> Iterator[Sample]:
    counts = Counter((row.region, row.outcome.word) for secret in report.secrets for row in secret.replicas)
    for region in sorted({region for region, _ in counts}):
        others = sorted({state for place, state in counts if place == region} - {*_STATES})
        for state in (*_STATES, *others):
            yield {"region": region, "state": state}, counts[region, state]


def _family(name: str, about: str, common: dict[str, str], samples: Iterable[Sample]) -> str:
    """Return the samples of a metric under its HELP and TYPE; nothing without samples."""
    metric = f"smrep_audit_{name}"
    lines = [f"{metric}{_labels({**common, **labels})} {value!r}\n" for labels, value in samples]
    return "".join([f"# HELP {metric} {about}\n", f"# TYPE {metric} gauge\n", *lines]) if lines else ""


def _labels(labels: dict[str, str]) -> str:
    pairs = ",".join(f'{name}="{safe(value).translate(_IN_LABEL)}"' for name, value in labels.items())
    return f"{{{pairs}}}" if pairs else ""
