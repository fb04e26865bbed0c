"""Whose the credentials are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from smrep.errors import AwsError, CredentialsError
from smrep.regions import Region
from smrep.report import SecretReport
from smrep.service.abreast import LOOK_S, abreast
from smrep.service.ports import Account

ASIDE_S = 2 * LOOK_S
"""For how long STS and the account's Regions are waited for: they are asked besides, and nothing hangs on them."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is behind the credentials; `arn` is None where STS did not tell, for the reason `why`."""

    arn: str | None
    why: str = ""

    @property
    def account(self) -> str | None:
        """The account's twelve digits."""
        return self.arn.split(":")[4] if self.arn else None

    @property
    def sentence(self) -> str:
        """Whose credentials these are, in words."""
        return (
            f"the credentials are of {self.arn}" if self.arn else f"whose credentials these are is not told: {self.why}"
        )

    def strangers(self, secrets: Sequence[SecretReport]) -> list[str]:
        """Return the ARNs of the secrets that belong to another account."""
        owned = [(each.arn, each.arn.split(":")[4]) for each in secrets if each.arn and self.account]
        return [arn for arn, account in owned if account != self.account]


def caller(account: Account, home: Region) -> Caller:
    """Ask STS in a Region whose the credentials are.

    Raises:
        CredentialsError: they are not accepted.

    """

    def ask(_: None) -> Caller:
        try:
            return Caller(account.caller(home))
        except CredentialsError:
            raise
        except AwsError as error:
            return Caller(None, error.message)

    (found,) = abreast(ask, [None], late=lambda _: Caller(None, "no answer came in time"), patience_s=ASIDE_S)
    return found
