"""`smrep iam-policy`: print the least that IAM must allow; offline."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import click
from click.shell_completion import CompletionItem

from smrep.cli.options import CONTEXT, version
from smrep.cli.params import Account, HomeRegion, Regions, secret_ids, targets
from smrep.cli.where import Where, locate
from smrep.errors import ConfigurationError, UsageError
from smrep.model import SecretId, Target, parse_arn
from smrep.output.colour import wants_colour
from smrep.output.messages import Messages
from smrep.output.safe import to_json
from smrep.regions import Region, is_known
from smrep.rules.asked import check_regions
from smrep.rules.keys import check_target
from smrep.rules.permissions import (
    CALLS,
    EVERY,
    HARMLESS,
    IN_YOUR_NAME,
    MANAGED_POLICY_MAX,
    Scope,
    document,
    is_default,
    is_exact,
    size,
)

EXAMPLES = """\b
Examples:
    smrep iam-policy prod/db -r us-west-2,eu-west-1 --primary-region us-east-1 > policy.json
    smrep iam-policy prod/db -r us-west-2=alias/dr --primary-key alias/main --expect-account 123456789012
    smrep iam-policy prod/db -r us-west-2 --for remove,replicate
    aws iam create-policy --policy-name smrep --policy-document file://policy.json"""


class Commands(click.ParamType[tuple[str, ...], str]):
    """The name of a command that calls AWS, or several with commas between."""

    name = "command"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """Return the commands as typed."""
        if isinstance(value, tuple):
            return value
        names = tuple(each.strip() for each in str(value).split(","))
        for name in names:
            if name not in CALLS:
                near = get_close_matches(name, CALLS, n=1)
                raise UsageError(
                    f"--for: {name!r} is no command that a policy can be made for",
                    f"did you mean {near[0]}?" if near else f"choose from: {', '.join(CALLS)}",
                )
        return names

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Return the commands that begin so, behind what already stands before the last comma."""
        before, comma, last = incomplete.rpartition(",")
        return [CompletionItem(before + comma + name) for name in CALLS if name.startswith(last)]


@click.command(context_settings=CONTEXT, short_help="Print the least-privilege IAM policy; offline.", epilog=EXAMPLES)
@click.argument("secrets", metavar="[SECRET...]", nargs=-1)
@click.option(
    "-r",
    "--region",
    "regions",
    type=Regions(keys=True),
    multiple=True,
    metavar="REGION[=KMS_KEY]",
    help="Replica Region, and its KMS key (default: every Region); repeatable, or with commas.",
)
@click.option("--kms-key", metavar="KMS_KEY", help="Key for the Regions that name none.")
@click.option("--primary-key", metavar="KMS_KEY", help="The primary's KMS key, where it is not AWS's default key.")
@click.option(
    "--primary-region",
    "--source-region",
    type=HomeRegion(),
    metavar="REGION",
    help="Where the primary lives (default: from the ARN, $SMREP_PRIMARY_REGION, $AWS_REGION).",
)
@click.option(
    "--expect-account",
    type=Account(),
    metavar="ID",
    envvar="SMREP_EXPECT_ACCOUNT",
    help="Account that stands in the ARNs (default: the secret's ARN's, else any).  [$SMREP_EXPECT_ACCOUNT]",
)
@click.option(
    "--for",
    "commands",
    type=Commands(),
    multiple=True,
    default=(HARMLESS,),
    metavar="COMMAND",
    help=f"Command to allow: {', '.join(CALLS)} (default: {','.join(HARMLESS)}); repeatable, or with commas.",
)
@click.option("--force-overwrite", is_flag=True, help="Allow replicate --force-overwrite too.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but warnings and errors.")
@version
def iam_policy(
    secrets: tuple[str, ...],
    regions: Any,
    *,
    kms_key: str | None,
    primary_key: str | None,
    primary_region: Region | None,
    expect_account: str | None,
    commands: tuple[tuple[str, ...], ...],
    force_overwrite: bool,
    quiet: bool,
) -> None:
    """Print the IAM policy that allows what smrep does with these secrets, and no more.

    SECRET is a name or an ARN; - reads them from standard input, one a line; none at all means every secret of the
    primary's Region. Nothing is called and no credentials are needed. No policy lets a secret's value be read.
    """
    where = _where(secrets, primary_region)
    scope = Scope(
        commands=frozenset(name for group in commands for name in group),
        secrets=where.addresses,
        targets=targets(regions, kms_key),
        primary_key=primary_key,
        account=expect_account,
        overwrite=force_overwrite,
    )
    _check(scope, kms_key)
    policy = document(scope)
    messages = Messages(sys.stderr, sys.stderr is not None and wants_colour("auto", sys.stderr, os.environ), quiet)
    for region, source in where.sources.items():
        messages.note(f"primary Region {region} (from {'its ARN' if source == 'arn' else source})")
    for line in _warnings(scope, policy):
        messages.warning(line)
    for line in _notes(scope):
        messages.note(line)
    click.echo(to_json(policy))


def _where(typed: Sequence[str], flag: Region | None) -> Where:
    """Return the secrets with their Regions, every secret of the Region where none was typed.

    Raises:
        UsageError: nobody names a Region, or standard input was to name secrets and named none.

    """
    secrets = secret_ids(typed, sys.stdin) if typed else (EVERY,)
    if not secrets:
        raise UsageError("standard input named no secret", "name none on the command line for all secrets of a Region")
    try:
        return locate(secrets, flag, os.environ, lambda: None)
    except ConfigurationError as error:
        raise UsageError(
            "no Region is known for the primary: no ARN, flag or variable names one",
            "name it: --primary-region REGION, or export AWS_REGION",
        ) from error


def _check(scope: Scope, default_key: str | None) -> None:
    """Refuse what contradicts itself, and what would be a wildcard in the policy.

    Raises:
        UsageError: always with what to type instead.

    """
    check_regions(scope.homes, [target.region for target in scope.targets])
    for address in scope.secrets:
        _check_secret(address.secret_id, scope.account)
    for key in (scope.primary_key, *(target.kms_key for target in scope.targets)):
        if key and not re.fullmatch(r"[\w:/-]+", key, re.ASCII):
            raise UsageError(f"{key!r} is not one KMS key", "a key is an ARN, a key id or alias/NAME")
    if scope.primary_key:
        _check_primary_key(scope.primary_key, scope.homes)
    if default_key and not scope.targets:
        raise UsageError("--kms-key does nothing without -r", "name the replica Regions: -r REGION")
    if scope.overwrite and "replicate" not in scope.commands:
        raise UsageError("--force-overwrite does nothing without --for replicate", "add it, or leave the flag out")
    if "rekey" in scope.commands and not scope.targets:
        # UpdateSecret can set a value, though not on a replica: the primary must stay out.
        raise UsageError(
            "a policy for rekey must name its Regions: without them it would allow UpdateSecret on the primary",
            "name them: -r REGION=KMS_KEY",
        )


def _check_secret(secret_id: SecretId, account: str | None) -> None:
    name = str(secret_id)
    if name.startswith("arn:"):
        arn = parse_arn(name, "secretsmanager")
        if account and arn.account != account:
            raise UsageError(
                f"{name} belongs to account {arn.account}, and account {account} was expected",
                "leave --expect-account out, or name the secret of that account",
                code="AccountMismatch",
            )
        name = arn.resource.removeprefix("secret:")
    if secret_id != EVERY and not re.fullmatch(r"[\w/+=.@!-]+", name, re.ASCII):
        raise UsageError(
            f"{name!r} can't be a secret's name: letters, digits and /_+=.@-! may stand in one",
            "wildcards are not taken; for all secrets of a Region name none",
        )


def _check_primary_key(key: str, homes: Sequence[Region]) -> None:
    try:
        for home in homes:
            check_target(Target(home, key))
    except UsageError as error:
        raise UsageError(
            f"--primary-key {key} can't be the key of a primary in {' and '.join(homes)}",
            "name a key of the primary's Region: an ARN, a key id or alias/NAME",
        ) from error


def _warnings(scope: Scope, policy: Mapping[str, object]) -> Iterator[str]:
    """Yield what makes the policy wider or less useful than it looks."""
    for region in (*scope.homes, *(target.region for target in scope.targets)):
        if not is_known(region):
            yield f"{region} is no Region that this version knows"
    if not scope.targets and "ReplicateSecretToRegions" in scope.operations:
        yield "no -r: the policy allows replicas in every Region, under AWS's default key only; name them: -r REGION"
    if size(policy) > MANAGED_POLICY_MAX:
        yield (
            f"the policy has {size(policy)} characters without white space, and a managed policy holds "
            f"{MANAGED_POLICY_MAX}: make several, each for fewer secrets or Regions"
        )


def _notes(scope: Scope) -> Iterator[str]:
    """Yield what the policy leaves out or can't limit, and how to have it otherwise."""
    if scope.owner == "*":
        yield "no account is known, so any stands in the ARNs; name it: --expect-account ID"
    if scope.secrets[0].secret_id == EVERY:
        yield f"no SECRET: the policy is for every secret of {scope.homes[0]}"
    if scope.operations & IN_YOUR_NAME.keys():
        yield from _key_notes(scope)
    if "RemoveRegionsFromReplication" in scope.operations:
        yield "IAM has no condition on the Regions of a removal: the policy allows removing every replica"
    exact = [address.secret_id for address in scope.secrets if is_exact(address.secret_id)]
    if exact:
        yield (
            f"named by ARN, so that another secret of the same name in a replica Region can't be looked at and is "
            f"reported as unchecked: {', '.join(exact)}"
        )


def _key_notes(scope: Scope) -> Iterator[str]:
    if "ReplicateSecretToRegions" in scope.operations and is_default(scope.primary_key):
        yield (
            f"no statement for the primary's key in {', '.join(scope.homes)}: AWS's default key needs none; "
            "for a key of your own: --primary-key KMS_KEY"
        )
    plain = [target.region for target in scope.targets if is_default(target.kms_key)]
    if plain:
        yield (
            f"no statement for the replicas' keys in {', '.join(plain)}: AWS's default key needs none; "
            "for a key of your own: -r REGION=KMS_KEY"
        )
    if len(plain) < len(scope.targets):
        yield "a replica that is found under a key not named here is reported as unchecked"
    if "rekey" in scope.commands:
        yield (
            "rekey: where a replica leaves a key of your own, that key needs a policy too (-r REGION=OLD_KEY); "
            "rekey --recreate also needs --for remove,replicate"
        )
