"""Real answers of AWS, recorded: what smrep makes of them, through boto3, in every format."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from fixtures import NEEDS_RECORDED, RECORDED, Done, Sandbox

pytestmark = [pytest.mark.peer, NEEDS_RECORDED]


class Replay(BaseHTTPRequestHandler):
    """Answers DescribeSecret with the recorded body of that name and Region, byte for byte."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        region = self.headers["Authorization"].split("/")[2]
        answers = [path.read_bytes() for path in sorted(RECORDED.glob("DescribeSecret_*.json"))]
        fitting = [
            each
            for each in answers
            if f":{region}:" in json.loads(each)["ARN"]
            and body["SecretId"] in (json.loads(each)["Name"], json.loads(each)["ARN"])
        ]
        missing = (
            b'{"__type":"ResourceNotFoundException","Message":"Secrets Manager can\'t find the specified secret."}'
        )
        answer = fitting[0] if fitting else missing
        self.send_response(200 if fitting else 400)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""


@pytest.fixture
def recorded() -> Iterator[Sandbox]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Replay)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield Sandbox(simulator=None, url=f"http://127.0.0.1:{server.server_address[1]}")  # type: ignore[arg-type]
    server.shutdown()
    server.server_close()


ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:c7n-TItPKs"


def test_a_replicated_primary_as_json(recorded: Sandbox) -> None:
    document = recorded.smrep("status", "c7n", "--json").document
    assert document["secrets"] == [
        {
            "name": "c7n",
            "arn": ARN,
            "primary_region": "us-east-1",
            "result": "ok",
            "error": None,
            "replicas": [
                {
                    "region": "eu-west-1",
                    "arn": ARN.replace("us-east-1", "eu-west-1"),
                    "result": "ok",
                    "status": "InSync",
                    "status_message": "Replication succeeded",
                    "kms_key_id": "alias/aws/secretsmanager",
                    "last_accessed_date": "2025-09-27T20:00:00Z",
                    "action": None,
                    "changed": False,
                    "verified": None,
                    "findings": [],
                    "error": None,
                }
            ],
        }
    ]


def test_a_replicated_primary_in_the_other_formats(recorded: Sandbox) -> None:
    assert recorded.smrep("status", "c7n").rows == [
        ["c7n", "eu-west-1", "InSync", "alias/aws/secretsmanager", "-", "Replication succeeded", "123456789012", "-"]
    ]
    assert recorded.smrep("status", "c7n", "-o", "name").out == f"{ARN}\n"
    table = recorded.smrep("status", "c7n", "-o", "table").out
    assert "primary us-east-1, account 123456789012" in table
    assert "eu-west-1" in table
    assert "InSync" in table


def test_a_replica_leads_to_its_primary(recorded: Sandbox) -> None:
    done = recorded.smrep("status", "c7n", "--json", AWS_REGION="eu-west-1")
    assert done.document["secrets"][0]["arn"] == ARN
    assert "c7n in eu-west-1 is a replica" in done.err


def test_a_secret_that_was_never_replicated(recorded: Sandbox) -> None:
    done = recorded.smrep("status", "test_lambda_secret", "--json")
    (secret,) = done.document["secrets"]
    assert (done.code, secret["primary_region"], secret["replicas"]) == (0, "us-east-1", [])


def test_replicate_keeps_what_is_in_sync_and_sends_nothing(recorded: Sandbox) -> None:
    done = recorded.smrep("replicate", "c7n", "-r", "eu-west-1=alias/aws/secretsmanager", "--json")
    (row,) = done.document["secrets"][0]["replicas"]
    assert (done.code, row["action"], row["changed"], row["findings"]) == (0, "keep", False, [])


def test_the_replica_is_refused_for_writing(recorded: Sandbox) -> None:
    done: Done = recorded.smrep("replicate", "c7n", "-r", "us-west-2", AWS_REGION="eu-west-1")
    assert done.code == 1
    assert "hint: use the primary:\n  smrep replicate c7n --primary-region us-east-1 -r us-west-2\n" in done.err
