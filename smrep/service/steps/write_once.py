"""When a write may begin, how often it is sent, and the last look before one that destroys."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
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
from smrep.rules.replication.name_owner import Absent, NameLookup, NotChecked
from smrep.service.ports import Clock, SecretsManager
from smrep.service.run_state import RunState
from smrep.service.steps.lookup import look_up_name
from smrep.service.steps.parallel import LOOK_S, parallel
from smrep.service.steps.polling import past_throttling
from smrep.service.steps.rate_limiter import RateLimiter, ReservedSlot

T = TypeVar("T")


class StopSignal(Protocol):
    """What tells threads to begin nothing more."""

    def is_set(self) -> bool:
        """Tell whether it was said."""
        ...

    def set(self) -> None:
        """Say it."""
        ...


SENDING = 4
"""How many secrets are sent for at once: AWS's 50 writes a second are shared with everybody's.
Source: aws-behavior.md 5.
"""


@dataclass(frozen=True, slots=True)
class WriteGate:
    """The one gate through which writes go; times in the clock's seconds."""

    clock: Clock
    deadline: float
    begin_until: float
    """No request is begun later than this."""
    stop: StopSignal = field(default_factory=threading.Event)
    """Once set, nothing more is sent: the run has ended, and its threads must not go on."""
    pace: RateLimiter | ReservedSlot | None = None
    """The budget that the requests of many secrets share."""

    @classmethod
    def for_run(cls, run: RunState) -> WriteGate:
        """Return a gate that closes at the run's deadline, but not before what a slow look has held up is sent."""
        return cls(run.clock, run.deadline, max(run.deadline, run.clock.monotonic() + LOOK_S))

    def __enter__(self) -> Self:
        """Open the gate for one run."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it for good, also for threads that are still at work."""
        self.stop.set()

    @property
    def closed(self) -> str | None:
        """Why nothing may be sent any more; None where something may."""
        if self.stop.is_set():
            return "the run was stopped"
        return "the deadline had passed" if self.clock.monotonic() >= self.begin_until else None

    @property
    def may_repeat(self) -> bool:
        """Whether what was not seen to be taken may be sent again: not where the deadline cut the looking short."""
        return not self.stop.is_set() and self.clock.monotonic() < self.deadline

    def send(self, request: Callable[[], T], check: Callable[[], None] | None = None) -> T:
        """Send a request: again only where AWS says that it was asked too often; `check` looks right before each time.

        Raises:
            AwsError: what came of it.
            NotSent: the run was stopped meanwhile.

        """
        answer: T = past_throttling(self.clock, self.deadline)(self._send, request, check)
        return answer

    def _send(self, request: Callable[[], T], check: Callable[[], None] | None) -> T:
        if self.pace:
            self.pace.wait()
        if check and not self.stop.is_set():
            check()  # which takes its time
        if self.stop.is_set():
            raise NotSent("not sent, since the run was stopped")
        try:
            return request()
        except Throttled:
            if self.pace:
                self.pace.throttled()
            raise


class Write:
    """One kind of write for one secret: how it is sent, how AWS shows that it acted, and its words.

    The Regions are always those of one request.
    """

    verb, preposition = "sent", "in"
    """The words of its messages: 'prod/db in us-west-2: not sent'."""

    @property
    def request_to(self) -> str:
        """The words for its request, before the Regions."""
        return "request for"

    @property
    def name(self) -> str:
        """The secret's name."""
        raise NotImplementedError

    @property
    def notes(self) -> list[str]:
        """What a person should know and no Region's row has a place for."""
        raise NotImplementedError

    @property
    def repeatable(self) -> bool:
        """Whether it may be sent again once it was not seen to be done."""
        return True

    def remember(self, regions: Sequence[Region]) -> None:
        """Keep how the Regions stand before the request."""
        raise NotImplementedError

    def check(self, due: list[Region]) -> None:
        """Look right before the request, and take off the list what may not be written.

        Raises:
            ChangedMeanwhile: nothing of it may be.
            Throttled: AWS was asked too often.

        """

    def request(self, regions: Sequence[Region]) -> object:
        """Mark the Regions as sent, call AWS, and return its answer."""
        raise NotImplementedError

    def accept(self, regions: Sequence[Region], answer: Any) -> None:
        """Take in AWS's answer."""
        raise NotImplementedError

    def undo(self, regions: Sequence[Region]) -> None:
        """Put the Regions back to how they stood before the request: AWS has not acted."""
        raise NotImplementedError

    def fail(self, regions: Sequence[Region], error: SmrepError) -> None:
        """Give the Regions the error as their end."""
        raise NotImplementedError

    def find(self, regions: Sequence[Region]) -> bool:
        """Look whether AWS acted on a request without an answer; return whether the last look had an answer."""
        raise NotImplementedError

    def is_lost(self, region: Region) -> bool:
        """Return whether AWS was not seen to act in the Region."""
        raise NotImplementedError

    def still_due(self, region: Region) -> bool:  # noqa: ARG002 - others look into the Region
        """Look once more before a second request; return whether the Region needs it."""
        return True

    def left(self, regions: Sequence[Region], error: AwsError) -> list[Region]:  # noqa: ARG002 - as above
        """Return those of the refused Regions in which nobody else has done it meanwhile."""
        return list(regions)

    def command(self, regions: Sequence[Region]) -> str:
        """Return the command that asks for these Regions again."""
        raise NotImplementedError

    def explain(self, regions: Sequence[Region], error: AwsError) -> AwsError:
        """Return a refusal with the secret and the Regions named, and what to do about it."""
        raise NotImplementedError

    def not_shown(self, regions: Sequence[Region], *, looked: bool) -> str:  # noqa: ARG002 - as above
        """Return the words for a request of which nothing is seen; `looked`: the last look had an answer."""
        return f"AWS's list {'does not show that it was taken' if looked else 'could not be read'}"

    def leave_out(self, regions: Sequence[Region], why: str) -> None:
        """Send nothing for these Regions, and say why and how to ask again."""
        message = f"{self.name} {self.preposition} {', '.join(regions)}: not {self.verb}, since {why}"
        self.fail(regions, NotSent(message, self.command(regions)))


def write_once(write: Write, regions: Sequence[Region], gate: WriteGate, *, again: bool = False) -> None:
    """Send a write once, and take in what comes of it.

    A lost answer is looked for; only what a look shows to be undone, and may be repeated, is sent a second time. A
    refusal of several Regions may be due to one of them, so each is then asked for by itself.

    Raises:
        CredentialsError: no further call can succeed.

    """
    due = list(regions)
    if gate.closed:
        write.leave_out(due, gate.closed)
        return
    write.remember(due)
    try:
        answer = gate.send(partial(write.request, due), partial(write.check, due))
    except ChangedMeanwhile as error:
        write.undo(due)
        write.fail(due, error)
    except NotSent:
        write.undo(due)
        write.leave_out(due, "the run was stopped")
    except Unanswered as error:
        _find_lost_answer(write, due, gate, error, again=again)
    except AwsError as error:
        if again and isinstance(error, Refused | NotFound):
            write.notes.append(f"the {write.request_to} {', '.join(due)} was refused the second time: {error.words}")
            return
        write.undo(due)
        if isinstance(error, CredentialsError):
            raise
        left = write.left(due, error)
        if len(due) > 1 and isinstance(error, Denied | Refused):
            for region in left:
                write_once(write, [region], gate, again=again)
        elif left:
            write.fail(left, write.explain(left, error))
    else:
        write.accept(due, answer)


def _find_lost_answer(
    write: Write, regions: Sequence[Region], gate: WriteGate, error: Unanswered, *, again: bool
) -> None:
    """Find out whether AWS acted on a request without an answer, and repeat it where that is safe."""
    looked = write.find(regions)
    may_repeat = looked and write.repeatable and not again and gate.may_repeat
    repeat = [region for region in regions if may_repeat and write.is_lost(region) and write.still_due(region)]
    if repeat:
        write_once(write, repeat, gate, again=True)
    lost = [region for region in regions if region not in repeat and write.is_lost(region)]
    if lost:
        request = f"{write.request_to} {', '.join(lost)}"
        shown = write.not_shown(lost, looked=looked)
        write.notes.append(f"no answer came to the {request} ({error.words}), and {shown}")


def send_in_batches(send: Callable[[T], None], items: Sequence[T], run: RunState) -> None:
    """Send for a few secrets at a time, and tell the run's observer after each few."""
    for first in range(0, len(items), SENDING):
        parallel(send, items[first : first + SENDING], pulse=run.heartbeat)
        run.update()


def identity(secret: Secret) -> tuple[object, ...]:
    """Return what tells one secret in its role from another: a replica's by its primary's Region."""
    if secret.is_replica:
        return secret.arn, secret.primary_region
    return secret.arn, None, secret.deleted, secret.rotation_enabled


def state_of(secret: Secret) -> tuple[object, ...]:
    """Return what must be as it was shown: of a replica the identity, of a standalone secret the versions as well."""
    return identity(secret) if secret.is_replica else (*identity(secret), frozenset(secret.stages))


def check_shown(
    aws: SecretsManager, shown: Secret, again: str | None, *, may_list: Collection[Region] = (), written: bool = False
) -> None:
    """Look at a secret once more, and let it be destroyed; `again` is the command to type if it may not be.

    A standalone secret may list `may_list` as its replicas' Regions, and no other. With `written`, its versions may be
    others by now: it is not what is destroyed.

    Raises:
        ChangedMeanwhile: it is not as it was shown, or could not be looked at.
        CredentialsError: no further call can succeed.
        Throttled: AWS was asked too often.

    """
    seen = look_up_name(aws, shown, shown.region)
    compare(shown, seen, shown.name, shown.region, again, written=written)
    listed = {each.region for each in seen.replicas} - {*may_list} if isinstance(seen, Secret) and not written else ()
    if listed:
        raise _changed(shown.name, shown.region, f"it has replicas in {', '.join(sorted(listed))}", again)


def compare(  # noqa: PLR0913 - what was shown may be nothing, which bears no name
    shown: Secret | None, seen: NameLookup, name: str, region: Region, again: str | None, *, written: bool = False
) -> None:
    """Hold a fresh look into a Region against what was shown of it; None where nothing was there.

    A replica that is gone is let through: a request that removes it destroys nothing any more.

    Raises:
        ChangedMeanwhile: they differ, or there was no look.
        Throttled: AWS was asked too often.

    """
    if isinstance(seen, NotChecked):
        if isinstance(seen.error, Throttled):
            raise seen.error
        why = f": {seen.error.words}" if seen.error else ""
        outcome = seen.error.outcome if seen.error else Unchecked.outcome
        raise Unchecked(f"{name} in {region} could not be checked again, so it was skipped{why}", again, outcome)
    if isinstance(seen, Absent):
        if seen.to_the_arn:
            skipped = f"{name} in {region} could not be checked again, so it was skipped"
            why = "only the account that owns it can tell what has that name there"
            raise Unchecked(f"{skipped}: {why}", again, Outcome.ACCESS)
        if shown is None or shown.is_replica:
            return
        raise _changed(name, region, "nothing has that name there now", again)
    if shown is None:
        raise _changed(name, region, f"nothing was there, and now {seen.arn} is", again)
    of = identity if written else state_of
    if of(seen) != of(shown):
        raise _changed(name, region, _difference(shown, seen), again)


def _changed(name: str, region: Region, what: str, again: str | None) -> ChangedMeanwhile:
    return ChangedMeanwhile(f"{name} in {region} is no longer as it was shown, so it was skipped: {what}", again)


def _difference(shown: Secret, seen: Secret) -> str:
    if seen.arn != shown.arn:
        return f"{seen.arn} is there now, and {shown.arn} was shown"
    if seen.is_replica:
        return f"it is a replica of {seen.primary_region} now"
    if shown.is_replica:
        return "it was promoted"
    if seen.deleted != shown.deleted:
        return "its deletion was scheduled or canceled"
    if seen.rotation_enabled != shown.rotation_enabled:
        return f"its rotation was turned {'on' if seen.rotation_enabled else 'off'}"
    return "its versions were changed"
