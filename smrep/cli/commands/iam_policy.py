"""`smrep iam-policy`: print the least-privilege IAM policy; offline."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from smrep.cli.fleet_setup import check_writable, read_manifest
from smrep.cli.params import Account, HomeRegion, Regions, secret_ids, targets
from smrep.cli.root import command, version
from smrep.errors import ConfigurationError, OutputError, UsageError
from smrep.files import replacing
from smrep.output.safe import to_json
from smrep.output.terminal import Messages, wants_color
from smrep.regions import Region
from smrep.rules.hints import step, steps
from smrep.rules.least_privilege import CALLS, EVERY, HARMLESS, PolicyScope, check, document, notes, warnings
from smrep.rules.manifest.schema import Home, Manifest, homes_of
from smrep.rules.manifest_policies import (
    DEFAULT_COMMANDS,
    Policy,
    caller_statements,
    manifest_notes,
    manifest_warnings,
    policies,
    scopes_of,
)
from smrep.rules.primary_region import PrimaryRegions, locate_primaries

EXAMPLES = """\b
Examples:
    smrep iam-policy prod/db -r us-west-2,eu-west-1 --primary-region us-east-1 > policy.json
    smrep iam-policy prod/db -r us-west-2=alias/dr --primary-key alias/main --expect-account 123456789012
    smrep iam-policy --prefix prod/ -r us-west-2 --for remove,replicate
    smrep iam-policy --manifest dr.toml --out policies
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
    metavar="COMMAND",
    help=f"Command to allow: {', '.join(CALLS)} (default: {','.join(HARMLESS)}; with --manifest: "
    f"{','.join(DEFAULT_COMMANDS)}); repeatable, or separated by commas.",
)
@click.option(
    "--prefix",
    "prefixes",
    metavar="PREFIX",
    multiple=True,
    help="Secrets whose names begin with PREFIX, now or later; repeatable.",
)
@click.option("--manifest", metavar="FILE", help="Secrets, Regions and accounts from a manifest; - is standard input.")
@click.option(
    "--out", metavar="FOLDER", help="Write each policy to a file in FOLDER, which smrep creates; print the paths."
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
    manifest: str | None,
    out: str | None,
    force_overwrite: bool,
    quiet: bool,
) -> None:
    """Print the least-privilege IAM policy, offline.

    SECRET is a name, a pattern such as 'prod/*' or an ARN; - reads them from standard input, one a line. Without
    SECRET, the policy covers every secret in the primary Region. smrep calls nothing and needs no credentials. No
    policy allows reading a secret's value.

    With --manifest, the policy allows what the manifest wants and nothing else. If IAM's size limit or several
    accounts need more than one policy, smrep prints a JSON list of them; --out writes a file for each.
    """
    if secrets and prefixes:
        raise UsageError("names and --prefix contradict each other", "use names and patterns, or --prefix")
    if "" in prefixes:
        raise UsageError("--prefix must not be empty", "omit it for every secret")
    messages = Messages(sys.stderr, sys.stderr is not None and wants_color("auto", sys.stderr, os.environ), quiet)
    if out:
        check_writable("--out", f"{out}/smrep-1.json" if Path(out).exists() else out)
    chosen = frozenset(name for group in commands for name in group)
    if manifest:
        if secrets or prefixes or regions or kms_key or force_overwrite:
            raise UsageError(
                "--manifest says which secrets and Regions: SECRET, --prefix, -r, --kms-key and --force-overwrite "
                "contradict it",
                "omit them, or omit --manifest",
            )
        wanted = read_manifest(manifest, sys.stdin)
        homes, sources = _homes(wanted, primary_region, expect_account)
        scopes = scopes_of(wanted, homes, chosen or frozenset(DEFAULT_COMMANDS), primary_key)
        created = policies(scopes, caller_statements(wanted, homes))
        cautions, remarks = manifest_warnings(scopes, created), manifest_notes(wanted, scopes)
    else:
        where = _where([*secrets, *(f"{prefix}*" for prefix in prefixes)], primary_region)
        scope = PolicyScope(
            commands=chosen or frozenset(HARMLESS),
            secrets=where.addresses,
            targets=targets(regions, kms_key),
            primary_key=primary_key,
            account=expect_account,
            overwrite=force_overwrite,
        )
        check(scope, kms_key)
        created = policies([scope]) if out else [Policy("smrep", document(scope))]
        sources = where.sources
        cautions, remarks = warnings(scope, created[0].document), notes(scope)
    for region, source in sources.items():
        messages.note(f"primary Region {region} (from {'its ARN' if source == 'arn' else source})")
    for line in cautions:
        messages.warning(line)
    for line in remarks:
        messages.note(line)
    if out:
        for path in _write(created, out):
            click.echo(path)
    elif len(created) == 1:
        click.echo(to_json(created[0].document))
    else:
        messages.note(f"{len(created)} policies, as a JSON list; to write a file for each: --out FOLDER")
        click.echo(to_json([policy.document for policy in created]))


def _homes(
    manifest: Manifest, flag: Region | None, expect_account: str | None
) -> tuple[list[Home], Mapping[Region, str]]:
    """Return the manifest's accounts with their Regions, and the source of each Region.

    The last one stands for the accounts of an organization.

    Raises:
        UsageError: no Region is known, or the manifest is for another Region or account.

    """

    def locate() -> tuple[Region, str]:
        return next(iter(locate_primaries((), flag, os.environ, lambda: None, needed=True).sources.items()))

    with _region_needed():
        homes, sources = homes_of(manifest, expect_account, locate)
        if manifest.organization and manifest.accounts:
            found, more = homes_of(replace(manifest, accounts=()), expect_account, locate)
            return [*homes, *found], sources | more
        return homes, sources


def _write(created: Sequence[Policy], folder: str) -> Iterator[str]:
    """Write each policy to a file of its name, and yield the paths.

    Raises:
        OutputError: a file cannot be written.

    """
    try:
        Path(folder).mkdir(exist_ok=True)
        for policy in created:
            path = str(Path(folder) / f"{policy.name}.json")
            with replacing(path) as file:
                file.write(f"{to_json(policy.document)}\n")
            yield path
    except OSError as error:
        raise OutputError(f"--out {folder} cannot be written: {error.strerror}") from error


def _where(typed: Sequence[str], flag: Region | None) -> PrimaryRegions:
    """Return the secrets with their Regions, or all secrets of the Region if none was typed.

    Raises:
        UsageError: no Region is known, or standard input names no secrets.

    """
    secrets = secret_ids(typed, sys.stdin, patterns=True) if typed else (EVERY,)
    if not secrets:
        raise UsageError("standard input named no secret", "for every secret in the Region, omit SECRET")
    with _region_needed():
        return locate_primaries(secrets, flag, os.environ, lambda: None)


@contextmanager
def _region_needed() -> Iterator[None]:
    """Say which options name a primary Region without credentials or profiles."""
    try:
        yield
    except ConfigurationError as error:
        raise UsageError(
            "the primary's Region is unknown: no ARN, flag or variable names one",
            steps("use --primary-region REGION", step("or set it for all commands", "export AWS_REGION=REGION")),
        ) from error
