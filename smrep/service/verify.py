"""`verify`: prove that each replica holds the current version, and wait for lagging ones."""

from __future__ import annotations

from dataclasses import dataclass

from smrep.model import Target
from smrep.report import SecretReport, SecretsReport
from smrep.rules.primary_region import SecretAddress
from smrep.service.ports import Aws
from smrep.service.run_state import RunState, interrupted_look
from smrep.service.steps.kms_keys import KmsKeys
from smrep.service.steps.lookup import (
    FoundSecret,
    find_secrets,
    followed_replica_note,
    primary_to_watch,
    skip_without_replicas,
    troubles_elsewhere,
)
from smrep.service.steps.prove import ReplicaCheck, ReplicaProver, prove_until_settled, report_stuck


@dataclass(frozen=True, slots=True)
class VerifyRequest:
    """Request of `verify`."""

    addresses: tuple[SecretAddress, ...]
    targets: tuple[Target, ...] = ()
    """Regions with their expected keys; empty: every Region that the primary lists."""
    expect_account: str | None = None
    selected: bool = False
    """Whether selectors chose the secrets: without requested Regions, those without replicas are skipped."""


def verify(aws: Aws, request: VerifyRequest, run: RunState) -> SecretsReport:
    """Prove each Region, and wait while that may still succeed.

    Raises:
        CredentialsError: no further call can succeed; the run's state keeps its results so far.
        UsageError: as for `status`.

    """
    run.track((), interrupted_look)
    lookups = find_secrets(aws, request.addresses, follow=True, expect_account=request.expect_account, run=run)
    if request.selected and not request.targets:
        lookups = skip_without_replicas(lookups, run)
    members = [_member(request.targets, lookup) for lookup in lookups]
    run.track(members)
    checks = [member for member in members if isinstance(member, ReplicaCheck)]
    prove_until_settled(ReplicaProver(aws, KmsKeys(aws), run.clock, run.deadline), checks, run)
    for check in checks:
        report_stuck(check, run.clock, run.deadline)
    return run.report()


def _member(targets: tuple[Target, ...], lookup: FoundSecret) -> ReplicaCheck | SecretReport:
    """Return a secret's replica check, or why nothing can be proved."""
    found = primary_to_watch(lookup, tuple(target.region for target in targets), "verify")
    if isinstance(found, SecretReport):
        return found
    primary, regions = found
    wanted = targets or tuple(Target(region) for region in regions)
    return ReplicaCheck(primary, wanted, notes=(*followed_replica_note(lookup), *troubles_elsewhere(primary, regions)))
