"""`remove`: delete replicas, and wait until they are really gone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from smrep.model import Secret, Target
from smrep.regions import Region
from smrep.report import SecretReport, SecretsReport
from smrep.rules.hints import format_command
from smrep.rules.primary_region import SecretAddress, common_region
from smrep.service.ports import SecretsManager
from smrep.service.run_state import Plan, RunState, interrupted_change
from smrep.service.steps.lookup import FoundSecret, find_secrets, primary_to_change
from smrep.service.steps.parallel import parallel
from smrep.service.steps.polling import watch
from smrep.service.steps.rate_limiter import WRITES_A_SECOND
from smrep.service.steps.secret_removal import RemoveWrite, SecretRemoval, check_gone, plan_removal
from smrep.service.steps.write_once import WriteGate, send_in_batches, write_once


@dataclass(frozen=True, slots=True)
class RemoveRequest:
    """Request of `remove`."""

    addresses: tuple[SecretAddress, ...]
    regions: tuple[Region, ...]
    wait: bool = True
    expect_account: str | None = None
    flags: tuple[str, ...] = ()
    """Flags to repeat in a hint's command, as typed."""
    selected: tuple[str, ...] = ()
    """Selectors that chose the secrets, to repeat in their place; none if you named them."""
    rate: float = WRITES_A_SECOND
    """Maximum requests per second."""
    shown: Mapping[Region, Secret | None] | None = None
    """Replicas that may be removed, from an earlier look; None: from this run's."""

    @property
    def targets(self) -> list[Target]:
        """Regions as targets, without keys."""
        return [Target(region) for region in self.regions]

    def again(self, *extra: str) -> str:
        """Return this request's command, with more flags."""
        return format_command(
            "remove",
            [] if self.selected else [address.secret_id for address in self.addresses],
            primary_region=common_region(self.addresses),
            targets=self.targets,
            flags=(*self.selected, *self.flags, *extra),
        )


def remove(aws: SecretsManager, request: RemoveRequest, run: RunState) -> SecretsReport:
    """Remove replicas; if requested, wait until each target Region answers 'not found'.

    Raises:
        CredentialsError: no further call can succeed; the run's state keeps its results so far.
        UsageError: a secret belongs to another account than expected, or the plan was not confirmed.

    """
    lookups = find_secrets(aws, request.addresses, follow=False, expect_account=request.expect_account, run=run)
    members = parallel(partial(_plan, aws, request, run), lookups)
    run.track(members, partial(interrupted_change, "removing"), waiting=request.wait)
    secrets = [member for member in members if isinstance(member, SecretRemoval)]
    dangers = [danger for secret in secrets for danger in secret.stakes]
    names = [secret.primary.name for secret in secrets if secret.to_send] if request.selected else None
    if not run.approve(Plan("removing", dangers, request.again, names, rate=request.rate)):
        return run.report()
    with WriteGate.for_run(run, request.rate) as gate:
        send_in_batches(partial(_send, aws, gate), [secret for secret in secrets if secret.to_send], run)
        if request.wait:
            watch(partial(_look, aws, run), partial(_open, secrets), run)
    return run.report()


def _plan(
    aws: SecretsManager, request: RemoveRequest, run: RunState, lookup: FoundSecret
) -> SecretRemoval | SecretReport:
    """Look into each Region, and return the removal, or why nothing can be removed."""
    primary = primary_to_change(lookup, "remove", request.targets, request.flags)
    if isinstance(primary, SecretReport):
        return primary
    removal = plan_removal(aws, primary, request.regions, run.clock, run.deadline)
    if request.shown is not None:
        removal.show(request.shown)
    return removal


def _send(aws: SecretsManager, gate: WriteGate, secret: SecretRemoval) -> None:
    write_once(RemoveWrite(aws, gate, secret), secret.to_send, gate)


def _look(aws: SecretsManager, run: RunState, pair: tuple[SecretRemoval, Region]) -> None:
    check_gone(aws, *pair, run.clock)


def _open(secrets: Sequence[SecretRemoval]) -> list[tuple[SecretRemoval, Region]]:
    return [(secret, region) for secret in secrets for region in secret.open_regions]
