"""Progress as plain lines: one per change, and a sign of life every 30 seconds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from smrep.model import IN_SYNC
from smrep.output.messages import Messages
from smrep.report import SecretReport
from smrep.rules.closing import is_open
from smrep.rules.commands import duration

HEARTBEAT_S = 30.0


@dataclass(slots=True)
class Lines:
    """Shows progress where no table can redraw itself: in CI, in a pipe, in a log file."""

    messages: Messages
    timeout_s: float | None = None
    _seen: dict[tuple[str, str], tuple[str | None, str | None]] = field(default_factory=dict)
    _spoke_at: float = 0.0

    def show(self, secrets: Iterable[SecretReport], elapsed_s: float) -> None:
        """Print what has changed since the last time, or that nothing has for a while."""
        open_rows = []
        for secret in secrets:
            for row in secret.replicas:
                place = (secret.arn or secret.name, row.region)
                doubt = (
                    ", ".join(dict.fromkeys(each.kind for each in row.findings))
                    if row.verified is False and row.status == IN_SYNC
                    else None
                )
                proof = f"{row.status}, and holds the current version" if row.verified else None
                word, message = doubt or proof or row.note or row.status, row.status_message
                state = (word, message)
                if is_open(row):
                    open_rows.append(f"{secret.name} {row.region} {word or 'open'}")
                if self._seen.get(place, (None, None)) != state:
                    self._seen[place] = state
                    words = f": {message}" if message and word == row.status else ""
                    gone = "no longer listed" if row.status is None and row.error is None else "stopped"
                    self._say(f"{secret.name} {row.region} {word or gone}{words}", elapsed_s)
        if elapsed_s - self._spoke_at >= HEARTBEAT_S and (open_rows or self.timeout_s is not None):
            limit = f" of {duration(self.timeout_s)}" if self.timeout_s is not None else ""
            names = f": {', '.join(open_rows)}" if open_rows else ""
            self._say(f"still waiting after {elapsed_s:.0f}s{limit}{names}", elapsed_s)

    def close(self) -> None:
        """End the progress; nothing is left to tidy up."""

    def _say(self, text: str, elapsed_s: float) -> None:
        self.messages.note(text)
        self._spoke_at = elapsed_s
