"""Answers that are not AWS's: a proxy's page, a captive portal's, garbage with status 200."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from botocore.exceptions import ClientError
from fixtures import Sandbox

from smrep.aws import responses as answers
from smrep.aws.client import Aws
from smrep.aws.error_translation import from_response
from smrep.aws.session import Session, Settings
from smrep.errors import AwsError, Throttled, Unanswered
from smrep.model import Target
from smrep.regions import Region

HOME, WEST = Region("us-east-1"), Region("us-west-2")
ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-a1b2c3"
Door = Callable[..., Aws]


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    """Return a function that opens a door to a server with one answer to everything."""
    servers: list[ThreadingHTTPServer] = []
    sessions: list[Session] = []

    def serve(body: str, status: int = 200) -> Aws:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        sandbox = Sandbox(simulator=None, url=f"http://127.0.0.1:{server.server_address[1]}")  # type: ignore[arg-type]
        for name, value in sandbox.env.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        sessions.append(Session(Settings()))
        return Aws(sessions[-1])

    yield serve
    for session in sessions:
        for client in session._clients.values():
            client.close()
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("body", ["<html>log in</html>", "{}", "", "[1]", '{"ARN": "garbage", "Name": "x"}', "nul"])
def test_a_200_that_is_not_awss_is_no_acceptance(answering: Door, body: str) -> None:
    with pytest.raises(Unanswered):
        answering(body).replicate("prod/db", HOME, [Target(WEST)], force=False)


@pytest.mark.parametrize(
    "fields",
    [
        '"Name": 5',
        '"PrimaryRegion": "a b/../"',
        '"ReplicationStatus": [{"Region": 7}]',
        '"ReplicationStatus": [{"Region": "us-west-2", "Status": 5}]',
        '"ReplicationStatus": {"Region": "us-west-2"}',
        '"DeletedDate": 1e20',
    ],
)
def test_a_secret_of_odd_fields_is_no_answer_and_no_fault_of_ours(answering: Door, fields: str) -> None:
    name = "" if "Name" in fields else '"Name": "prod/db", '
    with pytest.raises(Unanswered, match="the answer is not valid"):
        answering(f'{{"ARN": "{ARN}", {name}{fields}}}').describe("prod/db", HOME)


def test_a_proxys_429_is_throttling(answering: Door) -> None:
    with pytest.raises(Throttled):
        answering("slow down", 429).replicate("prod/db", HOME, [Target(WEST)], force=False)


@pytest.mark.parametrize("status", [403, 404, 418, 500, 502])
def test_any_other_page_is_an_error_of_ours(answering: Door, status: int) -> None:
    with pytest.raises(AwsError):
        answering("<html>", status).describe("prod/db", HOME)


def test_megabytes_of_words_are_cut() -> None:
    long = "x" * 2_000_000
    words = {"Code": "InvalidRequestException", "Message": long}
    answer = {"Error": words, "ResponseMetadata": {"HTTPStatusCode": 400}}
    error = from_response(ClientError(answer, "DescribeSecret"), "prod/db in us-east-1")  # type: ignore[arg-type]
    assert len(error.message) < 5_000
    assert "and 1995904 more characters" in error.message
    (entry,) = answers.to_replicas({"ReplicationStatus": [{"Region": "us-west-2", "StatusMessage": long}]})
    assert len(entry.message or "") < 5_000
