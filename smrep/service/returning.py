"""`failback`: one secret of the record on its way home, each step decided by a look into both Regions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from smrep.errors import CredentialsError, Outcome
from smrep.model import Secret, in_region
from smrep.report import Action, RegionReport, SecretReport, Trouble
from smrep.rules.homecoming import Goal, Leave, Sides, Truth, next_step
from smrep.rules.preflight import Look, portrait
from smrep.rules.record import Entry, Mark, Pair, marked, versions
from smrep.service.abreast import LOOK_S, abreast
from smrep.service.crew import Crew
from smrep.service.gate import Gate
from smrep.service.looking import look
from smrep.service.promoter import Candidate, Promoter
from smrep.service.protecting import Protection
from smrep.service.running import Terms, gate

_MOST_LEGS = 4
"""A way home has three legs; one more is for what was changed meanwhile."""


@dataclass(slots=True)
class Journey:
    """One secret of a failback; `plan` decides its next leg and changes nothing, `step` does what is due next."""

    entry: Entry
    pair: Pair
    goal: Goal
    rotation_handled: bool
    terms: Terms
    crew: Crew
    write: Callable[[Mapping[str, Any]], None]
    """Appends a line to the record; what it announces must not be done where it raises."""
    done: Callable[[Any], None] | None = None
    begun: bool = False
    ended: bool = False
    left: Leave | None = None
    truth: Truth = Truth.ONE
    """What the first comparison of both sides showed."""
    _leg: Protection | Candidate | None = None
    _gate: Gate | None = None
    _legs: int = 0
    _looks: int = 0
    _taken: bool = False

    def plan(self) -> None:
        """Look into both Regions and decide what comes next.

        Raises:
            CredentialsError: no further call can succeed.

        """
        self._decide(self._opened())
        self.truth = self._leg.aim.truth if isinstance(self._leg, Protection) else Truth.ONE

    @property
    def is_planned(self) -> bool:
        """Whether both Regions were looked into."""
        return self.left is not None or self._leg is not None

    @property
    def name(self) -> str:
        """The secret's name."""
        return self.entry.name

    @property
    def has_work(self) -> bool:
        """Whether something is to be sent or to be waited for."""
        return isinstance(self._leg, Protection) and (self._leg.has_work or self._turns)

    @property
    def sends(self) -> bool:
        """Whether a request is to go out, as far as is known."""
        return self.has_work and isinstance(self._leg, Protection) and (self._leg.sends or self._turns)

    @property
    def stakes(self) -> list[tuple[str, str]]:
        """What must be confirmed: the secret's name, and what is lost."""
        if not self.has_work or not isinstance(self._leg, Protection):
            return []
        later: list[tuple[str, str]] = []
        if self._turns:
            promoted, home = self._leg.aim.primary, self.pair.source
            what = f"to be promoted in {home}, and then to be replaced by its replica, for good, in {promoted.region}"
            later = [(self.name, f"{what}: {portrait(promoted)}")]
        return [*self._leg.stakes, *later]

    @property
    def clears(self) -> int:
        """How many replicas in third Regions are to be removed first."""
        leg = self._leg
        return len(leg.clearing.to_send) if isinstance(leg, Protection) and leg.clearing else 0

    @property
    def was_taken(self) -> bool:
        """Whether AWS is known to have taken a request."""
        leg = self._leg
        now = leg.was_taken if isinstance(leg, Protection) else leg.accepted if leg else False
        return self._taken or now

    def step(self) -> float | None:
        """Do what is due; return when to come back, None where there is nothing more to do.

        Raises:
            OutputError: the record can't be written.

        """
        if self.terms.ended_by is not None and not self.begun:
            return None
        try:
            due = self._go_on(self._gate) if self._gate else self._begin()
        except CredentialsError as error:
            self.terms.ended_by = self.terms.ended_by or error
            due = None
        if not self.begun:
            return None
        self.ended = due is None
        if self.done:
            self.done(self)
        return due

    def report(self, *, dry_run: bool = False) -> SecretReport:
        """Return the secret as it stands."""
        report = self._report(dry_run=dry_run)
        return report if self.begun or dry_run or not self.has_work else self.terms.not_begun(report)

    @property
    def _turns(self) -> bool:
        """Whether the primary role is still to go back to its old Region."""
        leg = self._leg
        away = isinstance(leg, Protection) and leg.aim.primary.region == self.pair.target and not leg.is_stopped
        return self.goal is Goal.RETURN and away

    def _report(self, *, dry_run: bool) -> SecretReport:
        if self.left is not None:
            return self._left_alone(self.left)
        if isinstance(self._leg, Candidate):
            return self._promoted(self._leg)
        assert self._leg is not None  # noqa: S101 - it was planned
        report = self._leg.report(waiting=self.terms.wait, dry_run=dry_run)
        if dry_run and self._turns:
            rows = [
                replace(row, action=Action.PROMOTE, outcome=Outcome.OK) if row.region == self.pair.source else row
                for row in report.replicas
            ]
            report = replace(report, replicas=tuple(rows))
        return report

    def _left_alone(self, left: Leave) -> SecretReport:
        row = RegionReport(left.region, left.error.outcome, findings=left.findings, error=left.error)
        home = self.pair.source if left.region == self.pair.target else self.pair.target
        return SecretReport(self.name, left.error.outcome, in_region(self.entry.arn, home), home, (row,))

    def _promoted(self, case: Candidate) -> SecretReport:
        return case.report(waiting=self.terms.wait, dry_run=False)

    def _begin(self) -> float | None:
        """Begin the first leg, decided anew: what the plan saw may have changed since."""
        if self.crew.stop.is_set():
            return None
        self.begun = True
        return self._new_leg()

    def _new_leg(self) -> float | None:
        """Decide what comes next and begin it; a secret that does not come to rest is left alone."""
        if self._legs == _MOST_LEGS:
            message = f"{self.name} was changed again and again on its way, and is left as it is"
            self.left = Leave(
                self.pair.target,
                Trouble("ChangedMeanwhile", message, "run the same command again", None, Outcome.PENDING),
            )
            return None
        self._gate, self._looks = self._opened(), 0
        self._legs += 1
        self._decide(self._gate)
        if self.left is not None or not isinstance(self._leg, Protection):
            return None
        return self._go_on(self._gate)

    def _go_on(self, opened: Gate) -> float | None:
        leg = self._leg
        if isinstance(leg, Candidate):
            return self._look_promoted(leg, opened)
        assert leg is not None  # noqa: S101 - a leg was begun
        is_open = leg.step(opened)
        if is_open:
            return self._later(opened)
        if leg.is_stopped:
            return None
        home = leg.aim.primary.region == self.pair.source
        if not self._turns:
            self.write(marked(Mark.RETURNED if home else Mark.PROTECTED, self.entry.arn))
            return None
        return self._turn(leg)

    def _turn(self, leg: Protection) -> float | None:
        """Promote the replica in the old Region, which a look just proved to hold what the primary holds."""
        replica = look(self.terms.aws, leg.aim.primary, self.pair.source)
        if not isinstance(replica, Secret) or not replica.is_replica:
            return self._new_leg()
        held = versions(replica)
        self.write(marked(Mark.LEVEL, self.entry.arn, versions=held))
        self.entry = replace(self.entry, stages=frozenset(replica.stages))
        self._taken = self._taken or leg.was_taken
        self._leg = case = Candidate(replica, replica)
        self._gate, self._looks = self._opened(), 0
        Promoter(self.terms.aws, self._gate).send(case)
        return self._look_promoted(case, self._gate)

    def _look_promoted(self, case: Candidate, opened: Gate) -> float | None:
        if case.sent_at is not None and case.is_open:
            Promoter(self.terms.aws, opened).look(case)
        if case.error is not None:
            return None
        if case.is_open:
            return self._later(opened)
        self._taken = self._taken or case.accepted
        return self._new_leg()

    def _later(self, opened: Gate) -> float | None:
        now = self.crew.clock.monotonic()
        if not self.terms.wait or now >= opened.deadline:
            return None
        self._looks += 1
        return self.terms.next_look(now, self._looks - 1, opened.deadline)

    def _opened(self) -> Gate:
        return gate(self.crew, self.terms, LOOK_S)

    def _decide(self, opened: Gate) -> None:
        """Look into both Regions by the secret's name, side by side, and decide."""
        known = [
            Secret(in_region(self.entry.arn, region), self.entry.name, region)
            for region in (self.pair.source, self.pair.target)
        ]
        old, new = abreast(partial(_look, self.terms), known)
        sides = Sides(self.entry, self.pair, old, new)
        found = next_step(sides, self.goal, rotation_handled=self.rotation_handled)
        if isinstance(found, Leave):
            self.left = found
            return
        self.left = None
        self._leg = leg = Protection(self.terms.aws, found, self.entry.arn, self.write)
        leg.look(opened)


def _look(terms: Terms, known: Secret) -> Look:
    return look(terms.aws, known, known.region)


_FIRST = 8
"""So many are looked at first; where a Region answers for none of them, the others are not asked about."""


def plan_all(journeys: Sequence[Journey], pulse: Callable[[], None]) -> None:
    """Plan all of them, side by side; a Region that does not answer is not waited for hundreds of times.

    Raises:
        CredentialsError: no further call can succeed.

    """
    first, rest = journeys[:_FIRST], journeys[_FIRST:]
    abreast(Journey.plan, first, pulse=pulse)
    silent = [each.left for each in first if each.left and each.left.is_silence]
    if len(silent) == _FIRST:
        for each in rest:
            each.left = silent[0]
        return
    abreast(Journey.plan, rest, pulse=pulse)
