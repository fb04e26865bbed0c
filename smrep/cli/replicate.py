"""`smrep replicate`: add replica Regions, wait until each is in sync, say so per Region."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from smrep.cli import options
from smrep.cli.app import App
from smrep.cli.conduct import conduct
from smrep.cli.confirm import confirm, show
from smrep.cli.params import targets
from smrep.errors import UsageError
from smrep.rules.asked import check_regions
from smrep.rules.closing import stopped

EXAMPLES = """\b
Examples:
    smrep replicate prod/db -r us-west-2
    smrep replicate prod/db -r us-west-2=alias/dr,eu-west-1 --timeout 10m
    smrep replicate - -r us-west-2 -o name < names.txt"""


@click.command(
    context_settings=options.CONTEXT, short_help="Add replica Regions, wait until each is in sync.", epilog=EXAMPLES
)
@options.secrets
@options.regions("Replica Region, and its KMS key", keys=True)
@click.option("--kms-key", metavar="KMS_KEY", help="Key for the Regions that name none.")
@click.option("--wait/--no-wait", default=True, help="Wait until each Region has settled (default: wait).")
@options.timeout
@click.option("-n", "--dry-run", is_flag=True, help="Look, say what would be sent, send nothing.")
@click.option("--no-preflight", is_flag=True, help="Do not look into the target Regions first.")
@click.option("--force-overwrite", is_flag=True, help="Destroy a secret of the same name in a target Region.")
@click.option(
    "--overwrite-arn",
    "overwrite_arns",
    metavar="ARN",
    multiple=True,
    help="With --force-overwrite: this promoted replica may be destroyed too.",
)
@click.option("--yes", is_flag=True, help="Answer the confirmation of --force-overwrite.")
@options.shared
def replicate(
    secrets: tuple[str, ...],
    regions: Any,
    kms_key: str | None,
    *,
    wait: bool,
    timeout_s: float,
    dry_run: bool,
    no_preflight: bool,
    force_overwrite: bool,
    overwrite_arns: tuple[str, ...],
    yes: bool,
    **more: Any,
) -> None:
    """Add replica Regions to secrets, wait until each is in sync, say so per Region.

    SECRET is a name or an ARN; - reads them from standard input, one a line. What is in sync already is left alone;
    Regions that Failed before are tried again.
    """
    app = App("replicate", options.Shared(**more), timeout_s, dry_run=dry_run)
    if overwrite_arns and not force_overwrite:
        raise UsageError("--overwrite-arn does nothing without --force-overwrite", "add --force-overwrite")

    def work(app: App) -> Iterator[None]:
        wanted = targets(regions, kms_key)
        replicas = [target.region for target in wanted]
        where = app.find_home(secrets, replicas)
        check_regions((address.region for address in where.addresses), replicas)

        from smrep.rules.plan import Consent
        from smrep.service.replication import Replication, Request

        consent = Consent(force_overwrite, frozenset(overwrite_arns))
        request = Request(
            where.addresses,
            wanted,
            consent,
            preflight=not no_preflight,
            wait=wait,
            expect_account=app.options.expect_account,
            flags=options.typed("timeout_s", "wait", "dry_run", "no_preflight"),
        )
        aws = app.connect()
        run = Replication(aws, aws, app.clock, app.deadline, request, app.show)
        app.secrets = lambda: run.secrets(dry_run=True)  # nothing is sent before it is confirmed
        app.interrupted = lambda: stopped(run.secrets(), sent=run.was_sent)
        run.plan()
        app.announce()
        show(app, run.victims)
        if dry_run:
            app.messages.note("dry run: nothing was sent")
            return
        confirm(app, run, yes=yes)
        app.secrets = run.secrets
        yield from run.act()

    conduct(app, work)
