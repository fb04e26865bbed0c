"""`smrep replicate`: add replica Regions and wait until each is in sync; code shared with `smrep retry`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from typing import Any

import click

from smrep.cli import options
from smrep.cli.params import targets
from smrep.cli.root import CONTEXT
from smrep.cli.run import Run
from smrep.errors import UsageError
from smrep.model import Target
from smrep.rules.primary_region import check_regions

REPEATED = ("timeout_s", "wait", "dry_run", "no_preflight", "verify")
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
    yes: bool

    def __post_init__(self) -> None:
        """Refuse contradictory options."""
        if self.overwrite_arns and not self.force_overwrite:
            raise UsageError("--overwrite-arn does nothing without --force-overwrite", "add --force-overwrite")
        if self.verify and not self.wait:
            raise UsageError(
                "--verify needs the end of the replication, and --no-wait does not wait for it", "leave one out"
            )


def replicate_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a command that sends ReplicateSecretToRegions, as one value: `chosen`."""

    @wraps(command)
    def with_value(**values: Any) -> Any:
        chosen = {field.name: values.pop(field.name) for field in fields(ReplicateOptions)}
        return command(chosen=ReplicateOptions(**chosen), **values)

    added = [
        click.option("--wait/--no-wait", default=True, help="Wait until each Region has settled (default: wait)."),
        options.timeout,
        click.option("-n", "--dry-run", is_flag=True, help="Look, say what would be sent, send nothing."),
        click.option("--no-preflight", is_flag=True, help="Do not look at keys and into the target Regions first."),
        click.option("--force-overwrite", is_flag=True, help="Destroy a secret of the same name in a target Region."),
        click.option(
            "--overwrite-arn",
            "overwrite_arns",
            metavar="ARN",
            multiple=True,
            help="With --force-overwrite: this promoted replica may be destroyed; nothing else of its name there is.",
        ),
        click.option("--verify", is_flag=True, help="At the end, prove that each replica holds the current version."),
        click.option("--yes", is_flag=True, help="Answer the confirmation of --force-overwrite."),
    ]
    for option in reversed(added):
        with_value = option(with_value)
    return with_value


@click.command(context_settings=CONTEXT, epilog=EXAMPLES)
@options.secrets
@options.regions("Replica Region, and its KMS key", keys=True, required=True)
@click.option("--kms-key", metavar="KMS_KEY", help="Key for the Regions that name none.")
@replicate_options
@options.shared
def replicate(
    secrets: tuple[str, ...], regions: Any, kms_key: str | None, chosen: ReplicateOptions, shared: options.SharedOptions
) -> int:
    """Add replica Regions to secrets, wait until each is in sync, say so per Region.

    SECRET is a name or an ARN; - reads them from standard input, one a line. What is in sync already is left alone;
    Regions that Failed before are tried again.
    """
    return run_replication("replicate", secrets, lambda: targets(regions, kms_key), chosen, shared)


def run_replication(
    command: str,
    secrets: tuple[str, ...],
    wanted: Callable[[], tuple[Target, ...]],
    chosen: ReplicateOptions,
    shared: options.SharedOptions,
) -> int:
    """Run `replicate` or `retry`, and return the exit code; `wanted` holds the Regions, or their error."""
    with Run(command, shared, chosen.timeout_s, dry_run=chosen.dry_run, yes=chosen.yes) as run:
        regions = wanted()
        replicas = [target.region for target in regions]
        addresses = run.locate(secrets, replicas).addresses
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
            retry=command == "retry",
        )
        run.finish(service.replicate(run.connect(), request, run.state))
    return run.exit_code
