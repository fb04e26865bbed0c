"""`promote`: make a replica standalone, with no call to its primary's Region that could fail it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from smrep.errors import SmrepError
from smrep.model import Secret, SecretId, Target, in_region
from smrep.regions import Region
from smrep.report import Problem, SecretReport, SecretsReport
from smrep.rules.hints import format_command
from smrep.rules.primary_region import SecretAddress
from smrep.rules.replication.standalone_secret import (
    check_arn_regions,
    no_answer_note,
    old_primary_notes,
    promotion_blocker,
)
from smrep.service.ports import SecretsManager
from smrep.service.run_state import Plan, RunState, interrupted_change
from smrep.service.steps.lookup import FoundSecret, find_secrets, pending_deletion, refusal_report
from smrep.service.steps.parallel import LOOK_S, parallel
from smrep.service.steps.polling import watch
from smrep.service.steps.secret_promotion import SecretPromotion, check_promoted, promote_once
from smrep.service.steps.write_once import WriteGate, send_in_batches


@dataclass(frozen=True, slots=True)
class PromoteRequest:
    """Request of `promote`."""

    secret_ids: tuple[SecretId, ...]
    region: Region
    primary_region: Region | None = None
    """Primary Region as typed; replicas of another one are refused."""
    wait: bool = True
    expect_account: str | None = None
    flags: tuple[str, ...] = ()
    """Flags to repeat in a hint's command, as typed."""

    @property
    def addresses(self) -> list[SecretAddress]:
        """Secrets in the requested Region, also for ARNs of the primary."""
        return [
            SecretAddress(SecretId(in_region(name, self.region)) if name.startswith("arn:") else name, self.region)
            for name in self.secret_ids
        ]

    def again(self, *extra: str) -> str:
        """Return this request's command, with more flags."""
        return format_command(
            "promote",
            self.secret_ids,
            primary_region=self.primary_region,
            targets=[Target(self.region)],
            flags=(*self.flags, *extra),
        )


def promote(aws: SecretsManager, request: PromoteRequest, run: RunState) -> SecretsReport:
    """Promote replicas, read back that each is standalone, then ask the old primaries once.

    Raises:
        CredentialsError: no further call can succeed; the run's state keeps its results so far.
        UsageError: a secret belongs to another account than expected, is the primary itself, or has an ARN of a third
            Region; or the plan was not confirmed.

    """
    lookups = find_secrets(aws, request.addresses, follow=False, expect_account=request.expect_account, run=run)
    check_arn_regions(request.secret_ids, [lookup.result for lookup in lookups if isinstance(lookup.result, Secret)])
    members = [_plan(request, lookup) for lookup in lookups]
    run.track(members, partial(interrupted_change, "promoting"), waiting=request.wait)
    replicas = [member for member in members if isinstance(member, SecretPromotion) and member.is_open]
    if not run.approve(Plan("promoting", [_danger(replica.first) for replica in replicas], request.again)):
        return run.report()
    with WriteGate.for_run(run) as gate:
        send_in_batches(partial(promote_once, aws, gate=gate), replicas, run)
        if request.wait:
            look = partial(check_promoted, aws, clock=run.clock)
            watch(look, lambda: [lookup for lookup in replicas if lookup.is_open and lookup.was_sent], run)
    _ask_old_primaries(aws, [replica for replica in replicas if replica.accepted], request.region)
    return run.report()


def _plan(request: PromoteRequest, lookup: FoundSecret) -> SecretPromotion | SecretReport:
    """Return a secret to promote, or already standalone; else why it cannot be promoted."""
    secret = lookup.result
    if isinstance(secret, Problem):
        return refusal_report(lookup, secret)
    error = pending_deletion(secret) or promotion_blocker(secret, request.primary_region)
    if error is not None:
        return refusal_report(lookup, error)
    candidate = SecretPromotion(secret, secret)
    if not secret.is_replica:
        candidate.notes.append(f"{secret.name} in {secret.region} is already standalone; nothing was sent")
    return candidate


def _danger(replica: Secret) -> tuple[str, str]:
    """Return what to confirm: the secret's name, and the primary it leaves."""
    name = replica.name
    return name, (
        f"{name} in {replica.region} will become standalone for good; later changes of its primary in "
        f"{replica.primary_region} will not reach it: {replica.arn}"
    )


def _ask_old_primaries(aws: SecretsManager, promoted: Sequence[SecretPromotion], region: Region) -> None:
    """Note what the old primaries still list, or that they do not answer; neither is a failure."""
    notes = parallel(
        partial(_left_behind, aws, region),
        promoted,
        late=lambda promotion: (no_answer_note(promotion.first, "no answer came in time"),),
        patience_s=LOOK_S,
    )
    for promotion, lines in zip(promoted, notes, strict=True):
        promotion.notes += lines


def _left_behind(aws: SecretsManager, region: Region, promotion: SecretPromotion) -> tuple[str, ...]:
    primary_region = promotion.first.primary_region or region
    try:
        return old_primary_notes(aws.describe(in_region(promotion.first.arn, primary_region), primary_region), region)
    except SmrepError as error:
        return (no_answer_note(promotion.first, error.message),)
