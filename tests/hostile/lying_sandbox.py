"""A sandbox that puts a text of your choice into one field, and smrep run against it in this process."""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from email.message import Message
from html import escape
from typing import Any
from unittest import mock

from fakes import Clock
from fixtures import Done, Sandbox
from hostile.sources import ACCOUNT, MARK, Answer, Source

from smrep.cli import main as entry
from smrep.output.formats import FORMATS
from smrep.output.terminal import Terminal
from smrep.report import RunReport
from smrep.sandbox.faults import Faults
from smrep.sandbox.server.http_server import SandboxServer
from smrep.sandbox.server.request_handler import RequestHandler
from smrep.sandbox.server.wire import Reply
from smrep.sandbox.simulator.simulated_aws import ApiError, Simulator

ROLE = f"arn:aws:iam::{ACCOUNT}:role/app"
COMMANDS = {
    "status": ["status", "prod/db"],
    "verify": ["verify", "prod/db", "--timeout", "2s"],
    "doctor": ["doctor", "prod/db", "-r", "us-west-2=alias/dr,ap-southeast-2"],
    "wait": ["wait", "prod/db", "--timeout", "2s"],
    "retry": ["retry", "prod/db", "--timeout", "2s"],
    "replicate": ["replicate", "prod/db", "-r", "us-west-2=alias/dr,ap-southeast-2", "--timeout", "2s"],
    "rekey": ["rekey", "prod/db", "-r", "us-west-2=alias/new", "--timeout", "2s"],
    "remove": ["remove", "prod/db", "-r", "us-west-2", "--yes", "--timeout", "2s"],
    "promote": ["promote", "prod/db", "-r", "us-west-2", "--yes", "--timeout", "2s"],
    "doctor --reader": ["doctor", "prod/db", "--reader", ROLE],
    "status --role-arn": ["status", "prod/db", "--role-arn", ROLE],
    "list": ["list"],
    "audit": ["audit", "-r", "us-west-2=alias/dr,ap-southeast-2"],
    "plan": ["plan", "-f", "-"],
    "apply": ["apply", "-f", "-", "--yes", "--no-wait", "--timeout", "2s"],
    "export": ["export"],
}
MANIFEST = {
    "schema": 1,
    "replicate": [
        {
            "name": "all with the tag",
            "tags": {"dr": "true"},
            "regions": [{"region": "us-west-2", "kms_key": "alias/dr"}, "ap-southeast-2"],
        }
    ],
}
_XML = ("sts", "iam", "ec2")


class LyingSimulator(Simulator):
    """A simulator whose answers to one operation are lies, whatever it is asked about."""

    source: Source | None = None
    text = ""

    def call(
        self, service: str, operation: str, region: str, params: dict[str, Any], *, access_key: str = ""
    ) -> Answer:
        if self.source is None:
            return super().call(service, operation, region, params, access_key=access_key)
        for name, known in (("SecretId", "prod/db"), ("KeyId", "alias/dr")):
            if self.text in params.get(name, ""):
                params = {**params, name: known}
        if operation != self.source.operation:
            return super().call(service, operation, region, params, access_key=access_key)
        text = MARK if service in _XML else self.text
        try:
            if self.source.lie.__qualname__.startswith("_refused."):
                self.source.lie({}, region)  # what is refused is not carried out
            answer = super().call(service, operation, region, params, access_key=access_key)
            self.source.lie(answer, region)
        except ApiError as error:
            raise ApiError(_filled(error.code, text), _filled(error.message, text), error.status) from error
        return _filled(answer, text)


def _filled(value: Any, text: str) -> Any:
    """Return an answer with the hostile text in it; a policy is JSON within a text."""
    if isinstance(value, str):
        return value.replace(MARK, json.dumps(text)[1:-1] if value.startswith("{") else text)
    if isinstance(value, dict):
        return {_filled(key, text): _filled(each, text) for key, each in value.items()}
    return [_filled(each, text) for each in value] if isinstance(value, list) else value


@dataclass
class LyingEndpoint:
    """Puts the hostile text where the simulator would leave it out, or where it never comes: XML, headers, bodies."""

    handler: RequestHandler
    text: str
    body: bytes | None = None
    """Stands for every answer."""
    status: int = 200
    request_id: str | None = None

    def handle(self, path: str, headers: Message, body: bytes) -> Reply | None:
        reply = self.handler.handle(path, headers, body)
        assert reply is not None
        if self.body is not None:
            return Reply(self.status, "text/html", self.body)
        allowed = "".join(
            each
            for each in self.text
            if each in "\t\n" or (each >= " " and not "\ud7ff" < each < "\ue000" and each != "\uffff")
        )
        raw = reply.body.replace(MARK.encode(), escape(allowed).encode())
        return replace(reply, body=raw, request_id=self.request_id or reply.request_id)


@dataclass
class LyingSandbox(Sandbox):
    """A sandbox with a secret in three Regions, whose answers are lies from now on."""

    clock: Clock = field(default_factory=Clock)

    def run(self, *words: str, stdin: str = json.dumps(MANIFEST), **env: str) -> Done:
        """Run smrep's words to their end in this process, where waiting takes no time."""
        streams = [io.TextIOWrapper(io.BytesIO(), "utf-8", "backslashreplace", newline="") for _ in range(2)]
        with (
            mock.patch.dict(os.environ, {**self._env, **env}, clear=True),
            mock.patch.object(sys, "stdin", io.StringIO(stdin)),
            contextlib.redirect_stdout(streams[0]),
            contextlib.redirect_stderr(streams[1]),
        ):
            code = entry.run(words, self.clock)
        out, err = (stream.buffer.getvalue().decode() for stream in streams)
        assert "Traceback" not in err, err
        return Done(code, out, err)


@contextlib.contextmanager
def recorded_reports() -> Iterator[list[RunReport]]:
    """Yield a list that grows by each report that a format prints meanwhile."""
    reports: list[RunReport] = []

    def recording(
        render: Callable[[RunReport, Terminal], Iterator[str]],
    ) -> Callable[[RunReport, Terminal], Iterator[str]]:
        def record_and_render(report: RunReport, terminal: Terminal) -> Iterator[str]:
            reports.append(report)
            return render(report, terminal)

        return record_and_render

    with mock.patch.dict(FORMATS, {name: recording(render) for name, render in FORMATS.items()}):
        yield reports


@contextlib.contextmanager
def lying(source: Source | None, text: str, **handler: Any) -> Iterator[LyingSandbox]:
    """Yield a stage whose source says the text."""
    clock = Clock()
    simulator = LyingSimulator(now=clock.wall, rng=random.Random(3), faults=Faults(replication_delay_s=0.0))
    server = SandboxServer(simulator)
    server._listener.handler = LyingEndpoint(server._listener.handler, text, **handler)
    liar = LyingSandbox(simulator, server.url, clock)
    with simulator.undisturbed():
        for region in ("us-east-1", "us-west-2", "eu-west-1"):
            for alias in ("alias/dr", "alias/new"):
                liar.key(alias, region)
        liar.create(Tags=[{"Key": "dr", "Value": "true"}])
        liar.call(
            "ReplicateSecretToRegions",
            SecretId="prod/db",
            AddReplicaRegions=[{"Region": "us-west-2", "KmsKeyId": "alias/dr"}, {"Region": "eu-west-1"}],
        )
    simulator.put_role(ROLE, {"Statement": []})
    simulator.source, simulator.text = source, text
    with server:
        yield liar
