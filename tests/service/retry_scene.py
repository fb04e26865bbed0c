"""Retries Failed Regions on the simulator, and makes Regions fail."""

from __future__ import annotations

from typing import Any

from fakes import FakeAws
from service.replicate_scene import replicate

from smrep.report import SecretReport
from smrep.rules.replication.region_step import Consent

FORCE = Consent(force=True)
NO_LUCK = "Replication failed: no luck"


def retry(aws: FakeAws, *regions: str, **more: Any) -> tuple[SecretReport, ...]:
    return replicate(aws, *regions, command="retry", **more)


def failed(aws: FakeAws, *regions: str, also: tuple[str, ...] = (), key: str | None = None) -> None:
    """Make a primary whose replicas Failed in these Regions, for a cause that is gone by now."""
    aws.create()
    aws.faults(failures=dict.fromkeys(regions, NO_LUCK))
    wanted = [{"Region": each, **({"KmsKeyId": key} if key else {})} for each in (*regions, *also)]
    aws.call("ReplicateSecretToRegions", SecretId="prod/db", AddReplicaRegions=wanted)
    aws.clock.time += 10
    aws.faults()
