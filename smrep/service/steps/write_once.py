"""Decide when and how often to send a write, and look once more before a destructive one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol, Self, TypeVar

from smrep.errors import (
    AwsError,
    ChangedMeanwhile,
    CredentialsError,
    Denied,
    NotFound,
    NotSent,
    Outcome,
    Refused,
    SmrepError,
    Throttled,
    Unanswered,
    Unchecked,
)
from smrep.model import Secret
from smrep.regions import Region
from smrep.report import Problem
from smrep.rules.hints import step
from smrep.rules.replication.name_owner import NameLookup, NoSecret, NotChecked
from smrep.service.ports import Clock, SecretsManager
from smrep.service.run_state import RunState
from smrep.service.steps.lookup import look_up_name
from smrep.service.steps.parallel import LOOK_S, parallel
from smrep.service.steps.polling import retry_throttled
from smrep.service.steps.rate_limiter import WRITES_A_SECOND, RateLimiter, ReservedSlot

T = TypeVar("T")


class StopSignal(Protocol):
    """Tells threads to start nothing more."""

    def is_set(self) -> bool:
        """Return whether a stop was requested."""
        ...

    def set(self) -> None:
        """Request a stop."""
        ...


PARALLEL_WRITES = 4
"""Number of secrets to send for in parallel: all users of the account share AWS's 50 writes a second.
Source: aws-behavior.md 5.
"""


@dataclass(frozen=True, slots=True)
class WriteGate:
    """Gate for all writes of a run; times in the clock's seconds."""

    clock: Clock
    deadline: float
    begin_until: float
    """Latest time to begin a request."""
    stop: StopSignal = field(default_factory=threading.Event)
    """Once set, nothing more is sent: the run has ended, and its threads must stop."""
    pace: RateLimiter | ReservedSlot | None = None
    """Rate limit shared by all secrets."""

    @classmethod
    @contextmanager
    def for_run(cls, run: RunState, rate: float = WRITES_A_SECOND) -> Iterator[Self]:
        """Open a gate that closes at the run's deadline, but still sends after a slow look.

        In the end it closes for good, also for threads still at work.
        """
        begin_until = max(run.deadline, run.clock.monotonic() + LOOK_S)
        gate = cls(run.clock, run.deadline, begin_until, pace=RateLimiter(run.clock, rate))
        try:
            yield gate
        finally:
            gate.stop.set()

    @property
    def closed(self) -> str | None:
        """Reason why nothing more may be sent; None if it may."""
        if self.stop.is_set():
            return "the run was stopped"
        return "the deadline had passed" if self.clock.monotonic() >= self.begin_until else None

    @property
    def may_repeat(self) -> bool:
        """Whether a request without visible effect may be repeated: not if the deadline cut the look short."""
        return not self.stop.is_set() and self.clock.monotonic() < self.deadline

    def send(self, request: Callable[[], T], check: Callable[[], None] | None = None) -> T:
        """Send a request, and repeat it only if throttled; `check` runs right before each attempt.

        Raises:
            AwsError: AWS refused or did not answer.
            NotSent: the gate closed meanwhile; the message says why.

        """
        pace = self.pace
        if isinstance(pace, RateLimiter):
            pace.wait()
            if why := self.closed:  # its turn came too late
                raise NotSent(why)
            pace = ReservedSlot(pace)
        answer: T = retry_throttled(self.clock, self.deadline)(self._send, request, check, pace)
        return answer

    def _send(self, request: Callable[[], T], check: Callable[[], None] | None, pace: ReservedSlot | None) -> T:
        if pace:
            pace.wait()
        if check and not self.stop.is_set():
            check()  # takes its time
        if self.stop.is_set():
            raise NotSent("the run was stopped")
        try:
            return request()
        except Throttled:
            if pace:
                pace.throttled()
            raise


@dataclass(eq=False)
class Write:
    """One kind of write for one secret: its request, how to see its effect, and its messages.

    The Regions are always those of one request.
    """

    verb, preposition = "sent", "in"
    """Words for messages: 'prod/db in us-west-2: not sent'."""
    request_to = "request for"
    """Words before the Regions in messages about the request."""
    not_shown = "AWS's list does not show that it was accepted"
    """Words about a request without visible effect."""
    not_read = "AWS's list could not be read"
    """Words about a request whose effect could not be looked for."""
    permission = ""
    """Permission that a denied request lacks."""
    repeatable = True
    """Whether to repeat a request without visible effect."""

    gate: WriteGate
    name: str
    """The secret's name."""
    notes: list[str]
    """Its notes that fit no Region's row."""
    states: dict[Region, Any]
    """The state of each Region."""
    before: dict[Region, Any] = field(default_factory=dict)
    """The states before the request."""

    def remember(self, regions: Sequence[Region]) -> None:
        """Remember the Regions' states before the request."""
        self.before = {region: self.states[region] for region in regions}

    def check(self, regions: list[Region]) -> None:
        """Look right before the request, and drop the Regions that may not be written.

        Raises:
            ChangedMeanwhile: none may be written.
            Throttled: AWS throttled the look.

        """

    def request(self, regions: Sequence[Region]) -> object:
        """Mark the Regions as sent, call AWS, and return its answer."""
        raise NotImplementedError

    def accept(self, regions: Sequence[Region], answer: Any = None) -> None:  # noqa: ARG002 - others read it
        """Record that AWS accepted the request."""
        for region in regions:
            self.states[region] = replace(self.states[region], accepted=True)

    def undo(self, regions: Sequence[Region]) -> None:
        """Restore the Regions' states: AWS has not acted."""
        self.states.update({region: self.before[region] for region in regions})

    def fail(self, regions: Sequence[Region], error: SmrepError) -> None:
        """Record the error for the Regions."""
        for region in regions:
            self.states[region] = replace(self.states[region], error=Problem.of(error))

    def find(self, regions: Sequence[Region]) -> bool:
        """Look for the effect of a request without an answer; return whether the last look was answered."""
        raise NotImplementedError

    def is_lost(self, region: Region) -> bool:
        """Return whether no effect was seen in the Region."""
        return not self.states[region].accepted

    def still_due(self, region: Region) -> bool:  # noqa: ARG002 - others look into the Region
        """Look once more before a repeat; return whether the Region needs it."""
        return True

    def still_refused(self, regions: Sequence[Region], error: AwsError) -> list[Region]:  # noqa: ARG002 - as above
        """Return the refused Regions, except those that someone else has done meanwhile."""
        return list(regions)

    def command(self, regions: Sequence[Region]) -> str:
        """Return the command that retries these Regions."""
        raise NotImplementedError

    def explain(self, regions: Sequence[Region], error: AwsError) -> AwsError:
        """Add the secret, the Regions and the next step to a refusal."""
        error.about(f"{self.name} {self.preposition} {', '.join(regions)}")
        if isinstance(error, Denied):
            error.hint = error.allowing(self.permission)
        return error

    def leave_out(self, regions: Sequence[Region], why: str) -> None:
        """Skip these Regions, with the reason and the command to retry."""
        message = f"{self.name} {self.preposition} {', '.join(regions)}: not {self.verb}, because {why}"
        self.fail(regions, NotSent(message, try_again(self.command(regions))))


def write_once(write: Write, regions: Sequence[Region], gate: WriteGate, *, again: bool = False) -> None:
    """Send a write once, and record the result.

    After a lost answer, look; repeat only what was not done and may be repeated. One Region can cause the refusal of
    several, so retry each by itself.

    Raises:
        CredentialsError: no further call can succeed.

    """
    remaining = list(regions)
    if gate.closed:
        write.leave_out(remaining, gate.closed)
        return
    write.remember(remaining)
    try:
        answer = gate.send(partial(write.request, remaining), partial(write.check, remaining))
    except ChangedMeanwhile as error:
        write.undo(remaining)
        write.fail(remaining, error)
    except NotSent as error:
        write.undo(remaining)
        write.leave_out(remaining, error.message)
    except Unanswered as error:
        _find_lost_answer(write, remaining, gate, error, again=again)
    except AwsError as error:
        if again and isinstance(error, Refused | NotFound):
            write.notes.append(f"AWS refused the repeated {write.request_to} {', '.join(remaining)}: {error.words}")
            return
        write.undo(remaining)
        if isinstance(error, CredentialsError):
            raise
        refused = write.still_refused(remaining, error)
        if len(remaining) > 1 and isinstance(error, Denied | Refused):
            for region in refused:
                write_once(write, [region], gate, again=again)
        elif refused:
            write.fail(refused, write.explain(refused, error))
    else:
        write.accept(remaining, answer)


def _find_lost_answer(
    write: Write, regions: Sequence[Region], gate: WriteGate, error: Unanswered, *, again: bool
) -> None:
    """Look whether AWS acted on a request without an answer, and repeat it if that is safe."""
    looked = write.find(regions)
    may_repeat = looked and write.repeatable and not again and gate.may_repeat
    repeat = [region for region in regions if may_repeat and write.is_lost(region) and write.still_due(region)]
    if repeat:
        write_once(write, repeat, gate, again=True)
    lost = [region for region in regions if region not in repeat and write.is_lost(region)]
    if lost:
        request, shown = f"{write.request_to} {', '.join(lost)}", write.not_shown if looked else write.not_read
        write.notes.append(f"no answer came to the {request} ({error.words}), and {shown}")


def try_again(command: str) -> str:
    """Return the hint for a request that was not sent."""
    return step("try again", command)


def send_in_batches(send: Callable[[T], None], items: Sequence[T], run: RunState) -> None:
    """Send for a few secrets at a time, and update the run's observer after each batch."""
    for first in range(0, len(items), PARALLEL_WRITES):
        parallel(send, items[first : first + PARALLEL_WRITES], pulse=run.heartbeat)
        run.update()


def identity(secret: Secret) -> tuple[object, ...]:
    """Return what identifies a secret in its role; a replica's includes its primary's Region."""
    if secret.is_replica:
        return secret.arn, secret.primary_region
    return secret.arn, None, secret.deleted, secret.rotation_enabled


def state_of(secret: Secret) -> tuple[object, ...]:
    """Return the state that must not change: a replica's identity; for a standalone secret, the versions too."""
    return identity(secret) if secret.is_replica else (*identity(secret), frozenset(secret.stages))


def check_shown(
    aws: SecretsManager, shown: Secret, again: str | None, *, may_list: Collection[Region] = (), written: bool = False
) -> None:
    """Look at a secret once more before it is destroyed; `again` is the command to retry.

    A standalone secret may list only `may_list` as its replicas' Regions. With `written`, its versions may have
    changed, because it is not destroyed.

    Raises:
        ChangedMeanwhile: it changed, or could not be checked.
        CredentialsError: no further call can succeed.
        Throttled: AWS throttled the look.

    """
    seen = look_up_name(aws, shown, shown.region)
    compare(shown, seen, shown.name, shown.region, again, written=written)
    listed = (
        {replica.region for replica in seen.replicas} - {*may_list} if isinstance(seen, Secret) and not written else ()
    )
    if listed:
        raise _changed(shown.name, shown.region, f"it has replicas in {', '.join(sorted(listed))}", again)


def compare(  # noqa: PLR0913 - what was shown may be nothing, which bears no name
    shown: Secret | None, seen: NameLookup, name: str, region: Region, again: str | None, *, written: bool = False
) -> None:
    """Compare a fresh look into a Region with what was shown; None if nothing was.

    A replica that is gone passes: removing it destroys nothing.

    Raises:
        ChangedMeanwhile: they differ, or the look failed.
        Throttled: AWS throttled the look.

    """
    if isinstance(seen, NotChecked):
        if isinstance(seen.error, Throttled):
            raise seen.error
        why = f": {seen.error.words}" if seen.error else ""
        outcome = seen.error.outcome if seen.error else Unchecked.outcome
        raise Unchecked(f"{name} in {region} could not be checked again, so it was skipped{why}", again, outcome)
    if isinstance(seen, NoSecret):
        if seen.only_by_arn:
            skipped = f"{name} in {region} could not be checked again, so it was skipped"
            why = "only its own account can check which secret has the name there"
            raise Unchecked(f"{skipped}: {why}", again, Outcome.ACCESS)
        if shown is None or shown.is_replica:
            return
        raise _changed(name, region, "no secret has that name now", again)
    if shown is None:
        raise _changed(name, region, f"no secret had that name, and now {seen.arn} has it", again)
    of = identity if written else state_of
    if of(seen) != of(shown):
        raise _changed(name, region, _difference(shown, seen), again)


def _changed(name: str, region: Region, difference: str, again: str | None) -> ChangedMeanwhile:
    return ChangedMeanwhile(f"{name} in {region} changed after it was shown, so it was skipped: {difference}", again)


def _difference(shown: Secret, seen: Secret) -> str:
    if seen.arn != shown.arn:
        return f"it is now {seen.arn}, and {shown.arn} was shown"
    if seen.is_replica:
        return f"it is now a replica of {seen.primary_region}"
    if shown.is_replica:
        return "it was promoted"
    if seen.deleted != shown.deleted:
        return "its deletion was scheduled or canceled"
    if seen.rotation_enabled != shown.rotation_enabled:
        return f"its rotation was turned {'on' if seen.rotation_enabled else 'off'}"
    return "its versions were changed"
