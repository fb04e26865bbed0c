"""A server in AWS's place that hands out marked credentials, and fails in the ways that could show them."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from smrep.sandbox.server.request_handler import RequestHandler
from smrep.sandbox.server.wire import Reply

MARK = "MarkerOfACredential7"
"""Stands in every credential, and in no output."""
KEYS = {"AccessKeyId": f"AKIA{MARK}", "SecretAccessKey": f"secret{MARK}", "Token": f"token{MARK}"}
LATER = "2099-01-01T00:00:00Z"
WRITES = ("ReplicateSecretToRegions", "StopReplicationToReplica", "RemoveRegionsFromReplication", "UpdateSecret")

Failure = Callable[[str], "Reply | None"]
"""Makes the answer to a request, given the request's text."""


def sts_answer(operation: str, keys: dict[str, str], expiration: str = LATER) -> str:
    """Return STS's answer to AssumeRole or AssumeRoleWithWebIdentity."""
    return (
        f"<{operation}Response><{operation}Result><Credentials>"
        f"<AccessKeyId>{keys['AccessKeyId']}</AccessKeyId><SecretAccessKey>{keys['SecretAccessKey']}</SecretAccessKey>"
        f"<SessionToken>{keys['Token']}</SessionToken><Expiration>{expiration}</Expiration></Credentials>"
        "<AssumedRoleUser><AssumedRoleId>AROA:x</AssumedRoleId>"
        "<Arn>arn:aws:sts::123456789012:assumed-role/dr/x</Arn></AssumedRoleUser>"
        f"</{operation}Result></{operation}Response>"
    )


@dataclass
class Front:
    """What the server answers, and what it was sent."""

    handler: RequestHandler
    failure: Failure | None = None
    fails_only: tuple[str, ...] = ()
    """The operations that fail; empty for all."""
    sources: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Beginning of a path, or operation of STS -> status and body, for those who give credentials."""
    seen: list[str] = field(default_factory=list)
    """The text of each request of AWS."""
    url: str = ""
    ended: threading.Event = field(default_factory=threading.Event)

    def answer(self, path: str, headers: Message, body: bytes) -> Reply | None:
        text = f"{path}\n{headers}\n{body.decode('utf-8', 'replace')}"
        for name, (status, source) in self.sources.items():
            if path.startswith(name) or f"Action={name}&" in text:
                return Reply(status, "text/plain", source.encode())
        self.seen.append(text)
        operation = (headers.get("X-Amz-Target") or "").partition(".")[2]
        if self.failure and (not self.fails_only or operation in self.fails_only):
            return self.failure(text)
        return self.handler.handle(path, headers, body)


@contextmanager
def serving(front: Front) -> Iterator[Front]:
    """Serve until the end of the block."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None:
            """Say nothing of a client that goes away: standard error is what the test looks into."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            reply = front.answer(self.path, self.headers, body)
            if reply is None:
                self.close_connection = True
                return
            self.send_response(reply.status)
            self.send_header("Content-Length", str(len(reply.body) + (reply.content_type == "cut short")))
            self.send_header("x-amzn-requestid", "r-1")
            self.end_headers()
            self.wfile.write(reply.body)
            self.close_connection = reply.content_type == "cut short"

        do_GET = do_PUT = do_POST = _serve  # noqa: N815 - http.server's names

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Say nothing."""

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    front.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield front
    finally:
        front.ended.set()
        server.shutdown()
        server.server_close()


def _page(status: int, text: str) -> Reply:
    return Reply(status, "text/html", text.encode())


def _json(status: int, document: Any) -> Reply:
    return Reply(status, "application/json", json.dumps(document).encode())


FAILURES: dict[str, Failure] = {
    "403 that echoes": lambda text: _page(403, f"<html>{text}"),
    "404 that echoes": lambda text: _page(404, text),
    "429 that echoes": lambda text: _page(429, text),
    "500 that echoes": lambda text: _page(500, text),
    "400 in JSON without a code": lambda text: _json(400, {"message": text}),
    "502 in JSON without a code": lambda text: _json(502, {"Message": text}),
    "a code that is none": lambda text: _json(400, {"__type": text.replace(":", " "), "message": text}),
    "a code that is a list": lambda text: _json(400, {"__type": [text], "message": text}),
    "a list": lambda text: _json(400, [text]),
    "200 that is no JSON": lambda text: _page(200, text),
    "200 whose fields echo": lambda text: _json(
        200,
        {
            **dict.fromkeys(("ARN", "Name", "KmsKeyId", "PrimaryRegion", "NextToken"), text),
            **{key: [{"ARN": text, "Region": text}] for key in ("SecretList", "ReplicationStatus", "Versions", "Tags")},
        },
    ),
    "200 in which nothing is of its kind": lambda text: _json(
        200, {"ARN": [text], "Name": {text: text}, "SecretList": text, "ReplicationStatus": text, "DeletedDate": text}
    ),
    "the signature does not match": lambda text: _json(
        403,
        {
            "__type": "InvalidSignatureException",
            "message": f"The signature does not match.\n\nThe Canonical String should have been\n'{text}'",
        },
    ),
    "the signature is incomplete": lambda text: _json(
        400, {"__type": "IncompleteSignature", "message": f"not a key=value pair in {text}"}
    ),
    "no answer": lambda _: None,
    "half an answer": lambda text: Reply(200, "cut short", text.encode()),
}
"""How AWS, or what answers in its place, fails."""
