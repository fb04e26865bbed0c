"""What every AWS must answer, asked of our sandbox and of stock moto through plain boto3.

The sandbox is ours and could err as smrep errs; moto is not. Where moto is known to differ from AWS, the difference has
a name in DIFFERENCES and its test says what moto does instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from fixtures import Sandbox

pytestmark = pytest.mark.peer

DIFFERENCES = {
    "never in progress": "moto answers InSync at once",
    "ignores keys": "moto shows alias/aws/secretsmanager whatever was asked for",
    "no promotion": "moto does not know StopReplicationToReplica",
    "404": "moto answers a missing secret with HTTP 404",
    "silent primary": "a replicated primary of moto's names no PrimaryRegion",
    "talkative replica": "a replica of moto's shows its primary's ReplicationStatus",
    "repeats Regions": "a second call for a Region adds it to moto's list again",
}

Client = Callable[[str], Any]


@pytest.fixture(params=["sandbox", "moto"])
def client(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """Return a function that makes a boto3 client of a Region."""
    server: Sandbox = request.getfixturevalue(request.param)
    for name, value in server.env.items():
        monkeypatch.setenv(name, value)
    clients: dict[str, Any] = {}

    def make(region: str) -> Any:
        if region not in clients:
            clients[region] = boto3.client("secretsmanager", region_name=region)
        return clients[region]

    yield make
    for each in clients.values():
        each.close()


def is_moto(request: pytest.FixtureRequest) -> bool:
    return "moto" in request.node.name


def replicate(client: Client, *regions: str, **more: Any) -> Any:
    wanted = [{"Region": region, **more} for region in regions]
    return client("us-east-1").replicate_secret_to_regions(SecretId="prod/db", AddReplicaRegions=wanted)


@pytest.fixture
def primary(client: Client) -> Any:
    return client("us-east-1").create_secret(Name="prod/db", SecretString="x", Tags=[{"Key": "a", "Value": "b"}])


def test_a_secret_that_was_never_replicated_names_no_primary_region(client: Client, primary: Any) -> None:
    shown = client("us-east-1").describe_secret(SecretId="prod/db")
    assert {"PrimaryRegion", "KmsKeyId", "DeletedDate"}.isdisjoint(shown)
    assert not shown.get("ReplicationStatus")


def test_primary_and_replica_share_suffix_versions_and_primary_region(
    client: Client, primary: Any, request: pytest.FixtureRequest
) -> None:
    replicate(client, "us-west-2")
    here = client("us-east-1").describe_secret(SecretId="prod/db")
    there = client("us-west-2").describe_secret(SecretId="prod/db")
    assert there["ARN"] == here["ARN"].replace("us-east-1", "us-west-2")
    assert there["PrimaryRegion"] == "us-east-1"
    assert here.get("PrimaryRegion") == (None if is_moto(request) else "us-east-1"), DIFFERENCES["silent primary"]
    assert here["VersionIdsToStages"] == there["VersionIdsToStages"]
    assert bool(there.get("ReplicationStatus")) == is_moto(request), DIFFERENCES["talkative replica"]
    (entry,) = here["ReplicationStatus"]
    assert (entry["Region"], entry["Status"], entry["KmsKeyId"]) == ("us-west-2", "InSync", "alias/aws/secretsmanager")


def test_the_answer_to_a_write(client: Client, primary: Any, request: pytest.FixtureRequest) -> None:
    (entry,) = replicate(client, "us-west-2")["ReplicationStatus"]
    assert entry["Status"] == ("InSync" if is_moto(request) else "InProgress"), DIFFERENCES["never in progress"]


def test_the_primarys_own_region_is_refused(client: Client, primary: Any) -> None:
    with pytest.raises(ClientError) as refused:
        replicate(client, "us-east-1")
    assert refused.value.response["Error"]["Code"] == "InvalidParameterException"
    assert refused.value.response["Error"]["Message"] == "Invalid replica region."


def test_writes_on_a_replica_are_refused_in_awss_words(client: Client, primary: Any) -> None:
    replicate(client, "us-west-2")
    for call in (
        lambda: client("us-west-2").put_secret_value(SecretId="prod/db", SecretString="y"),
        lambda: client("us-west-2").delete_secret(SecretId="prod/db"),
    ):
        with pytest.raises(ClientError, match="Operation not permitted on a replica secret"):
            call()


def test_a_primary_with_replicas_cannot_be_deleted(client: Client, primary: Any) -> None:
    replicate(client, "us-west-2")
    with pytest.raises(ClientError, match="that still has replica regions"):
        client("us-east-1").delete_secret(SecretId="prod/db")


def test_a_namesake_makes_the_region_fail(client: Client, primary: Any) -> None:
    client("us-west-2").create_secret(Name="prod/db", SecretString="other")
    replicate(client, "us-west-2")
    (entry,) = client("us-east-1").describe_secret(SecretId="prod/db")["ReplicationStatus"]
    assert entry["Status"] == "Failed"
    assert "already exists in region us-west-2" in entry["StatusMessage"]


def test_keys_of_replicas(client: Client, primary: Any, request: pytest.FixtureRequest) -> None:
    replicate(client, "us-west-2", KmsKeyId="alias/dr")
    (entry,) = client("us-east-1").describe_secret(SecretId="prod/db")["ReplicationStatus"]
    wanted = "alias/aws/secretsmanager" if is_moto(request) else "alias/dr"
    assert entry["KmsKeyId"] == wanted, DIFFERENCES["ignores keys"]


def test_a_region_asked_for_twice(client: Client, primary: Any, request: pytest.FixtureRequest) -> None:
    replicate(client, "us-west-2")
    replicate(client, "us-west-2")
    listed = client("us-east-1").describe_secret(SecretId="prod/db")["ReplicationStatus"]
    assert len(listed) == (2 if is_moto(request) else 1), DIFFERENCES["repeats Regions"]


def test_a_new_value_reaches_the_replica(client: Client, primary: Any) -> None:
    replicate(client, "us-west-2")
    client("us-east-1").put_secret_value(SecretId="prod/db", SecretString="new")
    assert client("us-west-2").get_secret_value(SecretId="prod/db")["SecretString"] == "new"


def test_removing_the_last_region_empties_the_list(client: Client, primary: Any) -> None:
    replicate(client, "us-west-2")
    answer = client("us-east-1").remove_regions_from_replication(SecretId="prod/db", RemoveReplicaRegions=["us-west-2"])
    assert answer["ReplicationStatus"] == []
    assert not client("us-east-1").describe_secret(SecretId="prod/db").get("ReplicationStatus")


def test_promotion(client: Client, primary: Any, request: pytest.FixtureRequest) -> None:
    replicate(client, "us-west-2")
    if is_moto(request):
        with pytest.raises(ClientError):
            client("us-west-2").stop_replication_to_replica(SecretId="prod/db")
        return
    client("us-west-2").stop_replication_to_replica(SecretId="prod/db")
    assert "PrimaryRegion" not in client("us-west-2").describe_secret(SecretId="prod/db")


def test_a_missing_secret(client: Client, request: pytest.FixtureRequest) -> None:
    with pytest.raises(ClientError) as missing:
        client("us-east-1").describe_secret(SecretId="nowhere")
    assert missing.value.response["Error"]["Code"] == "ResourceNotFoundException"
    assert missing.value.response["Error"]["Message"] == "Secrets Manager can't find the specified secret."
    status = missing.value.response["ResponseMetadata"]["HTTPStatusCode"]
    assert status == (404 if is_moto(request) else 400), DIFFERENCES["404"]
