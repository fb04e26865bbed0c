"""`smrep remove`: delete replicas, and wait until they are really gone."""

from __future__ import annotations

from typing import Any

from smrep.cli import options
from smrep.cli.fleet_setup import budget
from smrep.cli.params import targets
from smrep.cli.root import command
from smrep.cli.run import Run
from smrep.cli.selection import command_on, select
from smrep.rules.hints import step
from smrep.rules.primary_region import check_regions

EXAMPLES = """\b
Examples:
    smrep remove prod/db -r us-west-2
    smrep remove prod/db -r us-west-2,eu-west-1 --yes && aws secretsmanager delete-secret --secret-id prod/db"""


@command(epilog=EXAMPLES)
@options.secrets
@options.regions("Replica Region to remove", required=True)
@options.rate(20)
@options.changing("Wait until each replica is gone (default: wait).", "the removal")
@options.shared
def remove(
    choice: options.Choice,
    regions: Any,
    *,
    rate: float,
    wait: bool,
    timeout_s: float,
    dry_run: bool,
    yes: bool,
    shared: options.SharedOptions,
) -> int:
    """Delete replicas and wait until they are gone.

    AWS drops a Region from the primary's list at once, but the replica exists for about a minute longer. If you delete
    the primary in that time, the replica becomes an orphan. remove returns once the Region answers 'not found'. You can
    interrupt it and run it again. It removes only replicas of this secret.
    """
    with Run("remove", shared, timeout_s, dry_run=dry_run, yes=yes) as run:
        wanted = tuple(target.region for target in targets(regions, None))
        paced = budget(rate)
        addresses = select(run, choice, wanted)
        check_regions((address.region for address in addresses), wanted)

        from smrep.service import remove as service

        flags = options.typed("timeout_s", "wait", "dry_run", "rate")
        request = service.RemoveRequest(
            addresses, wanted, wait, shared.expect_account, flags, selected=choice.flags, rate=paced
        )
        run.finish(service.remove(run.connect(), request, run.state))
        if not wait and run.state.tracked.was_sent:
            run.messages.warning(
                "the replicas exist for a while longer: do not delete a primary before its replicas are gone"
            )
            run.suggest(step("to wait for it", command_on("remove", choice, addresses, wanted)))
    return run.exit_code
