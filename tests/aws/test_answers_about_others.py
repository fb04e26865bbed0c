"""Answers that are about another secret, key or action than the one asked about, or come of another Region."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fixtures import Sandbox

from smrep.aws import responses as answers
from smrep.aws.client import Aws
from smrep.aws.session import Session, Settings
from smrep.errors import Unanswered
from smrep.model import Target
from smrep.regions import Region

HOME, WEST = Region("us-east-1"), Region("us-west-2")
ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-a1b2c3"
OTHER = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/other-a1b2c3"
KEY = "arn:aws:kms:us-east-1:123456789012:key/1234"

CALLS: dict[str, Callable[[Aws, str], object]] = {
    "DescribeSecret": lambda aws, secret: aws.describe(secret, HOME),
    "ListSecretVersionIds": lambda aws, secret: aws.versions(secret, HOME),
    "GetResourcePolicy": lambda aws, secret: aws.policy(secret, HOME),
    "ReplicateSecretToRegions": lambda aws, secret: aws.replicate(secret, HOME, [Target(WEST)], force=False),
    "RemoveRegionsFromReplication": lambda aws, secret: aws.remove(secret, HOME, [WEST]),
    "UpdateSecret": lambda aws, secret: aws.rekey(secret, HOME, "alias/dr"),
    "StopReplicationToReplica": lambda aws, secret: aws.promote(secret, HOME),
}
"""Every operation whose answer names a secret."""
REST = {"Versions": [{"VersionId": "1"}], "ReplicationStatus": []}
ABOUT_IT: list[tuple[str, dict[str, Any]]] = [
    ("prod/db", {"ARN": ARN, "Name": "prod/db"}),
    (ARN, {"ARN": ARN, "Name": "prod/db"}),
    (ARN.removesuffix("-a1b2c3"), {"ARN": ARN, "Name": "prod/db"}),
    (f"{ARN}-d4e5f6", {"ARN": f"{ARN}-d4e5f6", "Name": "prod/db-a1b2c3"}),
    (ARN, {"ARN": f"{ARN}-d4e5f6", "Name": "prod/db-a1b2c3"}),  # a partial ARN that looks like a full one
    ("prod/db-a1b2c3", {"ARN": f"{ARN}-d4e5f6", "Name": "prod/db-a1b2c3"}),
]
ABOUT_ANOTHER: list[tuple[str, dict[str, Any]]] = [
    ("prod/db", {"ARN": OTHER, "Name": "prod/other"}),
    ("prod/db", {"ARN": OTHER, "Name": "prod/db"}),
    ("prod/db", {"ARN": ARN, "Name": "prod/other"}),
    ("prod/db", {"ARN": ARN.replace(HOME, WEST), "Name": "prod/db"}),
    ("prod/db", {"ARN": f"{ARN}-d4e5f6", "Name": "prod/db-a1b2c3"}),
    ("prod", {"ARN": ARN, "Name": "prod/db"}),
    ("PROD/db", {"ARN": ARN, "Name": "prod/db"}),
    (ARN, {"ARN": ARN.replace("a1b2c3", "d4e5f6"), "Name": "prod/db"}),
    (ARN, {"ARN": ARN.replace("123456789012", "210987654321"), "Name": "prod/db"}),
    (ARN, {"ARN": ARN.replace(HOME, WEST), "Name": "prod/db"}),
    (ARN.removesuffix("-a1b2c3"), {"ARN": OTHER, "Name": "prod/other"}),
    (ARN.removesuffix("-a1b2c3"), {"ARN": ARN.replace("db-", "db-x-"), "Name": "prod/db-x"}),
]


@pytest.fixture
def aws(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[dict[str, Any]], Aws]]:
    """Return a function that opens a door to an AWS with one answer to everything."""
    sessions: list[Session] = []
    for name, value in sandbox.env.items():
        monkeypatch.setenv(name, value)

    def answering(answer: dict[str, Any]) -> Aws:
        monkeypatch.setattr(sandbox.simulator, "call", lambda *_, **__: dict(answer))
        sessions.append(Session(Settings()))
        return Aws(sessions[-1])

    yield answering
    for session in sessions:
        for client in session._clients.values():
            client.close()


@pytest.mark.parametrize("operation", CALLS)
@pytest.mark.parametrize(("asked", "answer"), ABOUT_ANOTHER)
def test_an_answer_about_another_secret_is_no_answer(
    aws: Callable[..., Aws], operation: str, asked: str, answer: dict[str, Any]
) -> None:
    if operation in ("ReplicateSecretToRegions", "RemoveRegionsFromReplication", "StopReplicationToReplica"):
        answer = {"ARN": answer["ARN"]}  # which is all that they name
        if answer["ARN"] == ARN and asked == "prod/db":
            return
    with pytest.raises(Unanswered) as told:
        CALLS[operation](aws({**REST, **answer}), asked)
    assert told.value.code == "BadAnswer"
    assert answer["ARN"] not in told.value.words


@pytest.mark.parametrize("operation", CALLS)
@pytest.mark.parametrize(("asked", "answer"), ABOUT_IT)
def test_an_answer_about_the_secret_asked_for_is_taken(
    aws: Callable[..., Aws], operation: str, asked: str, answer: dict[str, Any]
) -> None:
    CALLS[operation](aws({**REST, **answer}), asked)


@pytest.mark.parametrize(
    "entry", [{"ARN": ARN.replace(HOME, WEST), "Name": "prod/db"}, {"ARN": OTHER, "Name": "prod/db"}]
)
def test_a_listed_secret_of_another_region_or_name_makes_the_page_no_answer(
    aws: Callable[..., Aws], entry: dict[str, Any]
) -> None:
    with pytest.raises(Unanswered, match="the answer is not valid"):
        aws({"SecretList": [entry]}).list_page(HOME, (), None, with_deleted=False)


@pytest.mark.parametrize("asked", ["alias/dr", "1234", KEY, "arn:aws:kms:us-east-1:123456789012:alias/dr"])
def test_the_key_asked_for_is_taken(asked: str) -> None:
    assert answers.to_key({"KeyMetadata": {"Arn": KEY}}, asked, HOME).arn == KEY


@pytest.mark.parametrize(
    ("asked", "arn"),
    [
        ("alias/dr", KEY.replace(HOME, WEST)),
        ("5678", KEY),
        (KEY.replace("1234", "5678"), KEY),
        (KEY, KEY.replace(HOME, WEST)),
        ("arn:aws:kms:us-east-1:210987654321:alias/dr", KEY),
        ("alias/dr", "arn:aws:kms:us-east-1:123456789012:alias/dr"),
    ],
)
def test_another_key_is_no_answer(asked: str, arn: str) -> None:
    with pytest.raises(answers.BadField):
        answers.to_key({"KeyMetadata": {"Arn": arn}}, asked, HOME)


@pytest.mark.parametrize(
    "result",
    [
        {"EvalActionName": "kms:Encrypt", "EvalDecision": "allowed"},
        {
            "EvalActionName": "kms:Decrypt",
            "ResourceSpecificResults": [{"EvalResourceName": OTHER, "EvalResourceDecision": "allowed"}],
        },
    ],
)
def test_a_decision_on_something_else_is_no_decision(result: dict[str, Any]) -> None:
    with pytest.raises(answers.BadField):
        answers.to_decision({"EvaluationResults": [result]}, "kms:Decrypt", ARN)
