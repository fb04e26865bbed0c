"""The Lambda function, called by AWS's own runtime client: new secrets end in sync, and nothing is sent twice."""

from __future__ import annotations

import contextlib
import json
import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cli.apply_sandbox import ADD, HOME, WEST, Make, manifest, sent
from fixtures import VALIDATOR, Sandbox, examples
from hypothesis import given
from sample_events import ARN, malformed, native, trail
from serverless.lambda_runtime import NAME, Answer, LambdaRuntime, as_role, lambda_function
from simulated_time import SharedClock

from smrep.sandbox.aws_events import events_of
from smrep.sandbox.faults import Faults
from smrep.sandbox.server.http_server import SandboxServer
from smrep.sandbox.simulator.simulated_aws import Simulator

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(sys.platform != "linux", reason="AWS's runtime client is for Linux only"),
]
RULES = [
    {"name": "prod", "prefix": "prod/", "regions": [WEST]},
    {"name": "tagged", "tags": {"dr": "true"}, "regions": [WEST]},
]
TAGS = [{"Key": "dr", "Value": "true"}]


@dataclass
class Function:
    """The function, the sandbox that it works in, and the events of all calls there."""

    sandbox: Sandbox
    runtime: LambdaRuntime
    log: Path
    events: list[dict[str, Any]]

    def create(self, name: str, **params: Any) -> str:
        """Create a secret; forget all calls and events before."""
        self.events.clear()
        arn = self.sandbox.create(name, **params)
        self.sandbox.simulator.log.clear()
        return arn

    def invoke(self, event: Any, **more: Any) -> Answer:
        return self.runtime.invoke(event, **more)

    def lines(self) -> list[dict[str, Any]]:
        """Return the JSON lines of the log; it has no traceback but that of the error that the handler raised."""
        text = self.log.read_text()
        assert "During handling" not in text
        return [json.loads(line) for line in text.splitlines() if line.startswith("{")]

    def document(self) -> dict[str, Any]:
        """Return the last document in the log, which fits the schema."""
        document = next(line for line in reversed(self.lines()) if line.get("schema"))
        VALIDATOR.validate(document)
        return document

    def summary(self) -> dict[str, Any]:
        return self.lines()[-1]


@pytest.fixture
def make_function(make_sandbox: Make, tmp_path: Path) -> Iterator[Callable[..., Function]]:
    """Return a function that starts the Lambda function against a sandbox."""
    with contextlib.ExitStack() as stack:

        def make(env: dict[str, str] | None = None, fields: dict[str, Any] | None = None, **faults: Any) -> Function:
            sandbox = make_sandbox(**faults)
            events: list[dict[str, Any]] = []
            sandbox.simulator.listeners.append(lambda *call: events.extend(events_of(*call)))
            where = {"SMREP_MANIFEST": manifest(tmp_path, *RULES, **(fields or {})), **(env or {})}
            log = tmp_path / "log"
            runtime = stack.enter_context(lambda_function({**as_role(sandbox.env, sandbox.simulator), **where}, log))
            return Function(sandbox, runtime, log, events)

        yield make


def test_a_new_secret_is_in_sync_and_every_other_event_of_it_sends_nothing(
    make_function: Callable[..., Function],
) -> None:
    function = make_function(replication_delay_s=1.0, listing_lag_s=300.0)
    arn = function.create("prod/new")
    created, labelled = function.events
    summary = function.invoke(created).returned
    assert (summary["result"], summary["exit_code"], summary["error"]) == ("ok", 0, None)
    assert summary["event"] == {"name": "CreateSecret", "secret_id": arn, "ignored": None}
    assert summary["replicas"] == {WEST: "InSync"}
    assert function.document()["secrets"][0]["replicas"][0]["action"] == "add"
    calls = [(call.operation, call.region) for call in function.sandbox.simulator.log]
    assert calls[0] == ("DescribeSecret", HOME)
    assert "ListSecrets" not in dict(calls)

    assert function.invoke(labelled).returned["replicas"] == {WEST: "InSync"}
    assert function.invoke(created).returned["replicas"] == {WEST: "InSync"}
    own = function.events[-1]
    assert own["detail"]["eventName"] == ADD
    assert function.invoke(own).returned["event"]["ignored"] == "smrep made this call itself"
    assert sent(function.sandbox) == [(ADD, "prod/new", (WEST,))]


def test_tags_that_come_later_protect_the_secret_and_their_loss_is_only_reported(
    make_function: Callable[..., Function],
) -> None:
    function = make_function()
    function.create("any/name")
    assert "no rule" in function.invoke(function.events[0]).returned["event"]["ignored"]
    function.sandbox.call("TagResource", SecretId="any/name", Tags=TAGS)
    assert function.invoke(function.events[-1]).returned["replicas"] == {WEST: "InSync"}
    function.sandbox.call("UntagResource", SecretId="any/name", TagKeys=["dr"])
    summary = function.invoke(function.events[-1]).returned
    assert (summary["result"], summary["exit_code"], summary["drift"]) == ("drift", 5, 1)
    assert function.document()["secrets"][0]["replicas"][0]["findings"][0]["kind"] == "extra"
    assert sent(function.sandbox) == [(ADD, "any/name", (WEST,))]


def test_events_that_need_nothing_call_nothing_but_a_look(make_function: Callable[..., Function]) -> None:
    function = make_function()
    arn = function.create("prod/a")
    function.invoke(function.events[0])
    function.sandbox.simulator.log.clear()
    replica = native(arn.replace(HOME, WEST), region=WEST)
    failed = trail("CreateSecret", {"name": "prod/a"}, errorCode="AccessDeniedException")
    for event in (replica, failed, trail("GetSecretValue", {"secretId": arn})):
        summary = function.invoke(event).returned
        assert summary["event"]["ignored"]
        assert "_aws" not in function.summary()
    assert function.sandbox.simulator.log == []


def test_a_refusal_fails_and_a_retry_finds_it_done(make_function: Callable[..., Function]) -> None:
    function = make_function(denied=frozenset({(ADD, HOME)}))
    function.create("prod/a")
    name, message = function.invoke(function.events[0]).raised
    assert name == "Failed"
    assert "prod/a" in message
    assert (function.summary()["exit_code"], "_aws" in function.summary()) == (4, False)
    function.sandbox.simulator.faults = Faults(replication_delay_s=0.0)
    assert function.invoke(function.events[0]).returned["replicas"] == {WEST: "InSync"}


def test_throttling_is_waited_out(make_function: Callable[..., Function]) -> None:
    function = make_function(write_quota=1)
    for number in range(3):
        function.create(f"prod/{number}")
        function.sandbox.call("UpdateSecret", SecretId=f"prod/{number}", Description="takes the quota")
        assert function.invoke(function.events[0]).returned["replicas"] == {WEST: "InSync"}
    codes = [call.code for call in function.sandbox.log(ADD)]
    assert codes.count("") == 1
    assert "ThrottlingException" in codes


def test_lambdas_time_ends_the_run_and_not_without_a_word(make_function: Callable[..., Function]) -> None:
    function = make_function(replication_delay_s=3600.0)
    function.create("prod/slow")
    name, message = function.invoke(function.events[0], timeout_s=8.0).raised
    assert name == "Unfinished"
    assert "prod/slow" in message or "stopped" in message
    assert function.document()["exit_code"] == 143
    assert function.document()["secrets"][0]["replicas"][0]["status"] == "InProgress"
    assert len(sent(function.sandbox)) == 1
    function.invoke(function.events[0], timeout_s=8.0)
    assert len(sent(function.sandbox)) == 1  # it looked first


def test_a_deadline_of_its_own_is_unfinished_too(make_function: Callable[..., Function]) -> None:
    function = make_function({"SMREP_TIMEOUT": "1s"}, replication_delay_s=3600.0)
    function.create("prod/slow")
    assert function.invoke(function.events[0]).raised[0] == "Unfinished"
    assert (function.summary()["result"], function.summary()["exit_code"]) == ("pending", 3)


def test_a_failed_region_fails(make_function: Callable[..., Function]) -> None:
    function = make_function(failures={WEST: "Replication failed: of the weather"})
    function.create("prod/a")
    name, message = function.invoke(function.events[0]).raised
    assert (name, "of the weather" in message) == ("Failed", True)
    assert function.summary()["failed"] == 1


def test_the_schedules_reconcile_and_audit_with_metrics(make_function: Callable[..., Function]) -> None:
    function = make_function()
    for name in ("prod/a", "prod/b"):
        function.create(name)
    audit = function.invoke({"smrep": "audit"}).returned
    assert (audit["command"], audit["result"], audit["missing"], audit["drift"]) == ("audit", "drift", 2, 2)
    line = function.summary()
    (metrics,) = line["_aws"]["CloudWatchMetrics"]
    assert (metrics["Namespace"], metrics["Dimensions"]) == ("smrep", [["FunctionName", "trigger"]])
    assert (line["FunctionName"], line["trigger"]) == (NAME, "audit")
    assert {each["Name"] for each in metrics["Metrics"]} == {"missing", "failed", "stale", "drift"} <= line.keys()

    applied = function.invoke({"smrep": "apply"}).returned
    assert (applied["command"], applied["result"], applied["missing"]) == ("apply", "ok", 0)
    assert sorted(sent(function.sandbox)) == [(ADD, "prod/a", (WEST,)), (ADD, "prod/b", (WEST,))]
    assert function.invoke({"smrep": "audit"}).returned["result"] == "ok"
    assert all(document["secrets"] for document in function.lines() if document.get("schema"))


def test_the_hold_switch_looks_and_sends_nothing(make_function: Callable[..., Function]) -> None:
    function = make_function({"SMREP_HOLD": "1"})
    function.create("prod/a")
    for event in (function.events[0], {"smrep": "apply"}):
        summary = function.invoke(event).returned
        assert (summary["dry_run"], summary["missing"]) == (True, 1)
    assert sent(function.sandbox) == []


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (None, "not a JSON object"),
        ({"smrep": "failover"}, "neither apply nor audit"),
        ({"detail-type": "Secret Label Updated"}, "names no secret"),
    ],
)
def test_an_event_that_cannot_be_read_fails(make_function: Callable[..., Function], event: Any, message: str) -> None:
    name, text = make_function().invoke(event).raised
    assert name == "Failed"
    assert message in text


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Function]:
    """A function for many events; the only secret of its sandbox is prod/db."""
    folder = tmp_path_factory.mktemp("standing")
    clock = SharedClock()
    simulator = Simulator(now=clock.wall, rng=random.Random(3), faults=Faults(replication_delay_s=0.0))
    with SandboxServer(simulator) as server:
        sandbox = Sandbox(simulator, server.url, clock)
        env = {**as_role(sandbox.env, sandbox.simulator), "SMREP_MANIFEST": manifest(folder, *RULES)}
        sandbox.create("prod/db")
        with lambda_function(env, folder / "log") as runtime:
            yield Function(sandbox, runtime, folder / "log", [])


@examples(50)
@given(event=malformed())
def test_any_event_ends_in_a_summary_or_a_failure_and_sends_nothing_twice(standing: Function, event: Any) -> None:
    arn = standing.sandbox.call("DescribeSecret", SecretId="prod/db")["ARN"]
    event = json.loads(json.dumps(event).replace(ARN, arn))
    answer = standing.invoke(event)
    if answer.kind == "error":
        assert answer.raised[0] == "Failed"
        assert standing.summary()["exit_code"] == 2, answer
    else:
        assert answer.returned["exit_code"] in (0, 5)
    assert len(sent(standing.sandbox)) <= 1


def test_a_missing_or_wrong_manifest_fails(make_function: Callable[..., Function], tmp_path: Path) -> None:
    function = make_function({"SMREP_MANIFEST": ""})
    assert function.invoke({"smrep": "apply"}).raised == ("Failed", "SMREP_MANIFEST is not set")
    assert function.summary()["exit_code"] == 2
