"""A run's events as they happen: one JSON object a line, `version` first and `result` last."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from smrep import __version__
from smrep.errors import Outcome, OutputError
from smrep.model import without_request_id
from smrep.output.json_document import SCHEMA, document
from smrep.output.safe import to_json
from smrep.regions import Region
from smrep.report import Progress, RunReport, SecretReport, worth_telling

State = tuple[str | None, str | None, str | None]
"""A Region's status and message from AWS, and its result so far."""


class Events:
    """Writes the events of one run, from any thread."""

    def __init__(
        self, write: Callable[[str], None], now: Callable[[], datetime], report: Callable[[], RunReport]
    ) -> None:
        """Write nothing yet; `write` emits a line at once or raises; `report` returns the run so far."""
        self._write = write
        self._now = now
        self._report = report
        self._lock = threading.Lock()
        self._states: dict[str, dict[Region, State]] = {}
        self._ended = False

    def version(self, command: str | None) -> None:
        """Write the schema and the command."""
        self._write_event("version", schema=SCHEMA, smrep_version=__version__, command=command)

    def plan(self) -> None:
        """Write the plan, before anything is sent."""
        self._write_event("plan", secrets=document(self._report())["secrets"])

    def request(self, operation: str, region: Region, params: Mapping[str, Any]) -> None:
        """Write that a write to AWS is about to be sent.

        Raises:
            OutputError: the run has ended or the event cannot be written, so the request must not be sent.

        """
        self._write_event("request", **describe_write(operation, region, params))

    def progress(self, progress: Progress) -> None:
        """Write the progress of a run over many secrets."""
        self._write_event(
            "progress", doing=progress.doing, done=progress.done, total=progress.total, troubled=progress.troubled
        )

    def show(self, secrets: Iterable[SecretReport], *, looks_last: bool = False) -> None:
        """Write each Region that is new, or whose status, message or result has changed.

        With `looks_last`, smrep checks Regions in sync only at the end: until then their result is pending, and none is
        written while no other Region is waited for.
        """
        secrets = tuple(secrets)
        is_waiting = any(row.outcome is Outcome.PENDING for secret in secrets for row in secret.replicas)
        for secret in secrets:
            last = self._states.setdefault(secret.arn or secret.name, {})
            states: dict[Region, State] = {}
            for row in secret.replicas:
                unsure = looks_last and row.outcome is Outcome.OK
                result = Outcome.PENDING if unsure else row.outcome
                if is_waiting or not unsure:
                    states[row.region] = row.status, row.status_message, result.word
                elif row.region in last:
                    states[row.region] = last[row.region]
            if secret.error is None:  # else a Region without a row may be one that could not be checked
                states |= {region: (None, None, None) for region in last if region not in states}
            for region, state in states.items():
                comparable = state[0], without_request_id(state[1]), state[2]
                if last.get(region) != comparable:
                    last[region] = comparable
                    self._write_event(
                        "status",
                        secret=secret.name,
                        secret_arn=secret.arn,
                        region=region,
                        status=state[0],
                        status_message=state[1],
                        result=state[2],
                    )

    def listed(self, secrets: Iterable[SecretReport]) -> None:
        """Write an event for each secret of a page of a list."""
        for secret in secrets:
            region = secret.primary_region
            self._write_event("secret", name=secret.name, arn=secret.arn, role=secret.role, primary_region=region)

    def result(self, report: RunReport) -> None:
        """Write the last changes, then the document; no event may follow."""
        if report.command != "list":  # its secrets have had their events
            self.show(worth_telling(report))
        self._write_event("result", document=document(report))

    def _write_event(self, kind: str, **fields: object) -> None:
        with self._lock:
            if self._ended:
                raise OutputError("the result was already sent, so no event may follow it")
            self._ended = kind == "result"
            self._write(one_line({"type": kind, "ts": timestamp(self._now()), **fields}))


def describe_write(operation: str, region: Region, params: Mapping[str, Any]) -> dict[str, object]:
    """Return the fields of a write in an event or a journal: operation, secret, Region, replica Regions, keys."""
    replicas = params.get("AddReplicaRegions", ())
    added = [replica["Region"] for replica in replicas]
    keys = {replica["Region"]: replica["KmsKeyId"] for replica in replicas if "KmsKeyId" in replica}
    return {
        "operation": operation,
        "region": region,
        "secret": params.get("SecretId"),
        "regions": added or list(params.get("RemoveReplicaRegions", [region])),
        "force": bool(params.get("ForceOverwriteReplicaSecret")),
        **({"kms_key_id": params.get("KmsKeyId")} if operation == "UpdateSecret" else {}),
        **({"kms_key_ids": keys} if keys else {}),
    }


def timestamp(now: datetime) -> str:
    """Return RFC 3339 in UTC, to the millisecond."""
    return now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def one_line(event: dict[str, object]) -> str:
    """Return the event as JSON on one line; JSON escapes line breaks in values."""
    return to_json(event, indent=None) + "\n"
