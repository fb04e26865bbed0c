"""What `replicate` and `retry` have in common: their options, and how they run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import click

from smrep.cli import options
from smrep.cli.app import App
from smrep.cli.conduct import conduct
from smrep.cli.confirm import carry_out
from smrep.cli.params import targets
from smrep.errors import UsageError
from smrep.model import Target
from smrep.rules.asked import check_regions

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

    from smrep.rules.plan import Consent
    from smrep.service.replication import Replication
    from smrep.service.request import Request

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
