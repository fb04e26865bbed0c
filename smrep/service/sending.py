"""Sending ReplicateSecretToRegions: once, isolated where refused, and looked for where the answer was lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from smrep.errors import AwsError, ChangedMeanwhile, CredentialsError, Denied, NotSent, Refused, Throttled, Unanswered
from smrep.model import IN_PROGRESS, IN_SYNC, Replica, Secret, Target
from smrep.regions import Region
from smrep.report import Action, Trouble
from smrep.rules.commands import anew, policy_for, spell_on
from smrep.rules.keys import same_by_spelling
from smrep.rules.preflight import ours
from smrep.rules.settle import LIST_LAG_S, has_moved, sent
from smrep.service.abreast import abreast, nothing, patience
from smrep.service.cases import Case
from smrep.service.gate import Gate, is_moot
from smrep.service.looking import look
from smrep.service.polling import poll
from smrep.service.ports import SecretsManager


@dataclass(frozen=True, slots=True)
class Sender:
    """Asks AWS for replicas."""

    aws: SecretsManager
    gate: Gate
    command: str = "replicate"
    flags: tuple[str, ...] = ()
    """What to type besides, to ask again for what was not sent."""
    forcing: tuple[str, ...] = ()
    """The same, for what is overwritten."""

    def send(
        self,
        case: Case,
        regions: Sequence[Region],
        *,
        again: bool = False,
        overwrites: Callable[[], None] | None = None,
    ) -> None:
        """Ask AWS for replicas in these Regions and take in what it answers.

        What is there is overwritten only where `overwrites`, the look right before each request, lets it be.

        A refusal of several Regions may be due to one of them, so each is then asked for by itself. An answer that
        did not come is looked for in the list; only what a look shows to be missing there, and is not forced, is sent
        a second time.

        Raises:
            CredentialsError: no further call can succeed.
            ChangedMeanwhile: `overwrites` forbids it.

        """
        force = overwrites is not None
        if self.gate.closed:
            self.leave_out(case, regions, self.gate.closed, force=force)
            return
        before = dict(case.courses)
        targets = [Target(region, before[region].wanted_key) for region in regions]

        def request() -> tuple[Replica, ...]:
            for region in regions:
                case.courses[region] = sent(before[region], self.gate.clock.monotonic(), accepted=False)
            return self.aws.replicate(case.primary.arn, case.primary.region, targets, force=force)

        try:
            entries = self.gate.send(request, overwrites or nothing)
        except ChangedMeanwhile:
            case.courses.update({region: before[region] for region in regions})
            raise
        except NotSent:
            case.courses.update({region: before[region] for region in regions})
            self.leave_out(case, regions, "the run was stopped", force=force)
        except Unanswered as error:
            self._look_for(case, regions, error, may_repeat=not force and not again)
        except AwsError as error:
            if is_moot(error, again=again):
                case.notes.append(f"the request for {', '.join(regions)} was refused the second time: {error.words}")
                return
            case.courses.update({region: before[region] for region in regions})
            if isinstance(error, CredentialsError):
                raise
            coming = self._coming(case, regions) if isinstance(error, Refused) and not force else []
            refused = [region for region in regions if region not in coming]
            if len(regions) > 1 and isinstance(error, Denied | Refused):
                for region in refused:
                    self.send(case, [region], again=again, overwrites=overwrites)
            elif refused:
                case.fail(refused, _explained(error, case, refused))
        else:
            for region in regions:
                case.change(region, accepted=True)
            case.observe_entries(entries, regions, self.gate.clock.monotonic())

    def _coming(self, case: Case, regions: Sequence[Region]) -> list[Region]:
        """Return the Regions that another run has asked for meanwhile, by one look: they are waited for."""
        try:
            primary = self.aws.describe(case.primary.arn, case.primary.region)
        except CredentialsError:
            raise
        except AwsError:
            return []
        coming = []
        for region in regions:
            entry, key = primary.replica(region), case.courses[region].wanted_key
            if entry is None or entry.status not in (IN_PROGRESS, IN_SYNC):
                continue
            if key and not same_by_spelling(key, entry.kms_key_id, region, case.primary.account):
                continue
            case.change(region, action=Action.KEEP, seen=entry, leftover=None)
            case.notes.append(f"{case.primary.name} in {region} was asked for by somebody else meanwhile")
            coming.append(region)
        return coming

    def _look_for(self, case: Case, regions: Sequence[Region], error: Unanswered, *, may_repeat: bool) -> None:
        """Find out from the list whether AWS acted on a request whose answer was lost."""
        until = min(self.gate.deadline, self.gate.clock.monotonic() + LIST_LAG_S)
        *_, looked = poll(
            lambda: self._look(case),
            lambda _: case.error is not None or all(has_moved(case.courses[region]) for region in regions),
            clock=self.gate.clock,
            deadline=until,
        )
        for region in regions:
            case.change(region, accepted=has_moved(case.courses[region]))
        may_repeat = looked and may_repeat and self.gate.may_repeat
        for region in regions if may_repeat else ():
            if self._has_come(case, region):
                case.change(region, accepted=True)
        lost = [region for region in regions if not case.courses[region].accepted]
        if lost and may_repeat:
            self.send(case, lost, again=True)
        elif lost:
            shown = "does not show that it was taken" if looked else "could not be read"
            case.notes.append(
                f"no answer came to the request for {case.primary.name} in {', '.join(lost)} ({error.words}), "
                f"and AWS's list {shown}"
            )

    def _has_come(self, case: Case, region: Region) -> bool:
        """Tell whether our replica is in a Region where none was, though the list, which may lag, does not say so."""
        course = case.courses[region]
        if course.accepted or not course.vacant:
            return False
        return ours(case.primary, look(self.aws, case.primary, region)) is not None

    def _look(self, case: Case) -> bool:
        """Take in one new answer; return whether there was one."""
        primary = case.primary
        try:
            (secret,) = abreast(
                lambda _: self._described(primary),
                [None],
                late=lambda _: None,
                patience_s=patience(self.gate.clock, self.gate.deadline),
            )
        except CredentialsError:
            raise
        except AwsError as error:
            if not isinstance(error, Unanswered | Throttled):
                case.error = Trouble.of(error)
            return False
        if secret is None:
            return False
        case.observe(secret, self.gate.clock.monotonic())
        return True

    def _described(self, primary: Secret) -> Secret | None:
        return self.aws.describe(primary.arn, primary.region)

    def leave_out(self, case: Case, regions: Sequence[Region], why: str, *, force: bool = False) -> None:
        """Send nothing for these Regions, and say why and how to ask again."""
        message = f"{case.primary.name} to {', '.join(regions)}: not sent, since {why}"
        case.fail(regions, NotSent(message, self.command_for(case, regions, force=force)))

    def command_for(self, case: Case, regions: Sequence[Region], *, force: bool = False) -> str:
        """Return the command that asks for these Regions again."""
        targets = [Target(region, case.courses[region].wanted_key) for region in regions]
        flags = (*self.flags, *self.forcing) if force else self.flags
        return spell_on(case.primary, self.command, targets, flags)


def _explained(error: AwsError, case: Case, regions: Sequence[Region]) -> AwsError:
    """Return the error with the secret and the Regions named."""
    error.about(f"{case.primary.name} to {', '.join(regions)}")
    targets = [Target(region, case.courses[region].wanted_key) for region in regions]
    if isinstance(error, Denied):
        error.hint = error.allowing(
            f"secretsmanager:ReplicateSecretToRegions on {case.primary.arn} with {', '.join(regions)}, and for a "
            "customer's key kms:Decrypt at the primary, kms:GenerateDataKey and kms:Encrypt at the replica; all of it: "
            + policy_for(case.primary, targets)
        )
    elif (
        isinstance(error, Refused)
        and error.code != "LimitExceededException"
        and all(case.courses[region].action is Action.RETRY for region in regions)
    ):
        error.hint = f"begin anew: {anew(case.primary, targets)}"
    return error
