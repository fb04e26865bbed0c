"""Promoting one replica: the request is sent once, looked for where its answer was lost, and read back."""

from __future__ import annotations

from dataclasses import dataclass, field

from smrep.errors import AwsError, CredentialsError, Denied, NotFound, NotSent, Throttled, Unanswered
from smrep.model import Secret, in_region
from smrep.report import SecretReport, Trouble
from smrep.rules.hints import promotion
from smrep.rules.replication.findings import far_findings
from smrep.rules.replication.replica_state import LIST_LAG_S
from smrep.rules.replication.standalone_secret import row
from smrep.service.ports import SecretsManager
from smrep.service.steps.polling import poll
from smrep.service.steps.write_once import Gate, is_moot


@dataclass(slots=True)
class Candidate:
    """One secret in the Region asked for, replaced as news come in."""

    first: Secret
    """As it was before anything was sent."""
    now: Secret
    sent_at: float | None = None
    """When our request went out, in the clock's seconds; None where none did."""
    accepted: bool = False
    error: Trouble | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        """Whether it is to stand alone and does not yet."""
        return self.error is None and self.now.is_replica

    def report(self, *, waiting: bool, dry_run: bool) -> SecretReport:
        """Return the secret as it stands; its primary is the one that it was a replica of."""
        shown = row(self.now, self.error, accepted=self.accepted, waiting=waiting, dry_run=dry_run)
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


@dataclass(frozen=True, slots=True)
class Promoter:
    """Asks AWS to make replicas stand alone, and looks whether they do."""

    aws: SecretsManager
    gate: Gate

    def send(self, case: Candidate, *, again: bool = False) -> None:
        """Ask AWS once; a lost answer is looked for, and only what then still is a replica is asked for again."""
        arn, region, gate = case.first.arn, case.first.region, self.gate
        if gate.closed:
            hint = promotion(case.first)
            why = NotSent(f"{case.first.name} in {region}: not promoted, since {gate.closed}", hint)
            case.error = Trouble.of(why)
            return

        def request() -> None:
            case.sent_at = gate.clock.monotonic()
            self.aws.promote(arn, region)

        try:
            gate.send(request)
            case.accepted = True
        except NotSent as error:
            case.error = Trouble.of(error)
        except Unanswered as error:
            until = min(gate.deadline, gate.clock.monotonic() + LIST_LAG_S)
            *_, looked = poll(lambda: self.look(case), lambda _: not case.is_open, clock=gate.clock, deadline=until)
            case.accepted = not case.now.is_replica
            if looked and case.is_open and not again and gate.may_repeat:
                self.send(case, again=True)
            elif case.is_open:
                case.notes.append(f"no answer came to the request ({error.words}), and {region} shows a replica still")
        except AwsError as error:
            if is_moot(error, again=again):
                case.notes.append(f"the promotion in {region} was refused the second time: {error.words}")
                return
            case.sent_at = case.sent_at if again else None
            if isinstance(error, CredentialsError):
                raise
            error.about(f"{case.first.name} in {region}")
            if isinstance(error, Denied):
                error.hint = error.allowing(f"secretsmanager:StopReplicationToReplica on {arn}")
            case.error = Trouble.of(error)

    def look(self, case: Candidate) -> bool:
        """Take in one new answer; return whether there was one."""
        try:
            case.now = self.aws.describe(case.first.arn, case.first.region)
        except (Unanswered, Throttled):
            return False
        except NotFound as error:
            if case.sent_at is not None and self.gate.clock.monotonic() - case.sent_at < LIST_LAG_S:
                return False  # it was there when we asked for it
            case.error = Trouble.of(error)
        except CredentialsError:
            raise
        except AwsError as error:
            case.error = Trouble.of(error)
        case.accepted = case.accepted or not case.now.is_replica
        return True
