"""`smrep failover`: promote many replicas while their primaries' Region is down."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace

import click

from smrep.cli import options
from smrep.cli.fleet_setup import (
    budget,
    open_record,
    read_manifest,
)
from smrep.cli.params import HomeRegion
from smrep.cli.root import command
from smrep.cli.run import Run
from smrep.errors import UsageError
from smrep.model import parse_arn
from smrep.regions import Region
from smrep.rules.hints import format_command, step
from smrep.rules.manifest.selector import Selector
from smrep.rules.primary_region import check_regions
from smrep.rules.recovery.failover_record import RegionPair
from smrep.rules.recovery.recovery_summary import SheetLine

EXAMPLES = """\b
Examples:
    smrep failover --from us-east-1 --to us-west-2 --all --record dr.jsonl --dry-run
    smrep failover --from us-east-1 --to us-west-2 --prefix prod/ --record dr.jsonl
    smrep failover --from us-east-1 --to us-west-2 -f dr.toml --record dr.jsonl --yes
    smrep failover --from us-east-1 --to us-west-2 - --record dr.jsonl --yes < names"""

AGAIN = ("source", "target", "file", "record", "rate", "wait", "timeout_s")
"""Python names of the options to repeat."""


@command(epilog=EXAMPLES)
@click.option(
    "--from",
    "source",
    type=HomeRegion(),
    required=True,
    metavar="REGION",
    help="Region of the primaries, which is down.",
)
@click.option(
    "--to", "target", type=HomeRegion(), required=True, metavar="REGION", help="Region of the replicas to promote."
)
@click.option(
    "--record", required=True, metavar="FILE", help="Append promoted secrets to FILE (mode 0600) for failback."
)
@click.option(
    "-f",
    "--file",
    metavar="FILE",
    help="Select by the manifest's rules for the target Region; - is standard input.",
)
@options.secrets
@options.rate(40)
@options.changing("Wait until each secret is standalone (default: wait).", "the promotions")
@options.shared
def failover(
    *,
    source: Region,
    target: Region,
    record: str,
    file: str | None,
    rate: float,
    wait: bool,
    timeout_s: float,
    dry_run: bool,
    yes: bool,
    shared: options.SharedOptions,
    choice: options.Choice,
) -> int:
    """Promote many replicas while their primaries' Region is down.

    Each replica becomes a standalone, writable secret with the same name, ARN and key. smrep calls only the target
    Region. Select secrets with --prefix, --tag, --owning-service, --all, -f, or by name. -n prints the go/no-go sheet.
    To resume, run the same command again. It checks the current state first.
    """
    with Run("failover", shared, dry_run=dry_run, yes=yes) as run, ExitStack() as stack:
        pair = _pair(run, source, target)
        paced = budget(rate)
        selectors = _selectors(run, file, choice, pair)
        run.remember_homes({pair.source: "--from"})
        record_file = open_record(run, record, pair, stack)
        aws = run.connect(pair.target, sole=True)

        from smrep.service import failover as service

        def again(*extra: str) -> str:
            return format_command("failover", choice.secrets, flags=[*flags, *options.typed("yes"), *extra])

        flags = [*options.typed(*AGAIN), *choice.flags]
        request = service.FailoverRequest(
            paced,
            timeout_s,
            wait,
            again,
            pair,
            selectors,
            SheetLine("credentials", *aws.session.dependence(pair.source, pair.target)),
            record_file.record,
            record_file.write,
            record_file.entry,
            run.options.expect_account,
            by_tags=bool(choice.tags),
        )
        run.finish(service.failover(aws, request, run.state))
        run.close_screen()
        if record_file.record.pair is not None:  # the record has content
            back = format_command("failback", [], flags=["--record", record, "--dry-run"])
            run.suggest(step(f"when {pair.source} is back", back))
    return run.exit_code


def _pair(run: Run, source: Region, target: Region) -> RegionPair:
    """Return the two Regions as a pair.

    Raises:
        UsageError: they cannot be a pair, or --primary-region differs from --from.

    """
    if source == target:
        raise UsageError(
            f"--from and --to are both {source}", "--from is the Region that is down, --to the one that takes over"
        )
    check_regions([source], [target])
    if run.options.primary_region not in (None, source):
        raise UsageError(
            f"--primary-region {run.options.primary_region} contradicts --from {source}", "omit --primary-region"
        )
    return RegionPair(source, target)


def _selectors(run: Run, file: str | None, choice: options.Choice, pair: RegionPair) -> Sequence[Selector]:
    """Return the selectors.

    Raises:
        UsageError: there are none, or two ways to select contradict each other.

    """
    if sum([bool(choice.secrets), bool(file), choice.is_made]) != 1 or (choice.flags and not choice.is_made):
        between = ("--from", pair.source, "--to", pair.target)
        raise UsageError(
            "select secrets in one way: with --prefix and --tag, --all, -f FILE, or by name",
            step(
                "for every secret",
                format_command("failover", [], flags=[*between, "--all", "--record", "FILE", "--dry-run"]),
            ),
        )
    if choice.secrets:
        names = run.secrets_in(choice.secrets, pair.target)
        for name in names:
            if name.startswith("arn:") and parse_arn(name, "secretsmanager").region not in (pair.source, pair.target):
                raise UsageError(
                    f"{name} is neither in {pair.source} nor in {pair.target}", "use its name instead of its ARN"
                )
        return [Selector(names=frozenset(names))] if names else []
    return _of_manifest(run, file, pair) if file else [choice.selector]


def _of_manifest(run: Run, file: str, pair: RegionPair) -> Sequence[Selector]:
    """Return the selectors of the rules that want the Region.

    Raises:
        UsageError: no rule does, or the manifest is for other primaries or another account.

    """
    manifest = read_manifest(file, run.stdin)
    run.stdin_is_taken = file == "-"
    if manifest.accounts or manifest.organization:
        raise UsageError(
            f"{file} has several accounts, but a failover is for one account",
            "remove its [[account]] tables and [organization], and use --role-arn",
        )
    if manifest.primary_region not in (None, pair.source):
        raise UsageError(
            f"the manifest is for primaries in {manifest.primary_region}, not in --from {pair.source}",
            code="PrimaryRegionMismatch",
        )
    expected = run.options.expect_account
    if manifest.account_id and expected not in (None, manifest.account_id):
        raise UsageError(
            f"the manifest is for account {manifest.account_id}, but --expect-account says {expected}",
            "check which one is right",
            code="AccountMismatch",
        )
    run.options = replace(run.options, expect_account=expected or manifest.account_id)
    rules = [rule for rule in manifest.rules if any(target.region == pair.target for target in rule.targets)]
    if not rules:
        raise UsageError(
            f"no rule in {file} has the Region {pair.target}", "use another --to, or select with --prefix or --all"
        )
    return [rule.selector for rule in rules]
