"""The sandbox seen by a stock boto3 client."""

from __future__ import annotations

import contextlib
import random
from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from smrep.sandbox.faults import Drop, Faults
from smrep.sandbox.server.http_server import SandboxServer
from smrep.sandbox.simulator.simulated_aws import Simulator

WEST = "us-west-2"
START = 1_758_990_822.0


class Cloud:
    """A served account with a clock to wind on, and clients for it."""

    def __init__(self, stack):
        self.time = START
        self.simulator = Simulator(now=lambda: self.time, rng=random.Random(7))
        self.server = stack.enter_context(SandboxServer(self.simulator))
        self.stack = stack

    def client(self, service="secretsmanager", region="us-east-1", *, attempts=1, **credentials):
        keys = {"aws_access_key_id": "AKIASANDBOX", "aws_secret_access_key": "dummy", **credentials}
        client = boto3.session.Session(**keys).client(
            service,
            region_name=region,
            endpoint_url=self.server.url,
            config=Config(retries={"total_max_attempts": attempts, "mode": "standard"}),
        )
        return self.stack.enter_context(contextlib.closing(client))


@pytest.fixture
def cloud():
    with contextlib.ExitStack() as stack:
        yield Cloud(stack)


def test_the_whole_course_of_a_replica(cloud):
    here, there = cloud.client(), cloud.client(region=WEST)
    arn = here.create_secret(Name="db", SecretString="one")["ARN"]
    answer = here.replicate_secret_to_regions(SecretId=arn, AddReplicaRegions=[{"Region": WEST}])
    assert answer["ReplicationStatus"][0]["Status"] == "InProgress"
    cloud.time += 2
    row = here.describe_secret(SecretId="db")["ReplicationStatus"][0]
    assert (row["Status"], row["StatusMessage"]) == ("InSync", "Replication succeeded")
    replica = there.describe_secret(SecretId="db")
    assert replica["CreatedDate"].timestamp() == START + 2
    assert there.get_secret_value(SecretId="db")["SecretString"] == "one"
    here.remove_regions_from_replication(SecretId="db", RemoveReplicaRegions=[WEST])
    cloud.time += 40
    with pytest.raises(there.exceptions.ResourceNotFoundException):
        there.describe_secret(SecretId="db")
    here.delete_secret(SecretId="db", ForceDeleteWithoutRecovery=True)


def test_bytes_go_in_and_come_out(cloud):
    client = cloud.client()
    client.create_secret(Name="db", SecretBinary=b"\x00\xff")
    assert client.get_secret_value(SecretId="db")["SecretBinary"] == b"\x00\xff"


def test_a_refusal_is_the_error_that_boto3_knows(cloud):
    client = cloud.client()
    with pytest.raises(client.exceptions.ResourceNotFoundException) as caught:
        client.describe_secret(SecretId="db")
    error = caught.value.response
    assert error["Error"]["Message"] == "Secrets Manager can't find the specified secret."
    assert error["ResponseMetadata"]["RequestId"]
    with pytest.raises(ClientError, match=r"DescribeKey operation .*: Alias .* is not found"):
        cloud.client("kms").describe_key(KeyId="alias/dr")


def test_the_paginator_sees_every_secret_once(cloud):
    client = cloud.client()
    for number in range(25):
        client.create_secret(Name=f"app/{number}")
    pages = client.get_paginator("list_secrets").paginate(PaginationConfig={"PageSize": 10})
    assert [len(page["SecretList"]) for page in pages] == [10, 10, 5]


def test_a_lost_answer_is_sent_again_by_a_client_that_retries(cloud):
    cloud.client().create_secret(Name="db", SecretString="one")
    drops = (Drop("ReplicateSecretToRegions", "after", times=2),)
    cloud.simulator.faults = Faults(drops=drops)
    wanted = {"SecretId": "db", "AddReplicaRegions": [{"Region": WEST}]}
    with pytest.raises(ConnectionClosedError):
        cloud.client().replicate_secret_to_regions(**wanted)
    operations = [call.operation for call in cloud.simulator.log]
    assert operations.count("ReplicateSecretToRegions") == 1


def test_an_outage_is_a_connection_error(cloud):
    cloud.simulator.faults = Faults(outages=frozenset({WEST}))
    with pytest.raises(ConnectionClosedError):
        cloud.client(region=WEST).list_secrets()
    cloud.client().list_secrets()


def test_throttling_is_what_boto3_takes_for_it(cloud):
    client = cloud.client()
    client.create_secret(Name="db")
    cloud.simulator.faults = Faults(write_quota=1)
    client.update_secret(SecretId="db", Description="x")
    with pytest.raises(ClientError) as caught:
        client.update_secret(SecretId="db", Description="y")
    assert caught.value.response["Error"]["Code"] == "ThrottlingException"


def test_a_replicas_key_is_changed_with_the_token_that_boto3_adds(cloud):
    here, there, kms = cloud.client(), cloud.client(region=WEST), cloud.client("kms", WEST)
    here.create_secret(Name="db", SecretString="one", AddReplicaRegions=[{"Region": WEST}])
    cloud.time += 2
    key = kms.create_key()["KeyMetadata"]
    there.update_secret(SecretId="db", KmsKeyId=key["KeyId"])
    assert key["CreationDate"].timestamp() == START + 2
    assert there.describe_secret(SecretId="db")["KmsKeyId"] == key["KeyId"]


def test_a_role_taken_on_is_who_one_is_until_it_expires(cloud):
    sts = cloud.client("sts")
    assert sts.get_caller_identity()["Arn"] == "arn:aws:iam::123456789012:user/sandbox"
    role = "arn:aws:iam::210987654321:role/team/Reader"
    taken = sts.assume_role(RoleArn=role, RoleSessionName="me", DurationSeconds=900)["Credentials"]
    assert taken["Expiration"].timestamp() == START + 900
    reader = {
        "aws_access_key_id": taken["AccessKeyId"],
        "aws_secret_access_key": taken["SecretAccessKey"],
        "aws_session_token": taken["SessionToken"],
    }
    identity = cloud.client("sts", **reader).get_caller_identity()
    assert identity["Arn"] == "arn:aws:sts::210987654321:assumed-role/Reader/me"
    assert identity["Account"] == "210987654321"
    cloud.simulator.faults = Faults(denied=frozenset({("ListSecrets", "us-east-1")}))
    with pytest.raises(ClientError, match="assumed-role/Reader/me is not authorized"):
        cloud.client(**reader).list_secrets()
    cloud.time += 900
    with pytest.raises(ClientError, match="ExpiredTokenException"):
        cloud.client("sts", **reader).get_caller_identity()


def test_a_role_that_is_none_is_refused_in_stss_xml(cloud):
    with pytest.raises(ClientError) as caught:
        cloud.client("sts").assume_role(RoleArn="arn:aws:iam::1:user/<a>&b", RoleSessionName="me")
    assert caught.value.response["Error"] == {
        "Type": "Sender",
        "Code": "ValidationError",
        "Message": "arn:aws:iam::1:user/<a>&b is invalid",
    }


def test_many_threads_can_call_at_once(cloud):
    client = cloud.client()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: client.create_secret(Name=f"app/{number}"), range(40)))
    assert len(client.list_secrets()["SecretList"]) == 40
    assert len({call.params["Name"] for call in cloud.simulator.log if "Name" in call.params}) == 40
