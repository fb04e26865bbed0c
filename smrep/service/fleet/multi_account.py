"""Handle failed accounts and mass denials in a run over several accounts."""

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
    """Remembers accounts in which no further call can succeed, or that could not be listed."""

    lost: list[tuple[Inventory, Problem]] = field(default_factory=list)

    @contextmanager
    def isolated(self, inventory: Inventory, *, alone: bool) -> Iterator[None]:
        """Contain an account's failure, unless it is the only account.

        Raises:
            SmrepError: the only account failed.

        """
        try:
            yield
        except (AwsError, ConfigurationError) as error:
            if alone:
                raise
            self.lose(inventory, error)

    def lose(self, inventory: Inventory, error: SmrepError) -> None:
        """Remember the first error that ended an account."""
        if not self.has_lost(inventory):
            self.lost.append((inventory, Problem.of(error)))

    def has_lost(self, inventory: Inventory) -> bool:
        """Return whether the account has ended."""
        return any(lost_inventory is inventory for lost_inventory, _ in self.lost)

    def check(self, count: int) -> None:
        """Raise if accounts were lost, out of `count`.

        Raises:
            SomeAccountsLost: with the worst of their outcomes.

        """
        if self.lost:
            raise SomeAccountsLost(
                f"{len(self.lost)} of {count} accounts failed; the result covers only the others",
                next((trouble.hint for _, trouble in self.lost if trouble.hint), None),
                worst(trouble.outcome for _, trouble in self.lost),
                tuple(f"{_named(inventory)}: {trouble.message}" for inventory, trouble in self.lost),
            )


def _named(inventory: Inventory) -> str:
    role = inventory.scope.role
    return f"{role.place}, account {role.account}" if role else f"the account of {inventory.scope.home}"


ENOUGH = 10
"""Number of calls, all denied, after which no more are made."""


@dataclass(slots=True)
class DenialBreaker:
    """Counts denials from all threads until a call is allowed."""

    _denied: int = 0
    _allowed: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, *, denied: bool) -> None:
        """Record a call's result."""
        with self._lock:
            self._denied += denied
            self._allowed = self._allowed or not denied

    @property
    def are_enough(self) -> bool:
        """Whether all calls so far were denied, and often enough."""
        return self._denied >= ENOUGH and not self._allowed

    def check(self, where: str) -> None:
        """Allow a look at `where`.

        Raises:
            Denied: all looks before it were denied.

        """
        if self.are_enough:
            raise Denied("not checked, because AWS denied every request before it", where)
