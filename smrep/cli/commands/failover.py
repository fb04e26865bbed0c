"""`smrep failover`: promote many replicas while their primaries' Region is down."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import click

from smrep.cli import options
from smrep.cli.fleet_setup import (
    budget,
    chosen_selection,
    open_record,
    read_manifest,
    selector,
    typed_choice,
)
from smrep.cli.params import HomeRegion
from smrep.cli.root import CONTEXT
from smrep.cli.run import Run
from smrep.errors import UsageError
from smrep.model import parse_arn
from smrep.regions import Region
from smrep.rules.fleet.shards import WHOLE
from smrep.rules.hints import format_command
from smrep.rules.manifest.selector import EVERY, Selector
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


@click.command(context_settings=CONTEXT, epilog=EXAMPLES)
@click.argument("secrets", metavar="[SECRET...]", nargs=-1)
@click.option(
    "--from",
    "source",
    type=HomeRegion(),
    required=True,
    metavar="REGION",
    help="Region of the primaries: the lost one.",
)
@click.option(
    "--to", "target", type=HomeRegion(), required=True, metavar="REGION", help="Region whose replicas are promoted."
)
@click.option(
    "--record", required=True, metavar="FILE", help="Append what is promoted to FILE, which failback reads (mode 0600)."
)
@click.option("-f", "--file", metavar="FILE", help="Manifest whose rules with the Region choose; - is standard input.")
@chosen_selection
@options.rate(40)
@options.changing("Wait until each secret is seen to stand alone (default: wait).", "the promotions")
@options.shared
def failover(
    secrets: tuple[str, ...],
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
    **choice: Any,
) -> int:
    """Promote the replicas of one Region's primaries in another, which is the only one that is called.

    Each replica becomes a standalone secret that can be written; its name, ARN and key stay. Choose with --prefix,
    --tag, --owning-service, --all, -f, or by names. With -n, the go / no-go sheet. A run that was stopped is gone on
    with by the same command.
    """
    with Run("failover", shared, dry_run=dry_run, yes=yes) as run, ExitStack() as stack:
        pair = _pair(run, source, target)
        paced = budget(rate, WHOLE, 1)
        selectors = _selectors(run, secrets, file, choice, pair)
        run.remember_homes({pair.source: "--from"})
        record_file = open_record(run, record, pair, stack)
        aws = run.connect(pair.target, sole=True)

        from smrep.service import failover as service

        def again(*extra: str) -> str:
            return format_command("failover", secrets, flags=[*flags, *options.typed("yes"), *extra])

        flags = [*options.typed(*AGAIN), *typed_choice(choice)]
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
            by_tags=bool(choice["tags"]),
        )
        run.finish(service.failover(aws, request, run.state))
        run.close_screen()
        if record_file.record.pair is not None:  # the record has content
            back = format_command("failback", [], flags=["--record", record, "--dry-run"])
            run.messages.note(f"when {pair.source} is back: {back}")
    return run.exit_code


def _pair(run: Run, source: Region, target: Region) -> RegionPair:
    """Return the two Regions as a pair.

    Raises:
        UsageError: they cannot be a pair, or --primary-region differs from --from.

    """
    if source == target:
        raise UsageError(
            f"--from and --to are both {source}", "--from is the Region that is lost, --to the one that takes over"
        )
    check_regions([source], [target])
    if run.options.primary_region not in (None, source):
        raise UsageError(
            f"--primary-region {run.options.primary_region} contradicts --from {source}", "leave --primary-region out"
        )
    return RegionPair(source, target)


def _selectors(
    run: Run, secrets: Sequence[str], file: str | None, choice: dict[str, Any], pair: RegionPair
) -> Sequence[Selector]:
    """Return the selectors.

    Raises:
        UsageError: there are none, or two ways to select contradict each other.

    """
    chosen = selector(**choice)
    ways = [bool(secrets), bool(file), chosen != EVERY or choice["every"]]
    if sum(ways) != 1:
        between = ("--from", pair.source, "--to", pair.target)
        raise UsageError(
            "say which secrets, in one way: --prefix and --tag, --all, -f FILE, or their names",
            f"every one: {format_command('failover', [], flags=[*between, '--all', '--record', 'FILE', '--dry-run'])}",
        )
    if secrets:
        names = run.secrets_in(secrets, pair.target)
        for name in names:
            if name.startswith("arn:") and parse_arn(name, "secretsmanager").region not in (pair.source, pair.target):
                raise UsageError(
                    f"{name} is neither of {pair.source} nor of {pair.target}", "name it by its name alone"
                )
        return [Selector(names=frozenset(names))] if names else []
    return _of_manifest(run, file, pair) if file else [chosen]


def _of_manifest(run: Run, file: str, pair: RegionPair) -> Sequence[Selector]:
    """Return the selectors of the rules that want the Region.

    Raises:
        UsageError: no rule does, or the manifest is for other primaries or another account.

    """
    manifest = read_manifest(file, run.stdin)
    run.stdin_is_taken = file == "-"
    if manifest.accounts:
        raise UsageError(
            f"{file} names several accounts, and a failover is of one",
            "take its [[account]] tables out, and name the role with --role-arn",
        )
    if manifest.primary_region not in (None, pair.source):
        raise UsageError(
            f"the manifest is for primaries in {manifest.primary_region}, and --from says {pair.source}",
            code="PrimaryRegionMismatch",
        )
    expected = run.options.expect_account
    if manifest.account_id and expected not in (None, manifest.account_id):
        raise UsageError(
            f"the manifest is for account {manifest.account_id}, and --expect-account says {expected}",
            "check which of the two is right",
            code="AccountMismatch",
        )
    run.options = replace(run.options, expect_account=expected or manifest.account_id)
    rules = [rule for rule in manifest.rules if any(target.region == pair.target for target in rule.targets)]
    if not rules:
        raise UsageError(
            f"no rule of {file} wants {pair.target}", "name another --to, or choose with --prefix or --all"
        )
    return [rule.selector for rule in rules]
