"""The server itself: what it lets in, what it lets go unanswered, what it writes down."""

import http.client
import io
import json
import random
import socket
import threading
import time
from functools import partial

import pytest

from smrep.sandbox.faults import Drop, Faults
from smrep.sandbox.server.http_server import SandboxServer
from smrep.sandbox.server.request_handler import RequestHandler
from smrep.sandbox.simulator.simulated_aws import Simulator

WEST = "us-west-2"


class Running:
    """A server, its log, and a client that can be as rude as it likes."""

    def __init__(self):
        self.log = io.StringIO()
        self.slept = []
        self.simulator = Simulator(now=lambda: 1_758_990_822.5, rng=random.Random(7))
        self.server = SandboxServer(
            self.simulator, log=self.log, handler=partial(RequestHandler, sleep=self.slept.append)
        )

    def lines(self):
        return [json.loads(line) for line in self.log.getvalue().splitlines()]

    def effects(self):
        return [(line["operation"], line["status"], line["effect"]) for line in self.lines()]

    def connect(self):
        host, _, port = self.server.url.removeprefix("http://").partition(":")
        return http.client.HTTPConnection(host, int(port), timeout=60)

    def post(self, operation, params, *, region="us-east-1", service="secretsmanager", **headers):
        target = {"secretsmanager": "secretsmanager", "kms": "TrentService"}.get(service, service)
        body = params if isinstance(params, bytes) else json.dumps(params).encode()
        scope = f"AKIA/20251123/{region}/{service}/aws4_request"
        sent = {
            "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=00",
            "X-Amz-Target": f"{target}.{operation}",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        return self.request("POST", body, {name: value for name, value in sent.items() if value is not None})

    def request(self, method, body, headers):
        connection = self.connect()
        try:
            connection.request(method, "/", body, headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()


@pytest.fixture
def running():
    running = Running()
    with running.server:
        yield running


def test_a_call_is_answered_in_awss_protocol_and_written_down(running):
    status, headers, body = running.post("CreateSecret", {"Name": "db", "SecretString": "hunter2"})
    assert status == 200
    assert headers["Content-Type"] == "application/x-amz-json-1.1"
    assert headers["x-amzn-RequestId"]
    assert json.loads(body)["Name"] == "db"
    assert running.lines() == [
        {
            "ts": "2025-09-27T16:33:42.500Z",
            "region": "us-east-1",
            "service": "secretsmanager",
            "operation": "CreateSecret",
            "secret_id": "db",
            "status": 200,
            "code": "",
            "effect": "done",
        }
    ]
    assert "hunter2" not in running.log.getvalue()


def test_a_refusal_has_awss_body(running):
    status, _, body = running.post("DescribeSecret", {"SecretId": "db"})
    text = "Secrets Manager can't find the specified secret."
    assert (status, json.loads(body)) == (400, {"__type": "ResourceNotFoundException", "Message": text})
    _, _, body = running.post("DescribeKey", {"KeyId": "alias/x"}, service="kms")
    assert json.loads(body)["__type"] == "NotFoundException"
    assert "not found" in json.loads(body)["message"]
    assert {line["effect"] for line in running.lines()} == {"refused"}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"Authorization": None}, "MissingAuthenticationTokenException"),
        ({"Authorization": "Bearer x"}, "MissingAuthenticationTokenException"),
        ({"X_Amz_Target": None}, "UnknownOperationException"),
        ({"X_Amz_Target": "TrentService.DescribeKey"}, "UnknownOperationException"),
        ({"X_Amz_Target": "secretsmanager.Nonsense"}, "UnknownOperationException"),
        ({"service": "s3"}, "UnknownOperationException"),
    ],
)
def test_a_request_that_names_no_call_is_refused(running, change, code):
    status, _, body = running.post("DescribeSecret", {"SecretId": "db"}, **change)
    assert status == 400
    assert json.loads(body)["__type"] == code


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_json_object_is_refused(running, body):
    status, _, answer = running.post("DescribeSecret", body)
    assert status == 400
    assert json.loads(answer)["__type"] == "SerializationException"


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "[::2]", "@", "", "a:b:c"]
)
def test_a_host_that_is_not_this_machine_is_turned_away(running, host):
    status, _, _ = running.post("DescribeSecret", {"SecretId": "db"}, Host=host)
    assert status == 403
    assert running.simulator.log == []
    assert running.lines()[0]["code"] == "HTTP403"


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:99", "[::1]:80"])
def test_every_name_of_this_machine_will_do(running, host):
    assert running.post("ListSecrets", {}, Host=host)[0] == 200


def test_a_body_over_the_limit_is_turned_away(running):
    for size in (1024 * 1024 + 1, 12 * 1024 * 1024):
        status, headers, _ = running.post("CreateSecret", b"x" * size)
        assert status == 413
    assert headers["Connection"] == "close"
    assert running.post("CreateSecret", b"x" * (1024 * 1024))[0] == 400


@pytest.mark.parametrize("length", ["-1", "x", "1e3", "9" * 30])
def test_a_length_that_is_none_is_turned_away(running, length):
    assert running.post("ListSecrets", b"", Content_Length=length)[0] == 411


def test_chunks_are_turned_away(running):
    assert running.post("ListSecrets", b"0\r\n\r\n", Transfer_Encoding="chunked")[0] == 411


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "OPTIONS"])
def test_other_methods_are_turned_away(running, method):
    assert running.request(method, None, {})[0] == 405


def test_a_connection_is_kept_for_the_next_call(running):
    connection = running.connect()
    for _ in range(3):
        connection.request("POST", "/", b"{}", {})
        answer = connection.getresponse()
        answer.read()
        kept = connection.sock
        assert kept is not None
    connection.close()


def test_many_calls_on_one_connection_are_quick(running):
    connection = running.connect()
    took_s = []
    for _ in range(50):
        start = time.perf_counter()
        connection.request("POST", "/", b"{}", {})
        connection.getresponse().read()
        took_s.append(time.perf_counter() - start)
    connection.close()
    # the first answers are acknowledged at once in any case; a busy machine delays some calls, Nagle's algorithm all
    assert min(took_s[25:]) < 0.04, "each answer waits for Nagle's algorithm"


def test_a_region_in_an_outage_closes_the_connection(running):
    running.simulator.faults = Faults(outages=frozenset({WEST}))
    with pytest.raises(http.client.RemoteDisconnected):
        running.post("ListSecrets", {}, region=WEST)
    assert running.post("ListSecrets", {})[0] == 200
    assert running.effects() == [("ListSecrets", None, "outage"), ("ListSecrets", 200, "done")]


@pytest.mark.parametrize(("when", "made"), [("before", False), ("after", True)])
def test_a_dropped_answer_tells_nothing_of_whether_the_call_was_carried_out(running, when, made):
    running.simulator.faults = Faults(drops=(Drop("CreateSecret", when),))
    with pytest.raises(http.client.RemoteDisconnected):
        running.post("CreateSecret", {"Name": "db"})
    assert running.post("DescribeSecret", {"SecretId": "db"})[0] == (200 if made else 400)
    assert running.post("CreateSecret", {"Name": "other"})[0] == 200
    assert running.effects()[0] == ("CreateSecret", None, f"dropped_{when}")


def test_latency_is_slept_before_each_answer(running):
    running.simulator.faults = Faults(latency_s=0.25)
    running.post("ListSecrets", {})
    running.post("DescribeSecret", {"SecretId": "db"})
    assert running.slept == [0.25, 0.25]


def test_a_form_that_is_none_is_refused_in_stss_xml(running):
    status, headers, body = running.post("GetCallerIdentity", b"\xff&" * 200, service="sts")
    assert (status, headers["Content-Type"]) == (400, "text/xml")
    assert b"<Code>MalformedQueryString</Code>" in body


def test_throttling_is_http_400(running):
    running.simulator.faults = Faults(write_quota=0)
    status, _, body = running.post("UpdateSecret", {"SecretId": "db"})
    assert (status, json.loads(body)) == (
        400,
        {"__type": "ThrottlingException", "Message": "Rate exceeded"},
    )


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.1", "example.org", "", "127.0.0.1.nip.io"])
def test_only_loopback_is_listened_on(running, host):
    with pytest.raises(ValueError, match="loopback"):
        SandboxServer(running.simulator, host=host)


@pytest.mark.parametrize("port", [-1, 65_536])
def test_a_port_that_is_none_is_refused(running, port):
    with pytest.raises(ValueError, match="a port is a number"):
        SandboxServer(running.simulator, port=port)


def test_a_port_that_is_taken_is_refused(running):
    taken = int(running.server.url.rpartition(":")[2])
    with pytest.raises(OSError, match="in use"):
        SandboxServer(running.simulator, port=taken)


def test_the_other_loopback_will_do_too(running):
    try:
        server = SandboxServer(running.simulator, host="::1")
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    with server:
        assert server.url.startswith("http://[::1]:")
        port = int(server.url.rpartition(":")[2])
        connection = http.client.HTTPConnection("::1", port, timeout=60)
        connection.request("POST", "/", b"{}", {})
        assert connection.getresponse().status == 400
        connection.close()


def test_closing_ends_open_connections_and_frees_the_port(running):
    connection = running.connect()
    connection.request("POST", "/", b"{}", {})
    connection.getresponse().read()
    port = int(running.server.url.rpartition(":")[2])
    running.server.close()
    running.server.close()
    assert connection.sock.recv(1) == b""
    connection.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=60)


def test_it_serves_in_the_calling_thread_until_closed():
    server = SandboxServer(Simulator(now=time.time, rng=random.Random(7)))
    caller = threading.Thread(target=server.serve)
    caller.start()
    host, _, port = server.url.removeprefix("http://").partition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=60)
    connection.request("POST", "/", b"{}", {})
    assert connection.getresponse().status == 400
    connection.close()
    server.close()
    caller.join(timeout=60)
    assert not caller.is_alive()


def test_a_server_that_never_served_can_be_closed():
    SandboxServer(Simulator(now=time.time, rng=random.Random(7))).close()
