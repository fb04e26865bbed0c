"""`smrep sandbox faults`: a running sandbox is shown, and made to misbehave and to behave again."""

from __future__ import annotations

import json
import random
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from fixtures import Sandbox

from smrep.sandbox.faults import Drop, Faults
from smrep.sandbox.server.http_server import SandboxServer
from smrep.sandbox.simulator.simulated_aws import Simulator

HOME, WEST = "us-east-1", "us-west-2"


def faults(sandbox: Sandbox, *words: str) -> dict[str, object]:
    done = sandbox.smrep("sandbox", "faults", *words)
    assert (done.code, done.err) == (0, "")
    document: dict[str, object] = json.loads(done.out)
    return document


def test_without_options_it_shows_what_is_in_force_and_changes_nothing(make_sandbox: Callable[..., Sandbox]) -> None:
    sandbox = make_sandbox(outages=frozenset({WEST}))
    before = sandbox.simulator.faults
    assert faults(sandbox)["outages"] == [WEST]
    assert sandbox.simulator.faults == before


def test_a_region_goes_down_and_comes_back_while_the_sandbox_runs(sandbox: Sandbox) -> None:
    sandbox.create()
    assert faults(sandbox, "--outage", HOME)["outages"] == [HOME]
    assert sandbox.smrep("status", "prod/db").code == 1
    assert faults(sandbox, "--clear")["outages"] == []
    assert sandbox.smrep("status", "prod/db").code == 0


def test_what_is_typed_replaces_its_fault_and_what_is_not_stays(make_sandbox: Callable[..., Sandbox]) -> None:
    sandbox = make_sandbox(failures={WEST: "no"}, list_lag_s=3.0, drops=(Drop("ListSecrets", "after"),))
    before = sandbox.simulator.faults
    faults(sandbox, "--fail", "eu-west-1=none", "--drop-request", "DescribeSecret=2", "--promoted-entry", "dropped")
    assert sandbox.simulator.faults == Faults(
        replication_delay_s=before.replication_delay_s,
        removal_delay_s=before.removal_delay_s,
        failures={"eu-west-1": "none"},
        list_lag_s=3.0,
        drops=(Drop("DescribeSecret", "before", 2), Drop("ListSecrets", "after")),
        promoted_entry="dropped",
    )


@pytest.mark.parametrize(
    ("words", "after"),
    [
        (["--replication-delay", f"{WEST}=9s"], Faults(replication_delay_by_region={WEST: 9.0})),
        (["--removal-delay", "9s"], Faults(removal_delay_s=9.0)),
        (["--value-delay", "9s"], Faults(value_delay_s=9.0)),
        (["--disabled-region", WEST], Faults(disabled_regions=frozenset({WEST}))),
        (["--latency", "500ms"], Faults(latency_s=0.5)),
        (["--drop-answer", "ListSecrets"], Faults(drops=(Drop("ListSecrets", "after"),))),
        (["--deny", f"ListSecrets={WEST}"], Faults(denied=frozenset({("ListSecrets", WEST)}))),
        (["--list-lag", "9s"], Faults(list_lag_s=9.0)),
        (["--listing-lag", "9s"], Faults(listing_lag_s=9.0)),
        (["--write-quota", "9"], Faults(write_quota=9)),
        (["--stale-entry-guards"], Faults(stale_entry_guards=True)),
    ],
    ids=lambda each: each[0] if isinstance(each, list) else "",
)
def test_clear_makes_all_well_but_for_what_is_typed(
    make_sandbox: Callable[..., Sandbox], words: list[str], after: Faults
) -> None:
    sandbox = make_sandbox(replication_delay_s=77.0, removal_delay_by_region={WEST: 7.0}, outages=frozenset({HOME}))
    faults(sandbox, *words, "--clear")
    assert sandbox.simulator.faults == after


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--outage", "us-wset-2"], "did you mean us-west-2"),
        (["--deny", "ListSecret=us-west-2"], "did you mean ListSecrets"),
        (["--promoted-entry", "lost"], "--promoted-entry"),
        (["--latency", "soon"], "soon"),
        (["--seed"], "--seed"),
    ],
    ids=str,
)
def test_what_is_mistyped_is_a_usage_error(sandbox: Sandbox, words: list[str], said: str) -> None:
    before = sandbox.simulator.faults
    done = sandbox.smrep("sandbox", "faults", "--clear", *words)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert sandbox.simulator.faults == before


@pytest.mark.parametrize(
    "url",
    [
        *("https://secretsmanager.us-east-1.amazonaws.com", "http://sandbox.example:4566", "http://10.0.0.1:80"),
        *("https://127.0.0.1:1", "http://127.0.0.1:1/x", "http://me@127.0.0.1:1"),
    ],
)
def test_only_this_machine_is_asked(sandbox: Sandbox, url: str) -> None:
    for done in (
        sandbox.smrep("sandbox", "faults", AWS_ENDPOINT_URL=url),
        sandbox.smrep("sandbox", "faults", "--endpoint-url", url),
    ):
        assert (done.code, done.out) == (2, "")
        assert "http://127.0.0.1" in done.err


def test_a_port_that_cannot_be_is_no_url(sandbox: Sandbox) -> None:
    done = sandbox.smrep("sandbox", "faults", "--endpoint-url", "http://127.0.0.1:99999")
    assert (done.code, done.out) == (2, "")
    assert "the value is no URL" in done.err


def test_the_endpoint_that_is_typed_wins_and_localhost_will_do(sandbox: Sandbox) -> None:
    url = sandbox.url.replace("127.0.0.1", "localhost")
    done = sandbox.smrep("sandbox", "faults", "--endpoint-url", url, AWS_ENDPOINT_URL="http://127.0.0.1:1")
    assert done.code == 0


def test_a_sandbox_on_the_other_loopback_address_is_found(sandbox: Sandbox) -> None:
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    try:
        server = SandboxServer(Simulator(now=lambda: 0.0, rng=random.Random(7)), host="::1")
    except OSError:
        pytest.skip("this machine has no IPv6")
    with server:
        assert sandbox.smrep("sandbox", "faults", "--endpoint-url", server.url).code == 0


def test_no_endpoint_at_all_is_configuration(sandbox: Sandbox) -> None:
    done = sandbox.smrep("sandbox", "faults", AWS_ENDPOINT_URL=None)
    assert done.code == 4
    assert "--endpoint-url" in done.err


def test_a_sandbox_that_does_not_run_is_configuration(sandbox: Sandbox) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        done = sandbox.smrep("sandbox", "faults", AWS_ENDPOINT_URL=f"http://127.0.0.1:{taken.getsockname()[1]}")
    assert done.code == 4
    assert "is it running?" in done.err


class Stranger(BaseHTTPRequestHandler):
    """Something else that listens here, with the answer that it is told."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        status, body = self.server.answer  # type: ignore[attr-defined]
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def stranger() -> Iterator[Callable[[int, bytes], str]]:
    with HTTPServer(("127.0.0.1", 0), Stranger) as server:

        def answering(status: int, body: bytes) -> str:
            server.answer = status, body  # type: ignore[attr-defined]
            return f"http://127.0.0.1:{server.server_address[1]}"

        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield answering
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"hello"),
        (200, b"[" * 100_000),
        (200, b"{}"),
        (200, b'{"schema": "smrep-sandbox-faults/2", "faults": {}}'),
        (200, b'{"schema": "smrep-sandbox-faults/1", "faults": []}'),
        (404, b'{"schema": "smrep-sandbox-faults/1", "faults": {}}'),
        (400, b'{"__type": "MissingAuthenticationTokenException"}'),
        (302, b""),
    ],
)
def test_what_is_no_sandbox_of_ours_is_told(
    sandbox: Sandbox, stranger: Callable[[int, bytes], str], status: int, body: bytes
) -> None:
    done = sandbox.smrep("sandbox", "faults", AWS_ENDPOINT_URL=stranger(status, body))
    assert (done.code, done.out) == (4, "")
    assert "is no sandbox of smrep" in done.err


def test_a_refusal_is_told_in_the_sandboxs_words(sandbox: Sandbox, stranger: Callable[[int, bytes], str]) -> None:
    url = stranger(400, b'{"schema": "smrep-sandbox-faults/1", "message": "there is no fault \'x\'"}')
    done = sandbox.smrep("sandbox", "faults", AWS_ENDPOINT_URL=url)
    assert done.code == 2
    assert "there is no fault 'x'" in done.err


@pytest.mark.process
def test_it_is_found_by_what_a_command_of_exec_has_in_its_environment(sandbox: Sandbox) -> None:
    script = f"smrep sandbox faults --outage {WEST} >/dev/null; smrep sandbox faults --list-lag 3s"
    done = sandbox.process("sandbox", "exec", "--latency", "1ms", "--", "sh", "-c", script)
    assert done.code == 0
    found = json.loads(done.out)
    assert (found["outages"], found["list_lag_s"], found["latency_s"]) == ([WEST], 3.0, 0.001)


@pytest.mark.parametrize("option", ["--outage", "--stuck", "--disabled-region", "--fail", "--replication-delay"])
def test_a_region_that_does_not_exist_is_refused(sandbox: Sandbox, option: str) -> None:
    value = {"--fail": "us-west-9=no", "--replication-delay": "us-west-9=1s"}.get(option, "us-west-9")
    done = sandbox.smrep("sandbox", "faults", "--endpoint-url", sandbox.url, option, value)
    assert (done.code, "error: us-west-9 is not an AWS Region\nhint: did you mean " in done.err) == (2, True)
