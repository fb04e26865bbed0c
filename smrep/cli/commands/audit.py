"""`smrep audit`: find secrets with missing, failed or outdated replicas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from smrep.cli import options
from smrep.cli.fleet_setup import (
    check_writable,
    is_whole,
    open_inventories,
    read_manifest,
    selection,
    selector,
    sharded,
    typed_choice,
)
from smrep.cli.params import targets
from smrep.cli.root import CONTEXT
from smrep.cli.run import Run
from smrep.errors import UsageError
from smrep.model import Target
from smrep.output.artifacts import check_path
from smrep.rules.hints import format_command
from smrep.rules.manifest.schema import Manifest, Rule
from smrep.rules.manifest.selector import EVERY
from smrep.service.run_state import interrupted_look

if TYPE_CHECKING:
    from smrep.service.audit import Audits

EXAMPLES = """\b
Examples:
    smrep audit -r us-west-2
    smrep audit -r us-west-2=alias/dr,eu-west-1 --prefix prod/ --deep
    smrep audit -f dr.toml --report dr.html --report dr.xml --report dr.prom
    smrep audit -r us-west-2 -o name | smrep replicate - -r us-west-2"""


@click.command(context_settings=CONTEXT, epilog=EXAMPLES)
@options.regions("Region where each secret should have a replica, and its key", keys=True)
@click.option(
    "-f", "--file", metavar="FILE", help="Manifest that says which secret should be where; - is standard input."
)
@selection
@click.option("--deep", is_flag=True, help="Look at every primary, so that statuses are known: one call per secret.")
@click.option(
    "--report",
    "reports",
    metavar="FILE",
    multiple=True,
    help="Write the result to FILE.html (a page for people), FILE.xml (JUnit) or FILE.prom too.",
)
@sharded
@options.shared
def audit(
    regions: Any,
    file: str | None,
    *,
    deep: bool,
    reports: tuple[str, ...],
    shard: str | None,
    shared: options.SharedOptions,
    **choice: Any,
) -> int:
    """Tell which secrets of a Region are not where they should be.

    All are listed in each Region, and only what is not as it should be is looked at one by one. A list shows no status:
    what is covered by listing was replicated, and is current; whether AWS calls it InSync now, --deep tells. Where
    something differs, exit code 5; where a Region is Failed, 1.
    """
    with Run("audit", shared) as run:
        for path in reports:
            check_path(path)
            check_writable("--report", path)
        run.reports = reports
        chosen, wanted = selector(**choice), targets(regions, None)
        if bool(file) == bool(wanted):
            raise UsageError("say what is wanted: either -r REGION or -f FILE", "smrep audit -r us-west-2")
        if file and chosen != EVERY:
            raise UsageError("with -f FILE the manifest chooses", "leave --prefix, --tag and --owning-service out")
        manifest = read_manifest(file, run.stdin) if file else Manifest((Rule("", "-r", chosen, wanted),))

        from smrep.service.audit import Audit, Audits
        from smrep.service.steps.lookup import identify_caller

        inventories = open_inventories(run, manifest, shard)
        audits = Audits(
            [Audit(inventory, deep, bool(file), run.state.heartbeat) for inventory in inventories],
            is_whole(manifest, inventories),
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
    run: Run, audits: Audits, file: str | None, wanted: Sequence[Target], choice: Mapping[str, Any]
) -> str | None:
    """Return the command that adds missing replicas, None if nothing is missing."""
    if file:
        to_do = file != "-" and (audits.addable or audits.summary["failed"])
        return (
            f"what is to be done: {format_command('plan', [], flags=['-f', file, *run.home_flags])}" if to_do else None
        )
    if not audits.addable:
        return None
    home = run.where.region if run.where else None
    chosen = typed_choice(choice)
    names = format_command("audit", [], primary_region=home, targets=wanted, flags=[*chosen, "-o", "name"])
    return f"to add what is missing: {names} | {format_command('replicate', ['-'], targets=wanted)}"
