"""A sandbox endpoint that answers one kind of call with a fault."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from email.message import Message
from threading import Lock
from typing import Any, Literal

from smrep.aws.allow_list import WRITES
from smrep.sandbox.server.request_handler import RequestHandler
from smrep.sandbox.server.wire import Reply, read_operation, read_scope
from smrep.sandbox.simulator.simulated_aws import Simulator

HAPPENED = "happened"
"""What a fault remembers when it made something happen, while its answers are true."""

CallSite = tuple[str, str]
"""Operation and Region: what a call is to the matrix."""


class NoAnswer(Exception):
    """A connection that ends without an answer: it was refused, was closed, or nothing came in time."""

    def __init__(self, how: Literal["refused", "closed", "silent"]) -> None:
        super().__init__(how)
        self.how = how


@dataclass(frozen=True, slots=True)
class FaultyCall:
    """One call as a fault meets it."""

    where: CallSite
    number: int
    """The how many-th call of its kind it is, counted from 1."""
    since_s: float
    """Seconds since the first of them."""
    written: bool
    """Whether a request that changes something came before it."""
    carry: Callable[[], Reply]
    """Carries the request out and returns the true answer."""
    memory: set[str]
    """What the fault remembers of one run."""
    simulator: Simulator
    """Where a fault makes something happen that no call of smrep's asks for."""


Injection = Callable[[FaultyCall], Reply]


class FaultyEndpoint(RequestHandler):
    """Answers truly, but for the calls that `inject` is given."""

    def __init__(
        self,
        simulator: Simulator,
        target: CallSite | None = None,
        inject: Injection | None = None,
        *,
        spreads: bool = False,
        **own: Any,
    ) -> None:
        super().__init__(simulator, **own)
        self._target, self._inject, self._spreads, self._now = target, inject, spreads, simulator.now
        self._lock = Lock()
        self._number, self._first_at = 0, 0.0
        self._memory: set[str] = set()
        self.struck = False
        """Whether any answer was other than the true one, or something happened beside the calls."""
        self.seen: list[CallSite] = []
        """Every call, in the order in which they came."""

    def handle(self, path: str, headers: Message, body: bytes) -> Reply | None:
        """Answer for a server, to which every way of giving no answer is one."""
        try:
            return self.answer(path, headers, body)
        except NoAnswer:
            return None

    def answer(self, path: str, headers: Message, body: bytes) -> Reply:
        """Return the answer, true or struck.

        Raises:
            Gone: there is none.

        """
        scope = read_scope(headers)
        where = read_operation(scope, path, headers, body), scope.region

        true: list[Reply] = []

        def carry() -> Reply:
            reply = RequestHandler.handle(self, path, headers, body)
            assert reply is not None
            true.append(reply)
            return reply

        with self._lock:
            self.seen.append(where)
            if self._inject is None or not (where == self._target or (self._spreads and self._number)):
                return carry()
            self._number += 1
            self._first_at = self._first_at or self._now()
            written = any(operation in WRITES for operation, _ in self.seen[:-1])
            call = FaultyCall(
                where, self._number, self._now() - self._first_at, written, carry, self._memory, self._simulator
            )
        try:
            reply = self._inject(call)
        except NoAnswer:
            self.struck = True
            raise
        self.struck |= reply not in true or HAPPENED in self._memory
        return reply


def refusal(call: FaultyCall, code: str, message: str, status: int = 400) -> Reply:
    """Return AWS's refusal in the words of the service that was called."""
    if call.where[0] in ("GetCallerIdentity", "SimulatePrincipalPolicy", "DescribeRegions", "AssumeRole"):
        kind = "Sender" if status < 500 else "Receiver"
        error = f"<Error><Type>{kind}</Type><Code>{code}</Code><Message>{message}</Message></Error>"
        if call.where[0] == "DescribeRegions":
            error = f"<Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
            body = f"<Response>{error}<RequestID>r-0</RequestID></Response>"
        else:
            body = f"<ErrorResponse>{error}<RequestId>r-0</RequestId></ErrorResponse>"
        return Reply(status, "text/xml", body.encode(), "r-0")
    document = {"__type": code, "message": message, "Message": message}
    return Reply(status, "application/x-amz-json-1.1", json.dumps(document).encode(), "r-0", code)


def rewritten(reply: Reply, change: Callable[[list[Mapping[str, Any]]], list[Mapping[str, Any]]]) -> Reply:
    """Return the reply with another ReplicationStatus; one that has none is left alone."""
    answer = json.loads(reply.body)
    if "ReplicationStatus" not in answer:
        return reply
    return replace(
        reply, body=json.dumps({**answer, "ReplicationStatus": change(answer["ReplicationStatus"])}).encode()
    )
