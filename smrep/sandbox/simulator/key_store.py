"""KMS keys of the sandbox, and the keys of secret versions."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field, replace
from typing import Any

from smrep.sandbox.simulator.api_errors import ApiError
from smrep.sandbox.simulator.arns import kms_arn, new_uuid
from smrep.sandbox.simulator.stored_secret import CURRENT, DEFAULT_KEY, PENDING, PREVIOUS, StoredSecret

_MANAGED_ALIAS = "alias/aws/secretsmanager"


@dataclass(frozen=True, slots=True)
class Key:
    """One KMS key of one Region."""

    key_id: str
    arn: str
    account_id: str
    created: float
    description: str = ""
    state: str = "Enabled"
    usage: str = "ENCRYPT_DECRYPT"
    spec: str = "SYMMETRIC_DEFAULT"
    manager: str = "CUSTOMER"
    multi_region: bool = False

    def describe(self) -> dict[str, Any]:
        """Return the KeyMetadata of DescribeKey and CreateKey. Source: API_KeyMetadata."""
        fields: dict[str, Any] = {
            "AWSAccountId": self.account_id,
            "KeyId": self.key_id,
            "Arn": self.arn,
            "CreationDate": round(self.created, 3),
            "Enabled": self.state == "Enabled",
            "Description": self.description,
            "KeyUsage": self.usage,
            "KeyState": self.state,
            "Origin": "AWS_KMS",
            "KeyManager": self.manager,
            "CustomerMasterKeySpec": self.spec,
            "KeySpec": self.spec,
            "MultiRegion": self.multi_region,
        }
        if self.spec == "SYMMETRIC_DEFAULT":
            fields["EncryptionAlgorithms"] = ["SYMMETRIC_DEFAULT"]
        return fields


def key_not_found(message: str) -> ApiError:
    """Return KMS's refusal for a key or alias that is not in this Region. Source: API_DescribeKey."""
    return ApiError("NotFoundException", message)


@dataclass(slots=True)
class KeyStore:
    """Keys and aliases of every Region; `alias/aws/secretsmanager` always exists."""

    account_id: str
    keys: dict[tuple[str, str], Key] = field(default_factory=dict)
    """(Region, key id) -> key."""
    aliases: dict[tuple[str, str], str] = field(default_factory=dict)
    """(Region, alias) -> key id."""

    def find(self, region: str, key_id: str) -> Key:
        """Return the key with an id, key ARN, alias or alias ARN in `region`.

        Raises: ApiError (NotFoundException), also for an ARN of another Region, as AWS does.
        """
        self._ensure_managed(region)
        home = kms_arn(region, self.account_id, "")
        if key_id.startswith("arn:") and not key_id.startswith(home):
            raise key_not_found(f"Invalid arn {region}")
        plain = key_id.removeprefix(home).removeprefix("key/")
        if plain.startswith("alias/"):
            target = self.aliases.get((region, plain))
            if target is None:
                raise key_not_found(f"Alias {home}{plain} is not found.")
            plain = target
        key = self.keys.get((region, plain))
        if key is None:
            raise key_not_found(f"Key '{home}key/{plain}' does not exist")
        return key

    def find_key_only(self, region: str, key_id: str) -> Key:
        """Return the key with an id or key ARN; refuse aliases.

        Source: API_DisableKey, API_CreateAlias.
        """
        if "alias/" in key_id:
            raise key_not_found(f"Invalid keyId '{key_id}'")
        return self.find(region, key_id)

    def add(self, region: str, key: Key) -> None:
        """Store `key`, in place of its older state."""
        self.keys[region, key.key_id] = key

    def has_alias(self, region: str, alias: str) -> bool:
        """Return whether `alias/...` exists in `region`."""
        self._ensure_managed(region)
        return (region, alias) in self.aliases

    def list_aliases(self, region: str) -> list[tuple[str, str]]:
        """Return each `alias/...` of `region` with the id of its key."""
        self._ensure_managed(region)
        return [(name, key_id) for (where, name), key_id in self.aliases.items() if where == region]

    def add_alias(self, region: str, alias: str, key: Key) -> None:
        """Point `alias/...` at `key` in `region`."""
        self.aliases[region, alias] = key.key_id

    def set_state(self, region: str, key_id: str, state: str) -> None:
        """Set a key's KeyState. Raises: ApiError for a missing key."""
        self.add(region, replace(self.find(region, key_id), state=state))

    def find_obstacle(self, region: str, key_id: str | None) -> ApiError | None:
        """Return KMS's refusal to use a key in `region`, or `None` if Secrets Manager can use it.

        Choice: KMS's message for each cause; one of them was seen in a replication.
        Source: aws-behavior.md 2.1, 2.2 for the causes, 4 for "only symmetric encryption keys".
        """
        if key_id is None:
            return None
        try:
            key = self.find(region, key_id)
        except ApiError:
            return key_not_found(f"Invalid keyId '{key_id}'")
        if key.state == "Disabled":
            return ApiError("DisabledException", f"{key.arn} is disabled.")
        if key.state != "Enabled":
            state = re.sub(r"(?<!^)(?=[A-Z])", " ", key.state).lower()
            return ApiError("KMSInvalidStateException", f"{key.arn} is {state}.")
        if (key.usage, key.spec) != ("ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT"):
            words = f"{key.arn} key usage is {key.usage} which is not valid for GenerateDataKey."
            return ApiError("InvalidKeyUsageException", words)
        return None

    def require(self, region: str, key_id: str | None) -> None:
        """Require a key that can encrypt.

        Choice: any other is an immediate EncryptionFailure. Source: API_CreateSecret, errors.
        """
        if self.find_obstacle(region, key_id) is not None:
            raise ApiError(
                "EncryptionFailure",
                "Secrets Manager can't encrypt the protected secret text using the provided KMS key. "
                "Check that the KMS key is available, enabled, and not in an invalid state.",
            )

    def require_readable(self, secret: StoredSecret, version_id: str) -> None:
        """Require a version whose key can decrypt it. Source: API_GetSecretValue, errors."""
        if self.find_obstacle(secret.region, secret.version_keys[version_id]) is not None:
            raise ApiError(
                "DecryptionFailure",
                "Secrets Manager can't decrypt the protected secret text using the provided KMS key.",
            )

    def change_key(self, secret: StoredSecret, key: str | None) -> None:
        """Change a secret's key and re-encrypt its labeled versions.

        A version that its old key cannot decrypt silently keeps that key.
        Source: API_UpdateSecret, KmsKeyId; aws-behavior.md 1.8.
        """
        self.require(secret.region, key)
        secret.kms_key = key
        for version in secret.content.versions:
            old = secret.version_keys[version.version_id]
            in_use = not {CURRENT, PENDING, PREVIOUS}.isdisjoint(version.stages)
            if in_use and self.find_obstacle(secret.region, old) is None:
                secret.version_keys[version.version_id] = key

    def _ensure_managed(self, region: str) -> None:
        if (region, _MANAGED_ALIAS) in self.aliases:
            return
        key_id = new_uuid(random.Random(f"{self.account_id}/{region}/{_MANAGED_ALIAS}"))  # noqa: S311 - a name
        key = Key(
            key_id=key_id,
            arn=kms_arn(region, self.account_id, f"key/{key_id}"),
            account_id=self.account_id,
            created=0.0,
            description="Default key that protects my Secrets Manager data when no other key is defined",
            manager="AWS",
        )
        self.add(region, key)
        self.add_alias(region, _MANAGED_ALIAS, key)


def read_key(params: dict[str, Any]) -> str | None:
    """Return the key in a request for a secret that is not a replica; `None` is the default key.

    Source: aws-behavior.md 0.9 and API_UpdateSecret (an empty string is the default key).
    """
    key: str | None = params.get("KmsKeyId")
    return None if key in (None, "", DEFAULT_KEY) else key
