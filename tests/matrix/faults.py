"""The faults of the matrix: what can go wrong with a call, one entry each."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from matrix.faulty_endpoint import HAPPENED, CallSite, FaultyCall, Injection, NoAnswer, refusal, rewritten
from matrix.patched_transport import SESSION
from matrix.scenes import NAME

from smrep.aws.allow_list import WRITES
from smrep.sandbox.server.wire import Reply
from smrep.sandbox.simulator.simulated_aws import ApiError

LAG_S = 12.0


@dataclass(frozen=True, slots=True)
class Fault:
    """A column of the matrix."""

    name: str
    what: str
    inject: Injection
    passes: bool = False
    """Whether it is over after one call, so that the run must end as if nothing had been."""
    spreads: bool = False
    """Whether every later call is struck too, of whatever kind."""
    lists: bool = False
    """Whether it is about the list of replicas, and does nothing to a call without one."""
    befalls: Callable[[Sequence[CallSite], int], bool] = lambda _seen, _first: True
    """Whether it can come to pass, given the calls of a healthy run and the place of the first that it could befall."""


def _refused(_: FaultyCall) -> Reply:
    raise NoAnswer("refused")


def _lost_before(call: FaultyCall) -> Reply:
    if call.number == 1:
        raise NoAnswer("closed")
    return call.carry()


def _lost_after(call: FaultyCall) -> Reply:
    reply = call.carry()
    if call.number == 1:
        raise NoAnswer("closed")
    return reply


def _silent(call: FaultyCall) -> Reply:
    call.carry()
    raise NoAnswer("silent")


def _error_500(call: FaultyCall) -> Reply:
    return refusal(call, "InternalServiceError", "An error occurred on the server side.", 500)


def _error_503(call: FaultyCall) -> Reply:
    reply = call.carry()
    return (
        Reply(503, "text/html", b"<html><h1>503 Service Temporarily Unavailable</h1></html>")
        if call.number == 1
        else reply
    )


def _throttled_once(call: FaultyCall) -> Reply:
    return _throttled(call) if call.number == 1 else call.carry()


def _throttled(call: FaultyCall) -> Reply:
    return refusal(call, "ThrottlingException", "Rate exceeded")


def _denied(call: FaultyCall) -> Reply:
    return refusal(call, "AccessDeniedException", f"User is not authorized to perform {call.where[0]}")


def _expired(call: FaultyCall) -> Reply:
    return refusal(call, "ExpiredTokenException", "The security token included in the request is expired", 403)


def _session_ends(call: FaultyCall) -> Reply:
    """Let nothing more be signed; the answer, which a blank behind it does not change, is the last."""
    reply = call.carry()
    os.environ[SESSION] = "2026-01-01T00:00:00Z"
    return replace(reply, body=reply.body + b" ")


def _truncated(call: FaultyCall) -> Reply:
    reply = call.carry()
    return replace(reply, body=reply.body[: len(reply.body) // 2 + 1])


def _portal(_: FaultyCall) -> Reply:
    return Reply(200, "text/html", b"<html><body>Please sign in to the network</body></html>")


def _other_shape(call: FaultyCall) -> Reply:
    reply = call.carry()
    body = b'{"ARN": 7, "Name": [], "ReplicationStatus": {"a": 1}, "KeyMetadata": [], "Versions": 1, "Regions": {}, '
    body += b'"SecretList": {"a": 1}, "Accounts": {"a": 1}, "OrganizationalUnits": {"a": 1}}'
    return replace(reply, body=b"<Other><Thing>7</Thing></Other>" if reply.content_type == "text/xml" else body)


def _then(inject: Injection) -> Injection:
    """Return the fault that begins when the first such call has been answered well."""
    return lambda call: call.carry() if call.number == 1 else inject(call)


def _once_written(inject: Injection) -> Injection:
    """Return the fault that begins when something was asked to be changed."""
    return lambda call: inject(call) if call.written else call.carry()


def _again(seen: Sequence[CallSite], first: int) -> bool:
    return seen[first] in seen[first + 1 :]


def _surely_later(seen: Sequence[CallSite], first: int) -> bool:
    """Whether something comes after it whatever the order of calls that are made side by side."""
    return _again(seen, first) or seen[first][0] in WRITES


def _after_a_write(seen: Sequence[CallSite], first: int) -> bool:
    written = next((place for place, (operation, _) in enumerate(seen) if operation in WRITES), len(seen))
    return seen[first] in seen[written + 1 :]


def _unknown_word(call: FaultyCall) -> Reply:
    return rewritten(call.carry(), lambda entries: [{**each, "Status": "Rebalancing"} for each in entries])


def _missing(call: FaultyCall) -> Reply:
    return rewritten(call.carry(), lambda _: []) if call.since_s < LAG_S else call.carry()


def _failed_later(call: FaultyCall) -> Reply:
    def change(entries: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        failed = {"Status": "Failed", "StatusMessage": "Replication failed: the key can't be used any more"}
        changed = [{**each, **failed} if each["Region"] in call.memory else each for each in entries]
        call.memory.update(each["Region"] for each in entries if each["Status"] == "InSync")
        return changed

    return rewritten(call.carry(), change)


def _stuck(call: FaultyCall) -> Reply:
    def change(entries: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        settled = [{key: part for key, part in each.items() if key != "StatusMessage"} for each in entries]
        return [{**each, "Status": "InProgress"} for each in settled]

    return rewritten(call.carry(), change)


def _promoted_meanwhile(call: FaultyCall) -> Reply:
    with contextlib.suppress(ApiError), call.simulator.undisturbed():
        promoting = "StopReplicationToReplica", call.where[1], {"SecretId": NAME}
        call.simulator.call("secretsmanager", *promoting)
        call.memory.add(HAPPENED)
    return call.carry()


def _no_value(call: FaultyCall) -> Reply:
    reply = call.carry()
    answer = json.loads(reply.body)
    if "VersionIdsToStages" not in answer:
        return reply
    return replace(reply, body=json.dumps({**answer, "VersionIdsToStages": None}).encode())


def _describes(seen: Sequence[CallSite], first: int) -> bool:
    return seen[first][0] == "DescribeSecret"


FAULTS = (
    Fault("refused", "every connection is refused", _refused),
    Fault("lost before", "the first request is lost, and AWS does not carry it out", _lost_before, passes=True),
    Fault("lost after", "AWS carries out the first request, and its answer is lost", _lost_after, passes=True),
    Fault("silence", "AWS carries out each request, and no answer comes within 10 s", _silent),
    Fault("500", "InternalServiceError each time; AWS carries out nothing", _error_500),
    Fault(
        "503 once",
        "AWS carries out the first request, and a load balancer answers with an error page",
        _error_503,
        passes=True,
    ),
    Fault("throttled once", "ThrottlingException for the first request", _throttled_once, passes=True),
    Fault("throttled", "ThrottlingException each time", _throttled),
    Fault("denied", "AccessDeniedException each time, in this Region only", _denied),
    Fault("expired", "ExpiredTokenException for this call and every later one", _expired, spreads=True),
    Fault("cut short", "AWS carries out each request, and only half of its answer arrives", _truncated),
    Fault("portal", "another server's page with status 200 is the answer each time", _portal),
    Fault("other shape", "AWS carries out each request, and the answer's JSON has another shape", _other_shape),
    Fault(
        "then refused",
        "AWS answers the first request, and every later connection is refused",
        _then(_refused),
        befalls=_again,
    ),
    Fault(
        "then 500",
        "AWS answers the first request, and every later one with InternalServiceError",
        _then(_error_500),
        befalls=_again,
    ),
    Fault("then denied", "AWS answers the first request, and denies every later one", _then(_denied), befalls=_again),
    Fault(
        "then expired",
        "the credentials expire after the first call",
        _then(_expired),
        spreads=True,
        befalls=_surely_later,
    ),
    Fault(
        "session ends",
        "the session expires after the first call, so that smrep can sign no more requests",
        _session_ends,
        befalls=_surely_later,
    ),
    Fault(
        "then cut short",
        "AWS answers the first request in full, and only half of every later answer arrives",
        _then(_truncated),
        befalls=_again,
    ),
    Fault(
        "written, 500",
        "InternalServiceError after smrep has sent a write",
        _once_written(_error_500),
        befalls=_after_a_write,
    ),
    Fault(
        "written, denied",
        "denied after smrep has sent a write",
        _once_written(_denied),
        befalls=_after_a_write,
    ),
    Fault("unknown word", "each Region's status is an unknown word", _unknown_word, lists=True),
    Fault("missing", f"no Region is listed for {LAG_S:.0f} s", _missing, lists=True),
    Fault("failed later", "a Region that was InSync is Failed from then on", _failed_later, lists=True),
    Fault("stuck", "each Region is InProgress each time", _stuck, lists=True),
    Fault(
        "promoted meanwhile",
        "somebody else promotes the replica in that Region before smrep checks it",
        _promoted_meanwhile,
        befalls=_describes,
    ),
    Fault("no value", "the secret has no version, as before it gets its first value", _no_value, befalls=_describes),
)
"""Every fault, in the order of the columns."""
