"""A kept plan as a file: JSON that is read with every doubt an error, since people and programs may have changed it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from smrep.errors import UsageError
from smrep.model import Target, parse_arn
from smrep.regions import Region, parse_region
from smrep.report import Action
from smrep.rules.asked import check_regions
from smrep.rules.keys import check_target
from smrep.rules.manifest import AccountRole
from smrep.rules.saved import Saved, SavedSecret, SavedStep
from smrep.rules.shards import Shard

SCHEMA = "smrep-plan/1"
_ACTIONS = (Action.ADD, Action.RETRY, Action.REMOVE)
_ANEW = "make one: smrep plan -f FILE --out FILE"


def as_text(plan: Saved, version: str) -> str:
    """Return the file's text."""
    value = {
        "schema": SCHEMA,
        "smrep_version": version,
        "made_at": plan.made_at,
        "shard": {"number": plan.shard.number, "count": plan.shard.count, "accounts": plan.of_accounts},
        "accounts": [_role(each) if each else None for each in plan.accounts],
        "secrets": [asdict(each) for each in plan.secrets],
    }
    return json.dumps(value, indent=1) + "\n"


def parse_saved(text: str, source: str) -> Saved:
    """Return the plan that the text is.

    Raises:
        UsageError: it is none that this version can read.

    """
    try:
        value = _plan(json.loads(text))
        accounts = tuple(_to_role(each, place) for place, each in enumerate(_list(value, "accounts")))
        secrets = tuple(_to_secret(each, place, accounts) for place, each in enumerate(_list(value, "secrets")))
        _check_once(secrets)
        return Saved(_text(value, "made_at", "it"), accounts, secrets, *_to_shard(value))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{source} is no plan of smrep: {' '.join(str(error).split())}", _ANEW) from error
    except UsageError as error:
        raise UsageError(f"{source} is no plan of smrep: {error.message}", _ANEW) from error


def _role(role: AccountRole) -> dict[str, str | None]:
    return {"place": role.place, "role_arn": role.role_arn, "external_id": role.external_id, "region": role.region}


def _plan(value: object) -> Mapping[str, Any]:
    found = _object(value, "it")
    if found.get("schema") != SCHEMA:
        raise UsageError(f"its schema is not {SCHEMA}")
    return found


def _object(value: object, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise UsageError(f"{what} is no JSON object")
    return value


def _list(value: Mapping[str, Any], key: str) -> list[Any]:
    found = value.get(key)
    if not isinstance(found, list):
        raise UsageError(f"{key} is no list")
    return found


def _text(value: Mapping[str, Any], key: str, what: str) -> str:
    found = value.get(key)
    if not isinstance(found, str) or not found:
        raise UsageError(f"{what} has no text as {key}")
    return found


def _optional(value: Mapping[str, Any], key: str, what: str) -> str | None:
    return None if value.get(key) is None else _text(value, key, what)


def _to_shard(value: Mapping[str, Any]) -> tuple[Shard, int]:
    shard = _object(value.get("shard"), "shard")
    number, count, accounts = (_count(shard.get(each)) for each in ("number", "count", "accounts"))
    if not 0 < number <= count or accounts < 1:
        raise UsageError("its shard is none")
    return Shard(number, count), accounts


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0


def _to_role(value: object, place: int) -> AccountRole | None:
    if value is None:
        return None
    what = f"account {place}"
    found = _object(value, what)
    arn, region = _text(found, "role_arn", what), _optional(found, "region", what)
    if not re.fullmatch(r"arn:aws[a-z-]*:iam::\d{12}:role/\S+", arn, re.ASCII):
        raise UsageError(f"{what} has no role's ARN")
    home = parse_region(region) if region else None
    return AccountRole(_text(found, "place", what), arn, _optional(found, "external_id", what), home)


def _to_secret(value: object, place: int, accounts: Sequence[AccountRole | None]) -> SavedSecret:
    what = f"secret {place}"
    found = _object(value, what)
    arn, account, rules = _text(found, "arn", what), found.get("account"), _list(found, "rules")
    parts = parse_arn(arn, "secretsmanager")
    if not re.fullmatch(r"secret:.+-[A-Za-z0-9]{6}", parts.resource):
        raise UsageError(f"{arn!r} is not the ARN of a secret")
    if type(account) is not int or not 0 <= account < len(accounts):
        raise UsageError(f"{arn} is of no account of the plan")
    role = accounts[account]
    if role and (role.account != parts.account or role.region not in (None, parts.region)):
        raise UsageError(f"{arn} is not of {role.place}, where it stands")
    if not all(isinstance(each, str) for each in rules):
        raise UsageError(f"the rules of {arn} are no texts")
    steps = tuple(_to_step(each, arn) for each in _list(found, "steps"))
    regions = [each.region for each in steps]
    if not steps or len(set(regions)) != len(regions):
        raise UsageError(f"the Regions of {arn} can't be a plan's")
    check_regions([parts.region], regions)
    return SavedSecret(arn, account, tuple(rules), steps)


def _to_step(value: object, arn: str) -> SavedStep:
    what = f"a step of {arn}"
    found = _object(value, what)
    action, region = _text(found, "action", what), parse_region(_text(found, "region", what))
    if action not in [each.value for each in _ACTIONS]:
        raise UsageError(f"{action!r} is nothing that a plan does")
    step = SavedStep(Action(action), region, _optional(found, "kms_key", what), _optional(found, "status", what))
    check_target(Target(step.region, step.kms_key))
    return step


def _check_once(secrets: Sequence[SavedSecret]) -> None:
    arns: set[str] = set()
    homes: dict[int, Region] = {}
    for each in secrets:
        if each.arn in arns:
            raise UsageError(f"{each.arn} stands in it twice")
        if homes.setdefault(each.account, each.region) != each.region:
            raise UsageError(f"{each.arn} is of another Region than the others of its account")
        arns.add(each.arn)
