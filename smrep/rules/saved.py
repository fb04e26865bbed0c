"""A plan in a file: what `plan --out` writes, and `apply --plan` does exactly or not at all."""

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
from smrep.rules.keys import check_target
from smrep.rules.manifest import AccountRole
from smrep.rules.plan import Add, Keep, Retry, Step, Stop
from smrep.rules.removal import Departure

SCHEMA = "smrep-plan/1"
_ACTIONS = (Action.ADD, Action.RETRY, Action.REMOVE)
_MAKE_ANEW = "smrep plan -f FILE --out FILE"


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


def saved_steps(steps: Iterable[Step], departures: Iterable[Departure]) -> tuple[SavedStep, ...]:
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


def _listed_as(departure: Departure) -> str | None:
    return departure.before.status if departure.before else None


def moved(saved: SavedStep, step: Step | Departure) -> str | None:
    """Return how the world has moved since the plan was made, None where it has not, or where all is done already."""
    if isinstance(step, Departure):
        if step.gone or (step.error is None and not step.wanted):
            return None  # removed since, or on its way
        now = SavedStep(Action.REMOVE, step.region, None, _listed_as(step))
        why = step.error.message if step.error else None
    elif isinstance(step, Stop):
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


def as_text(plan: Saved, version: str) -> str:
    """Return the file's text."""
    value = {
        "schema": SCHEMA,
        "smrep_version": version,
        "made_at": plan.made_at,
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
        value = json.loads(text)
        _check_schema(value)
        accounts = tuple(_to_role(each, place) for place, each in enumerate(value["accounts"]))
        secrets = tuple(_to_secret(each, len(accounts)) for each in value["secrets"])
        return Saved(str(value["made_at"]), accounts, secrets)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError, UsageError) as error:
        what = error.message if isinstance(error, UsageError) else " ".join(str(error).split())
        raise UsageError(f"{source} is no plan of smrep: {what}", f"make one: {_MAKE_ANEW}") from error


def _check_schema(value: object) -> None:
    if not isinstance(value, dict) or value.get("schema") != SCHEMA:
        raise ValueError(f"its schema is not {SCHEMA}")


def _role(role: AccountRole) -> dict[str, str | None]:
    return {"place": role.place, "role_arn": role.role_arn, "external_id": role.external_id, "region": role.region}


def _to_role(value: Mapping[str, Any] | None, place: int) -> AccountRole | None:
    if value is None:
        return None
    arn, external = value["role_arn"], value.get("external_id")
    if not isinstance(arn, str) or not re.fullmatch(r"arn:aws[a-z-]*:iam::\d{12}:role/\S+", arn, re.ASCII):
        raise ValueError(f"account {place} has no role's ARN")
    if external is not None and not isinstance(external, str):
        raise ValueError(f"account {place} has no text as external_id")
    region = value.get("region")
    return AccountRole(str(value.get("place")), arn, external, parse_region(region) if region else None)


def _to_secret(value: Mapping[str, Any], accounts: int) -> SavedSecret:
    arn, account = value["arn"], value["account"]
    if not isinstance(arn, str) or not isinstance(account, int) or not 0 <= account < accounts:
        raise ValueError(f"{arn!r} is of no account of the plan")
    home = parse_arn(arn, "secretsmanager").region
    steps = tuple(_to_step(each) for each in value["steps"])
    regions = [each.region for each in steps]
    if not steps or home in regions or len(set(regions)) != len(regions):
        raise ValueError(f"the Regions of {arn} can't be a plan's")
    return SavedSecret(arn, account, tuple(str(each) for each in value["rules"]), steps)


def _to_step(value: Mapping[str, Any]) -> SavedStep:
    key, status = value["kms_key"], value["status"]
    if not all(each is None or isinstance(each, str) for each in (key, status)):
        raise ValueError("a step's key or status is no text")
    step = SavedStep(Action(value["action"]), parse_region(str(value["region"])), key, status)
    if step.action not in _ACTIONS:
        raise ValueError(f"{step.action} is nothing that a plan does")
    check_target(Target(step.region, step.kms_key))
    return step


def differences(secret: SavedSecret, steps: Sequence[Step], departures: Sequence[Departure]) -> list[str]:
    """Return how the world has moved for one secret since the plan was made."""
    now: dict[Region, Step | Departure] = {step.target.region: step for step in steps}
    now |= {each.region: each for each in departures}
    found = (moved(step, now[step.region]) for step in secret.steps)
    return [each for each in found if each]
