"""`smrep remove`: delete replicas, and wait until they are really gone."""

from __future__ import annotations

from typing import Any

import click

from smrep.cli import options
from smrep.cli.params import targets
from smrep.cli.root import CONTEXT
from smrep.cli.run import Run
from smrep.rules.primary_region import check_regions

EXAMPLES = """\b
Examples:
    smrep remove prod/db -r us-west-2
    smrep remove prod/db -r us-west-2,eu-west-1 --yes && aws secretsmanager delete-secret --secret-id prod/db"""


@click.command(context_settings=CONTEXT, epilog=EXAMPLES)
@options.secrets
@options.regions("Replica Region to remove", required=True)
@options.changing("Wait until each target answers 'not found' (default: wait).", "the removal")
@options.shared
def remove(
    secrets: tuple[str, ...],
    regions: Any,
    *,
    wait: bool,
    timeout_s: float,
    dry_run: bool,
    yes: bool,
    shared: options.SharedOptions,
) -> int:
    """Delete replicas, and wait until they are really gone.

    AWS drops a Region from its list at once, while the replica lives on for a minute; a primary that is deleted in that
    time leaves it behind as an orphan. Done means that the target answers 'not found', also when run again. Only what
    is seen to be a replica of this very secret is removed.
    """
    with Run("remove", shared, timeout_s, dry_run=dry_run, yes=yes) as run:
        wanted = tuple(target.region for target in targets(regions, None))
        addresses = run.locate(secrets, wanted).addresses
        check_regions((address.region for address in addresses), wanted)

        from smrep.service import remove as service

        flags = options.typed("timeout_s", "wait", "dry_run")
        request = service.RemoveRequest(addresses, wanted, wait, shared.expect_account, flags)
        run.finish(service.remove(run.connect(), request, run.state))
        if not wait and run.state.tracked.was_sent:
            run.messages.warning("replicas live on for a while: delete no primary before a second smrep remove is done")
    return run.exit_code
