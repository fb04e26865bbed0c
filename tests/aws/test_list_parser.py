"""smrep's parser of ListSecrets and botocore's give the same values for what smrep uses, whatever the answer is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.loaders import create_loader
from botocore.model import ServiceModel
from botocore.parsers import ResponseParserFactory
from fixtures import Sandbox
from hypothesis import example, given
from hypothesis import strategies as st

from smrep.aws.list_parser import ListParsers
from smrep.aws.session import Session, Settings
from smrep.regions import Region

MODEL = ServiceModel(create_loader().load_service_model("secretsmanager", "service-2"))
PAGE = MODEL.operation_model("ListSecrets").output_shape
USED = {
    *("ARN", "Name", "PrimaryRegion", "KmsKeyId", "OwningService", "RotationEnabled"),
    *("SecretVersionsToStages", "Tags", "DeletedDate"),
}
UNUSED = {
    "CreatedDate": 1.7e9,
    "LastChangedDate": 1700000000,
    "Description": "x",
    "RotationRules": {"AutomaticallyAfterDays": 3},
    "FieldOfNextYear": [1],
}
HEADERS = {"x-amzn-requestid": "r-1", "Date": "today"}
ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-a1b2c3"

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6)
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
)
texts = st.text(max_size=6) | st.none()
moments = st.integers(0, 4 * 10**9) | st.floats(0, 4e9) | st.sampled_from(["2026-01-01T00:00:00Z", 1e300, "never"])
labels = st.dictionaries(st.text(max_size=4), st.lists(texts, max_size=2), max_size=2)
tags = st.lists(st.dictionaries(st.sampled_from(["Key", "Value", "Other"]), texts), max_size=3)
usual = st.fixed_dictionaries(
    {"ARN": st.just(ARN)},
    optional={
        **dict.fromkeys(("Name", "PrimaryRegion", "KmsKeyId", "OwningService"), texts),
        "RotationEnabled": st.booleans() | st.none(),
        "SecretVersionsToStages": labels | st.none(),
        "Tags": tags | st.none(),
        "DeletedDate": moments | st.none(),
        **{field: st.just(value) for field, value in UNUSED.items()},
    },
)
odd = st.dictionaries(st.sampled_from(sorted(USED)), anything)
secrets = usual | odd | anything
pages = anything | st.fixed_dictionaries(
    {},
    optional={"SecretList": st.lists(secrets, max_size=4) | anything, "NextToken": texts | anything, "Else": anything},
)
bodies = pages.map(lambda page: json.dumps(page).encode()) | st.binary(max_size=8)


def parsed(factory: ResponseParserFactory, body: bytes, status: int = 200, shape: Any = PAGE) -> Any:
    """Return what the factory's parser makes of an answer: its result, or its error."""
    answer = {"body": body, "headers": HEADERS, "status_code": status, "context": {"operation_name": "ListSecrets"}}
    try:
        return used(factory.create_parser("json").parse(answer, shape))
    except Exception as error:  # noqa: BLE001 - the parsers' errors are compared
        return type(error), str(error)


def used(answer: Any) -> Any:
    """Return the answer without those fields of its secrets that smrep does not use."""
    if isinstance(answer, dict) and isinstance(answer.get("SecretList"), list):
        answer["SecretList"] = [
            {key: value for key, value in secret.items() if key in USED} if isinstance(secret, dict) else secret
            for secret in answer["SecretList"]
        ]
    return answer


@given(bodies, st.sampled_from([200, 200, 200, 204, 300, 301, 400, 500, 503]))
@example(b'{"SecretList": [{"ARN": "\xff"}]}', 200)
@example(b"<html></html>", 200)
@example(b"", 200)
@example(b'{"SecretList": [{"DeletedDate": "never"}]}', 200)
@example(b'{"SecretList": [null, {"Tags": [null]}, {"SecretVersionsToStages": {"v": [null]}}]}', 200)
@example(b'{"SecretList": [{"Tags": {"Key": "a"}}]}', 200)
@example(b'{"SecretList": [{"SecretVersionsToStages": {"v": "AWSCURRENT"}}]}', 200)
@example(b'{"__type": "x#ThrottlingException", "message": "Rate exceeded"}', 400)
def test_both_parsers_give_the_same_values_and_the_same_errors(body: bytes, status: int) -> None:
    ours, theirs = (
        json.dumps(parsed(factory, body, status), sort_keys=True, default=repr)  # as text: NaN does not equal itself
        for factory in (ListParsers(), ResponseParserFactory())
    )
    assert ours == theirs


@given(st.lists(usual, max_size=3))
def test_a_page_is_parsed_here(entries: list[dict[str, Any]]) -> None:
    body = json.dumps({"SecretList": entries, "NextToken": "t"}).encode()
    answer = {"body": body, "headers": HEADERS, "status_code": 200}
    try:
        page = ListParsers().create_parser("json").parse(answer, PAGE)
    except (ValueError, RuntimeError):
        return  # a time that is none
    assert all(secret.keys() <= USED for secret in page["SecretList"])
    assert page["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_other_answers_are_botocores() -> None:
    shape = MODEL.operation_model("DescribeSecret").output_shape
    body = json.dumps({"ARN": ARN, "CreatedDate": 1.7e9}).encode()
    ours, theirs = (parsed(factory, body, shape=shape) for factory in (ListParsers(), ResponseParserFactory()))
    assert ours == theirs
    assert "CreatedDate" in ours
    assert type(ListParsers().create_parser("query")) is type(ResponseParserFactory().create_parser("query"))


def test_a_session_parses_its_lists_here(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox.create(Tags=[{"Key": "team", "Value": "payments"}])
    for name, value in sandbox.env.items():
        monkeypatch.setenv(name, value)
    client = Session(Settings()).client("secretsmanager", Region("us-east-1"))
    page, described = client.list_secrets(), client.describe_secret(SecretId="prod/db")
    client.close()
    assert [(secret["Name"], secret["Tags"]) for secret in page["SecretList"]] == [
        ("prod/db", [{"Key": "team", "Value": "payments"}])
    ]
    assert page["ResponseMetadata"]["RetryAttempts"] == 0
    assert "CreatedDate" in described
    assert "CreatedDate" not in page["SecretList"][0]
