"""`smrep remove`: delete replicas, wait until they are really gone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from smrep.cli import options
from smrep.cli import root as basics
from smrep.cli.app import App
from smrep.cli.conduct import conduct
from smrep.cli.confirm import carry_out
from smrep.cli.params import targets
from smrep.rules.primary_region import check_regions

EXAMPLES = """\b
Examples:
    smrep remove prod/db -r us-west-2
    smrep remove prod/db -r us-west-2,eu-west-1 --yes && aws secretsmanager delete-secret --secret-id prod/db"""


@click.command(context_settings=basics.CONTEXT, epilog=EXAMPLES)
@options.secrets
@options.regions("Replica Region to remove", required=True)
@options.changing("Wait until each target answers 'not found' (default: wait).", "the removal")
@options.shared
def remove(
    secrets: tuple[str, ...], regions: Any, *, wait: bool, timeout_s: float, dry_run: bool, yes: bool, **more: Any
) -> None:
    """Delete replicas, and wait until they are really gone.

    AWS drops a Region from its list at once, while the replica lives on for a minute; a primary that is deleted in that
    time leaves it behind as an orphan. Done means that the target answers 'not found', also when run again. Only what
    is seen to be a replica of this very secret is removed.
    """
    app = App("remove", options.Shared(**more), timeout_s, dry_run=dry_run)

    def work(app: App) -> Iterator[None]:
        wanted = [target.region for target in targets(regions, None)]
        where = app.find_home(secrets, wanted)
        check_regions((address.region for address in where.addresses), wanted)

        from smrep.service.remove import Removal

        run = Removal(
            app.connect(),
            app.clock,
            app.deadline,
            where.addresses,
            tuple(wanted),
            wait=wait,
            expect_account=app.options.expect_account,
            flags=options.typed("timeout_s", "wait", "dry_run"),
            pulse=app.show,
        )
        yield from carry_out(app, run, "removing", yes=yes)
        if not wait and run.was_sent:
            app.messages.warning("replicas live on for a while: delete no primary before a second smrep remove is done")

    conduct(app, work)
