"""The operations of the sandbox."""

from __future__ import annotations

from collections.abc import Mapping

from smrep.sandbox.operations.create_secret import CREATING_OPERATIONS
from smrep.sandbox.operations.delete_secret import DELETING_OPERATIONS
from smrep.sandbox.operations.describe_secret import READING_OPERATIONS
from smrep.sandbox.operations.iam_simulation import IAM_OPERATIONS
from smrep.sandbox.operations.kms_operations import KMS_OPERATIONS
from smrep.sandbox.operations.organizations import ORGANIZATIONS_OPERATIONS
from smrep.sandbox.operations.region_catalog import ACCOUNT_OPERATIONS, EC2_OPERATIONS
from smrep.sandbox.operations.replica_regions import REPLICATING_OPERATIONS
from smrep.sandbox.operations.resource_policies import ATTACHING_OPERATIONS
from smrep.sandbox.operations.rotation import ROTATING_OPERATIONS
from smrep.sandbox.operations.secret_search import LISTING_OPERATIONS
from smrep.sandbox.operations.sts_operations import STS_OPERATIONS
from smrep.sandbox.operations.update_secret import CHANGING_OPERATIONS
from smrep.sandbox.simulator.validation import Operation

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
    "organizations": ORGANIZATIONS_OPERATIONS,
}
"""Service -> operation name -> operation."""
GLOBAL_SERVICES = frozenset({"iam", "account", "organizations"})
GLOBAL_REGION = "us-east-1"
OPERATIONS = frozenset(name for service in SERVICES.values() for name in service)
"""Operation names of all services."""
