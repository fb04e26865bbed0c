"""`smrep iam-policy`: print the least-privilege IAM policy; offline."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

import click
from click.shell_completion import CompletionItem

from smrep.cli.params import Account, HomeRegion, Regions, secret_ids, targets
from smrep.cli.root import command, version
from smrep.errors import ConfigurationError, UsageError
from smrep.output.safe import to_json
from smrep.output.terminal import Messages, wants_color
from smrep.regions import Region
from smrep.rules.hints import step, steps
from smrep.rules.least_privilege import CALLS, EVERY, HARMLESS, PolicyScope, check, document, notes, warnings
from smrep.rules.primary_region import PrimaryRegions, locate_primaries

EXAMPLES = """\b
Examples:
    smrep iam-policy prod/db -r us-west-2,eu-west-1 --primary-region us-east-1 > policy.json
    smrep iam-policy prod/db -r us-west-2=alias/dr --primary-key alias/main --expect-account 123456789012
    smrep iam-policy --prefix prod/ -r us-west-2 --for remove,replicate
    aws iam create-policy --policy-name smrep --policy-document file://policy.json"""


class Commands(click.ParamType[tuple[str, ...], str]):
    """Name of a command that calls AWS, or several separated by commas."""

    name = "command"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """Return the commands as typed."""
        if isinstance(value, tuple):
            return value
        names = tuple(name.strip() for name in str(value).split(","))
        for name in names:
            if name not in CALLS:
                near = get_close_matches(name, CALLS, n=1)
                raise UsageError(
                    f"--for: no policy for {name!r}",
                    f"did you mean {near[0]}?" if near else f"choose from: {', '.join(CALLS)}",
                )
        return names

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Return matching commands, after those before the last comma."""
        before, comma, last = incomplete.rpartition(",")
        return [CompletionItem(before + comma + name) for name in CALLS if name.startswith(last)]


@command(epilog=EXAMPLES)
@click.argument("secrets", metavar="[SECRET...]", nargs=-1)
@click.option(
    "-r",
    "--region",
    "regions",
    type=Regions(keys=True),
    multiple=True,
    metavar="REGION[=KMS_KEY]",
    help="Replica Region, and its KMS key (default: every Region); repeatable, or separated by commas.",
)
@click.option("--kms-key", metavar="KMS_KEY", help="Key for the Regions that name none.")
@click.option("--primary-key", metavar="KMS_KEY", help="KMS key of the primary (default: the AWS managed key).")
@click.option(
    "--primary-region",
    "--source-region",
    type=HomeRegion(),
    metavar="REGION",
    help="Region of the primary (default: from the ARN, $SMREP_PRIMARY_REGION, $AWS_REGION).",
)
@click.option(
    "--expect-account",
    type=Account(),
    metavar="ID",
    envvar="SMREP_EXPECT_ACCOUNT",
    help="Account in the policy's ARNs (default: from the secret's ARN, else any).  [$SMREP_EXPECT_ACCOUNT]",
)
@click.option(
    "--for",
    "commands",
    type=Commands(),
    multiple=True,
    default=(HARMLESS,),
    metavar="COMMAND",
    help=f"Command to allow: {', '.join(CALLS)} (default: {','.join(HARMLESS)}); repeatable, or separated by commas.",
)
@click.option(
    "--prefix",
    "prefixes",
    metavar="PREFIX",
    multiple=True,
    help="Secrets whose names begin with PREFIX, now or later; repeatable.",
)
@click.option("--force-overwrite", is_flag=True, help="Allow replicate --force-overwrite too.")
@click.option("-q", "--quiet", is_flag=True, help="Print only warnings and errors.")
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
    prefixes: tuple[str, ...],
    force_overwrite: bool,
    quiet: bool,
) -> None:
    """Print the least-privilege IAM policy, offline.

    SECRET is a name, a pattern such as 'prod/*' or an ARN; - reads them from standard input, one a line. Without
    SECRET, the policy covers every secret in the primary Region. smrep calls nothing and needs no credentials. No
    policy allows reading a secret's value.
    """
    if secrets and prefixes:
        raise UsageError("names and --prefix contradict each other", "use names and patterns, or --prefix")
    if "" in prefixes:
        raise UsageError("--prefix must not be empty", "omit it for every secret")
    where = _where([*secrets, *(f"{prefix}*" for prefix in prefixes)], primary_region)
    scope = PolicyScope(
        commands=frozenset(name for group in commands for name in group),
        secrets=where.addresses,
        targets=targets(regions, kms_key),
        primary_key=primary_key,
        account=expect_account,
        overwrite=force_overwrite,
    )
    check(scope, kms_key)
    policy = document(scope)
    messages = Messages(sys.stderr, sys.stderr is not None and wants_color("auto", sys.stderr, os.environ), quiet)
    for region, source in where.sources.items():
        messages.note(f"primary Region {region} (from {'its ARN' if source == 'arn' else source})")
    for line in warnings(scope, policy):
        messages.warning(line)
    for line in notes(scope):
        messages.note(line)
    click.echo(to_json(policy))


def _where(typed: Sequence[str], flag: Region | None) -> PrimaryRegions:
    """Return the secrets with their Regions, or all secrets of the Region if none was typed.

    Raises:
        UsageError: no Region is known, or standard input names no secrets.

    """
    secrets = secret_ids(typed, sys.stdin, patterns=True) if typed else (EVERY,)
    if not secrets:
        raise UsageError("standard input named no secret", "for every secret in the Region, omit SECRET")
    try:
        return locate_primaries(secrets, flag, os.environ, lambda: None)
    except ConfigurationError as error:
        raise UsageError(
            "the primary's Region is unknown: no ARN, flag or variable names one",
            steps("use --primary-region REGION", step("or set it for all commands", "export AWS_REGION=REGION")),
        ) from error
