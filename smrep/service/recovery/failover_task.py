"""`failover`: promote one replica, recorded before and after."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from smrep.errors import AwsError, CredentialsError, Outcome, SmrepError
from smrep.model import Listed, Secret, in_region
from smrep.report import Finding, Problem, SecretReport
from smrep.rules.hints import promote_command, step
from smrep.rules.manifest.selector import EVERY, Selector
from smrep.rules.primary_region import SecretAddress
from smrep.rules.recovery.failover_record import RecordEntry, RecordMark, RegionPair, mark_line, promoting_line
from smrep.rules.recovery.recovery_summary import promotion_row
from smrep.rules.replication.standalone_secret import promotion_blocker
from smrep.service.fleet.fleet_run import FleetTask, StopFlag, open_gate
from smrep.service.steps.lookup import FoundSecret, explain_lookup_error, pending_deletion, refusal_report
from smrep.service.steps.parallel import LOOK_S
from smrep.service.steps.secret_promotion import SecretPromotion, check_promoted, promote_once
from smrep.service.steps.write_once import WriteGate


def no_entry(_arn: str) -> RecordEntry | None:
    """Return None, for a record that nobody else writes."""
    return None


@dataclass(slots=True)
class FailoverTask(FleetTask):
    """Fails one secret over."""

    listed: Listed
    pair: RegionPair
    write: Callable[[Mapping[str, Any]], None]
    """Appends a line to the record; if it raises, the announced step must not happen."""
    recorded: RecordEntry | None = None
    """The secret's record entry."""
    entry: Callable[[str], RecordEntry | None] = no_entry
    """Returns an ARN's latest record entry."""
    findings: Sequence[Finding] = ()
    selectors: Sequence[Selector] = (EVERY,)
    """At least one must still match at the secret's turn."""
    is_due: bool = True
    """Whether it may be promoted: it was confirmed as a replica."""
    _promotion: SecretPromotion | None = None
    _refused: SecretReport | None = None

    @property
    def name(self) -> str:
        """The secret's name."""
        return self.listed.name

    @property
    def was_taken(self) -> bool:
        """Whether AWS is known to have accepted the request."""
        return self._promotion is not None and self._promotion.accepted

    def rehearse(self) -> None:
        """Look like the real run and change nothing: a dry run without access must not say go.

        Raises:
            CredentialsError: no further call can succeed.

        """
        self._look_first()

    def report(self, *, dry_run: bool = False) -> SecretReport:
        """Return the secret's current report."""
        if self._refused is not None:
            return self._refused
        if self._promotion is None:
            report = promotion_row(self.listed, self.pair, self.findings, is_due=self.is_due, dry_run=dry_run)
            return report if self.begun or not self.is_due else self.account_run.not_begun(report)
        report = self._promotion.report(waiting=self.account_run.wait, dry_run=False)
        rows = tuple(
            replace(row, findings=tuple(self.findings), error=_same_again(row.error)) for row in report.replicas
        )
        return replace(
            report, arn=in_region(self.listed.arn, self.pair.source), replicas=rows, primary_region=self.pair.source
        )

    def _begin(self) -> float | None:
        """Look, record the result, and send; record a standalone secret as promoted."""
        brake, arn, turn = StopFlag(self.scheduler, self.account_run), self.listed.arn, None
        if self.is_due:
            turn = self.account_run.pace.ahead(brake.is_set)  # before the look, so that the record is fresh
        if brake.is_set():
            return None
        secret = self._look_first()
        if secret is None:
            return None
        if not secret.is_replica:
            self._stands(secret)
            return None
        why = pending_deletion(secret) or promotion_blocker(secret, self.pair.source) or self._unmeant(secret)
        if why is not None:
            self._refuse(FoundSecret(SecretAddress(arn, self.pair.target), secret), why)  # type: ignore[arg-type]
            return None
        policy = self._policy_sha256()
        self.begun, promotion = True, SecretPromotion(secret, secret)
        self._promotion = promotion
        self.write(promoting_line(secret, policy))
        self._gate = opened = open_gate(self.scheduler, self.account_run, LOOK_S, turn)
        promote_once(self.account_run.aws, promotion, opened)
        if promotion.error is not None and not promotion.accepted:
            self._look_again(promotion)
        if promotion.is_open and promotion.sent_at is not None:
            return self._look(opened)
        self._end()
        return None

    def _look_first(self) -> Secret | None:
        """Return the secret as its Region shows it, None after a refusal, which ends its turn."""
        try:
            return self.account_run.aws.describe(self.listed.arn, self.pair.target)
        except CredentialsError:
            raise
        except AwsError as error:
            address = SecretAddress(self.listed.arn, self.pair.target)  # type: ignore[arg-type]  # an ARN is a SecretId
            self._refuse(FoundSecret(address, explain_lookup_error(error, address)), Problem.of(error))
            return None

    def _look_again(self, promotion: SecretPromotion) -> None:
        """Look once more after a refusal: someone else may have promoted it meanwhile."""
        try:
            promotion.now = self.account_run.aws.describe(promotion.first.arn, self.pair.target)
        except CredentialsError:
            raise
        except AwsError:
            return
        if not promotion.now.is_replica:
            promotion.error = None
            promotion.notes.append(f"someone else promoted {promotion.first.name} in {self.pair.target} meanwhile")

    def _look(self, opened: WriteGate) -> float | None:
        promotion = self._promotion
        assert promotion is not None  # noqa: S101 - it was sent
        check_promoted(self.account_run.aws, promotion, opened.clock)
        next_at = self._later(opened) if promotion.is_open else None
        if next_at is None:
            self._end()
        return next_at

    def _end(self) -> None:
        """Record the end; the next run looks again at an open secret."""
        promotion = self._promotion
        assert promotion is not None  # noqa: S101 - it was begun
        if not promotion.now.is_replica:
            self.write(mark_line(RecordMark.PROMOTED, promotion.first.arn))
        elif promotion.error is not None and promotion.sent_at is None:
            self.write(
                mark_line(
                    RecordMark.FAILED,
                    promotion.first.arn,
                    error={"code": promotion.error.code, "message": promotion.error.message},
                )
            )

    def _stands(self, secret: Secret) -> None:
        """Handle a secret that is no replica: a run promoted it without recording the end, or someone else did."""
        self.begun = True
        self._promotion = promotion = SecretPromotion(secret, secret)
        if self.recorded is None and self.entry(secret.arn):
            promotion.notes.append(
                f"another run promoted {secret.name} in {secret.region} meanwhile, according to the record"
            )
        elif self.recorded is None:
            promotion.notes.append(
                f"{secret.name} in {secret.region} is already standalone; nothing was sent. It is not in the record, "
                "so failback will not return it"
            )
        elif self.recorded.mark in (RecordMark.PROMOTING, RecordMark.FAILED):
            self.write(mark_line(RecordMark.PROMOTED, secret.arn))

    def _unmeant(self, secret: Secret) -> Problem | None:
        """Return why a replica is not selected, None if it is: not confirmed, or its tags changed."""
        if not self.is_due:
            return _unasked(secret)
        return None if any(selector.matches(Listed.of(secret)) for selector in self.selectors) else _unselected(secret)

    def _refuse(self, lookup: FoundSecret, why: Problem) -> None:
        self.begun = True
        self._refused = replace(refusal_report(lookup, why), name=self.listed.name)

    def _policy_sha256(self) -> str | None:
        """Return the hash of the resource policy; None without one, or if AWS does not show a replica's.

        Whether AWS shows it is unknown. Source: aws-behavior.md 1.9.
        """
        try:
            policy = self.account_run.aws.policy(self.listed.arn, self.pair.target)
        except CredentialsError:
            raise
        except SmrepError:
            return None
        return sha256(policy.encode()).hexdigest() if policy else None


def _same_again(error: Problem | None) -> Problem | None:
    """Return the error without the command that promotes past the record; repeat this command instead."""
    return replace(error, hint=None) if error and error.code == "NotSent" else error


def _unselected(secret: Secret) -> Problem:
    """Return the problem of a replica that the selectors no longer match, for example because its tags changed."""
    return Problem(
        "ChangedMeanwhile",
        f"{secret.name} in {secret.region} no longer matches the selectors, so it was skipped",
        step("to promote it anyway", promote_command(secret)),
        None,
        Outcome.FAILED,
    )


def _unasked(secret: Secret) -> Problem:
    """Return the problem of a replica that was expected to be promoted already: nobody confirmed it."""
    return Problem(
        "ChangedMeanwhile",
        f"{secret.name} in {secret.region} is a replica again, which neither the list nor the record shows, so it was "
        "skipped",
        "run the same command again in a few minutes",
        None,
        Outcome.PENDING,
    )
