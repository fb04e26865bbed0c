"""Looks at what would stop a replication: the keys on both sides, the old versions, the Regions of the account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from threading import Lock

from smrep.errors import AwsError, Denied
from smrep.model import Secret, Target
from smrep.regions import Region
from smrep.report import Finding
from smrep.rules.findings import unchecked
from smrep.rules.health import Need, key_health, managed, needs, other_key, region_state
from smrep.rules.keys import DEFAULT, normal
from smrep.rules.kms import whose
from smrep.rules.preflight import Look, Unseen
from smrep.service.abreast import abreast
from smrep.service.keys import KeyCheck
from smrep.service.looking import asked, is_callers
from smrep.service.ports import Account, SecretsManager
from smrep.service.proving import versions


@dataclass(slots=True)
class Health:
    """Checks keys and Regions, each once in a run, and changes nothing."""

    aws: SecretsManager
    account: Account
    key_check: KeyCheck
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
        listed = versions(self.aws, primary) if self.versions else ()
        unlisted: tuple[Finding, ...] = ()
        if isinstance(listed, AwsError):
            what = f"which keys the versions of {primary.name} are under"
            unlisted = (unchecked(what, listed, f"secretsmanager:ListSecretVersionIds on {primary.arn}"),)
            listed = ()
        keys = abreast(partial(self._key_of, primary), list(needs(primary, listed or ())))
        return (*managed(primary), *(finding for each in keys for finding in each), *unlisted)

    def of_target(self, primary: Secret, target: Target, look: Look) -> tuple[Finding, ...]:
        """Return what in the target Region would stop it: the Region itself, the key that was asked for.

        Raises:
            CredentialsError: no further call can succeed.

        """
        if isinstance(look, Unseen) and look.error and not isinstance(look.error, Denied):
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
                states = asked(lambda: self.account.region_states(home))
                self._states.append(None if isinstance(states, AwsError) else states)
            return self._states[0]

    def _key_of(self, primary: Secret, need: Need) -> tuple[Finding, ...]:
        known = self.key_check.of(primary, need.key, primary.region)
        return key_health(need.key, need.what, primary.region, known, need.cure(primary), owner=whose(primary))
