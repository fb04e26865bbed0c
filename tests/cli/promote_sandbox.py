"""Shows whether a replica in a sandbox was promoted."""

from __future__ import annotations

from fixtures import Sandbox

STOP = "StopReplicationToReplica"
ONE_TRY = {"AWS_MAX_ATTEMPTS": "1"}
"""Reads of a dead Region are made once, so that tests are quick."""


def arn_in(sandbox: Sandbox, region: str = "us-west-2", name: str = "prod/db") -> str:
    with sandbox.simulator.undisturbed():
        return str(sandbox.call("DescribeSecret", region, SecretId=name)["ARN"])


def stands_alone(sandbox: Sandbox, region: str = "us-west-2", name: str = "prod/db") -> bool:
    with sandbox.simulator.undisturbed():
        return "PrimaryRegion" not in sandbox.call("DescribeSecret", region, SecretId=name)
