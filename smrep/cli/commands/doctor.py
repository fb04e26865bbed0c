"""`smrep doctor`: what would stop a replication, or a reader over there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from smrep.cli import options
from smrep.cli import root as basics
from smrep.cli.app import App
from smrep.cli.conduct import conduct
from smrep.cli.params import Role, targets
from smrep.errors import UsageError
from smrep.rules.primary_region import check_regions
from smrep.rules.run_outcome import stopped_looking

EXAMPLES = """\b
Examples:
    smrep doctor prod/db -r us-west-2=alias/dr
    smrep doctor prod/db --reader arn:aws:iam::123456789012:role/app
    smrep doctor -r us-west-2,eu-west-1"""


@click.command(
    context_settings=basics.CONTEXT,
    epilog=EXAMPLES,
)
@click.argument("secrets", metavar="[SECRET]...", nargs=-1)
@options.regions("Replica Region to look into (default: all that are listed), and the key to use there", keys=True)
@click.option("--kms-key", metavar="KMS_KEY", help="Key for the Regions that name none.")
@click.option("--reader", type=Role(), metavar="ROLE_ARN", help="Say whether this role could read the replicas.")
@options.shared
def doctor(secrets: tuple[str, ...], regions: Any, *, kms_key: str | None, reader: str | None, **more: Any) -> None:
    """Look at everything that could stop a replication, and change nothing.

    What bears the name in each target Region, the keys on both sides, the keys of old versions, whether the Region is
    enabled, who manages the secret, whose credentials these are. What may not be looked at is said with the permission
    that it needs, and is no pass. With --reader: whether that role could read over there, as far as IAM tells.
    """
    app = App("doctor", options.Shared(**more))

    if reader and not secrets:
        raise UsageError("--reader needs a secret to read", "name one: smrep doctor SECRET --reader ROLE_ARN")

    def work(app: App) -> Iterator[None]:
        wanted = targets(regions, kms_key)
        replicas = [target.region for target in wanted]
        where = app.find_home(secrets, replicas, needed=True)
        check_regions(where.sources, replicas)

        from smrep.service.doctor import Doctor

        app.interrupted = stopped_looking
        aws = app.connect()
        home = next(iter(where.sources))
        run = Doctor(aws, aws, aws, home, wanted, reader, app.options.expect_account)
        caller = run.caller()
        app.account_id = caller.account
        (app.messages.note if caller.account else app.messages.warning)(caller.sentence)
        if not where.addresses:
            app.messages.note("no SECRET was named: nothing but the credentials was looked at")
        found = run.examine(where.addresses)
        app.secrets = lambda: found
        for arn in caller.strangers(found):
            app.messages.warning(f"it belongs to another account than the credentials: {arn}")
        yield from ()

    conduct(app, work)
