"""Runs smrep in this process with botocore's real code, its sockets and sleeps replaced."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import threading
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import Message
from typing import Any, TextIO
from unittest import mock

from botocore.awsrequest import AWSResponse
from simulated_time import SharedClock, simulated

from smrep.sandbox.server.wire import Reply

SESSION = "AWS_CREDENTIAL_EXPIRATION"
"""The variable that says when the session ends; within its last minutes botocore reads it anew before each call."""
ENV = {
    "HOME": "/nonexistent",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_REGION": "us-east-1",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}


@contextlib.contextmanager
def wired(send: Callable[[Any], AWSResponse], clock: SharedClock, out: TextIO, err: TextIO) -> Iterator[None]:
    """Yield with `send` in the place of the network, nothing on standard input, and the output caught."""
    ending = (datetime.now(UTC) + timedelta(minutes=14)).isoformat()
    with (
        mock.patch.dict(os.environ, {**ENV, SESSION: ending}, clear=True),
        mock.patch("botocore.httpsession.URLLib3Session.send", lambda _session, request: send(request)),
        simulated(clock),
        mock.patch.object(sys, "stdin", io.StringIO()),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        yield


def join(before: Collection[threading.Thread]) -> None:
    """Wait for the threads that a run has left behind: a process would not, but what they still send must be seen."""
    for thread in set(threading.enumerate()).difference(before):
        with contextlib.suppress(RuntimeError):  # a signal came before it was started
            thread.join(10)


def asked(request: Any) -> tuple[str, Message, bytes]:
    """Return a request of botocore's as a sandbox's handler takes it: path, headers, body."""
    headers = Message()
    for name, value in request.headers.items():
        headers[name] = value.decode() if isinstance(value, bytes) else str(value)
    body = request.body.encode() if isinstance(request.body, str) else request.body or b""
    return request.url.partition("amazonaws.com")[2] or "/", headers, body


def answered(request: Any, reply: Reply) -> AWSResponse:
    """Return a handler's reply as botocore takes it."""
    headers = {
        "Content-Type": reply.content_type,
        "x-amzn-RequestId": reply.request_id,
        "x-amzn-ErrorType": reply.error_type,
    }
    given = {name: value for name, value in headers.items() if value}
    return AWSResponse(request.url, reply.status, given, _Raw(reply.body))


@dataclass(frozen=True, slots=True)
class _Raw:
    """A body as urllib3 hands it over."""

    body: bytes

    def stream(self) -> list[bytes]:
        return [self.body]
