"""The look into each target Region, and what it leads to there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from smrep.errors import AwsError, NotFound, Refused
from smrep.model import IN_SYNC, Secret, Target
from smrep.regions import Region
from smrep.rules.plan import Consent, Step, step_for
from smrep.rules.preflight import Absent, Look, Unseen
from smrep.rules.settle import LIST_LAG_S
from smrep.service.abreast import abreast, patience
from smrep.service.keys import KeyCheck, unchecked_key
from smrep.service.looking import no_answer
from smrep.service.polling import poll
from smrep.service.ports import Clock, SecretsManager


@dataclass(frozen=True, slots=True)
class Survey:
    """Looks, before one deadline in the clock's seconds, and changes nothing."""

    aws: SecretsManager
    key_check: KeyCheck
    clock: Clock
    deadline: float

    def steps(self, primary: Secret, targets: Sequence[Target], consent: Consent, *, looking: bool) -> tuple[Step, ...]:
        """Return what to do in each target Region; without `looking`, from the primary's list alone."""
        looks: list[Look] = [Unseen()] * len(targets)
        if looking:
            looks = abreast(
                lambda target: self._look(primary, target.region),
                targets,
                late=lambda target: Unseen(no_answer(f"{primary.name} in {target.region}")),
                patience_s=patience(self.clock, self.deadline),
            )
        return tuple(
            abreast(
                lambda each: step_for(primary, *each, consent, partial(self.key_check.findings, primary, each[0])),
                list(zip(targets, looks, strict=True)),
                late=lambda each: step_for(primary, *each, consent, lambda _: unchecked_key(each[0])),
                patience_s=patience(self.clock, self.deadline),
            )
        )

    def _look(self, primary: Secret, region: Region) -> Look:
        """Return what bears the name in the Region; an error there is no absence, except 'not found'.

        Where the list says InSync, a replica that is not found there yet is given the time of a lagging answer.
        """
        entry = primary.replica(region)
        listed = entry is not None and entry.status == IN_SYNC
        until = min(self.deadline, self.clock.monotonic() + LIST_LAG_S) if listed else 0.0
        *_, last = poll(
            lambda: self._look_once(primary, region),
            lambda look: not isinstance(look, Absent),
            clock=self.clock,
            deadline=until,
        )
        return last

    def _look_once(self, primary: Secret, region: Region) -> Look:
        try:
            found = self.aws.describe(primary.name, region)
        except NotFound:
            return Absent()
        except AwsError as error:
            if error.ends_the_run:
                raise
            return Unseen(error)
        if found.account != primary.account:
            return Unseen(Refused(f"the name there is of account {found.account}", f"{primary.name} in {region}"))
        return found
