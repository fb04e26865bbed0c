"""`smrep.serverless.handler`: smrep as an AWS Lambda function. As a program, it handles a JSON event on each line."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

# What every run loads, while the function starts.
from smrep.aws.client import Aws
from smrep.aws.session import Session, Settings
from smrep.cli.commands import apply, audit  # noqa: F401
from smrep.cli.main import run
from smrep.errors import Outcome, SmrepError, StillOpen, Terminated, UsageError
from smrep.output import json_document  # noqa: F401
from smrep.output.safe import safe
from smrep.regions import parse_region
from smrep.report import bug
from smrep.rules.hints import credentials_fix
from smrep.rules.trigger import Schedule
from smrep.service import apply as _apply  # noqa: F401
from smrep.service import audit as _audit  # noqa: F401
from smrep.service import event as _event  # noqa: F401

MANIFEST, DOCUMENTS, HOLD = "SMREP_MANIFEST", "SMREP_DOCUMENTS", "SMREP_HOLD"
NAMESPACE = "smrep"
METRICS = ("missing", "failed", "stale", "drift")
"""Metrics of CloudWatch: numbers of secrets."""
MEASURED = {outcome.word for outcome in (Outcome.OK, Outcome.DRIFT, Outcome.FAILED, Outcome.PENDING)}
"""Results that show every secret, unless an error hides one or all; others measure nothing, which is no zero."""
ABSENT = frozenset({"ResourceNotFoundException", "NotFound", "pending_deletion", "is_replica"})
"""Errors of a secret that hide nothing: smrep looked, and there is no primary to count."""
SUCCESSES = (Outcome.OK.exit_code, Outcome.DRIFT.exit_code)
"""Exit codes after which Lambda need not try again."""
LAST_WORDS_S = 20.0
"""Seconds kept, of those that Lambda gives, to finish requests in progress and to write the document."""
LOG_BYTES = 200_000
"""The longest document for the log, where CloudWatch allows 256 KiB."""
_SESSIONS: dict[Settings, Session] = {}
"""Connections of earlier events, which a warm function uses again."""


class Unfinished(Exception):
    """Something is still in progress, or Lambda's time ran out; Lambda tries again."""


class Failed(Exception):
    """smrep could not do what the event asks for; Lambda tries again, then keeps the event in the dead-letter queue."""


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Do what an event or a schedule asks for, and return a summary.

    Raises:
        Unfinished: exit code 3, or the time ran out.
        Failed: exit codes 1, 2, 4 and 70.

    """
    summary = handle(event, context)
    if summary["exit_code"] in SUCCESSES:
        return summary
    is_open = summary["result"] in (Outcome.PENDING.word, Outcome.INTERRUPTED.word)
    raise (Unfinished if is_open else Failed)(safe(summary["error"] or summary["result"]))


def handle(event: Any, context: Any) -> dict[str, Any]:
    """Do what an event or a schedule asks for; log and return a summary, however it ends."""
    started_at, request_id = datetime.now(UTC), getattr(context, "aws_request_id", None) or str(uuid4())
    schedule = event.get("smrep") if isinstance(event, dict) else None
    trigger = schedule if schedule in list(Schedule) else "event"
    summary: dict[str, Any] = {"trigger": trigger, "request_id": request_id}
    try:
        document = _document(event, context, is_audit=schedule == Schedule.AUDIT)
        summary |= _summary(document)
        summary["document"] = _keep(document, f"{started_at:%Y/%m/%d/%H%M%SZ}-{trigger}-{request_id}.json")
    except SmrepError as error:
        summary |= {"result": error.outcome.word, "exit_code": error.outcome.exit_code, "error": error.message}
    except Exception as error:  # noqa: BLE001 - no traceback reaches a user, and Lambda tries again
        summary |= {"result": Outcome.BUG.word, "exit_code": Outcome.BUG.exit_code, "error": bug(error).message}
    except Terminated:
        summary |= {"result": Outcome.INTERRUPTED.word, "exit_code": 143, "error": "Lambda's time ran out"}
    _log(_with_metrics(summary, getattr(context, "function_name", NAMESPACE), started_at))
    return summary


def _document(event: Any, context: Any, *, is_audit: bool) -> dict[str, Any]:
    """Run `smrep audit` or `smrep apply`, and return its document."""
    with tempfile.TemporaryDirectory(prefix="smrep-") as folder:
        words = ["-f", _manifest(Path(folder)), "-o", "json", "--quiet", "--no-input"]
        if is_audit:
            words = ["audit", *words, "--deep"]
        else:
            file = Path(folder, "event.json")
            file.write_text(_text(event))
            hold = ["--dry-run"] if os.environ.get(HOLD) not in (None, "", "0") else []
            words = ["apply", *words, "--event", str(file), "--yes", *hold]
        out = io.StringIO()
        with _stopping_in_time(context), contextlib.redirect_stdout(out):
            run(words, sessions=_SESSIONS)
    document: dict[str, Any] = json.loads(out.getvalue())
    return document


def _text(event: Any) -> str:
    """Return an event as JSON.

    Raises:
        UsageError: it is nested deeper than Python writes.

    """
    try:
        return json.dumps(event)
    except RecursionError:
        raise UsageError("the event is nested too deeply to be one of AWS's", code="MalformedEvent") from None


def _manifest(folder: Path) -> str:
    """Return the path of the manifest, read from S3 if it is there.

    Raises:
        SmrepError: there is none, or S3 did not return it.

    """
    place = os.environ.get(MANIFEST)
    if not place:
        raise UsageError(f"{MANIFEST} is not set", "set it to a path in the bundle, or to s3://BUCKET/KEY")
    if not place.startswith("s3://"):
        return place
    file = folder / "manifest.toml"
    file.write_bytes(_s3().read_object(*_bucket_and_key(place), _region()))
    return str(file)


def _keep(document: dict[str, Any], name: str) -> str | None:
    """Write the document to S3 and return its URL, or write it to the log.

    Raises:
        SmrepError: S3 did not take it; the log has it.

    """
    place = os.environ.get(DOCUMENTS)
    if not place:
        _log(_short(document))
        return None
    bucket, prefix = _bucket_and_key(place)
    key = "/".join(filter(None, [prefix.strip("/"), name]))
    try:
        _s3().write_object(bucket, key, _region(), json.dumps(document).encode())
    except SmrepError:
        _log(_short(document))
        raise
    return f"s3://{bucket}/{key}"


def _short(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document without secrets that are ok, and then without any, if it is too long for the log."""
    secrets = document["secrets"]
    for kept in (secrets, [secret for secret in secrets if secret["result"] != Outcome.OK.word], []):
        shortened = {**document, "secrets": kept}
        if len(json.dumps(shortened)) <= LOG_BYTES:
            break
    return shortened


def _summary(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document without its secrets: how it ended, and the number of secrets by their state."""
    secrets, event, error = document["secrets"], document.get("event"), document["error"]
    is_whole = document["result"] in MEASURED and (error is None or error["code"] == StillOpen.__name__)
    errors = [secret["error"]["code"] for secret in secrets if secret["error"] and not secret["replicas"]]
    unseen = any(row["result"] == Outcome.ACCESS.word for secret in secrets for row in secret["replicas"])
    measured = is_whole and not unseen and ABSENT.issuperset(errors) and not (event and event["ignored"])
    kept = {name: document[name] for name in ("command", "result", "exit_code", "dry_run", "elapsed_s")}
    counts = Counter(state for secret in secrets for state in _states(secret))
    return {
        **kept,
        **({"event": event} if event else {}),
        **({"replicas": _statuses(secrets[0])} if event and secrets else {}),
        **({name: counts[name] for name in METRICS} if measured else {}),
        "secrets": len(secrets),
        "error": _error(document) if document["exit_code"] not in SUCCESSES else None,
    }


def _error(document: dict[str, Any]) -> str | None:
    """Return the first few reasons why a run did not succeed."""
    rows = [row for secret in document["secrets"] for row in secret["replicas"]]
    errors = [each["error"]["message"] for each in (document, *document["secrets"], *rows) if each["error"]]
    findings = [finding["message"] for row in rows for finding in row["findings"] if finding["severity"] == "error"]
    return "; ".join([*dict.fromkeys(errors + findings)][:5]) or None


def _statuses(secret: dict[str, Any]) -> dict[str, str | None]:
    return {row["region"]: row["status"] for row in secret["replicas"]}


def _states(secret: dict[str, Any]) -> set[str]:
    """Return the metrics that count the secret."""
    rows = secret["replicas"]
    states = {finding["kind"] for row in rows for finding in row["findings"]} & set(METRICS)
    if any(row["status"] == "Failed" for row in rows):
        states.add("failed")
    if any(row["status"] is None and (row["error"] or row["action"] in ("add", "retry")) for row in rows):
        states.add("missing")
    return states | ({"drift"} if secret["result"] == Outcome.DRIFT.word else set())


def _with_metrics(summary: dict[str, Any], function: str, at: datetime) -> dict[str, Any]:
    """Return the summary in CloudWatch's embedded metric format, if it measures anything.

    Source: CloudWatch User Guide, 'Specification: Embedded metric format'.
    """
    if not set(METRICS) <= summary.keys():
        return summary
    metrics = {
        "Namespace": NAMESPACE,
        "Dimensions": [["FunctionName", "trigger"]],
        "Metrics": [{"Name": name, "Unit": "Count"} for name in METRICS],
    }
    envelope = {"Timestamp": int(at.timestamp() * 1000), "CloudWatchMetrics": [metrics]}
    return {"_aws": envelope, "FunctionName": function, **summary}


@contextlib.contextmanager
def _stopping_in_time(context: Any) -> Iterator[None]:
    """End the run as SIGTERM would, before Lambda kills it and nothing is reported."""
    if context is None or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: object) -> None:
        raise Terminated

    left_s = context.get_remaining_time_in_millis() / 1000
    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, max(left_s - min(LAST_WORDS_S, left_s / 4), 0.001))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _s3() -> Aws:
    settings = Settings(sts_region=_region())  # those of a run, so that it shares the session
    return Aws(_SESSIONS.setdefault(settings, Session(settings, fix=credentials_fix)))


def _region() -> Any:
    return parse_region(os.environ.get("AWS_REGION", ""))


def _bucket_and_key(url: str) -> tuple[str, str]:
    bucket, _, key = url.removeprefix("s3://").partition("/")
    return bucket, key


def main() -> None:
    """Handle the event on each line of standard input, and say on standard error what became of it."""
    with contextlib.suppress(KeyboardInterrupt):
        for line in sys.stdin:
            event: Any = line
            with contextlib.suppress(ValueError):
                event = json.loads(line)
            sys.stderr.write(f"{safe(_told(handle(event, None)))}\n")


def _told(summary: dict[str, Any]) -> str:
    """Return a summary as a sentence for a person."""
    event = summary.get("event") or {"name": summary["trigger"], "secret_id": None, "ignored": None}
    secret = (event["secret_id"] or "").rpartition(":")[2]
    name = " ".join(filter(None, ["event", event["name"], secret]))
    replicas = ", ".join(f"{region} {status}" for region, status in summary.get("replicas", {}).items())
    if event["ignored"]:
        return f"{name}: ignored, {event['ignored']}"
    return f"{name}: {summary['error'] or replicas or summary['result']}"


def _log(line: dict[str, Any]) -> None:
    print(json.dumps(line, separators=(",", ":")), flush=True)  # noqa: T201 - Lambda's log


if __name__ == "__main__":
    main()
