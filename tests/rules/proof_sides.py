"""The two sides of a replica, as DescribeSecret shows them, for the comparison rules."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from smrep.errors import Denied, Unanswered
from smrep.model import Replica, Secret
from smrep.regions import Region
from smrep.rules.replication.replica_comparison import Proof, Verdict

HOME, WEST, OTHER = Region("us-east-1"), Region("us-west-2"), Region("eu-west-1")
ARN = "arn:aws:secretsmanager:{}:123456789012:secret:prod/db-a1b2c3"
MOMENT = datetime(2026, 11, 23, tzinfo=UTC)
DEFAULT = "alias/aws/secretsmanager"
STAGES = (("AWSCURRENT", "v2"), ("AWSPREVIOUS", "v1"))
DENIED = Denied("no", code="AccessDeniedException")
LOST = Unanswered("connection was closed")
SYNCED = Replica(WEST, "InSync", "Replication succeeded", DEFAULT)


def primary_with(entry: Replica | None = SYNCED, **changes: Any) -> Secret:
    given = {"primary_region": HOME, "replicas": (entry,) if entry else (), "stages": STAGES, **changes}
    return Secret(arn=ARN.format(HOME), name="prod/db", region=HOME, **given)


def replica_with(**changes: Any) -> Secret:
    fields = {
        "arn": ARN.format(WEST),
        "name": "prod/db",
        "region": WEST,
        "primary_region": HOME,
        "kms_key_id": DEFAULT,
        "stages": STAGES,
    }
    return Secret(**{**fields, **changes})


STRANGERS: dict[str, Secret] = {
    "orphan": replica_with(primary_region=OTHER),
    "orphan_of_ours": replica_with(arn=ARN.format(WEST).replace("a1b2c3", "zzzzzz")),
    "promoted": replica_with(primary_region=None),
    "promoted_and_replicated": replica_with(primary_region=WEST),
    "name_conflict": replica_with(primary_region=None, arn=ARN.format(WEST).replace("a1b2c3", "zzzzzz")),
    "pending_deletion": replica_with(deleted=MOMENT),
}


def by_name(wanted: str, shown: str) -> Verdict:
    names = {"DefaultEncryptionKey": DEFAULT}
    return names.get(wanted, wanted) == names.get(shown, shown)


def kinds(found: Proof) -> list[str]:
    return [each.kind for each in found.findings]
