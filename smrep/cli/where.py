"""Where the primary lives, and who says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from smrep.errors import ConfigurationError, UsageError
from smrep.model import SecretId, parse_arn
from smrep.regions import Region, parse_region
from smrep.rules.asked import Address

HOME_VARIABLES = ("SMREP_PRIMARY_REGION", "AWS_REGION", "AWS_DEFAULT_REGION")
"""The variables that name the primary's Region, the first one first."""


@dataclass(frozen=True, slots=True)
class Where:
    """The secrets with their Regions, and who named each Region."""

    addresses: tuple[Address, ...]
    sources: Mapping[Region, str]
    """Region -> `arn`, `--primary-region`, the name of a variable, or `profile`."""

    @property
    def region(self) -> Region | None:
        """The Region of the run; None where it has several."""
        return next(iter(self.sources)) if len(self.sources) == 1 else None

    @property
    def source(self) -> str | None:
        """Who named the Region or the Regions."""
        return ", ".join(dict.fromkeys(self.sources.values())) or None


def locate(
    secrets: Sequence[SecretId],
    flag: Region | None,
    env: Mapping[str, str],
    profile: Callable[[], str | None],
    *,
    needed: bool = False,
) -> Where:
    """Return each secret's Region: its ARN's, else the flag's, the environment's, the profile's.

    `needed` names a Region also where there are no secrets.

    Raises:
        UsageError: the flag contradicts an ARN, or a Region is none.
        ConfigurationError: nobody names a Region.

    """
    sources: dict[Region, str] = {}
    addresses = []
    common: tuple[Region, str] | None = None
    for secret in secrets:
        if secret.startswith("arn:"):
            region, source = parse_arn(secret, "secretsmanager").region, "arn"
            if flag and flag != region:
                raise UsageError(
                    f"--primary-region {flag} contradicts the ARN {secret}, which is of {region}",
                    f"leave --primary-region out, or name the secret of {flag}",
                )
        else:
            common = common or _common(flag, env, profile)
            region, source = common
        sources[region] = source
        addresses.append(Address(secret, region))
    if needed and not sources:
        region, source = _common(flag, env, profile)
        sources[region] = source
    return Where(tuple(addresses), sources)


def _common(flag: Region | None, env: Mapping[str, str], profile: Callable[[], str | None]) -> tuple[Region, str]:
    """Return the Region for the secrets that are no ARN, and its source."""
    if flag:
        return flag, "--primary-region"
    for variable in HOME_VARIABLES:
        if env.get(variable):
            return _parsed(env[variable], variable), variable
    named = profile()
    if named:
        return _parsed(named, "the profile"), "profile"
    raise ConfigurationError(
        "no Region is known for the primary: no ARN, flag, variable or profile names one",
        "name it: --primary-region REGION, or export AWS_REGION=REGION",
    )


def _parsed(text: str, source: str) -> Region:
    try:
        return parse_region(text)
    except UsageError as error:
        raise UsageError(f"{source}: {error.message}", error.hint) from error
