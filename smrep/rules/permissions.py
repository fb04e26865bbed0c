"""What smrep's commands send, and what AWS then does in the caller's name: the tables behind `iam-policy`."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum


class Place(Enum):
    """What an operation is asked of."""

    PRIMARY = "the primary, in its Region"
    REPLICA = "a replica, in its own Region"
    ACCOUNT = "the account, in no particular Region"


Operation = tuple[str, str]
"""Service and operation, which are also the two halves of IAM's action."""

_PRIMARY, _REPLICA, _BOTH, _ACCOUNT = (
    (Place.PRIMARY,),
    (Place.REPLICA,),
    (Place.PRIMARY, Place.REPLICA),
    (Place.ACCOUNT,),
)

_DESCRIBE: Mapping[Operation, tuple[Place, ...]] = {("secretsmanager", "DescribeSecret"): _BOTH}
_PREFLIGHT: Mapping[Operation, tuple[Place, ...]] = {
    **_DESCRIBE,
    ("secretsmanager", "ListSecretVersionIds"): _BOTH,  # the replica's only with --verify
    ("kms", "DescribeKey"): _BOTH,
    ("account", "ListRegions"): _ACCOUNT,  # this and the next only where a Region refuses the credentials
    ("ec2", "DescribeRegions"): _ACCOUNT,
}
_PREFLIGHT_OF_MANY: Mapping[Operation, tuple[Place, ...]] = {
    **_DESCRIBE,
    ("kms", "DescribeKey"): _BOTH,
    ("account", "ListRegions"): _ACCOUNT,
    ("ec2", "DescribeRegions"): _ACCOUNT,
}
_LIST: Mapping[Operation, tuple[Place, ...]] = {("secretsmanager", "ListSecrets"): _ACCOUNT}  # in each Region
CALLS: Mapping[str, Mapping[Operation, tuple[Place, ...]]] = {
    "replicate": {**_PREFLIGHT, ("secretsmanager", "ReplicateSecretToRegions"): _PRIMARY},
    "status": _DESCRIBE,
    "wait": _DESCRIBE,
    "retry": {**_PREFLIGHT, ("secretsmanager", "ReplicateSecretToRegions"): _PRIMARY},
    "verify": {
        **_DESCRIBE,
        ("secretsmanager", "ListSecretVersionIds"): _BOTH,
        ("kms", "DescribeKey"): _REPLICA,
    },
    "rekey": {
        **_DESCRIBE,
        ("secretsmanager", "ListSecretVersionIds"): _BOTH,
        ("kms", "DescribeKey"): _REPLICA,
        ("secretsmanager", "UpdateSecret"): _REPLICA,
    },
    "remove": {**_DESCRIBE, ("secretsmanager", "RemoveRegionsFromReplication"): _PRIMARY},
    "promote": {**_DESCRIBE, ("secretsmanager", "StopReplicationToReplica"): _REPLICA},
    "list": _LIST,
    "audit": {**_DESCRIBE, **_LIST, ("kms", "DescribeKey"): _REPLICA},
    "plan": {**_PREFLIGHT_OF_MANY, **_LIST},
    "apply": {
        **_PREFLIGHT_OF_MANY,
        **_LIST,
        ("secretsmanager", "ReplicateSecretToRegions"): _PRIMARY,
        ("secretsmanager", "RemoveRegionsFromReplication"): _PRIMARY,  # only with remove_extra
    },
    "export": {**_DESCRIBE, **_LIST},
    "failover": {  # the Region that is lost is not asked for anything
        ("secretsmanager", "DescribeSecret"): _REPLICA,
        **_LIST,
        ("secretsmanager", "GetResourcePolicy"): _REPLICA,
        ("kms", "DescribeKey"): _REPLICA,
        ("secretsmanager", "StopReplicationToReplica"): _REPLICA,
    },
    "failback": {  # each side may be the primary for a while
        **_DESCRIBE,
        ("kms", "DescribeKey"): _BOTH,
        ("secretsmanager", "ReplicateSecretToRegions"): _BOTH,
        ("secretsmanager", "RemoveRegionsFromReplication"): _BOTH,
        ("secretsmanager", "StopReplicationToReplica"): _PRIMARY,  # only with --return-primary
    },
    "doctor": {
        **_PREFLIGHT,
        ("secretsmanager", "GetResourcePolicy"): _PRIMARY,  # this and the next only with --reader
        ("iam", "SimulatePrincipalPolicy"): _ACCOUNT,
    },
}
"""Command -> what it sends -> where to. sts:GetCallerIdentity is left out: it needs no permission."""

IN_YOUR_NAME: Mapping[str, Mapping[Operation, tuple[Place, ...]]] = {
    "ReplicateSecretToRegions": {
        ("kms", "Decrypt"): _PRIMARY,
        ("kms", "GenerateDataKey"): _REPLICA,
        ("kms", "Encrypt"): _REPLICA,
    },
    "UpdateSecret": {
        ("kms", "GenerateDataKey"): _REPLICA,
        ("kms", "Encrypt"): _REPLICA,
        ("kms", "Decrypt"): _REPLICA,
    },
}
"""Operation -> what Secrets Manager then does with a customer's key in the caller's name -> whose key.

Source: aws-behavior.md 4; API_ReplicateSecretToRegions, API_UpdateSecret.
"""

HARMLESS = ("replicate", "status", "wait", "retry", "verify")
"""The commands that destroy nothing."""

LABELS: Mapping[str, str] = {
    **dict.fromkeys(("DescribeSecret", "ListSecretVersionIds", "GetResourcePolicy"), "LookAtSecrets"),
    "ListSecrets": "ListSecrets",
    "ReplicateSecretToRegions": "Replicate",
    "RemoveRegionsFromReplication": "Remove",
    "StopReplicationToReplica": "Promote",
    "UpdateSecret": "Rekey",
    "DescribeKey": "LookAtKeys",
    **dict.fromkeys(("GenerateDataKey", "Encrypt", "Decrypt"), "UseKeys"),
    **dict.fromkeys(("ListRegions", "DescribeRegions"), "LookAtRegions"),
    "SimulatePrincipalPolicy": "AskForReaders",
}
"""Operation -> the Sid of its statement; statements stand in this order, what changes something apart from looks."""
