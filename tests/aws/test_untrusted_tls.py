"""TLS that is intercepted, and CA bundles that are not there: exit code 4 at once, with the path."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from botocore.httpsession import get_cert_path
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from fixtures import Done, Sandbox
from patience import PATIENCE_S

from smrep.sandbox.server.request_handler import RequestHandler

NOW = datetime.now(UTC)
PEM = serialization.Encoding.PEM
PAIR = "server.pem"


class Authority:
    """A certificate authority that is thrown away."""

    def __init__(self, name: str) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        basic, usage = x509.BasicConstraints(ca=True, path_length=None), x509.KeyUsage(*[False] * 5, True, *[False] * 3)
        self.certificate = self._signed(self.name, self.key, NOW, basic, usage)
        self.pem = self.certificate.public_bytes(PEM)

    def _signed(self, name: x509.Name, key: Any, since: datetime, *extensions: Any) -> x509.Certificate:
        """Return a certificate with what Python 3.13 and later want: both key identifiers, an authority's usage."""
        builder = x509.CertificateBuilder(self.name, name, key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(since - timedelta(days=1)).not_valid_after(since + timedelta(days=1))
        for extension in extensions:
            builder = builder.add_extension(extension, critical=True)
        own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        builder = builder.add_extension(own, critical=False).add_extension(issuer, critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def serve(self, folder: Path, host: str = "127.0.0.1", since: datetime = NOW) -> ssl.SSLContext:
        """Return what a server needs to be the host, by a certificate of about that time."""
        key = ec.generate_private_key(ec.SECP256R1())
        alternative = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))])
        certificate = self._signed(x509.Name([]), key, since, alternative)
        form = (PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        path = folder / PAIR
        path.write_bytes(key.private_bytes(*form) + certificate.public_bytes(PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context


COMPANY, OTHER = Authority("company"), Authority("other")


@dataclass
class TlsFront:
    """A sandbox behind TLS, which closes the connection after each answer."""

    handler: RequestHandler
    url: str = ""
    answered: int = 0
    """How many requests came through."""
    then: dict[int, Callable[[], object]] = field(default_factory=dict)
    """After so many answers -> what happens."""

    def answer(self, *request: Any) -> Any:
        reply = self.handler.handle(*request)
        self.answered += 1
        self.then.get(self.answered, bool)()
        return reply


@contextmanager
def listening(handler: type[BaseHTTPRequestHandler], context: ssl.SSLContext) -> Iterator[str]:
    """Run an HTTPS server; yield its URL."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            """Say nothing of a client that goes away."""

    server = Server(("127.0.0.1", 0), handler)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"https://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def serving(front: TlsFront, context: ssl.SSLContext) -> Iterator[TlsFront]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            reply = front.answer(self.path, self.headers, body)
            self.send_response(reply.status)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with listening(Handler, context) as front.url:
        yield front


@pytest.fixture
def front(sandbox: Sandbox) -> TlsFront:
    sandbox.create()
    return TlsFront(RequestHandler(sandbox.simulator, log=None))


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    path.write_bytes(COMPANY.pem)
    return path


def check(done: Done, code: str, message: str, hint: str) -> None:
    """Assert that the run ended with 4, with the reason and the cure."""
    error = done.document["error"]
    assert (done.code, error["code"], error["message"]) == (4, code, message), done.err
    assert hint in error["hint"]
    assert "\nthen:\n  smrep " in error["hint"]


def test_a_bundle_that_has_the_authority_is_trusted(
    sandbox: Sandbox, front: TlsFront, bundle: Path, tmp_path: Path
) -> None:
    with serving(front, COMPANY.serve(tmp_path)):
        done = sandbox.smrep("status", "prod/db", "--json", AWS_ENDPOINT_URL=front.url, AWS_CA_BUNDLE=str(bundle))
    assert done.code == 0, done.err


def test_a_bundle_is_read_once_and_again_when_it_has_changed(
    sandbox: Sandbox, front: TlsFront, bundle: Path, tmp_path: Path
) -> None:
    with serving(front, COMPANY.serve(tmp_path)):
        words, env = ("status", "prod/db", "--json"), {"AWS_ENDPOINT_URL": front.url, "AWS_CA_BUNDLE": str(bundle)}
        assert sandbox.smrep(*words, **env).code == 0
        changed = bundle.stat().st_mtime_ns
        bundle.write_text("")
        os.utime(bundle, ns=(changed, changed))
        assert sandbox.smrep(*words, **env).code == 0
        os.utime(bundle, ns=(changed + 1, changed + 1))
        assert sandbox.smrep(*words, **env).document["error"]["code"] == "CaBundle"


@contextmanager
def tunnelling(context: ssl.SSLContext) -> Iterator[tuple[str, list[str]]]:
    """Run an HTTPS proxy; yield its URL and the hosts that it was asked to connect to."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            asked.append(self.path)
            host, port = self.path.split(":")
            with socket.create_connection((host, int(port))) as origin:
                self.send_response(200)
                self.end_headers()
                pump = threading.Thread(target=self._pump, args=(origin, self.connection), daemon=True)
                pump.start()
                self._pump(self.connection, origin)
                pump.join(PATIENCE_S)

        @staticmethod
        def _pump(source: socket.socket, to: socket.socket) -> None:
            with contextlib.suppress(OSError):
                while part := source.recv(65536):
                    to.sendall(part)
            with contextlib.suppress(OSError):
                to.shutdown(socket.SHUT_RDWR)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with listening(Handler, context) as url:
        yield url, asked


@pytest.mark.parametrize("authority", [COMPANY, OTHER], ids=["in the bundle", "elsewhere"])
def test_an_https_proxy_is_trusted_by_the_bundle_and_by_nothing_else(
    sandbox: Sandbox, front: TlsFront, bundle: Path, tmp_path: Path, authority: Authority
) -> None:
    system = tmp_path / "system.pem"  # what OpenSSL trusts where no bundle is given
    system.write_bytes(OTHER.pem)
    with serving(front, COMPANY.serve(tmp_path)), tunnelling(authority.serve(tmp_path)) as (url, asked):
        env = {"AWS_ENDPOINT_URL": front.url, "AWS_CA_BUNDLE": str(bundle), "SSL_CERT_FILE": str(system)}
        done = sandbox.smrep("status", "prod/db", HTTPS_PROXY=url, NO_PROXY="", **env)
    if authority is COMPANY:
        assert (done.code, asked) == (0, [front.url.removeprefix("https://")]), done.err
    else:
        assert (done.code, asked) == (1, []), done.err


@pytest.mark.parametrize("mode", ["legacy", "standard", "adaptive"])
@pytest.mark.parametrize(
    "words", [("status", "prod/db"), ("replicate", "prod/db", "-r", "us-west-2", "--timeout", "1h")]
)
def test_tls_that_is_intercepted_is_told_at_once(
    sandbox: Sandbox, front: TlsFront, tmp_path: Path, mode: str, words: tuple[str, ...]
) -> None:
    with serving(front, COMPANY.serve(tmp_path)):
        done = sandbox.smrep(*words, "--json", AWS_ENDPOINT_URL=front.url, AWS_RETRY_MODE=mode)
    message = f"the certificate of {front.url}/ is not trusted: its issuer is not in {get_cert_path(True)}"
    check(done, "UntrustedCertificate", message, "export AWS_CA_BUNDLE=/path/to/company-ca.pem")
    assert sandbox.clock.monotonic() == 0  # botocore would have paused, and tried again


def test_an_authority_that_is_not_in_the_bundle_names_the_bundle(
    sandbox: Sandbox, front: TlsFront, bundle: Path, tmp_path: Path
) -> None:
    with serving(front, OTHER.serve(tmp_path)):
        done = sandbox.smrep("status", "prod/db", "--json", AWS_ENDPOINT_URL=front.url, AWS_CA_BUNDLE=str(bundle))
    message = f"the certificate of {front.url}/ is not trusted: its issuer is not in {bundle}"
    check(done, "UntrustedCertificate", message, "trust its certificate")


@pytest.mark.parametrize(
    ("host", "days", "why", "hint"),
    [
        ("127.0.0.2", 0, "it is for another host", "check the endpoint"),
        ("127.0.0.1", -3, "it has expired", "check this machine's clock:\n  date -u"),
        ("127.0.0.1", 3, "it is not valid yet", "check this machine's clock:\n  date -u"),
    ],
)
def test_a_certificate_of_another_host_or_time(  # noqa: PLR0913, PLR0917 - where, when, and what is said
    sandbox: Sandbox, front: TlsFront, bundle: Path, tmp_path: Path, host: str, days: int, why: str, hint: str
) -> None:
    with serving(front, COMPANY.serve(tmp_path, host, NOW + timedelta(days=days))):
        done = sandbox.smrep("status", "prod/db", "--json", AWS_ENDPOINT_URL=front.url, AWS_CA_BUNDLE=str(bundle))
    check(done, "UntrustedCertificate", f"the certificate of {front.url}/ is not trusted: {why}", hint)


@pytest.mark.parametrize("variable", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"])
def test_a_bundle_that_is_not_there(sandbox: Sandbox, tmp_path: Path, variable: str) -> None:
    """It is told before anything is sent, so that nothing has to listen."""
    path = str(tmp_path / "nowhere.pem")
    done = sandbox.smrep("status", "prod/db", "--json", AWS_ENDPOINT_URL="https://127.0.0.1:9", **{variable: path})
    message = f"the CA bundle {path} ({variable}) does not exist"
    check(done, "CaBundle", message, f"unset {variable}")


def test_a_bundle_of_the_profile_that_is_not_there(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "config").write_text(f"[default]\nca_bundle = {tmp_path}\n")
    env = {"AWS_ENDPOINT_URL": "https://127.0.0.1:9", "AWS_CONFIG_FILE": str(tmp_path / "config")}
    done = sandbox.smrep("status", "prod/db", "--json", **env)
    message = f"the CA bundle {tmp_path} (ca_bundle in the profile) is not a file"
    check(done, "CaBundle", message, "set ca_bundle in the profile")


@pytest.mark.parametrize("text", ["", "not a certificate"])
def test_a_bundle_without_certificates(
    sandbox: Sandbox, front: TlsFront, bundle: Path, tmp_path: Path, text: str
) -> None:
    bundle.write_text(text)
    with serving(front, COMPANY.serve(tmp_path)):
        done = sandbox.smrep("status", "prod/db", "--json", AWS_ENDPOINT_URL=front.url, AWS_CA_BUNDLE=str(bundle))
    message = f"the CA bundle {bundle} (AWS_CA_BUNDLE) contains no readable certificates"
    check(done, "CaBundle", message, "unset AWS_CA_BUNDLE")


def test_a_bundle_does_not_matter_where_there_is_no_tls(sandbox: Sandbox) -> None:
    sandbox.create()
    assert sandbox.smrep("status", "prod/db", AWS_CA_BUNDLE="/nonexistent").code == 0


@pytest.mark.parametrize("command", ["wait", "replicate", "verify"])
@pytest.mark.parametrize("trouble", ["intercepted", "bundle is gone"])
def test_trust_that_is_lost_in_mid_wait_ends_it(
    make_sandbox: Any, bundle: Path, tmp_path: Path, command: str, trouble: str
) -> None:
    sandbox = make_sandbox(replication_delay_s=10_000.0)
    sandbox.create()
    if command != "replicate":
        sandbox.call("ReplicateSecretToRegions", SecretId="prod/db", AddReplicaRegions=[{"Region": "us-west-2"}])
    front = TlsFront(RequestHandler(sandbox.simulator, log=None))
    context = COMPANY.serve(tmp_path)
    OTHER.serve(tmp_path)
    front.then[9] = bundle.unlink if trouble == "bundle is gone" else lambda: context.load_cert_chain(tmp_path / PAIR)
    with serving(front, context):
        env = {"AWS_ENDPOINT_URL": front.url, "AWS_CA_BUNDLE": str(bundle)}
        done = sandbox.smrep(command, "prod/db", "-r", "us-west-2", "--timeout", "1h", "--json", **env)
    error = done.document["error"]
    assert (done.code, error["code"]) == (4, "CaBundle" if trouble == "bundle is gone" else "UntrustedCertificate")
    assert str(bundle) in error["message"]
    assert ("\nthen:\n  smrep verify" if command == "verify" else "\nto resume:\n  smrep wait") + " prod/db " in error[
        "hint"
    ]
    assert front.answered >= 9
    assert sandbox.clock.monotonic() < 600


def test_credentials_are_fetched_over_tls_that_is_trusted_or_not_at_all(
    sandbox: Sandbox, front: TlsFront, tmp_path: Path
) -> None:
    role = "arn:aws:iam::123456789012:role/dr"
    with serving(front, COMPANY.serve(tmp_path)):
        done = sandbox.smrep("status", "prod/db", "--json", "--role-arn", role, AWS_ENDPOINT_URL_STS=front.url)
    message = f"the certificate of {front.url}/ is not trusted: its issuer is not in {get_cert_path(True)}"
    check(done, "UntrustedCertificate", message, "export AWS_CA_BUNDLE=")
