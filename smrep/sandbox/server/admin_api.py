"""The sandbox's own HTTP API: read and change its faults.

POST to `PATH` a JSON object with the header `HEADER`: `clear` (true: start from a healthy AWS) and `faults` (the
faults to replace, by name), both optional. A browser page cannot send that header or type without a preflight
request, which the sandbox always refuses. The answer has the faults in force afterwards.
"""

from __future__ import annotations

import json
from email.message import Message
from typing import Any

from smrep.sandbox.faults import Faults
from smrep.sandbox.server.fault_document import apply_document, format_faults
from smrep.sandbox.server.wire import Reply, plain_refusal
from smrep.sandbox.simulator.simulated_aws import Simulator

PATH = "/smrep/faults"
HEADER = "X-Smrep-Sandbox"
SCHEMA = "smrep-sandbox-faults/1"
_JSON = "application/json"


def change_faults(simulator: Simulator, headers: Message, body: bytes) -> Reply:
    """Change a simulator's faults by a request; a refused request changes nothing."""
    if len(headers.get_all(HEADER, [])) != 1:
        return plain_refusal(403, f"a request to the sandbox itself needs the header {HEADER}")
    if len(headers.get_all("Content-Type", [])) != 1 or headers.get_content_type() != _JSON:
        return plain_refusal(415, f"a request to the sandbox itself is {_JSON}")
    try:
        clear, wanted = _read(body)
        faults = simulator.change_faults(lambda before: apply_document(Faults() if clear else before, wanted))
    except (ValueError, RecursionError) as error:
        return _make_reply(400, {"schema": SCHEMA, "message": f"{error}"})
    return _make_reply(200, {"schema": SCHEMA, "faults": format_faults(faults)})


def _read(body: bytes) -> tuple[bool, dict[str, Any]]:
    asked = json.loads(body)
    if not isinstance(asked, dict):
        raise ValueError("the request is no object")  # noqa: TRY004 - input, not a caller's mistake
    if unknown := sorted(asked.keys() - {"clear", "faults"}):
        raise ValueError(f"a request has no {unknown[0]!r}")
    clear, wanted = asked.get("clear", False), asked.get("faults", {})
    if not isinstance(clear, bool) or not isinstance(wanted, dict):
        raise ValueError("clear is true or false, and faults is an object")  # noqa: TRY004 - as above
    return clear, wanted


def _make_reply(status: int, document: dict[str, Any]) -> Reply:
    return Reply(status, _JSON, json.dumps(document).encode())
