"""The events of a run as they happen: one JSON object a line, `version` first and `result` last."""

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
from smrep.report import Progress, Report, SecretReport, worth_telling

State = tuple[str | None, str | None, str | None]
"""AWS's word for a Region, its message, and how the Region ended or stands."""


class Events:
    """Tells the events of one run, from whichever thread they come."""

    def __init__(self, write: Callable[[str], None], now: Callable[[], datetime], report: Callable[[], Report]) -> None:
        """Tell nothing yet; `write` puts a line out at once, or raises; `report` is the run as it stands."""
        self._write = write
        self._now = now
        self._report = report
        self._lock = threading.Lock()
        self._told: dict[str, dict[Region, State]] = {}
        self._ended = False

    def version(self, command: str | None) -> None:
        """Tell what the stream is made of and which command runs."""
        self._tell("version", schema=SCHEMA, smrep_version=__version__, command=command)

    def plan(self) -> None:
        """Tell what was found and decided, before anything is sent."""
        self._tell("plan", secrets=document(self._report())["secrets"])

    def request(self, operation: str, region: Region, params: Mapping[str, Any]) -> None:
        """Tell of a write that is about to go out.

        Raises:
            OutputError: the run has ended or can't be told any more; the write must not go out.

        """
        self._tell("request", **told(operation, region, params))

    def progress(self, progress: Progress) -> None:
        """Tell how far the run has come."""
        self._tell(
            "progress", doing=progress.doing, done=progress.done, total=progress.total, troubled=progress.troubled
        )

    def show(self, secrets: Iterable[SecretReport], *, looks_last: bool = False) -> None:
        """Tell each Region that is new, or whose status, message or result has changed since last told.

        With `looks_last`, a Region in sync is looked into at the end, and nobody knows that it is well before: it is
        told as pending while others are waited for, and not at all where that look comes next.
        """
        secrets = tuple(secrets)
        waits = any(row.outcome is Outcome.PENDING for secret in secrets for row in secret.replicas)
        for secret in secrets:
            told = self._told.setdefault(secret.arn or secret.name, {})
            states: dict[Region, State] = {}
            for row in secret.replicas:
                unsure = looks_last and row.outcome is Outcome.OK
                result = Outcome.PENDING if unsure else row.outcome
                if waits or not unsure:
                    states[row.region] = row.status, row.status_message, result.word
                elif row.region in told:
                    states[row.region] = told[row.region]
            if secret.error is None:  # else a Region without a row may be one that could not be seen
                states |= {region: (None, None, None) for region in told if region not in states}
            for region, state in states.items():
                known = state[0], without_request_id(state[1]), state[2]
                if told.get(region) != known:
                    told[region] = known
                    self._tell(
                        "status",
                        secret=secret.name,
                        secret_arn=secret.arn,
                        region=region,
                        status=state[0],
                        status_message=state[1],
                        result=state[2],
                    )

    def listed(self, secrets: Iterable[SecretReport]) -> None:
        """Tell the secrets of a page of a list, one by one."""
        for each in secrets:
            self._tell("secret", name=each.name, arn=each.arn, role=each.role, primary_region=each.primary_region)

    def result(self, report: Report) -> None:
        """Tell what has changed at last, and the document; nothing is told after it."""
        if report.command != "list":  # whose secrets were told one by one
            self.show(worth_telling(report))
        self._tell("result", document=document(report))

    def _tell(self, kind: str, **more: object) -> None:
        with self._lock:
            if self._ended:
                raise OutputError("the result is told already, and nothing may happen after it")
            self._ended = kind == "result"
            self._write(one_line({"type": kind, "ts": moment(self._now()), **more}))


def told(operation: str, region: Region, params: Mapping[str, Any]) -> dict[str, object]:
    """Return a write as an event or a journal tells it: what, of which secret, where, for which Regions."""
    added = [each["Region"] for each in params.get("AddReplicaRegions", ())]
    keys = {each["Region"]: each["KmsKeyId"] for each in params.get("AddReplicaRegions", ()) if "KmsKeyId" in each}
    return {
        "operation": operation,
        "region": region,
        "secret": params.get("SecretId"),
        "regions": added or list(params.get("RemoveReplicaRegions", [region])),
        "force": bool(params.get("ForceOverwriteReplicaSecret")),
        **({"kms_key_id": params.get("KmsKeyId")} if operation == "UpdateSecret" else {}),
        **({"kms_key_ids": keys} if keys else {}),
    }


def moment(now: datetime) -> str:
    """Return RFC 3339 in UTC, to the millisecond."""
    return now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def one_line(event: dict[str, object]) -> str:
    """Return the event as JSON on a line of its own; a line break inside a value is an escape there."""
    return to_json(event, indent=None) + "\n"
