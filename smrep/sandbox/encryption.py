"""Which key a secret and its versions are under, and what a bad key forbids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from smrep.sandbox.errors import ApiError
from smrep.sandbox.state import DEFAULT_KEY
from smrep.sandbox.versions import CURRENT, PENDING, PREVIOUS

if TYPE_CHECKING:
    from smrep.sandbox.state import Secret, World


def own_key(params: dict[str, Any]) -> str | None:
    """Return the key a request names for a secret that is no replica; the default one is `None`.

    Source: aws-behavior.md 0.9 and API_UpdateSecret (an empty string is the default key).
    """
    key: str | None = params.get("KmsKeyId")
    return None if key in (None, "", DEFAULT_KEY) else key


def require_key(world: World, region: str, key: str | None) -> None:
    """Pass a key that can encrypt.

    Choice: any other is an EncryptionFailure at once. Source: API_CreateSecret, errors.
    """
    if world.keys.obstacle(region, key) is not None:
        raise ApiError(
            "EncryptionFailure",
            "Secrets Manager can't encrypt the protected secret text using the provided KMS key. "
            "Check that the KMS key is available, enabled, and not in an invalid state.",
        )


def require_readable(world: World, secret: Secret, version_id: str) -> None:
    """Pass a version whose key can decrypt it. Source: API_GetSecretValue, errors."""
    if world.keys.obstacle(secret.region, secret.version_keys[version_id]) is not None:
        raise ApiError(
            "DecryptionFailure",
            "Secrets Manager can't decrypt the protected secret text using the provided KMS key.",
        )


def change_key(world: World, secret: Secret, key: str | None) -> None:
    """Give a secret another key and bring its versions in use under it.

    A version that can't be read under its old key silently stays there.
    Source: API_UpdateSecret, KmsKeyId; aws-behavior.md 1.8.
    """
    require_key(world, secret.region, key)
    secret.kms_key = key
    for version in secret.content.versions:
        old = secret.version_keys[version.version_id]
        in_use = not {CURRENT, PENDING, PREVIOUS}.isdisjoint(version.stages)
        if in_use and world.keys.obstacle(secret.region, old) is None:
            secret.version_keys[version.version_id] = key
