"""Several accounts in one run: what ends one of them does not end the others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from smrep.errors import AwsError, ConfigurationError, SmrepError, SomeAccountsLost
from smrep.report import Trouble
from smrep.rules.settle import worst
from smrep.service.estate import Estate


@dataclass(slots=True)
class Accounts:
    """Remembers the accounts in which no further call can succeed, or whose secrets could not be listed."""

    lost: list[tuple[Estate, Trouble]] = field(default_factory=list)

    @contextmanager
    def each(self, estate: Estate, *, alone: bool) -> Iterator[None]:
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

    def lose(self, estate: Estate, error: SmrepError) -> None:
        """Remember what ended an account, the first of all troubles."""
        if not self.has_lost(estate):
            self.lost.append((estate, Trouble.of(error)))

    def has_lost(self, estate: Estate) -> bool:
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


def _named(estate: Estate) -> str:
    role = estate.scope.role
    return f"{role.place}, account {role.account}" if role else f"the account of {estate.scope.home}"
