"""Writes a plan to a file, reads it, and compares it with the current state."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from smrep.errors import UsageError
from smrep.model import Target, parse_arn
from smrep.regions import Region, parse_region
from smrep.report import Action
from smrep.rules.fleet.shards import WHOLE, Shard
from smrep.rules.manifest.schema import AccountRole
from smrep.rules.primary_region import check_regions
from smrep.rules.replication.key_failures import check_key
from smrep.rules.replication.region_step import Add, Keep, RegionStep, Retry, Skip
from smrep.rules.replication.replica_deletion import ReplicaDeletion


@dataclass(frozen=True, slots=True)
class SavedStep:
    """A planned action in one Region, with the state that it was planned for."""

    action: Action
    region: Region
    kms_key: str | None = None
    status: str | None = None
    """AWS's status of the Region; None if the primary did not list it."""


@dataclass(frozen=True, slots=True)
class SavedSecret:
    """One secret with planned actions."""

    arn: str
    account: int
    """Index into the plan's accounts."""
    rules: tuple[str, ...]
    steps: tuple[SavedStep, ...]

    @property
    def region(self) -> Region:
        """The primary's Region."""
        return parse_arn(self.arn, "secretsmanager").region

    @property
    def targets(self) -> tuple[Target, ...]:
        """The replicas to create."""
        return tuple(Target(step.region, step.kms_key) for step in self.steps if step.action is not Action.REMOVE)

    @property
    def removed(self) -> tuple[Region, ...]:
        """The Regions of replicas to remove."""
        return tuple(step.region for step in self.steps if step.action is Action.REMOVE)


@dataclass(frozen=True, slots=True)
class Saved:
    """A plan, as a file holds it."""

    made_at: str
    accounts: tuple[AccountRole | None, ...]
    """The roles to assume; None for the current credentials."""
    secrets: tuple[SavedSecret, ...]
    shard: Shard = WHOLE
    """The plan's part of the work, and of the request rate."""
    of_accounts: int = 1
    """The number of accounts among the shards."""


def saved_steps(steps: Iterable[RegionStep], departures: Iterable[ReplicaDeletion]) -> tuple[SavedStep, ...]:
    """Return the planned actions for one secret."""
    saved = []
    for step in steps:
        match step:
            case Add():
                saved.append(SavedStep(Action.ADD, step.target.region, step.target.kms_key))
            case Retry():
                saved.append(SavedStep(Action.RETRY, step.target.region, step.target.kms_key, step.before.status))
    going = [departure for departure in departures if departure.wanted and departure.error is None]
    return (*saved, *(SavedStep(Action.REMOVE, departure.region, None, _listed_as(departure)) for departure in going))


def _listed_as(departure: ReplicaDeletion) -> str | None:
    return departure.before.status if departure.before else None


def difference(saved: SavedStep, step: RegionStep | ReplicaDeletion) -> str | None:
    """Return how AWS changed since the plan was made, None if it did not, or if nothing is left to do."""
    if isinstance(step, ReplicaDeletion):
        if step.gone or (step.error is None and not step.wanted):
            return None  # removed already, or in progress
        now = SavedStep(Action.REMOVE, step.region, None, _listed_as(step))
        why = step.error.message if step.error else None
    elif isinstance(step, Skip):
        return f"{saved.region}: the plan says {saved.action}, but now {step.error.message}"
    elif isinstance(step, Keep):
        wrong = next((finding.message for finding in step.findings if finding.kind == "wrong_key"), None)
        return f"{saved.region}: the plan says {saved.action}, but now {wrong}" if wrong else None
    else:
        now, why = next(iter(saved_steps([step], ()))), None
    if why is None and now == saved:
        return None
    return f"{saved.region}: the plan says {_describe(saved)}, but now {why or _describe(now)}"


def _describe(step: SavedStep) -> str:
    key = f" with {step.kms_key}" if step.kms_key else ""
    return f"{step.action}{key} (status {step.status or 'none'})"


def differences(secret: SavedSecret, steps: Sequence[RegionStep], departures: Sequence[ReplicaDeletion]) -> list[str]:
    """Return how AWS changed for one secret since the plan was made."""
    now: dict[Region, RegionStep | ReplicaDeletion] = {step.target.region: step for step in steps}
    now |= {departure.region: departure for departure in departures}
    changes = (difference(step, now[step.region]) for step in secret.steps)
    return [change for change in changes if change]


SCHEMA = "smrep-plan/1"
_ACTIONS = (Action.ADD, Action.RETRY, Action.REMOVE)
_PLAN_AGAIN = "make one:\n  smrep plan -f FILE --out FILE"


def as_text(plan: Saved, version: str) -> str:
    """Return the file's text."""
    value = {
        "schema": SCHEMA,
        "smrep_version": version,
        "made_at": plan.made_at,
        "shard": {"number": plan.shard.number, "count": plan.shard.count, "accounts": plan.of_accounts},
        "accounts": [_role(role) if role else None for role in plan.accounts],
        "secrets": [asdict(secret) for secret in plan.secrets],
    }
    return json.dumps(value, indent=1) + "\n"


def parse_saved(text: str, source: str) -> Saved:
    """Return the parsed plan.

    Raises:
        UsageError: the text is not a plan, or this version cannot read it.

    """
    try:
        value = _plan(json.loads(text))
        accounts = tuple(_to_role(account, place) for place, account in enumerate(_list(value, "accounts")))
        secrets = tuple(_to_secret(secret, place, accounts) for place, secret in enumerate(_list(value, "secrets")))
        _check_once(secrets)
        return Saved(_text(value, "made_at", "it"), accounts, secrets, *_to_shard(value))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{source} is not a plan of smrep: {' '.join(str(error).split())}", _PLAN_AGAIN) from error
    except UsageError as error:
        raise UsageError(f"{source} is not a plan of smrep: {error.message}", _PLAN_AGAIN) from error


def _role(role: AccountRole) -> dict[str, str | None]:
    return {"place": role.place, "role_arn": role.role_arn, "external_id": role.external_id, "region": role.region}


def _plan(value: object) -> Mapping[str, Any]:
    plan = _object(value, "it")
    if plan.get("schema") != SCHEMA:
        raise UsageError(f"its schema is not {SCHEMA}")
    return plan


def _object(value: object, subject: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise UsageError(f"{subject} is not a JSON object")
    return value


def _list(value: Mapping[str, Any], key: str) -> list[Any]:
    items = value.get(key)
    if not isinstance(items, list):
        raise UsageError(f"{key} is not a list")
    return items


def _text(value: Mapping[str, Any], key: str, subject: str) -> str:
    text = value.get(key)
    if not isinstance(text, str) or not text:
        raise UsageError(f"{subject}: {key} is not a string")
    return text


def _optional(value: Mapping[str, Any], key: str, subject: str) -> str | None:
    return None if value.get(key) is None else _text(value, key, subject)


def _to_shard(value: Mapping[str, Any]) -> tuple[Shard, int]:
    shard = _object(value.get("shard"), "shard")
    number, count, accounts = (_count(shard.get(key)) for key in ("number", "count", "accounts"))
    if not 0 < number <= count or accounts < 1:
        raise UsageError("its shard is invalid")
    return Shard(number, count), accounts


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0


def _to_role(value: object, place: int) -> AccountRole | None:
    if value is None:
        return None
    subject = f"account {place}"
    fields = _object(value, subject)
    arn, region = _text(fields, "role_arn", subject), _optional(fields, "region", subject)
    if not re.fullmatch(r"arn:aws[a-z-]*:iam::\d{12}:role/\S+", arn, re.ASCII):
        raise UsageError(f"{subject} has no role ARN")
    home = parse_region(region) if region else None
    return AccountRole(_text(fields, "place", subject), arn, _optional(fields, "external_id", subject), home)


def _to_secret(value: object, place: int, accounts: Sequence[AccountRole | None]) -> SavedSecret:
    subject = f"secret {place}"
    fields = _object(value, subject)
    arn, account, rules = _text(fields, "arn", subject), fields.get("account"), _list(fields, "rules")
    parts = parse_arn(arn, "secretsmanager")
    if not re.fullmatch(r"secret:.+-[A-Za-z0-9]{6}", parts.resource):
        raise UsageError(f"{arn!r} is not the ARN of a secret")
    if type(account) is not int or not 0 <= account < len(accounts):
        raise UsageError(f"{arn} belongs to no account of the plan")
    role = accounts[account]
    if role and (role.account != parts.account or role.region not in (None, parts.region)):
        raise UsageError(f"{arn} does not belong to {role.place}")
    if not all(isinstance(rule, str) for rule in rules):
        raise UsageError(f"the rules of {arn} are not strings")
    steps = tuple(_to_step(step, arn) for step in _list(fields, "steps"))
    regions = [step.region for step in steps]
    if not steps or len(set(regions)) != len(regions):
        raise UsageError(f"the Regions of {arn} are missing or duplicate")
    check_regions([parts.region], regions)
    return SavedSecret(arn, account, tuple(rules), steps)


def _to_step(value: object, arn: str) -> SavedStep:
    subject = f"a step of {arn}"
    fields = _object(value, subject)
    action, region = _text(fields, "action", subject), parse_region(_text(fields, "region", subject))
    if action not in [allowed.value for allowed in _ACTIONS]:
        raise UsageError(f"{action!r} is not an action of a plan")
    step = SavedStep(
        Action(action), region, _optional(fields, "kms_key", subject), _optional(fields, "status", subject)
    )
    if step.kms_key is not None:
        check_key(step.kms_key, region)
    return step


def _check_once(secrets: Sequence[SavedSecret]) -> None:
    arns: set[str] = set()
    homes: dict[int, Region] = {}
    for secret in secrets:
        if secret.arn in arns:
            raise UsageError(f"{secret.arn} appears twice")
        if homes.setdefault(secret.account, secret.region) != secret.region:
            raise UsageError(f"{secret.arn} is in another Region than the others of its account")
        arns.add(secret.arn)
