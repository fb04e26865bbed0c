"""smrep's read and write paths against stock moto, an emulator we did not write.

Where moto differs from AWS (aws-behavior.md 7), the difference is named, and what smrep makes of it is asserted:

- InSync at once, never InProgress;
- KmsKeyId is ignored, always alias/aws/secretsmanager;
- a second replication of a Region repeats it in the list;
- the text of a name conflict always names the secret "simple";
"""

from __future__ import annotations

import boto3
import pytest
from fixtures import Sandbox

pytestmark = pytest.mark.peer


def create(name: str, region: str = "us-east-1") -> str:
    client = boto3.client("secretsmanager", region_name=region)
    try:
        return str(client.create_secret(Name=name, SecretString="x")["ARN"])
    finally:
        client.close()


def test_replicate_status_and_wait(moto: Sandbox) -> None:
    arn = create("prod/db")
    done = moto.smrep("replicate", "prod/db", "-r", "us-west-2,eu-west-1", "--json")
    assert done.code == 0, done.err
    assert [row["status"] for row in done.document["secrets"][0]["replicas"]] == ["InSync", "InSync"]
    assert done.document["secrets"][0]["arn"] == arn
    assert moto.smrep("status", "prod/db").code == 0
    assert moto.smrep("wait", arn, "-r", "us-west-2").code == 0


def test_running_again_sends_nothing_so_moto_has_nothing_to_repeat(moto: Sandbox) -> None:
    create("prod/db")
    moto.smrep("replicate", "prod/db", "-r", "us-west-2")
    again = moto.smrep("replicate", "prod/db", "-r", "us-west-2", "--json").document["secrets"][0]["replicas"]
    assert [(row["action"], row["changed"]) for row in again] == [("keep", False)]
    client = boto3.client("secretsmanager", region_name="us-east-1")
    assert len(client.describe_secret(SecretId="prod/db")["ReplicationStatus"]) == 1
    client.close()


def test_a_replica_leads_to_its_primary_and_is_refused_for_writing(moto: Sandbox) -> None:
    create("prod/db")
    moto.smrep("replicate", "prod/db", "-r", "us-west-2")
    assert moto.smrep("status", "prod/db", AWS_REGION="us-west-2").code == 0
    refused = moto.smrep("replicate", "prod/db", "-r", "eu-west-1", AWS_REGION="us-west-2")
    assert refused.code == 1
    assert "smrep replicate prod/db --primary-region us-east-1 -r eu-west-1" in refused.err


def test_a_namesake_is_seen_before_and_said_by_moto_without_preflight(moto: Sandbox) -> None:
    create("prod/db")
    create("prod/db", "us-west-2")
    done = moto.smrep("replicate", "prod/db", "-r", "us-west-2", "--json")
    assert (done.code, done.document["secrets"][0]["replicas"][0]["error"]["code"]) == (1, "name_conflict")
    done = moto.smrep("replicate", "prod/db", "-r", "us-west-2", "--no-preflight", "--json")
    (row,) = done.document["secrets"][0]["replicas"]
    assert (done.code, row["status"]) == (1, "Failed")
    assert "Secret name simple already exists" in row["status_message"]  # moto's own slip: the name is prod/db


def test_a_key_that_moto_ignores_is_not_claimed(moto: Sandbox) -> None:
    create("prod/db")
    kms = boto3.client("kms", region_name="us-west-2")
    kms.create_alias(AliasName="alias/dr", TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])
    kms.close()
    done = moto.smrep("replicate", "prod/db", "-r", "us-west-2=alias/dr", "--json")
    (row,) = done.document["secrets"][0]["replicas"]
    assert (done.code, row["status"], row["kms_key_id"]) == (5, "InSync", "alias/aws/secretsmanager")
    assert [each["kind"] for each in row["findings"]] == ["wrong_key"]


def test_a_missing_secret(moto: Sandbox) -> None:
    done = moto.smrep("replicate", "nowhere", "-r", "us-west-2", "--json")
    assert done.code == 1
    assert done.document["secrets"][0]["error"]["code"] == "ResourceNotFoundException"
