"""A plan as a file: write, read, and compare with a new one."""

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
from smrep.rules.replication.key_failures import check_target
from smrep.rules.replication.region_step import Add, Keep, RegionStep, Retry, Skip
from smrep.rules.replication.replica_deletion import ReplicaDeletion


@dataclass(frozen=True, slots=True)
class SavedStep:
    """What is to be done in one Region, and what was found there when that was decided."""

    action: Action
    region: Region
    kms_key: str | None = None
    status: str | None = None
    """AWS's word for the Region; None where the primary listed none."""


@dataclass(frozen=True, slots=True)
class SavedSecret:
    """One secret for which something is to be done."""

    arn: str
    account: int
    """Its place among the plan's accounts."""
    rules: tuple[str, ...]
    steps: tuple[SavedStep, ...]

    @property
    def region(self) -> Region:
        """The primary's Region."""
        return parse_arn(self.arn, "secretsmanager").region

    @property
    def targets(self) -> tuple[Target, ...]:
        """The Regions in which a replica is to come into being."""
        return tuple(Target(each.region, each.kms_key) for each in self.steps if each.action is not Action.REMOVE)

    @property
    def removed(self) -> tuple[Region, ...]:
        """The Regions from which it is to go."""
        return tuple(each.region for each in self.steps if each.action is Action.REMOVE)


@dataclass(frozen=True, slots=True)
class Saved:
    """A plan as it stands in a file."""

    made_at: str
    accounts: tuple[AccountRole | None, ...]
    """The roles to take on; None for the credentials at hand."""
    secrets: tuple[SavedSecret, ...]
    shard: Shard = WHOLE
    """The part of the work that it is, whose part of the rate it gets."""
    of_accounts: int = 1
    """How many accounts the shards were dealt to."""


def saved_steps(steps: Iterable[RegionStep], departures: Iterable[ReplicaDeletion]) -> tuple[SavedStep, ...]:
    """Return what is to be done for one secret."""
    found = []
    for step in steps:
        match step:
            case Add():
                found.append(SavedStep(Action.ADD, step.target.region, step.target.kms_key))
            case Retry():
                found.append(SavedStep(Action.RETRY, step.target.region, step.target.kms_key, step.before.status))
    going = [each for each in departures if each.wanted and each.error is None]
    return (*found, *(SavedStep(Action.REMOVE, each.region, None, _listed_as(each)) for each in going))


def _listed_as(departure: ReplicaDeletion) -> str | None:
    return departure.before.status if departure.before else None


def moved(saved: SavedStep, step: RegionStep | ReplicaDeletion) -> str | None:
    """Return how the world has moved since the plan was made, None where it has not, or where all is done already."""
    if isinstance(step, ReplicaDeletion):
        if step.gone or (step.error is None and not step.wanted):
            return None  # removed since, or on its way
        now = SavedStep(Action.REMOVE, step.region, None, _listed_as(step))
        why = step.error.message if step.error else None
    elif isinstance(step, Skip):
        return f"{saved.region}: {saved.action} was planned, and now {step.error.message}"
    elif isinstance(step, Keep):
        wrong = next((each.message for each in step.findings if each.kind == "wrong_key"), None)
        return f"{saved.region}: {saved.action} was planned, and now {wrong}" if wrong else None
    else:
        now, why = next(iter(saved_steps([step], ()))), None
    if why is None and now == saved:
        return None
    return f"{saved.region}: {_told(saved)} was planned, and now {why or _told(now)}"


def _told(step: SavedStep) -> str:
    key = f" under {step.kms_key}" if step.kms_key else ""
    return f"{step.action}{key} (found {step.status or 'nothing'})"


def differences(secret: SavedSecret, steps: Sequence[RegionStep], departures: Sequence[ReplicaDeletion]) -> list[str]:
    """Return how the world has moved for one secret since the plan was made."""
    now: dict[Region, RegionStep | ReplicaDeletion] = {step.target.region: step for step in steps}
    now |= {each.region: each for each in departures}
    found = (moved(step, now[step.region]) for step in secret.steps)
    return [each for each in found if each]


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
