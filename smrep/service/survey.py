"""The look into each target Region, and what it leads to there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from smrep.errors import Outcome
from smrep.model import FAILED, IN_SYNC, Replica, Secret, Target
from smrep.regions import Region
from smrep.report import Finding, Kind, Severity
from smrep.rules.findings import missing
from smrep.rules.health import held_back
from smrep.rules.plan import NO_CONSENT, Consent, Keep, Step, Stop, step_for, stop
from smrep.rules.preflight import Look, Unseen
from smrep.service.abreast import LOOK_S, abreast, patience
from smrep.service.closing_look import look_past_lag
from smrep.service.health import Health
from smrep.service.keys import KeyCheck, unchecked_key
from smrep.service.looking import no_answer
from smrep.service.ports import Clock, SecretsManager

HEALTH_S = 3 * LOOK_S
"""For how long keys and Regions are waited for: what they tell is wanted, and not worth any price."""
LATE = Finding(
    Kind.UNCHECKED,
    Severity.WARNING,
    "keys and Regions could not be checked in time",
    "see whether KMS can be reached",
    Outcome.PENDING,
)


@dataclass(frozen=True, slots=True)
class Survey:
    """Looks, before one deadline in the clock's seconds, and changes nothing."""

    aws: SecretsManager
    key_check: KeyCheck
    clock: Clock
    deadline: float
    health: Health | None = None
    """What is checked besides the name; None where that was not wanted."""

    def steps(
        self,
        primary: Secret,
        targets: Sequence[Target],
        consent: Consent,
        *,
        looking: bool,
        only_listed: bool = False,
    ) -> tuple[Step, ...]:
        """Return what to do in each target Region; without `looking`, from the primary's list alone.

        With `only_listed`, a Region that the primary does not list is stopped instead of added, and only one that
        Failed may be overwritten.
        """
        looks: list[Look] = [Unseen()] * len(targets)
        if looking:
            looks = abreast(
                lambda target: self._look(primary, target.region),
                targets,
                late=lambda target: Unseen(no_answer(f"{primary.name} in {target.region}")),
                patience_s=patience(self.clock, self.deadline),
            )

        def decide(each: tuple[Target, Look], key_findings: Callable[[Replica], tuple[Finding, ...]]) -> Step:
            target, seen = each
            entry = primary.replica(target.region)
            if only_listed and entry is None:
                return stop(target, missing(primary, target.region))
            failed = entry is not None and entry.status == FAILED
            return step_for(primary, target, seen, NO_CONSENT if only_listed and not failed else consent, key_findings)

        steps = abreast(
            lambda each: decide(each, partial(self.key_check.findings, primary, each[0])),
            list(zip(targets, looks, strict=True)),
            late=lambda each: decide(each, lambda _: unchecked_key(each[0])),
            patience_s=patience(self.clock, self.deadline),
        )
        return self._healthy(primary, steps, looks)

    def _healthy(self, primary: Secret, steps: Sequence[Step], looks: Sequence[Look]) -> tuple[Step, ...]:
        """Return the steps, those stopped that a key, a version or a Region makes hopeless."""
        health = self.health
        if health is None or all(isinstance(step, Keep | Stop) for step in steps):
            return tuple(steps)

        def checked(each: tuple[Step, Look] | None) -> tuple[Finding, ...]:
            if each is None:
                return health.of_primary(primary)
            step, look = each
            sends = not isinstance(step, Keep | Stop)
            return health.of_target(primary, step.target, look) if sends else ()

        whole, *single = abreast(
            checked,
            [None, *zip(steps, looks, strict=True)],
            late=lambda _: (LATE,),
            patience_s=min(patience(self.clock, self.deadline), HEALTH_S),
        )
        return tuple(held_back(step, (*found, *whole)) for step, found in zip(steps, single, strict=True))

    def _look(self, primary: Secret, region: Region) -> Look:
        """Return what bears the name in the Region; an error there is no absence, except 'not found'.

        Where the list says InSync, a replica that is not found there yet is given the time of a lagging answer.
        """
        entry = primary.replica(region)
        listed = entry is not None and entry.status == IN_SYNC
        return look_past_lag(self.aws, primary, region, self.clock, self.deadline if listed else 0.0)
