"""The simulated AWS, with all its accounts."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import RLock
from typing import Any

from smrep.sandbox.faults import Faults
from smrep.sandbox.simulator.account_calls import Account, Call, catch_up
from smrep.sandbox.simulator.account_state import AccountState
from smrep.sandbox.simulator.api_errors import ApiError
from smrep.sandbox.simulator.callers import Callers
from smrep.sandbox.simulator.key_store import KeyStore
from smrep.sandbox.simulator.organization_tree import OrganizationTree
from smrep.sandbox.simulator.snapshot import Snapshot, restore, take_snapshot

__all__ = ["Account", "ApiError", "Call", "Simulator"]


class Simulator(Account):
    """An AWS account in memory, in every Region, and access to other accounts.

    Time passes only in `now` (epoch seconds). One lock makes it thread-safe. `log` has the calls of all accounts,
    including refused ones. Accounts share only the clock, the faults and the callers.
    """

    def __init__(
        self,
        *,
        now: Callable[[], float],
        rng: random.Random,
        faults: Faults = Faults(),  # noqa: B008 - a frozen value
        account_id: str = "123456789012",
    ) -> None:
        states: dict[str, AccountState] = {}
        states[account_id] = AccountState(account_id, rng, faults, KeyStore(account_id), Callers(), accounts=states)
        super().__init__(states[account_id], now=now, log=[], lock=RLock(), listeners=[])
        self._accounts: dict[str, Account] = {account_id: self}

    @property
    def faults(self) -> Faults:
        """Return the faults of all accounts; assign another value to change them."""
        return self._state.faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        with self._lock:
            for account in self._accounts.values():
                account.set_faults(faults)

    def advance(self) -> None:
        """Carry out the events of all accounts that are due."""
        with self._lock:
            at = self.now()
            for state in self._state.accounts.values():
                catch_up(state, at)
                state.report_change(at, None)

    def change_faults(self, change: Callable[[Faults], Faults]) -> Faults:
        """Replace the faults by `change` of them, in one step; return the new ones."""
        with self._lock:
            self.faults = change(self.faults)
            return self.faults

    def account(self, account_id: str) -> Account:
        """Return an account, which is created empty; its calls are those of its only user.

        Raises: ValueError for an id that is not twelve digits.
        """
        with self._lock:
            if account_id not in self._accounts:
                if not re.fullmatch(r"\d{12}", account_id, re.ASCII):
                    raise ValueError(f"an account id is twelve digits, not {account_id!r}")
                first = self._state
                state = first.accounts[account_id] = AccountState(
                    account_id,
                    first.rng,
                    first.faults,
                    KeyStore(account_id),
                    first.callers,
                    accounts=first.accounts,
                    organization=first.organization,
                )
                self._accounts[account_id] = Account(
                    state, now=self.now, log=self.log, lock=self._lock, listeners=self.listeners
                )
            return self._accounts[account_id]

    def call(
        self,
        service: str,
        operation: str,
        region: str,
        params: dict[str, Any],
        *,
        access_key: str = "",
    ) -> dict[str, Any]:
        """Carry out one call, as `Account.call` does, in the account of its access key.

        Raises: ApiError.
        """
        account = self.account(self._state.callers.find_account(access_key) or self.account_id)
        if account is self:
            return super().call(service, operation, region, params, access_key=access_key)
        return account.call(service, operation, region, params, access_key=access_key)

    def take_snapshot(self) -> Snapshot:
        """Return the current state of all accounts; it never changes afterwards."""
        with self._lock:
            return take_snapshot(self.account_id, self._state.accounts.values(), self._state.callers)

    def restore(self, snapshot: Snapshot) -> None:
        """Fill a new simulator from a snapshot, and carry out events that have become due since.

        Raises: ValueError for another first account, or a policy that `put_role` would refuse.
        """
        if snapshot.account_id != self.account_id:
            raise ValueError(f"its first account is {snapshot.account_id}, not {self.account_id}")
        with self._lock:
            for account in snapshot.accounts:
                self.account(account.account_id)
            restore(snapshot, self._state.accounts, self._state.callers)
            self.advance()

    def put_organization(self, tree: OrganizationTree | None) -> None:
        """Replace the organization of all accounts; a snapshot does not keep it."""
        with self._lock:
            for state in self._state.accounts.values():
                state.organization = tree

    def put_trust(self, role_arn: str, external_id: str) -> None:
        """Require an external id to assume a role."""
        with self._lock:
            self._state.callers.require_external_id(role_arn, external_id)

    @contextmanager
    def observed(self, on_change: Callable[[AccountState, float, str | None], None]) -> Iterator[None]:
        """Call `on_change` after each change in the first account until the context ends."""
        with self._lock:
            self._state.on_change = on_change
            self.advance()
        try:
            yield
        finally:
            with self._lock:
                self.advance()
                self._state.on_change = None

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        """Suspend faults, delays, the log and all other callers within the context."""
        with self._lock:
            faults, logged = self.faults, len(self.log)
            self.faults = Faults(replication_delay_s=0.0, removal_delay_s=0.0, force_delete_delay_s=0.0)
            try:
                yield
            finally:
                self.faults = faults
                del self.log[logged:]
