"""Where the primary lives, and who says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from smrep.errors import ConfigurationError, UsageError
from smrep.model import SecretId, parse_arn
from smrep.regions import Region, parse_region
from smrep.rules.asked import Address

_VARIABLES = ("SMREP_PRIMARY_REGION", "AWS_REGION", "AWS_DEFAULT_REGION")


@dataclass(frozen=True, slots=True)
class Where:
    """The secrets with their Regions, and where the Region of the run came from."""

    addresses: tuple[Address, ...]
    region: Region | None
    """None where the ARNs name several."""
    source: str | None
    """`arn`, `--primary-region`, the name of a variable, or `profile`."""


def locate(
    secrets: Sequence[SecretId],
    flag: Region | None,
    env: Mapping[str, str],
    profile: Callable[[], str | None],
) -> Where:
    """Return each secret's Region: its ARN's, else the flag's, the environment's, the profile's.

    Raises:
        UsageError: the flag contradicts an ARN, or a Region is none.
        ConfigurationError: nobody names a Region.

    """
    arns = {each: parse_arn(each, "secretsmanager").region for each in secrets if each.startswith("arn:")}
    for secret, region in arns.items():
        if flag and flag != region:
            raise UsageError(
                f"--primary-region {flag} contradicts the ARN {secret}, which is of {region}",
                f"leave --primary-region out, or name the secret of {flag}",
            )
    common: Region | None = None
    source: str | None = None
    if len(arns) < len(secrets) or not secrets:
        common, source = _common(flag, env, profile)
    addresses = tuple(Address(each, arns.get(each) or _known(common)) for each in secrets)
    homes = {each.region for each in addresses}
    if arns and len(homes) == 1:
        return Where(addresses, next(iter(homes)), source or "arn")
    return Where(addresses, None if len(homes) > 1 else common, "arn" if arns else source)


def _known(region: Region | None) -> Region:
    if region is None:
        raise ConfigurationError("no Region is known for the primary", "name it: --primary-region REGION")
    return region


def _common(flag: Region | None, env: Mapping[str, str], profile: Callable[[], str | None]) -> tuple[Region, str]:
    """Return the Region for the secrets that are no ARN, and its source."""
    if flag:
        return flag, "--primary-region"
    for variable in _VARIABLES:
        if env.get(variable):
            return _parsed(env[variable], variable), variable
    named = profile()
    if named:
        return _parsed(named, "the profile"), "profile"
    raise ConfigurationError(
        "no Region is known for the primary: no ARN, flag, variable or profile names one",
        "name it: --primary-region REGION, or export AWS_REGION",
    )


def _parsed(text: str, source: str) -> Region:
    try:
        return parse_region(text)
    except UsageError as error:
        raise UsageError(f"{source}: {error.message}", error.hint) from error
