"""`smrep replicate`: add replica Regions and wait until each is in sync; code shared with `smrep retry`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import click

from smrep.cli import options
from smrep.cli.fleet_setup import budget
from smrep.cli.params import targets
from smrep.cli.root import command
from smrep.cli.run import Run
from smrep.cli.selection import command_on, select
from smrep.errors import UsageError
from smrep.model import Target
from smrep.rules.hints import step
from smrep.rules.primary_region import check_regions

REPEATED = ("timeout_s", "wait", "dry_run", "no_preflight", "verify", "rate")
"""Python names of the options to repeat in a hint's command."""
EXAMPLES = """\b
Examples:
    smrep replicate prod/db -r us-west-2
    smrep replicate prod/db -r us-west-2=alias/dr,eu-west-1 --timeout 10m --verify
    smrep replicate - -r us-west-2 -o name < names.txt"""


@dataclass(frozen=True, slots=True)
class ReplicateOptions:
    """Values of the options shared by `replicate` and `retry`."""

    wait: bool
    timeout_s: float
    dry_run: bool
    no_preflight: bool
    force_overwrite: bool
    overwrite_arns: tuple[str, ...]
    verify: bool
    rate: float
    yes: bool

    def __post_init__(self) -> None:
        """Refuse contradictory options."""
        if self.overwrite_arns and not self.force_overwrite:
            raise UsageError("--overwrite-arn does nothing without --force-overwrite", "add --force-overwrite")
        if self.verify and not self.wait:
            raise UsageError("--verify and --no-wait contradict each other", "omit one of them")


replicate_options = partial(
    options.as_one_value,
    "chosen",
    ReplicateOptions,
    (
        click.option(
            "--wait/--no-wait", default=True, help="Wait until Regions are in sync or failed (default: wait)."
        ),
        options.timeout,
        click.option("-n", "--dry-run", is_flag=True, help="Show what smrep would send, and send nothing."),
        click.option("--no-preflight", is_flag=True, help="Skip the checks of keys and target Regions."),
        click.option("--force-overwrite", is_flag=True, help="Destroy a secret with the same name in a target Region."),
        click.option(
            "--overwrite-arn",
            "overwrite_arns",
            metavar="ARN",
            multiple=True,
            help="With --force-overwrite: destroy this promoted replica, and no other secret there.",
        ),
        click.option("--verify", is_flag=True, help="Finally prove that each replica holds the current version."),
        options.rate(20),
        click.option("--yes", is_flag=True, help="Confirm --force-overwrite or a plan without a question."),
    ),
)
"""Adds the options of a command that sends ReplicateSecretToRegions, as one value: `chosen`."""


@command(epilog=EXAMPLES)
@options.secrets
@options.regions("Replica Region, and its KMS key", keys=True, required=True)
@click.option("--kms-key", metavar="KMS_KEY", help="Key for the Regions that name none.")
@replicate_options
@options.shared
def replicate(
    choice: options.Choice,
    regions: Any,
    kms_key: str | None,
    chosen: ReplicateOptions,
    shared: options.SharedOptions,
) -> int:
    """Add replica Regions and wait until each is in sync.

    SECRET is a name or an ARN; - reads them from standard input, one a line. smrep skips Regions that are in sync, and
    retries Regions that failed before.
    """
    return run_replication("replicate", choice, lambda: targets(regions, kms_key), chosen, shared)


def run_replication(
    command: str,
    choice: options.Choice,
    wanted: Callable[[], tuple[Target, ...]],
    chosen: ReplicateOptions,
    shared: options.SharedOptions,
) -> int:
    """Run `replicate` or `retry`, and return the exit code; `wanted` holds the Regions, or their error."""
    with Run(command, shared, chosen.timeout_s, dry_run=chosen.dry_run, yes=chosen.yes) as run:
        regions = wanted()
        replicas = [target.region for target in regions]
        paced = budget(chosen.rate)
        addresses = select(run, choice, replicas)
        check_regions((address.region for address in addresses), replicas)

        from smrep.rules.replication.region_step import Consent
        from smrep.service import replicate as service

        request = service.ReplicateRequest(
            addresses,
            regions,
            Consent(chosen.force_overwrite, frozenset(chosen.overwrite_arns)),
            preflight=not chosen.no_preflight,
            wait=chosen.wait,
            verify=chosen.verify,
            expect_account=shared.expect_account,
            flags=options.typed(*REPEATED),
            selected=choice.flags,
            rate=paced,
            command=command,
        )
        run.finish(service.replicate(run.connect(), request, run.state))
        if not chosen.wait and run.state.tracked.was_sent:
            run.suggest(step("to wait for it", command_on("wait", choice, addresses, replicas)))
    return run.exit_code
