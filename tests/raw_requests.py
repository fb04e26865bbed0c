"""Raw HTTP requests to a sandbox, valid or malformed."""

from __future__ import annotations

import io
import json
import random
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from smrep.sandbox.server.http_server import SandboxServer
from smrep.sandbox.server.request_handler import RequestHandler
from smrep.sandbox.simulator.simulated_aws import Simulator

SIGNED = "AWS4-HMAC-SHA256 Credential=AKIA/20251123/us-east-1/secretsmanager/aws4_request, Signature=00"
CREATE = b'{"Name": "db", "SecretString": "hunter2"}'


class Target:
    """A sandbox, its log, and sockets to it that are closed in the end."""

    def __init__(self, kind: type[SandboxServer] = SandboxServer, **handler: Any) -> None:
        self.log = io.StringIO()
        self.simulator = Simulator(now=lambda: 1_758_990_822.5, rng=random.Random(7))
        self.server = kind(self.simulator, log=self.log, handler=partial(RequestHandler, **handler))
        self.port = int(self.server.url.rpartition(":")[2])
        self.sockets: list[socket.socket] = []

    def connect(self, sent: bytes = b"") -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        self.sockets.append(connection)
        connection.sendall(sent)
        return connection

    def raw(self, sent: bytes) -> bytes:
        """Send bytes and nothing more; return all that comes until the sandbox closes."""
        connection = self.connect()
        with suppress(OSError):  # it may have closed before it got everything
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
        return rest(connection)

    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.log.getvalue().splitlines()]

    def done(self) -> list[str]:
        return [call.operation for call in self.simulator.log]


def rest(connection: socket.socket) -> bytes:
    """Return what comes until the other side closes."""
    pieces = []
    with suppress(ConnectionResetError):
        while piece := connection.recv(65_536):
            pieces.append(piece)
    return b"".join(pieces)


def request(
    body: bytes = b"{}", *, operation: str = "ListSecrets", path: str = "/", method: str = "POST", **headers: Any
) -> bytes:
    """Return a request; a header given as None is left out, one given as a tuple comes several times."""
    lines = {
        "Host": "127.0.0.1",
        "Authorization": SIGNED,
        "X-Amz-Target": f"secretsmanager.{operation}",
        "Content-Length": str(len(body)),
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    head = [f"{method} {path} HTTP/1.1"]
    for name, value in lines.items():
        values = value if isinstance(value, tuple) else () if value is None else (value,)
        head += [f"{name}: {each}" for each in values]
    return ("\r\n".join(head) + "\r\n\r\n").encode("latin-1") + body


def status(answer: bytes) -> int:
    found = re.match(rb"HTTP/1\.1 (\d{3}) ", answer)
    assert found, answer
    return int(found[1])


@pytest.fixture
def make_target() -> Iterator[Callable[..., Target]]:
    targets: list[Target] = []

    def start(*args: Any, **handler: Any) -> Target:
        targets.append(Target(*args, **handler))
        targets[-1].server.start()
        return targets[-1]

    yield start
    for each in targets:
        each.server.close()
        for connection in each.sockets:
            connection.close()


@pytest.fixture
def target(make_target: Callable[..., Target]) -> Target:
    return make_target()
