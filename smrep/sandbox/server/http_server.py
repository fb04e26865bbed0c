"""HTTP server of the simulator for any AWS SDK or CLI. Loopback only."""

from __future__ import annotations

import re
import socket
import socketserver
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from email.message import Message
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from math import inf
from threading import Event, Lock, Thread, current_thread
from types import TracebackType
from typing import IO, Any, ClassVar, Self

from smrep.sandbox.loopback import is_local, is_loopback
from smrep.sandbox.server.request_handler import RequestHandler
from smrep.sandbox.server.wire import Reply
from smrep.sandbox.simulator.simulated_aws import Simulator

_MAX_DRAINED_BYTES = 16 * 1024 * 1024
_MAX_PORT = 65_535
_LOOK_UP_S = 0.05


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits on the resources of clients."""

    body_bytes: int = 1024 * 1024
    connections: int = 256
    """The most open connections; the server closes another one without an answer."""
    patience_s: float = 60.0
    """Time until the server closes a connection whose client neither sends nor reads."""


class SandboxServer:
    """Serves one simulator on a loopback address, in its own thread or the caller's.

    `log` gets one flushed JSON line per request, without secret values: `ts`, `region`, `service`, `operation`,
    `secret_id`, `status` (HTTP; `null` without an answer), `code`, and `effect`: `done`, `refused`,
    `dropped_before`, `dropped_after` or `outage`. `handler` makes the request handler.

    Raises: ValueError for an address that is not loopback, OSError for one in use.
    """

    bounds: ClassVar[Bounds] = Bounds()

    def __init__(
        self,
        simulator: Simulator,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        log: IO[str] | None = None,
        handler: Callable[..., RequestHandler] = RequestHandler,
    ) -> None:
        address = "127.0.0.1" if host == "localhost" else host
        if not is_loopback(address):
            raise ValueError(f"the sandbox listens on loopback addresses only, not on {host!r}")
        if not 0 <= port <= _MAX_PORT:
            raise ValueError(f"a port is a number from 0 to {_MAX_PORT}, not {port}")
        listener = _Listener6 if ":" in address else _Listener
        self._listener = listener((address, port), handler(simulator, log=log), self.bounds)
        self.simulator = simulator
        self._closing = Event()
        self._thread: Thread | None = None

    @property
    def url(self) -> str:
        """Return the endpoint URL for an SDK or CLI, with the actual port."""
        host, port = self._listener.server_address[:2]
        return f"http://[{host!s}]:{port}" if ":" in str(host) else f"http://{host!s}:{port}"

    def start(self) -> None:
        """Serve from a daemon thread; the socket listens since `__init__`, so clients can connect at once."""
        self._thread = Thread(target=self.serve, name="smrep-sandbox", daemon=True)
        self._thread.start()

    def serve(self) -> None:
        """Serve in the calling thread until `close`; KeyboardInterrupt passes through."""
        while not self._closing.is_set():
            self._listener.handle_request()
            self._listener.close_idle()

    def close(self) -> None:
        """Stop serving, close every connection and free the port; a second call does nothing."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._listener.wake()
        if self._thread is not None and self._thread is not current_thread():
            self._thread.join()
        self._listener.close_all()
        self._listener.server_close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class _Listener(ThreadingHTTPServer):
    """A listening socket and its open connections."""

    timeout = _LOOK_UP_S
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handler: RequestHandler, bounds: Bounds) -> None:
        self.handler = handler
        self.bounds = bounds
        self._open: dict[socket.socket, float] = {}  # since when we wait for its client
        self._counting = Lock()
        super().__init__(address, _Connection)

    def server_bind(self) -> None:
        """Bind without the host name lookup, which can be slow."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._counting:
            full = len(self._open) >= self.bounds.connections
            if not full:
                self._open[request] = time.monotonic()
        if full:
            self.handler.refuse(503, "too many connections")
            self.shutdown_request(request)
        else:
            super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._counting:
            self._open.pop(request, None)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore a client that hangs up; show any other error."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    def mark_turn(self, connection: socket.socket, owing: str) -> None:
        """Record whose turn it is: the `client` sends or reads, or the `sandbox` answers."""
        with self._counting:
            if connection in self._open:
                self._open[connection] = time.monotonic() if owing == "client" else inf

    def close_idle(self) -> None:
        """Close connections, and end their threads, that wait for their client for too long."""
        self._close(before=time.monotonic() - self.bounds.patience_s)

    def wake(self) -> None:
        """End the wait for a connection, if the platform can."""
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)

    def close_all(self) -> None:
        """Close every connection."""
        self._close(before=None)

    def _close(self, *, before: float | None) -> None:
        with self._counting:
            for connection, since in self._open.items():
                if before is None or since < before:
                    with suppress(OSError):
                        connection.shutdown(socket.SHUT_RDWR)


class _Listener6(_Listener):
    address_family = socket.AF_INET6


class _Connection(BaseHTTPRequestHandler):
    """One keep-alive connection. It sends each answer in one piece, without Nagle's delay."""

    server: _Listener
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_POST(self) -> None:
        """Answer one request, or close its connection if a fault says so."""
        body = b""
        reply = self._find_refusal()
        if reply is None:
            body = self.rfile.read(length := int(self.headers.get("Content-Length", "0")))
            reply = self._refuse(400, "the request ended before its length") if len(body) < length else None
        if reply is None:
            self.server.mark_turn(self.connection, "sandbox")
            reply = self.server.handler.handle(self.path, self.headers, body)
            self.server.mark_turn(self.connection, "client")
        if reply is None:
            self.close_connection = True
            return
        self._send(reply)

    do_GET = do_HEAD = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_POST  # noqa: N815
    """`_find_refusal` refuses all methods but POST."""

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """Refuse a request that Python's server cannot parse as HTTP."""
        self.request_version = self.protocol_version  # without one, Python sends no status
        self._send(self._refuse(code, "this is no request that the sandbox can read"))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Print nothing: the handler keeps the log."""

    def version_string(self) -> str:
        """Return the Server header."""
        return "smrep-sandbox"

    def _find_refusal(self) -> Reply | None:
        length, most = _get_header(self.headers, "Content-Length", "0"), self.server.bounds.body_bytes
        if not _names_loopback(_get_header(self.headers, "Host")):
            return self._refuse(403, "the sandbox answers to loopback names only")
        if self.command != "POST":
            return self._refuse(405, "AWS's protocols know POST only")
        if "Transfer-Encoding" in self.headers or not re.fullmatch(r"\d{1,18}", length, re.ASCII):
            return self._refuse(411, "a request needs its length")
        if int(length) > most:
            refusal = self._refuse(413, f"a request has at most {most} bytes")
            self._drain(int(length))
            return refusal
        return None

    def _refuse(self, status: int, message: str) -> Reply:
        """Log and return a refusal, and close the connection after it."""
        self.close_connection = True
        return self.server.handler.refuse(status, message)

    def _drain(self, length: int) -> None:
        """Read the rest of the request, so that the client reads the refusal."""
        remaining = min(length, _MAX_DRAINED_BYTES)
        while remaining > 0 and (piece := self.rfile.read(min(remaining, 65_536))):
            remaining -= len(piece)

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(reply.body)))
        if reply.request_id:
            self.send_header("x-amzn-RequestId", reply.request_id)
        if reply.error_type:
            self.send_header("x-amzn-ErrorType", reply.error_type)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)


def _get_header(headers: Message, name: str, default: str = "") -> str:
    """Return a header; empty if it occurs more than once, since readers would disagree on the value."""
    values = headers.get_all(name, [default])
    return str(values[0]) if len(values) == 1 else ""


@lru_cache(maxsize=64)
def _names_loopback(host: str) -> bool:
    """Return whether a Host header names this machine, which keeps out pages of other sites."""
    match = re.fullmatch(r"(?:\[([0-9A-Fa-f:]+)\]|([^:\[\]]+))(?::\d{1,5})?", host, re.ASCII)
    return match is not None and is_local(match[1] or match[2])
