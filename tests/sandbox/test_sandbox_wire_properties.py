"""Any bytes at all get an answer from the sandbox's handler, in the words of the service that they are signed for."""

from __future__ import annotations

import io
import json
import random
from email.message import Message

from hypothesis import example, given
from hypothesis import strategies as st

from smrep.sandbox.operations import OPERATIONS
from smrep.sandbox.server.request_handler import RequestHandler
from smrep.sandbox.simulator.simulated_aws import Simulator

SERVICES = ("secretsmanager", "kms", "sts", "ec2", "iam", "account", "organizations", "s3")
TARGETS = {"secretsmanager": "secretsmanager", "kms": "TrentService"}
headline = st.text(st.characters(codec="latin-1", exclude_characters="\r\n"), max_size=60)
services = st.sampled_from(SERVICES)
operations = st.sampled_from(sorted(OPERATIONS))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ("SecretId", "Name", "AddReplicaRegions", "KmsKeyId", "KeyId", "Filters", "MaxResults", "NextToken", "Tags")
params = st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=8), json_values, max_size=4)
bodies = st.one_of(
    st.binary(max_size=80),
    params.map(lambda each: json.dumps(each).encode()),
    st.builds(
        lambda name, rest: f"Action={name}&Version=2011-06-15&{rest}".encode(),
        operations | st.text(max_size=10),
        st.from_regex(r"([A-Za-z.0-9]{1,12}=[A-Za-z0-9%+]{0,12}&?){0,4}"),
    ),
)


def authorization(service: str, region: str = "us-east-1") -> str:
    return f"AWS4-HMAC-SHA256 Credential=test/20260101/{region}/{service}/aws4_request, SignedHeaders=host, Signature=0"


def answered(path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
    message = Message()
    for name, value in headers.items():
        message[name] = value
    log = io.StringIO()
    simulator = Simulator(now=lambda: 1_795_000_000.0, rng=random.Random(7))
    reply = RequestHandler(simulator, log=log, sleep=lambda _: None).handle(path, message, body)
    assert reply is not None
    assert json.loads(log.getvalue())["status"] == reply.status
    return reply.status, reply.body


@given(
    st.text(max_size=20),
    st.dictionaries(headline.filter(str.isalnum).filter(str.isascii), headline, max_size=3),
    bodies,
)
def test_whatever_is_not_signed_is_turned_away(path: str, headers: dict[str, str], body: bytes) -> None:
    status, _ = answered(path, headers, body)
    assert 400 <= status < 500


@given(services, operations | st.text(st.characters(codec="ascii", categories=["L", "N"])), bodies)
@example("secretsmanager", "DescribeSecret", b'{"SecretId": "\\ud800"}')
@example("secretsmanager", "CreateSecret", b'{"Name": "x", "SecretBinary": "\xff"}')
@example("kms", "DescribeKey", b"[" * 100_000)
def test_whatever_is_signed_gets_an_answer_of_its_service(service: str, operation: str, body: bytes) -> None:
    target = f"{TARGETS.get(service, service)}.{operation}"
    path = "/listRegions" if service == "account" else "/"
    status, answer = answered(path, {"Authorization": authorization(service), "X-Amz-Target": target}, body)
    assert status in range(200, 500)
    if service in TARGETS:
        assert isinstance(json.loads(answer), dict)


@given(operations, params)
def test_whatever_params_an_operation_gets_it_answers(operation: str, given_params: dict[str, object]) -> None:
    for service, prefix in TARGETS.items():
        headers = {"Authorization": authorization(service), "X-Amz-Target": f"{prefix}.{operation}"}
        status, answer = answered("/", headers, json.dumps(given_params).encode())
        assert status in range(200, 500)
        assert status == 200 or json.loads(answer)["__type"]
