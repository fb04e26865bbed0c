"""Sending ReplicateSecretToRegions: once, isolated where refused, and looked for where the answer was lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from smrep.errors import AwsError, CredentialsError, Denied, Refused, Throttled, Unanswered
from smrep.model import Target
from smrep.regions import Region
from smrep.rules.settle import LIST_LAG_S, has_moved, sent
from smrep.service.cases import Case
from smrep.service.polling import past_throttling, poll
from smrep.service.ports import Clock, SecretsManager


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends writes before one deadline, in the clock's seconds."""

    aws: SecretsManager
    clock: Clock
    deadline: float

    def send(self, case: Case, regions: Sequence[Region], *, force: bool = False, again: bool = False) -> None:
        """Ask AWS for replicas in these Regions and take in what it answers.

        A refusal of several Regions may be due to one of them, so each is then asked for by itself. An answer that
        did not come is looked for in the list; only what the list does not show in time, and is not forced, is sent
        a second time.

        Raises:
            CredentialsError: no further call can succeed.

        """
        primary = case.primary
        targets = [Target(region, case.courses[region].wanted_key) for region in regions]
        before = dict(case.courses)
        asked_at = self.clock.monotonic()
        for region in regions:
            case.courses[region] = sent(case.courses[region], asked_at, accepted=False)
        try:
            entries = past_throttling(
                lambda: self.aws.replicate(primary.arn, primary.region, targets, force=force),
                clock=self.clock,
                deadline=self.deadline,
            )
        except Unanswered as error:
            self._look_for(case, regions, error, may_repeat=not force and not again)
        except AwsError as error:
            case.courses.update({region: before[region] for region in regions})
            if isinstance(error, CredentialsError):
                raise
            if isinstance(error, Denied | Refused) and len(regions) > 1:
                for region in regions:
                    self.send(case, [region], force=force)
            else:
                case.fail(regions, _explained(error, case, regions))
        else:
            for region in regions:
                case.change(region, accepted=True)
            case.observe_entries(entries, regions, self.clock.monotonic())

    def _look_for(self, case: Case, regions: Sequence[Region], error: Unanswered, *, may_repeat: bool) -> None:
        """Find out from the list whether AWS acted on a request whose answer was lost."""
        until = min(self.deadline, self.clock.monotonic() + LIST_LAG_S)
        for _ in poll(
            lambda: self._look(case),
            lambda _: all(has_moved(case.courses[region]) for region in regions),
            clock=self.clock,
            deadline=until,
        ):
            pass
        for region in regions:
            case.change(region, accepted=has_moved(case.courses[region]))
        lost = [region for region in regions if not case.courses[region].accepted]
        if lost and may_repeat and self.clock.monotonic() < self.deadline:
            self.send(case, lost, again=True)
        elif lost:
            case.notes.append(
                f"no answer came to the request for {', '.join(lost)} ({error.words}), and the list does not show "
                "that AWS took it"
            )

    def _look(self, case: Case) -> None:
        try:
            case.observe(self.aws.describe(case.primary.arn, case.primary.region), self.clock.monotonic())
        except (Unanswered, Throttled):
            return


def _explained(error: AwsError, case: Case, regions: Sequence[Region]) -> AwsError:
    """Return the error with the secret and the Regions named."""
    error.about(f"{case.primary.name} to {', '.join(regions)}")
    if isinstance(error, Denied) and not error.hint:
        error.hint = (
            f"allow secretsmanager:ReplicateSecretToRegions on {case.primary.arn} with {', '.join(regions)}, and for a "
            "customer's key kms:Decrypt at the primary, kms:GenerateDataKey and kms:Encrypt at the replica"
        )
    return error
