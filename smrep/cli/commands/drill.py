"""`smrep sandbox drill`: rehearse the loss of a Region and the failback with the real commands."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from smrep.cli import options
from smrep.cli import root as basics
from smrep.cli.fault_options import delays
from smrep.cli.params import HomeRegion
from smrep.cli.run import Run
from smrep.cli.signals import finish_quietly, stopped_by, typed_line
from smrep.errors import Terminated, UsageError
from smrep.output.terminal import is_terminal
from smrep.regions import Region, partition_of
from smrep.rules.hints import counted
from smrep.rules.recovery.drill_timeline import DrillResult, third_region
from smrep.rules.recovery.failover_record import RegionPair

if TYPE_CHECKING:
    from smrep.sandbox.faults import Faults
    from smrep.service.drill import Drill

REPLICATION_S, REMOVAL_S = 1.0, 3.0
"""Short, to keep the drill under a minute. AWS takes longer: aws-behavior.md 0.3, 2.4."""
MOST_TOLD = 5
"""Number of problems to print; the document has all."""
EXAMPLES = """\b
Examples:
    smrep sandbox drill
    smrep sandbox drill --pause
    smrep sandbox drill --from eu-west-1 --to eu-central-1 --secrets 100
    smrep sandbox drill --removal-delay 40s --stale-entry-guards
    smrep sandbox drill -q -o json | jq .totals"""


@basics.command(short_help="Rehearse the loss of a Region and the failback.", epilog=EXAMPLES)
@click.option(
    "--from",
    "source",
    type=HomeRegion(),
    default="us-east-1",
    metavar="REGION",
    help="Region of the primaries, which goes down (default: us-east-1).",
)
@click.option(
    "--to",
    "target",
    type=HomeRegion(),
    default="us-west-2",
    metavar="REGION",
    help="Region that takes over (default: us-west-2).",
)
@click.option(
    "--secrets",
    "count",
    type=click.IntRange(1, 10_000),
    default=12,
    metavar="N",
    help="Number of secrets (default: 12).",
)
@click.option(
    "--replication-delay",
    multiple=True,
    metavar="[REGION=]DURATION",
    help="Time that a replication takes (default: 1s).",
)
@click.option(
    "--removal-delay",
    multiple=True,
    metavar="[REGION=]DURATION",
    help="Time until a removed replica is gone (default: 3s).",
)
@click.option(
    "--stale-entry-guards",
    is_flag=True,
    help="Refuse to overwrite an old primary that still lists the promoted Region.",
)
@click.option("--pause", is_flag=True, help="On a terminal, wait for Enter before each step.")
@click.option("--log", type=click.Path(dir_okay=False), metavar="FILE", help="Append one JSON line per call.")
@click.option("-o", "--output", type=click.Choice(["table", "json"]), help="Format of the result (default: table).")
@click.option("--json", "as_json", is_flag=True, help="Short for -o json.")
@click.option("-q", "--quiet", is_flag=True, help="Print only warnings, errors and the result.")
@click.option(
    "--color",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    envvar="SMREP_COLOR",
    help="Use color (default: auto).  [$SMREP_COLOR]",
)
@click.option("--no-input", is_flag=True, envvar="SMREP_NO_INPUT", help="Never wait for Enter.  [$SMREP_NO_INPUT]")
@basics.version
def drill(**typed: Any) -> None:
    """Rehearse the loss of a Region and the failback, in a sandbox.

    The drill creates secrets with a replica in the Region that takes over, and for every other one in a third Region.
    Their Region goes down, smrep failover and smrep failback run as you would type them, and the Region recovers.
    Meanwhile the drill records what readers and writers of each secret get in each Region. Nothing touches AWS.

    The exit code is 0 if every command exits with 0, each secret's current value is readable somewhere all the time,
    and everything ends as it began; else 1. The JSON document, smrep-drill/1 (smrep/output/drill.schema.json), has the
    commands with their exit codes, and for each secret and Region what a reader got (current, stale, none, down),
    whether it could be written, the gaps, and the totals.
    """
    run = _run(typed)
    pair = _pair(typed["source"], typed["target"])
    faults = _faults(typed)

    from smrep.cli.sandbox_process import rehearsing

    result: DrillResult | None = None
    try:
        with rehearsing(run.messages, pair, typed["count"], faults, typed["log"]) as rehearsal:
            code = 0
            try:
                _act(run, rehearsal, pausing=typed["pause"])
            except (KeyboardInterrupt, Terminated) as signal:
                code = stopped_by(signal)
            result = rehearsal.report()
    except (KeyboardInterrupt, Terminated) as signal:  # before it began, or during cleanup
        code = stopped_by(signal)
    if result is not None:
        code = code or int(bool(result.problems))
        _print_result(run, result, code)
    else:
        run.messages.error("interrupted; nothing was started")
    sys.exit(code)


def _run(typed: dict[str, Any]) -> Run:
    """Return the run that reports a drill; it has no connection of its own to AWS."""
    shared = options.SharedOptions(
        output=typed["output"] or ("json" if os.environ.get("SMREP_OUTPUT") == "json" else "table"),
        as_json=typed["as_json"],
        quiet=typed["quiet"],
        color=typed["color"],
        no_input=typed["no_input"],
    )
    return Run("sandbox drill", shared)


def _pair(source: Region, target: Region) -> RegionPair:
    """Return the two Regions as a pair.

    Raises:
        UsageError: they cannot be a pair.

    """
    if source == target:
        raise UsageError(f"--from and --to are both {source}", "use two Regions: --from us-east-1 --to us-west-2")
    if partition_of(source) != partition_of(target):
        raise UsageError(
            f"{source} and {target} are in different partitions; secrets replicate only within a partition"
        )
    return RegionPair(source, target)


def _faults(typed: dict[str, Any]) -> Faults:
    """Return the faults of the sandbox's AWS.

    Raises:
        UsageError: a Region or a duration is invalid.

    """
    from smrep.sandbox.faults import Faults

    replication_s, replication_by_region = delays(typed["replication_delay"], REPLICATION_S)
    removal_s, removal_by_region = delays(typed["removal_delay"], REMOVAL_S)
    return Faults(
        replication_delay_s=replication_s,
        replication_delay_by_region=replication_by_region,
        removal_delay_s=removal_s,
        removal_delay_by_region=removal_by_region,
        stale_entry_guards=typed["stale_entry_guards"],
    )


def _act(run: Run, drill: Drill, *, pausing: bool) -> None:
    """Announce and take each step; `pausing` waits for Enter on a terminal first."""
    options = run.options
    asking = pausing and not (options.no_input or options.quiet)
    guided = asking and is_terminal(run.stdin) and is_terminal(run.stderr)
    pair, third, count = drill.pair, third_region(drill.pair), len(drill.stage.names)
    far = f"; {(count + 1) // 2} also in {third}" if third else ""
    run.messages.note(f"{counted(count, 'secret')} in {pair.source}, each with a replica in {pair.target}{far}")
    for number, step in enumerate(drill.act(), 1):
        run.messages.step(f"step {number} of {len(drill.steps)}", step.what)
        if step.command:
            run.messages.command(step.command)
        if guided:
            typed_line("Press Enter to continue: ", run.stdin, run.stderr)


def _print_result(run: Run, result: DrillResult, code: int) -> None:
    """Print the result, with the problems on standard error."""
    for problem in result.problems[:MOST_TOLD]:
        run.messages.error(problem)
    if len(result.problems) > MOST_TOLD:
        run.messages.error(f"and {len(result.problems) - MOST_TOLD} more; -o json has all")
    if result.interrupted:
        run.messages.error("interrupted; the sandbox and its secrets are gone")
    run.write([_text(run, result, code)])
    finish_quietly(code)


def _text(run: Run, result: DrillResult, code: int) -> str:
    if run.output == "json":
        from smrep.output.drill_document import as_json

        return as_json(result, code)
    from smrep.output.tables.drill_table import render_drill

    return render_drill(result, run.paper(run.stdout))
