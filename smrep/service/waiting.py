"""Waiting until every Region has settled: one DescribeSecret per secret and tick."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from smrep.errors import AwsError, CredentialsError, Throttled, Unanswered
from smrep.model import FAILED
from smrep.regions import Region
from smrep.report import Action, Trouble
from smrep.rules.causes import not_replaced
from smrep.rules.preflight import Bearer, bearer
from smrep.service.abreast import nothing
from smrep.service.cases import Case
from smrep.service.looking import look
from smrep.service.polling import ticks
from smrep.service.ports import Clock, SecretsManager
from smrep.service.sending import Sender

STALE_S = 60.0
"""For so long a Region that was listed before may go on being shown as it was, while it should be replaced."""


@dataclass(frozen=True, slots=True)
class Waiter:
    """Waits for cases before one deadline, in the clock's seconds."""

    aws: SecretsManager
    clock: Clock
    deadline: float
    sender: Sender | None = None
    """Sends for Regions whose old replica must be gone first; `wait` has none."""
    pulse: Callable[[], None] = nothing
    """Is called about once a second while AWS takes its time."""

    def settle(self, cases: Sequence[Case]) -> Iterator[None]:
        """Look at all open secrets, tick by tick, and yield after each; ends when none is open or at the deadline.

        Raises:
            CredentialsError: no further call can succeed; the cases hold what was seen up to then.

        """
        yield from ticks(
            self.look,
            lambda: [case for case in cases if case.is_open],
            clock=self.clock,
            deadline=self.deadline,
            pulse=self.pulse,
        )

    def look(self, case: Case) -> None:
        """Take in one new answer; a look that no answer came to is a tick without news."""
        try:
            case.observe(self.aws.describe(case.primary.arn, case.primary.region), self.clock.monotonic())
            self._release(case)
            self._confirm_overwritten(case)
        except (Unanswered, Throttled):
            return
        except CredentialsError:
            raise
        except AwsError as error:
            case.error = Trouble.of(error)

    def _release(self, case: Case) -> None:
        """Send the request for Regions whose old replica is gone by now."""
        held = [course.region for course in case.courses.values() if course.held_until_gone]
        gone = [
            region
            for region in held
            if case.courses[region].seen is None and self._bearer(case, region) is Bearer.NOBODY
        ]
        if gone and self.sender:
            self.sender.send(case, gone)

    def _confirm_overwritten(self, case: Case) -> None:
        """Believe an entry that was InSync before it was overwritten once our replica is seen there.

        What stands there still after STALE_S is not being replaced: waiting longer would not help.
        """
        for course in tuple(case.courses.values()):
            stale = course.leftover is not None and course.leftover.status != FAILED and course.is_open
            if not (stale and course.action is Action.OVERWRITE and course.accepted):
                continue
            who = self._bearer(case, course.region)
            waited_s = self.clock.monotonic() - (course.sent_at or 0.0)
            if who is Bearer.OURS:
                case.change(course.region, leftover=None, seen_there=True)
            elif who is Bearer.PROMOTED and waited_s >= STALE_S:
                why = f"{case.primary.region} lists it as it did before"
                case.change(course.region, error=not_replaced(case.primary, course.region, why))

    def _bearer(self, case: Case, region: Region) -> Bearer:
        """Return who bears the secret's name there now; only 'not found' is nobody."""
        return bearer(case.primary, look(self.aws, case.primary, region))
