"""A plan that was kept: what `plan --out` keeps, held against what there is when `apply --plan` is to do it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from smrep.model import Target, parse_arn
from smrep.regions import Region
from smrep.report import Action
from smrep.rules.manifest import AccountRole
from smrep.rules.plan import Add, Keep, Retry, Step, Stop
from smrep.rules.removal import Departure
from smrep.rules.shards import WHOLE, Shard


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


def differences(secret: SavedSecret, steps: Sequence[Step], departures: Sequence[Departure]) -> list[str]:
    """Return how the world has moved for one secret since the plan was made."""
    now: dict[Region, Step | Departure] = {step.target.region: step for step in steps}
    now |= {each.region: each for each in departures}
    found = (moved(step, now[step.region]) for step in secret.steps)
    return [each for each in found if each]
