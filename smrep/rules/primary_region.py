"""Finds each secret's primary Region and its source, and checks accounts, Regions and names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from smrep.errors import ConfigurationError, UsageError
from smrep.model import SecretId, parse_arn
from smrep.regions import Region, parse_region, partition_of
from smrep.rules.hints import aws_command, step, steps


@dataclass(frozen=True, slots=True)
class SecretAddress:
    """A secret and the Region to look for it in."""

    secret_id: SecretId
    region: Region


def common_region(addresses: Sequence[SecretAddress]) -> Region | None:
    """Return the Region of all secrets, None for several."""
    regions = {address.region for address in addresses}
    return regions.pop() if len(regions) == 1 else None


def account_in(secret_id: SecretId) -> str | None:
    """Return the account of an ARN, None for a name."""
    return parse_arn(secret_id, "secretsmanager").account if secret_id.startswith("arn:") else None


def check_account(account: str | None, expected: str | None, subject: str) -> None:
    """Refuse any account but the expected one.

    Raises:
        UsageError: `account` is known and differs from `expected`.

    """
    if expected and account and account != expected:
        raise UsageError(
            f"{subject} belongs to account {account}, not to the expected account {expected}; nothing was sent",
            "check --profile, the credentials in the environment, and --expect-account, or the manifest's account_id "
            "or role_arn",
            code="AccountMismatch",
        )


def check_regions(homes: Iterable[Region], replicas: Sequence[Region]) -> None:
    """Refuse Regions that cannot hold replicas of primaries in `homes`.

    Raises:
        UsageError: one is the primary's own Region, or in another partition.

    """
    for home in dict.fromkeys(homes):
        for replica in replicas:
            if replica == home:
                raise UsageError(
                    f"{home} is the primary's own Region, which cannot have a replica",
                    "use another Region with -r, or name the primary's Region with --primary-region",
                )
            if partition_of(replica) != partition_of(home):
                raise UsageError(
                    f"{replica} is in partition {partition_of(replica)}, but the primary's Region {home} is in "
                    f"{partition_of(home)}; secrets replicate only within a partition",
                    f"use a Region of {partition_of(home)}",
                )


HOME_VARIABLES = ("SMREP_PRIMARY_REGION", "AWS_REGION", "AWS_DEFAULT_REGION")
"""Variables for the primary's Region, by priority."""


@dataclass(frozen=True, slots=True)
class PrimaryRegions:
    """Secrets with their Regions, and the source of each Region."""

    addresses: tuple[SecretAddress, ...]
    sources: Mapping[Region, str]
    """Region -> `arn`, `--primary-region`, the name of a variable, or `profile`."""

    @property
    def region(self) -> Region | None:
        """The Region of the run; None for several."""
        return next(iter(self.sources)) if len(self.sources) == 1 else None

    @property
    def source(self) -> str | None:
        """The sources of all Regions."""
        return ", ".join(dict.fromkeys(self.sources.values())) or None


def locate_primaries(
    secrets: Sequence[SecretId],
    flag: Region | None,
    env: Mapping[str, str],
    profile: Callable[[], str | None],
    *,
    needed: bool = False,
) -> PrimaryRegions:
    """Return each secret's Region: from its ARN, otherwise from the flag, the environment or the profile.

    With `needed`, finds a Region even without secrets.

    Raises:
        UsageError: the flag contradicts an ARN, or a Region is invalid.
        ConfigurationError: no source has a Region.

    """
    sources: dict[Region, str] = {}
    addresses = []
    common: tuple[Region, str] | None = None
    for secret in secrets:
        if secret.startswith("arn:"):
            region, source = parse_arn(secret, "secretsmanager").region, "arn"
            if flag and flag != region:
                raise UsageError(
                    f"--primary-region {flag} contradicts the ARN {secret}, which is in {region}",
                    f"omit --primary-region, or use the secret's ARN in {flag}",
                )
        else:
            common = common or _common(flag, env, profile)
            region, source = common
        sources[region] = source
        addresses.append(SecretAddress(secret, region))
    if needed and not sources:
        region, source = _common(flag, env, profile)
        sources[region] = source
    return PrimaryRegions(tuple(addresses), sources)


def _common(flag: Region | None, env: Mapping[str, str], profile: Callable[[], str | None]) -> tuple[Region, str]:
    """Return the Region and its source for secrets given by name."""
    if flag:
        return flag, "--primary-region"
    variable = next((name for name in HOME_VARIABLES if env.get(name)), None)
    text = env[variable] if variable else profile()
    if not text:
        raise ConfigurationError(
            "no primary Region: no ARN, option, variable or profile names one",
            steps("add --primary-region REGION", step("or set it for all commands", "export AWS_REGION=REGION")),
        )
    try:
        return parse_region(text), variable or "profile"
    except UsageError as error:
        raise UsageError(f"{variable or 'the profile'}: {error.message}", error.hint) from error


_NAME = re.compile(r"[A-Za-z0-9/_+=.@!-]+")
_PATTERN = re.compile(r"[A-Za-z0-9/_+=.@!*?\[\]-]+")
_MADE_BY_GIT_BASH = re.compile(r"[A-Za-z]:[/\\]")
_SHOWN = 60
_CALLED = {"\t": "tab", " ": "space", "\n": "line break"}
_SELECTORS = "or use a selector: --prefix, --tag, --all"


def check_name(name: str, *, piped: bool = False, pattern: bool = False) -> None:
    """Refuse an invalid secret name; `piped` names came through standard input, a `pattern` may have * and ?.

    Raises:
        UsageError: the name has an invalid character.

    """
    if (_PATTERN if pattern else _NAME).fullmatch(name):
        return
    shown = repr(name if len(name) <= _SHOWN else f"{name[:_SHOWN]}...")
    if _MADE_BY_GIT_BASH.match(name):
        raise UsageError(
            f"{shown} is a Windows path: Git Bash turns names that begin with / into paths",
            step("turn that off", "export MSYS_NO_PATHCONV=1"),
        )
    listing = aws_command("secretsmanager list-secrets", query="SecretList[].[Name]", output="text")
    if piped and name[0] in '{["':
        raise UsageError(
            f"standard input is JSON, and smrep reads one name per line: {shown}", step("print names", listing)
        )
    if "\t" in name:
        raise UsageError(
            f"a line with tabs is not a secret's name: {shown}",
            steps(step("put one name per line", "tr '\\t' '\\n'"), step("or print them so", listing), _SELECTORS),
        )
    wrong = next(character for character in name if not (_PATTERN if pattern else _NAME).fullmatch(character))
    hint = {
        " ": f"put one name per line, {_SELECTORS}" if piped else "quote each name by itself, not all together",
        ",": "separate names by spaces, not commas",
    }.get(wrong, "names have letters, digits and /_+=.@!-")
    raise UsageError(f"{shown} is not a secret's name: names have no {_CALLED.get(wrong, repr(wrong))}", hint)
