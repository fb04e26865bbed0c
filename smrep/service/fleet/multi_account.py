"""What a run over several accounts does when one of them fails or denies too much."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from smrep.errors import AwsError, ConfigurationError, Denied, SmrepError, SomeAccountsLost
from smrep.report import Problem
from smrep.rules.replication.replica_state import worst
from smrep.service.fleet.inventory import Inventory


@dataclass(slots=True)
class Accounts:
    """Remembers the accounts in which no further call can succeed, or whose secrets could not be listed."""

    lost: list[tuple[Inventory, Problem]] = field(default_factory=list)

    @contextmanager
    def each(self, estate: Inventory, *, alone: bool) -> Iterator[None]:
        """Let what is done in one account end there, unless the run is about no other.

        Raises:
            SmrepError: it ended, and is the only one.

        """
        try:
            yield
        except (AwsError, ConfigurationError) as error:
            if alone:
                raise
            self.lose(estate, error)

    def lose(self, estate: Inventory, error: SmrepError) -> None:
        """Remember what ended an account, the first of all troubles."""
        if not self.has_lost(estate):
            self.lost.append((estate, Problem.of(error)))

    def has_lost(self, estate: Inventory) -> bool:
        """Tell whether the account has ended."""
        return any(each is estate for each, _ in self.lost)

    def check(self, count: int) -> None:
        """Say at the end which of so many accounts were lost.

        Raises:
            SomeAccountsLost: some were; with the worst of their outcomes.

        """
        if self.lost:
            raise SomeAccountsLost(
                f"{len(self.lost)} of {count} accounts could not be dealt with; the result is about the others",
                next((trouble.hint for _, trouble in self.lost if trouble.hint), None),
                worst(trouble.outcome for _, trouble in self.lost),
                tuple(f"{_named(estate)}: {trouble.message}" for estate, trouble in self.lost),
            )


def _named(estate: Inventory) -> str:
    role = estate.scope.role
    return f"{role.place}, account {role.account}" if role else f"the account of {estate.scope.home}"


ENOUGH = 10
"""After so many calls all of which were denied, no more are made."""


@dataclass(slots=True)
class DenialBreaker:
    """Counts what was denied, from whichever thread, until anything is allowed."""

    _denied: int = 0
    _allowed: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, *, denied: bool) -> None:
        """Take in how a call ended."""
        with self._lock:
            self._denied += denied
            self._allowed = self._allowed or not denied

    @property
    def are_enough(self) -> bool:
        """Whether everything was denied, and often enough."""
        return self._denied >= ENOUGH and not self._allowed

    def check(self, where: str) -> None:
        """Let a look at `where` be made.

        Raises:
            Denied: every look before it was denied.

        """
        if self.are_enough:
            raise Denied("not looked at, since every look before it was denied", where)
