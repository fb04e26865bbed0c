"""Estates: the secrets a sandbox starts with, from a sample or from a JSON file.

An estate is a list of entries with the keys `name`, `region` (default us-east-1), `value`,
`description`, `kms_key`, `tags` (an object), `replicas` (Regions, or objects of `region` and `kms_key`),
`deleted` (true: scheduled for deletion) and `account` (twelve digits; default: the simulator's first); only
`name` is required. A missing `kms_key` of the form `alias/...` is created in its Region. To see another account's
secrets, assume a role in that account.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from smrep.sandbox.simulator.account_calls import Account
from smrep.sandbox.simulator.api_errors import ApiError
from smrep.sandbox.simulator.simulated_aws import Simulator

_HOME = "us-east-1"
_DEFAULT_VALUE = '{"username": "sandbox", "password": "not-a-secret"}'
_REGION = re.compile(r"([a-z]+-)+\d+")
ACCOUNT = re.compile(r"\d{12}", re.ASCII)
_TYPES: dict[str, type] = {
    "name": str,
    "region": str,
    "value": str,
    "description": str,
    "kms_key": str,
    "tags": dict,
    "replicas": list,
    "deleted": bool,
    "account": str,
}
_TYPE_NAMES = {str: "a string", dict: "an object", list: "a list", bool: "true or false"}


def sample_estate(count: int | None = None) -> list[dict[str, Any]]:
    """Return a small realistic estate in us-east-1, or `count` secrets `app/NNNN/db` without replicas.

    The small one has every state worth a look: not replicated, in sync, under a customer key, Failed
    because of a name conflict in eu-west-1, and scheduled for deletion.
    """
    if count is not None:
        return [{"name": f"app/{number:04d}/db"} for number in range(count)]
    payments, web = {"team": "payments", "dr": "true"}, {"team": "web", "dr": "true"}
    return [
        {"name": "prod/payments/db", "description": "Ledger database", "tags": payments},
        {
            "name": "prod/payments/stripe",
            "description": "Stripe API key",
            "tags": payments,
            "replicas": ["us-west-2"],
        },
        {
            "name": "prod/orders/db",
            "description": "Orders database",
            "kms_key": "alias/dr",
            "tags": {"team": "orders", "dr": "true"},
            "replicas": [{"region": "us-west-2", "kms_key": "alias/dr"}],
        },
        {
            "name": "prod/web/session",
            "region": "eu-west-1",
            "description": "Made by hand in eu-west-1, long before replication",
        },
        {
            "name": "prod/web/session",
            "description": "Session signing key",
            "tags": web,
            "replicas": ["us-west-2", "eu-west-1"],
        },
        {"name": "staging/orders/db", "description": "Orders database, staging"},
        {"name": "legacy/reports/ftp", "description": "Nobody uses this", "deleted": True},
    ]


def seed_sample(simulator: Simulator, account: str | None = None) -> None:
    """Create the sample estate in an account, and the role `app`, which may read every secret in every Region."""
    seed(simulator, sample_estate(), account)
    may = {"Effect": "Allow", "Action": ["secretsmanager:GetSecretValue", "kms:Decrypt"], "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [may]}
    owner = simulator.account(account or simulator.account_id)
    owner.put_role(f"arn:aws:iam::{owner.account_id}:role/app", policy)


def read_estate(text: str) -> list[dict[str, Any]]:
    """Return the estate in a JSON text. Raises: ValueError with the path of the first mistake."""
    estate = read_json(text)
    if not isinstance(estate, list):
        raise mistake("$", "must be a list of secrets")
    for number, entry in enumerate(estate):
        _check(entry, f"$[{number}]")
    return estate


def read_json(text: str) -> Any:
    """Return the value of a JSON text. Raises: ValueError."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise mistake("$", f"not JSON: {error}") from None


def seed(simulator: Simulator, estate: Iterable[dict[str, Any]], account: str | None = None) -> int:
    """Create an estate, wait until it is in sync, and return the number of secrets.

    `account` has the secrets that name none; default: the simulator's first.

    Faults do not apply and nothing is logged. Raises: ValueError naming a secret that cannot be created.
    """
    made = 0
    with simulator.undisturbed():
        for entry in estate:
            _check(entry, f"secret {made}")
            try:
                _make(simulator.account(entry.get("account", account or simulator.account_id)), entry)
            except ApiError as error:
                where = entry.get("region", _HOME)
                raise ValueError(f"secret {entry['name']} in {where}: {error.message}") from error
            made += 1
    return made


def _make(account: Account, entry: dict[str, Any]) -> None:
    region, name = entry.get("region", _HOME), entry["name"]
    replicas = [{"region": item} if isinstance(item, str) else item for item in entry.get("replicas", [])]
    for place in ({"region": region, "kms_key": entry.get("kms_key")}, *replicas):
        _ensure_alias(account, place["region"], place.get("kms_key") or "")
    tags = [{"Key": key, "Value": value} for key, value in entry.get("tags", {}).items()]
    params = {
        "Name": name,
        "SecretString": entry.get("value", _DEFAULT_VALUE),
        "Description": entry.get("description"),
        "KmsKeyId": entry.get("kms_key"),
        "Tags": tags,
    }
    if replicas:
        params["AddReplicaRegions"] = [{"Region": item["region"], "KmsKeyId": item.get("kms_key")} for item in replicas]
    account.call("secretsmanager", "CreateSecret", region, params)
    if entry.get("deleted", False):
        account.call("secretsmanager", "DeleteSecret", region, {"SecretId": name})


def _ensure_alias(account: Account, region: str, alias: str) -> None:
    if not alias.startswith("alias/") or alias.startswith("alias/aws/"):
        return
    try:
        account.call("kms", "DescribeKey", region, {"KeyId": alias})
    except ApiError:
        key = account.call("kms", "CreateKey", region, {})["KeyMetadata"]["KeyId"]
        account.call("kms", "CreateAlias", region, {"AliasName": alias, "TargetKeyId": key})


def _check(entry: Any, path: str) -> None:
    check_object(entry, path, _TYPES, needed="name")
    _check_region(entry.get("region", _HOME), f"{path}.region")
    if "account" in entry and not ACCOUNT.fullmatch(entry["account"]):
        raise mistake(f"{path}.account", f"not an account id of twelve digits: {entry['account']!r}")
    for key, value in entry.get("tags", {}).items():
        if not isinstance(value, str):
            raise mistake(f"{path}.tags.{key}", "must be a string")
    for number, replica in enumerate(entry.get("replicas", [])):
        place = f"{path}.replicas[{number}]"
        if isinstance(replica, str):
            _check_region(replica, place)
        else:
            check_object(replica, place, {"region": str, "kms_key": str}, needed="region")
            _check_region(replica["region"], f"{place}.region")
    if entry.get("deleted") and entry.get("replicas"):
        raise mistake(f"{path}.deleted", "a secret with replicas cannot be deleted")


def check_object(value: Any, path: str, types: Mapping[str, type], *, needed: str | None = None) -> None:
    """Require an object with these keys and types. Raises: ValueError with the path of the first mistake."""
    if not isinstance(value, dict):
        raise mistake(path, "must be an object")
    for key, item in value.items():
        if key not in types:
            raise mistake(f"{path}.{key}", f"unknown key; the keys are {', '.join(types)}")
        if not isinstance(item, types[key]):
            raise mistake(f"{path}.{key}", f"must be {_TYPE_NAMES[types[key]]}")
    if needed and not value.get(needed):
        raise mistake(f"{path}.{needed}", "is missing")


def _check_region(region: str, path: str) -> None:
    if not _REGION.fullmatch(region):
        raise mistake(path, f"not a Region name: {region!r}")


def mistake(path: str, words: str) -> ValueError:
    """Return the error for a mistake at a path."""
    return ValueError(f"{path}: {words}")
