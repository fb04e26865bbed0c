"""The JSON document of `sandbox drill`, `smrep-drill/1`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from smrep import __version__
from smrep.output.events import timestamp
from smrep.output.safe import to_json
from smrep.rules.recovery.drill_timeline import DrillResult, Gap, SecretTimeline, Span, Step, StepResult

SCHEMA = "smrep-drill/1"
"""Its JSON Schema is drill.schema.json beside this file."""


def as_json(rehearsal: DrillResult, exit_code: int) -> str:
    """Return the document as text."""
    return to_json(document(rehearsal, exit_code)) + "\n"


def document(rehearsal: DrillResult, exit_code: int) -> dict[str, Any]:
    """Return the document; every time but `started_at` is in seconds since then."""
    taken = {step.step.name: step for step in rehearsal.taken}
    return {
        "schema": SCHEMA,
        "smrep_version": __version__,
        "started_at": timestamp(rehearsal.started_at),
        "elapsed_s": _s(rehearsal.long_s),
        "result": _result(rehearsal),
        "exit_code": exit_code,
        "from": rehearsal.pair.source,
        "to": rehearsal.pair.target,
        "third": rehearsal.third,
        "totals": {
            "secrets": len(rehearsal.courses),
            "longest_unreadable_s": _s(rehearsal.unreadable_s),
            "longest_unwritable_s": _s(rehearsal.unwritable_s),
            "none_writable_s": _s(rehearsal.none_writable_s),
            "longest_twice_writable_s": _s(rehearsal.twice_writable_s),
        },
        "steps": [_step(step, taken.get(step.name)) for step in rehearsal.steps],
        "secrets": [_secret(course) for course in rehearsal.courses],
        "problems": list(rehearsal.problems),
    }


def _result(rehearsal: DrillResult) -> str:
    if rehearsal.interrupted:
        return "interrupted"
    return "failed" if rehearsal.problems else "ok"


def _step(step: Step, taken: StepResult | None) -> dict[str, Any]:
    return {
        "step": step.name,
        "command": step.command,
        "at_s": _s(taken.at_s) if taken else None,
        "took_s": _s(taken.took_s) if taken else None,
        "exit_code": taken.exit_code if taken else None,
    }


def _secret(course: SecretTimeline) -> dict[str, Any]:
    return {
        "name": course.name,
        "unreadable": _gaps(course.unreadable),
        "unwritable": _gaps(course.unwritable),
        "twice_writable": _gaps(course.twice_writable),
        "regions": [
            {
                "region": track.region,
                "without_current_s": _s(track.without_s),
                "spans": [_span(span) for span in track.spans],
            }
            for track in course.tracks
        ],
    }


def _span(span: Span) -> dict[str, Any]:
    return {
        "from_s": _s(span.from_s),
        "to_s": _s(span.to_s),
        "readable": span.readable,
        "writable": span.writable,
    }


def _gaps(gaps: Iterable[Gap]) -> list[dict[str, float]]:
    return [{"from_s": _s(gap.from_s), "to_s": _s(gap.to_s)} for gap in gaps]


def _s(seconds: float) -> float:
    """Return seconds to the millisecond."""
    return round(seconds, 3)
