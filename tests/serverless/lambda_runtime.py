"""Lambda's Runtime API on loopback, and AWS's own runtime client that takes the events from there."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from patience import PATIENCE_S

from smrep.sandbox.simulator.simulated_aws import Simulator

PREFIX = "/2018-06-01/runtime/"
ROLE = "arn:aws:iam::123456789012:role/smrep"
NAME = "smrep-function"


@dataclass
class Answer:
    """What became of an event: what the function returned, or the error that it raised."""

    kind: str
    """`response` or `error`."""
    body: Any
    elapsed_s: float

    @property
    def returned(self) -> dict[str, Any]:
        assert self.kind == "response", self.body
        body: dict[str, Any] = self.body
        return body

    @property
    def raised(self) -> tuple[str, str]:
        """The error's class and message; nothing below the handler is in its trace."""
        assert self.kind == "error", self.body
        assert len(self.body["stackTrace"]) == 1, self.body["stackTrace"]
        assert "in handler" in self.body["stackTrace"][0]
        return self.body["errorType"], self.body["errorMessage"]


@dataclass
class LambdaRuntime:
    """The service side of a function: gives events to its processes, and keeps what they answer."""

    server: ThreadingHTTPServer
    events: queue.Queue[tuple[str, Any, float]] = field(default_factory=queue.Queue)
    answers: dict[str, queue.Queue[tuple[str, Any]]] = field(default_factory=dict)
    pids: list[int] = field(default_factory=list)
    """The function's processes."""
    asked: int = 0
    """How often a process asked for an event."""

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server.server_port}"

    def invoke(self, event: Any, timeout_s: float = PATIENCE_S) -> Answer:
        """Give an event to whichever process is free, and return what became of it."""
        request_id, started = str(uuid.uuid4()), time.monotonic()
        self.answers[request_id] = queue.Queue()
        self.events.put((request_id, event, timeout_s))
        kind, body = self.answers[request_id].get(timeout=timeout_s + PATIENCE_S)
        return Answer(kind, body, time.monotonic() - started)


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    runtime: LambdaRuntime

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Print nothing."""

    def do_GET(self) -> None:
        self.runtime.asked += 1
        request_id, event, timeout_s = self.runtime.events.get()
        body = json.dumps(event).encode()
        headers = {
            "Lambda-Runtime-Aws-Request-Id": request_id,
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + timeout_s) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": f"arn:aws:lambda:us-east-1:123456789012:function:{NAME}",
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
        }
        self.send_response(200)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length")
        body = json.loads(self.rfile.read(int(length)) if length else b"".join(self._chunks()))
        parts = self.path.removeprefix(PREFIX).split("/")
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()
        if parts[0] == "invocation":
            self.runtime.answers[parts[1]].put((parts[2], body))

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline(), 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()


@contextlib.contextmanager
def lambda_function(
    env: Mapping[str, str], log: Path, processes: int = 1, handler: str = "smrep.serverless.handler"
) -> Iterator[LambdaRuntime]:
    """Run a function with this environment in as many processes as Lambda would start; append its log to a file."""
    connection = type("Connection", (_Connection,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), connection)
    server.daemon_threads = True
    runtime = connection.runtime = LambdaRuntime(server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with log.open("ab") as file:
        children = [
            subprocess.Popen(
                [sys.executable, "-m", "awslambdaric", handler],
                env={
                    **env,
                    "AWS_LAMBDA_RUNTIME_API": runtime.address,
                    "AWS_LAMBDA_FUNCTION_NAME": NAME,
                    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
                    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
                    "LAMBDA_TASK_ROOT": str(log.parent),
                },
                cwd=log.parent,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
            )
            for _ in range(processes)
        ]
        runtime.pids += [child.pid for child in children]
        try:
            yield runtime
        finally:
            for child in children:
                child.kill()
                child.wait()
            server.shutdown()
            server.server_close()


def as_role(env: Mapping[str, str], simulator: Simulator) -> dict[str, str]:
    """Return the environment with credentials of the function's role."""
    role = {"RoleArn": ROLE, "RoleSessionName": NAME}
    credentials = simulator.call("sts", "AssumeRole", "us-east-1", role)["Credentials"]
    return {
        **env,
        "AWS_ACCESS_KEY_ID": credentials["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": credentials["SecretAccessKey"],
        "AWS_SESSION_TOKEN": credentials["SessionToken"],
        "PATH": os.environ["PATH"],
    }
