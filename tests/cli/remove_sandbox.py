"""Shows whether a replica in a sandbox still exists."""

from __future__ import annotations

from fixtures import Sandbox

from smrep.sandbox.simulator.simulated_aws import ApiError

REMOVE = "RemoveRegionsFromReplication"


def is_there(sandbox: Sandbox, region: str = "us-west-2", name: str = "prod/db") -> bool:
    try:
        sandbox.call("DescribeSecret", region, SecretId=name)
    except ApiError as error:
        return error.code != "ResourceNotFoundException"
    return True
