"""The end of every call: a deadline for the whole answer, and a limit on its size."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.awsrequest import AWSHTTPConnectionPool, AWSHTTPSConnectionPool
from botocore.exceptions import BotoCoreError, ConnectionError, HTTPClientError  # noqa: A004 - botocore's own

from smrep.aws.trust import check_bundle, distrust

MEBIBYTE = 1024 * 1024


class Unbounded(BotoCoreError):
    """An answer that takes too long or is too large; botocore retries no exception of this kind."""


class TooSlow(Unbounded):
    """The answer had not ended when its time was up."""

    fmt = "the answer did not end within {seconds:g} s"


class TooLarge(Unbounded):
    """The answer is larger than any of AWS's."""

    fmt = "it is larger than {mebibytes:g} MiB"


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long an answer may take, from the request's last byte to the answer's last, and how large it may be.

    AWS's largest answer here is a list of 100 secrets, 3 MB at the very most: 30 s are enough for it at 1 Mbit/s.
    Until an answer begins, and between any two parts of it, the read timeout holds as well.
    """

    seconds: float = 30.0
    size: int = 16 * MEBIBYTE
    """In bytes, with headers and framing."""
    clock: Callable[[], float] = time.monotonic


def bound(session: Any, bounds: Bounds) -> None:
    """Bound every answer to every client that this session makes, botocore's own for credentials among them."""

    class Bounded:
        """What each client's class inherits from first."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            endpoint = self._endpoint  # type: ignore[attr-defined]  # botocore's BaseClient has it
            endpoint.http_session = BoundedSession(endpoint.http_session, bounds)

    def inherit(base_classes: list[type], **_: Any) -> None:
        base_classes.insert(0, Bounded)

    session.events.register_first("creating-client-class", inherit)


def bound_metadata(resolver: Any, bounds: Bounds) -> None:
    """Bound what a container or a machine answers where credentials are had from it: botocore asks it by no client."""
    for provider in resolver.providers:
        fetcher: Any = getattr(provider, "_fetcher", None) or getattr(provider, "_role_fetcher", None)
        if hasattr(fetcher, "_session"):  # no other provider's has
            fetcher._session = BoundedSession(fetcher._session, bounds)  # noqa: SLF001 - botocore has no other way to it


class BoundedSession:
    """Sends requests by botocore's HTTP session, whose connections read bounded answers."""

    def __init__(self, session: Any, bounds: Bounds) -> None:
        """Take over a session that has sent nothing yet."""
        pools = {"http": AWSHTTPConnectionPool, "https": AWSHTTPSConnectionPool}
        # all its managers hold this one dictionary, those of proxies too; botocore has no other way to them
        session._pool_classes_by_scheme.update({key: _bounded(pool, bounds) for key, pool in pools.items()})  # noqa: SLF001
        self._session = session

    def send(self, request: Any) -> Any:
        """Return the whole answer.

        Raises:
            Unbounded: it did not end in time, or within the size.
            CannotSend: TLS can't be trusted; botocore would try again.

        """
        verify = getattr(self._session, "_verify", True)  # botocore has no other way to it
        check_bundle(request.url, verify)
        try:
            return self._session.send(request)
        except HTTPClientError as error:
            cause = error.kwargs.get("error")
            if isinstance(cause, Unbounded):
                raise cause from None
            raise
        except ConnectionError as error:
            if untrusted := distrust(error, request.url, verify):
                raise untrusted from error
            raise

    def close(self) -> None:
        """Close all connections."""
        self._session.close()


def _bounded(pool: Any, bounds: Bounds) -> type:
    """Return that class of pools with connections that read bounded answers, a proxy's to CONNECT among them."""
    response = pool.ConnectionCls.response_class

    def bounded_response(sock: Any, *args: Any, **kwargs: Any) -> Any:
        return response(_Source(bounds, sock), *args, **kwargs)

    connection = type("BoundedConnection", (pool.ConnectionCls,), {"response_class": staticmethod(bounded_response)})
    return type("BoundedPool", (pool,), {"ConnectionCls": connection})


@dataclass(frozen=True, slots=True)
class _Source:
    """A socket as far as http.client's response wants one: it reads all from the status line on from a file of it."""

    bounds: Bounds
    sock: Any

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Return a file from which one answer is read."""
        return io.BufferedReader(_Stream(self.bounds, self.sock))


class _Stream(io.RawIOBase):
    """Reads one answer from a socket, whose timeout is lowered to the time that is left."""

    def __init__(self, bounds: Bounds, sock: Any) -> None:
        """Start the time of the answer."""
        self._bounds, self._sock = bounds, sock
        self._file = sock.makefile("rb", buffering=0)
        self._until = bounds.clock() + bounds.seconds
        self._read = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._until - self._bounds.clock()
        if left <= 0:
            raise TooSlow(seconds=self._bounds.seconds)
        usual = self._sock.gettimeout()
        is_last = usual is None or left < usual
        if is_last:
            self._sock.settimeout(left)
        try:
            count: int | None = self._file.readinto(buffer)
        except TimeoutError:
            if is_last:
                raise TooSlow(seconds=self._bounds.seconds) from None
            raise
        if is_last:
            self._sock.settimeout(usual)
        self._read += count or 0
        if self._read > self._bounds.size:
            raise TooLarge(mebibytes=self._bounds.size / MEBIBYTE)
        return count

    def close(self) -> None:
        self._file.close()
        super().close()
