"""Send HTTP requests to AWS: limit the time and size of every answer, and explain untrusted certificates."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from ssl import SSLCertVerificationError
from typing import Any

from botocore.awsrequest import AWSHTTPConnectionPool, AWSHTTPSConnectionPool
from botocore.exceptions import BotoCoreError, ConnectionError, HTTPClientError  # noqa: A004 - botocore's own
from botocore.httpsession import create_urllib3_context, get_cert_path
from urllib3.exceptions import SSLError

from smrep.aws.botocore_internals import endpoint_of, pool_classes, verify_of
from smrep.errors import CannotSend
from smrep.model import shown_url

MEBIBYTE = 1024 * 1024
_CHUNK = 64 * 1024
"""Bytes read at once: a page of a list in one or two reads."""


class Unbounded(BotoCoreError):
    """An answer takes too long or is too large; botocore does not retry after this exception."""


class TooSlow(Unbounded):
    """The answer did not end in time."""

    fmt = "the answer was not complete after {seconds:g} s"


class TooLarge(Unbounded):
    """The answer is larger than any of AWS's."""

    fmt = "it is larger than {mebibytes:g} MiB"


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits on an answer: time, from the request's last byte to the answer's last, and size.

    AWS's largest answer here is a list of 100 secrets, at most 3 MB, which takes less than 30 s at 1 Mbit/s.
    The read timeout applies too, before the answer begins and between any two parts of it.
    """

    seconds: float = 30.0
    size: int = 16 * MEBIBYTE
    """In bytes, with headers and framing."""
    clock: Callable[[], float] = time.monotonic


def bound_client(bounds: Bounds, base_classes: list[type], **_: Any) -> None:
    """Bound every answer to a client: a handler of `creating-client-class`."""

    class Bounded:
        """First base class of the client."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            endpoint = endpoint_of(self)
            endpoint.http_session = BoundedSession(endpoint.http_session, bounds)

    base_classes.insert(0, Bounded)


class BoundedSession:
    """Sends requests through botocore's HTTP session, whose connections read bounded answers."""

    def __init__(self, session: Any, bounds: Bounds) -> None:
        """Wrap a session that has sent nothing yet."""
        pools = {"http": AWSHTTPConnectionPool, "https": AWSHTTPSConnectionPool}
        pool_classes(session).update({key: _bounded(pool, bounds) for key, pool in pools.items()})
        self._session = session

    def send(self, request: Any) -> Any:
        """Return the whole answer.

        Raises:
            Unbounded: it did not end in time, or within the size.
            CannotSend: there is no CA bundle, or the certificate is not trusted; botocore would try again.

        """
        verify = verify_of(self._session)
        is_file = isinstance(verify, str | os.PathLike)  # else whether to check certificates at all
        if is_file and request.url.lower().startswith("https:") and not Path(verify).is_file():
            raise _no_bundle(str(verify), "is not a file" if Path(verify).exists() else "does not exist")
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
    """Return the class of pools with connections that read bounded answers, also a proxy's answer to CONNECT."""
    response = pool.ConnectionCls.response_class

    def bounded_response(sock: Any, *args: Any, **kwargs: Any) -> Any:
        answer = response(sock, *args, **kwargs)
        answer.fp = io.BufferedReader(_Stream(answer.fp.detach(), sock, bounds), _CHUNK)
        return answer

    def connect(self: Any) -> None:
        # Plain HTTP has no ca_certs; over an HTTPS proxy, urllib3 checks the proxy's certificate by them too.
        if getattr(self, "ca_certs", None) and not (self.proxy and self.proxy.scheme == "https"):
            self.ssl_context, self.ca_certs = _trusting(self.ca_certs), None
        pool.ConnectionCls.connect(self)

    own = {"response_class": staticmethod(bounded_response), "connect": connect}
    connection = type("BoundedConnection", (pool.ConnectionCls,), own)
    return type("BoundedPool", (pool,), {"ConnectionCls": connection})


def _trusting(bundle: str) -> Any:
    """Return a TLS context that trusts a CA bundle; reading one for each connection takes longer than its handshake.

    Raises:
        SSLError: it contains no readable certificates.

    """
    try:
        return _loaded(bundle, Path(bundle).stat().st_mtime_ns)
    except OSError as error:
        raise SSLError(error) from error


@cache
def _loaded(bundle: str, changed: int) -> Any:  # noqa: ARG001 - a bundle that has changed is read again
    context = create_urllib3_context()
    context.load_verify_locations(bundle)
    return context


class _Stream(io.RawIOBase):
    """Reads one answer from a socket, whose timeout it lowers to the time left."""

    def __init__(self, file: Any, sock: Any, bounds: Bounds) -> None:
        """Start the time of the answer; `file` reads from the socket."""
        self._file, self._sock, self._bounds = file, sock, bounds
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


_VARIABLES = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE")
_TIMES = {9: "it is not valid yet", 10: "it has expired"}
_OTHER_HOST = 62
"""OpenSSL's numbers for a failed verification; its text is not shown. Source: x509_vfy.h."""


def distrust(error: BaseException, url: str, verify: Any) -> CannotSend | None:
    """Return why TLS is not trusted, None if the error has another cause; `verify` is botocore's setting."""
    cause: BaseException | None = error
    while cause is not None:
        number = cause.verify_code if isinstance(cause, SSLCertVerificationError) else None
        if type(cause).__name__ == "CertificateError":  # urllib3's own, for a host that is not in the certificate
            number = _OTHER_HOST
        if number is not None:
            return _untrusted(number, url, str(get_cert_path(verify)))
        cause = cause.__cause__ or cause.__context__
    if isinstance(verify, str | os.PathLike) and "SSL" in type(error).__name__:
        try:
            _trusting(str(verify))
        except SSLError:
            return _no_bundle(str(verify), "contains no readable certificates")
    return None


def _no_bundle(path: str, what: str) -> CannotSend:
    variable = next((name for name in _VARIABLES if os.environ.get(name) == path), None)
    hint = (
        f"set {variable} to the file with your certificates, or remove it:\n  unset {variable}"
        if variable
        else "set ca_bundle in the profile to the file with your certificates, or remove it"
    )
    return CannotSend(
        f"the CA bundle {path} ({variable or 'ca_bundle in the profile'}) {what}", "", hint, code="CaBundle"
    )


def _untrusted(number: int, url: str, bundle: str) -> CannotSend:
    if number in _TIMES:
        why, hint = _TIMES[number], "check this machine's clock:\n  date -u"
    elif number == _OTHER_HOST:
        why, hint = "it is for another host", "check the endpoint, and the proxy if there is one"
    else:
        why = f"its issuer is not in {bundle}"
        hint = (
            "if a company's proxy inspects TLS, trust its certificate:\n  export AWS_CA_BUNDLE=/path/to/company-ca.pem"
        )
    return CannotSend(
        f"the certificate of {shown_url(url)} is not trusted: {why}", "", hint, code="UntrustedCertificate"
    )
