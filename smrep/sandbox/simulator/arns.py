"""ARNs, and the random parts of AWS's identifiers."""

from __future__ import annotations

import random
import string

_SUFFIX_LETTERS = string.ascii_letters + string.digits
_PARTITIONS = {
    "cn-": "aws-cn",
    "us-gov-": "aws-us-gov",
    "us-iso-": "aws-iso",
    "us-isob-": "aws-iso-b",
    "eu-isoe-": "aws-iso-e",
    "us-isof-": "aws-iso-f",
    "eusc-": "aws-eusc",
}


def partition(region: str) -> str:
    """Return the partition of a Region, by its name. Source: aws-behavior.md 3 'Regions'."""
    for prefix, name in _PARTITIONS.items():
        if region.startswith(prefix):
            return name
    return "aws"


def secret_arn(region: str, account_id: str, name: str, suffix: str) -> str:
    """Return the ARN of a secret in one Region."""
    return f"arn:{partition(region)}:secretsmanager:{region}:{account_id}:secret:{name}-{suffix}"


def kms_arn(region: str, account_id: str, resource: str) -> str:
    """Return the ARN of `key/<id>` or `alias/<name>` in one Region."""
    return f"arn:{partition(region)}:kms:{region}:{account_id}:{resource}"


def new_uuid(rng: random.Random) -> str:
    """Return a random (version 4) UUID from `rng`."""
    digits = f"{rng.getrandbits(128):032x}"
    variant = "89ab"[int(digits[16], 16) % 4]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def new_suffix(rng: random.Random) -> str:
    """Return the six characters that AWS appends to a new secret's ARN. Source: aws-behavior.md 3 'ARN'."""
    return "".join(rng.choices(_SUFFIX_LETTERS, k=6))
