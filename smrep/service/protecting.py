"""Making a secret the primary of replicas elsewhere: what is in their way is taken out of it first, one step a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from smrep.errors import AwsError, Outcome
from smrep.model import FAILED, IN_PROGRESS, IN_SYNC, Secret, Target
from smrep.regions import Region
from smrep.report import Kind, RegionReport, SecretReport, Trouble
from smrep.rules.homecoming import Protect, own_key
from smrep.rules.plan import NO_CONSENT, Add, Keep, Overwrite, Step, Stop, had_failed, step_for
from smrep.rules.preflight import Look, Unseen, ours, portrait
from smrep.rules.proof import Sides, prove
from smrep.rules.record import Mark, marked, regions
from smrep.rules.removal import row
from smrep.rules.settle import told, worst
from smrep.service.abreast import abreast
from smrep.service.cases import Case, course_of, plain
from smrep.service.clearing import Clearer, Clearing, begin
from smrep.service.gate import Gate
from smrep.service.looking import asked, look
from smrep.service.ports import SecretsManager
from smrep.service.sending import Sender
from smrep.service.waiting import Waiter


@dataclass(slots=True)
class Protection:
    """One secret's way to its replicas: `look` decides and changes nothing, `step` does what is due next."""

    aws: SecretsManager
    aim: Protect
    entry_arn: str
    """By which the record knows it."""
    write: Callable[[Mapping[str, Any]], None]
    """Appends a line to the record; what it announces must not be done where it raises."""
    clearing: Clearing | None = None
    case: Case | None = None
    error: Trouble | None = None
    aside: dict[Region, RegionReport] = field(default_factory=dict)
    """Third Regions that are left as they are, since the victim's replica is not what is there."""
    proved: dict[Region, Outcome] = field(default_factory=dict)
    _sent: bool = False

    def look(self, gate: Gate) -> None:
        """Look into every Region that is concerned, and decide what is to be done there.

        Raises:
            CredentialsError: no further call can succeed.

        """
        aim = self.aim
        if aim.victim is not None and aim.clears:
            self.clearing = clearing = begin(self.aws, aim.victim, aim.clears, gate.clock, gate.deadline)
            for region, each in tuple(clearing.departures.items()):
                if each.error and not each.is_unseen:
                    self._leave_out(clearing, region)
        targets = [self._under_its_key(each) for each in aim.targets if each.region not in self.aside]
        steps = tuple(abreast(self._decided, targets))
        courses = {each.target.region: course_of(each, NO_CONSENT) for each in steps}
        self.case = Case(aim.primary, courses, [], steps)
        self._prove()

    @property
    def is_stopped(self) -> bool:
        """Whether anything forbids to go on: nothing is taken out of the way of what can't come."""
        rows = self.report().replicas
        return self.error is not None or any(row.error and row.region not in self.aside for row in rows)

    @property
    def has_work(self) -> bool:
        """Whether something is to be sent or to be waited for."""
        if self.is_stopped or self.case is None:
            return False
        return self.sends or any(self.proved.get(region) is not Outcome.OK for region in self.case.courses)

    @property
    def sends(self) -> bool:
        """Whether a request is to go out."""
        return self.case is not None and any(not isinstance(each, Keep | Stop) for each in self.case.steps)

    @property
    def stakes(self) -> list[tuple[str, str]]:
        """What must be confirmed: the secret's name, and what is lost."""
        found = list(self.clearing.stakes) if self.clearing else []
        victim = self.aim.victim
        if victim is not None and self.sends:
            home = self.aim.primary.region
            found.append(
                (
                    victim.name,
                    f"to be replaced by a replica of {home}, for good, in {victim.region}: {portrait(victim)}",
                )
            )
        return found

    @property
    def was_taken(self) -> bool:
        """Whether AWS is known to have taken a request."""
        cleared = self.clearing.departures.values() if self.clearing else ()
        courses = self.case.courses.values() if self.case else ()
        return any(each.accepted for each in (*cleared, *courses))

    def step(self, gate: Gate) -> bool:
        """Do what is due next; return whether there is more to do or to wait for.

        Raises:
            CredentialsError: no further call can succeed.
            OutputError: the record can't be written.

        """
        if self.clearing is not None and not self._cleared(self.clearing, gate):
            return not self.is_stopped
        case = self.case
        assert case is not None  # noqa: S101 - it was looked at first
        if not self._sent:
            self._send(case, gate)
        elif case.is_open:
            Waiter(self.aws, gate.clock, gate.deadline, Sender(self.aws, gate)).look(case)
        self._prove()
        return not self.is_stopped and any(self.proved.get(each) is not Outcome.OK for each in case.courses)

    def report(self, *, waiting: bool = True, dry_run: bool = False) -> SecretReport:
        """Return the secret as it stands."""
        case, primary = self.case, self.aim.primary
        rows = {row.region: row for row in case.report(waiting=waiting, dry_run=dry_run).replicas} if case else {}
        if self.clearing and not self._sent and not dry_run:
            leaving = self.clearing.report(waiting=waiting, dry_run=dry_run).replicas
            begun = self.clearing.was_sent or any(row.error for row in leaving)
            rows |= {row.region: row for row in leaving if begun}
        for region, outcome in self.proved.items():
            row = rows[region]
            if row.error is None and row.status == IN_SYNC and not dry_run:
                rows[region] = replace(row, verified=outcome is Outcome.OK, outcome=worst([row.outcome, outcome]))
        rows |= self.aside
        notes = case.notes if case else ()
        error = self.error or (case.error if case else None)
        return told(primary, [self._explained(row) for row in rows.values()], error, notes)

    def _explained(self, row: RegionReport) -> RegionReport:
        """Return the row with what this way back knows better of its error."""
        victim = self.aim.victim
        if row.error is None:
            return row
        if victim is not None and row.region == victim.region and row.has_failed_there:
            why = (
                f"AWS did not put a replica in place of {victim.name} in {row.region}: "
                f"{row.status_message or 'no reason given'}; what it replaces and what not, its documents leave open, "
                "and nothing else was tried"
            )
            hint = "what can be done by hand: docs/runbooks/fail-back.md, 'AWS refuses'"
            return replace(row, error=replace(row.error, message=why, hint=hint))
        return replace(row, error=replace(row.error, hint=None)) if row.error.code == "NotSent" else row

    def _leave_out(self, clearing: Clearing, region: Region) -> None:
        """Leave a third Region as it is where what is there is not the victim's replica; say what is, if not ours."""
        aim = self.aim
        left = clearing.departures.pop(region)
        if not ours(aim.primary, look(self.aws, aim.primary, region)):  # else it has come already, and the list lags
            self.aside[region] = row(left, clearing.primary)

    def _under_its_key(self, target: Target) -> Target:
        """Return the target with the key that the replica which is there shows itself."""
        known = self.clearing.departures.get(target.region) if self.clearing else None
        return replace(target, kms_key=own_key(known.victim.kms_key_id)) if known and known.victim else target

    def _decided(self, target: Target) -> Step:
        """Return what to do in one Region; the victim's place is taken by force, and nothing else is."""
        primary, victim = self.aim.primary, self.aim.victim
        entry = primary.replica(target.region)
        if victim is not None and target.region == victim.region:
            if entry is not None and entry.status == IN_PROGRESS:
                return Keep(target, entry)  # asked for before, and on its way
            before = (had_failed(entry),) if entry and entry.status == FAILED else ()
            return Overwrite(target, victim, entry, before)
        if self.clearing is not None and target.region in self.clearing.departures:
            return Add(target)
        seen = look(self.aws, primary, target.region)
        return step_for(primary, target, seen, NO_CONSENT, lambda _: ())

    def _cleared(self, clearing: Clearing, gate: Gate) -> bool:
        """Remove the victim's own replicas, and tell whether they are gone; the record names them first."""
        clearer = Clearer(self.aws, gate)
        if clearing.unsent:
            going = [self._under_its_key(each) for each in self.aim.targets if each.region in clearing.unsent]
            self.write(marked(Mark.LEAVING, self.entry_arn, regions=regions(going)))
            clearer.send(clearing, clearing.unsent)
        for region in clearing.open_regions:
            clearer.look(clearing, region)
        return all(each.gone for each in clearing.departures.values())

    def _send(self, case: Case, gate: Gate) -> None:
        """Look at both sides once more, then ask for the replicas: the plain Regions at once, the victim's by force."""
        self._sent = True
        victim = self.aim.victim
        forced = [each.target.region for each in case.steps if isinstance(each, Overwrite)]
        if victim is not None and forced:
            self.error = self._moved(victim)
        if self.error is not None:
            return
        sender = Sender(self.aws, gate, "failback")
        if plain(case):
            sender.send(case, plain(case))
        for region in forced:
            sender.send(case, [region], force=True)

    def _moved(self, victim: Secret) -> Trouble | None:
        """Return why the victim may not be destroyed after all: either side is not as it was when that was decided."""
        primary = self.aim.primary
        for known in (primary, victim):
            seen = look(self.aws, known, known.region)
            if not isinstance(seen, Secret) or _state(seen) != _state(known):
                return _changed(known, seen)
            left = {each.region for each in seen.replicas} - self.aside.keys() - {primary.region}
            if known is victim and left:
                return _changed(known, seen)
        return None

    def _prove(self) -> None:
        """Hold each replica that AWS calls in sync against its primary."""
        case = self.case
        assert case is not None  # noqa: S101 - it was looked at first
        for region, course in case.courses.items():
            if course.error or course.fresh_status != IN_SYNC or self.proved.get(region) is Outcome.OK:
                continue
            primary = asked(lambda: self.aws.describe(case.primary.arn, case.primary.region))
            seen = look(self.aws, case.primary, region)
            if isinstance(primary, AwsError):
                self.proved[region] = Outcome.PENDING
                continue
            proof = prove(Sides(primary, region, seen, None, None), lambda _one, _other: True)
            kept = tuple(each for each in course.findings if each.kind is Kind.FAILED)
            case.change(region, findings=(*kept, *proof.findings), seen_there=proof.verified is True)
            valueless = proof.verified is None and not primary.stages  # nothing is held, and so nothing lags
            self.proved[region] = Outcome.OK if proof.verified or valueless else worst([Outcome.PENDING, proof.outcome])


def _state(secret: Secret) -> tuple[object, ...]:
    """Return all of a secret that tells whether it was changed."""
    return secret.arn, frozenset(secret.stages), secret.is_replica, secret.deleted, secret.rotation_enabled


def _changed(known: Secret, seen: Look) -> Trouble:
    """Return the trouble of a secret that is not what it was when it was decided what to do with it."""
    why = f": {seen.error.message}" if isinstance(seen, Unseen) and seen.error else ""
    return Trouble(
        "ChangedMeanwhile",
        f"{known.name} in {known.region} is not as it was when this was decided, and is left alone{why}",
        None,
        None,
        Outcome.PENDING,
    )
