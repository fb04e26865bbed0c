"""Runs smrep as a process step by step, and writes down what it said."""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import Any

import pytest
from fixtures import Done
from live.account import Account, Answer
from live.options import Settings

TOLD = ("region", "status", "status_message", "kms_key_id", "action", "changed", "verified", "findings")
"""What is told of a row of a document."""


@dataclass
class Walkthrough:
    """The life of one secret, and what its steps share."""

    account: Account
    settings: Settings
    entry: dict[str, Any] = field(default_factory=dict)
    """What the report says of the present step."""
    passed: set[str] = field(default_factory=set)
    """The steps that went well."""

    @property
    def name(self) -> str:
        """The secret whose life it is."""
        return f"{self.account.prefix}life"

    @property
    def failing(self) -> str:
        """The secret that is given a key that does not exist."""
        return f"{self.account.prefix}life-failed"

    @property
    def home(self) -> str:
        """The primary's Region."""
        return self.settings.primary

    @property
    def target(self) -> str:
        """The first replica's Region."""
        return self.settings.replicas[0]

    @property
    def everywhere(self) -> str:
        """The replicas' Regions as -r takes them."""
        return ",".join(self.settings.replicas)

    @property
    def patience(self) -> tuple[str, str]:
        """The words that make smrep as patient as the run."""
        return "--timeout", f"{self.settings.patience_s:.0f}s"

    def smrep(self, *words: str) -> Done:
        """Run smrep to its end; its document fits the schema, and is written down."""
        done = self.process(*words, "-o", "json", "--no-input")
        document = done.document
        self.entry["runs"][-1] |= {
            "result": document["result"],
            "error": _error(document["error"]),
            "secrets": [
                {
                    "name": secret["name"],
                    "error": _error(secret["error"]),
                    "replicas": [
                        {**{key: row[key] for key in TOLD}, "error": _error(row["error"])} for row in secret["replicas"]
                    ],
                }
                for secret in document["secrets"]
            ],
        }
        return done

    def process(self, *words: str) -> Done:
        """Run smrep to its end, and write down its exit code and its time."""
        command = [*words, "--primary-region", self.home]
        begun = time.monotonic()
        ended = subprocess.run(
            [sys.executable, "-m", "smrep", *command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=self.settings.patience_s + 120,
            check=False,
        )
        run = {"command": shlex.join(["smrep", *command]), "exit_code": ended.returncode}
        self.entry.setdefault("runs", []).append({**run, "took_s": time.monotonic() - begun})
        assert "Traceback" not in ended.stderr, ended.stderr
        return Done(ended.returncode, ended.stdout, ended.stderr)

    def rows(self, done: Done) -> list[dict[str, Any]]:
        """Return the rows of a document's only secret."""
        ((rows),) = [secret["replicas"] for secret in done.document["secrets"]]
        return list(rows)

    def copy(self, region: str, name: str | None = None) -> Answer:
        """Look for oneself, and write down what a Region shows."""
        answer = self.account.describe(name or self.name, region)
        shown = ("ARN", "PrimaryRegion", "KmsKeyId", "ReplicationStatus")
        says = {key: answer.body[key] for key in shown if key in answer.body} if answer.ok else answer.text
        self.entry.setdefault("looks", []).append({"region": region, "shows": says})
        return answer

    def other_ways(self, there: object, what: str) -> None:
        """Skip a step, loudly, where a rehearsal's endpoint is known to do otherwise than AWS; AWS has no excuse."""
        if there and self.account.rehearsing:
            pytest.skip(f"this endpoint is not AWS: {what}")


def _error(error: dict[str, Any] | None) -> dict[str, Any] | None:
    """Leave out the request's id, which is nobody's business."""
    return error and {key: value for key, value in error.items() if key != "request_id"}
