"""Every call ends: an answer that trickles, one that never ends, and a list of which every page promises another."""

from __future__ import annotations

import itertools
import json
import socketserver
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fixtures import Sandbox

from smrep.aws.client import Aws
from smrep.aws.session import Session, Settings
from smrep.aws.transport import MEBIBYTE, Bounds
from smrep.errors import SmrepError, Unanswered
from smrep.model import Target
from smrep.regions import Region

HOME, WEST = Region("us-east-1"), Region("us-west-2")
ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-a1b2c3"
ROLE = "arn:aws:iam::123456789012:role/dr"
NET_S = 60.0
"""When a server gives up, long after smrep should have."""
SHORT, SMALL = Bounds(seconds=0.6), Bounds(seconds=NET_S, size=MEBIBYTE)

Parts = Callable[[], Iterator[bytes]]


class Trickle:
    """A server with one endless answer to everything: `sent` parts of it up to now, to so many `requests`."""

    def __init__(self, parts: Parts, pause_s: float) -> None:
        self.requests, self.sent, self.ended = 0, 0, threading.Event()
        trickle = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self.connection.settimeout(NET_S)
                length = 0
                while line := self.rfile.readline().strip().lower():
                    if line.startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                self.rfile.read(length)
                trickle.requests += 1
                try:
                    for part in parts():
                        self.wfile.write(part)
                        trickle.sent += 1
                        if trickle.ended.wait(pause_s):
                            return
                except OSError:
                    """The caller has hung up."""

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self.ended.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def trickling(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., tuple[Trickle, Aws]]]:
    """Return a function that opens a door, within the bounds, to a server with that answer."""
    servers: list[Trickle] = []
    sessions: list[Session] = []

    def serve(parts: Parts, bounds: Bounds, pause_s: float = 0.01, **settings: Any) -> tuple[Trickle, Aws]:
        server = Trickle(parts, pause_s)
        servers.append(server)
        sandbox = Sandbox(simulator=None, url=server.url)  # type: ignore[arg-type]
        for name, value in sandbox.env.items():
            monkeypatch.setenv(name, value)
        sessions.append(Session(Settings(**settings), bounds=bounds))
        return server, Aws(sessions[-1])

    yield serve
    for session in sessions:
        for client in session._clients.values():
            client.close()
    for server in servers:
        server.close()


def endless(head: bytes, part: bytes) -> Parts:
    return lambda: itertools.chain([head], itertools.repeat(part))


OK = b"HTTP/1.1 200 OK\r\n"
ANSWERS = {
    "a body of a length": endless(OK + b"Content-Length: 99999999999\r\n\r\n", b" "),
    "a body up to the end of the connection": endless(OK + b"\r\n", b" "),
    "a body in chunks": endless(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "the length of a chunk": endless(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"0"),
    "a header": endless(OK + b"X: ", b"x"),
    "the status line": endless(b"", b"H"),
    "answers before the answer": endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "the body of an error": endless(b"HTTP/1.1 400 Bad\r\nContent-Length: 99999999999\r\n\r\n", b" "),
    "the body of a server's error": endless(b"HTTP/1.1 503 Busy\r\nContent-Length: 99999999999\r\n\r\n", b" "),
}
CALLS: dict[str, Callable[[Aws], Any]] = {
    "DescribeSecret": lambda aws: aws.describe("prod/db", HOME),
    "ListSecrets": lambda aws: aws.list_page(HOME, (), None, with_deleted=False),
    "ReplicateSecretToRegions": lambda aws: aws.replicate("prod/db", HOME, [Target(WEST)], force=False),
    "StopReplicationToReplica": lambda aws: aws.promote("prod/db", WEST),
    "kms": lambda aws: aws.key("alias/dr", WEST),
    "sts": lambda aws: aws.caller(HOME),
    "iam": lambda aws: aws.simulate(HOME, ROLE, "secretsmanager:GetSecretValue", ARN, {}),
    "account, then ec2": lambda aws: aws.region_states(HOME),
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_that_trickles_ends_with_its_time(trickling: Any, answer: str) -> None:
    server, aws = trickling(ANSWERS[answer], SHORT)
    with pytest.raises(Unanswered) as caught:
        aws.describe("prod/db", HOME)
    assert caught.value.message == "prod/db in us-east-1: the answer was not complete after 0.6 s"
    assert caught.value.code == "Unanswered"
    assert server.requests == 1


@pytest.mark.parametrize("call", CALLS)
def test_every_service_and_every_write_has_that_end(trickling: Any, call: str) -> None:
    server, aws = trickling(ANSWERS["a body of a length"], SHORT)
    with pytest.raises(Unanswered, match=r"the answer was not complete after 0\.6 s"):
        CALLS[call](aws)
    assert server.requests == (2 if "then" in call else 1)


def test_a_silence_within_an_answer_ends_with_the_answers_time(trickling: Any) -> None:
    _, aws = trickling(ANSWERS["a body of a length"], SHORT, pause_s=NET_S)
    with pytest.raises(Unanswered, match=r"the answer was not complete after 0\.6 s"):
        aws.describe("prod/db", HOME)


def test_credentials_that_a_role_is_taken_on_for_have_that_end(trickling: Any) -> None:
    _, aws = trickling(ANSWERS["a body of a length"], SHORT, role_arn=ROLE, sts_region="us-east-1")
    with pytest.raises(SmrepError, match=r"the answer was not complete after 0\.6 s"):
        aws.describe("prod/db", HOME)


def test_credentials_that_botocore_fetches_for_a_profile_have_that_end(
    trickling: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    _, aws = trickling(ANSWERS["a body of a length"], SHORT, profile="dr")
    config = tmp_path / "config"
    config.write_text(
        f"[profile dr]\nrole_arn = {ROLE}\nsource_profile = own\nregion = us-east-1\n"
        "[profile own]\naws_access_key_id = test\naws_secret_access_key = test\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    with pytest.raises(SmrepError, match=r"the answer was not complete after 0\.6 s"):
        aws.describe("prod/db", HOME)


@pytest.mark.parametrize("variable", ["AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_EC2_METADATA_SERVICE_ENDPOINT"])
@pytest.mark.parametrize("bounds", [SHORT, SMALL], ids=["time", "size"])
def test_credentials_of_a_container_and_of_a_machine_have_that_end(
    trickling: Any, monkeypatch: pytest.MonkeyPatch, variable: str, bounds: Bounds
) -> None:
    parts = endless(OK + b"Content-Length: 99999999999\r\n\r\n", b" " * (65536 if bounds is SMALL else 1))
    server, aws = trickling(parts, bounds, pause_s=0.0 if bounds is SMALL else 0.01)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "false")
    monkeypatch.setenv(variable, f"{server.url}/")
    with pytest.raises(SmrepError) as caught:
        aws.describe("prod/db", HOME)
    assert ("larger than 1 MiB" if bounds is SMALL else "was not complete after 0.6 s") in caught.value.message


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_endless_answer_ends_with_its_size(trickling: Any, answer: str) -> None:
    """Some end sooner: a header's line is at most 64 KiB long, and Python 3.14 takes few answers before the answer."""
    head, part = itertools.islice(ANSWERS[answer](), 2)
    parts = endless(head, part * (65536 // len(part)))
    server, aws = trickling(parts, SMALL, pause_s=0.0)
    with pytest.raises(Unanswered) as caught:
        aws.describe("prod/db", HOME)
    if "body" in answer or ("before" in answer and sys.version_info < (3, 14)):
        assert caught.value.message == "prod/db in us-east-1: the answer is not valid: it is larger than 1 MiB"
        assert caught.value.code == "BadAnswer"
        assert server.requests == 1


def test_the_largest_answer_is_16_mebibytes_and_30_seconds_long() -> None:
    assert Bounds().size == 16 * 1024 * 1024
    assert Bounds().seconds == 30
    assert Session(Settings()).bounds == Bounds()


LISTS: dict[str, tuple[Callable[[Aws], Any], str, str]] = {
    "ListSecretVersionIds": (lambda aws: aws.versions("prod/db", HOME), "NextToken", "prod/db in us-east-1"),
    "ListAliases": (lambda aws: aws.aliases(WEST), "NextMarker", "the list of aliases in us-west-2"),
}


def paged(token: str, number: Callable[[], int]) -> Parts:
    """Return an answer with an empty page, and that number for a token."""

    def parts() -> Iterator[bytes]:
        body = json.dumps({"ARN": ARN, "Versions": [], "Aliases": [], token: str(number())}).encode()
        yield OK + f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body

    return parts


@pytest.mark.parametrize("operation", LISTS)
def test_a_list_of_which_a_token_comes_again_is_no_list(trickling: Any, operation: str) -> None:
    call, token, subject = LISTS[operation]
    server, aws = trickling(paged(token, lambda: 1), Bounds(), pause_s=0.0)
    with pytest.raises(Unanswered, match=f"{subject}: AWS returned the same page token again"):
        call(aws)
    assert server.requests == 2


def test_a_list_of_a_thousand_empty_pages_in_a_row_is_no_list(trickling: Any) -> None:
    call, token, subject = LISTS["ListSecretVersionIds"]
    server, aws = trickling(paged(token, itertools.count().__next__), Bounds(), pause_s=0.0)
    with pytest.raises(Unanswered, match=f"{subject}: 1000 pages in a row showed nothing new"):
        call(aws)
    assert server.requests == 1000


def test_a_connection_serves_several_answers_each_with_bounds_of_its_own(
    make_sandbox: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox = make_sandbox()
    arn = sandbox.create(Description="x" * 1500)
    for name, value in sandbox.env.items():
        monkeypatch.setenv(name, value)
    session = Session(Settings(), bounds=Bounds(size=4096))
    aws = Aws(session)
    assert [aws.describe("prod/db", HOME).arn for _ in range(5)] == [arn] * 5
    session.client("secretsmanager", HOME).close()
