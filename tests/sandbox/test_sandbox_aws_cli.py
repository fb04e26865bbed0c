"""The sandbox seen by the AWS command line."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from smrep.sandbox.server.http_server import SandboxServer
from smrep.sandbox.simulator.simulated_aws import Simulator

AWS = Path(sys.executable).parent / "aws"

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(not AWS.exists(), reason="the AWS CLI is not installed"),
]


def test_the_aws_cli_creates_replicates_describes_removes_and_deletes(tmp_path):
    clock = [1_758_990_822.0]
    simulator = Simulator(now=lambda: clock[0], rng=random.Random(7))
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "AWS_ACCESS_KEY_ID": "AKIASANDBOX",
        "AWS_SECRET_ACCESS_KEY": "dummy",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_PAGER": "",
    }
    with SandboxServer(simulator) as server:

        def aws(command, *arguments):
            line = [AWS, "--endpoint-url", server.url, "--output", "json", "secretsmanager", command]
            done = subprocess.run(
                [*line, *arguments], env=environment, capture_output=True, text=True, check=True, timeout=300
            )
            return json.loads(done.stdout)

        aws("create-secret", "--name", "db", "--secret-string", "one")
        replicate = ("--secret-id", "db", "--add-replica-regions", "Region=us-west-2")
        assert aws("replicate-secret-to-regions", *replicate)["ReplicationStatus"] == [
            {"Region": "us-west-2", "KmsKeyId": "alias/aws/secretsmanager", "Status": "InProgress"}
        ]
        clock[0] += 2
        described = aws("describe-secret", "--secret-id", "db")
        assert described["ReplicationStatus"][0]["Status"] == "InSync"
        remove = ("--secret-id", "db", "--remove-replica-regions", "us-west-2")
        assert aws("remove-regions-from-replication", *remove)["ReplicationStatus"] == []
        clock[0] += 40
        deleted = aws("delete-secret", "--secret-id", "db", "--force-delete-without-recovery")
        assert deleted["ARN"] == described["ARN"]
    assert [call.code for call in simulator.log] == [""] * 5
