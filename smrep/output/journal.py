"""The journal: one JSON line for each write, in a file that is only appended to, for the audit trail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from smrep.output.events import told
from smrep.output.ledger import Ledger
from smrep.regions import Region


@dataclass(frozen=True, slots=True)
class Journal:
    """Writes down what is about to be sent, from whichever thread, before it is sent."""

    ledger: Ledger
    command: str

    def write(self, operation: str, region: Region, params: Mapping[str, Any]) -> None:
        """Write down one write.

        Raises:
            OutputError: it can't be written down, and must not be sent.

        """
        secret = str(params.get("SecretId"))
        account = secret.split(":")[4] if secret.startswith("arn:") else None
        self.ledger.write({"command": self.command, "account": account, **told(operation, region, params)})
