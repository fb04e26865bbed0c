"""Promoting one replica: the request is sent once, looked for where its answer was lost, and read back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from smrep.errors import AwsError, CredentialsError, Denied, NotFound, SmrepError, Throttled, Unanswered
from smrep.model import Secret, in_region
from smrep.regions import Region
from smrep.report import Problem, SecretReport
from smrep.rules.hints import promotion
from smrep.rules.replication.findings import far_findings
from smrep.rules.replication.replica_state import LIST_LAG_S
from smrep.rules.replication.standalone_secret import promotion_report
from smrep.service.ports import Clock, SecretsManager
from smrep.service.steps.polling import poll
from smrep.service.steps.write_once import Write, WriteGate, write_once


@dataclass(slots=True)
class SecretPromotion:
    """One secret in the Region asked for, replaced as news come in."""

    first: Secret
    """As it was before anything was sent."""
    now: Secret
    sent_at: float | None = None
    """When our request went out, in the clock's seconds; None where none did."""
    accepted: bool = False
    error: Problem | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def was_sent(self) -> bool:
        """Whether a request may have reached AWS."""
        return self.sent_at is not None

    @property
    def is_open(self) -> bool:
        """Whether it is to stand alone and does not yet."""
        return self.error is None and self.now.is_replica

    def report(self, *, waiting: bool, dry_run: bool) -> SecretReport:
        """Return the secret as it stands; its primary is the one that it was a replica of."""
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
            findings=far_findings(self.now),
            notes=tuple(self.notes),
        )


@dataclass(slots=True)
class PromoteWrite(Write):
    """StopReplicationToReplica for one replica."""

    aws: SecretsManager
    gate: WriteGate
    case: SecretPromotion
    sent_before: float | None = None
    verb = "promoted"

    @property
    def name(self) -> str:
        """The secret's name."""
        return self.case.first.name

    @property
    def request_to(self) -> str:
        """The words for its request, before the Regions."""
        return "promotion in"

    @property
    def notes(self) -> list[str]:
        """The case's notes."""
        return self.case.notes

    def remember(self, regions: Sequence[Region]) -> None:  # noqa: ARG002 - it is one Region
        """Keep whether a request went out before."""
        self.sent_before = self.case.sent_at

    def request(self, regions: Sequence[Region]) -> None:  # noqa: ARG002 - as above
        """Ask for the promotion."""
        self.case.sent_at = self.gate.clock.monotonic()
        self.aws.promote(self.case.first.arn, self.case.first.region)

    def accept(self, regions: Sequence[Region], answer: object) -> None:  # noqa: ARG002 - as above
        """Remember that AWS has taken it."""
        self.case.accepted = True

    def undo(self, regions: Sequence[Region]) -> None:  # noqa: ARG002 - as above
        """Forget the request."""
        self.case.sent_at = self.sent_before

    def fail(self, regions: Sequence[Region], error: SmrepError) -> None:  # noqa: ARG002 - as above
        """Give the secret the error as its end."""
        self.case.error = Problem.of(error)

    def find(self, regions: Sequence[Region]) -> bool:  # noqa: ARG002 - as above
        """Look until it is standalone, for as long as an answer may lag."""
        case, clock = self.case, self.gate.clock
        return poll(
            lambda: check_promoted(self.aws, case, clock),
            lambda _: not case.is_open,
            clock=clock,
            deadline=min(self.gate.deadline, clock.monotonic() + LIST_LAG_S),
        )

    def is_lost(self, region: Region) -> bool:  # noqa: ARG002 - as above
        """Return whether it is a replica still."""
        return self.case.is_open

    def not_shown(self, regions: Sequence[Region], *, looked: bool) -> str:  # noqa: ARG002 - it was a replica before
        """Return the words for a request of which nothing is seen."""
        return f"{self.case.first.region} shows a replica still"

    def command(self, regions: Sequence[Region]) -> str:  # noqa: ARG002 - as above
        """Return the command that promotes it."""
        return promotion(self.case.first)

    def explain(self, regions: Sequence[Region], error: AwsError) -> AwsError:
        """Return the error with the secret and the Region named."""
        error.about(f"{self.name} in {', '.join(regions)}")
        if isinstance(error, Denied):
            error.hint = error.allowing(f"secretsmanager:StopReplicationToReplica on {self.case.first.arn}")
        return error


def promote_once(aws: SecretsManager, case: SecretPromotion, gate: WriteGate) -> None:
    """Ask AWS to make the replica standalone, and take in what comes of it.

    Raises:
        CredentialsError: no further call can succeed.

    """
    write_once(PromoteWrite(aws, gate, case), [case.first.region], gate)


def check_promoted(aws: SecretsManager, case: SecretPromotion, clock: Clock) -> bool:
    """Take in one new answer; return whether there was one.

    Raises:
        CredentialsError: no further call can succeed.

    """
    try:
        case.now = aws.describe(case.first.arn, case.first.region)
    except (Unanswered, Throttled):
        return False
    except NotFound as error:
        if case.sent_at is not None and clock.monotonic() - case.sent_at < LIST_LAG_S:
            return False  # it was there when we asked for it
        case.error = Problem.of(error)
    except CredentialsError:
        raise
    except AwsError as error:
        case.error = Problem.of(error)
    case.accepted = case.accepted or not case.now.is_replica
    return True
