"""The sandbox attacked: by pages of other sites, by clients that lie, by requests that are none."""

from __future__ import annotations

import json
from ipaddress import ip_address
from typing import Any

import pytest
from click.testing import CliRunner
from raw_requests import CREATE, SIGNED, Target, request, status

from smrep.cli.commands.sandbox import sandbox as sandbox_command
from smrep.sandbox.server.http_server import SandboxServer

# Where it listens ------------------------------------------------------------------------------

LAN = ["0.0.0.0", "::", "10.0.0.1", "172.16.0.1", "192.168.0.1", "169.254.169.254", "fe80::1", "fd00::1", "224.0.0.1"]
ODD = ["0", "127.1", "2130706433", "0x7f000001", "127.0.0.1.", "localhost.", "LOCALHOST", "*", "127.0.0.1\n", " ::1"]


@pytest.mark.parametrize("host", [*LAN, *ODD, "::ffff:10.0.0.1", "my-machine", "localhost.evil.example"])
def test_it_binds_to_no_other_address(target: Target, host: str) -> None:
    with pytest.raises(ValueError, match="loopback addresses only"):
        SandboxServer(target.simulator, host=host)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9"])
def test_what_it_binds_to_is_loopback(target: Target, host: str) -> None:
    server = SandboxServer(target.simulator, host=host)
    bound = server._listener.socket.getsockname()[0]
    server.close()
    assert ip_address(bound).is_loopback


@pytest.mark.parametrize(
    "words", [["start", "--host", "127.0.0.1"], ["start", "--bind", "::"], ["start", "--port", "-1"]]
)
def test_no_option_says_where_to_listen(words: list[str]) -> None:
    assert CliRunner().invoke(sandbox_command, words).exit_code == 2


# Who may ask -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    [
        None,
        ("127.0.0.1", "evil.example"),
        ("127.0.0.1", "127.0.0.1"),
        *("localhost.", "127.0.0.1.", "127.1", "2130706433", "0.0.0.0", "[::]", "::1", "[::1", "[::1]:x"),
        *("127.0.0.1:", "127.0.0.1:123456", "127.0.0.1@evil.example", "evil.example#127.0.0.1", "127.0.0.1, evil"),
        *("localhost\r\n evil.example", "localhost\x00", "LOCALHOST.EVIL.EXAMPLE", "localhost:80:80", "\xb927.0.0.1"),
    ],
)
def test_a_host_in_doubt_is_turned_away(target: Target, host: Any) -> None:
    assert status(target.raw(request(CREATE, operation="CreateSecret", Host=host))) == 403
    assert target.done() == []


def test_a_name_in_the_request_line_does_not_stand_for_the_host(target: Target) -> None:
    sent = request(CREATE, operation="CreateSecret", path="http://127.0.0.1/", Host="evil.example")
    assert status(target.raw(sent)) == 403
    assert status(target.raw(b"POST / HTTP/1.0\r\n\r\n")) == 403
    assert target.done() == []


def test_another_sites_page_gets_nothing_done(target: Target) -> None:
    """What a browser sends without asking first bears no signature; what it asks for first is not granted."""
    page = {"Origin": "http://evil.example", "Authorization": None, "X_Amz_Target": None}
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        answer = target.raw(request(b"Action=GetCallerIdentity&" + CREATE, Content_Type=kind, **page))
        assert status(answer) == 400
        assert b"MissingAuthenticationToken" in answer
        assert b"access-control" not in answer.lower()
    asked = {"Access_Control_Request_Method": "POST", "Access_Control_Request_Headers": "authorization,x-amz-target"}
    answer = target.raw(request(b"", method="OPTIONS", **page, **asked))
    assert status(answer) == 405
    assert b"access-control" not in answer.lower()
    signed = f"/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={SIGNED[28:]}&Action=GetCallerIdentity"
    assert status(target.raw(request(method="GET", path=signed.replace(" ", "+"), **page))) == 405
    assert target.done() == []


# What is no request ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "length", [("2", "2"), ("2", "40"), "2, 2", "+2", "-2", "0x2", "2.0", "\xb2", "1_0", " ", "2;"]
)
def test_a_length_in_doubt_is_turned_away(target: Target, length: Any) -> None:
    assert status(target.raw(request(Content_Length=length))) == 411
    assert target.done() == []


@pytest.mark.parametrize("encoding", ["chunked", "identity", "gzip, chunked", "xchunked", ""])
def test_a_request_of_two_lengths_hides_no_second_one(target: Target, encoding: str) -> None:
    hidden = request(CREATE, operation="CreateSecret")
    answer = target.raw(request(b"0\r\n\r\n", Transfer_Encoding=encoding) + hidden)
    assert status(answer) == 411
    assert answer.count(b"HTTP/1.1 ") == 1
    assert target.done() == []


@pytest.mark.parametrize("announced", [len(CREATE) + 1, 1024, 1024 * 1024])
def test_a_request_that_ends_too_early_is_not_carried_out(target: Target, announced: int) -> None:
    """What came is JSON already, but not what the client meant to send."""
    assert status(target.raw(request(CREATE, operation="CreateSecret", Content_Length=announced))) == 400
    assert target.done() == []


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"POST /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"POST / HTTP/1.1\r\nA: " + b"x" * 70_000 + b"\r\n\r\n", 431),
        (b"POST / HTTP/1.1\r\n" + b"A: x\r\n" * 200 + b"\r\n", 431),
        (b"BREW / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 501),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        (b"POST / HTTP/9.9.9\r\n\r\n", 400),
        (b"<script>alert(1)</script> / HTTP/1.1\r\n\r\n", 501),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (b"\x00" * 100 + b"\r\n\r\n", 400),
    ],
    ids=["long line", "long header", "headers", "method", "http2", "version", "script", "tls", "nul"],
)
def test_what_is_not_http_is_refused_in_plain_words_and_written_down(target: Target, sent: bytes, code: int) -> None:
    answer = target.raw(sent)
    assert b"this is no request that the sandbox can read" in answer
    assert b"script" not in answer
    assert b"<" not in answer
    assert status(answer) == code
    assert b"text/plain" in answer
    assert [line["effect"] for line in target.lines()] == ["refused"]
    assert status(target.raw(request())) == 200


@pytest.mark.parametrize("depth", [100, 900, 990, 5_000, 200_000])
@pytest.mark.parametrize("nest", [("[", "]"), ('{"Key":', "}"), ('[{"a":', "}]")], ids=["list", "object", "both"])
@pytest.mark.parametrize("operation", ["CreateSecret", "ReplicateSecretToRegions"])
def test_no_depth_is_too_deep(target: Target, operation: str, nest: tuple[str, str], depth: int) -> None:
    nested = nest[0] * depth + "1" + nest[1] * depth
    body = f'{{"Name": "db", "SecretId": "db", "Tags": {nested}, "AddReplicaRegions": {nested}}}'.encode()
    answer = target.raw(request(body[: 1024 * 1024], operation=operation))
    assert status(answer) in (400, 413)
    assert status(target.raw(request())) == 200


@pytest.mark.parametrize("number", ["9" * 5_000, "1e999", "-1e999", "NaN", "Infinity", "1" + "0" * 400])
def test_no_number_is_too_large(target: Target, number: str) -> None:
    assert status(target.raw(request(f'{{"MaxResults": {number}}}'.encode()))) == 400


@pytest.mark.parametrize(
    "path", ["/../../etc/passwd", "//evil.example/", "http://evil.example/", "/%2e%2e/x", "/%00", "*", "/listRegions"]
)
def test_a_path_leads_nowhere(target: Target, path: str) -> None:
    assert json.loads(target.raw(request(path=path)).partition(b"\r\n\r\n")[2]) == {"SecretList": []}
