"""`smrep replicate`: add replica Regions, wait until each is in sync; what `smrep retry` shares with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import click

from smrep.cli import options
from smrep.cli import root as basics
from smrep.cli.app import App
from smrep.cli.conduct import conduct
from smrep.cli.confirm import carry_out
from smrep.cli.params import targets
from smrep.errors import UsageError
from smrep.model import Target
from smrep.rules.primary_region import check_regions

F = TypeVar("F", bound=Callable[..., Any])

OWN = ("wait", "timeout_s", "dry_run", "no_preflight", "force_overwrite", "overwrite_arns", "verify", "yes")
"""The options of `acting` by their names in Python."""


def acting(command: F) -> F:
    """Add the options of a command that sends ReplicateSecretToRegions."""
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
        command = option(command)
    return command


def replicating(
    command: str, secrets: tuple[str, ...], regions: Any, kms_key: str | None, more: Mapping[str, Any]
) -> None:
    """Run `replicate` or `retry` with the options that were typed.

    Raises:
        SystemExit: always.

    """
    own = {name: more[name] for name in OWN}
    shared = options.Shared(**{name: value for name, value in more.items() if name not in OWN})
    app = App(command, shared, own["timeout_s"], dry_run=own["dry_run"])
    if own["overwrite_arns"] and not own["force_overwrite"]:
        raise UsageError("--overwrite-arn does nothing without --force-overwrite", "add --force-overwrite")
    if own["verify"] and not own["wait"]:
        raise UsageError(
            "--verify needs the end of the replication, and --no-wait does not wait for it", "leave one out"
        )

    def work(app: App) -> Iterator[None]:
        wanted = targets(regions, kms_key)
        yield from _run(app, command, secrets, wanted, own)

    conduct(app, work)


def _run(
    app: App, command: str, secrets: tuple[str, ...], wanted: tuple[Target, ...], own: Mapping[str, Any]
) -> Iterator[None]:
    """Plan, have it confirmed where something is destroyed, act."""
    replicas = [target.region for target in wanted]
    where = app.find_home(secrets, replicas)
    check_regions((address.region for address in where.addresses), replicas)

    from smrep.rules.replication.region_step import Consent
    from smrep.service.replicate import Replication, Request

    request = Request(
        where.addresses,
        wanted,
        Consent(own["force_overwrite"], frozenset(own["overwrite_arns"])),
        preflight=not own["no_preflight"],
        wait=own["wait"],
        verify=own["verify"],
        expect_account=app.options.expect_account,
        flags=options.typed("timeout_s", "wait", "dry_run", "no_preflight", "verify"),
        retry=command == "retry",
    )
    aws, app.looks_last = app.connect(), True
    run = Replication(aws, aws, aws, app.clock, app.deadline, request, app.show)
    yield from carry_out(app, run, "overwriting", yes=own["yes"])


EXAMPLES = """\b
Examples:
    smrep replicate prod/db -r us-west-2
    smrep replicate prod/db -r us-west-2=alias/dr,eu-west-1 --timeout 10m --verify
    smrep replicate - -r us-west-2 -o name < names.txt"""


@click.command(context_settings=basics.CONTEXT, epilog=EXAMPLES)
@options.secrets
@options.regions("Replica Region, and its KMS key", keys=True, required=True)
@click.option("--kms-key", metavar="KMS_KEY", help="Key for the Regions that name none.")
@acting
@options.shared
def replicate(secrets: tuple[str, ...], regions: Any, kms_key: str | None, **more: Any) -> None:
    """Add replica Regions to secrets, wait until each is in sync, say so per Region.

    SECRET is a name or an ARN; - reads them from standard input, one a line. What is in sync already is left alone;
    Regions that Failed before are tried again.
    """
    replicating("replicate", secrets, regions, kms_key, more)
