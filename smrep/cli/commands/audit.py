"""`smrep audit`: find secrets with missing, failed or outdated replicas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from smrep.cli import options
from smrep.cli.fleet_setup import (
    check_writable,
    is_whole,
    open_inventories,
    read_manifest,
    reported,
    several_accounts,
    shard_of,
    sharded,
    with_found_accounts,
)
from smrep.cli.params import targets
from smrep.cli.root import command
from smrep.cli.run import Run
from smrep.errors import UsageError
from smrep.model import Target
from smrep.output.artifacts import check_path
from smrep.rules.hints import format_command, step
from smrep.rules.manifest.schema import Manifest, Rule
from smrep.service.run_state import interrupted_look

if TYPE_CHECKING:
    from smrep.service.audit import Audits

EXAMPLES = """\b
Examples:
    smrep audit -r us-west-2
    smrep audit -r us-west-2=alias/dr,eu-west-1 --prefix prod/ --deep
    smrep audit -f dr.toml --report dr.html --report dr.xml --report dr.prom
    smrep audit -r us-west-2 -o name | smrep replicate - -r us-west-2"""

MAX_NAMED = 10
"""Secrets that a hint names one by one; for more, it selects them."""


@command(epilog=EXAMPLES)
@options.regions("Region in which each secret needs a replica, and its KMS key", keys=True)
@click.option("-f", "--file", metavar="FILE", help="Manifest to compare with; - is standard input.")
@options.selectors
@click.option("--deep", is_flag=True, help="Describe every primary for its replicas' statuses: one call per secret.")
@reported
@sharded
@several_accounts
@options.shared
def audit(
    regions: Any,
    file: str | None,
    *,
    deep: bool,
    reports: tuple[str, ...],
    shard: str | None,
    parallel_accounts: int,
    shared: options.SharedOptions,
    choice: options.Choice,
) -> int:
    """Find secrets with missing, failed or outdated replicas.

    smrep lists each Region, and describes only the secrets that differ. A list shows no status: a secret covered by
    listing has a current replica, and --deep shows its status too. The exit code is 5 if something differs, 1 if a
    replica failed.
    """
    with Run("audit", shared) as run:
        for path in reports:
            check_path(path)
            check_writable("--report", path)
        run.reports = reports
        wanted = targets(regions, None)
        if bool(file) == bool(wanted):
            raise UsageError("audit needs either -r REGION or -f FILE", step("for example", "smrep audit -r us-west-2"))
        if file and choice.flags:
            raise UsageError("-f and selectors contradict each other", "omit -f, or the selectors")
        manifest = read_manifest(file, run.stdin) if file else Manifest((Rule("", "-r", choice.selector, wanted),))
        part = shard_of(run, shard)
        manifest = with_found_accounts(run, manifest)

        from smrep.service.audit import Audit, Audits
        from smrep.service.fleet.multi_account import Accounts
        from smrep.service.steps.lookup import identify_caller

        inventories = open_inventories(run, manifest, part)
        audits = Audits(
            [Audit(inventory, deep, bool(file)) for inventory in inventories],
            is_whole(manifest, inventories),
            Accounts(parallel_accounts),
        )
        run.state.track(audits, interrupted_look)
        if inventories and any(path.endswith(".html") for path in reports):
            # with several accounts, the identity that assumes their roles
            door = run.connect() if run.several_accounts else inventories[0].aws
            run.caller = identify_caller(door, inventories[0].scope.home).arn
        audits.look(run.state)
        for warning in audits.warnings(manifest.rules):
            run.messages.warning(warning)
        run.next_step = _next_step(run, audits, file, wanted, choice)
        audits.check()
    return run.exit_code


def _next_step(
    run: Run, audits: Audits, file: str | None, wanted: Sequence[Target], choice: options.Choice
) -> str | None:
    """Return the command that adds missing replicas, None if nothing is missing."""
    if file:
        to_do = file != "-" and (audits.addable or audits.summary["failed"])
        return (
            step("to see what to do", format_command("plan", [], flags=["-f", file, *run.home_flags]))
            if to_do
            else None
        )
    names = sorted(audits.addable)
    if not names or run.output == "name":
        return None
    home = run.where.region if run.where else None
    if len(names) <= MAX_NAMED:
        return step("to add missing replicas", format_command("replicate", names, primary_region=home, targets=wanted))
    flags = choice.flags if choice.is_made else (*choice.flags, "--all")
    return step(
        "to add missing replicas", format_command("replicate", [], primary_region=home, targets=wanted, flags=flags)
    )
