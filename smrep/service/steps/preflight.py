"""Check target Regions, keys and the account's enabled Regions before a write."""

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
    managed_warning,
    region_state,
    required_keys,
    with_blockers,
    with_other_key,
)
from smrep.rules.replication.findings import not_listed, unchecked
from smrep.rules.replication.key_failures import DEFAULT, credentials_prefix, normalized_key
from smrep.rules.replication.name_owner import NameLookup, NotChecked
from smrep.rules.replication.region_step import NO_CONSENT, Consent, Keep, RegionStep, Skip, decide_step, skip
from smrep.service.ports import Account, Clock, SecretsManager
from smrep.service.steps.closing_look import look_past_lag
from smrep.service.steps.kms_keys import KmsKeys, unchecked_key
from smrep.service.steps.lookup import answer_or_error, is_callers, list_versions, no_answer
from smrep.service.steps.parallel import LOOK_S, parallel, time_left

HEALTH_S = 3 * LOOK_S
"""Seconds to wait for keys and Regions, whose checks are useful but optional."""
LATE = Finding(
    Kind.UNCHECKED,
    Severity.WARNING,
    "keys and Regions could not be checked in time",
    "check whether you can reach KMS from here",
    Outcome.PENDING,
)


@dataclass(frozen=True, slots=True)
class Preflight:
    """Plans steps before one deadline in the clock's seconds, and changes nothing."""

    aws: SecretsManager
    key_check: KmsKeys
    clock: Clock
    deadline: float
    health: PreflightChecks | None = None
    """Checks besides the name; None skips them."""

    def steps(
        self,
        primary: Secret,
        targets: Sequence[Target],
        consent: Consent,
        *,
        looking: bool,
        only_listed: bool = False,
    ) -> tuple[RegionStep, ...]:
        """Return the step for each target Region; without `looking`, from the primary's list alone.

        With `only_listed`, skip Regions that the primary does not list, and overwrite only failed ones.
        """
        looks: list[NameLookup] = [NotChecked()] * len(targets)
        # A replica that is listed InSync may be missing for a while.
        until = {entry.region: self.deadline for entry in primary.replicas if entry.status == IN_SYNC}
        if looking:
            looks = parallel(
                lambda target: look_past_lag(
                    self.aws, primary, target.region, self.clock, until.get(target.region, 0.0)
                ),
                targets,
                late=lambda target: NotChecked(no_answer(f"{primary.name} in {target.region}")),
                patience_s=time_left(self.clock, self.deadline),
            )

        def decide(
            pair: tuple[Target, NameLookup], key_findings: Callable[[Replica], tuple[Finding, ...]]
        ) -> RegionStep:
            target, seen = pair
            entry = primary.replica(target.region)
            if only_listed and entry is None:
                return skip(target, not_listed(primary, target.region))
            failed = entry is not None and entry.status == FAILED
            return decide_step(
                primary, target, seen, NO_CONSENT if only_listed and not failed else consent, key_findings
            )

        steps = parallel(
            lambda pair: decide(pair, partial(self.key_check.findings, primary, pair[0])),
            list(zip(targets, looks, strict=True)),
            late=lambda pair: decide(pair, lambda _: unchecked_key(pair[0])),
            patience_s=time_left(self.clock, self.deadline),
        )
        return self._healthy(primary, steps, looks)

    def _healthy(
        self, primary: Secret, steps: Sequence[RegionStep], looks: Sequence[NameLookup]
    ) -> tuple[RegionStep, ...]:
        """Return the steps, and skip those that a key, a version or a Region blocks."""
        health = self.health
        if health is None or all(isinstance(step, Keep | Skip) for step in steps):
            return tuple(steps)

        checks: list[Callable[[], tuple[Finding, ...]]] = [partial(health.of_primary, primary)]
        for step, look in zip(steps, looks, strict=True):
            sends = not isinstance(step, Keep | Skip)
            checks.append(partial(health.of_target, primary, step.target, look) if sends else tuple)
        whole, *single = parallel(
            lambda check: check(),
            checks,
            late=lambda _: (LATE,),
            patience_s=min(time_left(self.clock, self.deadline), HEALTH_S),
        )
        return tuple(
            with_blockers(step, found) if (found := (*findings, *whole)) else step
            for step, findings in zip(steps, single, strict=True)
        )


@dataclass(slots=True)
class PreflightChecks:
    """Checks keys and Regions, each once in a run, and changes nothing."""

    aws: SecretsManager
    account: Account
    key_check: KmsKeys
    command: str = "replicate"
    """Command for the hints."""
    versions: bool = True
    """Whether to check the keys of old versions, which takes a call for each secret."""
    _states: list[Mapping[str, bool] | None] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def of_primary(self, primary: Secret) -> tuple[Finding, ...]:
        """Return what blocks every Region: the primary's key, the keys of its old versions, its manager.

        Raises:
            CredentialsError: no further call can succeed.

        """
        listed = list_versions(self.aws, primary) if self.versions else ()
        unlisted: tuple[Finding, ...] = ()
        if isinstance(listed, AwsError):
            subject = f"the keys of the versions of {primary.name}"
            unlisted = (unchecked(subject, listed, f"secretsmanager:ListSecretVersionIds on {primary.arn}"),)
            listed = ()
        keys = parallel(partial(self._key_of, primary), list(required_keys(primary, listed or ())))
        return (*managed_warning(primary), *(finding for findings in keys for finding in findings), *unlisted)

    def of_target(self, primary: Secret, target: Target, look: NameLookup) -> tuple[Finding, ...]:
        """Return what blocks the target Region: the Region itself, or the requested key.

        Raises:
            CredentialsError: no further call can succeed.

        """
        if isinstance(look, NotChecked) and look.error and not isinstance(look.error, Denied):
            states = self.region_states(primary.region) if self.is_callers(primary) else None
            blockers = region_state(target.region, states) if states is not None else ()
            if blockers:
                return blockers
        return self.of_key(primary, target)

    def of_key(self, primary: Secret, target: Target) -> tuple[Finding, ...]:
        """Return why the requested key is unusable in the target Region, nothing if it is usable.

        Raises:
            CredentialsError: no further call can succeed.

        """
        region, key = target.region, target.kms_key
        if key is None or normalized_key(key, region, primary.account) == DEFAULT:
            return ()
        return key_health(
            key,
            "the key",
            region,
            self.key_check.of(primary, key, region),
            with_other_key(self.command, primary, region),
            owner=credentials_prefix(primary),
        )

    def is_callers(self, secret: Secret) -> bool:
        """Return whether the secret belongs to the account whose Regions smrep can list."""
        return not secret.by_arn or is_callers(self.aws, secret) is True

    def region_states(self, home: Region) -> Mapping[str, bool] | None:
        """Return which Regions the account has enabled, None if AWS does not tell; asked once."""
        with self._lock:
            if not self._states:
                states = answer_or_error(lambda: self.account.region_states(home))
                self._states.append(None if isinstance(states, AwsError) else states)
            return self._states[0]

    def _key_of(self, primary: Secret, need: RequiredKey) -> tuple[Finding, ...]:
        key = self.key_check.of(primary, need.key, primary.region)
        return key_health(
            need.key, need.subject, primary.region, key, need.cure(primary), owner=credentials_prefix(primary)
        )
