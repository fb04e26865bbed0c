"""Work through the accounts of a run, with their failures and mass denials."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from smrep.errors import AwsError, ConfigurationError, Denied, SmrepError, SomeAccountsLost
from smrep.report import Problem
from smrep.rules.replication.replica_state import worst
from smrep.service.fleet.inventory import Inventory
from smrep.service.run_state import RunState
from smrep.service.steps.parallel import parallel


class AccountWork(Protocol):
    """Work in one account."""

    @property
    def inventory(self) -> Inventory:
        """The account's inventory."""
        ...


W = TypeVar("W", bound=AccountWork)


@dataclass(slots=True)
class Accounts:
    """Remembers accounts in which no further call can succeed, or that could not be listed."""

    width: int = 8
    """Number of accounts worked on at once."""
    lost: list[tuple[Inventory, Problem]] = field(default_factory=list)

    def each(self, work: Callable[[W], None], accounts: Sequence[W], run: RunState) -> None:
        """Do the work in each account, in a few at once; a failed one does not stop the others.

        Raises:
            SmrepError: the only account failed, or no further call can succeed in any.

        """
        alone = len(accounts) == 1

        def isolated(account: W) -> None:
            with self.isolated(account.inventory, alone=alone):
                work(account)

        if alone:
            accounts[0].inventory.pulse = run.update  # of several, it is not called in their threads
            isolated(accounts[0])
        else:
            parallel(isolated, self.living(accounts), width=self.width, pulse=run.heartbeat)
            order = {id(account.inventory): place for place, account in enumerate(accounts)}
            self.lost.sort(key=lambda loss: order[id(loss[0])])
        run.update()

    def living(self, accounts: Sequence[W]) -> list[W]:
        """Return the accounts that are not lost."""
        lost = {id(inventory) for inventory, _ in self.lost}
        return [account for account in accounts if id(account.inventory) not in lost]

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
        if not any(lost_inventory is inventory for lost_inventory, _ in self.lost):
            self.lost.append((inventory, Problem.of(error)))

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
