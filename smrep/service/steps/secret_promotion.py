"""Promote one replica: send once, find lost answers, and read the secret back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from smrep.errors import AwsError, CredentialsError, NotFound, SmrepError, Throttled, Unanswered
from smrep.model import Secret, in_region
from smrep.regions import Region
from smrep.report import Problem, SecretReport
from smrep.rules.hints import promote_command
from smrep.rules.replication.findings import cross_account_findings
from smrep.rules.replication.replica_state import LIST_LAG_S
from smrep.rules.replication.standalone_secret import promotion_report
from smrep.service.ports import Clock, SecretsManager
from smrep.service.steps.polling import poll
from smrep.service.steps.write_once import Write, WriteGate, write_once


@dataclass(slots=True)
class SecretPromotion:
    """One secret in its Region, updated with each answer."""

    first: Secret
    """The secret before any request."""
    now: Secret
    sent_at: float | None = None
    """When the request was sent, in the clock's seconds; None if it was not."""
    accepted: bool = False
    error: Problem | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def was_sent(self) -> bool:
        """Whether a request may have reached AWS."""
        return self.sent_at is not None

    @property
    def is_open(self) -> bool:
        """Whether it is still to become standalone."""
        return self.error is None and self.now.is_replica

    def report(self, *, waiting: bool, dry_run: bool) -> SecretReport:
        """Return the secret's current report under its former primary."""
        shown = promotion_report(self.now, self.error, accepted=self.accepted, waiting=waiting, dry_run=dry_run)
        home = self.first.primary_region or self.first.region
        return SecretReport(
            name=self.first.name,
            outcome=shown.outcome,
            arn=in_region(self.first.arn, home),
            primary_region=home,
            replicas=(shown,),
            cross_account=self.now.cross_account,
            by_arn=self.first.by_arn,
            findings=cross_account_findings(self.now),
            notes=tuple(self.notes),
        )


class PromoteWrite(Write):
    """StopReplicationToReplica for one replica."""

    verb, request_to = "promoted", "request for promotion in"

    def __init__(self, aws: SecretsManager, gate: WriteGate, promotion: SecretPromotion) -> None:
        """Write to the replica's own Region."""
        secret = promotion.first
        super().__init__(gate, secret.name, promotion.notes, {})
        self.aws, self.promotion = aws, promotion
        self.not_shown = self.not_read = f"{secret.region} still shows a replica"
        self.permission = f"secretsmanager:StopReplicationToReplica on {secret.arn}"
        self.sent_before: float | None = None

    def remember(self, regions: Sequence[Region]) -> None:  # noqa: ARG002 - it is one Region
        """Remember when an earlier request was sent."""
        self.sent_before = self.promotion.sent_at

    def request(self, regions: Sequence[Region]) -> None:  # noqa: ARG002 - as above
        """Request the promotion."""
        self.promotion.sent_at = self.gate.clock.monotonic()
        self.aws.promote(self.promotion.first.arn, self.promotion.first.region)

    def accept(self, regions: Sequence[Region], answer: object = None) -> None:  # noqa: ARG002 - as above
        """Record that AWS accepted the request."""
        self.promotion.accepted = True

    def undo(self, regions: Sequence[Region]) -> None:  # noqa: ARG002 - as above
        """Forget the request."""
        self.promotion.sent_at = self.sent_before

    def fail(self, regions: Sequence[Region], error: SmrepError) -> None:  # noqa: ARG002 - as above
        """Record the secret's error."""
        self.promotion.error = Problem.of(error)

    def find(self, regions: Sequence[Region]) -> bool:  # noqa: ARG002 - as above
        """Look until it is standalone, for as long as answers may lag."""
        promotion, clock = self.promotion, self.gate.clock
        return poll(
            lambda: check_promoted(self.aws, promotion, clock),
            lambda _: not promotion.is_open,
            clock=clock,
            deadline=min(self.gate.deadline, clock.monotonic() + LIST_LAG_S),
        )

    def is_lost(self, region: Region) -> bool:  # noqa: ARG002 - as above
        """Return whether it is still a replica."""
        return self.promotion.is_open

    def command(self, regions: Sequence[Region]) -> str:  # noqa: ARG002 - as above
        """Return the command that promotes it."""
        return promote_command(self.promotion.first)


def promote_once(aws: SecretsManager, promotion: SecretPromotion, gate: WriteGate) -> None:
    """Ask AWS to make the replica standalone, and record the result.

    Raises:
        CredentialsError: no further call can succeed.

    """
    write_once(PromoteWrite(aws, gate, promotion), [promotion.first.region], gate)


def check_promoted(aws: SecretsManager, promotion: SecretPromotion, clock: Clock) -> bool:
    """Record one new answer; return whether there was one.

    Raises:
        CredentialsError: no further call can succeed.

    """
    try:
        promotion.now = aws.describe(promotion.first.arn, promotion.first.region)
    except (Unanswered, Throttled):
        return False
    except NotFound as error:
        if promotion.sent_at is not None and clock.monotonic() - promotion.sent_at < LIST_LAG_S:
            return False  # it existed when the request was sent
        promotion.error = Problem.of(error)
    except CredentialsError:
        raise
    except AwsError as error:
        promotion.error = Problem.of(error)
    promotion.accepted = promotion.accepted or not promotion.now.is_replica
    return True
