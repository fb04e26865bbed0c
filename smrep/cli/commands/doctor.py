"""`smrep doctor`: check keys, names and permissions before you replicate."""

from __future__ import annotations

from typing import Any

import click

from smrep.cli import options
from smrep.cli.params import Role, targets
from smrep.cli.root import command
from smrep.cli.run import Run
from smrep.cli.selection import select
from smrep.errors import UsageError
from smrep.report import SecretsReport
from smrep.rules.primary_region import check_regions
from smrep.service.run_state import interrupted_look

EXAMPLES = """\b
Examples:
    smrep doctor prod/db -r us-west-2=alias/dr
    smrep doctor prod/db --reader arn:aws:iam::123456789012:role/app
    smrep doctor -r us-west-2,eu-west-1"""


@command(
    epilog=EXAMPLES,
)
@options.secrets
@options.regions("Replica Region to check (default: all listed ones), and its KMS key", keys=True)
@click.option("--kms-key", metavar="KMS_KEY", help="Key for the Regions that name none.")
@click.option("--reader", type=Role(), metavar="ROLE_ARN", help="Check whether this role can read the replicas.")
@options.shared
def doctor(
    choice: options.Choice, regions: Any, *, kms_key: str | None, reader: str | None, shared: options.SharedOptions
) -> int:
    """Check keys, names and permissions before you replicate.

    doctor checks the secret's name in each target Region, the keys on both sides and of old versions, whether the
    Region is enabled, whether an AWS service manages the secret, and your credentials. It changes nothing. Anything it
    cannot check is reported as unchecked, never as passed, with the permission that it needs. With --reader, it checks
    whether that role can read the replicas, as far as IAM tells.
    """
    if choice.flags and not choice.is_made:
        raise UsageError("--exclude alone selects no secrets", "add --prefix, --tag or --all")
    if reader and not (choice.secrets or choice.is_made):
        raise UsageError("--reader needs secrets", "name them, or use --prefix, --tag or --all")

    with Run("doctor", shared) as run:
        wanted = targets(regions, kms_key)
        replicas = [target.region for target in wanted]
        where = run.locate(choice.secrets, replicas, needed=True)
        check_regions(where.sources, replicas)
        addresses = select(run, choice, replicas) if choice.is_made else where.addresses

        from smrep.service import doctor as service
        from smrep.service.steps.lookup import identify_caller

        run.state.track((), interrupted_look)
        aws, home = run.connect(), next(iter(where.sources))
        caller = identify_caller(aws, home)
        run.account_id = caller.account
        (run.messages.note if caller.account else run.messages.warning)(caller.sentence)
        if not addresses:
            run.messages.note("no secrets: smrep checked only the credentials")
        reports = service.Doctor(aws, aws, aws, home, wanted, reader, shared.expect_account).examine(addresses)
        run.finish(SecretsReport(reports))
        for arn in caller.strangers(reports):
            run.messages.warning(f"a secret belongs to another account than the credentials: {arn}")
    return run.exit_code
