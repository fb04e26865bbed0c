"""The AWS CLI and smrep against one sandbox: both must see the same."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from fixtures import BIN, Sandbox

pytestmark = pytest.mark.peer


def aws(sandbox: Sandbox, *words: str, region: str = "us-east-1") -> Any:
    """Run `aws secretsmanager ...` and return what it prints."""
    done = subprocess.run(
        [BIN / "aws", "secretsmanager", *words, "--region", region, "--output", "json"],
        env=sandbox.env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) if done.stdout.strip() else None


def agreed(sandbox: Sandbox) -> dict[str, str]:
    """Return Region -> status, on which the AWS CLI and smrep agree."""
    theirs = aws(sandbox, "describe-secret", "--secret-id", "prod/db").get("ReplicationStatus", [])
    ours = sandbox.smrep("status", "prod/db", "--json").document["secrets"][0]["replicas"]
    assert [(each["Region"], each["Status"], each.get("StatusMessage"), each.get("KmsKeyId")) for each in theirs] == [
        (each["region"], each["status"], each["status_message"], each["kms_key_id"]) for each in ours
    ]
    return {each["region"]: each["status"] for each in ours}


def test_the_life_of_a_secret_seen_by_both(make_sandbox: Callable[..., Sandbox]) -> None:
    sandbox = make_sandbox(replication_delay_s=0.0, removal_delay_s=0.0, failures={"sa-east-1": "no luck"})
    created = aws(sandbox, "create-secret", "--name", "prod/db", "--secret-string", "x")
    done = sandbox.smrep("replicate", "prod/db", "-r", "us-west-2,sa-east-1", "--json")
    assert done.code == 1
    assert agreed(sandbox) == {"us-west-2": "InSync", "sa-east-1": "Failed"}

    aws(sandbox, "replicate-secret-to-regions", "--secret-id", "prod/db", "--add-replica-regions", "Region=eu-west-1")
    assert agreed(sandbox) == {"us-west-2": "InSync", "sa-east-1": "Failed", "eu-west-1": "InSync"}
    assert sandbox.smrep("replicate", "prod/db", "-r", "eu-west-1").rows[0][4] == "keep"

    there = aws(sandbox, "describe-secret", "--secret-id", "prod/db", region="us-west-2")
    assert there["PrimaryRegion"] == "us-east-1"
    assert there["ARN"] == created["ARN"].replace("us-east-1", "us-west-2")

    regions = ["us-west-2", "sa-east-1", "eu-west-1"]
    aws(sandbox, "remove-regions-from-replication", "--secret-id", "prod/db", "--remove-replica-regions", *regions)
    assert agreed(sandbox) == {}
    aws(sandbox, "delete-secret", "--secret-id", "prod/db", "--force-delete-without-recovery")


@pytest.mark.parametrize("word", ["InProgress", "Failed", "Pending"])
def test_both_show_awss_own_word(sandbox: Sandbox, word: str) -> None:
    sandbox.create()
    sandbox.simulator.set_replication_status("prod/db", "us-east-1", "us-west-2", word, "words: of AWS")
    assert agreed(sandbox) == {"us-west-2": word}
