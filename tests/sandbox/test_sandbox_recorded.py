"""In the situations that were recorded at AWS, the sandbox answers with the same fields."""

import json
from typing import Any

import pytest
from fixtures import NEEDS_RECORDED, RECORDED

IRELAND = "eu-west-1"

pytestmark = NEEDS_RECORDED


def recorded(name: str) -> Any:
    return json.loads((RECORDED / f"{name}.json").read_text(encoding="utf-8"))


def shape(answer: Any) -> Any:
    """The fields of an answer and the types in them; the ids of versions are values, not fields."""
    match answer:
        case dict():
            return {key if len(key) != 36 else "<version id>": shape(value) for key, value in answer.items()}
        case list():
            return [shape(item) for item in answer]
        case _:
            return type(answer).__name__


@pytest.fixture
def estate(account):
    """The recorded one: a secret under a key of its own, read; one replicated, read over there only."""
    account.secret("test_lambda_secret", KmsKeyId=account.key())
    account.value("test_lambda_secret")
    account.tick(60)
    account.secret("c7n")
    account.tick(60.96)
    account.replicate(IRELAND, name="c7n")
    account.tick(2)
    account.value("c7n", IRELAND)
    return account


@pytest.mark.parametrize(
    ("recording", "name", "region"),
    [
        ("DescribeSecret_1", "test_lambda_secret", "us-east-1"),
        ("DescribeSecret_2", "c7n", "us-east-1"),
        ("DescribeSecret_3", "c7n", IRELAND),
    ],
)
def test_describe_secret_has_the_recorded_fields(estate, recording, name, region):
    assert shape(estate.describe(name, region)) == shape(recorded(recording))


def test_list_secrets_has_the_recorded_fields(estate):
    assert shape(estate.sm("ListSecrets")) == shape(recorded("ListSecrets_1"))


def test_the_recorded_words_and_relations_hold(estate):
    ours, theirs = estate.describe("c7n"), recorded("DescribeSecret_2")
    for key in ("Region", "KmsKeyId", "Status", "StatusMessage"):
        assert ours["ReplicationStatus"][0][key] == theirs["ReplicationStatus"][0][key]
    for primary, replica in (
        (theirs, recorded("DescribeSecret_3")),
        (ours, estate.describe("c7n", IRELAND)),
    ):
        assert replica["ARN"] == primary["ARN"].replace("us-east-1", IRELAND)
        assert replica["LastChangedDate"] == primary["LastChangedDate"] > primary["CreatedDate"]
        assert replica["CreatedDate"] > replica["LastChangedDate"]
        assert replica["VersionIdsToStages"] == primary["VersionIdsToStages"]
        assert replica["LastAccessedDate"] == primary["ReplicationStatus"][0]["LastAccessedDate"]
