"""The journal: one JSON line for each write, in a file that is only appended to, for the audit trail."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TextIO

from smrep.errors import OutputError
from smrep.output.events import moment, one_line, told
from smrep.regions import Region


@dataclass(slots=True)
class Journal:
    """Writes down what is about to be sent, from whichever thread, before it is sent."""

    file: TextIO
    path: str
    now: Callable[[], datetime]
    command: str
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _torn: OSError | None = None
    """Why a line could not be written; after that there is no other, and nothing more is sent."""

    def write(self, operation: str, region: Region, params: Mapping[str, Any]) -> None:
        """Write down one write.

        Raises:
            OutputError: it can't be written down, and must not be sent.

        """
        secret = str(params.get("SecretId"))
        account = secret.split(":")[4] if secret.startswith("arn:") else None
        line = {"ts": moment(self.now()), "command": self.command, "account": account}
        with self._lock:
            try:
                if self._torn is None:
                    self.file.write(one_line({**line, **told(operation, region, params)}))
                    self.file.flush()
            except OSError as error:
                self._torn = error
            torn = self._torn
        if torn is not None:
            raise OutputError(
                f"the journal {self.path} could not be written, so nothing more is sent: {torn.strerror}",
                code="JournalNotWritten",
            ) from torn
