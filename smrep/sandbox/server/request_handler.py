"""Passes HTTP requests to the simulator, applies the faults of the wire and logs the outcome."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.message import Message
from itertools import count
from threading import Lock
from typing import IO, Any

from smrep.sandbox.faults import DropCounter
from smrep.sandbox.server.admin_api import PATH, change_faults
from smrep.sandbox.server.wire import (
    Reply,
    WireCall,
    format_answer,
    format_refusal,
    plain_refusal,
    read_operation,
    read_params,
    read_scope,
)
from smrep.sandbox.simulator.account_calls import find_secret_id
from smrep.sandbox.simulator.api_errors import ApiError
from smrep.sandbox.simulator.simulated_aws import Simulator

_OK = 200


class RequestHandler:
    """Answers requests for one simulator and writes a line about each to `log`."""

    def __init__(
        self, simulator: Simulator, *, log: IO[str] | None, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._simulator = simulator
        self._log = log
        self._sleep = sleep
        self._drops = DropCounter()
        self._numbers = count(1)
        self._writing = Lock()

    def handle(self, path: str, headers: Message, body: bytes) -> Reply | None:
        """Return the reply to a request; `None`: close the connection without one."""
        line = self._start_line()
        answer = self._change_faults if path == PATH else self._answer
        reply = answer(path, headers, body, line)
        line["status"] = None if reply is None else reply.status
        self._write(line)
        return reply

    def refuse(self, status: int, message: str) -> Reply:
        """Log and return the refusal of a request that is not one to AWS."""
        self._write({**self._start_line(), "status": status, "code": f"HTTP{status}", "effect": "refused"})
        return plain_refusal(status, message)

    def _change_faults(self, _path: str, headers: Message, body: bytes, line: dict[str, Any]) -> Reply:
        """Answer a request to the sandbox's own API, at once and whatever the faults are."""
        line["service"], line["operation"] = "smrep", "faults"
        reply = change_faults(self._simulator, headers, body)
        if reply.status != _OK:
            line["code"], line["effect"] = f"HTTP{reply.status}", "refused"
        return reply

    def _answer(self, path: str, headers: Message, body: bytes, line: dict[str, Any]) -> Reply | None:
        request_id = f"5a4db0c0-0000-4000-8000-{next(self._numbers):012x}"
        try:
            call = _read(path, headers, body, line)
        except ApiError as error:
            return _refuse(error, line, request_id)
        faults = self._simulator.faults
        if call.scope.region in faults.outages:
            line["effect"] = "outage"
            return None
        drop = self._drops.take(faults.drops, call.operation)
        if drop == "before":
            line["effect"] = "dropped_before"
            return None
        reply = self._call(call, line, request_id)
        if faults.latency_s:
            self._sleep(faults.latency_s)
        if drop == "after":
            line["effect"] = "dropped_after"
            return None
        return reply

    def _call(self, call: WireCall, line: dict[str, Any], request_id: str) -> Reply:
        scope = call.scope
        try:
            answer = self._simulator.call(
                scope.service, call.operation, scope.region, call.params, access_key=scope.access_key
            )
        except ApiError as error:
            return _refuse(error, line, request_id)
        return format_answer(call, answer, request_id)

    def _start_line(self) -> dict[str, Any]:
        return {
            "ts": self._simulator.now(),
            "region": None,
            "service": None,
            "operation": None,
            "secret_id": None,
            "status": None,
            "code": "",
            "effect": "done",
        }

    def _write(self, line: dict[str, Any]) -> None:
        if self._log is None:
            return
        now = datetime.fromtimestamp(line["ts"], UTC)
        line["ts"] = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        with self._writing:
            self._log.write(json.dumps(line).replace("\x7f", "\\u007f") + "\n")
            self._log.flush()


def _read(path: str, headers: Message, body: bytes, line: dict[str, Any]) -> WireCall:
    """Return the call in a request; log each part as soon as it is known."""
    scope = read_scope(headers)
    line["region"], line["service"] = scope.region, scope.service
    operation = line["operation"] = read_operation(scope, path, headers, body)
    params = read_params(scope, body)
    line["secret_id"] = find_secret_id(params)
    return WireCall(scope, operation, params)


def _refuse(error: ApiError, line: dict[str, Any], request_id: str) -> Reply:
    line["code"], line["effect"] = error.code, "refused"
    return format_refusal(line["service"] or "", error, request_id)
