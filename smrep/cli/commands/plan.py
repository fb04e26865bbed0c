"""`smrep plan`: show what `apply` would do, without doing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from smrep import __version__
from smrep.cli import options
from smrep.cli.fleet_setup import (
    check_writable,
    dealt_accounts,
    manifest_plan,
    read_manifest,
    several_accounts,
    shard_of,
    sharded,
    with_found_accounts,
)
from smrep.cli.root import command
from smrep.cli.run import Run
from smrep.errors import OutputError
from smrep.files import replacing
from smrep.rules.fleet.saved_plan import Saved, SavedSecret, as_text, saved_steps
from smrep.rules.fleet.shards import Shard
from smrep.rules.hints import format_command, step
from smrep.service.run_state import interrupted_look

if TYPE_CHECKING:
    from smrep.service.plan import FleetPlan

EXAMPLES = """\b
Examples:
    smrep plan -f dr.toml
    smrep plan -f dr.toml --detailed-exitcode
    smrep plan -f dr.toml --out dr.plan && smrep apply --plan dr.plan"""


@command(epilog=EXAMPLES)
@click.option("-f", "--file", metavar="FILE", required=True, help="Manifest to plan for; - is standard input.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 5 if there is something to do.")
@click.option("--out", metavar="FILE", help="Write the plan to FILE for apply --plan.")
@sharded
@several_accounts
@options.shared
def plan(
    file: str,
    *,
    detailed_exitcode: bool,
    out: str | None,
    shard: str | None,
    parallel_accounts: int,
    shared: options.SharedOptions,
) -> int:
    """Show what apply would do, and change nothing.

    smrep lists each Region, and describes only the secrets that differ from the manifest. It shows a replica with
    another key than the manifest's, but apply keeps it: smrep rekey changes the key.
    """
    with Run("plan", shared, dry_run=True) as run:
        manifest = read_manifest(file, run.stdin)
        if out:
            check_writable("--out", out)
        part = shard_of(run, shard)
        manifest = with_found_accounts(run, manifest)
        fleet_plan = manifest_plan(run, manifest, part, width=parallel_accounts, detailed=detailed_exitcode)
        run.state.track(fleet_plan, interrupted_look)
        fleet_plan.look(run.state)
        if run.events:
            run.events.plan()
        fleet_plan.accounts.check(fleet_plan.count)  # never save an incomplete plan
        if out:
            _save(run, fleet_plan, out, part, dealt_accounts(manifest, part))
        if fleet_plan.changes and (out or file != "-"):
            how = ["--plan", out] if out else ["-f", file, *(["--shard", shard] if shard else []), *run.home_flags]
            run.next_step = step("to apply it", format_command("apply", [], flags=how))
    return run.exit_code


def _save(run: Run, fleet_plan: FleetPlan, path: str, shard: Shard, accounts: int) -> None:
    """Write the plan to a file.

    Raises:
        OutputError: it cannot be written.

    """
    roles = tuple(planner.inventory.scope.role for planner in fleet_plan.planners)
    places = {id(planner): place for place, planner in enumerate(fleet_plan.planners)}
    secrets = []
    for planner, plan in fleet_plan.plans:
        deletions = plan.removal.deletions.values() if plan.removal else ()
        steps = saved_steps(plan.replication.steps if plan.replication else (), deletions)
        if steps:
            secrets.append(SavedSecret(plan.arn, places[id(planner)], plan.wanted.rules, steps))
    saved = Saved(f"{run.started_at:%Y-%m-%dT%H:%M:%SZ}", roles, tuple(secrets), shard, accounts)
    try:
        with replacing(path) as file:
            file.write(as_text(saved, __version__))
    except OSError as error:
        raise OutputError(
            f"the plan could not be written to {path}: {error.strerror}", code="PlanNotWritten"
        ) from error
