"""`smrep list`: list a Region's secrets and their roles, page by page."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import click

from smrep.cli import options
from smrep.cli.fleet_setup import selection, selector
from smrep.cli.root import CONTEXT
from smrep.cli.run import Run
from smrep.output.formats import STREAMED
from smrep.report import SecretReport
from smrep.rules.manifest.selector import EVERY
from smrep.service.run_state import interrupted_look

EXAMPLES = """\b
Examples:
    smrep list
    smrep list --prefix prod/ --tag team=payments
    smrep list --primary-region us-west-2 -o json --query "secrets[?role=='replica'].name"
    smrep list --tag dr -o name | smrep status -"""


@click.command(
    "list",
    context_settings=CONTEXT,
    epilog=EXAMPLES,
)
@selection
@options.shared
def list_(shared: options.SharedOptions, **choice: Any) -> int:
    """List the secrets of a Region: primaries, replicas of another Region's, and those never replicated.

    A list may be five minutes behind; what is scheduled for deletion is left out. As text, names and events it is
    written page by page, as it comes.
    """
    with Run("list", shared) as run:
        chosen = selector(**choice)
        region = next(iter(run.locate((), (), needed=True).sources))

        from smrep.service.list_secrets import Listing

        listing = Listing(run.connect(), run.clock, region, chosen, shared.expect_account)
        run.state.track(listing, interrupted_look)
        listing.look(run.state, partial(_write_page, run))
        if not listing.seen:
            run.messages.warning(
                f"there is no secret in {region}" if chosen == EVERY else f"the choice matches no secret of {region}"
            )
    return run.exit_code


def _write_page(run: Run, page: Sequence[SecretReport]) -> None:
    """Write a page's secrets at once, if the format allows."""
    if run.events:
        run.events.listed(page)
    write = None if run.options.query is not None else STREAMED.get(run.output)
    if write:
        run.streamed = True
        run.write(line for secret in page for line in write(secret))
