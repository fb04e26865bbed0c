"""The sandbox attacked: by clients that stall or come in crowds, by what takes long, by what would forge its log."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from raw_requests import CREATE, Target, request, rest, status

from smrep.sandbox.faults import Faults
from smrep.sandbox.server.http_server import Bounds, SandboxServer
from smrep.sandbox.simulator.iam_policies import _like


class Crowded(SandboxServer):
    bounds = Bounds(connections=3)


class Impatient(SandboxServer):
    bounds = Bounds(patience_s=0.1)


# Clients that stall ----------------------------------------------------------------------------


def test_silent_clients_keep_nobody_else_waiting(target: Target) -> None:
    for sent in (b"", b"POST / HT", request()[:-10], request(b"{}", Content_Length=500)) * 10:
        target.connect(sent)
    assert status(target.raw(request())) == 200


@pytest.mark.parametrize("sent", [b"", b"POST / HT", request()[:-10], request(b"{}", Content_Length=500), request()])
def test_a_connection_without_a_request_is_ended(make_target: Callable[..., Target], sent: bytes) -> None:
    connection = make_target(Impatient).connect(sent)
    rest(connection)  # comes back only when the sandbox has closed it


def test_a_request_that_comes_drop_by_drop_is_ended_too(make_target: Callable[..., Target]) -> None:
    connection = make_target(Impatient).connect(b"POST / HTTP/1.1\r\nA: ")
    connection.settimeout(0.01)
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            connection.send(b"x")
            if connection.recv(1) == b"":
                return
        except TimeoutError:
            continue
        except OSError:
            return
    pytest.fail("it went on for a minute")


def test_who_waits_for_the_sandbox_is_not_sent_away(make_target: Callable[..., Target]) -> None:
    ended = threading.Event()
    target = make_target(Impatient, sleep=lambda _: ended.wait(60))
    target.simulator.faults = Faults(latency_s=1.0)
    waiting = target.connect(request(Connection="close"))
    rest(target.connect())  # came later, said nothing, and was sent away
    ended.set()
    assert status(rest(waiting)) == 200


def test_a_crowd_is_refused_and_written_down(make_target: Callable[..., Target]) -> None:
    target = make_target(Crowded)
    held = [target.connect() for _ in range(3)]
    assert rest(target.connect()) == b""
    assert target.lines()[-1]["code"] == "HTTP503"
    for connection in held:
        connection.sendall(request(Connection="close"))
        assert status(rest(connection)) == 200
    until = time.monotonic() + 60
    while not (answer := target.raw(request())):  # the places come free a moment later
        assert time.monotonic() < until
    assert status(answer) == 200


# What is slow, and what is written down --------------------------------------------------------


def test_a_long_signature_costs_no_time(target: Target) -> None:
    started = time.process_time()
    for prefix in ("AWS4-HMAC-SHA256 ", "AWS4-HMAC-SHA256"):
        sent = request(Authorization=prefix + "Credential=" * 5_900)
        assert b"MissingAuthenticationToken" in target.raw(sent)
    assert time.process_time() - started < 1


def test_a_pattern_of_many_stars_costs_no_time() -> None:
    started = time.process_time()
    assert not _like("*a" * 200 + "*b", "a" * 2_000)
    assert time.process_time() - started < 1


SHORT = st.text("ab*?\n.", max_size=8)


@given(pattern=SHORT, text=st.text("ab\n.", max_size=10))
def test_stars_and_question_marks_mean_what_they_should(pattern: str, text: str) -> None:
    expected = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    assert _like(pattern, text) == bool(re.fullmatch(expected, text, re.DOTALL))


class TestLog:
    texts: ClassVar = [
        "a\nb",
        "a\r\n{}",
        "\x1b[2J",
        "\x7f",
        "\x9b2J",
        "\u2028",
        "\u202e",
        "\ud800",
        '", "effect": "done',
        "x" * 9_999,
    ]

    @pytest.mark.parametrize("text", texts)
    def test_what_a_request_names_is_one_line_of_plain_ascii(self, target: Target, text: str) -> None:
        target.raw(request(json.dumps({"SecretId": text}).encode(), operation="DescribeSecret"))
        (line,) = target.log.getvalue().splitlines()
        assert line.isascii()
        assert line.isprintable()
        assert json.loads(line)["secret_id"] == text
        assert json.loads(line)["effect"] == "refused"

    @pytest.mark.parametrize("name", ["Describe\r\n Secret", "D\x1b[2J", "D\xa0", "\xc4", "a.b", "x" * 9_999, ""])
    def test_what_a_header_names_is_too(self, target: Target, name: str) -> None:
        answer = target.raw(request(operation=name))
        assert status(answer) == 400
        assert answer.count(b"\r\n\r\n") == 1
        (line,) = target.log.getvalue().splitlines()
        assert line.isascii()
        assert line.isprintable()

    def test_no_value_is_in_it(self, target: Target) -> None:
        target.raw(request(CREATE, operation="CreateSecret"))
        target.raw(request(CREATE[:-1] + b', "Tags": 7}', operation="CreateSecret"))
        assert "hunter2" not in target.log.getvalue()
