"""The report of an acceptance run: steps, questions and observations, safe to share."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from live.mask import mask


class NotAsked(Exception):
    """A question that this run can't ask; says what it would take."""


def now() -> datetime:
    """Return the time of day."""
    return datetime.now(UTC)


@dataclass
class Report:
    """A report that lies in its file after each entry, so that a run that dies leaves what it knew."""

    path: Path
    head: dict[str, Any]
    private: tuple[str, ...] = ()
    """Words to take out besides what is masked anyway."""
    steps: list[dict[str, Any]] = field(default_factory=list)
    questions: list[dict[str, Any]] = field(default_factory=list)
    left: list[dict[str, Any]] = field(default_factory=list)
    started: datetime = field(default_factory=now)
    cleaned_up: bool = False

    @property
    def document(self) -> dict[str, Any]:
        """The masked document."""
        document: dict[str, Any] = mask(
            {
                "schema": "smrep-live/1",
                **self.head,
                "started_at": self.started,
                "ended_at": now(),
                "steps": self.steps,
                "questions": self.questions,
                "cleaned_up": self.cleaned_up,
                "left": self.left,
            },
            self.private,
        )
        return document

    def save(self) -> None:
        """Write the report, for its owner alone to read."""
        part = self.path.with_name(f"{self.path.name}.part")
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(self.document, file, indent=2, ensure_ascii=False)
            file.write("\n")
        part.replace(self.path)

    @contextmanager
    def entry(self, section: list[dict[str, Any]], done: str, failed: str, **about: Any) -> Iterator[dict[str, Any]]:
        """Add an entry to a section; what ends the block becomes its outcome, and goes on its way."""
        entry: dict[str, Any] = {**about, "outcome": "interrupted"}
        section.append(entry)
        try:
            yield entry
        except (NotAsked, pytest.skip.Exception) as skipped:
            entry |= {"outcome": "skipped", "why": str(skipped)}
            raise
        except Exception as error:
            entry |= {"outcome": failed, "why": f"{type(error).__name__}: {error}".partition("\n")[0]}
            raise
        else:
            entry["outcome"] = done
        finally:
            self.save()
