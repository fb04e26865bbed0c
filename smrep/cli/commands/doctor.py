"""`smrep doctor`: check keys, names and permissions before you replicate."""

from __future__ import annotations

from typing import Any

import click

from smrep.cli import options
from smrep.cli.params import Role, targets
from smrep.cli.root import CONTEXT
from smrep.cli.run import Run
from smrep.errors import UsageError
from smrep.report import SecretsReport
from smrep.rules.primary_region import check_regions
from smrep.service.run_state import interrupted_look

EXAMPLES = """\b
Examples:
    smrep doctor prod/db -r us-west-2=alias/dr
    smrep doctor prod/db --reader arn:aws:iam::123456789012:role/app
    smrep doctor -r us-west-2,eu-west-1"""


@click.command(
    context_settings=CONTEXT,
    epilog=EXAMPLES,
)
@click.argument("secrets", metavar="[SECRET]...", nargs=-1)
@options.regions("Replica Region to look into (default: all that are listed), and the key to use there", keys=True)
@click.option("--kms-key", metavar="KMS_KEY", help="Key for the Regions that name none.")
@click.option("--reader", type=Role(), metavar="ROLE_ARN", help="Say whether this role could read the replicas.")
@options.shared
def doctor(
    secrets: tuple[str, ...], regions: Any, *, kms_key: str | None, reader: str | None, shared: options.SharedOptions
) -> int:
    """Look at everything that could stop a replication, and change nothing.

    What bears the name in each target Region, the keys on both sides, the keys of old versions, whether the Region is
    enabled, who manages the secret, whose credentials these are. What may not be looked at is said with the permission
    that it needs, and is no pass. With --reader: whether that role could read over there, as far as IAM tells.
    """
    if reader and not secrets:
        raise UsageError("--reader needs a secret to read", "name one: smrep doctor SECRET --reader ROLE_ARN")

    with Run("doctor", shared) as run:
        wanted = targets(regions, kms_key)
        replicas = [target.region for target in wanted]
        where = run.locate(secrets, replicas, needed=True)
        check_regions(where.sources, replicas)

        from smrep.service import doctor as service
        from smrep.service.steps.lookup import identify_caller

        run.state.track((), interrupted_look)
        aws, home = run.connect(), next(iter(where.sources))
        caller = identify_caller(aws, home)
        run.account_id = caller.account
        (run.messages.note if caller.account else run.messages.warning)(caller.sentence)
        if not where.addresses:
            run.messages.note("no SECRET was named: nothing but the credentials was looked at")
        reports = service.Doctor(aws, aws, aws, home, wanted, reader, shared.expect_account).examine(where.addresses)
        run.finish(SecretsReport(reports))
        for arn in caller.strangers(reports):
            run.messages.warning(f"it belongs to another account than the credentials: {arn}")
    return run.exit_code
