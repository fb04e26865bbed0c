"""Looks before a write: the target Regions, the keys, and the Regions that the account has enabled."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from threading import Lock

from smrep.errors import AwsError, Denied, Outcome
from smrep.model import FAILED, IN_SYNC, Replica, Secret, Target
from smrep.regions import Region
from smrep.report import Finding, Kind, Severity
from smrep.rules.replication.blockers import (
    RequiredKey,
    key_health,
    managed,
    other_key,
    region_state,
    required_keys,
    with_blockers,
)
from smrep.rules.replication.findings import missing, unchecked
from smrep.rules.replication.key_failures import DEFAULT, normal, whose
from smrep.rules.replication.name_owner import NameLookup, NotChecked
from smrep.rules.replication.region_step import NO_CONSENT, Consent, Keep, RegionStep, Skip, decide_step, skip
from smrep.service.ports import Account, Clock, SecretsManager
from smrep.service.steps.closing_look import look_past_lag
from smrep.service.steps.kms_keys import KmsKeys, unchecked_key
from smrep.service.steps.lookup import answer_or_error, is_callers, list_versions, no_answer
from smrep.service.steps.parallel import LOOK_S, parallel, time_left

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
class Preflight:
    """Looks, before one deadline in the clock's seconds, and changes nothing."""

    aws: SecretsManager
    key_check: KmsKeys
    clock: Clock
    deadline: float
    health: PreflightChecks | None = None
    """What is checked besides the name; None where that was not wanted."""

    def steps(
        self,
        primary: Secret,
        targets: Sequence[Target],
        consent: Consent,
        *,
        looking: bool,
        only_listed: bool = False,
    ) -> tuple[RegionStep, ...]:
        """Return what to do in each target Region; without `looking`, from the primary's list alone.

        With `only_listed`, a Region that the primary does not list is stopped instead of added, and only one that
        Failed may be overwritten.
        """
        looks: list[NameLookup] = [NotChecked()] * len(targets)
        if looking:
            looks = parallel(
                lambda target: self._look(primary, target.region),
                targets,
                late=lambda target: NotChecked(no_answer(f"{primary.name} in {target.region}")),
                patience_s=time_left(self.clock, self.deadline),
            )

        def decide(
            each: tuple[Target, NameLookup], key_findings: Callable[[Replica], tuple[Finding, ...]]
        ) -> RegionStep:
            target, seen = each
            entry = primary.replica(target.region)
            if only_listed and entry is None:
                return skip(target, missing(primary, target.region))
            failed = entry is not None and entry.status == FAILED
            return decide_step(
                primary, target, seen, NO_CONSENT if only_listed and not failed else consent, key_findings
            )

        steps = parallel(
            lambda each: decide(each, partial(self.key_check.findings, primary, each[0])),
            list(zip(targets, looks, strict=True)),
            late=lambda each: decide(each, lambda _: unchecked_key(each[0])),
            patience_s=time_left(self.clock, self.deadline),
        )
        return self._healthy(primary, steps, looks)

    def _healthy(
        self, primary: Secret, steps: Sequence[RegionStep], looks: Sequence[NameLookup]
    ) -> tuple[RegionStep, ...]:
        """Return the steps, those stopped that a key, a version or a Region makes hopeless."""
        health = self.health
        if health is None or all(isinstance(step, Keep | Skip) for step in steps):
            return tuple(steps)

        def checked(each: tuple[RegionStep, NameLookup] | None) -> tuple[Finding, ...]:
            if each is None:
                return health.of_primary(primary)
            step, look = each
            sends = not isinstance(step, Keep | Skip)
            return health.of_target(primary, step.target, look) if sends else ()

        whole, *single = parallel(
            checked,
            [None, *zip(steps, looks, strict=True)],
            late=lambda _: (LATE,),
            patience_s=min(time_left(self.clock, self.deadline), HEALTH_S),
        )
        return tuple(with_blockers(step, (*found, *whole)) for step, found in zip(steps, single, strict=True))

    def _look(self, primary: Secret, region: Region) -> NameLookup:
        """Return what bears the name in the Region; an error there is no absence, except 'not found'.

        Where the list says InSync, a replica that is not found there yet is given the time of a lagging answer.
        """
        entry = primary.replica(region)
        listed = entry is not None and entry.status == IN_SYNC
        return look_past_lag(self.aws, primary, region, self.clock, self.deadline if listed else 0.0)


@dataclass(slots=True)
class PreflightChecks:
    """Checks keys and Regions, each once in a run, and changes nothing."""

    aws: SecretsManager
    account: Account
    key_check: KmsKeys
    command: str = "replicate"
    """What hints tell to type."""
    versions: bool = True
    """Whether the keys of a primary's old versions are looked at, which takes a call for each secret."""
    _states: list[Mapping[str, bool] | None] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def of_primary(self, primary: Secret) -> tuple[Finding, ...]:
        """Return what at the primary would stop every Region: its key, the keys of its old versions, its manager.

        Raises:
            CredentialsError: no further call can succeed.

        """
        listed = list_versions(self.aws, primary) if self.versions else ()
        unlisted: tuple[Finding, ...] = ()
        if isinstance(listed, AwsError):
            what = f"which keys the versions of {primary.name} are under"
            unlisted = (unchecked(what, listed, f"secretsmanager:ListSecretVersionIds on {primary.arn}"),)
            listed = ()
        keys = parallel(partial(self._key_of, primary), list(required_keys(primary, listed or ())))
        return (*managed(primary), *(finding for each in keys for finding in each), *unlisted)

    def of_target(self, primary: Secret, target: Target, look: NameLookup) -> tuple[Finding, ...]:
        """Return what in the target Region would stop it: the Region itself, the key that was asked for.

        Raises:
            CredentialsError: no further call can succeed.

        """
        if isinstance(look, NotChecked) and look.error and not isinstance(look.error, Denied):
            states = self.region_states(primary.region) if self.is_callers(primary) else None
            known = region_state(target.region, states) if states is not None else ()
            if known:
                return known
        return self.of_key(primary, target)

    def of_key(self, primary: Secret, target: Target) -> tuple[Finding, ...]:
        """Return why the key that was asked for can't be used in the target Region, nothing where it can.

        Raises:
            CredentialsError: no further call can succeed.

        """
        region, key = target.region, target.kms_key
        if key is None or normal(key, region, primary.account) == DEFAULT:
            return ()
        return key_health(
            key,
            "the key",
            region,
            self.key_check.of(primary, key, region),
            other_key(self.command, primary, region),
            owner=whose(primary),
        )

    def is_callers(self, secret: Secret) -> bool:
        """Tell whether the secret is of the account whose Regions can be asked for."""
        return not secret.by_arn or is_callers(self.aws, secret) is True

    def region_states(self, home: Region) -> Mapping[str, bool] | None:
        """Return which Regions the account has enabled, None where nobody may tell; asked once."""
        with self._lock:
            if not self._states:
                states = answer_or_error(lambda: self.account.region_states(home))
                self._states.append(None if isinstance(states, AwsError) else states)
            return self._states[0]

    def _key_of(self, primary: Secret, need: RequiredKey) -> tuple[Finding, ...]:
        known = self.key_check.of(primary, need.key, primary.region)
        return key_health(need.key, need.what, primary.region, known, need.cure(primary), owner=whose(primary))
