"""`smrep promote`: make a replica a standalone secret."""

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
from smrep.errors import UsageError

EXAMPLES = """\b
Examples:
    smrep promote prod/db -r us-west-2
    smrep promote prod/db -r us-west-2 --yes -o json"""


@click.command(context_settings=basics.CONTEXT, epilog=EXAMPLES)
@options.secrets
@options.regions("Region of the replica", there=True, required=True)
@options.changing("Wait until the secret is seen to stand alone (default: wait).", "the promotion")
@options.shared
def promote(
    secrets: tuple[str, ...], regions: Any, *, wait: bool, timeout_s: float, dry_run: bool, yes: bool, **more: Any
) -> None:
    """Make the replica in a Region a standalone secret that can be written and rotated there.

    Its name, ARN and key stay; nothing leads back. Only that Region is called: the primary's may be down. The old
    primary is asked once afterwards what it lists still, and its silence fails nothing.
    """
    app = App("promote", options.Shared(**more), timeout_s, dry_run=dry_run)

    def work(app: App) -> Iterator[None]:
        wanted = [target.region for target in targets(regions, None)]
        if len(wanted) != 1:
            raise UsageError("a promotion is of one Region at a time", f"-r {wanted[0]}")
        (region,) = wanted
        secret_ids = app.find_there(secrets, region)

        from smrep.service.promote import Promotion

        run = Promotion(
            app.connect(region),
            app.clock,
            app.deadline,
            secret_ids,
            region,
            app.options.primary_region,
            wait=wait,
            expect_account=app.options.expect_account,
            flags=options.typed("timeout_s", "wait", "dry_run"),
            pulse=app.show,
        )
        yield from carry_out(app, run, "promoting", yes=yes)

    conduct(app, work)
