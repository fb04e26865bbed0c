"""Every operation that the sandbox knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smrep.sandbox.attaching import ATTACHING_OPERATIONS
from smrep.sandbox.changing import CHANGING_OPERATIONS
from smrep.sandbox.creating import CREATING_OPERATIONS
from smrep.sandbox.deleting import DELETING_OPERATIONS
from smrep.sandbox.iam import IAM_OPERATIONS
from smrep.sandbox.identity import STS_OPERATIONS
from smrep.sandbox.kms import KMS_OPERATIONS
from smrep.sandbox.listing import LISTING_OPERATIONS
from smrep.sandbox.reading import READING_OPERATIONS
from smrep.sandbox.regions import ACCOUNT_OPERATIONS, EC2_OPERATIONS
from smrep.sandbox.replicating import REPLICATING_OPERATIONS
from smrep.sandbox.rotating import ROTATING_OPERATIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from smrep.sandbox.validation import Operation

SERVICES: Mapping[str, Mapping[str, Operation]] = {
    "secretsmanager": {
        **CREATING_OPERATIONS,
        **READING_OPERATIONS,
        **LISTING_OPERATIONS,
        **CHANGING_OPERATIONS,
        **REPLICATING_OPERATIONS,
        **ATTACHING_OPERATIONS,
        **ROTATING_OPERATIONS,
        **DELETING_OPERATIONS,
    },
    "kms": KMS_OPERATIONS,
    "sts": STS_OPERATIONS,
    "ec2": EC2_OPERATIONS,
    "iam": IAM_OPERATIONS,
    "account": ACCOUNT_OPERATIONS,
}
"""The operations of each service, by name."""
GLOBAL_SERVICES = frozenset({"iam", "account"})
GLOBAL_REGION = "us-east-1"
OPERATIONS = frozenset(name for service in SERVICES.values() for name in service)
"""The name of every operation of all services."""
